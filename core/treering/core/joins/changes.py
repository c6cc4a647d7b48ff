"""Which changes of facts can change what the joins say.

Owns the list of what the joins read. A running system sends events all day, most of which are a
container that starts or stops; none of those is worth joining the whole graph again. What is not
known to be without consequence has some.
"""

from __future__ import annotations

from typing import Any

from treering.core import ids
from treering.core.facts import EdgeFact, EdgeKind, NodeFact
from treering.core.graph import Change, Graph
from treering.core.ids import Kind

_READ_EDGES = frozenset(
    {
        EdgeKind.CONTAINS,
        EdgeKind.LISTS,
        EdgeKind.RUNS,
        EdgeKind.ATTESTS,
        EdgeKind.POINTS_AT,
    }
)
_READ_WHOLE = frozenset({Kind.IMAGE, Kind.INDEX, Kind.COMMIT, Kind.ATTESTATION, Kind.SOURCE})
_READ_IN_PART = frozenset({Kind.CONTAINER, Kind.REVISION, Kind.DEPLOYMENT})
_PART = "platform"


def matters(graph: Graph, change: Change) -> bool:
    """Tell whether the joins may say something else after `change`."""
    nodes = _nodes(change.before), _nodes(change.after)
    if any(nodes):
        return _node_matters(graph, *nodes)
    return _read_of(change.before) != _read_of(change.after)


def _nodes(views: tuple[NodeFact, ...] | tuple[EdgeFact, ...]) -> list[NodeFact]:
    return [view for view in views if isinstance(view, NodeFact)]


def _node_matters(graph: Graph, before: list[NodeFact], after: list[NodeFact]) -> bool:
    names = [sorted({alias for view in views for alias in view.same}) for views in (before, after)]
    if names[0] != names[1]:
        return True
    node = after[0].id
    kind = ids.kind_of(node)
    if kind not in _READ_WHOLE | _READ_IN_PART:
        return False
    if len(before) != 1 or len(graph.facts_of(node)) != 1:
        # Of several views the latest counts, for each attribute.
        return True
    old, new = before[0].attrs, after[0].attrs
    return old != new if kind in _READ_WHOLE else old.get(_PART) != new.get(_PART)


def _read_of(views: tuple[NodeFact, ...] | tuple[EdgeFact, ...]) -> set[tuple[Any, ...]]:
    """Return what the joins read of the facts between two nodes."""
    return {
        (view.kind, view.present, view.position)
        for view in views
        if isinstance(view, EdgeFact) and view.kind in _READ_EDGES
    }
