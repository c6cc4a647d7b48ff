"""The tab `summary`: what a node is, what it rests on, what rests on it."""

from __future__ import annotations

from treering.core.graph import Graph
from treering.core.ids import NodeId
from treering.present.lines import Row


def rows(
    graph: Graph, node: NodeId, *, width: int = 80, now: float | None = None
) -> tuple[Row, ...]:
    """Return the summary of a node. Raises `KeyError` when the graph does not hold it."""
    raise NotImplementedError
