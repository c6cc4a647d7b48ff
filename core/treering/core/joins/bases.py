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
from heapq import nsmallest
from typing import Any

from treering.core import ids
from treering.core.facts import EdgeFact, EdgeKind, Level
from treering.core.graph import Graph
from treering.core.ids import Digest, Kind, NodeId
from treering.core.joins.evidence import digest_in, edge, layers_of, live, text_of
from treering.core.lenient import labels_of, texts_of

BASE_DIGEST = "org.opencontainers.image.base.digest"
BASE_NAME = "org.opencontainers.image.base.name"
MAX_SET = 8
"""How many equal candidates are shown as a set; the sentence tells how many there are."""

MAX_COMPARED = 64
"""How many images of the same layers are compared by configuration."""

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
    history: dict[NodeId, _History] = field(default_factory=dict)
    told: dict[tuple[int, _History], list[NodeId]] = field(default_factory=dict)
    untold: dict[int, list[NodeId]] = field(default_factory=dict)

    def add(self, image: NodeId, layers: Sequence[str], history: _History) -> None:
        at, path = 0, []
        for diff_id in layers:
            at = self.next.setdefault((at, diff_id), len(self.next) + 1)
            path.append(at)
        self.path[image] = tuple(path)
        self.ending.setdefault(at, []).append(image)
        self.history[image] = history
        if history:
            self.told.setdefault((at, history), []).append(image)
        else:
            self.untold.setdefault(at, []).append(image)

    def begun(self, place: int, history: _History, *, whole: bool) -> list[NodeId]:
        """Return the images at a place with the longest history that `history` begins with.

        `whole` allows all of it.
        """
        for length in range(len(history) - (not whole), 0, -1):
            found = self.told.get((place, history[:length]))
            if found:
                return found
        return []


def find(graph: Graph) -> dict[NodeId, Bases]:
    """Return the immediate base, or set of equal bases, of every image that has one."""
    rings = _Rings()
    for image in graph.of_kind(Kind.IMAGE):
        layers = layers_of(graph, image)
        if layers:
            rings.add(image, layers, _history(graph.attrs(image)))
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
            return _choose(graph, rings, image, candidates, shared)
    return None


def _same_layers(graph: Graph, rings: _Rings, image: NodeId) -> Bases | None:
    """Find the base of an image that adds only configuration.

    Its history tells; where one of the two has none (engines list none, builders may omit it),
    configuration and time of making suggest it.
    """
    place, count = rings.path[image][-1], len(rings.path[image])
    if len(rings.ending[place]) == 1:
        return None
    history = rings.history[image]
    bases = rings.begun(place, history, whole=False)
    how = "its history begins with the base's whole history"
    if not bases:
        # Two histories that differ are two images; where one is missing, nothing contradicts.
        others = rings.untold.get(place, []) if history else rings.ending[place]
        own = graph.attrs(image)
        grown = {
            other: _entries(attrs)
            for other in others[:MAX_COMPARED]
            if other != image and _grown_from(own, attrs := graph.attrs(other))
        }
        most = max(grown.values(), default=0)
        bases = [other for other, entries in grown.items() if entries == most]
        how = "it has the base's configuration and more, or was made later of the same"
    if not bases:
        return None
    shown = tuple(nsmallest(MAX_SET, bases))
    return Bases(image, shown, count, count, len(bases), Level.INFERRED, how)


def _grown_from(own: Mapping[str, Any], base: Mapping[str, Any]) -> bool:
    """Tell whether one image's configuration holds the other's and came later or has more."""
    if not _holds(own, base):
        return False
    if not _holds(base, own):
        return True
    made, before = own.get("created"), base.get("created")
    return isinstance(made, str) and isinstance(before, str) and bool(before) and before < made


def _entries(attrs: Mapping[str, Any]) -> int:
    return len(texts_of(attrs.get("env"))) + len(labels_of(attrs.get("labels")))


def _choose(
    graph: Graph, rings: _Rings, image: NodeId, candidates: Sequence[NodeId], shared: int
) -> Bases:
    """Narrow candidates that end at the same layer down to one where the evidence allows."""
    layers = len(rings.path[image])
    history = rings.history[image]
    begun = rings.begun(rings.path[image][shared - 1], history, whole=True)
    if len(candidates) == 1:
        if history and rings.history[candidates[0]] and not begun:
            how = "its history is another's: a variant of the base is not known"
            return Bases(image, tuple(candidates), shared, layers, 1, Level.INFERRED, how)
        return Bases(image, tuple(candidates), shared, layers, 1, Level.EXACT, "")
    rules = (
        (Level.DECLARED, f"{BASE_DIGEST} names this one", _named(graph, image, candidates)),
        (Level.INFERRED, "its history begins with this one's whole history", begun),
    )
    for level, how, kept in rules:
        if len(kept) == 1:
            return Bases(image, tuple(kept), shared, layers, 1, level, how)
        candidates = kept or candidates
    alike = _by_config(graph, image, candidates[:MAX_COMPARED])
    if len(alike) == 1 and len(candidates) <= MAX_COMPARED:
        how = "it has all of this one's environment and labels"
        return Bases(image, tuple(alike), shared, layers, 1, Level.INFERRED, how)
    shown = tuple(nsmallest(MAX_SET, alike or candidates))
    total = len(alike) if alike and len(candidates) <= MAX_COMPARED else len(candidates)
    return Bases(image, shown, shared, layers, total, Level.INFERRED, "")


def _named(graph: Graph, image: NodeId, candidates: Sequence[NodeId]) -> list[NodeId]:
    digest = digest_in(text_of(graph.attrs(image), "annotations", BASE_DIGEST))
    if digest is None:
        return []
    named = graph.canonical(ids.image(digest))
    listed = set(map(graph.canonical, live(graph, named, EdgeKind.LISTS)))
    return [c for c in candidates if c == named or c in listed]


def _by_config(graph: Graph, image: NodeId, candidates: Sequence[NodeId]) -> list[NodeId]:
    own = graph.attrs(image)
    return [c for c in candidates if _holds(own, graph.attrs(c))]


def _holds(own: Mapping[str, Any], base: Mapping[str, Any]) -> bool:
    env, base_env = texts_of(own.get("env")), texts_of(base.get("env"))
    labels, base_labels = labels_of(own.get("labels")), labels_of(base.get("labels"))
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
    for image, attrs in graph.described(Kind.IMAGE):
        if "annotations" not in attrs:
            continue
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
    listed = list(map(graph.canonical, live(graph, named, EdgeKind.LISTS)))
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
        for image in live(graph, statement, EdgeKind.ATTESTS):
            own = layers_of(graph, image)
            for digest in filter(None, digests):
                for base in _platform(graph, image, digest):
                    theirs = layers_of(graph, base)
                    if theirs and own[: len(theirs)] == theirs and base != image:
                        why = "its provenance lists it, and its layers begin with the base's"
                        yield edge(image, EdgeKind.BASED_ON, base, Level.DECLARED, why)
