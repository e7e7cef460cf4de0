# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""An image of a few static programs, as a docker archive: image.py NAME ARCHIVE PROGRAM..."""
import hashlib
import io
import json
import os
import sys
import tarfile

name, archive, programs = sys.argv[1], sys.argv[2], sys.argv[3:]
layer = io.BytesIO()
with tarfile.open(fileobj=layer, mode='w') as tar:
    for program in programs:
        entry = tar.gettarinfo(program, os.path.basename(program))
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ''
        entry.mode = 0o755
        with open(program, 'rb') as file:
            tar.addfile(entry, file)
    for folder in 'etc', 'tmp', 'proc', 'sys', 'dev':
        entry = tarfile.TarInfo(folder)
        entry.type, entry.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(entry)
layer = layer.getvalue()
digest = hashlib.sha256(layer).hexdigest()
machine = {'x86_64': 'amd64', 'aarch64': 'arm64'}[os.uname().machine]
config = json.dumps({'architecture': machine, 'os': 'linux', 'config': {'Entrypoint': ['/pause']},
                     'rootfs': {'type': 'layers', 'diff_ids': ['sha256:' + digest]}, 'history': []}).encode()
with tarfile.open(archive, 'w') as tar:
    for path, data in (('layer.tar', layer), ('config.json', config),
                       ('manifest.json', json.dumps([{'Config': 'config.json', 'RepoTags': [name],
                                                      'Layers': ['layer.tar']}]).encode())):
        entry = tarfile.TarInfo(path)
        entry.size = len(data)
        tar.addfile(entry, io.BytesIO(data))
