"""The lineage graph: facts of many sources merged into nodes and edges.

Owns merging. It is idempotent and free of order: the graph is a function of the set of facts,
whatever order and how often they came. For each node or edge the latest fact of each source
counts; sources are kept apart, so a source can be read again or go away without touching what
others said. networkx holds the structure and is in nobody's signature.

Two names for one image meet here: a fact may say that a digest names *the same* node
(`NodeFact.same`), and whatever is known only by that digest becomes that node.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from treering.core import ids
from treering.core.facts import EdgeFact, EdgeKind, Fact, Level, NodeFact
from treering.core.ids import Digest, Kind, NodeId
from treering.core.text import Safe, safe

if TYPE_CHECKING:
    import networkx as nx

_EdgeKey = tuple[NodeId, NodeId, EdgeKind]
_ENCODE = msgspec.json.Encoder(order="deterministic").encode


@dataclass(frozen=True, slots=True)
class Node:
    """A node as all sources together know it.

    `sources` is empty for a thing that is only mentioned. `gone` is true once every source that
    knew it says it is gone. `attrs` joins what the sources said, the latest word last.
    """

    id: NodeId
    kind: Kind
    label: Safe
    attrs: Mapping[str, Any]
    sources: tuple[Safe, ...]
    same: tuple[Digest, ...] = ()
    names: tuple[Safe, ...] = ()
    gone: bool = False

    @property
    def platform(self) -> Safe:
        """What an image runs on, as ``os/architecture[/variant]``; "" when nobody says."""
        said = (self.attrs.get(key) for key in ("os", "architecture", "variant"))
        return safe("/".join(part for part in said if isinstance(part, str) and part))

    @property
    def conditions(self) -> tuple[str, ...]:
        """The words for what is not as it should be; none for most nodes."""
        words = []
        if self.attrs.get("damaged"):
            words.append("damaged")
        if self.attrs.get("tombstone"):
            words.append("deleted")
        if self.gone:
            words.append("gone")
        elif not self.sources:
            words.append("foreign" if self.kind is Kind.SOURCE else "not seen")
        return tuple(words)


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge with its best evidence; `all` keeps what every source said about it."""

    start: NodeId
    end: NodeId
    kind: EdgeKind
    level: Level
    why: Safe
    position: int | None
    all: tuple[EdgeFact, ...] = field(repr=False, compare=False)
    gone: bool = False


class Graph:
    """Nodes and edges merged from facts. Not safe to change from several threads."""

    def __init__(self) -> None:
        import networkx as nx  # noqa: PLC0415 -- 0.2 s, and --help needs no graph

        self._nodes: dict[NodeId, list[NodeFact]] = {}
        self._edges: dict[_EdgeKey, list[EdgeFact]] = {}
        self._claims: dict[Digest, set[NodeId]] = {}
        self._structure: nx.DiGraph[NodeId] = nx.DiGraph()
        self._stale = False
        self._images: set[NodeId] = set()
        self._moved: dict[NodeId, list[NodeId]] = {}
        self._kinds: tuple[int, dict[Kind, list[NodeId]]] = (-1, {})
        self._derived: dict[_EdgeKey, EdgeFact] = {}
        self.version = 0

    # -- merging -------------------------------------------------------------------------

    def merge(self, facts: Iterable[Fact]) -> int:
        """Merge `facts`; return how many of them changed anything."""
        changed = 0
        connections: list[_EdgeKey] = []
        with paused_collector():
            for fact in facts:
                if isinstance(fact, NodeFact):
                    changed += self._merge_node(fact)
                elif self._merge_edge(fact):
                    changed += 1
                    connections.append((fact.start, fact.end, fact.kind))
            if not self._stale:
                self._connect(connections)
        if changed:
            self.version += 1
        return changed

    def _merge_node(self, fact: NodeFact) -> bool:
        views = self._nodes.get(fact.id)
        if views is None:
            self._nodes[fact.id] = [fact]
        else:
            old = {alias for view in views for alias in view.same}
            if not _put(views, fact):
                return False
            self._unclaim(fact.id, old - {alias for view in views for alias in view.same})
        if fact.same or fact.id.startswith("index:"):
            self._claim(fact)
        if fact.id.startswith("image:"):
            self._images.add(fact.id)
            if ids.content_of(fact.id) in self._claims:
                self._stale = True
        if not self._stale:
            self._structure.add_node(self._at(fact.id))
        return True

    def _claim(self, fact: NodeFact) -> None:
        """Note which digests name this node; what they named before may have to move."""
        claims = list(fact.same)
        if fact.id.startswith("index:"):
            claims.append(Digest(ids.content_of(fact.id)))
        for alias in claims:
            claimants = self._claims.setdefault(alias, set())
            if fact.id not in claimants:
                claimants.add(fact.id)
                if len(claimants) > 1 or ids.image(alias) in self._images:
                    self._stale = True

    def _unclaim(self, node: NodeId, aliases: set[Digest]) -> None:
        """Forget digests that no surviving fact says are `node`."""
        for alias in aliases:
            self._claims[alias].discard(node)
            if not self._claims[alias]:
                del self._claims[alias]
            self._stale = True

    def _merge_edge(self, fact: EdgeFact) -> bool:
        key = (fact.start, fact.end, fact.kind)
        views = self._edges.get(key)
        if views is not None:
            return _put(views, fact)
        self._edges[key] = [fact]
        for end in key[:2]:
            if end.startswith("image:"):
                self._images.add(end)
        return True

    def _connect(self, keys: Iterable[_EdgeKey]) -> None:
        """Put edges into the structure: each pair of nodes holds the keys of its facts."""
        # What DiGraph.add_edges_from does, into the dictionaries its documentation gives to
        # subclasses, at half the cost: hundreds of thousands of edges come in one go.
        structure = self._structure
        after, before, nodes = structure._succ, structure._pred, structure._node  # noqa: SLF001
        named = bool(self._claims)
        for key in keys:
            start, end, _ = key
            if named:
                start, end = self._at(start), self._at(end)
            for node in (start, end):
                if node not in after:
                    after[node], before[node], nodes[node] = {}, {}, {}
            if start == end:
                continue
            between = after[start].get(end)
            if between is None:
                after[start][end] = before[end][start] = {key: None}
            else:
                between[key] = None

    def set_derived(self, facts: Iterable[EdgeFact]) -> None:
        """Replace every derived edge, those the joins computed, by `facts`."""
        with paused_collector():
            old = self._derived
            for key, fact in old.items():
                self._drop_derived(key, fact)
            self._derived = {}
            for fact in facts:
                key = (fact.start, fact.end, fact.kind)
                self._derived[key] = fact
                self._merge_edge(fact)
            if not self._stale:
                self._connect(self._derived)
            self._drop_unmentioned({end for key in old for end in key[:2]})
        self.version += 1

    def _drop_unmentioned(self, nodes: set[NodeId]) -> None:
        """Remove those of `nodes` that no fact describes and no edge mentions any more."""
        if self._stale:
            return
        for node in map(self._at, nodes):
            known = node in self._nodes or self.facts_of(node)
            if not known and node in self._structure and not self._structure.degree(node):
                self._structure.remove_node(node)

    def _drop_derived(self, key: _EdgeKey, fact: EdgeFact) -> None:
        views = self._edges.get(key, [])
        if fact in views:
            views.remove(fact)
        if not views:
            self._edges.pop(key, None)
            start, end = self._at(key[0]), self._at(key[1])
            if not self._stale and self._structure.has_edge(start, end):
                keys = self._structure[start][end]
                keys.pop(key, None)
                if not keys:
                    self._structure.remove_edge(start, end)

    # -- one node, one name --------------------------------------------------------------

    def canonical(self, node: NodeId) -> NodeId:
        """Return the id under which the graph keeps `node`: itself, or the image a digest names.

        A digest claimed by several different nodes names none of them.
        """
        self._settle()
        return self._at(node)

    def _at(self, node: NodeId) -> NodeId:
        if not self._claims or not node.startswith("image:"):
            return node
        seen = [node]
        while True:
            claimants = self._claims.get(Digest(ids.content_of(node)))
            if not claimants or len(claimants) > 1:
                return node
            (target,) = claimants
            if target.startswith("index:"):
                return node if node in self._nodes else target
            if target in seen:
                return min(seen[seen.index(target) :])
            seen.append(target)
            node = target

    def _settle(self) -> None:
        """Rebuild the structure after a digest turned out to name another node."""
        if not self._stale:
            return
        self._stale = False
        self.version += 1
        self._structure.clear()
        self._moved = {}
        with paused_collector():
            self._structure.add_nodes_from(map(self._at, self._nodes))
            self._connect(self._edges)
            for node in self._images:
                target = self._at(node)
                if target != node and node in self._nodes:
                    self._moved.setdefault(target, []).append(node)

    # -- reading -------------------------------------------------------------------------

    def __len__(self) -> int:
        """Return the number of nodes, those only mentioned included."""
        self._settle()
        return len(self._structure)

    def __contains__(self, node: NodeId) -> bool:
        """Tell whether the graph holds `node`, under this or another name."""
        self._settle()
        return self._at(node) in self._structure

    def ids(self) -> Iterator[NodeId]:
        """Yield every node id, in no order."""
        self._settle()
        return iter(self._structure)

    def of_kind(self, kind: Kind) -> list[NodeId]:
        """Return the ids of one kind, sorted."""
        self._settle()
        if self._kinds[0] != self.version:
            by_kind: dict[Kind, list[NodeId]] = {}
            for node in sorted(self._structure):
                by_kind.setdefault(ids.kind_of(node), []).append(node)
            self._kinds = (self.version, by_kind)
        return self._kinds[1].get(kind, [])

    def knows(self, node: NodeId) -> bool:
        """Tell whether a source described `node`, rather than only mentioned it."""
        return bool(self.facts_of(node))

    def facts_of(self, node: NodeId) -> tuple[NodeFact, ...]:
        """Return what each source said about a node, under all its names, oldest first."""
        node = self.canonical(node)
        views: Sequence[NodeFact] = self._nodes.get(node, ())
        for other in self._moved.get(node, ()):
            views = [*views, *self._nodes[other]]
        return tuple(views) if len(views) <= 1 else tuple(sorted(views, key=_order))

    def attrs(self, node: NodeId) -> Mapping[str, Any]:
        """Return the joined attributes of a node; the latest word on each key counts."""
        if not self._stale and not node.startswith("image:"):
            alone = self._nodes.get(node, ())
            if len(alone) == 1:
                return alone[0].attrs
        views = self.facts_of(node)
        if len(views) == 1:
            return views[0].attrs
        joined: dict[str, Any] = {}
        for view in views:
            joined.update(view.attrs)
        return joined

    def node(self, node: NodeId) -> Node:
        """Return a node. Raises `KeyError` when the graph does not hold it."""
        node = self.canonical(node)
        if node not in self._structure:
            raise KeyError(node)
        views = self.facts_of(node)
        live = [v for v in views if v.present]
        labelled = sorted((v.source, v.label) for v in (live or views) if v.label)
        return Node(
            id=node,
            kind=ids.kind_of(node),
            label=labelled[0][1] if labelled else _short(node),
            attrs=self.attrs(node),
            sources=tuple(sorted({v.source for v in live})),
            same=tuple(sorted({a for v in views for a in v.same})),
            names=tuple(sorted({n for v in views for n in v.names})),
            gone=bool(views) and not live,
        )

    def nodes(self) -> Iterator[Node]:
        """Yield every node, sorted by id."""
        for node in sorted(self.ids()):
            yield self.node(node)

    def edges(self) -> Iterator[Edge]:
        """Yield every edge, sorted by its ends and kind."""
        for node in sorted(self.ids()):
            yield from self.edges_from(node)

    def edges_from(self, node: NodeId, kinds: frozenset[EdgeKind] | None = None) -> list[Edge]:
        """Return the edges to what `node` came from or rests on; layers bottom to top.

        Only edges of `kinds`, if given.
        """
        node = self.canonical(node)
        after = self._structure._adj.get(node, {})  # noqa: SLF001 -- nx views cost a call an edge
        return self._edges_between(((node, end, keys) for end, keys in after.items()), kinds)

    def edges_to(self, node: NodeId, kinds: frozenset[EdgeKind] | None = None) -> list[Edge]:
        """Return the edges from what came of `node` or rests on it. Only of `kinds`, if given."""
        node = self.canonical(node)
        before = self._structure._pred.get(node, {})  # noqa: SLF001 -- as above
        return self._edges_between(((start, node, keys) for start, keys in before.items()), kinds)

    def neighbours(self, node: NodeId, *, out: bool) -> Iterator[tuple[NodeId, Iterable[EdgeKind]]]:
        """Yield the nodes one edge away with the kinds of the edges, unsorted and fast."""
        node = self.canonical(node)
        table = self._structure._adj if out else self._structure._pred  # noqa: SLF001
        for other, keys in table.get(node, {}).items():
            yield other, {key[2] for key in keys} if len(keys) > 1 else (next(iter(keys))[2],)

    def _edges_between(
        self,
        pairs: Iterable[tuple[NodeId, NodeId, Iterable[_EdgeKey]]],
        kinds: frozenset[EdgeKind] | None,
    ) -> list[Edge]:
        """Merge the facts between pairs of nodes into one edge of each kind, in order."""
        edges = []
        for start, end, keys in pairs:
            by_kind: dict[EdgeKind, list[EdgeFact]] = {}
            for key in keys:
                if kinds is None or key[2] in kinds:
                    by_kind.setdefault(key[2], []).extend(self._edges.get(key, ()))
            edges += [_best(start, end, kind, facts) for kind, facts in by_kind.items() if facts]
        if len(edges) > 1:
            edges.sort(key=_edge_order)
        return edges

    def vanished(self, source: Safe, since: float) -> list[Fact]:
        """Return what a whole new reading of `source`, begun at `since`, no longer found.

        The facts say that those nodes and edges are gone; merge them to mark them so.
        """
        nodes: list[NodeFact | EdgeFact] = [f for views in self._nodes.values() for f in views]
        nodes += [f for views in self._edges.values() for f in views]
        return [
            msgspec.structs.replace(fact, present=False, seen=since)
            for fact in nodes
            if fact.source == source and fact.present and fact.seen < since
        ]

    def facts(self) -> Iterator[Fact]:
        """Yield the facts that make the graph, derived edges left out."""
        for node in sorted(self._nodes):
            yield from self._nodes[node]
        derived = self._derived
        for key in sorted(self._edges):
            for fact in self._edges[key]:
                if derived.get(key) != fact:
                    yield fact


def _best(start: NodeId, end: NodeId, kind: EdgeKind, facts: list[EdgeFact]) -> Edge:
    if len(facts) == 1:
        (only,) = facts
        return Edge(
            start, end, kind, only.level, only.why, only.position, (only,), not only.present
        )
    live = [f for f in facts if f.present] or facts
    best = live[0] if len(live) == 1 else min(live, key=lambda f: (-f.level.rank, f.source, f.why))
    positions = [f.position for f in live if f.position is not None]
    return Edge(
        start=start,
        end=end,
        kind=kind,
        level=best.level,
        why=best.why,
        position=min(positions) if positions else None,
        all=tuple(facts),
        gone=not any(f.present for f in facts),
    )


def _put(views: list[Any], fact: NodeFact | EdgeFact) -> bool:
    """Keep the latest fact of each source in `views`; tell whether anything changed."""
    for at, old in enumerate(views):
        if old.source == fact.source:
            if old == fact or _order(old) >= _order(fact):
                return False
            views[at] = fact
            views.sort(key=_order)
            return True
    views.append(fact)
    views.sort(key=_order)
    return True


def _order(fact: NodeFact | EdgeFact) -> tuple[float, bool, bytes]:
    """Order facts by time; at one time "gone" wins, then the greater encoding, in any order."""
    return (fact.seen, not fact.present, _ENCODE(fact))


def _short(node: NodeId) -> Safe:
    """Return what a node is called that nobody gave a label."""
    return safe(ids.short(ids.content_of(node)).removeprefix("sha256:"))


def _edge_order(edge: Edge) -> tuple[str, int, str, str]:
    return (edge.kind, -1 if edge.position is None else edge.position, edge.start, edge.end)


@contextmanager
def paused_collector() -> Iterator[None]:
    """Hold the cycle collector: it would walk every fact again and again while they pile up.

    May be nested; the outermost one counts.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
