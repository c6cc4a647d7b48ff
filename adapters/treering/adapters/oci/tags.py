"""Tags: movable names of images in layouts and archives.

Owns the tag node and its one edge, and the complaint about a name given to two things.
"""

from __future__ import annotations

from treering.adapters.oci.catalog import Catalog
from treering.adapters.oci.documents import Documents
from treering.adapters.oci.refs import Reference
from treering.core import ids
from treering.core.facts import EdgeKind, Level
from treering.core.ids import Digest, NodeId


class Tags:
    """Puts tags into a catalog."""

    def __init__(self, documents: Documents, catalog: Catalog) -> None:
        self._documents = documents
        self._catalog = catalog

    def point(
        self, reference: Reference, digest: Digest, end: NodeId, why: str, broken: str = ""
    ) -> None:
        """Note a tag and what it points at; `broken` says what is wrong with that."""
        tag = ids.tag(self._catalog.source, reference.repository, reference.tag)
        draft = self._catalog.node(tag)
        draft.label = reference.short
        draft.learn(
            repository=reference.repository, tag=reference.tag, digest=digest, damaged=broken
        )
        others = [t for t in self._catalog.targets(tag, EdgeKind.POINTS_AT) if t != end]
        if others and not self._other_platforms([*others, end]):
            self._documents.problem(reference.short, f"is given to {others[0]} and to {end}")
        self._catalog.edge(tag, EdgeKind.POINTS_AT, end, Level.EXACT, why)

    def _other_platforms(self, ends: list[NodeId]) -> bool:
        """Tell whether several images under one name are one image for several platforms."""
        keys = ("os", "architecture", "variant")
        drafts = [self._catalog.nodes[end].attrs for end in ends if end in self._catalog.nodes]
        platforms = [tuple(attrs.get(key) for key in keys) for attrs in drafts]
        return len(set(platforms)) == len(ends)
