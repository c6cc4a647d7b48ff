"""What was found, gathered before it is told: one fact for each thing.

Owns the drafts of nodes, edges and layers of one read, and the order in which they become facts:
everything that the documents say, then the layers once they are verified. Reads nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from treering.adapters.oci.verify import Job, Outcome, Stored
from treering.core import ids
from treering.core.facts import EdgeFact, EdgeKind, Fact, Level, NodeFact
from treering.core.ids import Digest, NodeId
from treering.core.text import Safe, safe


@dataclass(slots=True)
class Draft:
    """A node as far as it is known. The first word on an attribute counts."""

    label: str = ""
    attrs: dict[str, Any] = field(default_factory=dict)
    same: dict[Digest, None] = field(default_factory=dict)
    names: dict[str, None] = field(default_factory=dict)

    def learn(self, **attrs: Any) -> None:
        """Add attributes not known yet; empty ones are left out."""
        for key, value in attrs.items():
            if value not in (None, "", [], {}):
                self.attrs.setdefault(key, value)

    def collect(self, key: str, value: Any) -> None:
        """Add to an attribute that is a list, once."""
        values = self.attrs.setdefault(key, [])
        if value not in values:
            values.append(value)


@dataclass(slots=True)
class LayerDraft:
    """A layer, and every way it is stored here, by the name of the file."""

    diff_id: Digest
    stored: dict[str, Stored] = field(default_factory=dict)


class Catalog:
    """The things of one source at one time."""

    def __init__(self, source: Safe, seen: float) -> None:
        self.source = source
        self.seen = seen
        self.nodes: dict[NodeId, Draft] = {}
        self.layers: dict[Digest, LayerDraft] = {}
        self.loose: dict[str, Stored] = {}
        """Files of artifacts and broken images, which are no layers but hashed as they are."""
        self._edges: dict[tuple[NodeId, NodeId, EdgeKind], EdgeFact] = {}
        self._targets: dict[tuple[NodeId, EdgeKind], list[NodeId]] = {}

    def node(self, node: NodeId) -> Draft:
        """Return the draft of a node, a new one when it is mentioned first."""
        return self.nodes.setdefault(node, Draft())

    def layer(self, diff_id: Digest, stored: Stored | None = None) -> None:
        """Note a layer, and a file that holds it."""
        draft = self.layers.setdefault(diff_id, LayerDraft(diff_id))
        if stored is not None:
            draft.stored.setdefault(stored.name, stored)

    def edge(  # noqa: PLR0913, PLR0917 -- the fields of an edge
        self,
        start: NodeId,
        kind: EdgeKind,
        end: NodeId,
        level: Level,
        why: str,
        position: int | None = None,
    ) -> None:
        """Note an edge; between the same ends the better evidence counts, then the first."""
        key = (start, end, kind)
        known = self._edges.get(key)
        if known is None:
            self._targets.setdefault((start, kind), []).append(end)
        if known is None or known.level.rank < level.rank:
            self._edges[key] = EdgeFact(
                start, end, kind, level, self.source, self.seen, safe(why, 1000), position
            )

    def targets(self, start: NodeId, kind: EdgeKind) -> list[NodeId]:
        """Return where the edges of one kind from `start` lead."""
        return list(self._targets.get((start, kind), ()))

    def facts(self) -> Iterator[Fact]:
        """Yield every node but the layers, then every edge."""
        for node, draft in self.nodes.items():
            yield NodeFact(
                id=node,
                source=self.source,
                seen=self.seen,
                label=safe(draft.label, 500),
                attrs=draft.attrs,
                same=tuple(draft.same),
                names=tuple(safe(name, 500) for name in draft.names),
            )
        yield from self._edges.values()

    def jobs(self) -> Iterator[Job]:
        """Yield every file to hash, in the order things were found."""
        for draft in self.layers.values():
            for stored in draft.stored.values():
                yield Job(stored, draft.diff_id)
        yield from map(Job, self.loose.values())

    def layer_facts(self, outcomes: Mapping[Job, Outcome]) -> Iterator[Fact]:
        """Yield the layers, given what hashing their files gave."""
        for draft in self.layers.values():
            found = {s: outcomes[Job(s, draft.diff_id)] for s in draft.stored.values()}
            blobs = [_stored_digest(stored, outcome) for stored, outcome in found.items()]
            known = list(dict.fromkeys(blob for blob in blobs if blob))
            faults = [f"{s.name}: {outcome.fault}" for s, outcome in found.items() if outcome.fault]
            first = next(iter(found), None)
            node = Draft(
                attrs={"verified": bool(found) and all(o.verified for o in found.values())}
            )
            node.learn(
                blobs=known,
                media_type=first.media_type if first else "",
                size=first.size if first else None,
                damaged="; ".join(faults),
            )
            yield NodeFact(
                id=ids.layer(draft.diff_id),
                source=self.source,
                seen=self.seen,
                label=safe(ids.short(draft.diff_id)),
                attrs=node.attrs,
                names=tuple(safe(blob) for blob in known if blob != draft.diff_id),
            )


def _stored_digest(stored: Stored, outcome: Outcome) -> Digest | None:
    """Return the digest of a stored layer: as the source says, or else as it was found."""
    if stored.digest or outcome.fault or not outcome.hashed:
        return stored.digest
    return outcome.hashed.digest
