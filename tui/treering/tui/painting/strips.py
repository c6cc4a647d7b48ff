"""Textual's strips as cells.

Owns the cutting of text into characters as wide as Textual laid them out. Text that a terminal
would obey is refused here: it has no cells.
"""

from __future__ import annotations

from functools import lru_cache

from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from treering.tui.painting.cells import SECOND_HALF, Cells
from treering.tui.painting.pens import PLAIN, Pen, blank, read

_NARROW = frozenset(
    chr(code)
    for first, last in ((0x20, 0x7E), (0xA1, 0xAC), (0xAE, 0x2FF), (0x370, 0x482), (0x2500, 0x25FC))
    for code in range(first, last + 1)
)
"""Characters of one cell: a shortcut, most text has no others."""

_OBEYED = frozenset(map(chr, (*range(0x20), *range(0x7F, 0xA0))))
_JOINER, _EMOJI_STYLE = "\u200d", "\ufe0f"
_NOTHING = Cells((), ())


class Unpaintable(Exception):
    """A strip holds something other than characters in cells."""


def cells_of(strip: Strip, console: Console) -> Cells:
    """Return the cells of a strip. Raises `Unpaintable` on control codes."""
    parts = [_segment(segment, console) for segment in strip if segment.text]
    if len(parts) == 1:
        return parts[0]
    characters: list[str] = []
    pens: list[Pen] = []
    for part in parts:
        characters += part.characters
        pens += part.pens
    return Cells(tuple(characters), tuple(pens))


def _segment(segment: Segment, console: Console) -> Cells:
    text, style, control = segment
    if control:
        raise Unpaintable
    return _cells(text, style, console)


@lru_cache(maxsize=4096)
def _cells(text: str, style: Style | None, console: Console) -> Cells:
    if not _OBEYED.isdisjoint(text):
        raise Unpaintable
    pen = PLAIN if style is None else _pen(style, console)
    characters = tuple(text) if _NARROW.issuperset(text) else _characters(text)
    bare = blank(pen)
    if bare is pen or " " not in text:
        return Cells(characters, (pen,) * len(characters))
    return Cells(characters, tuple([bare if c == " " else pen for c in characters]))


@lru_cache(maxsize=4096)
def _pen(style: Style, console: Console) -> Pen:
    return read(Strip([Segment("x", style)]).render(console))


def _characters(text: str) -> tuple[str, ...]:
    """Return a character for each cell, and second halves.

    What has no width joins what stands before it, and is left out where nothing does.
    """
    characters: list[str] = []
    for whole in _clusters(text):
        width = cell_len(whole)
        if width:
            characters.append(whole)
            characters += [SECOND_HALF] * (width - 1)
    return tuple(characters)


def _clusters(text: str) -> list[str]:
    clusters: list[str] = []
    for character in text:
        joins = character in {_JOINER, _EMOJI_STYLE} or not cell_len(character)
        if clusters and (joins or clusters[-1].endswith(_JOINER)):
            clusters[-1] += character
        elif not joins:
            clusters.append(character)
    return clusters
