"""Finding what scrolled.

Owns the guess: which rows of the new picture stood elsewhere in the old one. Whether a scroll is
worth it is decided by what it costs, not here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from treering.tui.painting.cells import UNKNOWN, Grid, filled
from treering.tui.painting.pens import Pen

Band = tuple[int, int]
"""Columns painted together, from the first to before the last: the width of a pane."""

_FEWEST = 3
"""A scroll that brings fewer rows into place is not looked at."""

_GUESSES = 2


@dataclass(frozen=True, slots=True)
class Shift:
    """Rows from `top` to before `bottom`, moved up by `lines`, or down if that is negative."""

    top: int
    bottom: int
    lines: int


def guesses(old: Grid, new: Grid, bands: Iterable[Band]) -> list[Shift]:
    """Return the shifts that bring the most rows of a band into place, the likeliest first."""
    changed = [y for y in range(new.height) if old.rows[y] != new.rows[y]]
    if len(changed) < _FEWEST:
        return []
    votes: dict[Shift, int] = {}
    for band in bands:
        for shift, rows in _of_band(old, new, band, changed):
            votes[shift] = max(rows, votes.get(shift, 0))
    best = sorted(votes, key=lambda shift: -votes[shift])
    return [shift for shift in best if _known(old, shift)][:_GUESSES]


def _of_band(old: Grid, new: Grid, band: Band, changed: list[int]) -> list[tuple[Shift, int]]:
    columns = slice(*band)
    before = [row.characters[columns] for row in old.rows]
    count = Counter(before)
    place = {text: y for y, text in enumerate(before) if count[text] == 1}
    moved: dict[int, list[int]] = {}
    for y in changed:
        lines = place.get(new.rows[y].characters[columns], y) - y
        if lines:
            moved.setdefault(lines, []).append(y)
    return [
        (
            Shift(min(rows[0], rows[0] + lines), max(rows[-1], rows[-1] + lines) + 1, lines),
            len(rows),
        )
        for lines, rows in moved.items()
        if len(rows) >= _FEWEST
    ]


def _known(grid: Grid, shift: Shift) -> bool:
    return all(UNKNOWN not in row.characters for row in grid.rows[shift.top : shift.bottom])


def shifted(grid: Grid, shift: Shift, fill: Pen) -> Grid:
    """Return the grid after the terminal scrolled, what came in blank with `fill`."""
    empty = (filled(grid.width, pen=fill),) * min(abs(shift.lines), shift.bottom - shift.top)
    inside = grid.rows[shift.top : shift.bottom]
    up = shift.lines > 0
    inside = (*inside[shift.lines :], *empty) if up else (*empty, *inside[: shift.lines])
    return Grid(grid.width, (*grid.rows[: shift.top], *inside, *grid.rows[shift.bottom :]))
