"""One run of the command line: parse, do, report, return the exit code.

Owns the last word on errors: each error class knows its code, everything reaches stderr as safe
text, and a traceback is shown only when ``TREERING_DEBUG`` is set.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
from collections.abc import Callable, Sequence
from typing import NoReturn

from treering.cli import parser
from treering.cli.wiring import Wiring
from treering.core.errors import Cancelled, Exit, InputError, TreeringError, UnknownName
from treering.core.text import safe


def run(argv: Sequence[str], wiring: Wiring) -> int:
    """Run one command and return its exit code."""
    if "_ARGCOMPLETE" in os.environ:
        _complete(wiring)
    arguments = parser.build(wiring.kinds, audit=wiring.audit).parse_args(argv)
    try:
        code = _command(arguments.command)(arguments, wiring)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of our output has seen enough, as `| head` does.
        _close_stdout()
        return Exit.DONE
    except OSError as error:
        _close_stdout()
        what = f"{error.filename}" if error.filename else "cannot write the output"
        return _say(InputError(f"{what}: {error.strerror or error}"))
    except KeyboardInterrupt:
        return _say(Cancelled("stopped"))
    except TreeringError as error:
        if os.environ.get("TREERING_DEBUG"):
            raise
        return _say(error)
    except Exception as error:
        if os.environ.get("TREERING_DEBUG"):
            raise
        what = f"{type(error).__name__}: {error}"
        _say(TreeringError(what, "a bug in treering: run again with TREERING_DEBUG=1 and report"))
        return Exit.BUG
    return int(code)


def _complete(wiring: Wiring) -> None:
    """Answer a shell that asks for completions, and end."""
    import argcomplete  # noqa: PLC0415 -- only while the shell asks

    from treering.cli.completing import node_completer  # noqa: PLC0415 -- as above

    kinds, complete = wiring.catalogue.kinds, node_completer(wiring)
    argcomplete.autocomplete(parser.build(kinds, audit=wiring.audit, complete_node=complete))


def _command(name: str | None) -> Callable[[argparse.Namespace, Wiring], int]:
    """Import and return what does a command; the screen when there is none."""
    from treering.cli import commands  # noqa: PLC0415 -- --help and --version need none of it

    return commands.command(name or "screen")


def _close_stdout() -> None:
    """Point stdout at nothing, so that what is buffered is not tried again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def leave(code: int) -> NoReturn:
    """End the process without waiting for threads that still wait for a source."""
    sys.stdout.flush()
    sys.stderr.flush()
    if threading.active_count() > 1:
        os._exit(code)
    sys.exit(code)


def _say(error: TreeringError) -> int:
    lines = [f"treering: {error.message}"]
    if error.hint:
        lines.append(f"  {error.hint}")
    if isinstance(error, UnknownName) and error.candidates:
        lines += [f"    {candidate}" for candidate in error.candidates]
    encoding = sys.stderr.encoding or "ascii"
    for line in lines:
        sys.stderr.write(safe(line).encode(encoding, "backslashreplace").decode(encoding) + "\n")
    return int(error.exit_code)
