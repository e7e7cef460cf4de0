# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""One gate, as its commands leave it: what they say of it, held against what the kernel grants.

Ports 80 and 443 tell its states apart: a state is the tuple of its rules, ABSENT where there is no gate.
"""
import json
import os
import subprocess
import time

ABSENT, SMALL, LARGE = None, ('80',), ('80', '443')


def moves(cgroup):
    """By name: the state before, a command, the state after."""
    return {
        'attach': (ABSENT, ['attach', cgroup, '80'], SMALL),
        'replace': (SMALL, ['attach', cgroup, '80', '443'], LARGE),
        'add': (SMALL, ['add', cgroup, '443'], LARGE),
        'remove': (LARGE, ['remove', cgroup, '443'], SMALL),
        'detach': (LARGE, ['detach', cgroup], ABSENT),
        'load': (ABSENT, ['attach', cgroup, '80', '443'], LARGE),  # with the programs, which are not there
        'detach all': (LARGE, ['detach', '--all'], ABSENT),
    }


def eventually(what, condition, cpu_seconds=3):
    """Waits for what should come, until the looking has cost so much CPU time: seconds pass on a busy machine too."""
    def spent():
        return sum(os.times()[:4])
    end = spent() + cpu_seconds
    while not condition():
        assert spent() < end, f'never: {what}'
        time.sleep(0.002)


class Gate:
    def __init__(self, bindgate, cgroup, binder):
        """binder: the command that starts binder.py without privilege in the cgroup."""
        self.bindgate, self.cgroup = bindgate, cgroup
        self.binder = subprocess.Popen(binder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, close_fds=False)

    def run(self, *arguments):
        return subprocess.run([self.bindgate, *arguments], capture_output=True, text=True)

    def bind(self, address, port):
        """'ok', or the errno's name."""
        self.binder.stdin.write(f'tcp {address} {port}\n')
        self.binder.stdin.flush()
        return self.binder.stdout.readline().split()[0]

    def binds(self):
        """The ports that the kernel grants now, over IPv4 and IPv6 alike."""
        granted = []
        for port in '80', '443':
            outcomes = [self.bind(address, port) for address in ('127.0.0.1', '::1')]
            if outcomes[0] != outcomes[1]:
                raise AssertionError(f'half a gate: port {port} is {outcomes[0]} over IPv4 and {outcomes[1]} over IPv6')
            if outcomes[0] == 'ok':
                granted.append(port)
        return tuple(granted)

    def set_up(self, state, loaded=True):
        """loaded: the programs are there."""
        if not loaded:
            self.run('detach', '--all')
        if state is ABSENT:
            self.run('detach', self.cgroup)
        else:
            done = self.run('attach', self.cgroup, *state)
            assert done.returncode == 0, done.stderr

    def look(self, possible):
        """The state that the gate is in, one of those possible: whole, as listed and in the kernel alike. Both before
        and after the next command, `list`, has cleared up."""
        now = self.binds()
        assert now in [state or () for state in possible], f'the kernel grants {now}, none of {possible}'
        listed = self.run('list', '-j')
        assert listed.returncode == 0 and not listed.stderr, f'list: {listed.stderr}{listed.stdout}'
        gates = [gate for gate in json.loads(listed.stdout)['gates'] if gate['path'] == self.cgroup]
        assert all('damage' not in gate for gate in gates), f'damaged: {gates}'
        state = tuple(rule['rule'] for rule in gates[0]['rules']) if gates else ABSENT
        assert state in possible, f'listed as {state}, none of {possible}'
        assert self.binds() == (state or ()), f'listed as {state}, but the kernel grants {self.binds()}'
        return state
