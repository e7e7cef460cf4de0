#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Runs a command in a real terminal (a pty) and draws what it showed, line by line at its own pace, as an SVG:
record.py OUT.svg COMMAND...

It knows what the demo uses: lines, colours, bold and dim. Pauses longer than PAUSE_MAX are cut to that.
"""
import html
import os
import pty
import re
import select
import sys
import time

COLUMNS, PAUSE_MAX = 104, 1.2
GLYPH, LINE = 8.4, 20  # of the font, in px
STYLES = {'1': 'b', '2': 'd', '31': 'r', '32': 'g', '33': 'y'}


def run(command):
    """(seconds, bytes) as the terminal got them."""
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(TERM='xterm-256color', COLUMNS=str(COLUMNS))
        os.environ.pop('NO_COLOR', None)
        os.execvp(command[0], command)
    began, pieces = time.monotonic(), []
    while True:
        select.select([fd], [], [])
        try:
            data = os.read(fd, 65536)
        except OSError:  # EIO: the other end is closed
            break
        if not data:
            break
        pieces.append((time.monotonic() - began, data))
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status:
        sys.exit(f'{command[0]} ended with {status}: not recorded')
    return pieces


def lines_of(pieces):
    """(seconds, text) for each line, at the moment that it began to be shown."""
    lines, text, since = [], b'', None
    for when, data in pieces:
        for piece in data.splitlines(keepends=True):
            since = when if since is None else since
            text += piece
            if text.endswith(b'\n'):
                lines.append((since, text.decode().rstrip('\r\n')))
                text, since = b'', None
    return lines


def spans(text):
    """The line as SVG, its colours as classes."""
    out, style = [], ''
    for piece in re.split(r'(\x1b\[[0-9;]*m)', text):
        codes = re.fullmatch(r'\x1b\[([0-9;]*)m', piece)
        if codes:
            style = ' '.join(STYLES[c] for c in codes[1].split(';') if c in STYLES)
        elif piece:
            words = html.escape(piece, quote=False)
            out.append(f'<tspan class="{style}">{words}</tspan>' if style else words)
    return ''.join(out)


def draw(lines):
    shown, clock, before = [], 0.0, 0.0
    for when, text in lines:
        clock += min(when - before, PAUSE_MAX)
        before = when
        shown.append((clock, text))
    width, height = int(COLUMNS * GLYPH + 32), len(shown) * LINE + 48
    rows = '\n'.join(f'<text x="16" y="{44 + i * LINE}" style="animation-delay:{when:.2f}s">{spans(text)}</text>'
                     for i, (when, text) in enumerate(shown) if text)
    words = re.sub(r'\x1b\[[0-9;]*m', '', ' '.join(text.strip() for _, text in lines if text))
    return f'''<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" viewBox="0 0 {width} {height}" role="img" aria-label="{html.escape(words)}">
<style>
text {{ font: 14px ui-monospace, "DejaVu Sans Mono", monospace; fill: #d1d7e0; white-space: pre; animation: show .01s both }}
.b {{ font-weight: 700; fill: #f0f6fc }} .d {{ fill: #9198a1 }} .r {{ fill: #ff7b72 }} .g {{ fill: #56d364 }} .y {{ fill: #e3b341 }}
@keyframes show {{ from {{ opacity: 0 }} }}
@media (prefers-reduced-motion: reduce) {{ text {{ animation: none }} }}
</style>
<rect width="{width}" height="{height}" rx="8" fill="#151b23"/>
<circle cx="18" cy="16" r="5" fill="#ff7b72"/><circle cx="34" cy="16" r="5" fill="#e3b341"/><circle cx="50" cy="16" r="5" fill="#56d364"/>
{rows}
</svg>
'''


if __name__ == '__main__':
    svg = draw(lines_of(run(sys.argv[2:])))
    with open(sys.argv[1], 'w') as out:
        out.write(svg)
