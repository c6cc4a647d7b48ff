"""What the tabs share: headings, fields with long values, sizes and times.

Owns how a value is wrapped and how sizes and times are written: sizes in powers of 1000, as
engines and registries print them; times absolute, in UTC.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.cells import chop_cells

from treering.core.graph import Graph, Node
from treering.core.ids import NodeId
from treering.core.text import Safe, safe
from treering.present.lines import Line, Row, line_width, pad, span, width
from treering.present.nodes import node_spans

LABEL = 12
"""Cells of the column of labels."""
FEW = 5
"""How many nodes of one relation are listed before the rest is only counted."""
MAX_VALUE = 8000
"""Longest value of a field shown, in characters; documents show the rest."""
_NOTHING = Safe("")
_LEAST = 8
_INDENT = 2


class Page:
    """Rows of a tab under construction; every row gets a key of its own."""

    def __init__(self, cells: int = 80) -> None:
        self.width = max(cells, LABEL + _LEAST)
        self._rows: list[Row] = []
        self._keys: dict[str, int] = {}
        self._section = ""

    def rows(self) -> tuple[Row, ...]:
        """Return the rows made so far."""
        return tuple(self._rows)

    @property
    def last(self) -> str:
        """The text of the last row."""
        return self._rows[-1].text if self._rows else ""

    def __len__(self) -> int:
        """Return the number of rows made so far."""
        return len(self._rows)

    def heading(self, text: str, node: NodeId | None = None, note: str = "") -> None:
        """Add a heading; the keys of what follows begin with it."""
        self._section = text
        spans = [span(text, "head")]
        if note:
            spans.append(span(f"  {note}", "dim"))
        self.line("", tuple(spans), node)

    def line(
        self, key: str, line: Line, node: NodeId | None = None, why: str = "", depth: int = 0
    ) -> None:
        """Add one row."""
        key = f"{self._section}/{key}"
        number = self._keys[key] = self._keys.get(key, 0) + 1
        if number > 1:
            key = f"{key} {number}"
        self._rows.append(Row(key, line, node, safe(why), depth=depth))

    def field(
        self, label: str, value: str, style: str = "", node: NodeId | None = None, why: str = ""
    ) -> None:
        """Add a label with its value, wrapped; a label longer than its column has its own row."""
        front: Safe = pad(label, LABEL)
        fits = width(value) <= self.width - LABEL
        if width(label) >= LABEL or (not fits and " " not in value):
            # A digest is broken as seldom as can be.
            self.line(label, (span(label, "dim"),), node, why)
            self.text(label, value, style, why=why, node=node)
            return
        for text in wrapped(value, self.width - LABEL):
            self.line(label, ((front, "dim"), (text, style)), node, why)
            front = pad("", LABEL)

    def text(  # noqa: PLR0913 -- a field without a label
        self,
        key: str,
        value: str,
        style: str = "",
        *,
        indent: int = _INDENT,
        why: str = "",
        node: NodeId | None = None,
    ) -> None:
        """Add a value without a label, wrapped and indented."""
        front = safe(" " * indent)
        for piece in wrapped(value, self.width - indent):
            self.line(key, ((front, ""), (piece, style)), node, why)

    def node(self, label: str, node: NodeId, line: Line, why: str = "", style: str = "dim") -> None:
        """Add a node with what it is to this one; where both do not fit, below each other."""
        key = f"{label} {node}"
        fits = LABEL + line_width(line) <= self.width
        if label and not fits:
            self.line(key, (span(label, style),), node, why)
            label = ""
        self.line(key, ((pad(label, LABEL if fits else _INDENT), style), *line), node, why)

    def nodes(
        self, label: str, found: Sequence[tuple[NodeId, str]], graph: Graph, few: int = FEW
    ) -> None:
        """Add nodes with the evidence for each, the first few of them; enter goes there."""
        front = label
        for node, why in found[:few]:
            self.node(front, node, shown(graph.node(node)), why)
            front = ""
        if len(found) > few:
            more = f"… and {len(found) - few} more"
            self.field("", more, "dim")


def shown(node: Node) -> Line:
    """Return a node as part of a row (`present.nodes.node_spans`)."""
    return tuple(node_spans(node))


def wrapped(value: str, cells: int) -> Iterator[Safe]:
    """Yield a value in pieces of at most so many cells, broken between words where there are."""
    text = safe(value, MAX_VALUE)
    if width(text) <= cells:
        yield text
        return
    line = ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if width(joined) <= cells:
            line = joined
            continue
        if line:
            yield safe(line)
        *whole, line = chop_cells(word, cells) or [""]
        yield from map(safe, whole)
    if line:
        yield safe(line)


def human(size: object) -> Safe:
    """Return a number of bytes as people say it: ``999 B``, ``22.6 kB``, ``6.7 MB``."""
    if isinstance(size, bool) or not isinstance(size, (int, float)) or size < 0:
        return _NOTHING
    if size < _KILO:
        return safe(f"{int(size)} B")
    value = float(size)
    for unit in ("kB", "MB", "GB", "TB", "PB"):
        value /= _KILO
        if value < _ROUNDS_UP:
            return safe(f"{value:.1f} {unit}")
    return safe(f"{value / _KILO:.1f} EB")


_KILO = 1000
_ROUNDS_UP = 999.95


def moment(value: object, now: float | None = None) -> Safe:
    """Return a time as ``2026-05-01 12:00``, UTC, with its age where `now` is given.

    `value` is in seconds or a text as RFC 3339 has it; text of another kind is returned as it is.
    """
    seconds = _seconds(value)
    if seconds is None:
        return safe(value, 100) if isinstance(value, str) else _NOTHING
    try:
        shown = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):
        return safe(str(value), 100)
    return safe(shown if now is None else f"{shown}, {age(now - seconds)}")


def _seconds(value: object) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return float(value)
    if not isinstance(value, str) or not value[:4].isdigit():
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()


_AGES = ((365 * 86400, "year"), (86400, "day"), (3600, "hour"), (60, "minute"))


def age(seconds: float) -> Safe:
    """Return how long ago something was, in one unit: ``3 days ago``."""
    if seconds < -_AGES[-1][0]:
        return Safe("in the future")
    for length, name in _AGES:
        number = int(seconds // length)
        if number:
            return safe(f"{number} {name}{'s' * (number != 1)} ago")
    return Safe("just now")


def compact(value: Any) -> Safe:
    """Return a JSON value on one line; a text without its quotes."""
    if isinstance(value, str):
        return safe(value)
    if isinstance(value, bool) or value is None:
        return safe({True: "yes", False: "no", None: "none"}[value])
    return safe(json.dumps(value, ensure_ascii=False, default=str))


def texts(value: object) -> list[str]:
    """Return the texts of a list, or of one text."""
    if isinstance(value, str):
        return [value]
    return [v for v in value if isinstance(v, str)] if isinstance(value, (list, tuple)) else []


def joined(parts: Iterable[str], between: str = ", ") -> Safe:
    """Return those parts that are not empty, joined."""
    return safe(between.join(part for part in parts if part))
