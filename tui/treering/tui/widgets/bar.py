"""One line of the frame: the top, the crumbs, the keys.

Owns drawing a line over its whole width, and which span a click is on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.events import Click
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from treering.present.lines import Line, cut_line, width
from treering.tui.widgets.styles import COMPONENTS, css, strip


class Bar(Widget):
    """A line that is repainted only when it changed."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(COMPONENTS)
    DEFAULT_CSS = "Bar { height: 1; background: $background; }\n" + css("Bar")

    class Clicked(Message):
        """A span was clicked that stands for a command."""

        def __init__(self, command: str) -> None:
            super().__init__()
            self.command = command

    def __init__(self, *, id: str) -> None:  # noqa: A002 -- Textual's own name for it
        super().__init__(id=id)
        self._line: Line = ()
        self._commands: tuple[str, ...] = ()

    @property
    def line(self) -> Line:
        """What is shown."""
        return self._line

    def show(self, line: Line, commands: Sequence[str] = ()) -> None:
        """Show a line; `commands` are the ids its spans stand for, "" for none."""
        self._commands = tuple(commands)
        if line != self._line:
            self._line = line
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw the line."""
        if y:
            return Strip.blank(self.size.width, self.rich_style)
        shown = cut_line(self._line, self.size.width)
        return strip(self, shown).adjust_cell_length(self.size.width, self.rich_style)

    def on_click(self, event: Click) -> None:
        """Tell which command was clicked."""
        at = 0
        for (text, _), command in zip(self._line, self._commands, strict=False):
            at += width(text)
            if event.x < at:
                if command:
                    self.post_message(self.Clicked(command))
                return
