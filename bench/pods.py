# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""How soon pods are gated: 250 from a cold start, and new ones one by one, with a runtime that answers at once.

bench/pods.py BINDGATED
"""
import os
import signal
import subprocess
import sys
import tempfile
import time

PODS, NEW = 250, 200

bindgated = os.path.abspath(sys.argv[1])
bindgate = bindgated[:-1]
here = os.path.dirname(os.path.abspath(__file__))
mount = [line.split()[4] for line in open('/proc/self/mountinfo') if ' - cgroup2 ' in line][0]
base = f'{mount}/bindgate-bench-{os.getpid()}'
pins = f'/sys/fs/bpf/bindgate-bench-{os.getpid()}'
work = tempfile.mkdtemp()
os.makedirs(f'{base}/besteffort')
with open(f'{work}/node.yaml', 'w') as file:
    file.write(f'daemon: {{listen: none, cri: "{work}/cri", kubepods: "{base[len(mount):]}"}}\n'
               'pods: [{namespace: web, rules: [80/tcp, 443/tcp]}]\n')
with open(f'{work}/pods', 'w') as file:
    file.writelines(f'p{i} uid-{i} web 0\n' for i in range(PODS + NEW))
fake = subprocess.Popen([sys.executable, f'{here}/../tests/node/fake_cri.py', f'{work}/cri', work])
while not os.path.exists(f'{work}/cri'):
    time.sleep(0.01)


def start():
    return subprocess.Popen([bindgated, '--config', f'{work}/node.yaml', '--pin-dir', pins], stderr=subprocess.DEVNULL)


def gates():
    try:
        return len(os.listdir(f'{pins}/gates'))
    except FileNotFoundError:
        return 0


try:
    for i in range(PODS):
        os.mkdir(f'{base}/besteffort/poduid-{i}')
    daemon = start()  # loads the programs
    while gates() < PODS:
        time.sleep(0.001)
    daemon.send_signal(signal.SIGTERM)
    daemon.wait()
    subprocess.run([bindgate, 'detach', '--all', '--pin-dir', pins], stdout=subprocess.DEVNULL)
    began = time.monotonic()
    daemon = start()
    while gates() < PODS:
        time.sleep(0.0005)
    print(f'{"250 pods gated, from a cold start":44} {1000 * (time.monotonic() - began):8.0f} ms')
    took = []
    for i in range(PODS, PODS + NEW):
        path = f'{base}/besteffort/poduid-{i}'
        began = time.monotonic()
        os.mkdir(path)
        pin = f'{pins}/gates/{os.stat(path).st_ino}'
        while not os.path.exists(pin):
            pass
        took.append(time.monotonic() - began)
        time.sleep(0.01)
    took.sort()
    print(f'{"a new pod among 250 is gated, median":44} {1000 * took[NEW // 2]:8.2f} ms')
    print(f'{"a new pod among 250 is gated, 99 of 100":44} {1000 * took[NEW * 99 // 100]:8.2f} ms')
    daemon.send_signal(signal.SIGTERM)
    daemon.wait()
finally:
    fake.kill()
    subprocess.run([bindgate, 'detach', '--all', '--pin-dir', pins], stdout=subprocess.DEVNULL)
    subprocess.run(['find', base, '-depth', '-type', 'd', '-exec', 'rmdir', '{}', '+'])
    subprocess.run(['rm', '-rf', work])
