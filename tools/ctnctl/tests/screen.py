#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Run a program on a terminal, and see what is on its screen.

usage: tests/screen.py LINESxCOLUMNS STEP... -- PROGRAM [ARGUMENT...]

The steps, in order:

  wait:REGEX    until a line of the screen has it, twenty seconds at most
  gone:REGEX    until no line has it
  keys:TEXT     type it, with \\n, \\x1b and the like
  size:LxC      the terminal gets another size
  signal:NAME   send one
  stopped       until the program is stopped
  sh:COMMAND    run a command of the shell
  show          print the screen, without what is empty at the ends
  look:REGEX    print how the first match looks: colour, bold, reverse
  end           until the program ends; print its status

The terminal is a pseudo-terminal, and its screen is pyte's. When the program has
ended or is stopped, the terminal must be as it was before: its modes, the screen
and the cursor. What it has written must not have anything that the screen of a
vt100 would not be sent by ncurses: see LEGAL.
"""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import pyte

PATIENCE = 20   # seconds
# sequences of ncurses for TERM=screen: none that sets a title or has an answer
LEGAL = re.compile(rb"(?:[\x20-\x7e\x80-\xff]|[\r\n\b\x0f]|\x1b[=>78M]|\x1b[()][B0]|"
                   rb"\x1b\[[?>]?[0-9;]*[@A-Za-z])*", re.DOTALL)


class Terminal:
    """A program and its terminal."""

    def __init__(self, lines, columns, program):
        self.screen = pyte.Screen(columns, lines)
        self.stream = pyte.ByteStream(self.screen)
        self.written = b""
        self.master, self.slave = pty.openpty()
        self.resize(lines, columns)
        self.modes = termios.tcgetattr(self.slave)
        self.status = None
        news, self.teller = os.pipe()
        self.shell = os.fork()
        if not self.shell:
            self.be_shell(program)
        os.close(self.teller)
        self.news = os.fdopen(news, "r", encoding="ascii")
        self.pid = int(self.news.readline())

    def be_shell(self, program):
        """What has no parent in its session cannot be stopped from the keyboard."""
        os.setsid()
        for fd in 0, 1, 2:
            os.dup2(self.slave, fd)
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        pid = os.fork()
        if not pid:
            os.setpgid(0, 0)
            os.tcsetpgrp(0, os.getpid())
            for name in "INT", "QUIT", "TSTP", "PIPE", "TTOU", "TTIN":
                signal.signal(getattr(signal, "SIG" + name), signal.SIG_DFL)
            # pyte knows all that this one has
            os.execvpe(program[0], program, {**os.environ, "TERM": "screen"})
        os.write(self.teller, b"%d\n" % pid)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.write(self.teller, b"%d\n" % status)
        signal.pause()

    def has_ended(self):
        if self.status is None and select.select([self.news], [], [], 0)[0]:
            self.status = int(self.news.readline())
        return self.status is not None

    def end(self):
        if not self.has_ended():
            os.kill(self.pid, signal.SIGKILL)
        os.kill(self.shell, signal.SIGKILL)
        os.waitpid(self.shell, 0)

    def resize(self, lines, columns):
        self.screen.resize(lines, columns)
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def read(self, seconds, then=0):
        """What comes within the time, and all that comes after it with no longer pause than then."""
        while select.select([self.master], [], [], seconds)[0]:
            data = os.read(self.master, 65536)
            self.written += data
            self.stream.feed(data)
            seconds = then

    def lines(self):
        return [line.rstrip() for line in self.screen.display]

    def until(self, what, condition):
        end = time.monotonic() + PATIENCE
        self.read(0.05)
        while not condition():
            self.read(0.05)
            if time.monotonic() > end:
                self.fail(f"in vain: {what}")
        # a screen may be drawn by half
        self.read(0.1, then=0.1)

    def fail(self, why):
        self.end()
        sys.exit("\n".join([why, *self.lines()]))

    def check_restored(self):
        """As it was before: also the screen, and the cursor."""
        if termios.tcgetattr(self.slave) != self.modes:
            self.fail("the modes of the terminal were not restored")
        for on, off in ((b"\x1b[?1049h", b"\x1b[?1049l"), (b"\x1b[?25l", b"\x1b[?25h")):
            if self.written.rfind(on) > self.written.rfind(off):
                self.fail(f"not restored: {on}")

    def check_written(self):
        if not LEGAL.fullmatch(self.written):
            end = LEGAL.match(self.written).end()
            self.fail(f"this got to the terminal: {self.written[end:end + 40]}")

    def is_stopped(self):
        with open(f"/proc/{self.pid}/stat", encoding="utf-8") as f:
            return f.read().rsplit(")", 1)[1].split()[0] == "T"


def step(terminal, what, argument):
    if what == "wait":
        terminal.until(argument, lambda: any(re.search(argument, line)
                                             for line in terminal.lines()))
    elif what == "gone":
        terminal.until(argument, lambda: not any(re.search(argument, line)
                                                 for line in terminal.lines()))
    elif what == "keys":
        os.write(terminal.master, argument.encode().decode("unicode_escape").encode())
    elif what == "size":
        terminal.read(0)
        terminal.resize(*map(int, argument.split("x")))
    elif what == "signal":
        os.kill(terminal.pid, getattr(signal, "SIG" + argument))
    elif what == "stopped":
        terminal.until("to be stopped", terminal.is_stopped)
        terminal.read(0.05)
        terminal.check_restored()
        # what comes next is drawn anew
        terminal.screen.reset()
    elif what == "sh":
        subprocess.run(argument, shell=True, check=True)
    elif what == "show":
        terminal.read(0)
        print("\n".join(terminal.lines()).rstrip())
    elif what == "look":
        for y, line in enumerate(terminal.screen.display):
            match = re.search(argument, line)
            if match:
                char = terminal.screen.buffer[y][match.start()]
                print(char.fg, *["bold"] * char.bold, *["reverse"] * char.reverse)
                return
        terminal.fail(f"not there: {argument}")
    elif what == "end":
        terminal.until("to end", terminal.has_ended)
        terminal.read(0.05)
        terminal.check_restored()
        print("status", terminal.status)
    else:
        sys.exit(f"unknown step: {what}")


def main():
    split = sys.argv.index("--")
    terminal = Terminal(*map(int, sys.argv[1].split("x")), sys.argv[split + 1:])
    for word in sys.argv[2:split]:
        step(terminal, *(word.split(":", 1) if ":" in word else (word, "")))
        sys.stdout.flush()
    terminal.check_written()
    terminal.end()


main()
