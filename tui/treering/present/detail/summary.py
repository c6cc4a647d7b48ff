"""The tab `summary`: what a node is, what it rests on, what rests on it.

Owns which attributes say what a node is, their order and their words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from treering.core import ids
from treering.core.facts import EdgeKind
from treering.core.graph import Graph, Node
from treering.core.ids import Kind, NodeId
from treering.present.detail.parts import (
    FEW,
    Page,
    compact,
    human,
    joined,
    moment,
    shown,
    texts,
)
from treering.present.detail.relations import downwards, upwards
from treering.present.detail.truth import moved_on, target, truth
from treering.present.lines import Row, span
from treering.present.nodes import states_of

_Told = Callable[[Any, float | None], str]


def _text(value: Any, _now: float | None) -> str:
    return compact(value) if value not in (None, "", [], {}) else ""


def _size(value: Any, _now: float | None) -> str:
    return human(value)


def _checked(value: Any, _now: float | None) -> str:
    if value is True:
        return "its digest was computed and matches"
    return _CHECKED.get(value, "") if isinstance(value, str) else ""


_CHECKED = {"tree": "every object below it", "commit": "the object itself"}


def _list(value: Any, _now: float | None) -> str:
    return joined(texts(value))


_FIELDS: Mapping[str, tuple[str, _Told]] = {
    "version": ("version", _text),
    "subject": ("subject", _text),
    "body": ("", _text),
    "created": ("created", moment),
    "timestamp": ("created", moment),
    "time": ("created", moment),
    "started": ("started", moment),
    "finished": ("finished", moment),
    "author": ("author", _text),
    "builder": ("builder", _text),
    "invocation": ("invocation", _text),
    "state": ("state", _text),
    "image_ref": ("started as", _text),
    "command": ("command", _text),
    "size": ("size", _size),
    "virtual_size": ("unpacked", _size),
    "media_type": ("type", _text),
    "artifact_type": ("artifact", _text),
    "predicate_types": ("predicates", _list),
    "platforms": ("platforms", _list),
    "packages": ("packages", _text),
    "describe": ("describe", _text),
    "tags": ("tags", _list),
    "branches": ("branches", _list),
    "in_tags": ("in tags", _list),
    "tool": ("tool", _text),
    "next": ("next boot", _text),
    "origin": ("origin", _text),
    "stateroot": ("stateroot", _text),
    "content": ("tree", _text),
    "verified": ("verified", _checked),
}
"""Attributes in the order they are told, with what they are called and how they are written."""

_TROUBLES = ("damaged", "error", "drift", "unlocked", "partial", "tombstone")
_HASHED = {
    Kind.LAYER: "diff id",
    Kind.IMAGE: "digest",
    Kind.INDEX: "digest",
    Kind.ATTESTATION: "digest",
    Kind.COMMIT: "checksum",
    Kind.SOURCE: "commit",
}


def rows(
    graph: Graph, node: NodeId, *, width: int = 80, now: float | None = None
) -> tuple[Row, ...]:
    """Return the summary of a node. Raises `KeyError` when the graph does not hold it."""
    found = graph.node(node)
    page = Page(width)
    _identity(page, graph, found)
    _fields(page, found, now)
    named = truth(page, graph, found)
    if named is not None:
        page.heading("which is")
        _identity(page, graph, named)
        _fields(page, named, now)
    if found.kind is Kind.DEPLOYMENT:
        moved_on(page, graph, found)
    if found.kind is Kind.HOST:
        _deployments(page, graph, found)
    else:
        upwards(page, graph, named or found)
        downwards(page, graph, found)
    return page.rows()


def _identity(page: Page, graph: Graph, node: Node) -> None:
    page.line("node", shown(node), node.id)
    if node.kind in _HASHED or ids.content_of(node.id) not in page.last:
        page.field(_HASHED.get(node.kind, "name"), ids.content_of(node.id))
    for alias in node.same:
        page.field("same as", alias, why="a source says that this digest names it too")
    tags = graph.edges_to(node.id, frozenset({EdgeKind.POINTS_AT}))
    told = (ids.content_of(edge.start).partition("/")[2] for edge in tags)
    own = {node.label, ids.content_of(node.id), *node.same, *told}
    others = [name for name in node.names if name not in own]
    for name in others[:FEW]:
        page.field("also called", name)
    if len(others) > FEW:
        page.field("", f"… and {len(others) - FEW} more names", "dim")


def _fields(page: Page, node: Node, now: float | None) -> None:
    if node.kind is Kind.DEPLOYMENT:
        page.field("states", joined(states_of(node)) or "none")
    for condition in node.conditions:
        page.field("condition", _CONDITIONS.get(condition, condition), "bad")
    if node.attrs.get("reachable") is False:
        page.field("condition", "unreachable: what is shown may be old", "bad")
    for key in _TROUBLES:
        value = node.attrs.get(key)
        if value and value != "none":
            page.field(key, compact(value), "bad")
    if node.platform:
        page.field("platform", node.platform)
    for key, (label, told) in _FIELDS.items():
        text = told(node.attrs[key], now) if key in node.attrs else ""
        if text and text != node.label:
            page.field(label, text)
    if node.sources:
        page.field("seen by", joined(node.sources))


_CONDITIONS = {
    "not seen": "not seen: no source describes it, it is only mentioned",
    "foreign": "foreign: no git repository that is read has it",
    "gone": "gone: every source that knew it says it is no longer there",
    "damaged": "damaged: what is stored is not what its digest says",
    "deleted": "deleted: the repository keeps a tombstone for it",
}


def _deployments(page: Page, graph: Graph, host: Node) -> None:
    """Tell what a host runs, and every tree it could boot, in boot order."""
    page.heading("deployments")
    edges = graph.edges_to(host.id, frozenset({EdgeKind.ON}))
    found = [graph.node(edge.start) for edge in edges if not edge.gone]
    found.sort(key=lambda node: (_index(node), node.id))
    for node in found:
        runs = graph.edges_from(node.id, frozenset({EdgeKind.RUNS}))
        page.line(node.id, (span(f"{_index_word(node)} ", "dim"), *shown(node)), node.id)
        for edge in runs:
            if not edge.gone:
                target(page, graph, "  runs", edge.end, edge.why)
    if not found:
        page.field("", "none is known", "dim")


def _index(node: Node) -> int:
    index = node.attrs.get("index")
    return index if isinstance(index, int) else _LAST


_LAST = 10**6


def _index_word(node: Node) -> str:
    return f"{_index(node)}" if _index(node) != _LAST else "·"
