"""Images: from a manifest and its config to nodes, edges and layers.

Owns what makes an image node: the config digest is its id, manifest digests are its other
names, and the config's diff ids, not the manifest's blobs, are its layers (image-spec,
config.md). A manifest of something that cannot run becomes an image node by its own digest.
"""

from __future__ import annotations

from collections.abc import Sequence

from treering.adapters.oci import configs
from treering.adapters.oci.blobs import blob_name
from treering.adapters.oci.catalog import Catalog, Draft
from treering.adapters.oci.configs import Config
from treering.adapters.oci.documents import Documents, without
from treering.adapters.oci.manifests import EMPTY, Descriptor, Manifest, is_files
from treering.adapters.oci.verify import Stored
from treering.core import ids
from treering.core.errors import SourceError
from treering.core.facts import EdgeKind, Level
from treering.core.ids import Digest
from treering.core.steps import Step, words
from treering.core.text import safe


class Images:
    """Puts images into a catalog."""

    def __init__(self, documents: Documents, catalog: Catalog) -> None:
        self._documents = documents
        self._catalog = catalog
        self._configs: dict[Digest, Config | str] = {}
        self._stored: dict[Digest, Stored] = {}

    def add(self, digest: Digest, manifest: Manifest, config: Descriptor) -> None:
        """Note the image of a manifest, its layers, and the edges to them."""
        draft = self._catalog.node(ids.image(config.digest))
        draft.label = draft.label or ids.short(config.digest)
        draft.same[digest] = None
        draft.collect("manifests", digest)
        draft.learn(
            media_type=manifest.media_type, size=sum(layer.size for layer in manifest.layers)
        )
        if manifest.annotations:
            known = draft.attrs.setdefault("annotations", {})
            draft.attrs["annotations"] = {**manifest.annotations, **known}
        found = self._config(config)
        if isinstance(found, str):
            draft.learn(damaged=f"its config {blob_name(config.digest)}: {found}")
            for layer in manifest.layers:
                self.loose(layer)
            return
        trouble = found.trouble or _fits(found, manifest)
        if trouble:
            draft.learn(damaged=trouble)
            self._documents.problem(blob_name(digest), trouble)
        describe(self._catalog, config.digest, draft, found)
        self._add_layers(digest, manifest, found)

    def _config(self, descriptor: Descriptor) -> Config | str:
        """Return a config, or why it cannot be read; reported once."""
        known = self._configs.get(descriptor.digest)
        if known is None:
            name = blob_name(descriptor.digest)
            try:
                known = configs.parse(self._documents.fetch(descriptor), name)
            except SourceError as error:
                known = without(name, error.message)
                self._documents.problem(name, known)
            self._configs[descriptor.digest] = known
        return known

    def _add_layers(self, digest: Digest, manifest: Manifest, config: Config) -> None:
        for diff_id in config.diff_ids:
            self._catalog.layer(diff_id)
        for diff_id, layer in zip(config.diff_ids, manifest.layers, strict=False):
            if is_files(layer.media_type):
                self._catalog.layer(diff_id, self.stored(layer))
            else:
                why = f"a layer has the unknown media type {safe(layer.media_type, 200)}"
                self._documents.problem(blob_name(digest), why)
                self.loose(layer)
        for layer in manifest.layers[len(config.diff_ids) :]:
            self.loose(layer)

    def artifact(self, digest: Digest, manifest: Manifest) -> None:
        """Note something that cannot run and refers to nothing, by its manifest's digest."""
        draft = self._catalog.node(ids.image(digest))
        kind = artifact_type(manifest)
        draft.label = f"{kind} {ids.short(digest)}" if kind else ids.short(digest)
        draft.learn(
            artifact_type=kind,
            media_type=manifest.media_type,
            annotations=manifest.annotations,
            size=sum(layer.size for layer in manifest.layers),
        )
        if manifest.config and manifest.config.media_type != EMPTY:
            self.loose(manifest.config)
        for layer in manifest.layers:
            self.loose(layer)

    def loose(self, descriptor: Descriptor) -> None:
        """Note a blob that is no layer of an image, to be hashed all the same."""
        stored = self.stored(descriptor)
        self._catalog.loose.setdefault(stored.name, stored)

    def stored(self, descriptor: Descriptor) -> Stored:
        """Return where a blob is, with what is wrong at first sight reported once."""
        known = self._stored.get(descriptor.digest)
        if known is not None and known.size == descriptor.size:
            return known
        name = blob_name(descriptor.digest)
        size, fault = None, ""
        try:
            size = self._documents.blobs.size(name)
        except SourceError as error:
            fault = str(error.message)
        if fault:
            pass
        elif size is None:
            fault = "" if descriptor.elsewhere else "it is not here"
        elif size != descriptor.size:
            fault = f"has {size} bytes, not {descriptor.size}"
        if fault:
            self._documents.problem(name, fault)
        found = Stored(
            name=name,
            size=descriptor.size,
            digest=descriptor.digest,
            media_type=descriptor.media_type,
            absent=size is None,
            fault=fault,
        )
        self._stored.setdefault(descriptor.digest, found)
        return found


def artifact_type(manifest: Manifest) -> str:
    """Return what an artifact is (image-spec, manifest.md, Guidelines for Artifact Usage)."""
    if manifest.artifact_type:
        return manifest.artifact_type
    if manifest.config and manifest.config.media_type != EMPTY and not manifest.runnable:
        kind = manifest.config.media_type
        if not is_files(kind) and ".image." not in kind:
            return kind
    return next((d.media_type for d in manifest.layers if not is_files(d.media_type)), "")


def describe(catalog: Catalog, config: Digest, draft: Draft, found: Config) -> None:
    """Note what a config says, and the edges from the image to its layers."""
    draft.learn(**found.attrs)
    draft.learn(
        layers=list(found.diff_ids),
        history=[step.as_json() for step in found.steps],
    )
    if not found.diff_ids:
        return
    chain = ids.chain_id(found.diff_ids)
    draft.learn(chain=chain)
    draft.names[chain] = None
    places: dict[Digest, list[int]] = {}
    for at, diff_id in enumerate(found.diff_ids):
        places.setdefault(diff_id, []).append(at)
    by_layer = {step.layer: step for step in found.steps if step.layer is not None}
    for diff_id, where in places.items():
        why = _why(where, len(found.diff_ids), by_layer.get(where[0]))
        catalog.edge(
            ids.image(config), EdgeKind.CONTAINS, ids.layer(diff_id), Level.EXACT, why, where[0]
        )


def _why(at: Sequence[int], count: int, step: Step | None) -> str:
    """Return the evidence of an edge: which layers of how many, and what made the first."""
    numbers = [str(n + 1) for n in at[:_SHOWN]]
    if len(at) > _SHOWN:
        numbers.append("…")
    if len(numbers) == 1:
        text = f"layer {numbers[0]} of {count}"
    else:
        text = f"layers {', '.join(numbers[:-1])} and {numbers[-1]} of {count}"
    made = words(step.created_by) if step else ""
    return f"{text}: {safe(made, 300)}" if made else text


_SHOWN = 20


def _fits(config: Config, manifest: Manifest) -> str:
    """Return why config and manifest do not belong together, or ""."""
    if len(config.diff_ids) == len(manifest.layers):
        return ""
    return f"its config lists {len(config.diff_ids)} layers, its manifest {len(manifest.layers)}"
