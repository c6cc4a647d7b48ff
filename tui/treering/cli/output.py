"""Standard output and standard error.

Owns what reaches the terminal: safe text, colours only where they are wanted, box-drawing only
where it can be shown, results to stdout and everything else to stderr.
"""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

import msgspec

from treering.core.text import safe

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


class Output:
    """The two streams, and what they can show."""

    def __init__(self, out: TextIO | None = None, err: TextIO | None = None) -> None:
        # Python has no stream at all where the shell closed it.
        self.out = out or sys.stdout or io.StringIO()
        self.err = err or sys.stderr or self.out
        self.colour = self.out.isatty() and wants_colour()
        self.unicode = _shows_unicode(self.out)

    def line(self, text: str = "") -> None:
        """Print one line of results. `text` may hold styles made by `style` and nothing else."""
        if not text.isprintable():
            parts = _OWN.split(text)
            text = "".join(p if _OWN.fullmatch(p) else safe(p) for p in parts)
        self.out.write(self._encodable(text) + "\n")

    def lines(self, lines: Iterable[str]) -> None:
        """Print lines of results."""
        for line in lines:
            self.line(line)

    def json(self, document: Any) -> None:
        """Print a JSON document."""
        data = msgspec.json.format(msgspec.json.encode(document), indent=2)
        self.out.write(self._encodable(data.decode()) + "\n")

    def note(self, text: str) -> None:
        """Print one line that is not a result."""
        self.err.write(
            safe(text)
            .encode(self.err.encoding or "ascii", "backslashreplace")
            .decode(self.err.encoding or "ascii")
            + "\n"
        )

    def style(self, text: str, *styles: str) -> str:
        """Return safe text, coloured where colours are wanted."""
        shown = safe(text)
        if not self.colour or not styles:
            return shown
        codes = ";".join(_CODES[s] for s in styles)
        return f"\x1b[{codes}m{shown}\x1b[0m"

    def table(self, rows: Sequence[Sequence[str]], styles: Sequence[str] = ()) -> None:
        """Print rows in aligned columns; the first row is the head."""
        if not rows:
            return
        widths = [max(map(cells, column)) for column in zip(*rows, strict=True)]
        for number, row in enumerate(rows):
            padded = [
                safe(cell) + " " * (width - cells(cell))
                for cell, width in zip(row, widths, strict=True)
            ]
            padded[-1] = padded[-1].rstrip()
            text = [
                self.style(cell, *(("dim",) if number == 0 else _of(styles, place)))
                for place, cell in enumerate(padded)
            ]
            self.line("  ".join(text))

    def _encodable(self, text: str) -> str:
        encoding = self.out.encoding or "ascii"
        return text.encode(encoding, "backslashreplace").decode(encoding)


_OWN = re.compile("(\x1b\\[[0-9;]*m)")
"""The sequences `Output.style` writes."""


def _of(styles: Sequence[str], place: int) -> tuple[str, ...]:
    return (styles[place],) if place < len(styles) and styles[place] else ()


def cells(text: str) -> int:
    """Return how many terminal cells safe text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415 -- only for text that is not ASCII

    return cell_len(text)


def wants_colour() -> bool:
    """Tell whether the environment allows colours (https://no-color.org)."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _shows_unicode(stream: TextIO) -> bool:
    try:
        "└─├│".encode(stream.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
