# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the daemon costs: how soon a new cgroup is gated, a cold start at 1,000 gates, memory, idle.

bench/node.py BINDGATED
"""
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

GATES = 1000
NEW = 1000

bindgated = os.path.abspath(sys.argv[1])
bindgate = bindgated[:-1]
mount = [line.split()[4] for line in open('/proc/self/mountinfo') if ' - cgroup2 ' in line][0]
base = f'{mount}/bindgate-bench-{os.getpid()}'
pins = f'/sys/fs/bpf/bindgate-bench-{os.getpid()}'
work = tempfile.mkdtemp()
os.mkdir(base)
name = base[len(mount):]
config = f'{work}/node.yaml'
with open(config, 'w') as file:
    file.write(f'daemon: {{listen: "unix:{work}/http"}}\ngates:\n- {{cgroup: "{name}/w*", rules: [80/tcp, 443/tcp]}}\n')
notes = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notes.bind(f'{work}/notify')


def start():
    began = time.monotonic()
    daemon = subprocess.Popen([bindgated, '--config', config, '--pin-dir', pins], stderr=subprocess.DEVNULL,
                              env={**os.environ, 'NOTIFY_SOCKET': f'{work}/notify'})
    while not notes.recv(4096).startswith(b'READY'):
        pass
    return daemon, time.monotonic() - began


def stop(daemon):
    daemon.send_signal(signal.SIGTERM)
    daemon.wait()


def status(daemon, key):
    return int(next(line.split()[1] for line in open(f'/proc/{daemon.pid}/status') if line.startswith(key)))


def make(path):
    """Seconds from mkdir to a whole gate."""
    began = time.monotonic()
    os.mkdir(path)
    pin = f'{pins}/gates/{os.stat(path).st_ino}'
    while not os.path.exists(pin):
        if time.monotonic() - began > 10:
            sys.exit(f'{path} was not gated')
    return time.monotonic() - began


try:
    daemon, _ = start()
    took = sorted(make(f'{base}/w{i}') for i in range(NEW))
    stop(daemon)
    print(f'{"a new cgroup is gated, median":44} {1000 * took[NEW // 2]:8.2f} ms')
    print(f'{"a new cgroup is gated, 99 of 100":44} {1000 * took[NEW * 99 // 100]:8.2f} ms')
    subprocess.run([bindgate, 'detach', '--all', '--pin-dir', pins], stdout=subprocess.DEVNULL)
    daemon, cold = start()
    print(f'{"cold start to 1,000 gates":44} {1000 * cold:8.0f} ms')
    stop(daemon)
    daemon, warm = start()
    print(f'{"start with 1,000 gates that stand":44} {1000 * warm:8.0f} ms')
    time.sleep(0.5)
    before = sum(map(int, open(f'/proc/{daemon.pid}/stat').read().rsplit(')', 1)[1].split()[11:13]))
    switches = status(daemon, 'voluntary_ctxt')
    time.sleep(5)
    after = sum(map(int, open(f'/proc/{daemon.pid}/stat').read().rsplit(')', 1)[1].split()[11:13]))
    print(f'{"resident at 1,000 gates, its own":44} {status(daemon, "RssAnon") / 1024:8.1f} MiB')
    print(f'{"resident at 1,000 gates, with its libraries":44} {status(daemon, "VmRSS") / 1024:8.1f} MiB')
    print(f'{"CPU in 5 s of nothing":44} {10 * (after - before):8.0f} ms, '
          f'{status(daemon, "voluntary_ctxt") - switches} wake-ups')
    stop(daemon)
finally:
    subprocess.run([bindgate, 'detach', '--all', '--pin-dir', pins], stdout=subprocess.DEVNULL)
    for entry in os.scandir(base):
        if entry.is_dir():
            os.rmdir(entry.path)
    os.rmdir(base)
    subprocess.run(['rm', '-rf', work])
