#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Tells what ran, and names what did not: tell.py FILE (as lcov has them). Fails below a floor."""
import os
import sys

# Percent of each folder's lines, a little below what is measured (Linux 6.18, x86-64).
FLOOR = {'include/bindgate': 96, 'loader/lib': 96, 'loader/cli': 98, 'loader/node': 97}


def read(path):
    """{file: ({line: times}, {function: (line, times)})}"""
    files = {}
    for record in open(path):
        kind, _, value = record.rstrip('\n').partition(':')
        if kind == 'SF':
            lines, functions = files.setdefault(os.path.relpath(value), ({}, {}))
        elif kind == 'FN':
            line, name = value.split(',')
            begins = int(line)
            functions.setdefault(name.split(':')[-1], (begins, 0))
        elif kind == 'FNDA':
            times, name = value.split(',')
            name = name.split(':')[-1]  # a static one has its file before it
            functions[name] = (functions[name][0], functions[name][1] + int(times))
        elif kind == 'DA':
            line, times = value.split(',')[:2]
            lines[int(line)] = int(times)
    return files


def gaps(lines):
    """Runs of lines that never ran, as (first, last)."""
    first = last = None
    for line in sorted(lines):
        if not lines[line]:
            first, last = first or line, line
        elif first:
            yield first, last
            first = None
    if first:
        yield first, last


def figures(what, counts):
    covered, total = sum(map(bool, counts)), len(counts)
    return f'{what:<36} {total:>6} {covered:>8} {100 * covered / total:>6.1f}'


def main():
    files = read(sys.argv[1])
    rooms = {room: sorted(f for f in files if os.path.dirname(f) == room) for room in FLOOR}
    print(f'{"file":<36} {"lines":>6} {"covered":>8} {"%":>6}')
    for room in rooms:
        for file in rooms[room]:
            print(figures(file, files[file][0].values()))
    print('\nNever run:')
    for room in rooms:
        for file in rooms[room]:
            lines, functions = files[file]
            text = open(file).read().split('\n')
            for name, (line, times) in functions.items():
                if not times:
                    print(f'{file}:{line}: {name}() as a whole')
            for first, last in gaps(lines):
                where = f'{first}-{last}' if last > first else first
                print(f'{file}:{where}: {text[first - 1].strip()}')
    print()
    below = 0
    for room in rooms:
        counts = [times for file in rooms[room] for times in files[file][0].values()]
        percent = 100 * sum(map(bool, counts)) / len(counts)
        below += percent < FLOOR[room]
        print(figures(room, counts) + (f'  below its floor of {FLOOR[room]}' if percent < FLOOR[room] else ''))
    sys.exit(1 if below else 0)


main()
