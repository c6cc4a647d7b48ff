"""The tabs of the right pane: what is known of one node, as rows.

Owns which tabs there are. Each module owns one tab and has one pure function, `rows`. `width` is
how many cells there are; rows are laid out for it, and a name may still be longer. `now` is the
time ages count from, in seconds; without one only times are given.
"""

from __future__ import annotations

from enum import StrEnum

from treering.core.graph import Graph
from treering.core.ids import Kind, NodeId, kind_of
from treering.present.detail.config import has_config
from treering.present.detail.subject import subjects


class Tab(StrEnum):
    """The tabs, in their order; the value is the title."""

    SUMMARY = "summary"
    LAYERS = "layers"
    TREE = "tree"
    PACKAGES = "packages"
    CONFIG = "config"
    EVIDENCE = "evidence"
    DOCUMENT = "document"


_ALWAYS = frozenset({Tab.SUMMARY, Tab.EVIDENCE, Tab.DOCUMENT})


def tabs(graph: Graph, node: NodeId) -> tuple[Tab, ...]:
    """Return the tabs that have something to show for a node, in order. Cheap.

    Whether files can be opened is the sources' to say; here it is whether there could be any.
    """
    found = set(_ALWAYS)
    behind = subjects(graph, node)
    kind = kind_of(graph.canonical(node))
    if any(other.startswith("image:") for other in behind):
        found.add(Tab.LAYERS)
    if has_config(graph.attrs(node)) or any(has_config(graph.attrs(n)) for n in behind):
        found.add(Tab.CONFIG)
    if behind:
        found.add(Tab.PACKAGES)
    if behind or kind in {Kind.LAYER, Kind.CONTAINER, Kind.DEPLOYMENT}:
        found.add(Tab.TREE)
    return tuple(tab for tab in Tab if tab in found)
