"""The tab `summary`: what a node is, what it rests on, what rests on it.

Owns which attributes say what a node is, and the words for what is not known. Digest truth is
told of names: where one points now, where it pointed before, where its like points elsewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from treering.core import ids
from treering.core.facts import EdgeKind
from treering.core.graph import Edge, Graph, Node
from treering.core.ids import Kind, NodeId
from treering.core.lineage import INVERSE, Direction, reach
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
from treering.present.detail.subject import subjects
from treering.present.lines import Row, span
from treering.present.nodes import states_of
from treering.present.places.following import Following, followed
from treering.present.places.images import differing, meant, name_of
from treering.present.places.known import count, digits, live

_Told = Callable[[Any, float | None], str]


def _text(value: Any, _now: float | None) -> str:
    return compact(value) if value not in (None, "", [], {}) else ""


def _size(value: Any, _now: float | None) -> str:
    return human(value)


def _checked(value: Any, _now: float | None) -> str:
    known = {True: "its digest was computed and matches", "tree": "every object below it"}
    return known.get(value, "the object itself") if value and not isinstance(value, list) else ""


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
_NAMES = {EdgeKind.POINTS_AT, EdgeKind.LISTS}
_RUNNING = (
    Kind.HOST,
    Kind.DEPLOYMENT,
    Kind.CONTAINER,
    Kind.WORKLOAD,
    Kind.REVISION,
    Kind.STAGE,
)


def rows(
    graph: Graph, node: NodeId, *, width: int = 80, now: float | None = None
) -> tuple[Row, ...]:
    """Return the summary of a node. Raises `KeyError` when the graph does not hold it."""
    found = graph.node(node)
    page = Page(width)
    _identity(page, graph, found)
    _fields(page, found, now)
    named = _truth(page, graph, found)
    if named is not None:
        page.heading("which is")
        _identity(page, graph, named)
        _fields(page, named, now)
    if found.kind is Kind.DEPLOYMENT:
        _moved_on(page, graph, found)
    if found.kind is Kind.HOST:
        _deployments(page, graph, found)
    else:
        _upwards(page, graph, named or found)
        _downwards(page, graph, found)
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


# -- digest truth ------------------------------------------------------------------------


def _truth(page: Page, graph: Graph, node: Node) -> Node | None:
    """Tell where a name points now, pointed before, and where its like points elsewhere.

    Return what it names, if it names one thing.
    """
    if node.kind not in {Kind.TAG, Kind.REF}:
        return None
    edges = graph.edges_from(node.id, frozenset({EdgeKind.POINTS_AT}))
    page.heading("points at")
    now = [edge for edge in edges if not edge.gone]
    for edge in now:
        _target(page, graph, "now", edge.end, edge.why)
    if not now:
        page.field("now", "nothing that is known", "bad")
    for edge in edges:
        if edge.gone:
            _target(page, graph, "before", edge.end, edge.why)
    if node.kind is Kind.TAG:
        _elsewhere(page, graph, node)
    behind = subjects(graph, node.id)
    if len(behind) == 1 or len(now) != 1:
        return graph.node(behind[0]) if len(behind) == 1 else None
    return graph.node(now[0].end)


def _moved_on(page: Page, graph: Graph, node: Node) -> None:
    """Tell whether the name a deployment follows still has what it runs."""
    name, runs = followed(node.attrs), live(graph, node.id, EdgeKind.RUNS)
    differs = Following(graph).differs(name, runs[0]) if name and runs else None
    if differs is None:
        page.field("follows", f"{name}: what it has now is unknown" if name else "no name", "dim")
    elif differs:
        page.field("follows", f"{name}, which has another digest now", "warn")
    else:
        page.field("follows", f"{name}, which has this digest now")


def _target(page: Page, graph: Graph, label: str, node: NodeId, why: str) -> None:
    page.node(label, node, shown(graph.node(node)), why)


def _elsewhere(page: Page, graph: Graph, node: Node) -> None:
    """Tell of the same tag in other sources whether it names the same."""
    own = name_of(graph, node.id)
    repository = own.repository.rpartition("/")[2]
    suffix = f"{repository or own.repository}:{own.tag}"
    alike = [name_of(graph, n) for n in graph.of_kind(Kind.TAG) if n.endswith(suffix)]
    apart = {name.node for name in differing(graph, [own, *alike]).get(node.id, [])}
    for name in alike:
        near = name.repository.rpartition("/")[2] == repository
        if name.node == node.id or name.source == own.source or not near:
            continue
        same = bool(meant(graph, name.ends) & meant(graph, own.ends))
        if same or name.node in apart:
            word = ("same in", "") if same else ("differs in", "warn")
            number = digits(name.ends[0]) if name.ends else ""
            line = (span(ids.content_of(name.node)), span(f" {number}", word[1] or "dim"))
            page.node(word[0], name.node, line, style=word[1] or "dim")


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
                _target(page, graph, "  runs", edge.end, edge.why)
    if not found:
        page.field("", "none is known", "dim")


def _index(node: Node) -> int:
    index = node.attrs.get("index")
    return index if isinstance(index, int) else _LAST


_LAST = 10**6


def _index_word(node: Node) -> str:
    return f"{_index(node)}" if _index(node) != _LAST else "·"


# -- what it rests on, what rests on it --------------------------------------------------

_UP = {
    EdgeKind.RUNS: "runs",
    EdgeKind.ON: "on host",
    EdgeKind.OF: "part of",
    EdgeKind.SERVES: "serves",
    EdgeKind.BASED_ON: "built on",
    EdgeKind.BUILT_FROM: "source",
    EdgeKind.BUILT_BY: "built by",
    EdgeKind.PARENT: "parent",
    EdgeKind.LAYERED_ON: "layered on",
    EdgeKind.IMPORTED_FROM: "imported",
    EdgeKind.ENCAPSULATES: "holds",
    EdgeKind.SAME_TREE: "same tree",
    EdgeKind.SUPERSEDES: "supersedes",
    EdgeKind.PROMOTED_FROM: "promoted",
    EdgeKind.ATTESTS: "attests",
    EdgeKind.LISTS: "lists",
    EdgeKind.DEPENDS_ON: "depends on",
    EdgeKind.CLONE_OF: "clone of",
}
"""What an edge is called here; layers have a tab, names are told above."""

_DOWN = {
    EdgeKind.POINTS_AT: "named by",
    EdgeKind.LISTS: "listed by",
    EdgeKind.ATTESTS: "attested by",
    EdgeKind.RUNS: "run by",
    EdgeKind.ON: "has",
    EdgeKind.OF: "has",
    EdgeKind.BASED_ON: "base of",
    EdgeKind.CONTAINS: "layer of",
}


def _grouped(edges: list[Edge], *, out: bool) -> dict[EdgeKind, list[tuple[NodeId, str]]]:
    groups: dict[EdgeKind, list[tuple[NodeId, str]]] = {}
    for edge in edges:
        if not edge.gone:
            groups.setdefault(edge.kind, []).append((edge.end if out else edge.start, edge.why))
    return groups


def _upwards(page: Page, graph: Graph, node: Node) -> None:
    page.heading("came from")
    before = len(page)
    groups = _grouped(graph.edges_from(node.id), out=True)
    layers = groups.get(EdgeKind.CONTAINS, ())
    if layers:
        page.field("layers", str(len(layers)))
    if node.kind is Kind.LAYER:
        _made_by(page, graph, node)
    for kind, label in _UP.items():
        if kind in groups:
            page.nodes(label, groups[kind], graph)
    for kind, label, unknown in _UNKNOWN.get(node.kind, ()):
        if kind not in groups:
            page.field(label, unknown, "dim")
    if len(page) == before:
        page.field("", "nothing is known", "dim")


def _made_by(page: Page, graph: Graph, node: Node) -> None:
    """Tell which step made a layer, as the history of an image that has it says."""
    for edge in graph.edges_to(node.id, frozenset({EdgeKind.CONTAINS}))[:FEW]:
        _, colon, made = edge.why.partition(": ")
        if colon:
            page.field("made by", made, node=edge.start, why=edge.why)
            return
    page.field("made by", "unknown: no history names the step", "dim")


_UNKNOWN = {
    Kind.IMAGE: (
        (EdgeKind.BASED_ON, "built on", "unknown: no image that is read is its base"),
        (EdgeKind.BUILT_FROM, "source", "unknown: nothing names a git commit"),
    ),
    Kind.COMMIT: ((EdgeKind.BUILT_FROM, "source", "unknown: nothing names a git commit"),),
    Kind.CONTAINER: ((EdgeKind.RUNS, "runs", "unknown: the engine names no image"),),
    Kind.DEPLOYMENT: ((EdgeKind.RUNS, "runs", "unknown: its commit is not named"),),
}


def _downwards(page: Page, graph: Graph, node: Node) -> None:
    page.heading("what came of it")
    before = len(page)
    edges = graph.edges_to(node.id)
    groups = _grouped(edges, out=False)
    for kind, label in _DOWN.items():
        if kind in groups:
            page.nodes(label, groups.pop(kind), graph)
    for kind in sorted(groups):
        page.nodes(INVERSE[kind], groups[kind], graph)
    touched = Counter(ids.kind_of(n) for n in reach(graph, node.id, Direction.DOWN))
    touched[node.kind] -= 1
    _impact(page, touched)
    if len(page) == before:
        page.field("", "nothing is known", "dim")


def _impact(page: Page, touched: Counter[Kind]) -> None:
    """Tell how much rests on it, however far away: what breaks or restarts with it."""
    kinds = (Kind.INDEX, Kind.IMAGE, Kind.COMMIT, Kind.TAG, Kind.REF, *_RUNNING)
    told = [count(touched[k], k.value, _PLURAL.get(k, "")) for k in kinds if touched[k] > 0]
    if told:
        page.field("in all", joined(told))
        if not any(touched[kind] > 0 for kind in _RUNNING):
            page.field("run by", "nothing that is known runs it", "dim")


_PLURAL = {Kind.INDEX: "indexes"}
