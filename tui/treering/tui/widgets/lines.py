"""A list that draws only the lines on the screen.

Owns the cursor, scrolling and drawing of rows of any number. It keeps no row itself: it asks for
lines by number, and repaints two lines when the cursor moves.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import ClassVar

from rich.style import Style
from textual.binding import BindingType
from textual.content import Content
from textual.events import Click
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from treering.present.lines import Line, line_width
from treering.tui.bindings import bindings
from treering.tui.widgets.styles import COMPONENTS, css, strip

Draw = Callable[[int, int], Line]
"""Returns the line of a row, given its number and the width in cells it may take."""

TWICE = 1.0
"""Seconds within which the second ``g`` of ``gg`` must come."""


class LineList(ScrollView, can_focus=True):
    """Rows drawn on demand, one of them under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(lists=True)
    COMPONENT_CLASSES: ClassVar[set[str]] = set(COMPONENTS)
    DEFAULT_CSS = """
    LineList {
        scrollbar-size-vertical: 0;
        scrollbar-size-horizontal: 0;
        background: $background;
    }
    """ + css("LineList")

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

    class Chosen(Message):
        """A row was clicked that the cursor was already on."""

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
        self._shift = 0
        self._first_g = -TWICE
        self._titled = ""

    # -- what is shown -------------------------------------------------------------------

    @property
    def count(self) -> int:
        """The number of rows."""
        return self._count

    @property
    def page(self) -> int:
        """The number of rows that fit."""
        return max(1, self.scrollable_content_region.height)

    def show(self, count: int, draw: Draw, cursor: int | None = None, *, held: bool = True) -> None:
        """Show `count` rows drawn by `draw`; keep the row under the cursor where it is.

        `cursor` is the number the row under the cursor has now, when rows came before it; or,
        where it is not `held`, the row to go to.
        """
        moved = 0 if cursor is None or not held else cursor - self.cursor
        offset = self.scroll_offset.y
        self._count, self._draw = count, draw
        self.virtual_size = Size(self.scrollable_content_region.width or 1, count)
        self.set_reactive(LineList.cursor, self._clamp(self.cursor if cursor is None else cursor))
        if moved:
            self.scroll_to(y=max(0, offset + moved), animate=False, immediate=True, force=True)
        self._into_view(self.cursor)
        self.refresh()

    def title(self, text: str) -> None:
        """Write `text`, safe text, over the list; repaint only when it changed."""
        if text != self._titled:
            self._titled = text
            self.border_title = Content(text)

    def refresh_row(self, row: int) -> None:
        """Repaint one row, if it is on the screen."""
        y = row - self.scroll_offset.y
        if 0 <= y < self.scrollable_content_region.height:
            self.refresh(Region(0, y, self.size.width, 1))

    # -- the cursor ----------------------------------------------------------------------

    def _clamp(self, row: int) -> int:
        return max(0, min(row, self._count - 1))

    def validate_cursor(self, row: int) -> int:
        """Keep the cursor on a row."""
        return self._clamp(row)

    def watch_cursor(self, old: int, new: int) -> None:
        """Repaint the two lines that changed and tell who listens."""
        self._first_g = -TWICE
        for row in (old, new):
            self.refresh_row(row)
        self._into_view(new)
        self.post_message(self.Moved(self, new))

    def _into_view(self, row: int) -> None:
        top, height = self.scroll_offset.y, self.scrollable_content_region.height
        if height < 1:
            return
        # By a third of a page at once: beside other panes a line at a time costs far more bytes.
        jump = height // _THIRD
        if row < top:
            self.scroll_to(y=max(0, row - jump), animate=False, immediate=True, force=True)
        elif row >= top + height:
            self.scroll_to(y=row - height + 1 + jump, animate=False, immediate=True, force=True)

    def on_resize(self) -> None:
        """Keep the cursor on the screen."""
        self._into_view(self.cursor)

    def on_focus(self) -> None:
        """The cursor shows in full."""
        self.refresh_row(self.cursor)

    def on_blur(self) -> None:
        """The cursor shows pale."""
        self.refresh_row(self.cursor)

    def on_click(self, event: Click) -> None:
        """Put the cursor where the mouse is; a click on the cursor chooses its row."""
        row = event.get_content_offset_capture(self).y + self.scroll_offset.y
        if not 0 <= row < self._count:
            return
        if row == self.cursor:
            self.post_message(self.Chosen(self, row))
        else:
            self.cursor = row

    # -- drawing -------------------------------------------------------------------------

    def line_of(self, row: int, width: int) -> Line:
        """Return the line of a row; what else is shown on it is added by subclasses."""
        return self._draw(row, width)

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
        drawn = strip(self, self.line_of(row, width + self._shift), cursor)
        if self._shift:
            drawn = drawn.crop(self._shift)
        return drawn.adjust_cell_length(width, base + cursor)

    # -- actions -------------------------------------------------------------------------

    def action_move(self, rows: int) -> None:
        """Move the cursor by so many rows."""
        self.cursor += rows

    def action_page(self, pages: float) -> None:
        """Move the cursor by pages or parts of one."""
        self.cursor += int(self.page * pages)

    def action_top(self) -> None:
        """Go to the first row."""
        self.cursor = 0

    def action_top_twice(self) -> None:
        """Go to the first row when asked twice in a row, as vim's ``gg`` does."""
        now = monotonic()
        if now - self._first_g < TWICE:
            self.cursor = 0
            now = -TWICE
        self._first_g = now

    def action_bottom(self) -> None:
        """Go to the last row."""
        self.cursor = self._count - 1

    def action_into(self) -> None:
        """Move the view to the right, where lines go on."""
        top = self.scroll_offset.y
        rows = range(top, min(self._count, top + self.page))
        longest = max((line_width(self.line_of(row, _ENDLESS)) for row in rows), default=0)
        width = self.scrollable_content_region.width
        self._shift_to(min(self._shift + _STEP, max(0, longest - width)))

    def action_out(self) -> None:
        """Move the view back to the left."""
        self._shift_to(max(0, self._shift - _STEP))

    def _shift_to(self, cells: int) -> None:
        if cells != self._shift:
            self._shift = cells
            self.refresh()


_STEP = 16
_THIRD = 3
_ENDLESS = 100_000
