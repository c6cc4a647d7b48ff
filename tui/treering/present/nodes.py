"""Nodes and sources as lines.

Owns what a node, a source or a lineage row looks like, and the order of nodes in a list.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from treering.core import ids
from treering.core.facts import EdgeKind, Level
from treering.core.graph import Edge, Node
from treering.core.ids import Kind, NodeId
from treering.core.lineage import CHAINS, Row
from treering.core.reading import SourceStatus, State
from treering.core.session import Session
from treering.core.text import Safe, safe
from treering.present.lines import Line, Span, cut_middle, span
from treering.present.places.hosts import FLAGS, UNSET
from treering.present.places.items import style_of
from treering.present.places.known import ORDER, digits

_NOTHING = Safe("")

_PLACE = {kind: place for place, kind in enumerate(ORDER)}

_STATES = {
    State.WAITING: ("·", "dim"),
    State.READING: ("…", "busy"),
    State.OK: ("✓", "good"),
    State.PARTIAL: ("!", "warn"),
    State.FAILED: ("✗", "bad"),
}
_LEVELS = {
    Level.EXACT: "good",
    Level.ATTESTED: "good",
    Level.DECLARED: "warn",
    Level.INFERRED: "bad",
}


@dataclass(frozen=True, slots=True)
class NodeRow:
    """A row of the node list: enough to draw and to find it again."""

    id: NodeId
    kind: Kind
    label: Safe
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LineageRow:
    """A row of the lineage pane; `node` is None for a heading."""

    node: NodeId | None
    line: Line
    why: Safe = _NOTHING


def order(row: NodeRow) -> tuple[int, list[tuple[int, int, str]], str]:
    """Return the sort key of the node list: names first, layers last, 1.9 before 1.10."""
    parts = [
        (1, int(p), "") if p.isdecimal() and p.isascii() else (0, 0, p)
        for p in _DIGITS.split(row.label)
    ]
    return (_PLACE[row.kind], parts, row.id)


_DIGITS = re.compile(r"([0-9]{1,18})")


def node_row(node: Node) -> NodeRow:
    """Return the row of a node."""
    return NodeRow(node.id, node.kind, _name(node), node.conditions)


def _name(node: Node) -> Safe:
    """Return what people call a node: a tag by its place, the rest by label."""
    if node.kind in {Kind.TAG, Kind.REF}:
        return safe(ids.content_of(node.id))
    return safe(node.label.removeprefix("sha256:"))


def node_line(row: NodeRow, width: int) -> Line:
    """Return a row of the node list as a line; a long name keeps its beginning and its end."""
    column = 11 if width >= _ROOMY else 9
    kind = cut_middle(safe(row.kind.value), column)
    left = width - column - 1 - sum(len(word) + 1 for word in row.words)
    spans: list[Span] = [(safe(f"{kind:<{column}} "), "dim"), (cut_middle(row.label, left), "")]
    spans += [(safe(f" {word}"), "bad") for word in row.words]
    return tuple(spans)


_ROOMY = 46


def source_line(status: SourceStatus) -> Line:
    """Return a source with its state as glyph and word."""
    glyph, style = _STATES[status.state]
    word = "live" if status.live else status.state.value
    count = safe(f" {status.nodes}") if status.nodes else Safe("")
    return (
        (safe(f"{glyph} "), style),
        (status.name, ""),
        (safe(f" {word}"), style),
        (count, "dim"),
    )


def source_detail(status: SourceStatus) -> Safe:
    """Return the sentence below the sources: what is in the way of one, or what it is."""
    trouble = status.summary
    if trouble:
        return safe(f"{trouble} ({status.hint})" if status.hint else trouble)
    return safe(f"{status.kind} {status.location}")


def heading(text: str) -> LineageRow:
    """Return a heading of the lineage pane."""
    return LineageRow(None, ((safe(text), "head"),))


def lineage_rows(rows: Sequence[Row], nodes: dict[NodeId, Node]) -> list[LineageRow]:
    """Return a lineage tree as lines with branch marks."""
    below: dict[int, str] = {}
    lines = []
    for number, row in enumerate(rows):
        before = "" if row.parent is None else below[row.parent]
        mark, after = _marks(row)
        below[number] = before + after
        spans: list[Span] = [(safe(before + mark), "dim")]
        if row.via is not None:
            spans += _edge_spans(row, row.via)
        node = nodes[row.node]
        spans += _lineage_spans(node)
        if row.repeated:
            spans.append((Safe(" (above)"), "dim"))
        lines.append(LineageRow(row.node, tuple(spans), row.via.why if row.via else Safe("")))
    return lines


def _marks(row: Row) -> tuple[str, str]:
    if row.parent is None:
        return "", ""
    if row.last and row.via is not None and row.via.kind in CHAINS:
        return "", ""
    return ("└ ", "  ") if row.last else ("├ ", "│ ")


def _edge_spans(row: Row, edge: Edge) -> list[Span]:
    word = f"{row.word} "
    if edge.kind is EdgeKind.CONTAINS and edge.position is not None:
        word = f"{row.word} {edge.position + 1} " if edge.end == row.node else word
    return [(safe(f"{edge.level.value[0].upper()} "), level_style(edge.level)), (safe(word), "dim")]


def node_spans(node: Node) -> list[Span]:
    """Return a node as kind, name, digest where the name has none, states and conditions."""
    kind = "git" if node.kind is Kind.SOURCE else node.kind.value
    name, number = name_of(node), digits(node.id)
    spans: list[Span] = [span(f"{kind} ", "kind"), (name, "")]
    told = number in node.label or node.label.startswith(number[:_SHORTEST])
    if number and not told:
        spans.append(span(f" {number}", "dim"))
    if node.kind is Kind.IMAGE and node.platform and number in node.label:
        spans.append(span(f" {node.platform}", "dim"))
    words = [*states_of(node), *node.conditions]
    return [*spans, *(span(f" {word}", style_of(word)) for word in words)]


_SHORTEST = 7


def name_of(node: Node) -> Safe:
    """Return what people call a node: a tag or ref by its place, the rest by label."""
    if node.kind in {Kind.TAG, Kind.REF}:
        return safe(ids.short(ids.content_of(node.id)))
    return safe(node.label.removeprefix("sha256:"))


def states_of(node: Node) -> list[str]:
    """Return the states of a deployment, several at once, or the one of a container."""
    if node.kind is Kind.DEPLOYMENT:
        return [flag for flag in FLAGS if node.attrs.get(flag) not in UNSET]
    state = node.attrs.get("state")
    return [safe(state, 32)] if node.kind is Kind.CONTAINER and isinstance(state, str) else []


def _lineage_spans(node: Node) -> list[Span]:
    name = _name(node)
    short = safe(ids.short(ids.content_of(node.id)).removeprefix("sha256:"))
    spans: list[Span] = [(safe(f"{node.kind.value} "), "kind"), (name, "")]
    if short not in name and node.kind not in {Kind.TAG, Kind.REF}:
        spans.append((safe(f" {short[:12]}"), "dim"))
    spans += [(safe(f" {word}"), "bad") for word in node.conditions]
    return spans


def level_style(level: Level) -> str:
    """Return the style of a level of evidence."""
    return _LEVELS[level]


def matches(row: NodeRow, text: str) -> bool:
    """Tell whether a row contains `text`, which is in lower case."""
    return text in row.label.lower() or text in row.id.lower() or text in row.kind.value


def top_line(session: Session, nodes: int, done: int, sources: int) -> Safe:
    """Return the top line: scope, mode, how much is known and how much is still being read."""
    mode = "AUDIT" if session.audit else "WRITE"
    all_read = f"{sources} source{'s' * (sources != 1)}"
    read = all_read if done == sources else f"reading {sources - done} of {all_read}"
    return safe(f" treering  {mode}  {nodes} nodes  {read}  {session.scope}")
