"""The program ``treering``: readers, and everything that writes on an operator's word."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from treering.bootstrap.registry import KINDS, catalogue
from treering.cli.main import leave, run
from treering.cli.wiring import Wiring

if TYPE_CHECKING:
    from treering.core.session import Session
    from treering.core.settings import ScreenConfig


def main(argv: Sequence[str] | None = None) -> int:
    """Run treering and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    audit = "--audit" in arguments[: arguments.index("--") if "--" in arguments else None]
    if audit:
        from treering.bootstrap import audit as audited  # noqa: PLC0415 -- nothing that writes

        return audited.main(arguments)
    return run(arguments, Wiring(KINDS, partial(catalogue, audit=False), open_screen, build_demo))


def open_screen(session: Callable[[], Session], settings: ScreenConfig) -> int:
    """Open the terminal application; it asks for the session once something is painted."""
    from treering.tui.app import open_app  # noqa: PLC0415 -- Textual takes 0.2 s

    return open_app(session, settings)


def build_demo(directory: Path) -> Path:
    """Make the demo world."""
    from treering.adapters.demo.build import build  # noqa: PLC0415 -- loaded when used

    return build(directory)


def program() -> NoReturn:
    """Run as the console script does."""
    leave(main())


if __name__ == "__main__":
    program()
