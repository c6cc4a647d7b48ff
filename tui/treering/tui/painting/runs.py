"""One row turned into another, in as few bytes as are found.

Owns the pen and the cursor while they move, and the choice between writing a cell, skipping it and
erasing it.
"""

from __future__ import annotations

import re
from itertools import compress, groupby
from operator import is_not, ne, or_

from treering.tui.painting.cells import SECOND_HALF, UNKNOWN, Row
from treering.tui.painting.moves import forward, move
from treering.tui.painting.pens import CSI, PLAIN, Pen, blank, change
from treering.tui.painting.terminal import Terminal
from treering.tui.painting.widths import CERTAIN, most, unsure

_ALWAYS_SKIPPED = 6
"""A gap this wide costs more to write through than to step over."""

_SHORTEST_STEP = len(forward(1))

_ERASE_REST = f"{CSI}K"


class Writer:
    """What has been written so far, and where that leaves the terminal."""

    __slots__ = ("_column", "_parts", "_row", "_terminal", "pen", "size")

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._parts: list[str] = []
        self._column: int | None = None
        self._row: int | None = None
        self.pen = PLAIN
        self.size = 0

    @property
    def text(self) -> str:
        """All that was written."""
        return "".join(self._parts)

    def write(self, text: str) -> None:
        """Write what moves no cursor."""
        if text:
            self._parts.append(text)
            self.size += len(text.encode())

    def take(self, pen: Pen) -> None:
        """Change the pen."""
        self.write(change(self.pen, pen))
        self.pen = pen

    def lost(self) -> None:
        """Forget where the cursor is."""
        self._column = self._row = None

    def row(self, y: int, old: Row, new: Row) -> None:
        """Turn row `y` from `old` into `new`."""
        stop = 0
        for start, end in differences(old, new):
            if stop and self._through(new, stop, start):
                self._spell(new, stop, start)
            self.write(move(self._column, self._row, start, y))
            self._column, self._row = start, y
            self._run(old, new, start, end)
            stop = end

    def _through(self, row: Row, start: int, stop: int) -> bool:
        """Whether writing the cells of a gap again costs less than stepping over them."""
        if stop - start >= _ALWAYS_SKIPPED or self._column != start:
            return False
        if UNKNOWN in row.characters[start:stop]:
            return False
        after = _pen_for(row, stop, len(row.characters))
        over = len(forward(stop - start)) + len(change(self.pen, after))
        written, pen = spelled(row, start, stop, self.pen)
        return len(written.encode()) + len(change(pen, after)) <= over

    def _run(self, old: Row, row: Row, start: int, stop: int) -> None:
        """Write the cells of a run, erasing where blanks are many."""
        at = start
        for first, last in self._erasable(old, row, start, stop):
            self._spell(row, at, first)
            self._erase(row, first, last, stop)
            at = last
        self._spell(row, at, stop)

    def _erasable(self, old: Row, row: Row, start: int, stop: int) -> list[tuple[int, int]]:
        width = len(row.characters)
        found: list[tuple[int, int]] = []
        if stop - start < _SHORTEST:
            return found
        for first, end in blanks(row, start, stop):
            # Half a wide character must not be left: tmux blanks both when that is written over.
            last = end - (end < width and old.characters[end] in {SECOND_HALF, UNKNOWN})
            pen = row.pens[first]
            if pen != Pen(background=pen.background):
                continue
            if pen.background and not self._terminal.erases_in_colour:
                continue
            cells = last - first
            if last == width:
                cost = len(_ERASE_REST)
            elif not self._terminal.erases:
                continue
            else:
                cost = len(_erase(cells)) + (len(forward(cells)) if last < stop else 2)
            if cost < cells:
                found.append((first, last))
        return found

    def _erase(self, row: Row, first: int, last: int, stop: int) -> None:
        self._to(first)
        if blank(self.pen) != row.pens[first]:
            self.take(_pen_for(row, first, stop))
        self.write(_ERASE_REST if last == len(row.characters) else _erase(last - first))

    def _spell(self, row: Row, start: int, stop: int) -> None:
        """Write cells one after the other."""
        if CERTAIN.issuperset(row.characters[start:stop]):
            self._certain(row, start, stop)
            return
        for x in range(start, stop):
            if row.characters[x] not in CERTAIN and unsure(row.characters[x]):
                self._certain(row, start, x)
                self._unsure(row, x)
                start = x + 1
                while start < stop and row.characters[start] == SECOND_HALF:
                    start += 1
        self._certain(row, start, stop)

    def _certain(self, row: Row, start: int, stop: int) -> None:
        if start >= stop:
            return
        self._to(start)
        written, self.pen = spelled(row, start, stop, self.pen)
        self.write(written)
        # Where the cursor is after the last cell of a line, terminals differ.
        self._column = stop if stop < len(row.characters) else None

    def _unsure(self, row: Row, x: int) -> None:
        """Write a character over blanks, and trust the cursor no more."""
        self._to(x)
        if row.characters[x + 1 : x + 2] == (SECOND_HALF,):
            self.take(row.pens[x])
            self.write("  ")
            self._column = None
            self._to(x)
        written, self.pen = spelled(row, x, x + 1, self.pen)
        self.write(written)
        self._column = None

    def _to(self, x: int) -> None:
        y = self._row or 0
        self.write(move(self._column, y, x, y))
        self._column = x


def differences(old: Row, new: Row) -> list[tuple[int, int]]:
    """Return the runs of cells to write, widened to whole characters."""
    characters, pens = new
    if old == new:
        return []
    changed = compress(
        range(len(characters)), map(or_, map(ne, old[0], characters), map(is_not, old[1], pens))
    )
    runs: list[tuple[int, int]] = []
    simple = SECOND_HALF not in characters and CERTAIN.issuperset(characters)
    for x in changed:
        if runs and x < runs[-1][1]:
            continue
        start, end = (x, x + 1) if simple else _whole(characters, x)
        if runs and (start <= runs[-1][1] or _plainly_through(new, runs[-1][1], start)):
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((start, end))
    return runs


def _plainly_through(row: Row, start: int, stop: int) -> bool:
    """Whether a gap is as short as stepping over it would be, and needs no other pen."""
    if stop - start > _SHORTEST_STEP:
        return False
    text, pen = "".join(row.characters[start:stop]), row.pens[stop]
    if UNKNOWN in text or not text.isascii():
        return False
    return all(each is pen for each in row.pens[start - 1 : stop])


def _whole(characters: tuple[str, ...], x: int) -> tuple[int, int]:
    """Return the cells that must be written with cell `x`.

    That is the rest of a wide character, and what one wider than thought would cover.
    """
    start, stop = x, x + 1
    while start and characters[start] == SECOND_HALF:
        start -= 1
    at = start
    while at < stop < len(characters):
        if unsure(characters[at]):
            stop = max(stop, at + most(characters[at]))
        at += 1
        while at < len(characters) and characters[at] == SECOND_HALF:
            at += 1
        stop = max(stop, at)
    after = characters[x + 1 : stop]
    return start, x + 1 + (after.index(UNKNOWN) if UNKNOWN in after else len(after))


_SHORTEST = 4
_STRETCH = re.compile(f" {{{_SHORTEST},}}")


def blanks(row: Row, start: int, stop: int) -> list[tuple[int, int]]:
    """Return stretches of blanks of one look, those long enough that erasing could be shorter."""
    characters, pens = row
    found = []
    # One character for each cell, so that places in the text are columns.
    for stretch in _STRETCH.finditer("".join([c[:1] or "\0" for c in characters[start:stop]])):
        at = start + stretch.start()
        for _, group in groupby(pens[at : start + stretch.end()]):
            length = len(list(group))
            found.append((at, at + length))
            at += length
    return found


def spelled(row: Row, start: int, stop: int, pen: Pen) -> tuple[str, Pen]:
    """Return cells written with `pen` at first, and the pen they leave behind."""
    characters, pens = row
    out: list[str] = []
    at, bare = start, blank(pen)
    for x in range(start, stop):
        cell = pens[x]
        if cell is pen or cell == pen or (cell == bare and characters[x] == " "):
            continue
        out.extend(characters[at:x])
        at = x
        wanted = _pen_for(row, x, stop)
        out.append(change(pen, wanted))
        pen, bare = wanted, blank(wanted)
    out.extend(characters[at:stop])
    return "".join(out), pen


def _pen_for(row: Row, x: int, stop: int) -> Pen:
    """Return the pen to write cell `x` with: for a blank, that of the text it stands before."""
    cell = row.pens[x]
    while x < stop and row.characters[x] == " " and row.pens[x] == cell:
        x += 1
    if x < stop and blank(row.pens[x]) == cell and row.characters[x] != UNKNOWN:
        return row.pens[x]
    return cell


def _erase(cells: int) -> str:
    return f"{CSI}X" if cells == 1 else f"{CSI}{cells}X"
