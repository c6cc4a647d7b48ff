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
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from treering.core import ids
from treering.core.facts import EdgeFact, EdgeKind, Fact, Level, NodeFact
from treering.core.ids import Digest, Kind, NodeId
from treering.core.text import Safe, safe

if TYPE_CHECKING:
    import networkx as nx

_EdgeKey = tuple[NodeId, NodeId, EdgeKind]
_Ends = dict[NodeId, dict[NodeId, tuple[EdgeFact, ...]]]
_Said = TypeVar("_Said", bound=NodeFact | EdgeFact)
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


@dataclass(frozen=True, slots=True)
class Change:
    """What was said of one node, or between two, and what is said now."""

    before: tuple[NodeFact, ...] | tuple[EdgeFact, ...]
    after: tuple[NodeFact, ...] | tuple[EdgeFact, ...]


_MAX_CHANGES = 1000


class Graph:
    """Nodes and edges merged from facts. Not safe to change from several threads."""

    # The structure holds ids as facts write them; `_aliases` leads from those that name another
    # node to it, so that a digest found to be an image's moves no edge. The dictionaries of
    # networkx hold the facts themselves: of each node, and of each pair of nodes, shared by both.

    def __init__(self) -> None:
        import networkx as nx  # noqa: PLC0415 -- 0.2 s, and --help needs no graph

        self._structure: nx.DiGraph[NodeId] = nx.DiGraph()
        self._nodes: dict[NodeId, tuple[NodeFact, ...]] = self._structure._node  # noqa: SLF001 -- a call an edge would double the cost
        self._after: _Ends = self._structure._succ  # noqa: SLF001 -- as above
        self._before: _Ends = self._structure._pred  # noqa: SLF001 -- as above
        self._images: set[NodeId] = set()
        self._claims: dict[Digest, set[NodeId]] = {}
        self._stale = False
        self._aliases: dict[NodeId, NodeId] = {}
        self._moved: dict[NodeId, list[NodeId]] = {}
        self._kinds: tuple[int, dict[str, list[NodeId]], set[Kind]] = (-1, {}, set())
        self._derived: dict[_EdgeKey, EdgeFact] = {}
        self.version = 0
        self.changes: list[Change] | None = None
        """What was merged since the edges were derived; None when that was never or very much."""

    # -- merging -------------------------------------------------------------------------

    def merge(self, facts: Iterable[Fact]) -> int:
        """Merge `facts`; return how many of them changed anything."""
        changed = 0
        after, before = self._after, self._before
        with paused_collector():
            for fact in facts:
                if isinstance(fact, NodeFact):
                    changed += self._merge_node(fact)
                    continue
                row = after.get(fact.start)
                if self.changes is not None or (
                    row is None or fact.end in row or fact.end not in before
                ):
                    changed += self._merge_edge(fact)
                else:
                    # What `_merge_edge` does with most of hundreds of thousands of edges.
                    row[fact.end] = before[fact.end][fact.start] = (fact,)
                    changed += 1
        if changed:
            self.version += 1
        return changed

    def _merge_node(self, fact: NodeFact) -> bool:
        node = fact.id
        views = self._nodes.get(node)
        if views is None:
            self._add(node)
        if not views:
            views = ()
            kept: tuple[NodeFact, ...] = (fact,)
        else:
            kept = _kept(views, fact)
            if kept is views:
                return False
            said = {alias for view in kept for alias in view.same}
            self._unclaim(node, {alias for view in views for alias in view.same} - said)
        self._nodes[node] = kept
        if self.changes is not None:
            self._note(Change(views, kept))
        if fact.same:
            self._claim(node, fact.same)
        if node[:6] == "image:":
            self._stale = True
        elif node[:6] == "index:":
            self._claim(node, (Digest(ids.content_of(node)),))
        return True

    def _add(self, node: NodeId) -> None:
        """Hold a node of which nothing is known yet."""
        self._nodes[node] = ()
        self._after[node], self._before[node] = {}, {}
        if node[:6] == "image:":
            self._images.add(node)
            self._stale = True

    def _claim(self, node: NodeId, aliases: Iterable[Digest]) -> None:
        """Note which digests name this node; what they named before may have to move."""
        for alias in aliases:
            self._claims.setdefault(alias, set()).add(node)
        self._stale = True

    def _unclaim(self, node: NodeId, aliases: set[Digest]) -> None:
        """Forget digests that no surviving fact says are `node`."""
        for alias in aliases:
            self._claims[alias].discard(node)
            if not self._claims[alias]:
                del self._claims[alias]
            self._stale = True

    def _merge_edge(self, fact: EdgeFact) -> bool:
        start, end = fact.start, fact.end
        after = self._after.get(start)
        if after is None:
            self._add(start)
            after = self._after[start]
        facts = after.get(end)
        if facts is None:
            if end not in self._before:
                self._add(end)
            kept: tuple[EdgeFact, ...] = (fact,)
        else:
            kept = _kept(facts, fact)
            if kept is facts:
                return False
        after[end] = self._before[end][start] = kept
        if self.changes is not None:
            self._note(Change(facts or (), kept))
        return True

    def _note(self, change: Change) -> None:
        if self.changes is not None:
            self.changes.append(change)
            if len(self.changes) > _MAX_CHANGES:
                self.changes = None

    def set_derived(self, facts: Iterable[EdgeFact]) -> None:
        """Replace every derived edge, those the joins computed, by `facts`."""
        derived = {(fact.start, fact.end, fact.kind): fact for fact in facts}
        old = self._derived
        gone = [fact for key, fact in old.items() if derived.get(key) != fact]
        new = [fact for key, fact in derived.items() if old.get(key) != fact]
        self._derived = derived
        self.changes = None
        with paused_collector():
            for fact in gone:
                self._drop_edge(fact)
            for fact in new:
                self._merge_edge(fact)
            self._drop_unmentioned({end for fact in gone for end in (fact.start, fact.end)})
        self.changes = []
        if gone or new:
            self.version += 1

    def _drop_edge(self, fact: EdgeFact) -> None:
        start, end = fact.start, fact.end
        kept = tuple(other for other in self._after[start][end] if other != fact)
        if kept:
            self._after[start][end] = self._before[end][start] = kept
        else:
            self._structure.remove_edge(start, end)

    def _drop_unmentioned(self, nodes: set[NodeId]) -> None:
        """Remove those of `nodes` that no fact describes and no edge mentions any more."""
        for node in nodes:
            if not self._nodes[node] and not self._structure.degree(node):
                self._structure.remove_node(node)
                if node in self._images:
                    self._images.remove(node)
                    self._stale = True

    # -- one node, one name --------------------------------------------------------------

    def canonical(self, node: NodeId) -> NodeId:
        """Return the id under which the graph keeps `node`: itself, or the image a digest names.

        A digest claimed by several different nodes names none of them.
        """
        if self._stale:
            self._settle()
        if node in self._nodes:
            return self._aliases.get(node, node)
        return self._named(node)

    def _named(self, node: NodeId) -> NodeId:
        """Return what `node` names, by the claims of all facts alone."""
        seen = [node]
        # What is no image goes by its own id: a chain of names ends there.
        while node.startswith("image:"):
            claimants = self._claims.get(Digest(ids.content_of(node)))
            if not claimants or len(claimants) > 1:
                return node
            (target,) = claimants
            if target.startswith("index:"):
                return node if self._nodes.get(node) else target
            if target in seen:
                return min(seen[seen.index(target) :])
            seen.append(target)
            node = target
        return node

    def _settle(self) -> None:
        """Find out again which images go by another id."""
        self._stale = False
        self._aliases, self._moved = {}, {}
        if not self._claims:
            return
        for image in self._images:
            target = self._named(image)
            if target != image:
                self._aliases[image] = target
                self._moved.setdefault(target, []).append(image)

    # -- reading -------------------------------------------------------------------------

    def __len__(self) -> int:
        """Return the number of nodes, those only mentioned included."""
        if self._stale:
            self._settle()
        return len(self._nodes) - len(self._aliases)

    def __contains__(self, node: NodeId) -> bool:
        """Tell whether the graph holds `node`, under this or another name."""
        return self.canonical(node) in self._nodes

    def ids(self) -> Iterator[NodeId]:
        """Yield every node id, in no order."""
        if self._stale:
            self._settle()
        if not self._aliases:
            return iter(self._nodes)
        return (node for node in self._nodes if node not in self._aliases)

    def of_kind(self, kind: Kind) -> list[NodeId]:
        """Return the ids of one kind, sorted."""
        found = self._by_kind(kind)
        if kind not in self._kinds[2]:
            found.sort()
            self._kinds[2].add(kind)
        return found

    def _by_kind(self, kind: Kind) -> list[NodeId]:
        if self._kinds[0] != self.version:
            by_prefix: dict[str, list[NodeId]] = {}
            for node in self.ids():
                prefix = node[: node.index(":")]
                if prefix in by_prefix:
                    by_prefix[prefix].append(node)
                else:
                    by_prefix[prefix] = [node]
            self._kinds = (self.version, by_prefix, set())
        return self._kinds[1].get(ids.prefix_of(kind), [])

    def described(self, kind: Kind) -> Iterator[tuple[NodeId, Mapping[str, Any]]]:
        """Yield the ids of one kind that a source described with their attributes, in no order."""
        nodes, moved = self._nodes, self._moved
        for node in self._by_kind(kind):
            views = self.facts_of(node) if node in moved else nodes[node]
            if views:
                yield node, views[0].attrs if len(views) == 1 else _joined(views)

    def knows(self, node: NodeId) -> bool:
        """Tell whether a source described `node`, rather than only mentioned it."""
        return bool(self.facts_of(node))

    def facts_of(self, node: NodeId) -> tuple[NodeFact, ...]:
        """Return what each source said about a node, under all its names, oldest first."""
        node = self.canonical(node)
        views = self._nodes.get(node, ())
        if node not in self._moved:
            return views
        for other in self._moved[node]:
            views += self._nodes[other]
        return tuple(sorted(views, key=_order))

    def attrs(self, node: NodeId) -> Mapping[str, Any]:
        """Return the joined attributes of a node; the latest word on each key counts."""
        views = self.facts_of(node)
        return views[0].attrs if len(views) == 1 else _joined(views)

    def node(self, node: NodeId) -> Node:
        """Return a node. Raises `KeyError` when the graph does not hold it."""
        node = self.canonical(node)
        if node not in self._nodes:
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
        edges: list[Edge] = []
        for other, facts in self._row(node, self._after):
            _add_edges(edges, node, other, facts, kinds)
        edges.sort(key=_edge_order)
        return edges

    def edges_to(self, node: NodeId, kinds: frozenset[EdgeKind] | None = None) -> list[Edge]:
        """Return the edges from what came of `node` or rests on it. Only of `kinds`, if given."""
        node = self.canonical(node)
        edges: list[Edge] = []
        for other, facts in self._row(node, self._before):
            _add_edges(edges, other, node, facts, kinds)
        edges.sort(key=_edge_order)
        return edges

    def neighbours(self, node: NodeId, *, out: bool) -> Iterator[tuple[NodeId, Iterable[EdgeKind]]]:
        """Yield the nodes one edge away with the kinds of the edges, unsorted and fast."""
        node = self.canonical(node)
        for other, facts in self._row(node, self._after if out else self._before):
            yield other, (facts[0].kind,) if len(facts) == 1 else {fact.kind for fact in facts}

    def _row(self, node: NodeId, table: _Ends) -> Iterable[tuple[NodeId, tuple[EdgeFact, ...]]]:
        """Return the other nodes with the facts between them and `node`, itself left out."""
        row = table.get(node, {})
        if not self._aliases:
            return row.items() if node not in row else _others(node, row)
        return self._joined_row(node, table).items()

    def _joined_row(self, node: NodeId, table: _Ends) -> dict[NodeId, tuple[EdgeFact, ...]]:
        """Return what stands in the rows of all names of a node, under the ids others go by."""
        joined: dict[NodeId, tuple[EdgeFact, ...]] = {}
        several: set[NodeId] = set()
        for name in (node, *self._moved.get(node, ())):
            for other, facts in table.get(name, {}).items():
                end = self._aliases.get(other, other)
                if end in joined:
                    several.add(end)
                    joined[end] += facts
                elif end != node:
                    joined[end] = facts
        for end in several:
            joined[end] = tuple(sorted(joined[end], key=_order))
        return joined

    def vanished(self, source: Safe, since: float) -> list[Fact]:
        """Return what a whole new reading of `source`, begun at `since`, no longer found.

        The facts say that those nodes and edges are gone; merge them to mark them so.
        """
        nodes: Iterator[Fact] = (fact for views in self._nodes.values() for fact in views)
        edges: Iterator[Fact] = (
            f for row in self._after.values() for facts in row.values() for f in facts
        )
        return [
            msgspec.structs.replace(fact, present=False, seen=since)
            for fact in chain(nodes, edges)
            if fact.source == source and fact.present and fact.seen < since
        ]

    def facts(self) -> Iterator[Fact]:
        """Yield the facts that make the graph, derived edges left out."""
        for node in sorted(self._nodes):
            yield from self._nodes[node]
        derived = self._derived
        for start in sorted(self._after):
            row = self._after[start]
            for end in sorted(row):
                for fact in sorted(row[end], key=_kind_of):
                    if derived.get((start, end, fact.kind)) != fact:
                        yield fact


def _others(
    node: NodeId, row: Mapping[NodeId, tuple[EdgeFact, ...]]
) -> Iterator[tuple[NodeId, tuple[EdgeFact, ...]]]:
    return (item for item in row.items() if item[0] != node)


def _joined(views: Iterable[NodeFact]) -> dict[str, Any]:
    joined: dict[str, Any] = {}
    for view in views:
        joined.update(view.attrs)
    return joined


def _add_edges(
    edges: list[Edge],
    start: NodeId,
    end: NodeId,
    facts: tuple[EdgeFact, ...],
    kinds: frozenset[EdgeKind] | None,
) -> None:
    """Merge the facts between two nodes into one edge of each kind."""
    if len(facts) == 1:
        (only,) = facts
        if kinds is None or only.kind in kinds:
            gone = not only.present
            edges.append(
                Edge(start, end, only.kind, only.level, only.why, only.position, facts, gone)
            )
        return
    by_kind: dict[EdgeKind, list[EdgeFact]] = {}
    for fact in facts:
        if kinds is None or fact.kind in kinds:
            by_kind.setdefault(fact.kind, []).append(fact)
    edges += [_best(start, end, kind, alike) for kind, alike in by_kind.items()]


def _best(start: NodeId, end: NodeId, kind: EdgeKind, facts: list[EdgeFact]) -> Edge:
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


def _kept(views: tuple[_Said, ...], fact: _Said) -> tuple[_Said, ...]:
    """Return the latest fact of each source and kind, oldest first; `views` itself if unchanged."""
    for at, old in enumerate(views):
        if old.source == fact.source and _kind_of(old) == _kind_of(fact):
            if old == fact or _order(old) >= _order(fact):
                return views
            views = views[:at] + views[at + 1 :]
            break
    kept = [*views]
    kept.append(fact)
    kept.sort(key=_order)
    return tuple(kept)


def _kind_of(fact: NodeFact | EdgeFact) -> str:
    """Return what facts between two nodes are told apart by."""
    return fact.kind if isinstance(fact, EdgeFact) else ""


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
