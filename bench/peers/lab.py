# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the benches beside other tools share: a place of their own, rounds that take turns, tables of what came out.

bench/peers/NAME.py BUILD OUT, in a network namespace of its own. QUICK=1: few rounds, to see that it runs.
"""
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

build, out = map(os.path.abspath, sys.argv[1:3])
tree = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
quick = bool(os.environ.get('QUICK'))
mount = next(line.split()[4] for line in open('/proc/self/mountinfo') if ' - cgroup2 ' in line)
base = f'{mount}/bindgate-peers-{os.getpid()}'
pins = f'/sys/fs/bpf/bindgate-peers-{os.getpid()}'
work = tempfile.mkdtemp(prefix='bindgate-peers-')
os.chmod(work, 0o755) # nobody reads there
bindgate = f'{build}/bindgate'
os.environ['BINDGATE_PIN_DIR'] = pins
os.environ['PATH'] += ':/usr/sbin:/sbin'
# Clears up when this process is gone, whatever ended it: what runs in the cgroup, gates, pins, files.
guard = subprocess.Popen(['setsid', f'{tree}/tests/guard', base, pins, work], stdin=subprocess.PIPE)
os.mkdir(base)


def end():
    guard.stdin.close()
    guard.wait()


def cgroup(name):
    path = f'{base}/{name}'
    os.makedirs(path, exist_ok=True)
    return path


def start(where, argv, **options):
    """A process in that cgroup from its first instant, gone with this one."""
    def enter():
        with open(f'{where}/cgroup.procs', 'w') as file:
            file.write('0')
    return subprocess.Popen(argv, preexec_fn=enter, **options)


def call(*argv):
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)


def output(*argv):
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True).stdout


silence = [(os.POSIX_SPAWN_OPEN, 1, '/dev/null', os.O_WRONLY, 0)]


def timed(*argv):
    """Microseconds of a whole process."""
    path = shutil.which(argv[0])
    began = time.monotonic_ns()
    _, status = os.waitpid(os.posix_spawn(path, argv, os.environ, file_actions=silence), 0)
    took = time.monotonic_ns() - began
    if status:
        sys.exit(f'{" ".join(argv)}: ended with status {status}')
    return took / 1000


def progress(what, done, every):
    if sys.stderr.isatty():
        percent = f'{what}: {100 * done // every}%' if done < every else ''
        print(f'\r\033[K{percent}', end='', file=sys.stderr, flush=True)


def interleaved(what, rounds, cases):
    """Calls the cases, a dictionary of functions, once a round, in an order shuffled anew. Their values by name."""
    values = {name: [] for name in cases}
    for number in range(rounds):
        progress(what, number, rounds)
        for name in random.Random(number).sample(list(cases), len(cases)):
            values[name].append(cases[name]())
    progress(what, rounds, rounds)
    return values


def binds(rounds, cgroups):
    """ns of one bind in each of the cgroups, a dictionary of paths that bench/bind takes; lists of rounds by name."""
    lines = output(f'{build}/bench/bind', str(rounds), *cgroups.values()).splitlines()
    return dict(zip(cgroups, zip(*(map(float, line.split()) for line in lines))))


def spread(values):
    """The median between the quartiles."""
    low, middle, high = statistics.quantiles(values if len(values) > 1 else 2 * values, n=4, method='inclusive')
    return middle, low, high


def minus(values, others):
    return [value - other for value, other in zip(values, others)]


def ratio(values, others):
    return [value / other for value, other in zip(values, others)]


def machine():
    cpu = next(line.split(': ')[1].strip() for line in open('/proc/cpuinfo') if line.startswith('model name'))
    return f'{cpu}, Linux {os.uname().release.split("-")[0]}, {os.cpu_count()} CPUs'


def save(name, rounds, columns, rows):
    """OUT/NAME.tsv. A column "x*" stands for three: the median x, and the quartiles x q1 and x q3."""
    head = []
    for column in columns:
        head += [column[:-1] + part for part in ('', ' q1', ' q3')] if column.endswith('*') else [column]

    def text(value):
        if not isinstance(value, float):
            return value
        return f'{value:.4g}' if abs(value) < 1000 else f'{value:.0f}'
    os.makedirs(out, exist_ok=True)
    with open(f'{out}/{name}.tsv', 'w') as file:
        print(f'# {machine()}; {rounds} rounds: medians and quartiles', file=file)
        print(*head, sep='\t', file=file)
        for row in rows:
            cells = [cell for value in row for cell in (value if isinstance(value, tuple) else (value,))]
            assert len(cells) == len(head), (head, cells)
            print(*map(text, cells), sep='\t', file=file)
    print(open(f'{out}/{name}.tsv').read())
