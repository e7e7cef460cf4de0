# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Each system call of bindgated fails once: it says so and ends before it is ready, or it does its work all the same.

daemon.py INJECT BINDGATED CGROUP WORK FIRST LAST    the calls FIRST to LAST; prints how many were failed;
with ENOMEM or EPERM by turns, the other way round where BINDGATE_TEST_SWAPPED is set.
Its work: gates on cgroups that were there and on one that comes, none on one that is not declared, HTTP, and an end. The
gate on one of them stands from the run before: it is the same gate throughout.
"""
import errno
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / 'cli'))
from gate import eventually  # noqa: E402

inject, bindgated, cgroup, work = sys.argv[1:5]
first, last = int(sys.argv[5]), int(sys.argv[6])
bindgate = bindgated.removesuffix('d')
name = os.environ['NAME']
pins = os.environ['BINDGATE_PIN_DIR']
config, listens = f'{work}/node.yaml', f'{work}/http'
with open(config, 'w') as file:
    json.dump({'daemon': {'listen': f'unix:{listens}', 'log': 'all'},
               'gates': [{'cgroup': f'{name}/web*', 'rules': ['80', '443']}, {'cgroup': f'{name}/one', 'rules': ['80']}]}, file)
there, coming, other = f'{cgroup}/web1', f'{cgroup}/web2', f'{cgroup}/other'
for path in there, f'{cgroup}/one', other:
    os.makedirs(path, exist_ok=True)


def rules():
    """Of each whole gate, by its cgroup's path."""
    listed = subprocess.run([bindgate, 'list', '-j'], capture_output=True, text=True)
    assert listed.returncode == 0 and not listed.stderr, f'list: {listed.stderr}{listed.stdout}'
    gates = json.loads(listed.stdout)['gates']
    assert all('damage' not in gate for gate in gates), f'damaged: {gates}'
    return {gate['path']: [rule['rule'] for rule in gate['rules']] for gate in gates}


def pin(path):
    return pathlib.Path(f'{pins}/gates/{os.stat(path).st_ino}')


def pinned(path):
    return pin(path).exists()


def link():
    """Of the gate that stands."""
    return os.stat(pin(there) / 'bind4').st_ino if pinned(there) else None


def answers():
    connection = http.client.HTTPConnection('localhost')
    with socket.socket(socket.AF_UNIX) as connection.sock:
        try:
            connection.sock.settimeout(1)  # where the call that failed is that of the answer
            connection.sock.connect(listens)
            connection.request('GET', '/healthz')
            return connection.getresponse().read() == b'ok\n'
        except (OSError, http.client.HTTPException):
            return False


def serve(process, told):
    """What it has to do while it runs. Returns whether it got as far as being ready."""
    eventually('a gate, or an end', lambda: process.poll() is not None or (pinned(there) and pinned(f'{cgroup}/one')))
    if process.poll() is not None:
        assert process.returncode == 1, f'an odd end: {process.returncode}'
        assert told(), 'ended without a word'
        return
    os.mkdir(coming)
    eventually('a gate on a cgroup that comes', lambda: pinned(coming))
    eventually('an answer over HTTP', answers)
    assert rules() == {there: ['80', '443'], f'{cgroup}/one': ['80'], coming: ['80', '443']}, rules()
    child = int(pathlib.Path(f'/proc/{process.pid}/task/{process.pid}/children').read_text())
    os.kill(child, signal.SIGTERM)
    eventually('an end', lambda: process.poll() is not None)
    assert process.returncode == 0, f'ended with {process.returncode}'


def check(nth, error):
    """Fails call `nth`. Returns whether there was such a call."""
    if mess := [path for path in (f'{cgroup}/one', coming) if os.path.exists(path) and pinned(path)]:
        subprocess.run([bindgate, 'detach', *mess], capture_output=True)
    stood = link()
    if os.path.exists(coming):
        os.rmdir(coming)
    with open(f'{work}/err', 'w+') as err:
        process = subprocess.Popen([inject, f'{work}/report', str(nth), str(error), bindgated, '--config', config],
                                   stdout=subprocess.DEVNULL, stderr=err, start_new_session=True)

        def told():
            return pathlib.Path(f'{work}/err').read_text().splitlines()
        try:
            serve(process, told)
            gates = rules()
            assert stood in (None, link()), 'the gate that stood was ended, or made anew'
            subprocess.run([bindgate, 'detach', f'{cgroup}/one', coming], capture_output=True)  # which clears up
            left = [str(path) for path in pathlib.Path(pins).rglob('*') if path.name.startswith(('new-', 'old-'))]
            assert not left, f'left: {left}'
            assert other not in gates, 'a cgroup is gated that nobody declared'
        except AssertionError as problem:
            problems.append(f'{problem}: {told()}')
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    failed = pathlib.Path(f'{work}/report').read_text()
    for problem in problems:
        print(f'call {nth}, {failed}, with {errno.errorcode[error]}: {problem}')
    wrong.extend(problems)
    problems.clear()
    return bool(failed)


problems, wrong, tried = [], [], 0
errors = sorted([errno.ENOMEM, errno.EPERM], reverse=bool(os.environ.get('BINDGATE_TEST_SWAPPED')))
for nth in range(first, last + 1):
    if not check(nth, errors[nth % 2]):
        break
    tried += 1
assert tried >= 50, f'only {tried} calls were seen'
if wrong:
    sys.exit(f'{len(wrong)} of {tried} failed calls went wrong')
print(f'bindgated: {tried} calls failed')
