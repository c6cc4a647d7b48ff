"""The application: themes, the first screen and how it leaves.

Owns nothing a screen owns. Built-in actions that write files or press keys by name are switched
off: nothing a foreign label could name may do anything.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.app import App
from textual.color import Color
from textual.filter import LineFilter

from treering.core.session import Session
from treering.core.text import safe
from treering.tui.screen import MainScreen


class VisibleControls(LineFilter):
    """The last line of defence: no segment leaves with a character a terminal obeys."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """Return the segments with every control character written out."""
        return [s if s.control or s.text.isprintable() else _visible(s) for s in segments]


def _visible(segment: Segment) -> Segment:
    style: Style | None = segment.style
    return Segment(safe(segment.text), style)


class TreeringApp(App[int]):
    """treering on the screen."""

    TITLE = "treering"
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.animation_level = "none"
        self.theme = "textual-dark"

    def get_default_screen(self) -> MainScreen:
        """Open on the first screen."""
        return MainScreen(self.session)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Add the last line of defence to Textual's own filters."""
        return [*super().get_line_filters(), VisibleControls()]

    def action_screenshot(self, filename: str | None = None, path: str | None = None) -> None:
        """Write nothing."""

    async def action_simulate_key(self, key: str) -> None:
        """Press nothing."""


def open_app(session: Session) -> int:
    """Run the screen and return the exit code."""
    result = TreeringApp(session).run()
    return 0 if result is None else result
