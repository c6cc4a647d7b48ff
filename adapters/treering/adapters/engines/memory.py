"""What a reader has said, so that it can say what changed and what is gone.

Owns the images and containers last seen and the facts they became. Decides; asks nothing.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from treering.adapters.engines.describe import container_facts, image_facts
from treering.adapters.engines.shapes import Container, Details, Listed
from treering.core.facts import EdgeFact, EdgeKind, Fact
from treering.core.ids import Digest, NodeId
from treering.core.text import Safe


@dataclass(frozen=True, slots=True)
class Change:
    """The facts about one image or container: all of them, and those that are news."""

    facts: Sequence[Fact]
    news: Sequence[Fact]


Key = NodeId | tuple[NodeId, NodeId, EdgeKind]


def key_of(fact: Fact) -> Key:
    """Return which node or edge a fact is about."""
    return (fact.start, fact.end, fact.kind) if isinstance(fact, EdgeFact) else fact.id


class Said:
    """The latest fact about each node and edge, and which image or container it came from.

    Layers and indexes' images come from several; they are gone when none has them any more.
    """

    def __init__(self) -> None:
        self._latest: dict[Key, Fact] = {}
        self._owned: dict[str, frozenset[Key]] = {}
        self._count: Counter[Key] = Counter()
        self._orphans: dict[Key, None] = {}

    def put(self, owner: str, facts: Iterable[Fact]) -> list[Fact]:
        """Replace what came from `owner`; return what is new or different."""
        changed: list[Fact] = []
        keys: set[Key] = set()
        for fact in facts:
            key = key_of(fact)
            keys.add(key)
            old = self._latest.get(key)
            if old is None or msgspec.structs.replace(old, seen=fact.seen) != fact:
                changed.append(fact)
            self._latest[key] = fact
        before = self._owned.get(owner, frozenset())
        for key in keys - before:
            self._count[key] += 1
            self._orphans.pop(key, None)
        for key in before - keys:
            self._count[key] -= 1
            if self._count[key] <= 0:
                del self._count[key]
                self._orphans[key] = None
        if keys:
            self._owned[owner] = frozenset(keys)
        else:
            self._owned.pop(owner, None)
        return changed

    def owners(self) -> set[str]:
        """Return who has said something."""
        return set(self._owned)

    def gone(self, seen: float) -> list[Fact]:
        """Return that what nobody has any more is gone, edges first; once."""
        facts = []
        for key in sorted(self._orphans, key=lambda k: isinstance(k, str)):
            old = self._latest.pop(key)
            facts.append(msgspec.structs.replace(old, seen=seen, present=False))
        self._orphans.clear()
        return facts


class Memory:
    """The images and containers of one engine as last seen. Safe to use from several threads."""

    def __init__(self, source: Safe) -> None:
        self.source = source
        self._details: dict[Digest, Details] = {}
        self._images: dict[Digest, Listed] = {}
        self._tags: dict[str, Digest] = {}
        self._said = Said()
        self._lock = threading.RLock()

    def details(self, image: Digest) -> Details | None:
        """Return what an earlier inspection said; it stays true as long as the image exists."""
        with self._lock:
            return self._details.get(image)

    def knows(self, image: Digest) -> bool:
        """Tell whether the image is there, as far as was seen."""
        with self._lock:
            return image in self._images

    def put_image(self, image: Listed, known: Details | None, seen: float) -> Change:
        """Keep an image as it is now; tags it has are taken from the image that had them.

        Raises `Damaged` for an image no fact can be made of, which is then not kept.
        """
        with self._lock:
            facts = image_facts(image, known, self.source, seen)
            changed = self._take_tags(image, seen)
            self._images[image.id] = image
            if known is not None:
                self._details[image.id] = known
            changed += self._said.put(f"image {image.id}", facts)
            return Change(facts, changed)

    def _take_tags(self, image: Listed, seen: float) -> list[Fact]:
        """Give the tags of `image` to it; return what changed about those that had them."""
        changed: list[Fact] = []
        losers = {self._tags.get(tag) for tag in image.tags} - {None, image.id}
        for tag in image.tags:
            self._tags[tag] = image.id
        for name in losers:
            loser = self._images.get(name) if name is not None else None
            if loser is not None:
                self._images[loser.id] = left = loser.without(image.tags)
                facts = image_facts(left, self._details.get(left.id), self.source, seen)
                changed += self._said.put(f"image {left.id}", facts)
        return changed

    def drop_image(self, image: Digest) -> None:
        """Forget an image the engine no longer has."""
        with self._lock:
            left = self._images.pop(image, None)
            self._details.pop(image, None)
            for tag in left.tags if left else ():
                if self._tags.get(tag) == image:
                    del self._tags[tag]
            self._said.put(f"image {image}", ())

    def put_container(self, container: Container, seen: float) -> Change:
        """Keep a container as it is now. Raises `Damaged` as for images."""
        with self._lock:
            facts = container_facts(container, self.source, seen)
            return Change(facts, self._said.put(f"container {container.id}", facts))

    def drop_container(self, container: str) -> None:
        """Forget a container the engine no longer has."""
        with self._lock:
            self._said.put(f"container {container}", ())

    def keep_only(self, images: set[Digest], containers: set[str]) -> None:
        """Forget every image and container not named."""
        with self._lock:
            for image in set(self._images) - images:
                self.drop_image(image)
            kept = {f"container {c}" for c in containers}
            for owner in self._said.owners():
                if owner.startswith("container ") and owner not in kept:
                    self._said.put(owner, ())

    def gone(self, seen: float) -> list[Fact]:
        """Return the facts that what was forgotten since the last call is gone."""
        with self._lock:
            return self._said.gone(seen)
