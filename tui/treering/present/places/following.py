"""Names that deployments follow: whether what runs is what the name has now.

Owns reading the movable names origins hold (a refspec, an image reference with its transport)
and finding them among the tags and refs the graph knows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from treering.core import ids
from treering.core.facts import EdgeKind
from treering.core.graph import Graph
from treering.core.ids import Kind, NodeId
from treering.present.places.images import bare, meant, name_of
from treering.present.places.known import live


def followed(attrs: Mapping[str, Any]) -> str:
    """Return the movable name a deployment was made from; "" for one made from a digest."""
    for key in ("image", "origin"):
        name = attrs.get(key)
        if isinstance(name, str) and name and "@sha256:" not in name:
            return name
    return ""


class Following:
    """The names a fleet follows, each looked for once."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._found: dict[str, list[set[NodeId]]] = {}

    def differs(self, name: str, tree: NodeId) -> bool | None:
        """Tell whether a name has something else than `tree` now, anywhere; None if unknown."""
        if name not in self._found:
            self._found[name] = self._look_for(name)
        targets = self._found[name]
        if not targets:
            return None
        own = {tree, *live(self._graph, tree, EdgeKind.IMPORTED_FROM)}
        return any(not target & own for target in targets)

    def _look_for(self, name: str) -> list[set[NodeId]]:
        """Return what the name has in each source that knows it."""
        graph = self._graph
        image = reference(name)
        if image is None:
            end = "/" + name.rpartition(":")[2]
            refs = (node for node in graph.of_kind(Kind.REF) if node.endswith(end))
            exact = (r for r in refs if ids.content_of(r).partition("/")[2] == end[1:])
            found = [set(_commits(graph, ref)) for ref in exact]
        else:
            repository, tag = image
            end = f"{repository.rpartition('/')[2]}:{tag}"
            tags = [name_of(graph, n) for n in graph.of_kind(Kind.TAG) if n.endswith(end)]
            alike = [t for t in tags if bare(t.repository) == bare(repository) and t.tag == tag]
            found = [meant(graph, t.ends) for t in alike]
        return [targets for targets in found if targets]


def _commits(graph: Graph, ref: NodeId) -> list[NodeId]:
    """Return the commits of a ref, through an alias."""
    ends = live(graph, ref, EdgeKind.POINTS_AT)
    aliases = [end for end in ends if end.startswith("ref:")]
    return ends + [end for alias in aliases for end in live(graph, alias, EdgeKind.POINTS_AT)]


def reference(name: str) -> tuple[str, str] | None:
    """Return repository and tag of an image reference; None for a refspec of OSTree.

    ``ostree-unverified-registry:HOST/REPOSITORY:TAG`` and its kin end in what a registry knows
    (rpm-ostree, "Origin"); a bare reference has a host with a dot or a port before its slash.
    """
    rest = name
    if "docker://" in name:
        rest = name.partition("docker://")[2]
    elif name.startswith("ostree-"):
        rest = name.partition("registry:")[2]
    elif not _REGISTRY.match(name):
        return None
    repository, colon, tag = rest.rpartition(":")
    if not rest:
        return None
    return (repository, tag) if colon and "/" not in tag else (rest, "latest")


_REGISTRY = re.compile(r"(?:[^/:]*\.[^/:]*|localhost)(?::[0-9]+)?/|[^/:]+:[0-9]+/")
"""A host with a dot or a port; what a remote of OSTree is called may have a dot, not a slash."""
