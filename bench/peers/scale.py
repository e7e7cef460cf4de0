# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What grows with the number of gates, and with how deep they nest."""
import lab

BIND_ROUNDS = 30 if lab.quick else 500
PROCESS_ROUNDS = 5 if lab.quick else 50
GATES = [1, 10, 100, 500] if lab.quick else [1, 10, 100, 1000, 5000]
LEVELS = [1, 2, 4, 8, 16, 32]


def gate(path):
    lab.call(lab.bindgate, 'attach', path, '3000')
    return path


def many_gates():
    rows = []
    plain, more = lab.cgroup('none'), lab.cgroup('one-more')
    declared = f'{lab.work}/gates.yaml'
    gate(more)

    def one_more():
        lab.call(lab.bindgate, 'detach', more)
        return lab.timed(lab.bindgate, 'attach', more, '3000')
    for count in GATES:
        gates = [lab.cgroup(f'gate{number}') for number in range(count)]
        with open(declared, 'w') as file:
            file.write('gates:\n' + ''.join(f'- {{cgroup: "{path}", rules: [3000]}}\n' for path in gates))
        lab.call(lab.bindgate, 'apply', declared)
        bind = lab.binds(BIND_ROUNDS, {'none': plain, 'gate': gates[count // 2]})
        took = lab.interleaved(f'{count} gates', PROCESS_ROUNDS, {
            'true': lambda: lab.timed('true'),
            'attach': one_more,
            'list': lambda: lab.timed(lab.bindgate, 'list'),
        })
        rows.append((count, lab.spread(bind['none']), lab.spread(lab.minus(bind['gate'], bind['none'])),
                     *(lab.spread(took[what]) for what in ('true', 'attach', 'list'))))
    columns = ['gates', 'bind, no program ns*', 'bind in a gate, above it ns*', 'true us*', 'attach one more us*', 'list us*']
    lab.save('gates', BIND_ROUNDS, columns, rows)
    lab.call(lab.bindgate, 'detach', '--all')


def nested():
    cases = {0: lab.cgroup('none')}
    for levels in LEVELS:
        path = f'nest{levels}'
        for _ in range(levels):
            gate(lab.cgroup(path))
            cases[levels] = lab.cgroup(path)
            path += '/in'
    result = lab.binds(BIND_ROUNDS, cases)
    lab.save('nesting', BIND_ROUNDS, ['gates above one another', 'bind ns*', 'above no program ns*'],
             [(levels, lab.spread(values), lab.spread(lab.minus(values, result[0]))) for levels, values in result.items()])


try:
    many_gates()
    nested()
finally:
    lab.end()
