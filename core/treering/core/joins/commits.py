"""OSTree commits joined with host images and with each other.

Owns three rules: an image whose labels name a commit holds that commit's tree, unless the label
came with a base (layers were added after the commit's last one); a commit whose metadata names a
manifest was imported from that image (the reader says so itself); commits with one content
checksum are the same tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from treering.core import ids
from treering.core.facts import EdgeFact, EdgeKind, Level
from treering.core.graph import Graph
from treering.core.ids import Kind, NodeId
from treering.core.joins.evidence import edge, layers_of, text_of

_CHECKSUM = re.compile(r"[0-9a-f]{64}")


def edges(graph: Graph) -> Iterator[EdgeFact]:
    """Yield ``encapsulates`` and ``same-tree`` edges."""
    for image, attrs in graph.described(Kind.IMAGE):
        if "labels" in attrs or "annotations" in attrs:
            yield from _encapsulated(graph, image, attrs)
    yield from _same_trees(graph)


def _encapsulated(graph: Graph, image: NodeId, attrs: Mapping[str, Any]) -> Iterator[EdgeFact]:
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
    first: dict[str, NodeId] = {}
    alike: dict[str, list[NodeId]] = {}
    for commit, attrs in graph.described(Kind.COMMIT):
        content = attrs.get("content")
        if content and isinstance(content, str):
            other = first.setdefault(content, commit)
            if other is not commit:
                alike.setdefault(content, [other]).append(commit)
    for content, commits in alike.items():
        group = sorted((_time(graph, commit), commit) for commit in commits)
        for (_, older), (_, newer) in pairwise(group):
            why = f"both have the content checksum {content[:12]}: root tree and root metadata"
            yield edge(newer, EdgeKind.SAME_TREE, older, Level.EXACT, why)


def _time(graph: Graph, commit: NodeId) -> int:
    time = graph.attrs(commit).get("timestamp")
    return time if isinstance(time, int) else 0
