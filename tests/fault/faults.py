# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Each system call of a command fails once: the command tells, in one line, and the gate is whole or absent.

faults.py INJECT BINDGATE CGROUP WORK COMMAND BINDER...    COMMAND: one of those below
Prints how many calls were failed, or what went wrong with which. Every other call fails with ENOMEM, the rest with EPERM;
the other way round where BINDGATE_TEST_SWAPPED is set.
"""
import errno
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
from dataclasses import dataclass

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / 'cli'))
import gate as gates  # noqa: E402
from gate import ABSENT, LARGE  # noqa: E402

inject, bindgate, cgroup, work, name = sys.argv[1:6]
gate = gates.Gate(bindgate, cgroup, sys.argv[6:])
pins = os.environ['BINDGATE_PIN_DIR']
other = f'{cgroup}/other'
os.makedirs(other, exist_ok=True)
if name == 'run':  # which makes its own cgroup below that of whoever calls it
    with open(f'{cgroup}/cgroup.procs', 'w') as file:
        file.write('0')

declaration = f'{work}/gates.yaml'
with open(declaration, 'w') as file:
    json.dump({'gates': [{'cgroup': path, 'rules': ['80', '443']} for path in (cgroup, other)]}, file)
node = f'{work}/node.yaml'
with open(node, 'w') as file:
    json.dump({'pods': [{'namespace': 'web', 'netns': 'any', 'rules': ['80', '443']}]}, file)
with open(f'{work}/state', 'w') as file:
    json.dump({'ociVersion': '1.0.2', 'id': 'c', 'pid': gate.binder.pid,
               'annotations': {'io.kubernetes.pod.namespace': 'web'}}, file)

before, command, after = (gates.moves(cgroup) | {
    'list': (LARGE, ['list'], LARGE),
    'list -j': (LARGE, ['list', '-j'], LARGE),
    'maps dump': (LARGE, ['maps', 'dump'], LARGE),
    'export': (LARGE, ['export'], LARGE),
    'explain': (LARGE, ['explain', cgroup, '80'], LARGE),
    'probe': (LARGE, ['probe'], LARGE),
    'apply': (ABSENT, ['apply', declaration], LARGE),
    'apply --dry-run': (ABSENT, ['apply', '--dry-run', declaration], ABSENT),
    'run': (LARGE, ['run', '81', '--', '/bin/true'], LARGE),
    'learn': (ABSENT, ['learn', cgroup], ABSENT),
    'watch': (LARGE, ['watch', '--count', '1', cgroup], LARGE),
    'oci-hook': (ABSENT, ['oci-hook', '--required', '--config', node], LARGE),
})[name]


@dataclass
class Outcome:
    failed: str  # the call's name and first argument; empty: there were not so many
    ended: bool
    status: int
    printed: str
    told: list  # lines on stderr


def drive(process):
    """Does what the command waits for, until it has ended; False where it does not."""
    asked = False

    def ended():
        nonlocal asked
        if name == 'watch':
            gate.bind('127.0.0.1', 80)
        elif name == 'learn' and not asked and os.path.exists(f'{pins}/runs/borrowed-{os.stat(cgroup).st_ino}'):
            os.killpg(process.pid, signal.SIGINT)  # held back until it listens
            asked = True
        return process.poll() is not None
    try:
        gates.eventually('an end', ended)
    except AssertionError:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return False
    return True


def run(nth, error):
    """The command with its call `nth` failed; 0: with none."""
    with open(f'{work}/state') as stdin, open(f'{work}/out', 'w+') as out, open(f'{work}/err', 'w+') as err:
        process = subprocess.Popen([inject, f'{work}/report', str(nth), str(error), bindgate, *command], stdin=stdin,
                                   stdout=out, stderr=err, start_new_session=True)
        ended = drive(process)
        out.seek(0)
        err.seek(0)
        printed, told = out.read(), err.read().splitlines()
    failed = pathlib.Path(f'{work}/report').read_text()
    if '-j' in command and process.returncode and not told:
        told = ['bindgate: ' + json.loads(printed)['error']['message']]
    if name == 'explain' and f'It would be refused: {errno.errorcode[error]} (' in printed:
        told = ['bindgate: a bind was tried, and this came of it']
    return Outcome(failed, ended, process.returncode, printed, told)


def gist(printed):
    """Without what differs from run to run, and without the name where it could not be looked up."""
    return re.sub(r'\s+', ' ', re.sub(r'\d+', 'N', re.sub(r'\bid:\d+', os.environ['NAME'], printed)))


def leftovers():
    found = [str(path) for path in pathlib.Path(pins).rglob('*')
             if path.name.startswith(('new-', 'old-')) or path.parent.name == 'runs']
    return found + [str(path) for path in pathlib.Path(cgroup).iterdir() if path.is_dir() and str(path) != other]


def judge(outcome):
    """The state that the gate is left in; what is wrong, as an AssertionError."""
    assert outcome.ended, 'it does not end'
    lent = name == 'learn' and any('stays until the next command' in line for line in outcome.told)
    state = gate.look([before, after] + [()] * lent) or ABSENT
    if name == 'apply':
        listed = [g['path'] for g in json.loads(gate.run('list', '-j').stdout)['gates']]
        assert (cgroup in listed) == (other in listed), 'half of what was declared'
    if leftovers() or name == 'apply':
        gate.run('detach', other)  # a command that changes something clears up
        assert not leftovers(), f'left: {leftovers()}'
        assert gate.look([state]) == state
    if outcome.status == 0:
        assert state == after, f'ended well, but the state is {state}'
        assert len(outcome.told) <= 1, 'ended well, but said this'
        assert gist(outcome.printed) == normal, f'ended well, but printed {outcome.printed}'
        return state
    assert outcome.status in (1, 4) + (126, 127) * (name == 'run'), 'an odd end'
    assert len(outcome.told) == 1 and outcome.told[0].startswith('bindgate'), 'not told in one line'
    # what could not be told, or is told to have been done all the same
    if not outcome.failed.startswith('write') and ', but ' not in outcome.told[0]:
        assert state == before, f'failed, but the state is {state}'
    return state


def set_up():
    if name == 'apply':
        gate.run('detach', other)
    gate.set_up(before, name != 'load')


set_up()
gate.binds()  # so that it has become what it will be, when explain looks at it
outcome = run(0, errno.ENOMEM)
assert outcome.status == 0, f'with nothing failed it ends with {outcome.status}: {outcome.told}'
normal = gist(outcome.printed)
errors = sorted([errno.ENOMEM, errno.EPERM], reverse=bool(os.environ.get('BINDGATE_TEST_SWAPPED')))
wrong = tried = 0
state = after
for nth in range(1, 10000):
    error = errors[nth % 2]
    if state != before or name == 'load':
        set_up()
    outcome = run(nth, error)
    if not outcome.failed:
        break
    tried += 1
    try:
        state = judge(outcome)
    except AssertionError as problem:
        wrong += 1
        state = 'unknown'
        print(f'call {nth}, {outcome.failed}, with {errno.errorcode[error]}: exit {outcome.status}, {outcome.told}: {problem}')
assert tried >= 20, f'only {tried} calls were seen'
if wrong:
    sys.exit(f'{name}: {wrong} of {tried} failed calls went wrong')
print(f'{name}: {tried} calls failed, each told')
