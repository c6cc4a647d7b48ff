"""What a crash says once the terminal is given back.

Owns the words. Textual would print every local variable, and those hold what systems and
operators said: here a traceback names files and lines only, and only where it was asked for.
"""

from __future__ import annotations

import os
import sys
import traceback
from typing import Any

from rich.segment import Segment, Segments
from textual.app import App

from treering.core.errors import Exit
from treering.core.text import safe

DEBUG = "TREERING_DEBUG"


def report(app: App[Any]) -> None:
    """Close an application that has crashed; `App._fatal_error` is to call it.

    Exit code 70, as for any bug. `TREERING_DEBUG` adds the traceback, without locals.
    """
    error = sys.exc_info()[1]
    lines = [f"treering: {type(error).__name__}: {error}"]
    if os.environ.get(DEBUG) and error is not None:
        whole = traceback.format_exception(error)
        lines = [*"".join(whole).rstrip("\n").split("\n"), *lines]
    lines.append(f"  a bug in treering: run again with {DEBUG}=1 and report")
    said = [Segment(f"{safe(line)}\n") for line in lines]
    app._exit_renderables.append(Segments(said))  # noqa: SLF001 -- `panic` writes for a console
    app._return_code = int(Exit.BUG)  # noqa: SLF001 -- `exit` would say nothing
    app._close_messages_no_wait()  # noqa: SLF001 -- as Textual's own does
