# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Kills bindgate at random instants, and looks whether each gate is whole or absent.

killer.py BINDGATE CGROUP KILLS BINDER...    BINDER: the command that starts binder.py without privilege in the cgroup
"""
import os
import random
import subprocess
import sys
import time

import gate as gates

bindgate, cgroup, kills = sys.argv[1], sys.argv[2], int(sys.argv[3])
gate = gates.Gate(bindgate, cgroup, sys.argv[4:])
moves = gates.moves(cgroup)
seed = int(os.environ.get('BINDGATE_TEST_SEED', '0')) or random.randrange(1 << 32)
draw = random.Random(seed)


def check(name):
    before, command, after = moves[name]
    gate.set_up(before, name != 'load')
    began = time.monotonic()
    duration = durations.get(name, 0.05)
    process = subprocess.Popen([bindgate, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait = draw.random() * duration * 1.2
    while time.monotonic() - began < wait:
        pass
    process.kill()
    ended = process.wait()
    if ended == 0:
        durations[name] = 0.8 * duration + 0.2 * (time.monotonic() - began)
    state = gate.look([before, after])
    assert ended or state == after, f'ended well, but the state is {state}'
    return ended != 0


durations = {}
for name in moves:  # how long each takes
    gate.set_up(moves[name][0], name != 'load')
    began = time.monotonic()
    gate.run(*moves[name][1])
    durations[name] = time.monotonic() - began
hit, rounds = {name: 0 for name in moves}, 0
try:
    while sum(hit.values()) < kills:
        name = draw.choice(list(moves))
        hit[name] += check(name)
        rounds += 1
        assert rounds < 20 * kills, 'hardly any command was killed in time'
except AssertionError as error:
    sys.exit(f'{name}: {error} (BINDGATE_TEST_SEED={seed}, round {rounds})')
print(f'{sum(hit.values())} killed of {rounds}: {hit}')
