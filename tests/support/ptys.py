"""A pseudo-terminal that answers as terminals do, and a program on it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import termios
import time
from pathlib import Path

ENTER, LEAVE = b"\x1b[?1049h", b"\x1b[?1049l"
QUERY = b"\x1b[6n"


class Terminal:
    """A program on a terminal of its own, every byte it writes kept.

    `delay` is how many seconds an answer to "where is the cursor" takes; None answers nothing.
    """

    def __init__(
        self, argv: list[str], cwd: Path, *, delay: float | None = None, **environ: str
    ) -> None:
        self.bytes = b""
        self.delay, self._answered = delay, False
        pid, self.fd = pty.fork()
        if pid == 0:
            os.chdir(cwd)
            clean = {k: v for k, v in os.environ.items() if not k.startswith(("SSH_", "TMUX"))}
            for name in ("COLUMNS", "LINES", "NO_COLOR", "STY", "COLORTERM", "COLORFGBG"):
                clean.pop(name, None)
            os.execve(argv[0], argv, clean | {"TERM": "xterm-256color"} | environ)  # noqa: S606
        self.pid = pid
        self.before = termios.tcgetattr(self.fd)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))

    def read(self, seconds: float, until: bytes = b"") -> bytes:
        """Keep what comes for so many seconds, or until `until` has come."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not (until and until in self.bytes):
            if select.select([self.fd], [], [], 0.02)[0]:
                try:
                    self.bytes += os.read(self.fd, 65536)
                except OSError:
                    break
            if self.delay is not None and QUERY in self.bytes and not self._answered:
                self._answered = True
                time.sleep(self.delay)
                self.send(b"\x1b[1;1R")
        return self.bytes

    def send(self, keys: bytes) -> None:
        """Type."""
        os.write(self.fd, keys)

    def wait(self, seconds: float = 20, options: int = 0) -> int | None:
        """Return the exit code, or minus the signal it stopped at; None when it goes on."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG | options)
            if pid:
                if os.WIFSTOPPED(status):
                    return -os.WSTOPSIG(status)
                return os.waitstatus_to_exitcode(status)
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)
        return None

    def given_back(self) -> None:
        """Assert that the terminal is as a shell wants it."""
        assert termios.tcgetattr(self.fd)[:4] == self.before[:4], "raw"
        for mode in (b"?1049", b"?1000", b"?1003", b"?1006", b"?2004", b"?1004", b"?2026"):
            on, off = self.bytes.rfind(b"\x1b[%sh" % mode), self.bytes.rfind(b"\x1b[%sl" % mode)
            assert off >= on, mode
        assert self.bytes.rfind(b"\x1b[?25h") > self.bytes.rfind(b"\x1b[?25l"), "cursor hidden"


def colours(data: bytes) -> set[str]:
    """Return the kinds of colours that a stream of bytes sets: palette, 256, truecolor."""
    found = set()
    for codes in re.findall(rb"\x1b\[([0-9;]*)m", data):
        parts = codes.decode().split(";")
        while parts:
            code = parts.pop(0)
            if code in {"38", "48"}:
                kind = parts.pop(0)
                found.add("truecolor" if kind == "2" else "256")
                del parts[: 3 if kind == "2" else 1]
            elif code and (30 <= int(code) <= 37 or 40 <= int(code) <= 47 or int(code) >= 90):
                found.add("palette")
    return found
