"""Docker archives: what ``docker save`` writes, in its three generations.

Owns ``manifest.json`` (Docker 1.10 and later, podman and skopeo; since Docker 25 beside an
``index.json``, which then counts first) and the older form with only ``repositories``. Source:
moby, image/spec/v1.2.md and image/tarexport. An image of the older form has no config of its
own; its node's digest is that of its ``<id>/json``, its diff ids come from hashing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from treering.adapters.oci import configs, refs
from treering.adapters.oci.blobs import Blobs
from treering.adapters.oci.catalog import Catalog, Draft
from treering.adapters.oci.configs import Config, words
from treering.adapters.oci.documents import Documents, without
from treering.adapters.oci.images import describe
from treering.adapters.oci.tags import Tags
from treering.adapters.oci.verify import Job, Outcome, Stored
from treering.core import ids, steps
from treering.core.documents import MAX_DOCUMENT, parse_json
from treering.core.errors import Damaged, SourceError
from treering.core.ids import Digest, digest_of
from treering.core.text import safe

Hash = Callable[[list[Job]], dict[Job, Outcome]]

MAX_ENTRIES = 10_000
"""Most images of one archive."""
MAX_PARENTS = 1000
"""Most layers of an image of the older form."""
_PROMISED = re.compile(r"(?:blobs/sha256/)?([0-9a-f]{64})(?:\.json)?")
_BLOB = re.compile(r"blobs/sha256/([0-9a-f]{64})")


def is_docker_archive(blobs: Blobs) -> bool:
    """Tell whether the files of a source are those of a Docker archive."""
    return any(blobs.size(name) is not None for name in ("manifest.json", "repositories"))


class DockerArchive:
    """Reads a Docker archive into a catalog. `hashes` hashes files that must be known now."""

    def __init__(self, documents: Documents, catalog: Catalog, where: str, hashes: Hash) -> None:
        self._documents = documents
        self._blobs = documents.blobs
        self._catalog = catalog
        self._where = where
        self._hashes = hashes
        self._tags = Tags(documents, catalog)

    def read(self) -> None:
        """Read everything. Raises a `SourceError` when the list of images is unusable."""
        if self._blobs.size("manifest.json") is None:
            self._read_old()
            return
        listed = parse_json(self._blobs.read("manifest.json", MAX_DOCUMENT), "manifest.json")
        if not isinstance(listed, list):
            raise Damaged(f"manifest.json of {self._where} is not a list")
        if len(listed) > MAX_ENTRIES:
            self._documents.problem("manifest.json", f"only {MAX_ENTRIES} images are read")
        for at, entry in enumerate(listed[:MAX_ENTRIES]):
            if isinstance(entry, dict) and isinstance(entry.get("Config"), str):
                self._entry(entry, entry["Config"])
            else:
                self._documents.problem("manifest.json", f"image {at} names no Config")

    # -- manifest.json -------------------------------------------------------------------

    def _entry(self, entry: dict[str, Any], name: str) -> None:
        match = _PROMISED.fullmatch(name)
        promised = Digest(f"sha256:{match.group(1)}") if match else None
        digest, config = promised, None
        try:
            digest, config = self._config(name, promised)
        except SourceError as error:
            why = without(name, error.message)
            self._documents.problem(name, why)
            if promised:
                self._catalog.node(ids.image(promised)).learn(damaged=f"{name}: {why}")
        if digest is None:
            return
        draft = self._catalog.node(ids.image(digest))
        draft.label = draft.label or ids.short(digest)
        if config and "layers" not in draft.attrs and "manifests" not in draft.attrs:
            self._image(entry, name, digest, draft, config)
        for text in words(entry.get("RepoTags")):
            self._name(refs.parse(text), digest, draft)

    def _config(self, name: str, promised: Digest | None) -> tuple[Digest, Config]:
        data = self._blobs.read(name, MAX_DOCUMENT)
        digest = digest_of(data)
        if promised and digest != promised:
            raise Damaged(f"digest mismatch, is {digest}")
        return digest, configs.parse(data, name)

    def _image(
        self, entry: dict[str, Any], name: str, digest: Digest, draft: Draft, config: Config
    ) -> None:
        layers = words(entry.get("Layers"))
        trouble = config.trouble
        if not trouble and len(layers) != len(config.diff_ids):
            trouble = f"its config lists {len(config.diff_ids)} layers, the archive {len(layers)}"
        if trouble:
            draft.learn(damaged=trouble)
            self._documents.problem(name, trouble)
        describe(self._catalog, digest, draft, config)
        listed = entry.get("LayerSources")
        sources = listed if isinstance(listed, dict) else {}
        stored = [self._stored(layer) for layer in layers]
        draft.learn(size=sum(s.size for s in stored))
        for diff_id in config.diff_ids:
            self._catalog.layer(diff_id)
        for diff_id, file in zip(config.diff_ids, stored, strict=False):
            source = sources.get(diff_id)
            kind = source.get("mediaType") if isinstance(source, dict) else None
            self._catalog.layer(diff_id, _typed(file, kind if isinstance(kind, str) else ""))

    def _stored(self, name: str) -> Stored:
        """Return a layer's file, with what is wrong at first sight reported."""
        real = self._blobs.real(name)
        match = _BLOB.fullmatch(real)
        size = self._blobs.size(real)
        if size is None:
            self._documents.problem(name, "it is not here")
        return Stored(
            name=real,
            size=size or 0,
            digest=Digest(f"sha256:{match.group(1)}") if match else None,
            absent=size is None,
            fault="it is not here" if size is None else "",
        )

    def _name(self, reference: refs.Reference, digest: Digest, draft: Draft) -> None:
        if reference.repository == "<none>":
            return
        if not reference.tag:
            draft.names[f"{reference.repository}@{reference.digest}"] = None
            return
        why = f"the archive gives {reference.short} to config {digest}"
        broken = draft.attrs.get("damaged", "")
        self._tags.point(reference, digest, ids.image(digest), why, broken)
        draft.names[reference.short] = None
        if draft.label.startswith("sha"):
            draft.label = reference.short

    # -- the older form ------------------------------------------------------------------

    def _read_old(self) -> None:
        what = f"repositories of {self._where}"
        listed = parse_json(self._blobs.read("repositories", MAX_DOCUMENT), what)
        if not isinstance(listed, dict):
            raise Damaged(f"{what} is not an object")
        images: dict[str, Digest | None] = {}
        for repository, tags in listed.items():
            for tag, head in tags.items() if isinstance(tags, dict) else ():
                if not isinstance(head, str):
                    self._documents.problem("repositories", f"{repository}:{tag} names no image")
                    continue
                if head not in images:
                    images[head] = self._old_image(head)
                digest = images[head]
                if digest:
                    draft = self._catalog.node(ids.image(digest))
                    self._name(refs.Reference(repository, tag, ""), digest, draft)

    def _old_image(self, head: str) -> Digest | None:
        """Note the image whose topmost layer is `head`; return the digest it goes by."""
        chain: list[tuple[str, dict[str, Any]]] = []
        digest = None
        try:
            for name, data, value in self._parents(head):
                digest = digest or digest_of(data)
                chain.append((name, value))
        except SourceError as error:
            self._documents.problem(f"{safe(head, 100)}/json", str(error.message))
        if digest is None:
            return None
        chain.reverse()
        draft = self._catalog.node(ids.image(digest))
        draft.label = draft.label or ids.short(digest)
        draft.names[head] = None
        entries = [_history(value) for _, value in chain]
        diff_ids = self._old_layers([f"{name}/layer.tar" for name, _ in chain], draft)
        config = Config(
            tuple(diff_ids), configs.attrs_of(chain[-1][1]), steps.assign(entries, len(diff_ids))
        )
        describe(self._catalog, digest, draft, config)
        return digest

    def _parents(self, head: str) -> Iterator[tuple[str, bytes, dict[str, Any]]]:
        """Yield ``<id>/json`` of an image and all it was built on, from the top down."""
        seen: set[str] = set()
        name: object = head
        while isinstance(name, str) and name:
            if name in seen or len(seen) >= MAX_PARENTS:
                raise Damaged(f"its parents go round in a circle or beyond {MAX_PARENTS}")
            seen.add(name)
            data = self._blobs.read(f"{name}/json", MAX_DOCUMENT)
            value = parse_json(data, f"{name}/json")
            if not isinstance(value, dict):
                raise Damaged(f"{name}/json is not an object")
            yield name, data, value
            name = value.get("parent")

    def _old_layers(self, names: list[str], draft: Draft) -> list[Digest]:
        """Return the diff ids of all layers, or none when one of them cannot be told."""
        stored = [self._stored(name) for name in names]
        outcomes = self._hashes([Job(file) for file in stored])
        found = []
        for file in stored:
            outcome = outcomes[Job(file)]
            hashed = outcome.hashed
            if hashed is None or hashed.diff_id is None:
                why = outcome.fault or (hashed.fault if hashed else "it is beyond the budget")
                draft.learn(damaged=f"{file.name}: {why}" if outcome.fault else "")
                if not file.fault:
                    self._documents.problem(file.name, f"{why}, so the layers are not known")
                return []
            found.append((hashed.diff_id, file))
        for diff_id, file in found:
            self._catalog.layer(diff_id, file)
        draft.learn(size=sum(file.size for file in stored))
        return [diff_id for diff_id, _ in found]


def _typed(stored: Stored, media_type: str) -> Stored:
    if not media_type:
        return stored
    return Stored(
        stored.name,
        stored.size,
        stored.digest,
        media_type,
        absent=stored.absent,
        fault=stored.fault,
    )


def _history(value: dict[str, Any]) -> dict[str, Any]:
    """Return the history entry that Docker makes of a ``json`` file of the older form."""
    made = value.get("container_config")
    command = words(made.get("Cmd")) if isinstance(made, dict) else []
    return {
        "created": value.get("created"),
        "author": value.get("author"),
        "comment": value.get("comment"),
        "created_by": " ".join(command),
    }
