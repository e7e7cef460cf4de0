# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Prints each file that a page of the tree names and that is not there: docs.py TREE"""
import pathlib
import re
import sys

tree = pathlib.Path(sys.argv[1])
FOLDERS = ('include', 'bpf', 'loader', 'tests', 'bench', 'deploy', 'doc', 'packaging', 'debian', 'vmlinux')
# where a page of that folder may be speaking from
BASES = ('', 'loader/lib/', 'loader/node/', 'loader/', 'tests/')
missing = []
pages = [p for p in tree.rglob('*.md') if not {'build', '.git', 'node_modules'} & set(p.relative_to(tree).parts)]
for page in sorted(pages):
    text = page.read_text()
    name = page.relative_to(tree)
    for link in re.findall(r'\]\(([^)#]+)(?:#[^)]*)?\)', text):
        if '://' not in link and not (page.parent / link).exists():
            missing.append(f'{name}: ]({link})')
    for path in re.findall(r'`([\w.]+/[\w./-]*)`', text):
        if path.split('/')[0] in FOLDERS and 'NAME' not in path and not (tree / path).exists():
            missing.append(f'{name}: `{path}`')
    for path in re.findall(r'\b((?:policy|cgroup|gate|config|explain|report|source)/\w+\.[ch])\b', text):
        if 'NAME' not in path and not any((tree / base / path).exists() for base in BASES):
            missing.append(f'{name}: {path}')
assert pages
print('\n'.join(missing))
sys.exit(bool(missing))
