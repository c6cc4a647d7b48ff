"""Nodes and sources as lines.

Owns what a node and a source look like wherever they are shown.
"""

from __future__ import annotations

from treering.core import ids
from treering.core.facts import Level
from treering.core.graph import Node
from treering.core.ids import Kind
from treering.core.reading import SourceStatus, State
from treering.core.text import Safe, safe
from treering.present.lines import Line, Span, span
from treering.present.places.hosts import FLAGS, UNSET
from treering.present.places.items import style_of
from treering.present.places.known import digits

_NOTHING = Safe("")


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


def level_style(level: Level) -> str:
    """Return the style of a level of evidence."""
    return _LEVELS[level]
