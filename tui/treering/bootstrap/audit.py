"""The program ``treering-audit``: the same reading, and nothing that writes.

No mutator and no maker of demo worlds is reachable from here (import-linter checks it, and a
test checks ``sys.modules``).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, NoReturn

from treering.bootstrap.registry import KINDS, catalogue
from treering.cli.main import leave, run
from treering.cli.wiring import Wiring

if TYPE_CHECKING:
    from treering.core.session import Session
    from treering.core.settings import ScreenConfig


def main(argv: Sequence[str] | None = None) -> int:
    """Run treering in audit mode and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    make = partial(catalogue, audit=True)
    return run(arguments, Wiring(KINDS, make, open_screen, None, audit=True))


def open_screen(session: Callable[[], Session], settings: ScreenConfig) -> int:
    """Open the terminal application; it asks for the session once something is painted."""
    from treering.tui.app import open_app  # noqa: PLC0415 -- Textual takes 0.2 s

    return open_app(session, settings)


def program() -> NoReturn:
    """Run as the console script does."""
    leave(main())


if __name__ == "__main__":
    program()
