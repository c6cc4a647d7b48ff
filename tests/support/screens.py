"""The application under test: its own clock, and waiting until it has settled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.contract import FixedClock
from textual.pilot import Pilot

from treering.bootstrap.registry import catalogue
from treering.core.ports import Reader, SourceSpec
from treering.core.reading import Reading
from treering.core.session import Session
from treering.core.settings import ScreenConfig
from treering.present.lines import plain
from treering.tui.app import TreeringApp
from treering.tui.screen import MainScreen
from treering.tui.widgets.lines import LineList

DARK = ScreenConfig(theme="treering-dark", glyphs="unicode", link="fast")
"""How screens are pictured: nothing depends on the terminal the tests run in."""

DEMO = (
    ("oci-layout", "registry"),
    ("oci-layout", "staging"),
    ("ostree", "os-repo"),
    ("git", "shop.git"),
)


class StillClock(FixedClock):
    """Time stands still for facts, some weeks after the demo world, and moves for deadlines."""

    def __init__(self) -> None:
        super().__init__(1_780_000_000.0)

    def monotonic(self) -> float:
        import time

        return time.monotonic()


def app(*readers: Reader, audit: bool = False, screen: ScreenConfig = DARK) -> TreeringApp:
    reading = Reading(readers, clock=StillClock(), watch=True)
    return TreeringApp(Session(reading, "demo", audit, screen=screen))


def demo_readers() -> list[Reader]:
    """Readers of the demo world in the working directory."""
    return [catalogue(audit=False).open(SourceSpec(k, p, p)) for k, p in DEMO]


def demo_app(directory: Path, monkeypatch: pytest.MonkeyPatch, **options: Any) -> TreeringApp:
    """Open the demo world, wherever it lies, by names that do not tell where."""
    monkeypatch.chdir(directory)
    return app(*demo_readers(), **options)


async def until(pilot: Pilot[Any], true: Callable[[], bool], what: str = "it") -> None:
    """Wait until something is true."""
    for _ in range(1000):
        if true():
            await pilot.pause()
            return
        await pilot.pause(0.02)
    pytest.fail(f"waited in vain for {what}")


async def settled(pilot: Pilot[Any]) -> None:
    """Wait until everything is read, joined and drawn."""
    await pilot.pause()
    await until(pilot, lambda: screen(pilot).settled, "the screen to settle")


def screen(pilot: Pilot[Any]) -> MainScreen:
    """The one screen, whatever stands over it."""
    found = pilot.app.desk
    assert isinstance(found, MainScreen)
    return found


def lines(found: LineList) -> list[str]:
    """The text of every row of a list."""
    return [plain(found.line_of(row, 200)).rstrip() for row in range(found.count)]


def shown(pilot: Pilot[Any]) -> str:
    """The text of everything on the terminal."""
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips)
