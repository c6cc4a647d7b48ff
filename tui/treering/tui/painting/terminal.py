"""What the terminal can do, by its terminfo entry.

Owns the one look-up. Where the entry is missing nothing is assumed: the picture is the same, in
more bytes.
"""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Terminal:
    """Capabilities that spare bytes."""

    scrolls: bool = False
    """Scroll regions, and scrolling them both ways by any number of lines."""
    erases: bool = False
    """Erasing some characters in the middle of a line."""
    erases_in_colour: bool = False
    """Erased and scrolled-in cells take the background of the pen (terminfo `bce`)."""


PLAINEST = Terminal()


def described(name: str | None = None) -> Terminal:
    """Return what terminfo says of a terminal, `TERM` unless named."""
    term = os.environ.get("TERM", "") if name is None else name
    try:
        import curses  # noqa: PLC0415 -- some Pythons are built without it
    except ImportError:
        return PLAINEST
    try:
        curses.setupterm(term, 1)
    except curses.error:
        return PLAINEST
    region, up, down = (curses.tigetstr(each) for each in ("csr", "indn", "rin"))
    return Terminal(
        scrolls=all(each is not None for each in (region, up, down)),
        erases=curses.tigetstr("ech") is not None,
        erases_in_colour=curses.tigetflag("bce") > 0,
    )
