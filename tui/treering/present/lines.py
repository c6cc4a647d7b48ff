"""Lines: what presenters return and widgets draw.

Owns spans, rows and the measuring of text in terminal cells. A line is a sequence of spans; a
span is safe text and the name of a style, never markup. Names of styles are listed here; what
they look like is the theme's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from rich.cells import cell_len, set_cell_size

from treering.core.ids import NodeId
from treering.core.text import Safe, safe

_NOTHING = Safe("")

Span = tuple[Safe, str]
Line = tuple[Span, ...]

STYLES = (
    "dim",  # what frames or repeats
    "kind",  # the kind of a node
    "head",  # a heading
    "good",  # running, read, exact
    "warn",  # changed, pending, declared
    "bad",  # failed, gone, inferred
    "busy",  # being read
    "accent",  # what one should see first: marks, the diff base
    "match",  # the part of a text that a filter or search found
    "added",
    "removed",
    "modified",
    "lane0",  # lanes of the map; neighbours differ
    "lane1",
    "lane2",
    "lane3",
    "lane4",
    "lane5",
)
"""Every style a span may name; "" is plain text."""

LANES = 6


class Fold(StrEnum):
    """Whether a row has others below it, and whether they show."""

    NONE = ""
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a list, a map or a detail tab.

    `key` tells the row from all others of its list and stays when facts come and go. `node` is
    what the row stands for, None for a heading. `why` is the evidence behind the row. `text` is
    what filters and searches look at; without one it is the text of the line.
    """

    key: str
    line: Line
    node: NodeId | None = None
    why: Safe = _NOTHING
    fold: Fold = Fold.NONE
    depth: int = 0

    @property
    def text(self) -> str:
        """The text of the line."""
        return plain(self.line)


def plain(line: Line) -> str:
    """Return a line without its styles."""
    return "".join(text for text, _ in line)


def span(text: str, style: str = "") -> Span:
    """Return a span of `text`, made safe."""
    return (safe(text), style)


def width(text: str) -> int:
    """Return how many terminal cells a text takes; wide characters take two."""
    return len(text) if text.isascii() else cell_len(text)


def line_width(line: Line) -> int:
    """Return how many terminal cells a line takes."""
    return sum(width(text) for text, _ in line)


def pad(text: str, cells: int) -> Safe:
    """Return `text` in exactly so many cells: cut at the end with an ellipsis, or filled."""
    if width(text) > cells:
        text = cut_end(text, cells)
    return safe(text + " " * (cells - width(text)))


def cut_end(text: str, cells: int) -> Safe:
    """Return text of at most so many cells; a cut text ends with an ellipsis."""
    if width(text) <= cells:
        return safe(text)
    if cells < 1:
        return Safe("")
    return safe(set_cell_size(text, cells - 1).rstrip() + "…")


@lru_cache(maxsize=4096)
def cut_middle(text: str, cells: int) -> Safe:
    """Return text of at most so many cells with an ellipsis where the rest was.

    The end of a name says most: the tag, the branch.
    """
    if width(text) <= cells:
        return safe(text)
    if cells <= _TINY:
        return safe(set_cell_size(text, max(0, cells)))
    tail = (cells - 1) * 2 // 3
    end = text[-tail:]
    while width(end) > tail:
        end = end[1:]
    start = text
    while width(start) > cells - 1 - width(end):
        start = start[:-1] if width(start) < 2 * cells else set_cell_size(start, cells)
    return safe(f"{start}…{end}")


_TINY = 3


def cut_line(line: Line, cells: int) -> Line:
    """Return a line of at most so many cells; a cut line ends with an ellipsis."""
    if line_width(line) <= cells:
        return line
    kept: list[Span] = []
    left = cells
    for text, style in line:
        size = width(text)
        if size < left:
            kept.append((text, style))
            left -= size
            continue
        kept.append((cut_end(text + " ", left), style))
        break
    return tuple(kept)
