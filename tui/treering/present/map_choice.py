"""What a lineage map shows: which nodes, which groups, and the lines between them.

Owns the choice. What came of the selected thing and what it came from are followed to the end,
breadth first up to a limit; of what else rests on the latter, one step, so that a map answers
"and what else is on that base?". Many of a kind in one relation become one group, versions far
from the middle too, and the layers of an image always. Never walks the whole graph. Pure.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from treering.core import ids
from treering.core.facts import EdgeKind
from treering.core.graph import Edge, Graph
from treering.core.ids import Kind, NodeId
from treering.core.lineage import CHAINS, FORWARD

FEW = 6
"""More siblings than this, of one kind and in one relation, become a group."""

NEAR = 3
"""So many versions before and after are rows of their own."""

_RUNNERS = ("deployment:", "container:", "revision:", "workload:")
_OWNERS = ("host:", "workload:")
"""The two ends of `FORWARD` edges; nothing else need be asked for them."""

_LAYERS = frozenset({EdgeKind.CONTAINS})
_BASES = frozenset({EdgeKind.BASED_ON})
_PAST = frozenset(EdgeKind) - FORWARD
_THINGS = _PAST - _LAYERS
_NAMED = frozenset({EdgeKind.POINTS_AT})
_BESIDE = _PAST - _LAYERS - {EdgeKind.ATTESTS}
"""How what else rests on something is tied to it; layers only say how many images hold them."""
_CARRIES = frozenset({EdgeKind.POINTS_AT, EdgeKind.ON, EdgeKind.OF})
"""Names, hosts and workloads: what makes a thing beside the line worth its row."""

SHOWN = 100
"""So many members of an open group are rows: a map is drawn at once, whatever is opened."""

_MANY = 4000
"""More neighbours than this are taken by their ids alone: merging their evidence takes long."""


@dataclass(frozen=True, slots=True)
class Group:
    """Many of a kind in one relation to `anchor`; `above` tells whether they came of it.

    `members` are nearest first; of the layers of an image those its base does not hold. `far`
    marks versions beyond the near ones.
    """

    key: str
    anchor: NodeId
    relation: EdgeKind
    kind: Kind
    above: bool
    members: tuple[NodeId, ...]
    open: bool
    far: bool = False
    via: Edge | None = None


@dataclass(slots=True)
class Choice:
    """The rows of a map without their order.

    `nodes` holds each node with the edge that tied it to the map first, `groups` each group by
    its key. `links` lead from a row to those it came from, by node id or group key; the nearest
    come first. `came` are the nodes that came of the center.
    """

    center: NodeId
    nodes: dict[NodeId, Edge | None] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    links: dict[str, dict[str, EdgeKind]] = field(default_factory=dict)
    came: set[str] = field(default_factory=set)
    hidden: int = 0


@dataclass(frozen=True, slots=True)
class _Step:
    """A node on a walk: how far from the center, and how far into which chain of versions."""

    node: NodeId
    distance: int
    chain: int = 0
    entry: NodeId | None = None


@dataclass(frozen=True, slots=True)
class _Bundle:
    """The neighbours of a node that are of one kind and in one relation to it."""

    relation: EdgeKind
    kind: Kind
    others: tuple[tuple[NodeId, Edge | None], ...]


def choose(
    graph: Graph, node: NodeId, open_groups: frozenset[str], limit: int, depth: int | None
) -> Choice:
    """Return what the map of `node` shows. Raises `KeyError` when the graph does not hold it."""
    center = graph.canonical(node)
    if center not in graph:
        raise KeyError(center)
    chooser = _Chooser(graph, center, open_groups, max(1, limit), depth)
    return chooser.run()


class _Chooser:
    """One choice being made."""

    def __init__(
        self, graph: Graph, center: NodeId, opened: frozenset[str], limit: int, depth: int | None
    ) -> None:
        self._graph = graph
        self._opened = opened
        self._limit = limit
        self._depth = depth
        self._choice = Choice(center)
        self._folded: dict[NodeId, str] = {}
        self._refused: set[NodeId] = set()
        self._hubs: dict[tuple[NodeId, NodeId], str] = {}
        """Pairs of nodes, upper and lower, whose line runs through the row of an open group."""

    def run(self) -> Choice:
        choice = self._choice
        choice.nodes[choice.center] = None
        past = self._walk([_Step(choice.center, 0)], up=True)
        roots = [_Step(choice.center, 0), *(_Step(name, 1) for name in self._named())]
        coming = self._walk(roots, up=False)
        choice.came |= {step.node for step in coming}
        choice.came |= {group.key for group in choice.groups.values() if group.above}
        self._look_beside(past)
        self._link()
        choice.hidden = len(self._refused)
        return choice

    def _named(self) -> list[NodeId]:
        """Return what the center names, if it is a name: what came of that came of the name."""
        named: list[NodeId] = []
        at = self._choice.center
        while at.startswith(("tag:", "ref:")) and at not in named[:-1]:
            ends = [e.end for e in self._graph.edges_from(at, _NAMED) if not e.gone]
            ends = [end for end in ends if end in self._choice.nodes and end not in named]
            if not ends:
                break
            named += ends
            at = ends[0]
        return named

    # -- walking -------------------------------------------------------------------------

    def _walk(self, roots: list[_Step], *, up: bool) -> list[_Step]:
        """Follow every edge one way from `roots`; return the steps to what was found."""
        queue = deque(roots)
        found: list[_Step] = []
        while queue:
            step = queue.popleft()
            for bundle in self._bundles(step.node, up=up):
                for following in self._admit(step, bundle, up=up):
                    queue.append(following)
                    found.append(following)
        return found

    def _look_beside(self, past: list[_Step]) -> None:
        """Add what else rests on the past of the center, with its names and where it runs."""
        for step in past:
            queue = deque([(step, _BESIDE)])
            while queue:
                at, kinds = queue.popleft()
                for bundle in self._bundles(at.node, up=False):
                    if bundle.relation in kinds or bundle.relation in FORWARD:
                        beside = self._admit(at, bundle, up=False, chains=False)
                        queue.extend((other, _CARRIES) for other in beside)

    def _bundles(self, node: NodeId, *, up: bool) -> list[_Bundle]:
        """Return the neighbours of a node on one side by relation and kind, the layers last."""
        bundles: dict[tuple[EdgeKind, str], list[tuple[NodeId, Edge | None]]] = {}
        for other, relation, edge in self._neighbours(node, up=up):
            # Only the prefix here: there may be ten thousand.
            bundles.setdefault((relation, other.partition(":")[0]), []).append((other, edge))
        order = sorted(bundles, key=lambda key: (key[0] in _LAYERS, key))
        return [
            _Bundle(key[0], ids.kind_of(bundles[key][0][0]), tuple(bundles[key])) for key in order
        ]

    def _neighbours(
        self, node: NodeId, *, up: bool
    ) -> Iterator[tuple[NodeId, EdgeKind, Edge | None]]:
        graph = self._graph
        if not up and self._is_crowded(node):
            near = sorted((other, min(kinds)) for other, kinds in graph.neighbours(node, out=False))
            yield from ((other, kind, None) for other, kind in near if kind not in FORWARD)
            return
        ahead = graph.edges_from(node, _PAST) if up else self._consumers(node)
        back = self._parts(node) if up else graph.edges_to(node, _PAST)
        for edge in ahead:
            if _counts(edge):
                yield edge.end, edge.kind, edge
        for edge in back:
            if _counts(edge):
                yield edge.start, edge.kind, edge

    def _consumers(self, node: NodeId) -> list[Edge]:
        """Return the edges to the host or workload that something runs for."""
        return self._graph.edges_from(node, FORWARD) if node.startswith(_RUNNERS) else []

    def _parts(self, node: NodeId) -> list[Edge]:
        """Return the edges from what runs for a host or workload."""
        return self._graph.edges_to(node, FORWARD) if node.startswith(_OWNERS) else []

    def _is_crowded(self, node: NodeId) -> bool:
        near = self._graph.neighbours(node, out=False)
        return sum(1 for _ in zip(range(_MANY + 1), near, strict=False)) > _MANY

    # -- admitting -----------------------------------------------------------------------

    def _admit(self, step: _Step, bundle: _Bundle, *, up: bool, chains: bool = True) -> list[_Step]:
        """Put a bundle on the map as rows or as a group; return where to walk on."""
        if bundle.relation in _LAYERS and up:
            self._admit_layers(step.node, bundle)
            return []
        others = [(o, e) for o, e in bundle.others if o not in self._choice.nodes]
        others = [(o, e) for o, e in others if o not in self._folded]
        if bundle.relation in _LAYERS:
            others = self._without_derived(others)
        if not others:
            return []
        if self._depth is not None and step.distance >= self._depth:
            self._refused.update(other for other, _ in others)
            return []
        chain, entry = 0, step.node
        if bundle.relation in CHAINS and chains:
            chain, entry = step.chain + 1, step.entry or step.node
            if chain > NEAR:
                far = self._beyond(others, bundle.relation, up=up)
                return self._admit_far(step, entry, bundle, far, up=up)
        # A name that moved away is a row or nothing: it is none of those that point here.
        live = [(other, edge) for other, edge in others if edge is None or not edge.gone]
        if len(live) > FEW:
            side = "below" if up else "above"
            key = f"group:{bundle.relation}:{bundle.kind}:{side}:{step.node}"
            return self._admit_group(step, replace(bundle, others=tuple(live)), key, up=up)
        placed = self._place(others)
        return [_Step(other, step.distance + 1, chain, entry) for other in placed]

    def _place(self, others: Iterable[tuple[NodeId, Edge | None]]) -> list[NodeId]:
        """Give nodes rows of their own, as many as the limit allows."""
        nodes = self._choice.nodes
        placed = []
        for other, edge in others:
            if other in nodes:
                continue
            if len(nodes) >= self._limit:
                self._refused.add(other)
                continue
            nodes[other] = edge
            placed.append(other)
        return placed

    def _admit_group(
        self,
        step: _Step,
        bundle: _Bundle,
        key: str,
        *,
        up: bool,
        far: bool = False,
    ) -> list[_Step]:
        """Put a group on the map, and its members if it is open."""
        group = Group(
            key=key,
            anchor=step.node,
            relation=bundle.relation,
            kind=bundle.kind,
            above=not up,
            members=tuple(other for other, _ in bundle.others),
            open=key in self._opened,
            far=far,
            via=bundle.others[0][1],
        )
        self._choice.groups[key] = group
        self._tie(step.node, key, bundle.relation, up=up)
        if not group.open:
            self._folded.update(dict.fromkeys(group.members, key))
            return []
        for other in group.members:
            self._hubs[(step.node, other) if up else (other, step.node)] = key
        self._refused.update(group.members[SHOWN:])
        return [_Step(other, step.distance + 1) for other in self._place(bundle.others[:SHOWN])]

    def _beyond(
        self, others: list[tuple[NodeId, Edge | None]], relation: EdgeKind, *, up: bool
    ) -> list[tuple[NodeId, Edge | None]]:
        """Return `others` and the versions beyond them, nearest first."""
        found = dict(others)
        queue = deque(found)
        kinds = frozenset({relation})
        while queue and len(found) <= self._limit:
            at = queue.popleft()
            edges = self._graph.edges_from(at, kinds) if up else self._graph.edges_to(at, kinds)
            for edge in edges:
                other = edge.end if up else edge.start
                known = other in found or other in self._folded or other in self._choice.nodes
                if not known and not edge.gone:
                    found[other] = edge
                    queue.append(other)
        return list(found.items())

    def _admit_far(
        self,
        step: _Step,
        entry: NodeId,
        bundle: _Bundle,
        far: list[tuple[NodeId, Edge | None]],
        *,
        up: bool,
    ) -> list[_Step]:
        """Fold the versions beyond the near ones into one group; a single one is a row."""
        if len(far) == 1:
            return [_Step(o, step.distance + 1, NEAR, entry) for o in self._place(far)]
        key = f"group:{bundle.relation}:{'older' if up else 'newer'}:{entry}"
        if key in self._choice.groups:
            key = f"{key}:{step.node}"
        return self._admit_group(step, replace(bundle, others=tuple(far)), key, up=up, far=True)

    # -- layers --------------------------------------------------------------------------

    def _admit_layers(self, image: NodeId, bundle: _Bundle) -> None:
        """Put the layers of an image on the map, those of its base left out."""
        bases = self._bases_of(image) & self._choice.nodes.keys()
        below = {layer for base in bases for layer in self._layers_of(base)}
        own = [(other, edge) for other, edge in reversed(bundle.others) if other not in below]
        if not own:
            return
        group = Group(
            key=f"group:layers:{image}",
            anchor=image,
            relation=EdgeKind.CONTAINS,
            kind=Kind.LAYER,
            above=False,
            members=tuple(other for other, _ in own),
            open=f"group:layers:{image}" in self._opened,
            via=own[0][1],
        )
        self._choice.groups[group.key] = group
        self._tie(image, group.key, EdgeKind.CONTAINS, up=True)
        if group.open:
            self._stack(group.key, own[:SHOWN])
            self._refused.update(group.members[SHOWN:])

    def _stack(self, above: str, layers: list[tuple[NodeId, Edge | None]]) -> None:
        """Draw layers as they lie on each other, the uppermost first."""
        self._place(layers)
        for layer, _ in layers:
            if layer in self._choice.nodes:
                self._tie(above, layer, EdgeKind.CONTAINS, up=True)
                above = layer

    def _layers_of(self, image: NodeId) -> list[NodeId]:
        return [edge.end for edge in self._graph.edges_from(image, _LAYERS) if not edge.gone]

    def _bases_of(self, image: NodeId) -> set[NodeId]:
        return {edge.end for edge in self._graph.edges_from(image, _BASES) if not edge.gone}

    def _without_derived(
        self, images: list[tuple[NodeId, Edge | None]]
    ) -> list[tuple[NodeId, Edge | None]]:
        """Leave out images whose base is among `images`: they hold a layer through it."""
        if len(images) > _MANY:
            return images
        # Asked of the base: it has few others above it, while each image has many layers below.
        derived: set[NodeId] = set()
        for image, _ in images:
            near = self._graph.neighbours(image, out=False)
            if any(EdgeKind.BASED_ON in kinds for _, kinds in near):
                edges = self._graph.edges_to(image, _BASES)
                derived.update(edge.start for edge in edges if not edge.gone)
        return [(image, edge) for image, edge in images if image not in derived] or images

    # -- lines ---------------------------------------------------------------------------

    def _tie(self, node: str, other: str, relation: EdgeKind, *, up: bool) -> None:
        upper, lower = (node, other) if up else (other, node)
        self._choice.links.setdefault(upper, {})[lower] = relation

    def _link(self) -> None:
        """Add the line of every edge between two nodes that have rows."""
        nodes = self._choice.nodes
        for node in nodes:
            if node.startswith("layer:"):
                self._link_holders(node)
                continue
            for edge in self._graph.edges_from(node, _THINGS):
                if edge.end in nodes and _counts(edge):
                    self._link_pair(node, edge.end, edge.kind)
                elif edge.end in self._folded and not edge.gone:
                    self._link_group(node, edge)
            for edge in self._parts(node):
                if edge.start in nodes and _counts(edge):
                    self._link_pair(node, edge.start, edge.kind)

    def _link_group(self, node: NodeId, edge: Edge) -> None:
        """Tie a node to a closed group below that holds what it came from.

        Groups above are tied to their anchor alone, so that no closed group closes a circle.
        """
        group = self._choice.groups[self._folded[edge.end]]
        if not group.above and edge.end != node:
            self._tie(node, group.key, edge.kind, up=True)

    def _link_pair(self, upper: NodeId, lower: NodeId, relation: EdgeKind) -> None:
        hub = self._hubs.get((upper, lower))
        if hub is None:
            self._tie(upper, lower, relation, up=True)
        else:
            self._tie(upper, hub, relation, up=True)
            self._tie(hub, lower, relation, up=True)

    def _link_holders(self, layer: NodeId) -> None:
        """Tie the center, if it is a layer, to the images that hold it not through a base."""
        if layer != self._choice.center:
            return
        images = [node for node in self._choice.nodes if node.startswith("image:")]
        holders = {image for image in images if layer in self._layers_of(image)}
        for image in sorted(holders):
            if not self._bases_of(image) & holders:
                self._link_pair(image, layer, EdgeKind.CONTAINS)


def _counts(edge: Edge) -> bool:
    """Tell whether an edge is shown: one that is gone only where a name pointed before."""
    return edge.start != edge.end and (not edge.gone or edge.kind is EdgeKind.POINTS_AT)
