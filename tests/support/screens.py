"""The application under test: its own clock, and waiting until it has settled."""

from __future__ import annotations

from typing import Any

import pytest
from support.contract import FixedClock
from textual.pilot import Pilot

from treering.core.ports import Reader
from treering.core.reading import Reading
from treering.core.session import Session
from treering.tui.app import TreeringApp
from treering.tui.screen import MainScreen


class StillClock(FixedClock):
    """Time stands still for facts and moves for deadlines."""

    def monotonic(self) -> float:
        import time

        return time.monotonic()


def app(*readers: Reader, audit: bool = False) -> TreeringApp:
    reading = Reading(readers, clock=StillClock(), watch=True)
    return TreeringApp(Session(reading, "demo", audit))


async def settled(pilot: Pilot[Any]) -> None:
    """Wait until everything is read, joined and drawn."""
    for _ in range(400):
        screen = pilot.app.screen
        if isinstance(screen, MainScreen) and screen.settled:
            await pilot.pause()
            return
        await pilot.pause(0.02)
    pytest.fail("the screen did not settle")
