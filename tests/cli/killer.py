# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Kills bindgate at random instants, and looks whether each gate is whole or absent.

killer.py BINDGATE CGROUP KILLS BINDER...    BINDER: the command that starts binder.py without privilege in the cgroup
"""
import json
import os
import random
import subprocess
import sys
import time

bindgate, cgroup, kills = sys.argv[1], sys.argv[2], int(sys.argv[3])
binder = subprocess.Popen(sys.argv[4:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                          close_fds=False)
seed = int(os.environ.get('BINDGATE_TEST_SEED', '0')) or random.randrange(1 << 32)
draw = random.Random(seed)

# rules of a gate, and what it lets be bound; None: no gate
ABSENT, SMALL, LARGE = None, ('80',), ('80', '443')
MADE = {  # before, command, after
    'attach': (ABSENT, ['attach', cgroup, '80'], SMALL),
    'replace': (SMALL, ['attach', cgroup, '80', '443'], LARGE),
    'add': (SMALL, ['add', cgroup, '443'], LARGE),
    'remove': (LARGE, ['remove', cgroup, '443'], SMALL),
    'detach': (LARGE, ['detach', cgroup], ABSENT),
    'load': (ABSENT, ['attach', cgroup, '80', '443'], LARGE),  # with the programs, which are not there
    'detach all': (LARGE, ['detach', '--all'], ABSENT),
}


def run(*arguments):
    return subprocess.run([bindgate, *arguments], capture_output=True, text=True)


def binds():
    """What the kernel grants now."""
    granted = []
    for port in '80', '443':
        outcomes = []
        for address in '127.0.0.1', '::1':
            binder.stdin.write(f'tcp {address} {port}\n')
            binder.stdin.flush()
            outcomes.append(binder.stdout.readline().split()[0])
        if outcomes[0] != outcomes[1]:
            raise AssertionError(f'half a gate: port {port} is {outcomes[0]} over IPv4 and {outcomes[1]} over IPv6')
        if outcomes[0] == 'ok':
            granted.append(port)
    return tuple(granted)


def set_up(state, loaded):
    if not loaded:
        run('detach', '--all')
    if state is ABSENT:
        run('detach', cgroup)
    else:
        done = run('attach', cgroup, *state)
        assert done.returncode == 0, done.stderr


def check(name):
    before, command, after = MADE[name]
    set_up(before, name != 'load')
    began = time.monotonic()
    duration = durations.get(name, 0.05)
    process = subprocess.Popen([bindgate, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait = draw.random() * duration * 1.2
    while time.monotonic() - began < wait:
        pass
    process.kill()
    ended = process.wait()
    if ended == 0:
        durations[name] = 0.8 * duration + 0.2 * (time.monotonic() - began)
    now = binds()
    assert now in (before or (), after or ()), f'{name}: the kernel grants {now}, neither {before} nor {after}'
    listed = run('list', '-j')
    assert listed.returncode == 0 and not listed.stderr, f'{name}: list: {listed.stderr}'
    gates = [gate for gate in json.loads(listed.stdout)['gates'] if gate['path'] == cgroup]
    assert all('damage' not in gate for gate in gates), f'{name}: {gates}'
    state = tuple(rule['rule'] for rule in gates[0]['rules']) if gates else ABSENT
    assert state in (before, after), f'{name}: listed as {state}, neither {before} nor {after}'
    assert binds() == (state or ()), f'{name}: listed as {state}, but the kernel grants {binds()}'
    if ended == 0:
        assert state == after, f'{name}: ended well, but the state is {state}'
    return ended != 0


durations = {}
for name in MADE:  # how long each takes
    set_up(MADE[name][0], name != 'load')
    began = time.monotonic()
    run(*MADE[name][1])
    durations[name] = time.monotonic() - began
hit, rounds = {name: 0 for name in MADE}, 0
try:
    while sum(hit.values()) < kills:
        name = draw.choice(list(MADE))
        hit[name] += check(name)
        rounds += 1
        assert rounds < 20 * kills, 'hardly any command was killed in time'
except AssertionError as error:
    sys.exit(f'{error} (BINDGATE_TEST_SEED={seed}, round {rounds})')
print(f'{sum(hit.values())} killed of {rounds}: {hit}')
