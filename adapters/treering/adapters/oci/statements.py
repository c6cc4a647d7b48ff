"""In-toto statements, DSSE envelopes, sigstore bundles and cosign payloads, as they claim to be.

Owns reading what an attestation's blobs say: predicate types, SLSA provenance (v0.2, v1, and
what BuildKit adds), and which digest a signature is for. Checks no signature: whatever is found
here is a claim. Pure. Sources: in-toto attestation spec v1; SLSA provenance v0.2 and v1;
BuildKit docs/attestations/slsa-definitions.md; cosign specs/SIGNATURE_SPEC.md, BUNDLE_SPEC.md.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from treering.core.documents import parse_json
from treering.core.errors import Damaged
from treering.core.ids import Digest, is_digest
from treering.core.lenient import object_of, text_of

STATEMENT = "application/vnd.in-toto+json"
ENVELOPE = "application/vnd.dsse.envelope.v1+json"
SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
SIGNATURE = "dev.cosignproject.cosign/signature"
PREDICATE = "in-toto.io/predicate-type"
COSIGN_PREDICATE = "predicateType"
PROVENANCE = "https://slsa.dev/provenance/"
_BUNDLE = "application/vnd.dev.sigstore.bundle"
_MAX_MATERIALS = 1000


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement about things: the type of its predicate, and the predicate itself.

    `signed` counts the signatures around it, none of them checked.
    """

    predicate_type: str
    predicate: dict[str, Any]
    signed: int = 0


def is_bundle(media_type: str) -> bool:
    """Tell whether a media type is a sigstore bundle's, of any version."""
    return media_type.startswith(_BUNDLE)


def worth_reading(media_type: str, predicate_type: str) -> bool:
    """Tell whether a blob can hold provenance or a binding; SBOMs are large and stay unread."""
    if media_type in {SIMPLE_SIGNING, ENVELOPE} or is_bundle(media_type):
        return True
    provenance = not predicate_type or predicate_type.startswith(PROVENANCE)
    return media_type == STATEMENT and provenance


def parse(data: bytes, what: str) -> Statement | None:
    """Return the statement in a blob, unwrapped, or None when it holds none.

    Raises `Damaged` for what is no JSON or no base64 where that is due, `LimitExceeded`.
    """
    value = object_of(parse_json(data, what))
    envelope = object_of(value.get("dsseEnvelope")) or value
    signed = envelope.get("signatures")
    count = len(signed) if isinstance(signed, list) else 0
    if isinstance(envelope.get("payload"), str):
        try:
            inner = base64.b64decode(envelope["payload"], validate=True)
        except (binascii.Error, ValueError) as error:
            raise Damaged(f"{what}: its payload is not base64") from error
        value = object_of(parse_json(inner, f"the payload of {what}"))
    kind = text_of(value.get("predicateType"))
    return Statement(kind, object_of(value.get("predicate")), count) if kind else None


def signed_digest(data: bytes, what: str) -> tuple[Digest | None, str]:
    """Return the manifest digest and the reference a cosign simple-signing payload is for."""
    critical = object_of(object_of(parse_json(data, what)).get("critical"))
    digest = text_of(object_of(critical.get("image")).get("docker-manifest-digest"))
    reference = text_of(object_of(critical.get("identity")).get("docker-reference"))
    return (Digest(digest) if is_digest(digest) else None), reference


def provenance(statement: Statement) -> dict[str, Any] | None:
    """Return the attribute ``provenance`` of a SLSA statement, or None for any other.

    {builder, invocation, build_type, started, finished, sources [{uri, commit}],
    bases [{uri, digest}]}; what is unknown is left out.
    """
    if not statement.predicate_type.startswith(PROVENANCE):
        return None
    predicate = statement.predicate
    if "buildDefinition" in predicate or "runDetails" in predicate:
        found, materials = _version_1(predicate)
    else:
        found, materials = _version_0(predicate)
    found["sources"] = _sources(materials)
    found["bases"] = _bases(materials)
    return {key: value for key, value in found.items() if value}


def _version_1(predicate: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    definition = object_of(predicate.get("buildDefinition"))
    run = object_of(predicate.get("runDetails"))
    metadata = object_of(run.get("metadata"))
    parameters = object_of(definition.get("externalParameters"))
    materials = _objects(definition.get("resolvedDependencies"))
    materials.append(object_of(parameters.get("configSource")))
    materials.append(_vcs(object_of(metadata.get("buildkit_metadata"))))
    found = {
        "builder": text_of(object_of(run.get("builder")).get("id")),
        "invocation": text_of(metadata.get("invocationId") or metadata.get("invocationID")),
        "build_type": text_of(definition.get("buildType")),
        "started": text_of(metadata.get("startedOn")),
        "finished": text_of(metadata.get("finishedOn")),
    }
    return found, materials


def _version_0(predicate: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    metadata = object_of(predicate.get("metadata"))
    invocation = object_of(predicate.get("invocation"))
    materials = _objects(predicate.get("materials"))
    materials.append(object_of(invocation.get("configSource")))
    materials.append(_vcs(object_of(metadata.get("https://mobyproject.org/buildkit@v1#metadata"))))
    found = {
        "builder": text_of(object_of(predicate.get("builder")).get("id")),
        "invocation": text_of(
            metadata.get("buildInvocationID") or metadata.get("buildInvocationId")
        ),
        "build_type": text_of(predicate.get("buildType")),
        "started": text_of(metadata.get("buildStartedOn")),
        "finished": text_of(metadata.get("buildFinishedOn")),
    }
    return found, materials


def _vcs(metadata: dict[str, Any]) -> dict[str, Any]:
    """Return BuildKit's note on the client's checkout in the shape of a material."""
    vcs = object_of(metadata.get("vcs"))
    return {"uri": vcs.get("source"), "digest": {"gitCommit": vcs.get("revision")}}


def _sources(materials: list[dict[str, Any]]) -> list[dict[str, str]]:
    found: dict[tuple[str, str], None] = {}
    for material in materials:
        digests = object_of(material.get("digest"))
        commit = text_of(digests.get("gitCommit")) or text_of(digests.get("sha1"))
        if commit:
            found[text_of(material.get("uri")), commit] = None
    return [{"uri": uri, "commit": commit} for uri, commit in found]


def _bases(materials: list[dict[str, Any]]) -> list[dict[str, str]]:
    found: dict[tuple[str, str], None] = {}
    for material in materials:
        uri = text_of(material.get("uri"))
        digest = "sha256:" + text_of(object_of(material.get("digest")).get("sha256"))
        if uri.startswith(("pkg:docker/", "pkg:oci/")) and is_digest(digest):
            found[uri, digest] = None
    return [{"uri": uri, "digest": digest} for uri, digest in found]


def _objects(value: Any) -> list[dict[str, Any]]:
    return [object_of(v) for v in value[:_MAX_MATERIALS]] if isinstance(value, list) else []
