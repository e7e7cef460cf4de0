# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A user in wait for root's port: thief.py CGROUP FOLDER. Enters the cgroup, makes FOLDER/armed, and once FOLDER/go is there
binds port 83; FOLDER/got then says how that went."""
import errno
import os
import pathlib
import socket
import sys
import time

cgroup, folder = sys.argv[1], pathlib.Path(sys.argv[2])
with open(f'{cgroup}/cgroup.procs', 'w') as file:
    file.write('0')
(folder / 'armed').touch()
while not (folder / 'go').exists():
    time.sleep(0.005)
with socket.socket() as sock:
    try:
        sock.bind(('127.0.0.1', 83))
        said = 'ok'
    except OSError as error:
        said = errno.errorcode[error.errno]
(folder / 'new').write_text(f'{said} {os.getuid()}')
(folder / 'new').rename(folder / 'got')
