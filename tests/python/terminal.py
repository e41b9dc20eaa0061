"""Runs a command on a terminal of its own: `terminal.py FRAMES COMMAND…`. Passes on what it shows; once the
screen was drawn that often, presses Ctrl-C. Ends with the command's exit code."""

import os
import pty
import sys

frames, command = int(sys.argv[1]), sys.argv[2:]
child, terminal = pty.fork()
if child == 0:
    os.execv(command[0], command)
seen, pressed = b"", False
while True:
    try:
        shown = os.read(terminal, 4096)
    except OSError:
        break
    if not shown:
        break
    seen += shown
    os.write(1, shown)
    if not pressed and seen.count(b"\x1b[H") > frames:
        os.write(terminal, b"\x03")
        pressed = True
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
