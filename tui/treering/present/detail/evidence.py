"""The tab `evidence`: every edge of a node and every fact, with who said so."""

from __future__ import annotations

from treering.core.graph import Graph
from treering.core.ids import NodeId
from treering.present.lines import Row


def rows(
    graph: Graph, node: NodeId, *, width: int = 80, now: float | None = None
) -> tuple[Row, ...]:
    """Return the edges of a node, both ways, then what each source said of it."""
    raise NotImplementedError
