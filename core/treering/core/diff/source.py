"""The git commits between what two versions were built from.

Owns finding the commit behind a version, and the log between two: what can be reached from one
and not from the other, by the parents the graph knows. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import Any

from treering.core.facts import EdgeKind
from treering.core.graph import Edge, Graph
from treering.core.ids import NodeId, short
from treering.core.text import Safe, safe

MAX_COMMITS = 1000
"""Most commits of a log; more are counted."""
MAX_WALKED = 200_000
"""Most commits looked at on each side."""
_NONE = Safe("")
_BUILT_FROM = frozenset({EdgeKind.BUILT_FROM})
_PARENT = frozenset({EdgeKind.PARENT})


@dataclass(frozen=True, slots=True)
class SourceCommit:
    """A commit of the log. `lost` tells that only `a` has it, so going to `b` takes it away."""

    node: NodeId
    subject: Safe
    author: Safe
    time: float | None
    lost: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the commit as ``treering.diff/1`` has it."""
        return {
            "id": self.node,
            "subject": self.subject,
            "author": self.author,
            "time": self.time,
            "in": "a" if self.lost else "b",
        }


@dataclass(frozen=True, slots=True)
class SourceDiff:
    """The commits two versions were built from, None where unknown, and the log between them.

    `commits` are newest first, each before its parents; `more` counts those left out. `trouble`
    says why the log is not there, or not all of it.
    """

    a: NodeId | None
    b: NodeId | None
    commits: tuple[SourceCommit, ...] = ()
    more: int = 0
    trouble: Safe = _NONE

    def as_json(self) -> dict[str, Any]:
        """Return the part as ``treering.diff/1`` has it."""
        return {"a": self.a, "b": self.b, "commits": [c.as_json() for c in self.commits]}


def built_from(graph: Graph, node: NodeId) -> list[Edge]:
    """Return the edges to what a version was built from, of the best evidence there is.

    Several are as good as each other: then which one is meant is not known.
    """
    edges = [edge for edge in graph.edges_from(node, _BUILT_FROM) if not edge.gone]
    best = max((edge.level.rank for edge in edges), default=0)
    return [edge for edge in edges if edge.level.rank == best]


def diff_source(graph: Graph, a: NodeId, b: NodeId) -> SourceDiff:
    """Return the log from commit `a` to commit `b`.

    It is as long as the graph knows parents; where histories do not meet it is all of them.
    """
    if graph.canonical(a) == graph.canonical(b):
        return SourceDiff(a, b)
    unknown = [node for node in (a, b) if not graph.knows(node)]
    if unknown:
        return SourceDiff(a, b, trouble=safe(f"no source here holds commit {short(unknown[0])}"))
    old, new = _reached(graph, a), _reached(graph, b)
    if max(len(old), len(new)) >= MAX_WALKED:
        return SourceDiff(a, b, trouble=safe(f"the histories have more than {MAX_WALKED} commits"))
    gained = _newest_first(graph, new.keys() - old.keys(), lost=False)
    lost = _newest_first(graph, old.keys() - new.keys(), lost=True)
    log = gained + lost
    return SourceDiff(a, b, tuple(log[:MAX_COMMITS]), max(0, len(log) - MAX_COMMITS))


def _reached(graph: Graph, start: NodeId) -> Mapping[NodeId, None]:
    seen = {graph.canonical(start): None}
    waiting = list(seen)
    while waiting and len(seen) < MAX_WALKED:
        for parent in _parents(graph, waiting.pop()):
            if parent not in seen:
                seen[parent] = None
                waiting.append(parent)
    return seen


def _parents(graph: Graph, node: NodeId) -> Iterable[NodeId]:
    return (edge.end for edge in graph.edges_from(node, _PARENT) if not edge.gone)


def _newest_first(graph: Graph, nodes: Iterable[NodeId], *, lost: bool) -> list[SourceCommit]:
    """Return commits by time, none before those it is a parent of."""
    commits = {node: _commit(graph, node, lost=lost) for node in nodes}
    children = dict.fromkeys(commits, 0)
    for node in commits:
        for parent in _parents(graph, node):
            if parent in children:
                children[parent] += 1
    ready = [_place(commits[node]) for node, count in children.items() if not count]
    heapify(ready)
    ordered: list[SourceCommit] = []
    while ready:
        node = heappop(ready)[1]
        ordered.append(commits[node])
        for parent in _parents(graph, node):
            if parent in children:
                children[parent] -= 1
                if not children[parent]:
                    heappush(ready, _place(commits[parent]))
    return ordered


def _place(commit: SourceCommit) -> tuple[float, NodeId]:
    return -(commit.time or 0.0), commit.node


def _commit(graph: Graph, node: NodeId, *, lost: bool) -> SourceCommit:
    attrs = graph.attrs(node)
    subject, author, time = (attrs.get(key) for key in ("subject", "author", "time"))
    return SourceCommit(
        node,
        safe(subject, 300) if isinstance(subject, str) else Safe(""),
        safe(author, 200) if isinstance(author, str) else Safe(""),
        float(time) if isinstance(time, (int, float)) else None,
        lost,
    )
