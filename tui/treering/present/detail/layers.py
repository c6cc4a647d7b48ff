"""The tab `layers`: the layers of an image with what made each."""

from __future__ import annotations

from treering.core.graph import Graph
from treering.core.ids import NodeId
from treering.present.lines import Row


def rows(
    graph: Graph, node: NodeId, *, width: int = 80, top_first: bool = False
) -> tuple[Row, ...]:
    """Return the layers of an image, bottom to top unless `top_first`.

    Of what points at, runs or holds one image (a tag, a container), the layers of that image.
    """
    raise NotImplementedError
