"""OSTree commits joined with host images and with each other.

Owns three rules: an image whose labels name a commit holds that commit's tree, unless the label
came with a base (layers were added after the commit's last one); a commit whose metadata names a
manifest was imported from that image (the reader says so itself); commits with one content
checksum are the same tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from treering.core import ids
from treering.core.facts import EdgeFact, EdgeKind, Level
from treering.core.graph import Graph
from treering.core.ids import Kind, NodeId
from treering.core.joins.evidence import edge, layers_of, text_of

_CHECKSUM = re.compile(r"[0-9a-f]{64}")


def edges(graph: Graph) -> Iterator[EdgeFact]:
    """Yield ``encapsulates`` and ``same-tree`` edges."""
    for image in graph.of_kind(Kind.IMAGE):
        yield from _encapsulated(graph, image)
    yield from _same_trees(graph)


def _encapsulated(graph: Graph, image: NodeId) -> Iterator[EdgeFact]:
    attrs = graph.attrs(image)
    for group in ("labels", "annotations"):
        checksum = text_of(attrs, group, "ostree.commit")
        if not _CHECKSUM.fullmatch(checksum):
            continue
        final = text_of(attrs, group, "ostree.final-diffid") or text_of(
            attrs, group, "ostree.diffid"
        )
        layers = layers_of(graph, image)
        if final and layers and final != layers[-1]:
            return
        where = "label" if group == "labels" else "annotation"
        why = f"its {where} ostree.commit names it"
        if final and layers:
            why += ", and ostree.final-diffid is its last layer"
        else:
            why += "; nothing says whether layers were added since"
        yield edge(image, EdgeKind.ENCAPSULATES, ids.commit(checksum), Level.DECLARED, why)
        return


def _same_trees(graph: Graph) -> Iterator[EdgeFact]:
    """Join commits of one content checksum in a row, each to the next older one."""
    alike: dict[str, list[tuple[int, NodeId]]] = {}
    for commit in graph.of_kind(Kind.COMMIT):
        attrs = graph.attrs(commit)
        content = attrs.get("content")
        if isinstance(content, str) and content:
            time = attrs.get("timestamp")
            at = time if isinstance(time, int) else 0
            alike.setdefault(content, []).append((at, commit))
    for content, group in alike.items():
        group.sort()
        for (_, older), (_, newer) in pairwise(group):
            why = f"both have the content checksum {content[:12]}: root tree and root metadata"
            yield edge(newer, EdgeKind.SAME_TREE, older, Level.EXACT, why)
