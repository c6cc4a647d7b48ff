"""A program on a pseudo-terminal: keys in, bytes out, and when the first of them came."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from typing import Self

ANSWERS = {b"\x1b[c": b"\x1b[?62;22c", b"\x1b[?2026$p": b"\x1b[?2026;2$y"}
"""What a terminal of today says when asked for its attributes and for synchronized output."""


class OnTerminal:
    """One program in a terminal of `columns` by `rows`. A context manager; leaving ends it."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        columns: int = 140,
        rows: int = 40,
        environment: Mapping[str, str] | None = None,
        directory: str | None = None,
    ) -> None:
        variables = {
            **os.environ,
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            **(environment or {}),
        }
        self.began = time.perf_counter()
        self.pid, self._fd = pty.fork()
        if not self.pid:
            if directory:
                os.chdir(directory)
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.execvpe(argv[0], list(argv), variables)  # noqa: S606
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.first_byte: float | None = None
        self.ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._fd)

    def send(self, keys: bytes) -> None:
        os.write(self._fd, keys)

    def read(self, seconds: float) -> bytes:
        """Return what comes within some time; nothing is b"". Answers what a terminal is asked."""
        ready, _, _ = select.select([self._fd], [], [], seconds)
        if not ready:
            return b""
        try:
            data = os.read(self._fd, 65536)
        except OSError:
            data = b""
        self.ended = not data
        for question, answer in ANSWERS.items():
            if question in data:
                self.send(answer)
        return data

    def until_quiet(self, quiet: float = 0.2, longest: float = 15.0) -> bytes:
        """Return all that comes until nothing has come for a while."""
        self.first_byte = None
        began = time.perf_counter()
        out = b""
        while not self.ended and time.perf_counter() - began < longest:
            data = self.read(quiet)
            if not data:
                break
            if self.first_byte is None:
                self.first_byte = time.perf_counter() - began
            out += data
        return out

    def until_seen(self, text: bytes, longest: float = 15.0) -> bytes:
        """Return all that comes until a text has."""
        out = b""
        deadline = time.perf_counter() + longest
        while text not in out and not self.ended and time.perf_counter() < deadline:
            out += self.read(0.05)
        return out
