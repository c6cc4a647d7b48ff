"""An OCI layout: what its documents mean together.

Owns telling images, indexes and attestations apart, and the edges between them and to tags
(image-spec, image-layout.md and image-index.md). Which kind a manifest is can depend on who
points at it, so everything is loaded first. `attestations` and `images` write the nodes.
"""

from __future__ import annotations

from treering.adapters.oci import refs
from treering.adapters.oci.attestations import Attestations, Subject
from treering.adapters.oci.blobs import Blobs
from treering.adapters.oci.catalog import Catalog
from treering.adapters.oci.documents import Documents, Loaded
from treering.adapters.oci.images import Images
from treering.adapters.oci.manifests import INDEX_TYPES, Descriptor, Index, Manifest, parse
from treering.adapters.oci.refs import Reference
from treering.adapters.oci.tags import Tags
from treering.core import ids
from treering.core.documents import MAX_DOCUMENT, parse_json
from treering.core.errors import Damaged, NotRecognised, SourceError, Unreachable
from treering.core.facts import EdgeKind, Level
from treering.core.ids import Digest, NodeId
from treering.core.text import safe

_NOT_RUNNABLE = "unknown/unknown"


class Layout:
    """Reads a layout into a catalog."""

    def __init__(self, documents: Documents, catalog: Catalog, where: str) -> None:
        self._images = Images(documents, catalog)
        self._documents = documents
        self._catalog = catalog
        self._where = where
        self._attestations = Attestations(documents, catalog, self._images)
        self._subjects: dict[Digest, Subject | None] = {}
        self._tags = Tags(documents, catalog)
        self._names: dict[Digest, list[Reference]] = {}

    def read(self) -> None:
        """Read everything. Raises a `SourceError` when there is no usable ``index.json``."""
        root = self._root()
        for why in root.bad:
            self._documents.problem("index.json", why)
        self._documents.walk(root)
        for descriptor in root.manifests:
            names = self._names.setdefault(descriptor.digest, [])
            names += [n for n in refs.names_of(descriptor.annotations) if n not in names]
        self._add_all()
        for digest, names in self._names.items():
            for reference in names:
                self._tag(digest, reference)
        self._only_images()

    def _add_all(self) -> None:
        """Note images, then the indexes that list them, then what is about either."""
        loaded = self._documents.loaded.items()
        for digest, found in loaded:
            if not isinstance(found.document, Index):
                self._add(digest, found)
        for digest, found in loaded:
            if isinstance(found.document, Index):
                self._add_index(digest, found, found.document)
        for digest, found in loaded:
            subject = self._subject(digest)
            if isinstance(found.document, Manifest) and subject:
                self._attest(digest, subject)

    def _root(self) -> Index:
        check_version(self._documents, self._where)
        try:
            data = self._documents.blobs.read("index.json", MAX_DOCUMENT)
        except Unreachable as error:
            raise Damaged(f"{self._where} has no index.json", HINT) from error
        root = parse(data, f"index.json of {self._where}")
        if not isinstance(root, Index):
            raise Damaged(f"index.json of {self._where} is a manifest, not an index")
        return root

    # -- which is which ------------------------------------------------------------------

    def node(self, digest: Digest) -> NodeId:
        """Return the node a manifest or index is, as far as this layout knows."""
        found = self._documents.loaded.get(digest)
        if found is None:
            return ids.image(digest)
        if isinstance(found.document, Index) or found.descriptor.media_type in INDEX_TYPES:
            return ids.index(digest)
        if self._subject(digest):
            return ids.attestation(digest)
        document = found.document
        if isinstance(document, Manifest) and document.config and document.runnable:
            return ids.image(document.config.digest)
        return ids.image(digest)

    def _subject(self, digest: Digest) -> Subject | None:
        """Return what a manifest refers to; None for an image, an index or a lone artifact."""
        if digest not in self._subjects:
            self._subjects[digest] = self._find_subject(digest)
        return self._subjects[digest]

    def _find_subject(self, digest: Digest) -> Subject | None:
        found = self._documents.loaded[digest]
        if isinstance(found.document, Index):
            return None
        stated = self._attestations.stated(found)
        if stated:
            return stated
        document = found.document
        if isinstance(document, Manifest) and document.runnable and document.layers:
            return None
        for reference in self._names.get(digest, ()):
            about = refs.referring(reference.tag)
            if about and about.holds != "referrers":
                return Subject(about.subject, Level.INFERRED, f"its tag is {reference.tag}")
        return None

    # -- nodes and edges -----------------------------------------------------------------

    def _add(self, digest: Digest, found: Loaded) -> None:
        document = found.document
        if isinstance(document, Manifest):
            subject = self._subject(digest)
            if subject:
                self._attestations.add(digest, found, document, subject)
            elif document.config and document.runnable:
                self._images.add(digest, document, document.config)
            else:
                self._images.artifact(digest, document)
        elif found.why and not found.absent:
            draft = self._catalog.node(self.node(digest))
            draft.label = draft.label or ids.short(digest)
            draft.learn(
                media_type=found.descriptor.media_type, damaged=f"{found.name}: {found.why}"
            )

    def _add_index(self, digest: Digest, found: Loaded, index: Index) -> None:
        node = ids.index(digest)
        draft = self._catalog.node(node)
        draft.label = ids.short(digest)
        draft.learn(
            media_type=index.media_type or found.descriptor.media_type,
            platforms=sorted({p for p in map(self._platform, index.manifests) if p}),
            annotations=index.annotations,
            artifact_type=index.artifact_type,
            subject=index.subject.digest if index.subject else "",
            damaged="; ".join([*filter(None, [found.why]), *index.bad, *self._broken(index)]),
        )
        for at, child in enumerate(index.manifests):
            end = self.node(child.digest)
            if not end.startswith("attestation:") and not _is_note(child):
                named = f" for {self._platform(child)}" if self._platform(child) else ""
                why = f"manifest {at + 1} of {len(index.manifests)}{named} is {child.digest}"
                self._catalog.edge(node, EdgeKind.LISTS, end, Level.EXACT, why, at)

    def _broken(self, index: Index) -> list[str]:
        """Return what is wrong with the documents an index lists."""
        found = [self._documents.loaded.get(child.digest) for child in index.manifests]
        return [f"{f.name}: {f.why}" for f in found if f and f.why and not f.absent]

    def _platform(self, child: Descriptor) -> str:
        """Return the platform of an index entry, from its config where the entry has none."""
        if child.platform:
            return "" if _is_note(child) else child.platform
        draft = self._catalog.nodes.get(self.node(child.digest))
        parts = [draft.attrs.get(k, "") for k in ("os", "architecture", "variant")] if draft else []
        return "/".join(part for part in parts if part)

    def _attest(self, digest: Digest, subject: Subject) -> None:
        """Note what an attestation is about, and the build it tells of."""
        node, end = ids.attestation(digest), self.node(subject.digest)
        self._catalog.edge(node, EdgeKind.ATTESTS, end, subject.level, subject.why)
        images = [end]
        if end.startswith("index:"):
            images = self._catalog.targets(end, EdgeKind.LISTS)
        self._attestations.add_build(digest, [i for i in images if i.startswith("image:")])

    def _tag(self, digest: Digest, reference: Reference) -> None:
        end = self.node(digest)
        found = self._documents.loaded.get(digest)
        target = self._catalog.nodes.get(end)
        if not reference.tag:
            if target:
                target.names[f"{reference.repository}@{digest}"] = None
            return
        why = f"index.json gives {reference.short} to {digest}"
        broken = f"{found.name}: {found.why}" if found and not found.document else ""
        self._tags.point(reference, digest, end, why, broken)
        if target and end.startswith(("image:", "index:")):
            about = refs.referring(reference.tag)
            if about and end.startswith("index:"):
                target.learn(subject=about.subject)
            target.names[reference.short] = None
            if not about and target.label.startswith("sha"):
                target.label = reference.short

    def _only_images(self) -> None:
        """Let an index that lists one runnable image be another name of that image."""
        for digest, found in self._documents.loaded.items():
            if not isinstance(found.document, Index):
                continue
            children = [self.node(c.digest) for c in found.document.manifests if not _is_note(c)]
            images = {c for c in children if not c.startswith("attestation:")}
            if len(images) == 1:
                draft = self._catalog.nodes.get(images.pop())
                if draft and draft.same:
                    draft.names[digest] = None


def _is_note(child: Descriptor) -> bool:
    """Tell whether an index entry is about another entry rather than runnable."""
    return child.platform == _NOT_RUNNABLE


HINT = "an OCI layout holds a file oci-layout, a file index.json and a folder blobs"


def check_version(documents: Documents, where: str) -> None:
    """Check the file ``oci-layout`` (image-layout.md, oci-layout file).

    Raises `NotRecognised` for a layout of a later generation. A file that is missing or damaged
    while ``index.json`` is there is a problem, and no more.
    """
    try:
        value = parse_json(documents.blobs.read("oci-layout", MAX_DOCUMENT), "oci-layout")
    except SourceError as error:
        documents.problem("oci-layout", str(error.message))
        return
    version = value.get("imageLayoutVersion") if isinstance(value, dict) else None
    if not isinstance(version, str):
        documents.problem("oci-layout", "it names no imageLayoutVersion")
    elif not version.startswith("1."):
        raise NotRecognised(f"{where} is an OCI layout of version {safe(version, 40)}", HINT)


def is_layout(blobs: Blobs) -> bool:
    """Tell whether the files of a source are those of an OCI layout."""
    return blobs.size("oci-layout") is not None or blobs.size("index.json") is not None
