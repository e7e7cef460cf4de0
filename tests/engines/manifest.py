# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Runs what the manifests say through a CRI, container by container, as a kubelet would.

manifest.py image NAME ROOT.tar ARCHIVE PROGRAM...  an image: the root with the programs in /usr/local/sbin
manifest.py pod SOCKET MANIFEST JSON                runs the pod of a DaemonSet or Pod; prints {"sandbox", "containers"}
manifest.py probe SOCKET MANIFEST NAME CONTAINER    what the probe's command says; ends as it ends
JSON: {"parent", "logs", "image": {name: name}, "host": {path: path}, "env": {}, "configmaps": folder, "empty": folder}
"""
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import time

import yaml

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '../node'))
from cri import call, field, first_string, pairs, sandbox_config, varint  # noqa: E402

PROPAGATION = {'None': 0, 'HostToContainer': 1, 'Bidirectional': 2}


def image(name, root, archive, *programs):
    layer = archive + '.layer'
    subprocess.run(['cp', root, layer], check=True)
    with tarfile.open(layer, 'a') as tar:
        for program in programs:
            tar.add(program, 'usr/local/sbin/' + os.path.basename(program))
    with open(layer, 'rb') as file:
        digest = hashlib.file_digest(file, 'sha256').hexdigest()
    machine = {'x86_64': 'amd64', 'aarch64': 'arm64'}[os.uname().machine]
    path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
    config = {'architecture': machine, 'os': 'linux', 'config': {'Entrypoint': ['/usr/local/sbin/bindgated'], 'Env': [path]},
              'rootfs': {'type': 'layers', 'diff_ids': ['sha256:' + digest]}, 'history': []}
    with tarfile.open(archive, 'w') as tar:
        tar.add(layer, 'layer.tar')
        for path, data in (('config.json', config),
                           ('manifest.json', [{'Config': 'config.json', 'RepoTags': [name], 'Layers': ['layer.tar']}])):
            text = json.dumps(data).encode()
            entry = tarfile.TarInfo(path)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text))
    os.unlink(layer)


def pod_of(path):
    """metadata and spec of the pod in a DaemonSet or Pod."""
    with open(path) as file:
        what = yaml.safe_load(file)
    return what['spec']['template'] | {'kind': what['kind']} if what['kind'] == 'DaemonSet' else what


def mounts_of(container, spec, room):
    sources = {}
    for volume in spec.get('volumes', []):
        if 'hostPath' in volume:
            path = volume['hostPath']['path']
            sources[volume['name']] = room['host'].get(path, path)
        elif 'configMap' in volume:
            sources[volume['name']] = room['configmaps']
        else:
            path = f'{room["empty"]}/{volume["name"]}'
            os.makedirs(path, exist_ok=True)
            group = spec.get('securityContext', {}).get('fsGroup')
            if group is not None:
                os.chown(path, 0, group)
                os.chmod(path, 0o2775)
            sources[volume['name']] = path
    return b''.join(field(7, field(1, mount['mountPath']) + field(2, sources[mount['name']]) +
                          field(3, mount.get('readOnly', False)) +
                          field(5, PROPAGATION[mount.get('mountPropagation', 'None')]))
                    for mount in container.get('volumeMounts', []))


def security_of(security, spec):
    host = field(1, 2 if spec.get('hostNetwork') else 0) + field(2, 1)
    capabilities = security.get('capabilities', {})
    group = spec.get('securityContext', {}).get('fsGroup')
    words = b''.join(field(1, word) for word in capabilities.get('add', []))
    words += b''.join(field(2, word) for word in capabilities.get('drop', []))
    seccomp = {'RuntimeDefault': 0, 'Unconfined': 1}[security.get('seccompProfile', {'type': 'Unconfined'})['type']]
    return (field(1, words) + field(2, security.get('privileged', False)) + field(3, host) +
            field(5, field(1, security.get('runAsUser', 0))) + field(7, security.get('readOnlyRootFilesystem', False)) +
            field(8, varint(group) if group is not None else None) +
            field(11, not security.get('allowPrivilegeEscalation', True)) + field(15, field(1, seccomp)))


def start(socket, sandbox, pod, container, room, config):
    security = security_of(container.get('securityContext', {}), pod['spec'])
    env = {each['name']: each['value'] for each in container.get('env', [])} | room.get('env', {})
    made = (field(1, field(1, container['name'])) + field(2, field(1, room['image'][container['image']])) +
            b''.join(field(3, word) for word in container.get('command', [])) +
            b''.join(field(4, word) for word in container.get('args', [])) + pairs(6, env) +
            mounts_of(container, pod['spec'], room) + field(11, container['name'] + '.log') +
            field(15, field(2, security)))
    made = first_string(call(socket, 'CreateContainer', field(1, sandbox) + field(2, made) + field(3, config)))
    call(socket, 'StartContainer', field(1, made))
    return made


def exec_sync(socket, container, words):
    answer = call(socket, 'ExecSync', field(1, container) + b''.join(field(2, word) for word in words) + field(3, 60))
    said, at, status = b'', 0, 0
    while at < len(answer):
        kind, at = answer[at], at + 1
        number = shift = 0
        while True:
            byte, at = answer[at], at + 1
            number |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        if kind & 7 == 2:
            said += answer[at:at + number]
            at += number
        else:
            status = number
    return status, said.decode(errors='replace')


def has_ended(socket, container):
    listed = call(socket, 'ListContainers', field(1, field(1, container) + field(2, field(1, 2))))  # CONTAINER_EXITED
    return bool(listed)


def is_privileged(spec):
    return any(container.get('securityContext', {}).get('privileged')
               for container in spec.get('initContainers', []) + spec['containers'])


def run(socket, manifest, room):
    pod = pod_of(manifest)
    name = pod['metadata'].get('name', pod['spec']['containers'][0]['name'])
    config = sandbox_config({'name': name, 'uid': room['uid'], 'namespace': room['namespace'],
                             'labels': pod['metadata'].get('labels'), 'annotations': pod['metadata'].get('annotations'),
                             'parent': room['parent'], 'logs': room['logs'], 'privileged': is_privileged(pod['spec'])})
    sandbox = first_string(call(socket, 'RunPodSandbox', field(1, config)))
    for container in pod['spec'].get('initContainers', []):
        made = start(socket, sandbox, pod, container, room, config)
        while not has_ended(socket, made):
            time.sleep(0.05)
    made = [start(socket, sandbox, pod, container, room, config) for container in pod['spec']['containers']]
    print(json.dumps({'sandbox': sandbox, 'containers': made}))


def main():
    what, *words = sys.argv[1:]
    if what == 'image':
        image(*words)
    elif what == 'pod':
        run(words[0], words[1], json.loads(words[2]))
    else:
        probe = pod_of(words[1])['spec']['containers'][0][words[2]]
        status, said = exec_sync(words[0], words[3], probe['exec']['command'])
        print(said, end='')
        sys.exit(status)


if __name__ == '__main__':
    main()
