"""``treering`` without a command, and ``demo``: what opens the screen."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from treering.cli.output import Output
from treering.cli.wiring import Wiring
from treering.core import config
from treering.core.errors import Refused, UsageError
from treering.core.text import safe

if TYPE_CHECKING:
    from treering.core.session import Session


def screen(arguments: argparse.Namespace, wiring: Wiring) -> int:
    """Open the screen on the sources the options name."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "the screen needs a terminal",
            "use a command: treering graph, find, lineage, doctor; see --help",
        )

    def session() -> Session:
        from treering.cli import sources  # noqa: PLC0415 -- after the first paint

        reading = sources.reading(arguments, wiring, watch=True)
        scope = str(arguments.config) if arguments.config else str(Path.cwd())
        return sources.session(arguments, wiring, reading, scope)

    settings = config.load_screen(os.environ, Path.cwd(), arguments.config)
    return wiring.open_screen(session, settings)


def demo(arguments: argparse.Namespace, wiring: Wiring) -> int:
    """Make the demo world and open it, or print where its configuration is."""
    if wiring.build_demo is None:
        raise Refused("audit mode makes no demo world", "run `treering demo` instead")
    directory = arguments.dir or _cache() / "demo"
    made = wiring.build_demo(directory.absolute())
    output = Output()
    if arguments.json:
        output.json({"schema": "treering.demo/1", "config": safe(str(made))})
        return 0
    if arguments.build_only:
        output.line(output.style(str(made)))
        return 0
    arguments.config, arguments.source = made, None
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        output.line(output.style(str(made)))
        output.note("treering: no terminal here; try: treering graph --config " + str(made))
        return 0
    return screen(arguments, wiring)


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or (
        f"{os.environ['HOME']}/.cache" if os.environ.get("HOME") else ""
    )
    if not home:
        raise UsageError("there is no home directory for the demo world", "name one with --dir")
    return Path(home) / "treering"
