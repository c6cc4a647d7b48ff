"""Attestations: signatures, SBOMs, provenance and whatever else refers to an image.

Owns finding out what such a manifest is about, from its ``subject``, BuildKit's annotations, a
cosign payload or, last, its tag, and what it says, as attributes and a build node. Verifies no
signature. Sources: distribution-spec, spec.md (referrers); BuildKit,
docs/attestations/attestation-storage.md; cosign, specs/SIGNATURE_SPEC.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from treering.adapters.oci import statements
from treering.adapters.oci.blobs import blob_name
from treering.adapters.oci.catalog import Catalog, Draft
from treering.adapters.oci.documents import Documents, Loaded, without
from treering.adapters.oci.images import Images, artifact_type
from treering.adapters.oci.manifests import Descriptor, Manifest
from treering.core import ids
from treering.core.documents import MAX_DOCUMENT
from treering.core.errors import LimitExceeded, SourceError
from treering.core.facts import EdgeKind, Level
from treering.core.ids import Digest, NodeId, is_digest

_BUILDKIT_TYPE = "vnd.docker.reference.type"
_BUILDKIT_SUBJECT = "vnd.docker.reference.digest"
_NOTATION = "application/vnd.cncf.notary.signature"


@dataclass(frozen=True, slots=True)
class Subject:
    """What an attestation is about, how well that is known, and why."""

    digest: Digest
    level: Level
    why: str


class Attestations:
    """Puts attestations into a catalog."""

    def __init__(self, documents: Documents, catalog: Catalog, images: Images) -> None:
        self._documents = documents
        self._catalog = catalog
        self._images = images

    def stated(self, found: Loaded) -> Subject | None:
        """Return the subject that a manifest or the index listing it states."""
        manifest = found.document
        if isinstance(manifest, Manifest) and manifest.subject:
            return Subject(
                manifest.subject.digest,
                Level.EXACT,
                "its manifest names this digest as subject; no signature was verified",
            )
        annotated = found.annotations.get(_BUILDKIT_SUBJECT, "")
        if found.annotations.get(_BUILDKIT_TYPE) == "attestation-manifest" and is_digest(annotated):
            return Subject(
                Digest(annotated),
                Level.DECLARED,
                f"the annotation {_BUILDKIT_SUBJECT} of the index says so",
            )
        if isinstance(manifest, Manifest):
            return self._signed(manifest)
        return None

    def _signed(self, manifest: Manifest) -> Subject | None:
        """Return what a cosign signature says it is for."""
        for layer in manifest.layers:
            if layer.media_type == statements.SIMPLE_SIGNING:
                digest, _ = self._payload(layer)
                if digest:
                    why = "the signed payload names this digest; the signature was not verified"
                    return Subject(digest, Level.DECLARED, why)
        return None

    def _payload(self, layer: Descriptor) -> tuple[Digest | None, str]:
        try:
            data = self._documents.fetch(layer)
            return statements.signed_digest(data, blob_name(layer.digest))
        except SourceError:
            return None, ""  # reported when the attestation itself is read

    def add(self, digest: Digest, found: Loaded, manifest: Manifest, subject: Subject) -> None:
        """Note an attestation and what it says."""
        draft = self._catalog.node(ids.attestation(digest))
        draft.learn(
            artifact_type=artifact_type(manifest),
            media_type=manifest.media_type,
            subject=subject.digest,
            annotations={**found.annotations, **manifest.annotations},
        )
        if _NOTATION in {manifest.artifact_type, artifact_type(manifest)}:
            draft.collect("signatures", {"type": "notation"})
        for layer in manifest.layers:
            self._read(draft, layer)
        draft.label = f"{_noun(draft)} of {ids.short(subject.digest)}"

    def _read(self, draft: Draft, layer: Descriptor) -> None:
        """Read one blob of an attestation, when it can say something we show."""
        kind = layer.annotations.get(statements.PREDICATE, "") or layer.annotations.get(
            statements.COSIGN_PREDICATE, ""
        )
        if kind:
            draft.collect("predicate_types", kind)
        stored = self._images.stored(layer)
        if stored.fault or stored.absent:
            draft.learn(damaged=f"{stored.name}: {stored.fault}" if stored.fault else "")
            return
        if layer.size > MAX_DOCUMENT or not statements.worth_reading(layer.media_type, kind):
            self._images.loose(layer)
            return
        try:
            self._say(draft, layer, self._documents.fetch(layer))
        except SourceError as error:
            why = without(stored.name, error.message)
            self._documents.problem(stored.name, why)
            if not isinstance(error, LimitExceeded):
                draft.learn(damaged=f"{stored.name}: {why}")

    def _say(self, draft: Draft, layer: Descriptor, data: bytes) -> None:
        name = blob_name(layer.digest)
        if layer.media_type == statements.SIMPLE_SIGNING:
            digest, reference = statements.signed_digest(data, name)
            self._signature(draft, layer, {"signs": digest or "", "reference": reference})
            return
        statement = statements.parse(data, name)
        if statements.is_bundle(layer.media_type):
            draft.collect("signatures", {"type": "sigstore-bundle", "blob": layer.digest})
        elif statement and statement.signed:
            found = {"type": "dsse", "blob": layer.digest, "count": statement.signed}
            draft.collect("signatures", found)
        if statement:
            draft.collect("predicate_types", statement.predicate_type)
            provenance = statements.provenance(statement)
            if provenance:
                draft.learn(provenance=provenance)

    def _signature(self, draft: Draft, layer: Descriptor, says: dict[str, str]) -> None:
        found: dict[str, Any] = {"type": "cosign", "blob": layer.digest}
        found |= {key: value for key, value in says.items() if value}
        found["signed"] = statements.SIGNATURE in layer.annotations
        draft.collect("signatures", found)

    def add_build(self, digest: Digest, images: Iterable[NodeId]) -> None:
        """Note the build that an attestation's provenance tells of, and what it made."""
        provenance = self._catalog.node(ids.attestation(digest)).attrs.get("provenance")
        if provenance is None:
            return
        name = provenance.get("invocation") or digest
        build = ids.build(self._catalog.source, name)
        draft = self._catalog.node(build)
        draft.label = f"build {ids.short(name)}"
        draft.learn(**provenance)
        for image in images:
            why = f"the provenance in {ids.short(digest)} says so; it was not verified"
            self._catalog.edge(image, EdgeKind.BUILT_BY, build, Level.DECLARED, why)


def _noun(draft: Draft) -> str:
    """Return what an attestation is, in a word."""
    if "provenance" in draft.attrs:
        return "provenance"
    kinds = " ".join(
        [draft.attrs.get("artifact_type", ""), *draft.attrs.get("predicate_types", [])]
    )
    for mark, noun in _NOUNS:
        if mark in kinds.lower():
            return noun
    return "signature" if "signatures" in draft.attrs else "attestation"


_NOUNS = (
    ("slsa.dev/provenance", "provenance"),
    ("spdx", "SBOM"),
    ("cyclonedx", "SBOM"),
    ("sbom", "SBOM"),
    ("syft", "SBOM"),
    ("simplesigning", "signature"),
    ("notary.signature", "signature"),
    ("vuln", "vulnerability report"),
)
