"""Attestations, signatures and provenance in layouts, in every form they are stored in."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.contract import FixedClock
from support.oci_layout import (
    OCI_CONFIG,
    Json,
    Layout,
    blob_path,
    config_of,
    digest,
    dump,
    tar_of,
)

from treering.adapters.oci import refs, statements
from treering.adapters.oci.reader import OciReader
from treering.adapters.oci.statements import Statement
from treering.core.errors import SourceError
from treering.core.facts import EdgeFact, EdgeKind, Level, NodeFact
from treering.core.ports import ReadContext

BASE = tar_of({"etc/os-release": b"ID=test\n"})
IN_TOTO = "application/vnd.in-toto+json"
COMMIT = "c" * 40
IMAGE_CONFIG = digest(dump(config_of([BASE])))
IMAGE = f"image:{IMAGE_CONFIG}"


def read(layout: Layout, path: Path) -> tuple[dict[str, NodeFact], list[EdgeFact], list[str]]:
    context = ReadContext(clock=FixedClock())
    facts = list(OciReader("oci-layout", str(layout.write(path)), "src").read(context))
    nodes = {f.id: f for f in facts if isinstance(f, NodeFact)}
    edges = [f for f in facts if isinstance(f, EdgeFact)]
    return nodes, edges, [f"{p.subject}: {p.why}" for p in context.problems]


def the_edge(edges: list[EdgeFact], kind: EdgeKind) -> EdgeFact:
    (found,) = [e for e in edges if e.kind is kind]
    return found


def statement(predicate_type: str, predicate: Json) -> bytes:
    return dump(
        {
            "_type": "https://in-toto.io/Statement/v0.1",
            "predicateType": predicate_type,
            "subject": [{"name": "x", "digest": {"sha256": "0" * 64}}],
            "predicate": predicate,
        }
    )


V1 = "https://slsa.dev/provenance/v1"
V02 = "https://slsa.dev/provenance/v0.2"
MATERIALS: list[Json] = [
    {"uri": "pkg:docker/alpine@3.20?platform=linux%2Famd64", "digest": {"sha256": "a" * 64}},
    {"uri": "https://example.com/app.git#main", "digest": {"sha1": COMMIT}},
]
PROVENANCE_V1: Json = {
    "buildDefinition": {
        "buildType": "https://mobyproject.org/buildkit@v1",
        "externalParameters": {
            "configSource": {
                "uri": "https://example.com/app.git#main",
                "digest": {"sha1": COMMIT},
                "path": "Dockerfile",
            }
        },
        "resolvedDependencies": MATERIALS,
    },
    "runDetails": {
        "builder": {"id": "https://builder.example"},
        "metadata": {
            "invocationId": "run-7",
            "startedOn": "2024-01-01T00:00:00Z",
            "finishedOn": "2024-01-01T00:01:00Z",
            "buildkit_metadata": {"vcs": {"source": "git@example.com:app", "revision": "d" * 40}},
        },
    },
}
PROVENANCE_V02: Json = {
    "builder": {"id": "https://builder.example"},
    "buildType": "https://mobyproject.org/buildkit@v1",
    "materials": MATERIALS,
    "invocation": {
        "configSource": {"uri": "https://example.com/app.git#main", "digest": {"sha1": COMMIT}}
    },
    "metadata": {
        "buildInvocationID": "run-7",
        "buildStartedOn": "2024-01-01T00:00:00Z",
        "buildFinishedOn": "2024-01-01T00:01:00Z",
        "https://mobyproject.org/buildkit@v1#metadata": {
            "vcs": {"source": "git@example.com:app", "revision": "d" * 40}
        },
    },
}
EXPECTED: Json = {
    "builder": "https://builder.example",
    "invocation": "run-7",
    "build_type": "https://mobyproject.org/buildkit@v1",
    "started": "2024-01-01T00:00:00Z",
    "finished": "2024-01-01T00:01:00Z",
    "sources": [
        {"uri": "https://example.com/app.git#main", "commit": COMMIT},
        {"uri": "git@example.com:app", "commit": "d" * 40},
    ],
    "bases": [
        {
            "uri": "pkg:docker/alpine@3.20?platform=linux%2Famd64",
            "digest": "sha256:" + "a" * 64,
        }
    ],
}


def buildkit(form: str, predicate_type: str, predicate: Json) -> tuple[Layout, Json, Json]:
    """What ``docker buildx build --provenance`` writes, with or without oci-artifact."""
    layout = Layout()
    image = layout.image([BASE])
    data = statement(predicate_type, predicate)
    blob = layout.add(data, IN_TOTO, annotations={"in-toto.io/predicate-type": predicate_type})
    notes = {
        "platform": {"os": "unknown", "architecture": "unknown"},
        "annotations": {
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": image["digest"],
        },
    }
    if form == "old":
        config = layout.add(dump({"rootfs": {"diff_ids": [digest(data)]}}), OCI_CONFIG)
        note = layout.manifest(config, [blob], descriptor=notes)
    else:
        kind = "application/vnd.docker.attestation.manifest.v1+json"
        note = layout.artifact(kind, [blob], subject=image, descriptor=notes)
    index = layout.index([image | {"platform": {"os": "linux", "architecture": "amd64"}}, note])
    layout.tag(index, "app:1")
    return layout, note, index


@pytest.mark.parametrize("form", ["old", "new"])
@pytest.mark.parametrize(("kind", "predicate"), [(V1, PROVENANCE_V1), (V02, PROVENANCE_V02)])
def test_buildkit_attestations(tmp_path: Path, form: str, kind: str, predicate: Json) -> None:
    layout, note, index = buildkit(form, kind, predicate)
    nodes, edges, problems = read(layout, tmp_path / "l")
    assert problems == []
    found = nodes[f"attestation:{note['digest']}"]
    assert found.attrs["provenance"] == EXPECTED
    assert found.attrs["predicate_types"] == [kind]
    assert found.label.startswith("provenance of sha256:")
    attests = the_edge(edges, EdgeKind.ATTESTS)
    assert (attests.start, attests.end) == (found.id, IMAGE)
    assert attests.level is (Level.EXACT if form == "new" else Level.DECLARED)
    built = the_edge(edges, EdgeKind.BUILT_BY)
    assert (built.start, built.end, built.level) == (IMAGE, "build:src/run-7", Level.DECLARED)
    assert nodes["build:src/run-7"].attrs["builder"] == "https://builder.example"
    listed = nodes[f"index:{index['digest']}"]
    assert listed.attrs["platforms"] == ["linux/amd64"]
    assert the_edge(edges, EdgeKind.LISTS).end == IMAGE
    assert index["digest"] in nodes[IMAGE].names


def test_provenance_of_an_index_reaches_its_images(tmp_path: Path) -> None:
    layout = Layout()
    index = layout.index([layout.image([BASE])])
    blob = layout.add(statement(V1, PROVENANCE_V1), IN_TOTO)
    note = layout.artifact(IN_TOTO, [blob], subject=index)
    layout.tag(index, "app:1")
    layout.tag(note)
    nodes, edges, _ = read(layout, tmp_path / "l")
    assert the_edge(edges, EdgeKind.ATTESTS).end == f"index:{index['digest']}"
    assert the_edge(edges, EdgeKind.BUILT_BY).start == IMAGE
    assert nodes[f"attestation:{note['digest']}"].attrs["subject"] == index["digest"]


def test_referrers_under_a_fallback_tag(tmp_path: Path) -> None:
    layout = Layout()
    image = layout.image([BASE])
    sbom = layout.add(b'{"spdxVersion":"SPDX-2.3"}', "application/spdx+json")
    note = layout.artifact("application/spdx+json", [sbom], subject=image, annotations={"a": "b"})
    second = layout.artifact("x/y", [], subject=note)
    fallback = layout.index([note])
    layout.tag(image, "app:1")
    layout.tag(fallback, image["digest"].replace(":", "-"))
    layout.tag(second)
    nodes, edges, problems = read(layout, tmp_path / "l")
    assert problems == []
    found = nodes[f"attestation:{note['digest']}"]
    assert found.attrs["artifact_type"] == "application/spdx+json"
    assert found.attrs["annotations"] == {"a": "b"}
    assert found.label.startswith("SBOM of ")
    attests = {e.start: e.end for e in edges if e.kind is EdgeKind.ATTESTS}
    assert attests == {
        found.id: IMAGE,
        f"attestation:{second['digest']}": found.id,
    }
    assert nodes[f"index:{fallback['digest']}"].attrs["subject"] == image["digest"]
    assert not [e for e in edges if e.kind is EdgeKind.LISTS]


def test_an_image_under_a_fallback_tag_is_an_image(tmp_path: Path) -> None:
    """``cosign copy`` tags the image itself so: that is no list of referrers."""
    layout = Layout()
    image = layout.image([BASE])
    for suffix in ("", ".sig"):
        layout.tag(image, image["digest"].replace(":", "-") + suffix)
    nodes, edges, problems = read(layout, tmp_path / "l")
    assert problems == []
    assert IMAGE in nodes
    assert not [n for n in nodes if n.startswith("attestation:")]
    assert {e.end for e in edges if e.kind is EdgeKind.POINTS_AT} == {IMAGE}


def cosign(layout: Layout, image: Json, *, payload: bytes | None = None) -> Json:
    if payload is None:
        payload = dump(
            {
                "critical": {
                    "identity": {"docker-reference": "registry.example/app"},
                    "image": {"docker-manifest-digest": image["digest"]},
                    "type": "cosign container image signature",
                }
            }
        )
    notes = {"dev.cosignproject.cosign/signature": "MEUC"}
    blob = layout.add(payload, statements.SIMPLE_SIGNING, annotations=notes)
    config = layout.add(dump({"rootfs": {"diff_ids": [digest(payload)]}}), OCI_CONFIG)
    return layout.manifest(config, [blob])


@pytest.mark.parametrize("tagged", [True, False])
def test_cosign_signatures_name_what_they_are_for(tmp_path: Path, *, tagged: bool) -> None:
    layout = Layout()
    image = layout.image([BASE])
    note = cosign(layout, image)
    layout.tag(image, "app:1")
    layout.tag(note, image["digest"].replace(":", "-") + ".sig" if tagged else "")
    nodes, edges, problems = read(layout, tmp_path / "l")
    assert problems == []
    found = nodes[f"attestation:{note['digest']}"]
    (signature,) = found.attrs["signatures"]
    assert signature["type"] == "cosign"
    assert signature["signs"] == image["digest"]
    assert signature["reference"] == "registry.example/app"
    assert found.label.startswith("signature of ")
    attests = the_edge(edges, EdgeKind.ATTESTS)
    assert (attests.end, attests.level) == (IMAGE, Level.DECLARED)
    assert "not verified" in attests.why
    if tagged:
        ends = {e.start: e.end for e in edges if e.kind is EdgeKind.POINTS_AT}
        assert ends[f"tag:src:{image['digest'].replace(':', '-')}.sig"] == found.id


def test_cosign_attestations_in_envelopes_and_bundles(tmp_path: Path) -> None:
    payload = base64.b64encode(statement(V02, PROVENANCE_V02)).decode()
    envelope = {"payloadType": IN_TOTO, "payload": payload, "signatures": [{"sig": "x"}]}
    layout = Layout()
    image = layout.image([BASE])
    layout.tag(image, "app:1")
    blob = layout.add(dump(envelope), statements.ENVELOPE, annotations={"predicateType": V02})
    config = layout.add(dump({"rootfs": {}}), OCI_CONFIG)
    tagged = layout.manifest(config, [blob])
    layout.tag(tagged, image["digest"].replace(":", "-") + ".att")
    kind = "application/vnd.dev.sigstore.bundle.v0.3+json"
    bundle = layout.add(dump({"mediaType": kind, "dsseEnvelope": envelope}), kind)
    referrer = layout.artifact(kind, [bundle], subject=image)
    layout.tag(referrer)
    nodes, edges, problems = read(layout, tmp_path / "l")
    assert problems == []
    by_tag, by_subject = (nodes[f"attestation:{d['digest']}"] for d in (tagged, referrer))
    assert by_tag.attrs["provenance"] == by_subject.attrs["provenance"] == EXPECTED
    assert by_tag.attrs["signatures"][0]["type"] == "dsse"
    assert by_subject.attrs["signatures"][0]["type"] == "sigstore-bundle"
    levels = {e.start: e.level for e in edges if e.kind is EdgeKind.ATTESTS}
    assert levels == {by_tag.id: Level.INFERRED, by_subject.id: Level.EXACT}


def test_artifacts_without_a_subject_are_images_by_their_manifest(tmp_path: Path) -> None:
    layout = Layout()
    artifact = layout.artifact("application/vnd.example.model", [layout.add(b"weights", "a/b")])
    helm = layout.manifest(
        layout.add(b'{"name":"chart"}', "application/vnd.cncf.helm.config.v1+json"),
        [layout.add(b"chart", "application/vnd.cncf.helm.chart.content.v1.tar+gzip")],
    )
    layout.tag(artifact, "model:1")
    layout.tag(helm, "chart:1")
    nodes, edges, problems = read(layout, tmp_path / "l")
    assert problems == []
    assert nodes[f"image:{artifact['digest']}"].attrs["artifact_type"] == (
        "application/vnd.example.model"
    )
    assert nodes[f"image:{helm['digest']}"].attrs["artifact_type"] == (
        "application/vnd.cncf.helm.config.v1+json"
    )
    assert {e.kind for e in edges} == {EdgeKind.POINTS_AT}


def test_oci_artifact_manifests_of_the_first_draft(tmp_path: Path) -> None:
    layout = Layout()
    image = layout.image([BASE])
    kind = "application/vnd.oci.artifact.manifest.v1+json"
    value = {"mediaType": kind, "artifactType": "x/y", "blobs": [], "subject": image}
    layout.tag(image)
    note = layout.add(dump(value), kind)
    layout.tag(note)
    nodes, edges, problems = read(layout, tmp_path / "l")
    assert problems == []
    assert f"attestation:{note['digest']}" in nodes
    assert the_edge(edges, EdgeKind.ATTESTS).end == IMAGE


def test_damaged_blobs_of_attestations_and_artifacts(tmp_path: Path) -> None:
    layout, note, _ = buildkit("new", V1, PROVENANCE_V1)
    sbom = layout.add(b"sbom" * 100, "text/spdx")
    layout.tag(layout.artifact("text/spdx", [sbom]))
    path = layout.write(tmp_path / "l")
    told = digest(statement(V1, PROVENANCE_V1))
    for name in (told, sbom["digest"]):
        file = path / blob_path(name)
        file.write_bytes(file.read_bytes()[:-1] + b"!")
    context = ReadContext(clock=FixedClock())
    facts = list(OciReader("oci-layout", str(path), "src").read(context))
    (found,) = [f for f in facts if isinstance(f, NodeFact) and f.id.startswith("attestation:")]
    assert found.id == f"attestation:{note['digest']}"
    assert "digest mismatch" in found.attrs["damaged"]
    assert "provenance" not in found.attrs
    assert {p.subject for p in context.problems} == {blob_path(told), blob_path(sbom["digest"])}


@pytest.mark.parametrize("payload", [b"", b"[]", b"null", b'{"critical":{"image":5}}', b"\xff"])
def test_signatures_that_say_nothing(tmp_path: Path, payload: bytes) -> None:
    layout = Layout()
    image = layout.image([BASE])
    layout.tag(image)
    note = cosign(layout, image, payload=payload)
    layout.tag(note, image["digest"].replace(":", "-") + ".sig")
    _, edges, _ = read(layout, tmp_path / "l")
    attests = the_edge(edges, EdgeKind.ATTESTS)
    assert attests.level is Level.INFERRED
    assert attests.start == f"attestation:{note['digest']}"


@pytest.mark.parametrize(
    "predicate",
    [
        {"buildDefinition": None, "runDetails": []},
        {"buildDefinition": {"resolvedDependencies": [None, 5, {"uri": 7, "digest": "x"}]}},
        {"materials": {}, "metadata": [], "invocation": "x", "builder": None},
    ],
)
def test_odd_provenance_is_read_as_far_as_it_goes(predicate: Json) -> None:
    assert statements.provenance(Statement(V1, predicate)) == {}


json_values: Any = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=10,
)


@given(json_values, st.sampled_from(["payload", "dsseEnvelope", "predicate", "predicateType"]))
def test_any_json_as_a_statement(value: Any, key: str) -> None:
    data = dump({"predicateType": V1, key: value})
    try:
        found = statements.parse(data, "blob")
        statements.signed_digest(data, "blob")
    except SourceError:
        return
    if found:
        statements.provenance(found)


def test_references() -> None:
    number = "sha256:" + "0" * 64
    assert refs.parse("a/b:c") == ("a/b", "c", "")
    assert refs.parse(f"a/b:c@{number}") == ("a/b", "c", number)
    assert refs.parse(f"a/b@{number}") == ("a/b", "", number)
    assert refs.parse("a@b:c") == ("a@b", "c", "")
    assert refs.parse(":x") == ("", ":x", "")
    assert refs.parse("") == ("", "", "")
    hexes = "0" * 64
    assert refs.referring(f"sha256-{hexes}") == (f"sha256:{hexes}", "referrers")
    assert refs.referring(f"sha256-{hexes}.sbom") == (f"sha256:{hexes}", "SBOM")
    assert refs.referring(f"sha512-{hexes}") is None
    assert refs.referring(f"sha256-{hexes}.exe") is None
    assert refs.referring("latest") is None
