# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The cost of a bind(2) against the number of rules, beside systemd's SocketBindAllow=; and that of changing them.

systemd runs as PID 1 of namespaces of its own; the process that binds moves into the cgroups of its services. Where
there is none, a program of the bench's own that compares the ports one by one stands for it.
"""
import errno
import os
import subprocess
import sys
import time

import lab

BIND_ROUNDS = 50 if lab.quick else 1000
PROCESS_ROUNDS = 5 if lab.quick else 100
RULES = [1, 2, 4, 8, 16, 32, 64, 128, 256]
SYSTEMD_MOST = 128  # rules: systemd's own limit
ROOT = f'{lab.build}/peers/trixie'
OTHERS = [10000 + 3 * number for number in range(max(RULES))]
BIND = '''
import socket, sys
try:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).bind(('127.0.0.1', int(sys.argv[1])))
except OSError as error:
    sys.exit(error.errno)
'''
UNIT = '[Service]\nExecStart=/bin/sleep infinity\nSocketBindDeny=any\n'


def table(result, floor):
    """One line of the plot after another, each from few rules to many."""
    names = [name for name, _ in result]
    return [(*case, lab.spread(result[case]), lab.spread(lab.minus(result[case], floor)))
            for case in sorted(result, key=lambda case: names.index(case[0]))]


def rules(count, last):
    return [f'{port}/udp' for port in OTHERS[:count - 1]] + [last]


def gate(name, *policy):
    path = lab.cgroup(name)
    lab.call(lab.bindgate, 'attach', path, *policy)
    return path


def bind_error(path, port):
    """What the bind of a UDP socket made in that cgroup ends with."""
    return lab.start(path, [sys.executable, '-c', BIND, str(port)]).wait()


def started(machine, names):
    """Asks the systemd in that cgroup, which may be about to boot."""
    try:
        first = open(f'{machine}/init.scope/cgroup.procs').readline().strip()
    except FileNotFoundError:
        return False
    enter = ['nsenter', '-t', first, *'-p -m -C -n -i -u -r -w'.split()]
    return first and subprocess.run([*enter, 'systemctl', 'start', *names], stderr=subprocess.DEVNULL).returncode == 0


def services(numbers):
    """Cgroups of services with so many rules, by their number."""
    for count in numbers:
        # the line that comes first is looked at last
        lines = [f'SocketBindAllow=ipv4:udp:{port}\n' for port in [3000] + OTHERS[:count - 1]]
        with open(f'{ROOT}/etc/systemd/system/bind{count}.service', 'w') as file:
            file.write(UNIT + ''.join(lines))
    machine = lab.cgroup('machine')
    subprocess.Popen([f'{lab.tree}/tests/node/boot', ROOT, machine], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while not started(machine, [f'bind{count}' for count in numbers]):
        if time.monotonic() > end:
            sys.exit('systemd did not start the services')
        time.sleep(0.1)
    cgroups = {count: f'{machine}/system.slice/bind{count}.service' for count in numbers}
    for path in cgroups.values():  # a systemd that cannot says nothing
        assert bind_error(path, 3000) == 0 and bind_error(path, 3001) == errno.EPERM, path
    return cgroups


def cost_of_binds():
    cases = {('no program', 0): lab.cgroup('none'), ('a program that only returns 3', 0): f'0:{lab.cgroup("empty")}'}
    for count in RULES:
        cases['bindgate, hit', count] = gate(f'hit{count}', *rules(count, '3000'))
        cases['bindgate, miss', count] = gate(f'miss{count}', *rules(count, '4000'))
    if os.path.exists(ROOT) and not os.environ.get('NO_SYSTEMD'):
        found = services([count for count in RULES if count <= SYSTEMD_MOST])
        cases.update({('SocketBindAllow, hit', count): path for count, path in found.items()})
    else:
        print('no systemd with SocketBindAllow= here: a linear scan of our own stands for it')
        cases.update({('linear scan, hit', count): f'{count}:{lab.cgroup(f"linear{count}")}' for count in RULES})
    result = lab.binds(BIND_ROUNDS, cases)
    lab.save('rules', BIND_ROUNDS, ['program', 'rules', 'bind ns*', 'above no program ns*'],
             table(result, result['no program', 0]))


def attach(count, fresh):
    """A whole `bindgate attach` of a policy of so many rules, as a new gate or in the place of another."""
    path = lab.cgroup(f'changed{count}')
    policies = [rules(count, '80'), rules(count, '443')]

    def once():
        policies.reverse()
        if fresh:
            lab.call(lab.bindgate, 'detach', path)
            return lab.timed(lab.bindgate, 'attach', path, *policies[0])
        lab.call(lab.bindgate, 'attach', path, *policies[1])
        return lab.timed(lab.bindgate, 'attach', path, *policies[0])
    gate(f'changed{count}', '80')
    return once


def cost_of_changes():
    cases = {('true', 0): lambda: lab.timed('true')}
    for count in RULES:
        cases['a new gate', count] = attach(count, True)
        cases['another policy', count] = attach(count, False)
    result = lab.interleaved('attach', PROCESS_ROUNDS, cases)
    lab.save('attach', PROCESS_ROUNDS, ['bindgate attach', 'rules', 'us*', 'above true us*'],
             table(result, result['true', 0]))


try:
    cost_of_binds()
    cost_of_changes()
finally:
    lab.end()
