"""What others say about images of the story: provenance, a signature, a bill of materials.

Owns their shapes. The signature is a stand-in of the right form: the demo world has no key.
Sources: SLSA provenance v1 as BuildKit writes it (docs/attestations); cosign
specs/SIGNATURE_SPEC.md; distribution-spec, "Referrers"; SPDX 2.3.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from hashlib import sha512
from typing import Any

from treering.adapters.demo import oci
from treering.adapters.demo.oci import Descriptor, Layout
from treering.adapters.demo.times import day, text_of

STATEMENT = "application/vnd.in-toto+json"
SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
PREDICATE = "https://slsa.dev/provenance/v1"
_UNKNOWN = {"architecture": "unknown", "os": "unknown"}


def provenance(
    layout: Layout, subject: Descriptor, name: str, source: tuple[str, str], base: tuple[str, str]
) -> Descriptor:
    """Write BuildKit's provenance of an image; return its descriptor for an index.

    `name` is the image's, `source` a git address and commit, `base` an image and its digest.
    """
    predicate = {
        "buildDefinition": {
            "buildType": "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md",
            "externalParameters": {"configSource": {"path": "api/Containerfile"}},
            "resolvedDependencies": [
                {
                    "uri": f"pkg:docker/{base[0].replace(':', '@')}?platform=linux%2Famd64",
                    "digest": {"sha256": _hex(base[1])},
                },
                {"uri": f"{source[0]}#refs/heads/main", "digest": {"sha1": source[1]}},
            ],
        },
        "runDetails": {
            "builder": {"id": "https://ci.shop.example/builds/217"},
            "metadata": {
                "invocationID": "shop-217",
                "startedOn": text_of(day(41)),
                "finishedOn": text_of(day(41, 9, 4)),
            },
        },
    }
    about = {
        "name": f"pkg:docker/{name.replace(':', '@')}",
        "digest": {"sha256": _hex(subject["digest"])},
    }
    statement = _statement([about], PREDICATE, predicate)
    blob = layout.blob(oci.document(statement), STATEMENT)
    blob["annotations"] = {"in-toto.io/predicate-type": PREDICATE}
    config = {
        "architecture": "unknown",
        "os": "unknown",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [blob["digest"]]},
    }
    manifest = layout.manifest(layout.blob(oci.document(config), oci.CONFIG), [blob], {})
    manifest["platform"] = _UNKNOWN
    manifest["annotations"] = {
        "vnd.docker.reference.type": "attestation-manifest",
        "vnd.docker.reference.digest": subject["digest"],
    }
    return manifest


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")


def _statement(subject: Sequence[Any], kind: str, predicate: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "_type": "https://in-toto.io/Statement/v0.1",
        "predicateType": kind,
        "subject": list(subject),
        "predicate": dict(predicate),
    }


def signature(layout: Layout, subject: Descriptor, reference: str) -> Descriptor:
    """Write a signature the way cosign 2 stores it; return its manifest's descriptor."""
    payload = oci.document(
        {
            "critical": {
                "identity": {"docker-reference": reference},
                "image": {"docker-manifest-digest": subject["digest"]},
                "type": "cosign container image signature",
            },
            "optional": None,
        }
    )
    blob = layout.blob(payload, SIMPLE_SIGNING)
    stand_in = base64.b64encode(b"0" + sha512(payload).digest()).decode("ascii")
    blob["annotations"] = {"dev.cosignproject.cosign/signature": stand_in}
    diff_ids = {"type": "layers", "diff_ids": [blob["digest"]]}
    config = {"architecture": "", "os": "", "config": {}, "rootfs": diff_ids}
    return layout.manifest(layout.blob(oci.document(config), oci.CONFIG), [blob], {})


def bill_of_materials(layout: Layout, subject: Descriptor, packages: Sequence[str]) -> Descriptor:
    """Write an SPDX document that refers to an image; return its manifest's descriptor."""
    kind = "application/spdx+json"
    value = {
        "spdxVersion": "SPDX-2.3",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": "shop/web 1.2",
        "packages": [{"name": name, "SPDXID": f"SPDXRef-{name}"} for name in packages],
    }
    blob = layout.blob(oci.document(value), kind)
    empty = layout.blob(b"{}", oci.EMPTY)
    about = {key: subject[key] for key in ("mediaType", "digest", "size")}
    made = {"org.opencontainers.image.created": text_of(day(41))}
    manifest = layout.manifest(empty, [blob], made, artifactType=kind, subject=about)
    return {**manifest, "artifactType": kind, "annotations": made}
