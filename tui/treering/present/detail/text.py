"""Bytes as lines: text as it is, anything else as a dump.

Owns what counts as text. Lines are safe and bounded; nothing is dropped without being counted.
"""

from __future__ import annotations

from collections.abc import Iterator

from treering.core.text import Safe, safe
from treering.present.lines import Line, span

MAX_LINE = 4000
"""Longest line drawn, in characters."""
_DUMPED = 512
_PER_ROW = 16
_LOOKED_AT = 8192


def is_binary(data: bytes) -> bool:
    """Tell whether bytes are no text: a NUL, or not UTF-8 near the beginning."""
    head = data[:_LOOKED_AT]
    if b"\0" in head:
        return True
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        # A character cut by the end of what was looked at is no fault of the text.
        return len(head) - error.start > 3 or len(head) < _LOOKED_AT  # noqa: PLR2004 -- UTF-8
    return False


def lines_of(data: bytes) -> Iterator[Safe]:
    """Yield the lines of a text, tabs as spaces to the next eighth column."""
    start = 0
    while start < len(data):
        end = data.find(b"\n", start)
        end = len(data) if end < 0 else end
        text = data[start:end].removesuffix(b"\r").decode("utf-8", "surrogateescape")
        yield safe(text.expandtabs(8), MAX_LINE)
        start = end + 1


def dump(data: bytes, limit: int = _DUMPED) -> Iterator[Line]:
    """Yield the first bytes in hex and as characters, sixteen to a line, as ``hexdump -C``."""
    for at in range(0, min(len(data), limit), _PER_ROW):
        row = data[at : at + _PER_ROW]
        left, right = row[:8].hex(" "), row[8:].hex(" ")
        shown = "".join(chr(b) if 32 <= b < 127 else "." for b in row)  # noqa: PLR2004 -- ASCII
        yield (
            span(f"{at:08x}  ", "dim"),
            span(f"{left:<23}  {right:<23}  "),
            span(shown, "kind"),
        )
    if len(data) > limit:
        yield (span(f"… the first {limit} bytes", "dim"),)
