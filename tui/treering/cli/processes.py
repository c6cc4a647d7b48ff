"""Processes the command line starts: a pager, and the command of ``bisect``.

Owns that there are no others, that none goes through a shell, and that each is in the ledger. In
audit mode the pager is ``less`` without its commands that write or start anything, whatever
``PAGER`` says, and no command is run.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import IO, cast

from treering.cli.output import Output
from treering.core.errors import UsageError
from treering.core.gates import ArgvRule, Gate
from treering.core.text import safe

LESS = ("less", "-FRX")
_ANY = re.compile(r"(?s).*")
_PAGERS = (
    ArgvRule((re.compile("less"), re.compile("-FRX"))),
    ArgvRule((_ANY,), rest=_ANY, reads=False),
)
_COMMANDS = (ArgvRule((_ANY,), rest=_ANY, reads=False),)


def page(lines: Iterable[str], output: Output, *, wanted: bool, audit: bool) -> None:
    """Print lines of results, through a pager where they are longer than the terminal.

    `lines` may hold styles made by `Output.style`. Without a terminal there is no pager.
    """
    argv = pager(os.environ, audit=audit) if wanted and output.out.isatty() else ()
    waiting = iter(lines)
    # What fits needs no pager, and not all of them leave by themselves.
    first = list(islice(waiting, shutil.get_terminal_size().lines - 1)) if argv else []
    following = next(waiting, None) if argv else None
    if following is None:
        output.lines(chain(first, waiting))
        return
    _page(chain(first, (following,), waiting), output, argv, audit=audit)


def pager(environ: Mapping[str, str], *, audit: bool) -> Sequence[str]:
    """Return the pager as an argument list; empty for none.

    ``PAGER`` is split into words and nothing in it is expanded. Raises `UsageError`.
    """
    asked = environ.get("PAGER")
    if asked is None or audit:
        return LESS
    try:
        argv = shlex.split(asked)
    except ValueError as error:
        raise UsageError(f"PAGER {safe(asked, 100)} has an open quote") from error
    return () if argv == ["cat"] else argv


def _page(lines: Iterable[str], output: Output, argv: Sequence[str], *, audit: bool) -> None:
    Gate("pager", _PAGERS, audit=audit).argv(argv)
    environ = {**os.environ, "LESSSECURE": "1"} if audit else dict(os.environ)
    output.out.flush()
    encoding = output.out.encoding or "utf-8"
    try:
        process = subprocess.Popen(  # noqa: S603 -- the operator's own pager, without a shell
            argv, stdin=subprocess.PIPE, env=environ, encoding=encoding, errors="backslashreplace"
        )
    except OSError as error:
        output.note(f"treering: no pager: {error}")
        output.lines(lines)
        return
    with _left_to_the_pager():
        _write(lines, output, cast("IO[str]", process.stdin))
        process.wait()


def _write(lines: Iterable[str], output: Output, pipe: IO[str]) -> None:
    through = Output(pipe, output.err)  # type: ignore[arg-type]  # all it needs of a stream
    through.colour, through.unicode = output.colour, output.unicode
    # Whoever looks may have seen enough.
    with contextlib.suppress(BrokenPipeError), pipe:
        through.lines(lines)


@contextlib.contextmanager
def _left_to_the_pager() -> Iterator[None]:
    """Leave ctrl+c to the pager while it shows what we print."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def run(argv: Sequence[str], more: Mapping[str, str], *, audit: bool) -> int:
    """Run the operator's command to its end and return its exit code, below 0 for a signal.

    What it prints goes to standard error; it reads nothing. Raises `Refused` in audit mode and
    `UsageError` for a command that cannot be started.
    """
    Gate("bisect", _COMMANDS, audit=audit).argv(argv)
    sys.stderr.flush()
    try:
        done = subprocess.run(  # noqa: S603 -- what the operator typed, without a shell
            argv, check=False, stdin=subprocess.DEVNULL, stdout=2, env={**os.environ, **more}
        )
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot run {safe(argv[0], 100)}: {error}") from error
    return done.returncode
