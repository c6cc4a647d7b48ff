"""A list that draws only the lines on the screen.

Owns the cursor, scrolling and drawing of rows of any number. It keeps no row itself: it asks for
lines by number, and repaints two lines when the cursor moves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import BindingType
from textual.events import Click
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from treering.present.lines import Line
from treering.tui.commands import LIST, bindings

Draw = Callable[[int, int], Line]
"""Returns the line of a row, given its number and the width in cells it may take."""


class LineList(ScrollView, can_focus=True):
    """Rows drawn on demand, one of them under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(LIST)
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "lines--dim",
        "lines--kind",
        "lines--head",
        "lines--good",
        "lines--warn",
        "lines--bad",
        "lines--busy",
        "lines--cursor",
        "lines--cursor-away",
    }
    DEFAULT_CSS = """
    LineList {
        scrollbar-size-vertical: 1;
        scrollbar-size-horizontal: 0;
        & > .lines--dim { text-style: dim; }
        & > .lines--kind { color: $text-accent; }
        & > .lines--head { text-style: bold underline; }
        & > .lines--good { color: $text-success; }
        & > .lines--warn { color: $text-warning; }
        & > .lines--bad { color: $text-error; }
        & > .lines--busy { color: $text-primary; }
        & > .lines--cursor { background: $primary; color: $text; text-style: bold; }
        & > .lines--cursor-away { background: $panel; }
    }
    """

    cursor: reactive[int] = reactive(0, repaint=False, init=False)

    class Moved(Message):
        """The cursor stands on another row."""

        def __init__(self, lines: LineList, row: int) -> None:
            super().__init__()
            self.lines, self.row = lines, row

        @property
        def control(self) -> LineList:
            """The list it came from."""
            return self.lines

    def __init__(self, *, id: str) -> None:  # noqa: A002 -- Textual's own name for it
        super().__init__(id=id)
        self._count = 0
        self._draw: Draw = lambda _row, _width: ()

    @property
    def count(self) -> int:
        """The number of rows."""
        return self._count

    def show(self, count: int, draw: Draw, cursor: int | None = None) -> None:
        """Show `count` rows drawn by `draw`; keep the row under the cursor where it is.

        `cursor` is the number the row under the cursor has now, when rows came before it.
        """
        moved = 0 if cursor is None else cursor - self.cursor
        offset = self.scroll_offset.y
        self._count, self._draw = count, draw
        self.virtual_size = Size(self.scrollable_content_region.width or 1, count)
        self.set_reactive(LineList.cursor, self._clamp(self.cursor if cursor is None else cursor))
        if moved:
            self.scroll_to(y=max(0, offset + moved), animate=False, immediate=True)
        self.refresh()

    def _clamp(self, row: int) -> int:
        return max(0, min(row, self._count - 1))

    def validate_cursor(self, row: int) -> int:
        """Keep the cursor on a row."""
        return self._clamp(row)

    def watch_cursor(self, old: int, new: int) -> None:
        """Repaint the two lines that changed and tell who listens."""
        for row in (old, new):
            self._refresh_row(row)
        self._into_view(new)
        self.post_message(self.Moved(self, new))

    def _refresh_row(self, row: int) -> None:
        y = row - self.scroll_offset.y
        if 0 <= y < self.scrollable_content_region.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def _into_view(self, row: int) -> None:
        top, height = self.scroll_offset.y, self.scrollable_content_region.height
        if row < top:
            self.scroll_to(y=row, animate=False, immediate=True)
        elif row >= top + height:
            self.scroll_to(y=row - height + 1, animate=False, immediate=True)

    def on_focus(self) -> None:
        """The cursor shows in full."""
        self._refresh_row(self.cursor)

    def on_blur(self) -> None:
        """The cursor shows pale."""
        self._refresh_row(self.cursor)

    def on_click(self, event: Click) -> None:
        """Put the cursor where the mouse is."""
        row = event.y + self.scroll_offset.y
        if row < self._count:
            self.cursor = row

    def render_line(self, y: int) -> Strip:
        """Draw one line of the screen."""
        row = y + self.scroll_offset.y
        width = self.scrollable_content_region.width
        base = self.rich_style
        if row >= self._count:
            return Strip.blank(width, base)
        cursor = Style()
        if row == self.cursor:
            part = "lines--cursor" if self.has_focus else "lines--cursor-away"
            cursor = self.get_component_rich_style(part, partial=True)
        segments = [
            Segment(text, base + self._style(name) + cursor)
            for text, name in self._draw(row, width)
        ]
        return Strip(segments).adjust_cell_length(width, base + cursor)

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"lines--{name}", partial=True) if name else Style()

    def action_move(self, rows: int) -> None:
        """Move the cursor by so many rows."""
        self.cursor += rows

    def action_page(self, pages: float) -> None:
        """Move the cursor by pages or parts of one."""
        self.cursor += int(max(1, self.scrollable_content_region.height) * pages)

    def action_first(self) -> None:
        """Go to the first row."""
        self.cursor = 0

    def action_last(self) -> None:
        """Go to the last row."""
        self.cursor = self._count - 1
