"""Where painting by cells meets Textual.

Owns the one override, and when the picture of the terminal is thrown away. Whatever it does not
know (headless, inline, a browser, another kind of update, control codes in a strip) goes Textual's
own way, and the picture with it. Private names of Textual used in this package, all of them here:

- `App._display(screen, renderable)`, which writes a `CompositorUpdate` between the marks of
  synchronized output by its `render_segments`, then places the cursor
- `textual._compositor`: `CompositorUpdate`, `LayoutUpdate.strips` and `.region`,
  `ChopsUpdate.chops`, `.spans` and `.chop_ends`

`tests/tui/test_painting_textual.py` fails when one of them changes.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from rich.console import Console, RenderableType
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.app import App
from textual.geometry import Offset
from textual.screen import Screen
from textual.strip import Strip

from treering.tui.painting.cells import Grid, Piece, unknown
from treering.tui.painting.frames import frame
from treering.tui.painting.shifts import Band
from treering.tui.painting.strips import Unpaintable, cells_of
from treering.tui.painting.terminal import Terminal, described

SWITCH, STOCK = "TREERING_PAINT", "stock"
"""The environment variable, and the value with which Textual paints alone."""

_NARROWEST, _LEAST_ROWS, _MOST_BANDS = 8, 4, 8
"""Of columns painted together: fewer, or in fewer rows, are no pane worth a look for scrolling."""

if TYPE_CHECKING:
    _Application = App[Any]
else:
    _Application = object


class CellPainting(_Application):
    """Base of an application that writes only the cells that differ. Comes before `App`."""

    def __init__(self, *args: Any, painting: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.painting = painting and os.environ.get(SWITCH) != STOCK
        """Whether to paint by cells. May be changed at any time."""
        self._shown: Grid | None = None
        self._cursor_shown: Offset | None = None
        self._terminal: Terminal | None = None

    def forget_terminal(self) -> None:
        """Assume nothing of what the terminal shows: something else may have written there."""
        self._shown = self._cursor_shown = None

    def on_resize(self) -> None:
        """Terminals rearrange what they show."""
        self.forget_terminal()

    def on_driver_signal_resume(self) -> None:
        """Others wrote while the process was stopped."""
        self.forget_terminal()
        self.refresh(layout=True)

    @contextmanager
    def suspend(self) -> Iterator[None]:
        """Lend the terminal to another program, and forget what it showed."""
        with super().suspend():
            yield
        self.forget_terminal()

    @property
    def _paints(self) -> bool:
        return self.painting and not (self.is_headless or self.is_inline or self.is_web)

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        if isinstance(renderable, (LayoutUpdate, ChopsUpdate)) and self._paints:
            try:
                # Textual calls its updates renderables, and writes them by another method.
                renderable = cast("RenderableType | None", self._difference(renderable))
            except Unpaintable:
                self.forget_terminal()
        elif renderable is not None:
            self.forget_terminal()
        super()._display(screen, renderable)

    def _difference(self, update: LayoutUpdate | ChopsUpdate) -> Difference | None:
        """Return what an update changes on the terminal, or None when that is nothing."""
        if self._terminal is None:
            self._terminal = described()
        width, height = self.size
        old = self._shown
        if old is None or (old.width, old.height) != (width, height):
            old = unknown(width, height)
        pieces = dict(_pieces(update, self.console))
        new = old.painted(pieces)
        text = frame(old, new, self._terminal, _bands(pieces))
        # What Textual itself adds after each update.
        cursor = self.screen.outer_size.clamp_offset(self.cursor_position)
        if not text and cursor == self._cursor_shown:
            return None

        def written() -> None:
            self._shown, self._cursor_shown = new, cursor

        return Difference(text, written)


class Difference(CompositorUpdate):
    """An update that is already written out. Says when Textual takes it to the terminal."""

    def __init__(self, text: str, taken: Callable[[], None]) -> None:
        self._text, self._taken = text, taken

    def render_segments(self, console: Console) -> str:  # noqa: ARG002 -- Textual's signature
        """Return the text for the terminal."""
        self._taken()
        return self._text


def _pieces(
    update: LayoutUpdate | ChopsUpdate, console: Console
) -> Iterator[tuple[int, list[Piece]]]:
    """Yield each row that an update paints, and the cells for it."""
    lines: dict[int, list[Piece]] = {}
    if isinstance(update, LayoutUpdate):
        for y, line in enumerate(update.strips, update.region.y):
            yield y, list(_side_by_side(update.region.x, line, console))
        return
    for y, left, right in update.spans:
        row = lines.setdefault(y, [])
        for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if strip is None or x > right or end <= left:
                continue
            # As Textual does: cut at the right, never at the left.
            shown = strip if end <= right and x >= left else strip.crop(0, min(end, right) - x)
            row.append((x, cells_of(shown, console)))
    yield from lines.items()


def _side_by_side(x: int, strips: Iterable[Strip], console: Console) -> Iterator[Piece]:
    for strip in strips:
        cells = cells_of(strip, console)
        yield x, cells
        x += len(cells.characters)


def _bands(pieces: Mapping[int, Iterable[Piece]]) -> list[Band]:
    """Return the columns painted together in several rows, in the most rows first."""
    bands = Counter(
        (x, x + len(cells.characters))
        for over in pieces.values()
        for x, cells in over
        if len(cells.characters) >= _NARROWEST
    )
    return [band for band, rows in bands.most_common(_MOST_BANDS) if rows >= _LEAST_ROWS]
