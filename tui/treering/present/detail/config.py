"""The tab `config`: what a node is configured with, and what is written on it."""

from __future__ import annotations

from treering.core.graph import Graph
from treering.core.ids import NodeId
from treering.present.lines import Row


def rows(graph: Graph, node: NodeId, *, width: int = 80) -> tuple[Row, ...]:
    """Return the configuration of a node, long values wrapped at `width`."""
    raise NotImplementedError
