"""Base images: which image another was built on.

Owns the proof by layers. The base of an image is the known image with the longest list of
layers that the image's own list begins with; a list of diff ids and its chain id stand for each
other, and diff ids do not change when a layer is recompressed. Where several images end at the
same layer, what else is known decides, or all of them are shown. What builders merely declare
(annotations) is a weaker edge of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from treering.core import ids
from treering.core.facts import EdgeFact, EdgeKind, Level
from treering.core.graph import Graph
from treering.core.ids import Digest, Kind, NodeId
from treering.core.joins.evidence import digest_in, edge, layers_of, text_of

BASE_DIGEST = "org.opencontainers.image.base.digest"
BASE_NAME = "org.opencontainers.image.base.name"
MAX_SET = 8
"""How many equal candidates are shown as a set; the sentence tells how many there are."""

_History = tuple[tuple[object, ...], ...]


@dataclass(frozen=True, slots=True)
class Bases:
    """The bases of one image: one, or several that cannot be told apart."""

    image: NodeId
    found: tuple[NodeId, ...]
    shared: int
    layers: int
    total: int
    level: Level
    how: str


@dataclass(slots=True)
class _Rings:
    """A trie of layer lists. Each place holds the images whose list ends there."""

    next: dict[tuple[int, str], int] = field(default_factory=dict)
    ending: dict[int, list[NodeId]] = field(default_factory=dict)
    path: dict[NodeId, tuple[int, ...]] = field(default_factory=dict)

    def add(self, image: NodeId, layers: Sequence[str]) -> None:
        at, path = 0, []
        for diff_id in layers:
            at = self.next.setdefault((at, diff_id), len(self.next) + 1)
            path.append(at)
        self.path[image] = tuple(path)
        self.ending.setdefault(at, []).append(image)


def find(graph: Graph) -> dict[NodeId, Bases]:
    """Return the immediate base, or set of equal bases, of every image that has one."""
    rings = _Rings()
    for image in graph.of_kind(Kind.IMAGE):
        layers = layers_of(graph, image)
        if layers:
            rings.add(image, layers)
    found = {}
    for image in rings.path:
        bases = _same_layers(graph, rings, image) or _fewer_layers(graph, rings, image)
        if bases:
            found[image] = bases
    return found


def edges(found: Mapping[NodeId, Bases]) -> Iterator[EdgeFact]:
    """Yield a ``based-on`` edge for each base found."""
    for bases in found.values():
        share = f"its first {bases.shared} of {bases.layers} layers are all the layers of the base"
        if bases.shared == bases.layers:
            share = f"both have the same {bases.layers} layers"
        if len(bases.found) > 1:
            share += f"; one of {bases.total} images that end there"
        for base in bases.found:
            why = f"{share}; {bases.how}" if bases.how else share
            yield edge(bases.image, EdgeKind.BASED_ON, base, bases.level, why)


def _fewer_layers(graph: Graph, rings: _Rings, image: NodeId) -> Bases | None:
    path = rings.path[image]
    for shared in range(len(path) - 1, 0, -1):
        candidates = rings.ending.get(path[shared - 1])
        if candidates:
            return _choose(graph, image, candidates, shared, len(path))
    return None


def _same_layers(graph: Graph, rings: _Rings, image: NodeId) -> Bases | None:
    """Find the base of an image that adds only configuration.

    Its history tells; where one of the two has none (engines list none, builders may omit it),
    configuration and time of making suggest it.
    """
    path = rings.path[image]
    others = [other for other in rings.ending[path[-1]] if other != image]
    if not others:
        return None
    own = graph.attrs(image)
    history = _history(own)
    earlier: dict[NodeId, int] = {}
    for other in others:
        theirs = _history(graph.attrs(other))
        if theirs and len(theirs) < len(history) and history[: len(theirs)] == theirs:
            earlier[other] = len(theirs)
    how = "its history begins with the base's whole history"
    if not earlier:
        how = "it has the base's configuration and more, or was made later of the same"
        for other in others:
            attrs = graph.attrs(other)
            if not (history and _history(attrs)) and _grown_from(own, attrs):
                earlier[other] = _entries(attrs)
    if not earlier:
        return None
    most = max(earlier.values())
    bases = sorted(other for other, count in earlier.items() if count == most)
    count = len(path)
    return Bases(image, tuple(bases[:MAX_SET]), count, count, len(bases), Level.INFERRED, how)


def _grown_from(own: Mapping[str, Any], base: Mapping[str, Any]) -> bool:
    """Tell whether one image's configuration holds the other's and came later or has more."""
    if not _holds(own, base):
        return False
    if not _holds(base, own):
        return True
    made, before = own.get("created"), base.get("created")
    return isinstance(made, str) and isinstance(before, str) and bool(before) and before < made


def _entries(attrs: Mapping[str, Any]) -> int:
    return len(attrs.get("env") or []) + len(attrs.get("labels") or {})


def _choose(
    graph: Graph, image: NodeId, candidates: Sequence[NodeId], shared: int, layers: int
) -> Bases:
    """Narrow candidates that end at the same layer down to one where the evidence allows."""
    if len(candidates) == 1:
        return Bases(image, tuple(candidates), shared, layers, 1, Level.EXACT, "")
    rules = (
        (Level.DECLARED, f"{BASE_DIGEST} names this one", _named),
        (Level.INFERRED, "its history begins with this one's whole history", _by_history),
        (Level.INFERRED, "it has all of this one's environment and labels", _by_config),
    )
    for level, how, rule in rules:
        kept = rule(graph, image, candidates)
        if len(kept) == 1:
            return Bases(image, tuple(kept), shared, layers, 1, level, how)
        candidates = kept or candidates
    shown = tuple(sorted(candidates)[:MAX_SET])
    return Bases(image, shown, shared, layers, len(candidates), Level.INFERRED, "")


def _named(graph: Graph, image: NodeId, candidates: Sequence[NodeId]) -> list[NodeId]:
    digest = digest_in(text_of(graph.attrs(image), "annotations", BASE_DIGEST))
    if digest is None:
        return []
    named = graph.canonical(ids.image(digest))
    listed = {graph.canonical(e.end) for e in graph.edges_from(named) if e.kind is EdgeKind.LISTS}
    return [c for c in candidates if c == named or c in listed]


def _by_history(graph: Graph, image: NodeId, candidates: Sequence[NodeId]) -> list[NodeId]:
    own = _history(graph.attrs(image))
    histories = {c: _history(graph.attrs(c)) for c in candidates}
    kept = {c: h for c, h in histories.items() if h and own[: len(h)] == h}
    longest = max(map(len, kept.values()), default=0)
    return [c for c, h in kept.items() if len(h) == longest]


def _by_config(graph: Graph, image: NodeId, candidates: Sequence[NodeId]) -> list[NodeId]:
    own = graph.attrs(image)
    return [c for c in candidates if _holds(own, graph.attrs(c))]


def _holds(own: Mapping[str, Any], base: Mapping[str, Any]) -> bool:
    env, base_env = own.get("env") or [], base.get("env") or []
    labels, base_labels = own.get("labels") or {}, base.get("labels") or {}
    return all(e in env for e in base_env) and all(
        labels.get(key) == value for key, value in base_labels.items()
    )


def _history(attrs: Mapping[str, Any]) -> _History:
    listed = attrs.get("history")
    if not isinstance(listed, list):
        return ()
    keys = ("created_by", "created", "comment", "author", "empty")
    return tuple(tuple(step.get(k) for k in keys) for step in listed if isinstance(step, dict))


def _is_called(graph: Graph, bases: Sequence[NodeId], name: str) -> bool:
    """Tell whether the only base goes by `name`, whatever host or source stands before it."""
    if len(bases) != 1 or not name:
        return False
    last = name.rpartition("/")[2]
    named = graph.edges_to(bases[0], frozenset({EdgeKind.POINTS_AT}))
    return any(e.start.rpartition("/")[2] == last for e in named)


def declared(graph: Graph, below: Mapping[NodeId, Bases]) -> Iterator[EdgeFact]:
    """Yield ``based-on`` edges that annotations or provenance claim."""
    for image in graph.of_kind(Kind.IMAGE):
        attrs = graph.attrs(image)
        name = text_of(attrs, "annotations", BASE_NAME)
        digest = digest_in(text_of(attrs, "annotations", BASE_DIGEST))
        if digest is not None:
            said = f"the annotation {BASE_DIGEST} names it" + (f" ({name})" if name else "")
            for base in _platform(graph, image, digest):
                proven = below.get(image)
                if proven and not graph.knows(base) and _is_called(graph, proven.found, name):
                    # Builders write the digest of their own store, which changes on push.
                    why = f"the annotation {BASE_NAME} names it ({name})"
                    yield edge(image, EdgeKind.BASED_ON, proven.found[0], Level.DECLARED, why)
                else:
                    yield edge(image, EdgeKind.BASED_ON, base, Level.DECLARED, said)
    yield from _from_provenance(graph)


def _platform(graph: Graph, image: NodeId, digest: Digest) -> Iterable[NodeId]:
    """Return what `digest` means as a base of `image`: of an index, the image for its platform."""
    named = graph.canonical(ids.image(digest))
    if named == image:
        return []
    listed = [graph.canonical(e.end) for e in graph.edges_from(named) if e.kind is EdgeKind.LISTS]
    own = graph.attrs(image)
    fits = [
        child
        for child in listed
        if all(graph.attrs(child).get(k) == own.get(k) for k in ("os", "architecture", "variant"))
    ]
    return fits if len(fits) == 1 else [named]


def _from_provenance(graph: Graph) -> Iterator[EdgeFact]:
    """Yield edges to those images a provenance lists whose layers the image really begins with.

    BuildKit lists the images of all build stages; only one of them is the base.
    """
    for statement in graph.of_kind(Kind.ATTESTATION):
        provenance = graph.attrs(statement).get("provenance")
        listed = provenance.get("bases") if isinstance(provenance, dict) else None
        digests = [
            digest_in(str(entry.get("digest")))
            for entry in (listed if isinstance(listed, list) else [])
            if isinstance(entry, dict)
        ]
        subjects = [e.end for e in graph.edges_from(statement) if e.kind is EdgeKind.ATTESTS]
        for image in subjects:
            own = layers_of(graph, image)
            for digest in filter(None, digests):
                for base in _platform(graph, image, digest):
                    theirs = layers_of(graph, base)
                    if theirs and own[: len(theirs)] == theirs and base != image:
                        why = "its provenance lists it, and its layers begin with the base's"
                        yield edge(image, EdgeKind.BASED_ON, base, Level.DECLARED, why)
