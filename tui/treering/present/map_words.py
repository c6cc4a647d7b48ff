"""What stands beside the lanes of a map: names, states, groups in one sentence, evidence.

Owns the words. The most telling come first, so that a narrow pane loses evidence before names;
every state is a word, whatever its colour.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from treering.core import ids
from treering.core.facts import EdgeKind, Level
from treering.core.graph import Edge, Graph, Node
from treering.core.ids import Kind, NodeId
from treering.core.lineage import INVERSE
from treering.core.text import safe
from treering.present.lines import Span, span
from treering.present.map_choice import SHOWN, Group
from treering.present.places.items import style_of

FLAGS = ("booted", "staged", "pending", "rollback", "pinned", "unlocked")
"""The states of a deployment; several hold at once."""

_NO = (None, False, "", "none", 0)
_BAD = frozenset({"damaged", "deleted", "gone", "unlocked", "dead"})
_RUNNING = frozenset({"booted", "running"})
_LEVELS = {
    Level.EXACT: "good",
    Level.ATTESTED: "good",
    Level.DECLARED: "warn",
    Level.INFERRED: "bad",
}
_KINDS = {Kind.SOURCE: "git"}
_KIND_CELLS = 6
_NOUNS = {Kind.SOURCE: "git commit", Kind.ACI: "ACI", Kind.LXC: "LXC container"}
_VERBS = {
    EdgeKind.CONTAINS: "hold it",
    EdgeKind.LISTS: "list it",
    EdgeKind.BASED_ON: "are based on it",
    EdgeKind.POINTS_AT: "name it",
    EdgeKind.BUILT_FROM: "were built from it",
    EdgeKind.BUILT_BY: "were built by it",
    EdgeKind.PARENT: "follow it",
    EdgeKind.LAYERED_ON: "are layered on it",
    EdgeKind.IMPORTED_FROM: "were imported from it",
    EdgeKind.ENCAPSULATES: "hold it",
    EdgeKind.SAME_TREE: "have the same tree",
    EdgeKind.RUNS: "run it",
    EdgeKind.SUPERSEDES: "superseded it",
    EdgeKind.PROMOTED_FROM: "were promoted from it",
    EdgeKind.ATTESTS: "attest it",
    EdgeKind.SERVES: "serve it",
    EdgeKind.DEPENDS_ON: "need it",
    EdgeKind.CLONE_OF: "are clones of it",
}
_MANY = 1000
"""Of more members than this only the number is told."""
_FEW_ENOUGH = 100
"""Of more members than this no examples are named: they would say little, and take long."""
_NAMED_ODD = 2
_SAMPLES = 3
_DIGEST = 12


@dataclass(slots=True)
class Words:
    """The words of one map; a node is looked at once."""

    graph: Graph
    sources: set[str] = field(default_factory=set)
    """The names of the sources among which tags are compared."""
    _nodes: dict[NodeId, Node] = field(default_factory=dict)
    _differs: dict[NodeId, str] = field(default_factory=dict)
    _states: dict[NodeId, tuple[str, ...]] = field(default_factory=dict)

    def node(self, node: NodeId) -> Node:
        """Return a node of the graph."""
        found = self._nodes.get(node)
        if found is None:
            found = self._nodes[node] = self.graph.node(node)
        return found

    def name(self, node: NodeId) -> str:
        """Return what people call a node; a digest only where it has no other name."""
        found = self.node(node)
        if found.kind in {Kind.TAG, Kind.REF}:
            return ids.short(_plain(_place(node)[1]))
        name = ids.short(found.label.removeprefix("sha256:"))
        if found.kind is Kind.ATTESTATION:
            return name.partition(" of ")[0]
        if found.kind is Kind.IMAGE and name == self._digest(node):
            return f"{self._listed_as(node) or name} {found.platform}".rstrip()
        return name.removeprefix(f"{found.kind.value} ")

    def _listed_as(self, image: NodeId) -> str:
        """Return the name of the list that holds an image which has none of its own."""
        edges = self.graph.edges_to(image, frozenset({EdgeKind.LISTS}))
        names = (self.name(edge.start) for edge in edges if not edge.gone)
        return next((name for name in names if not _HEX.fullmatch(name)), "")

    @staticmethod
    def _digest(node: NodeId) -> str:
        return ids.short(ids.content_of(node)).removeprefix("sha256:")[:_DIGEST]

    def states(self, node: NodeId) -> tuple[str, ...]:
        """Return the words for the state of a node."""
        found = self._states.get(node)
        if found is None:
            found = self._states[node] = self._look(node)
        return found

    def _look(self, node: NodeId) -> tuple[str, ...]:
        facts = self.graph.facts_of(node)
        if len(facts) == 1 and facts[0].present:
            # Most nodes: one source knows them, and they need no thorough look.
            attrs = facts[0].attrs
            if not (attrs.get("damaged") or attrs.get("tombstone")):
                return _states(ids.kind_of(node), attrs, ())
        found = self.node(node)
        return _states(found.kind, found.attrs, found.conditions)

    def glyph(self, node: NodeId) -> tuple[str, str]:
        """Return the glyph of a node that is not the center, and its style; "" is its lane's."""
        states = self.states(node)
        if _BAD.intersection(states):
            return "!", "bad"
        if self._elsewhere(node):
            return "!", "warn"
        if _RUNNING.intersection(states):
            return "@", "good"
        return _SHAPES.get(self.node(node).kind, "○"), ""

    def spans(self, node: NodeId, via: Edge | None, style: str) -> list[Span]:
        """Return a row from its kind to its evidence; `style` is that of the name."""
        found = self.node(node)
        name = self.name(node)
        spans = [_kind(found.kind), span(name, style)]
        digest = self._digest(node)
        if found.kind not in _NAMES and digest[:7] not in name and _HEX.match(digest):
            spans.append(span(f" {digest}", "dim"))
        spans += [span(f" {word}", style_of(word)) for word in self.states(node)]
        source = _place(node)[0] if found.kind in {Kind.TAG, Kind.REF} else ""
        elsewhere = self._elsewhere(node)
        if elsewhere:
            spans.append(span(" differs", "warn"))
        if source:
            spans.append(span(f" in {source}", "dim"))
        if elsewhere:
            spans.append(span(f": {elsewhere}", "dim"))
        if via is not None:
            spans += evidence(node, via)
        return spans

    def _elsewhere(self, tag: NodeId) -> str:
        """Say where the same tag of another source points, if at something else."""
        if not tag.startswith("tag:"):
            return ""
        if tag not in self._differs:
            self._differs[tag] = self._compare(tag)
        return self._differs[tag]

    def _compare(self, tag: NodeId) -> str:
        here = self._named(tag)
        source, rest = _place(tag)
        for other in sorted(self.sources - {source}):
            twin = NodeId(f"tag:{other}/{rest}")
            there = self._named(twin) if source and twin in self.graph else here
            if there != here:
                return f"{other} has {self.name(min(there)) if there else 'nothing'}"
        return ""

    def _named(self, tag: NodeId) -> set[NodeId]:
        edges = self.graph.edges_from(tag, frozenset({EdgeKind.POINTS_AT}))
        return {edge.end for edge in edges if not edge.gone}

    # -- layers --------------------------------------------------------------------------

    def layer(self, layer: NodeId, via: Edge | None) -> list[Span]:
        """Return a layer: its place in the image, its digest, what made it, who shares it."""
        spans = [_kind(Kind.LAYER)]
        if via is not None and via.position is not None:
            spans.append(span(f"{via.position + 1} ", "dim"))
        spans.append(span(self._digest(layer)))
        spans += [span(f" {word}", style_of(word)) for word in self.states(layer)]
        shared = self.holders(layer) - 1
        if shared > 0:
            spans.append(span(f" shared by {_others(shared)}", "accent"))
        made = via.why.partition(": ")[2] if via is not None else ""
        return [*spans, span(f"  {made}", "dim")] if made else spans

    def holders(self, layer: NodeId) -> int:
        """Return how many images hold a layer."""
        near = self.graph.neighbours(layer, out=False)
        return sum(1 for _, kinds in near if EdgeKind.CONTAINS in kinds)

    def layers(self, group: Group) -> list[Span]:
        """Return the layers of an image as one sentence: how many are its own, who shares them."""
        total = sum(
            1
            for _, kinds in self.graph.neighbours(group.anchor, out=True)
            if EdgeKind.CONTAINS in kinds
        )
        own = len(group.members)
        bases = self.graph.edges_from(group.anchor, frozenset({EdgeKind.BASED_ON}))
        spans = [span(_number(own, "own layer" if own < total else "layer"))]
        shared = [self.holders(layer) - 1 for layer in group.members]
        if min(shared) == max(shared) > 0:
            spans.append(span(f" shared by {_others(shared[0])}", "accent"))
        elif max(shared) > 0:
            several = sum(1 for number in shared if number > 0)
            spans.append(span(f", {several} shared", "accent"))
        if own < total and bases:
            base = self.name(bases[0].end)
            spans.append(span(f"; first {total - own} of {total} are {base}", "dim"))
        return spans

    # -- groups --------------------------------------------------------------------------

    def group(self, group: Group) -> list[Span]:
        """Return a group as one sentence: how many, what they do, what is odd, their states."""
        if group.kind is Kind.LAYER and group.relation is EdgeKind.CONTAINS:
            return self.layers(group)
        if group.far:
            return self._far(group)
        number = len(group.members)
        noun = _NOUNS.get(group.kind, group.kind.value)
        if group.kind is Kind.DEPLOYMENT and number <= _MANY:
            hosts = {host for member in group.members for host in self._hosts(member)}
            number, noun = (len(hosts), "host") if hosts else (number, noun)
        text = _number(number, noun)
        if group.above:
            text += f" {_VERBS.get(group.relation, '')}".rstrip()
        spans = [span(text)]
        if group.open and number > SHOWN:
            spans.append(span(f", {SHOWN} of them here", "dim"))
        details = self._counts(group) or self._samples(group)
        return [*spans, span(": "), *_joined(details)] if details else spans

    def _hosts(self, deployment: NodeId) -> list[NodeId]:
        edges = self.graph.edges_from(deployment, frozenset({EdgeKind.ON}))
        return [edge.end for edge in edges if not edge.gone]

    def _far(self, group: Group) -> list[Span]:
        number = len(group.members)
        last = self.name(group.members[-1])
        way = "newer, up to" if group.above else "older, back to"
        spans = [span(f"{number} {way} "), span(last.partition(" ")[0])]
        names = self._known_among(group.members)
        return [*spans, span(": ", "dim"), *_joined(names)] if names else spans

    def _known_among(self, members: Sequence[NodeId]) -> list[Span]:
        """Return the first things that rest on some of `members` and that people ask for."""
        names: dict[str, None] = {}
        for member in members[:_MANY]:
            for edge in self.graph.edges_to(member, _TELLING):
                if not edge.gone and len(names) <= _SAMPLES:
                    names[self.name(edge.start)] = None
        shown = [span(name) for name in list(names)[:_SAMPLES]]
        return [*shown, span("…", "dim")] if len(names) > _SAMPLES else shown

    def _counts(self, group: Group) -> list[Span]:
        """Return the states of a group's members with their numbers, the odd ones by name."""
        if len(group.members) > _MANY:
            return []
        odd: dict[str, list[NodeId]] = {}
        usual: Counter[str] = Counter()
        for member in group.members:
            for word in self.states(member):
                if word in _BAD:
                    odd.setdefault(word, []).append(member)
                else:
                    usual[word] += 1
        details = []
        for word, nodes in sorted(odd.items()):
            names = [self._host_or_name(node) for node in nodes[:_NAMED_ODD]]
            who = ", ".join(names) if len(nodes) <= _NAMED_ODD else str(len(nodes))
            details.append(span(f"{who} {word}", "bad"))
        order = {flag: place for place, flag in enumerate(FLAGS)}
        words = sorted(usual, key=lambda word: (order.get(word, -1), word))
        return [*details, *(span(f"{usual[word]} {word}", style_of(word)) for word in words)]

    def _host_or_name(self, node: NodeId) -> str:
        hosts = self._hosts(node) if node.startswith("deployment:") else []
        return self.name(hosts[0] if hosts else node)

    def _samples(self, group: Group) -> list[Span]:
        if len(group.members) > _FEW_ENOUGH:
            return []
        names = sorted({self._host_or_name(node) for node in group.members}, key=natural)
        if group.kind is Kind.TAG:
            names = [name.rpartition(":")[2] for name in names]
        more = len(names) > _SAMPLES
        return [span(name, "dim") for name in [*names[:_SAMPLES], *(["…"] if more else [])]]


_SHAPES = {Kind.TAG: "◆", Kind.REF: "◆", Kind.LAYER: "≡"}
_NAMES = frozenset({Kind.TAG, Kind.REF, Kind.HOST, Kind.BUILD, Kind.STAGE})
_TELLING = frozenset({EdgeKind.POINTS_AT, EdgeKind.BUILT_FROM, EdgeKind.ENCAPSULATES})
_HEX = re.compile(r"[0-9a-f]{7,}")


def evidence(node: NodeId, via: Edge) -> list[Span]:
    """Return how a row is tied to the one it hangs on, and how well that is known."""
    lower = via.end == node
    if via.gone and via.kind is EdgeKind.POINTS_AT:
        return [span("  pointed at it before" if lower else "  moved away", "warn")]
    word = via.kind.value if lower else INVERSE[via.kind]
    return [span(f"  {word} · ", "dim"), span(via.level.value, _LEVELS[via.level])]


def _states(kind: Kind, attrs: Mapping[str, Any], conditions: tuple[str, ...]) -> tuple[str, ...]:
    if kind is Kind.DEPLOYMENT:
        return (*conditions, *(flag for flag in FLAGS if attrs.get(flag) not in _NO))
    state = attrs.get("state")
    if kind is Kind.CONTAINER and isinstance(state, str) and state and "gone" not in conditions:
        return (*conditions, safe(state))
    return conditions


def _place(name: NodeId) -> tuple[str, str]:
    """Return the source of a tag or ref and its name there; no source if it has no repository."""
    source, slash, rest = ids.content_of(name).partition("/")
    return (source, rest) if slash else ("", source)


def _plain(ref: str) -> str:
    """Return the image reference that a ref of a container image stands for; others as they are.

    ostree-rs-ext writes every character that a ref cannot hold as its code in hex.
    """
    if not ref.startswith(_IMAGE_REF):
        return ref
    return _ESCAPE.sub(
        lambda found: chr(int(found[1], 16)) if found[1] else "_", ref.removeprefix(_IMAGE_REF)
    )


_IMAGE_REF = "ostree/container/image/"
_ESCAPE = re.compile(r"_(?:([0-9A-F]{1,4})_|_)")


def _kind(kind: Kind) -> Span:
    word = _KINDS.get(kind, kind.value)
    return span(f"{word:<{_KIND_CELLS}} ", "kind")


def _number(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _others(number: int) -> str:
    return _number(number, "other image")


def _joined(details: Sequence[Span]) -> list[Span]:
    spans: list[Span] = []
    for detail in details:
        spans += [span(", ", "dim"), detail]
    return spans[1:]


def natural(text: str) -> list[tuple[int, int, str]]:
    """Return a sort key in which 1.9 comes before 1.10."""
    return [
        (1, int(part), "") if part.isdecimal() and part.isascii() else (0, 0, part)
        for part in _DIGITS.split(text)
    ]


_DIGITS = re.compile(r"([0-9]{1,18})")
