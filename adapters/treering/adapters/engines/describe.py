"""Facts about the images and containers of an engine.

Owns which nodes and edges a record becomes. Pure.

An engine with the containerd store names an image by the digest of its manifest or index, not of
its config. A manifest's digest then stands for the image until a source that knows the config
says they are the same; an index becomes a node of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from treering.adapters.engines.shapes import Child, Container, Details, Listed
from treering.core import ids
from treering.core.facts import EdgeFact, EdgeKind, Fact, Level, NodeFact
from treering.core.ids import Digest, NodeId
from treering.core.text import Safe, safe


def image_facts(image: Listed, known: Details | None, source: Safe, seen: float) -> list[Fact]:
    """Return the facts about one image; `known` is None when it could not be inspected.

    Raises `Damaged` for names too long for a node id.
    """
    at = Describer(source, seen)
    if known is None:
        node = ids.image(image.id)
        facts: list[Fact] = [NodeFact(node, source, seen, at.label(image), names=at.names(image))]
    elif known.target is not None and known.target.digest == image.id and known.target.is_index:
        node = ids.index(image.id)
        facts = list(at.index(image, known))
    else:
        node = ids.image(image.id)
        facts = list(at.image(image, known))
    return [*facts, *at.tags(image, node)]


def container_facts(container: Container, source: Safe, seen: float) -> list[Fact]:
    """Return the facts about one container."""
    node = ids.container(source, container.id)
    facts: list[Fact] = [
        NodeFact(node, source, seen, safe(container.name), attrs=dict(container.attrs))
    ]
    if container.manifest is not None:
        why = "the engine names the platform manifest this container was created from"
        facts.append(_edge(node, ids.image(container.manifest), EdgeKind.RUNS, why, source, seen))
    elif container.image is not None:
        why = "the engine names the image id this container was created from"
        facts.append(_edge(node, ids.image(container.image), EdgeKind.RUNS, why, source, seen))
    return facts


class Describer:
    """Makes facts with one source and one time."""

    def __init__(self, source: Safe, seen: float) -> None:
        self.source, self.seen = source, seen

    def label(self, image: Listed) -> Safe:
        """Return what people call the image; empty without a tag."""
        return safe(image.tags[0]) if image.tags else safe("")

    def names(self, image: Listed, chain: Digest | None = None) -> tuple[Safe, ...]:
        """Return what else the image can be looked up by: repo digests and chain id."""
        found = [text for d in image.digests for text in (d, d.rpartition("@")[2])]
        found += [chain] if chain else []
        own = image.id
        return tuple(safe(n) for n in dict.fromkeys(found) if n != own and "<none>" not in n)

    def image(self, image: Listed, known: Details) -> Iterator[Fact]:
        """Yield an image with its layers."""
        target = known.target
        media_type = target.media_type if target and target.digest == image.id else ""
        chain = ids.chain_id(known.layers) if known.layers else None
        yield NodeFact(
            ids.image(image.id),
            self.source,
            self.seen,
            self.label(image),
            attrs=_image_attrs(known, media_type),
            names=self.names(image, chain),
        )
        yield from self.layers(ids.image(image.id), known.layers)

    def layers(self, image: NodeId, layers: tuple[Digest, ...]) -> Iterator[Fact]:
        """Yield layers and how they lie in `image`; one that lies in it twice counts once."""
        placed: set[Digest] = set()
        for position, diff_id in enumerate(layers):
            if diff_id in placed:
                continue
            placed.add(diff_id)
            why = f"layer {position + 1} of {len(layers)} in the engine's list of diff ids"
            yield NodeFact(ids.layer(diff_id), self.source, self.seen)
            yield _edge(
                image, ids.layer(diff_id), EdgeKind.CONTAINS, why, self.source, self.seen, position
            )

    def index(self, image: Listed, known: Details) -> Iterator[Fact]:
        """Yield a multi-platform list with its images and attestations."""
        node = ids.index(image.id)
        images = [c for c in known.children if c.kind == "image"]
        attrs: dict[str, Any] = {"media_type": known.target.media_type if known.target else ""}
        platforms = ["/".join(filter(None, c.platform)) for c in images]
        attrs["platforms"] = [p for p in platforms if p]
        yield NodeFact(
            node, self.source, self.seen, self.label(image), attrs=attrs, names=self.names(image)
        )
        inspected = _inspected(images, known)
        for position, child in enumerate(known.children):
            if child.kind == "image":
                why = f"entry {position + 1} of the index in the engine's store"
                end = ids.image(child.digest)
                yield _edge(node, end, EdgeKind.LISTS, why, self.source, self.seen, position)
                yield from self.child(child, known if child is inspected else None)
            elif child.kind == "attestation":
                yield from self.attestation(child)

    def child(self, child: Child, known: Details | None) -> Iterator[Fact]:
        """Yield one platform's image of an index; `known` when it is the one inspected."""
        platform = zip(("os", "architecture", "variant"), child.platform, strict=True)
        attrs = {key: value for key, value in platform if value}
        layers = known.layers if known else ()
        if known:
            attrs = {**_image_attrs(known, child.media_type), **attrs}
        elif child.media_type:
            attrs["media_type"] = child.media_type
        chain = (safe(ids.chain_id(layers)),) if layers else ()
        node = ids.image(child.digest)
        yield NodeFact(node, self.source, self.seen, attrs=attrs, names=chain)
        yield from self.layers(node, layers)

    def attestation(self, child: Child) -> Iterator[Fact]:
        """Yield an attestation of an index and what it is about."""
        node = ids.attestation(child.digest)
        attrs = {"media_type": child.media_type, "subject": child.subject or ""}
        attrs = {key: value for key, value in attrs.items() if value}
        yield NodeFact(node, self.source, self.seen, attrs=attrs)
        if child.subject is not None:
            yield EdgeFact(
                start=node,
                end=ids.image(child.subject),
                kind=EdgeKind.ATTESTS,
                level=Level.DECLARED,
                source=self.source,
                seen=self.seen,
                why=safe("the index in the engine's store says what it is about; not verified"),
            )

    def tags(self, image: Listed, node: NodeId) -> Iterator[Fact]:
        """Yield the tags that point at `node`."""
        for text in image.tags:
            repository, _, name = text.rpartition(":")
            tag = ids.tag(self.source, repository, name)
            attrs = {"repository": repository, "tag": name, "digest": image.id}
            yield NodeFact(tag, self.source, self.seen, safe(text), attrs=attrs)
            why = "the engine's tag list has this name at this id"
            yield _edge(tag, node, EdgeKind.POINTS_AT, why, self.source, self.seen)


def _image_attrs(known: Details, media_type: str) -> dict[str, Any]:
    attrs = dict(known.attrs)
    if media_type:
        attrs["media_type"] = media_type
    if known.layers:
        attrs["layers"] = list(known.layers)
        attrs["chain"] = ids.chain_id(known.layers)
    return attrs


def _inspected(images: list[Child], known: Details) -> Child | None:
    """Return the child the inspection of an index describes: the one of its platform."""
    here = [c for c in images if c.available] or images
    if len(here) == 1:
        return here[0]
    same = [c for c in here if c.platform == known.platform]
    return same[0] if len(same) == 1 else None


def _edge(  # noqa: PLR0913, PLR0917 -- an edge has as many parts
    start: NodeId,
    end: NodeId,
    kind: EdgeKind,
    why: str,
    source: Safe,
    seen: float,
    position: int | None = None,
) -> EdgeFact:
    return EdgeFact(
        start=start,
        end=end,
        kind=kind,
        level=Level.EXACT,
        source=source,
        seen=seen,
        why=safe(why),
        position=position,
    )
