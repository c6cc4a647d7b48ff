"""The link to the terminal: fast, or slow enough to draw less.

Owns the profiles and the measuring. Over ssh the terminal is asked where its cursor is (DSR,
``CSI 6 n``) through the running application: Textual's parser knows the answer and hands keys
typed meanwhile on as keys, in their order. Nothing is read from the terminal here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from textual.app import App
from textual.events import CursorPosition

from treering.present import terminal
from treering.tui.terminal import driver

SLOW = 0.1
"""A round trip of more seconds is slow: typing is felt to lag."""

WAIT = 0.5
"""Seconds an answer is waited for; without one the link counts as slow."""


@dataclass(frozen=True, slots=True)
class Link:
    """How to draw over a link. Times are in seconds.

    `round_trip` is None where it was not measured or no answer came. After the cursor moved,
    details are drawn when `debounce` has passed; live changes are drawn every `publish_every`.
    """

    name: str
    round_trip: float | None
    debounce: float
    publish_every: float
    why: str = ""

    @property
    def slow(self) -> bool:
        """Whether to draw less."""
        return self.name == "slow"


def profile(name: str, round_trip: float | None = None, why: str = "") -> Link:
    """Return the profile called "fast" or "slow"."""
    if name == "slow":
        return Link("slow", round_trip, debounce=0.25, publish_every=2.0, why=why)
    return Link("fast", round_trip, debounce=0.08, publish_every=0.25, why=why)


def judge(round_trip: float | None) -> Link:
    """Return the profile for a round trip that was measured, None without an answer."""
    if round_trip is None:
        return profile("slow", None, f"no answer in {WAIT:g} s")
    name = "slow" if round_trip > SLOW else "fast"
    return profile(name, round_trip, f"a round trip of {round_trip * 1000:.0f} ms")


class Meter:
    """Asks the terminal once; the application hands it the answer."""

    def __init__(self) -> None:
        self._asked = 0.0
        self._answer: asyncio.Future[float] | None = None

    def answered(self, event: CursorPosition) -> None:
        """Take an answer; one that nobody asked for or waits for any more is nothing."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(event.time - self._asked)

    async def measure(self, app: App[Any]) -> Link:
        """Ask, and return the profile; takes `WAIT` seconds at most.

        Nothing is painted meanwhile, nor while the caller puts the profile to use: over a slow
        link a screen painted twice is what this is to avoid. Started when the application mounts,
        this comes before the first paint.
        """
        with app.batch_update():
            found = await self._ask(app)
            app.delay_update()
        return found

    async def _ask(self, app: App[Any]) -> Link:
        self._answer = asyncio.get_running_loop().create_future()
        self._asked = time.monotonic()
        if not driver.write(app, "\x1b[6n"):
            return profile("fast", None, "no terminal")
        try:
            return judge(await asyncio.wait_for(self._answer, WAIT))
        except TimeoutError:
            return judge(None)


def decided(environ: Mapping[str, str], asked: str) -> Link | None:
    """Return the profile where it is known without measuring, else None."""
    choice = terminal.link(environ, asked)
    return None if choice.value == "measure" else profile(choice.value, None, choice.why)
