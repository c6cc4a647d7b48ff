"""Rows and grids of cells: what the terminal shows.

Owns well-formedness: a wide character is followed by its empty second half, always. Nothing here
writes anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from treering.tui.painting.pens import PLAIN, Pen, blank

UNKNOWN = "\0"
"""Stands in a cell that may show anything. It differs from every character."""

SECOND_HALF = ""
"""Stands in the cells that a wide character covers after its first."""


class Cells(NamedTuple):
    """Some cells side by side: their characters, combining ones attached, and their pens."""

    characters: tuple[str, ...]
    pens: tuple[Pen, ...]


Row = Cells
Piece = tuple[int, Cells]
"""Where some cells begin in a row, and the cells."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows of one width, from the top."""

    width: int
    rows: tuple[Row, ...]

    @property
    def height(self) -> int:
        """The number of rows."""
        return len(self.rows)

    def painted(self, pieces: Mapping[int, Iterable[Piece]]) -> Grid:
        """Return the grid with `pieces` over the rows they are for; what is outside is left out."""
        rows = list(self.rows)
        for y, over in pieces.items():
            if 0 <= y < len(rows):
                rows[y] = paint(rows[y], over)
        return Grid(self.width, tuple(rows))


@lru_cache(maxsize=256)
def filled(width: int, character: str = " ", pen: Pen = PLAIN) -> Row:
    """Return a row of one cell repeated."""
    return Row((character,) * width, (pen,) * width)


def unknown(width: int, height: int) -> Grid:
    """Return the grid of a terminal of which nothing is known."""
    return Grid(width, (filled(width, UNKNOWN),) * height)


def paint(row: Row, pieces: Iterable[Piece]) -> Row:
    """Return `row` with `pieces` over it. A wide character that loses a half goes blank."""
    characters, pens = list(row.characters), list(row.pens)
    width = len(characters)
    for at, cells in pieces:
        start, stop = max(0, at), min(width, at + len(cells.characters))
        if start >= stop:
            continue
        if characters[start] == SECOND_HALF:
            characters[start - 1], pens[start - 1] = " ", blank(pens[start - 1])
        if stop < width and characters[stop] == SECOND_HALF:
            characters[stop], pens[stop] = " ", blank(pens[stop])
        whole = clipped(cells, start - at, stop - at)
        characters[start:stop], pens[start:stop] = whole
    return Row(tuple(characters), tuple(pens))


def clipped(cells: Cells, start: int, stop: int) -> Cells:
    """Return a part of `cells`, blanks where a wide character is cut."""
    characters, pens = cells.characters[start:stop], cells.pens[start:stop]
    if characters[:1] == (SECOND_HALF,):
        characters, pens = (" ", *characters[1:]), (blank(pens[0]), *pens[1:])
    if characters and cells.characters[stop : stop + 1] == (SECOND_HALF,):
        characters, pens = (*characters[:-1], " "), (*pens[:-1], blank(pens[-1]))
    return Cells(characters, pens)
