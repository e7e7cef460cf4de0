# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Many pods with a container each, several at a time as a kubelet would: pods.py SOCKET PARENT LOGS FIRST COUNT

Pod i's container does nothing but `first`: it binds port FIRST + i, then one that is not granted. Prints what each said.
"""
import concurrent.futures
import contextlib
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'node'))
import cri  # noqa: E402

socket, parent, logs, first, count = sys.argv[1:4] + [int(n) for n in sys.argv[4:6]]


def said(path):
    while True:
        with contextlib.suppress(FileNotFoundError), open(path, encoding='utf-8') as log:
            lines = log.read().splitlines(keepends=True)
            if lines and lines[0].endswith('\n'):
                return lines[0].split(' F ', 1)[1].strip()
        time.sleep(0.05)


def one(i):
    uid = f'33333333-aaaa-4bbb-8ccc-{os.getpid():06x}{i:06x}'
    pod = {'name': f'p{i}', 'uid': uid, 'namespace': 'web', 'parent': f'{parent}/pod{uid}', 'logs': logs,
           'container': f'p{i}', 'image': 'bindgate.test/pod:1', 'command': ['/first', str(first + i), '9000'], 'user': 65534}
    sandbox = cri.first_string(cri.call(socket, 'RunPodSandbox', cri.field(1, cri.sandbox_config(pod))))
    pod['sandbox'] = sandbox
    cri.start(socket, pod)
    line = said(f'{logs}/p{i}.log')
    cri.call(socket, 'StopPodSandbox', cri.field(1, sandbox))
    cri.call(socket, 'RemovePodSandbox', cri.field(1, sandbox))
    return line


with concurrent.futures.ThreadPoolExecutor(8) as pool:
    for result in pool.map(one, range(count)):
        print(result)
