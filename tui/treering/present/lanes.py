"""Lanes: where the lines between the rows of a map run.

Owns the drawing of a graph beside a list, one row a node, as ``git log --graph`` does. All lines
run downwards. A lane is a column and leads to one row; lines to the same row share a lane as soon
as they meet. On the row of a node all that is horizontal belongs to that node: a corner upwards
is a line that ends here, a corner downwards one that begins here, a tee one that joins a lane on
its way down. A lane that is only crossed stays whole. A node right under another is tied to it,
unless the upper one is tied to the left. Pure; knows nothing of graphs or text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

MOST = 12
"""So many lanes are drawn; what is further to the right shares the last one."""

NODE = "○"
FAR = "…"

_UP, _DOWN, _LEFT, _RIGHT = 1, 2, 4, 8
_LINES = {
    0: " ",
    _UP | _DOWN: "│",
    _LEFT | _RIGHT: "─",
    _UP | _DOWN | _RIGHT: "├",
    _UP | _DOWN | _LEFT: "┤",
    _UP | _DOWN | _LEFT | _RIGHT: "┼",
    _UP | _LEFT: "╯",
    _UP | _RIGHT: "╰",
    _UP | _LEFT | _RIGHT: "┴",
    _DOWN | _LEFT: "╮",
    _DOWN | _RIGHT: "╭",
    _DOWN | _LEFT | _RIGHT: "┬",
}
LINES = {
    "│": "|",
    "─": "-",
    "├": "+",
    "┤": "+",
    "┼": "+",
    "╯": "'",
    "╰": "`",
    "┴": "+",
    "╮": ".",
    "╭": ".",
    "┬": "+",
    "…": "~",
}
"""The glyphs of lines with what stands for each where only ASCII can be shown."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One terminal cell: its glyph, and the lane whose colour it has."""

    glyph: str
    lane: int


@dataclass(frozen=True, slots=True)
class LaneRow:
    """The cells of one row; the node stands in cell ``2 * column``."""

    cells: tuple[Cell, ...]
    column: int


@dataclass(slots=True)
class _Lanes:
    """What each column leads to, None for a free one."""

    targets: list[int | None] = field(default_factory=list)
    resting: int = -1
    """The column where a line ended in the row before: a node there would look tied to it."""

    def leading_to(self, row: int) -> list[int]:
        return [at for at, target in enumerate(self.targets) if target == row]

    def free(self, start: int, taken: set[int]) -> int:
        """Return the first free column from `start` on that is not `taken` on this row."""
        for column in count(start):
            while column >= len(self.targets):
                self.targets.append(None)
            if self.targets[column] is None and column not in taken:
                return column
        raise AssertionError

    def trim(self) -> None:
        while self.targets and self.targets[-1] is None:
            self.targets.pop()


def lay_out(edges: Sequence[Sequence[int]], most: int = MOST) -> list[LaneRow]:
    """Return the lanes of each row; `edges` holds for each row the rows below that it leads to.

    The first of them keeps the row's own lane. No more than `most` lanes are drawn. Raises
    `ValueError` for a line that would not run downwards.
    """
    lanes = _Lanes()
    return [_row(lanes, row, list(below), most) for row, below in enumerate(edges)]


def _row(lanes: _Lanes, row: int, below: list[int], most: int) -> LaneRow:
    if any(target <= row for target in below):
        raise ValueError(f"row {row} leads upwards")
    ends = lanes.leading_to(row)
    passing = [None if target == row else target for target in lanes.targets]
    column = ends[0] if ends else _new_column(lanes, below)
    for end in ends:
        lanes.targets[end] = None
    joined, begun = _lead(lanes, column, below, set(ends))
    lanes.resting = -1 if column in begun or any(at < column for at in joined) else column
    parts = {column: 0}
    for at, target in enumerate(passing):
        if target is not None:
            parts[at] = _UP | _DOWN
    for end in ends:
        parts[end] = _UP
    for start in begun:
        parts[start] = parts.get(start, 0) | _DOWN
    cells = _cells(parts, column, {*ends, *joined, *begun})
    lanes.trim()
    return LaneRow(*_narrowed(cells, column, most))


def _new_column(lanes: _Lanes, below: list[int]) -> int:
    """Return where a row begins that no line leads to: beside the lane it will join."""
    joining = lanes.leading_to(below[0]) if below else []
    return lanes.free(joining[0] + 1 if joining else 0, {lanes.resting})


def _lead(
    lanes: _Lanes, column: int, below: list[int], ended: set[int]
) -> tuple[list[int], list[int]]:
    """Lead a node's lines on; return the columns of lanes they join, and of those they begin.

    Where one joins a lane to the left, none goes straight down: see the top of the module.
    """
    joined: list[int] = []
    begun: list[int] = []
    targets = list(dict.fromkeys([*below[:1], *sorted(below[1:], reverse=True)]))
    there = {target: lanes.leading_to(target) for target in targets}
    leftwards = any(at < column for columns in there.values() for at in columns)
    for place, target in enumerate(targets):
        straight = not place and not leftwards
        open_to = [at for at in there[target] if leftwards or at > column]
        if open_to and not straight:
            joined.append(min(open_to, key=lambda at: (abs(at - column), at)))
            continue
        # What comes soonest stands outermost: nothing then has to cross it.
        at = column if straight else lanes.free(column + 1, ended | {column})
        lanes.targets[at] = target
        begun.append(at)
    return joined, begun


def _cells(parts: dict[int, int], column: int, tied: set[int]) -> list[Cell]:
    """Return the cells of a row; `tied` are the columns that its node is connected with."""
    first, last = min(tied | {column}), max(tied | {column})
    cells = []
    for at in range(max(parts) + 1):
        bits = parts.get(at, 0)
        if at == column:
            cells.append(Cell(NODE, at))
        else:
            if first < at < last and (at in tied or not bits):
                bits |= _LEFT | _RIGHT
            elif at in tied:
                bits |= _RIGHT if at < column else _LEFT
            cells.append(Cell(_LINES[bits], _colour(bits, at, column, tied)))
        between = _LEFT | _RIGHT if first <= at < last else 0
        side = at if at < column else at + 1
        cells.append(Cell(_LINES[between], _colour(between, side, column, tied)))
    return cells[:-1]


def _colour(bits: int, at: int, column: int, tied: set[int]) -> int:
    """Return the lane a cell belongs to: a horizontal one to the lane that it leads to."""
    if bits != _LEFT | _RIGHT:
        return at
    if at < column:
        return max((lane for lane in tied if lane <= at), default=at)
    return min((lane for lane in tied if lane >= at), default=at)


def _narrowed(cells: list[Cell], column: int, most: int) -> tuple[tuple[Cell, ...], int]:
    """Let all lanes from `most` on share the last one that is drawn."""
    while cells and cells[-1].glyph == " ":
        cells.pop()
    if len(cells) <= 2 * most - 1:
        return tuple(cells), column
    far = Cell(NODE if column >= most - 1 else FAR, most - 1)
    return (*cells[: 2 * most - 2], far), min(column, most - 1)
