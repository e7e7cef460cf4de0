# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Types a line and a tab into zsh in a terminal, and waits until the line is what it is to become.
type.py BINDIR COMPLETIONS LINE WANTED"""
import os
import pty
import re
import select
import sys
import time

bindir, completions, line, wanted = sys.argv[1:]
pid, terminal = pty.fork()
if pid == 0:
    os.environ.update(PATH=f"{bindir}:{os.environ['PATH']}", TERM="dumb", COLUMNS="400", HOME="/nonexistent")
    os.execvp("zsh", ["zsh", "-f", "-i"])

seen = ""


def wait_for(text):
    global seen
    end = time.monotonic() + 60
    while text not in seen and time.monotonic() < end:
        if select.select([terminal], [], [], 1)[0]:
            try:
                data = os.read(terminal, 65536).decode(errors="replace")
            except OSError:
                break
            seen += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r|\x08|\x07", "", data)
    return text in seen


def send(text):
    os.write(terminal, text.encode())


try:
    send(f"stty cols 400; PS1='READ''Y> '; fpath=({completions} $fpath); autoload -Uz compinit; compinit -u -D; echo begi''n\n")
    ok = wait_for("begin\n") and wait_for("READY> ")
    seen = ""
    send(f"{line}\t")
    ok = ok and wait_for(wanted)
finally:
    os.close(terminal)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
if not ok:
    sys.exit(f"typed {line!r}, wanted {wanted!r}, saw {seen!r}")
