# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What bpftool cannot do for the tests.

bpf.py crowd CGROUP HOOK COUNT [FLAGS]   puts COUNT programs on bind4 or bind6 until standard input ends
bpf.py hold CGROUP                       one program on each hook, alone (no BPF_F_ALLOW_MULTI), until then
bpf.py poke MAP CGROUP OFFSET HEX        changes bytes of the cgroup's value in a pinned map
"""
import ctypes
import os
import platform
import struct
import sys

BPF = {'x86_64': 321, 'aarch64': 280}[platform.machine()]
LOOKUP, UPDATE, PROG_LOAD, OBJ_GET, PROG_ATTACH, LINK_CREATE = 1, 2, 5, 7, 8, 28
CGROUP_SOCK_ADDR = 18
HOOKS = {'bind4': 8, 'bind6': 9}
VALUE_SIZE = 1 << 16  # more than any

libc = ctypes.CDLL(None, use_errno=True)


def bpf(command, attributes):
    buffer = ctypes.create_string_buffer(attributes, 128)
    result = libc.syscall(BPF, command, buffer, 128)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def address(buffer):
    return ctypes.addressof(buffer)


def load(hook):
    code = ctypes.create_string_buffer(struct.pack('<BBhiBBhi', 0xb7, 0, 0, 1, 0x95, 0, 0, 0))  # r0 = 1; exit
    licence = ctypes.create_string_buffer(b'GPL')
    return bpf(PROG_LOAD, struct.pack('=IIQQIIQII16sII', CGROUP_SOCK_ADDR, 2, address(code), address(licence), 0, 0, 0,
                                      0, 0, b'bindgate_test', 0, HOOKS[hook]))


def crowd(cgroup, hook, count):
    program, directory = load(hook), os.open(cgroup, os.O_RDONLY)
    links = [bpf(LINK_CREATE, struct.pack('=IIII', program, directory, HOOKS[hook], 0)) for _ in range(int(count))]
    print(len(links), flush=True)
    sys.stdin.read()


def hold(cgroup):
    directory = os.open(cgroup, os.O_RDONLY)
    for hook in HOOKS:
        bpf(PROG_ATTACH, struct.pack('=IIII', directory, load(hook), HOOKS[hook], 0))
    print('held', flush=True)
    sys.stdin.read()


def poke(path, cgroup, offset, data):
    name = ctypes.create_string_buffer(path.encode())
    fd = bpf(OBJ_GET, struct.pack('=QII', address(name), 0, 0))
    key = ctypes.create_string_buffer(struct.pack('=Q', os.stat(cgroup).st_ino))
    value = ctypes.create_string_buffer(VALUE_SIZE)
    element = struct.pack('=IIQQQ', fd, 0, address(key), address(value), 0)
    bpf(LOOKUP, element)
    data = bytes.fromhex(data)
    ctypes.memmove(address(value) + int(offset), data, len(data))
    bpf(UPDATE, element)


{'crowd': crowd, 'hold': hold, 'poke': poke}[sys.argv[1]](*sys.argv[2:])
