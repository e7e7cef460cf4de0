# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The time to grant a port, as whole processes that take turns."""
import shutil

import lab

ROUNDS = 5 if lab.quick else 100


def before(prepare, *argv):
    def once():
        prepare()
        return lab.timed(*argv)
    return once


def nothing():
    pass


def bindgate(*argv):
    return lambda: lab.call(lab.bindgate, *argv)


def new_gate():
    """The programs are loaded, the cgroup is without a gate."""
    lab.call(lab.bindgate, 'attach', lab.cgroup('other'), '80/tcp')
    lab.call(lab.bindgate, 'attach', path, '80/tcp')
    lab.call(lab.bindgate, 'detach', path)


try:
    path = lab.cgroup('app')
    binary = f'{lab.work}/nginx'
    shutil.copy(shutil.which('nginx'), binary)
    lab.call('setcap', 'cap_net_bind_service=ep', binary)  # there is something to take away
    lab.call('nft', 'add table ip bench; add chain ip bench pre { type nat hook prerouting priority -100; }')
    redirect = '-t nat -A PREROUTING -p tcp --dport 80 -j REDIRECT --to-port 8080'.split()
    cases = {
        'true, the floor': before(nothing, 'true'),
        'bindgate attach, the first since boot': before(bindgate('detach', '--all'), lab.bindgate, 'attach', path, '80/tcp'),
        'bindgate attach, a new gate': before(new_gate, lab.bindgate, 'attach', path, '80/tcp'),
        'bindgate attach, another policy': before(bindgate('attach', path, '443/tcp'), lab.bindgate, 'attach', path, '80/tcp'),
        'setcap': before(lambda: lab.call('setcap', '-r', binary), 'setcap', 'cap_net_bind_service=ep', binary),
        'nft add rule': before(lambda: lab.call('nft', 'flush chain ip bench pre'),
                               'nft', 'add rule ip bench pre tcp dport 80 redirect to :8080'),
        'authbind true': before(nothing, 'authbind', 'true'),
    }
    for kind in 'nft', 'legacy':
        program = f'iptables-{kind}'
        flush = [program, *'-t nat -F PREROUTING'.split()]
        cases[f'{program} -A'] = before(lambda flush=flush: lab.call(*flush), program, *redirect)
    result = lab.interleaved('grant', ROUNDS, cases)
    floor = result['true, the floor']
    lab.save('grant', ROUNDS, ['command', 'us*', 'above true us*'],
             [(case, lab.spread(values), lab.spread(lab.minus(values, floor))) for case, values in result.items()])
finally:
    lab.end()
