"""The tabs of the right pane: what is known of one node, as rows.

Each module owns one tab and has one pure function, `rows`. `width` is how many cells there are;
rows are never longer because of it, only better laid out. `now` is the time ages count from, in
seconds; without one only times are given.
"""

from __future__ import annotations

from enum import StrEnum

from treering.core.graph import Graph
from treering.core.ids import NodeId


class Tab(StrEnum):
    """The tabs, in their order; the value is the title."""

    SUMMARY = "summary"
    LAYERS = "layers"
    CONFIG = "config"
    PACKAGES = "packages"
    FILES = "files"
    EVIDENCE = "evidence"
    DOCUMENT = "document"


def tabs(graph: Graph, node: NodeId) -> tuple[Tab, ...]:
    """Return the tabs that have something to show for a node, in order. Cheap."""
    raise NotImplementedError
