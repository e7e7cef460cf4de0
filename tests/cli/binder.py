# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Binds without privilege and says what came of it.

binder.py [--uid UID] [--gid GID] 'PROTO ADDRESS PORT'...          a line each: "ok ADDRESS PORT" or an errno's name
binder.py … --loop 'PROTO ADDRESS PORT'...    until a line comes in: {"PROTO ADDRESS PORT": {"outcome": count}}
binder.py … --count N 'PROTO ADDRESS PORT'...  N times, of which the last is told
binder.py …                                                        requests from standard input, answered one by one
"""
import argparse
import ctypes
import errno
import json
import os
import select
import socket
import sys

PR_SET_NO_NEW_PRIVS = 38


def drop(uid, gid):
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)  # from root to another uid: all capabilities go
    ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def bind(request):
    protocol, address, port = request.split()
    family = socket.AF_INET6 if ':' in address else socket.AF_INET
    kind = socket.SOCK_DGRAM if protocol == 'udp' else socket.SOCK_STREAM
    with socket.socket(family, kind) as s:
        if family == socket.AF_INET6:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            s.bind((address, int(port)))
        except OSError as e:
            return errno.errorcode[e.errno]
        return 'ok %s %d' % s.getsockname()[:2]


def loop(requests):
    counts = {request: {} for request in requests}
    print('begun', flush=True)
    while not select.select([0], [], [], 0)[0]:
        for request in requests:
            outcome = bind(request)
            counts[request][outcome] = counts[request].get(outcome, 0) + 1
    print(json.dumps(counts), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--uid', type=int, default=65534)
    parser.add_argument('--gid', type=int, default=65534)
    parser.add_argument('--loop', action='store_true')
    parser.add_argument('--count', type=int, default=1)
    parser.add_argument('requests', nargs='*')
    options = parser.parse_args()
    drop(options.uid, options.gid)
    if options.loop:
        loop(options.requests)
        return
    for _ in range(options.count - 1):
        for request in options.requests:
            bind(request)
    for request in options.requests or iter(sys.stdin.readline, ''):
        print(bind(request), flush=True)


main()
