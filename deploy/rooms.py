#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Holds the rooms of the tree to their order: rooms.py [TREE]

Reads the includes of include/, bpf/ and loader/, and prints a line for each that its room may not have, for each
*_internal.h that another room takes, and for each bg_ function that a header declares and the source beside it does not
define. Ends with 1 where it printed any.
"""
import pathlib
import re
import sys

# What each room may include, besides itself and include/bindgate. Whoever adds an edge adds it here, with a reason.
LIBRARY = {
    'base': '',
    'policy': 'base',
    'cgroup': 'base',
    'gate': 'policy cgroup base',
    'config': 'policy base',
    'systemd': 'base',
    'permanent': 'systemd config cgroup policy base',
    'explain': 'gate systemd policy cgroup base',
    'report': 'explain gate policy cgroup base',
}
MAY_INCLUDE = {room: set(rooms.split()) for room, rooms in LIBRARY.items()}
MAY_INCLUDE |= {'cli': set(LIBRARY), 'node': set(LIBRARY)}  # not each other: both are programs
MAY_INCLUDE |= {'bpf': set(), 'bindgate': set()}  # the kernel's side, and what it shares with user space

GENERATED = {'built_version.h': {'base'}, 'hooks.skel.h': {'gate'},
             'refused.skel.h': {'gate'}, 'refused_tp.skel.h': {'gate'}, 'cri.pb-c.h': {'node'}, 'nri.pb-c.h': {'node'},
             'vmlinux.h': {'bpf', 'bindgate'}}  # and the rooms they are for


def room_of(path):
    """loader/lib/policy/rule.h -> policy; loader/node/source/cri.c -> node; bpf/hooks.bpf.c -> bpf."""
    parts = path.parts
    if parts[0] == 'loader':
        return parts[2] if parts[1] == 'lib' else parts[1]
    return parts[-2]


def code_of(text):
    """The text with comments blanked; lines stay where they are."""
    return re.sub(r'/\*.*?\*/|//[^\n]*', lambda m: re.sub(r'[^\n]', ' ', m[0]), text, flags=re.S)


def statements(text):
    """(line, statement) for what stands outside of braces and of the preprocessor, up to its ; or {."""
    text = re.sub(r'^[ \t]*#(?:[^\n]*\\\n)*[^\n]*', lambda m: re.sub(r'[^\n]', ' ', m[0]), text, flags=re.M)
    depth, start = 0, 0
    for at, char in enumerate(text):
        if char in ';{' and depth == 0:
            words = text[start:at].strip()
            if words:
                yield text.count('\n', 0, at - len(text[start:at].lstrip())) + 1, words, char
        if char == '{':
            depth += 1
        elif char == '}':
            depth -= 1
        if char in ';{}' and depth == 0:
            start = at + 1


def functions(text, ends):
    """Names of the bg_ functions that are declared (ends ';') or defined (ends '{') there, with their lines."""
    for line, words, end in statements(code_of(text)):
        match = re.match(r'[\w\s*]*?\b(bg_\w+)\s*\(', words)
        if match and end == ends and not words.startswith(('static', 'typedef')):
            yield line, match[1]


def includes(text):
    for number, line in enumerate(code_of(text).split('\n'), 1):
        match = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
        if match:
            yield number, match[1], match[2]


def check_include(tree, path, quote, name):
    """What is wrong with this include, or None."""
    room = room_of(path)
    if room not in MAY_INCLUDE:
        return f'room {room} is not in the table of deploy/rooms.py'
    other = name.split('/')[0]
    if quote == '<':  # the system's, libbpf's, or include/bindgate's, which all may take
        return f'<{name}> is ours: write "{name}"' if other in MAY_INCLUDE.keys() - {'bindgate', 'bpf'} else None
    if name in GENERATED:
        return None if room in GENERATED[name] else f'"{name}" is for {", ".join(sorted(GENERATED[name]))} alone'
    if room == 'bpf' and (tree / 'bpf' / name).exists():
        return None  # a room of its own folder
    if '/' not in name:
        return f'"{name}" does not name its room'
    if name.endswith('_internal.h') and other != room:
        return f'"{name}" is for {other} alone'
    if other != room and other not in MAY_INCLUDE[room]:
        allowed = ', '.join(sorted(MAY_INCLUDE[room])) or 'no other room'
        return f'{room} may not include "{name}": it may include {allowed}'
    return None


def main(tree):
    findings = []
    paths = sorted(p.relative_to(tree) for folder in ('include', 'bpf', 'loader')
                   for p in (tree / folder).rglob('*.[ch]'))
    for path in paths:
        text = (tree / path).read_text()
        for line, quote, name in includes(text):
            problem = check_include(tree, path, quote, name)
            if problem:
                findings.append(f'{path}:{line}: {problem}')
        if path.suffix == '.h' and path.parts[:2] == ('loader', 'lib'):
            source = path.with_name(path.name.removesuffix('.h').removesuffix('_internal') + '.c')
            beside = (tree / source).read_text() if (tree / source).exists() else ''
            defined = {name for _, name in functions(beside, '{')}
            findings += [f'{path}:{line}: {name} is declared here and not defined in {source.name} beside it'
                         for line, name in functions(text, ';') if name not in defined]
    print('\n'.join(findings) if findings else f'{len(paths)} files keep to their rooms')
    return 1 if findings else 0


if __name__ == '__main__':
    sys.exit(main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)))
