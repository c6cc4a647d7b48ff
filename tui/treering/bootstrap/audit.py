"""The program ``treering-audit``: the same reading, and nothing that writes.

No mutator and no maker of demo worlds is reachable from here (import-linter checks it, and a
test checks ``sys.modules``).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

from treering.bootstrap.registry import catalogue
from treering.cli.main import leave, run
from treering.cli.wiring import Wiring
from treering.core.session import Session


def main(argv: Sequence[str] | None = None) -> int:
    """Run treering in audit mode and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    return run(arguments, Wiring(catalogue(audit=True), open_screen, None, audit=True))


def open_screen(session: Session) -> int:
    """Open the terminal application."""
    from treering.tui.app import open_app  # noqa: PLC0415 -- Textual takes 0.2 s

    return open_app(session)


def program() -> NoReturn:
    """Run as the console script does."""
    leave(main())


if __name__ == "__main__":
    program()
