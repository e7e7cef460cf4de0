# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Prints what of each line that the daemon says by itself is always the same: lines.py FOLDER"""
import pathlib
import re
import sys

for source in sorted(pathlib.Path(sys.argv[1]).rglob('*.c')):
    for text in re.findall(r'\bsay\(\s*LOG_\w+,\s*"((?:[^"\\]|\\.)*)"', source.read_text()):
        parts = [part.strip(' :;,') for part in re.split(r'%[a-z]+', text)]
        longest = max(parts, key=len)
        if len(longest) > 3:
            print(longest)
