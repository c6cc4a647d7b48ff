"""One line of tabs.

Owns how the names of tabs fit into a line and which one a click means.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual.events import Click
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget


class TabLine(Widget):
    """The names of tabs, one of them chosen; names are cut when there is no room for all."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"tabs--chosen", "tabs--other"}
    DEFAULT_CSS = """
    TabLine { height: 1; background: $background; }
    TabLine > .tabs--chosen { text-style: reverse bold; }
    TabLine > .tabs--other { color: $tree-dim; }
    """

    class Chosen(Message):
        """A tab was clicked."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self, *, id: str) -> None:  # noqa: A002 -- Textual's own name for it
        super().__init__(id=id)
        self._names: tuple[str, ...] = ()
        self._chosen = ""

    def show(self, names: Sequence[str], chosen: str) -> None:
        """Show `names`; repaint only when something changed."""
        if (tuple(names), chosen) != (self._names, self._chosen):
            self._names, self._chosen = tuple(names), chosen
            self.refresh()

    def places(self, width: int) -> list[tuple[int, str, str]]:
        """Return the column, the text and the name of each tab in a line of so many cells."""
        names = self._names
        longest = max(map(len, names), default=0)
        while longest > _SHORTEST and _length(names, longest, self._chosen) > width:
            longest -= 1
        placed, at = [], 0
        for name in names:
            text = f" {name if name == self._chosen else name[:longest]} "
            placed.append((at, text, name))
            at += len(text)
        return placed

    def render_line(self, y: int) -> Strip:
        """Draw the line."""
        width, base = self.size.width, self.rich_style
        if y:
            return Strip.blank(width, base)
        segments = []
        for _at, text, name in self.places(width):
            part = "tabs--chosen" if name == self._chosen else "tabs--other"
            style = self.get_component_rich_style(part, partial=True)
            segments.append(Segment(text, base + style))
        return Strip(segments).adjust_cell_length(width, base)

    def on_click(self, event: Click) -> None:
        """Choose the tab under the mouse."""
        for at, text, name in self.places(self.size.width):
            if at <= event.x < at + len(text):
                self.post_message(self.Chosen(name))


def _length(names: Sequence[str], longest: int, chosen: str) -> int:
    return sum(2 + (len(n) if n == chosen else min(len(n), longest)) for n in names)


_SHORTEST = 3
