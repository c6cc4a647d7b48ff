"""Layouts and archives that are wrong: each is noticed, named, and the rest is read."""

from __future__ import annotations

import os
import tracemalloc
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.contract import FixedClock
from support.oci_layout import (
    OCI_CONFIG,
    OCI_INDEX,
    OCI_LAYER,
    OCI_MANIFEST,
    Json,
    Layout,
    blob_path,
    config_of,
    digest,
    docker_files,
    dump,
    old_docker_files,
    packed,
    tar_of,
    write_files,
)

from treering.adapters.oci import blobs as blobs_module
from treering.adapters.oci import documents, verify
from treering.adapters.oci.reader import OciReader
from treering.core.errors import (
    Damaged,
    LimitExceeded,
    NotPermitted,
    NotRecognised,
    SourceError,
)
from treering.core.facts import EdgeFact, EdgeKind, Fact, NodeFact, safe_value
from treering.core.ports import ReadContext
from treering.core.text import is_safe

BASE = tar_of({"etc/os-release": b"ID=test\n" * 50})
APP = tar_of({"usr/bin/app": os.urandom(3000)})


def read(path: Path, kind: str = "oci-layout") -> tuple[dict[str, NodeFact], list[Fact], list[str]]:
    context = ReadContext(clock=FixedClock())
    facts = list(OciReader(kind, str(path), "src").read(context))
    nodes = {fact.id: fact for fact in facts if isinstance(fact, NodeFact)}
    return nodes, facts, [f"{p.subject}: {p.why}" for p in context.problems]


def layout_of(*images: Json, layout: Layout | None = None) -> Layout:
    layout = layout or Layout()
    for at, image in enumerate(images):
        layout.tag(image, f"app:{at}")
    return layout


def two() -> tuple[Layout, Json, Json]:
    """A layout with one good image and one to be harmed."""
    layout = Layout()
    good, bad = layout.image([BASE]), layout.image([APP], annotations={"which": "bad"})
    layout.tag(good, "good:1")
    layout.tag(bad, "bad:1")
    return layout, good, bad


GOOD = f"image:{digest(dump(config_of([BASE])))}"
BAD = f"image:{digest(dump(config_of([APP])))}"

# -- bits --------------------------------------------------------------------------------


def test_every_flipped_byte_of_every_document_is_noticed(tmp_path: Path) -> None:
    layout, _, _ = two()
    path = layout.write(tmp_path / "l")
    files = [f for f in sorted(path.rglob("*")) if f.is_file() and f.read_bytes()[:1] == b"{"]
    assert len(files) == 6
    for file in files:
        data = file.read_bytes()
        for at in range(len(data)):
            file.write_bytes(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :])
            try:
                nodes, _, problems = read(path)
            except SourceError as error:
                assert file.parent == path, error  # noqa: PT017 -- only where no digest is
                continue
            if file.parent == path:
                continue
            assert any(blob_path("sha256:" + file.name) in p for p in problems), (file.name, at)
            assert any("damaged" in n.attrs for n in nodes.values())
        file.write_bytes(data)
    assert read(path)[2] == []


@pytest.mark.parametrize("how", ["gzip", "zstd", "none"])
def test_flipped_bytes_of_layers_are_noticed(tmp_path: Path, how: str) -> None:
    layout = layout_of()
    layout.tag(layout.image([APP], how), "app:1")
    path = layout.write(tmp_path / "l")
    data = packed(APP, how)
    file = path / blob_path(digest(data))
    for at in [*range(40), *range(40, len(data), 97), len(data) - 1]:
        flipped = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        file.write_bytes(flipped)
        nodes, _, problems = read(path)
        assert problems == [f"{blob_path(digest(data))}: digest mismatch, is {digest(flipped)}"]
        layer = nodes[f"layer:{digest(APP)}"]
        assert layer.attrs["verified"] is False
        assert "digest mismatch" in layer.attrs["damaged"]


def test_a_layer_whose_diff_id_is_another(tmp_path: Path) -> None:
    """The stored bytes are what the manifest says; what they unpack to is not (A6)."""
    layout = Layout()
    wrong = layout.add(dump(config_of([BASE])), OCI_CONFIG)
    layout.tag(layout.manifest(wrong, [layout.layer(APP)]), "app:1")
    nodes, _, problems = read(layout.write(tmp_path / "l"))
    assert "diff id mismatch" in nodes[f"layer:{digest(BASE)}"].attrs["damaged"]
    assert f"unpacks to {digest(APP)}" in problems[0]


def test_layers_that_do_not_unpack(tmp_path: Path) -> None:
    for at, data in enumerate(
        [
            packed(APP, "gzip")[:-9],
            packed(APP, "zstd")[:-9],
            b"\x1f\x8b" + bytes(200),
            b"\x28\xb5\x2f\xfd" + b"\xff" * 50,
        ]
    ):
        layout = Layout()
        config = layout.add(dump(config_of([APP])), OCI_CONFIG)
        layout.tag(layout.manifest(config, [layout.add(data, OCI_LAYER + "+gzip")]))
        nodes, _, problems = read(layout.write(tmp_path / str(at)))
        assert "stream" in nodes[f"layer:{digest(APP)}"].attrs["damaged"]
        assert len(problems) == 1


# -- blobs that are missing, cut or too long ---------------------------------------------


def test_missing_blobs_are_named_and_the_rest_is_read(tmp_path: Path) -> None:
    layout, _, bad = two()
    config = digest(dump(config_of([APP])))
    layer = digest(packed(APP, "gzip"))
    for name in (bad["digest"], config, layer):
        path = layout.write(tmp_path / name[7:20])
        (path / blob_path(name)).unlink()
        nodes, _, problems = read(path)
        assert len(problems) == 1
        assert blob_path(name) in problems[0]
        assert nodes[GOOD].attrs["layers"] == [digest(BASE)]
    assert nodes[f"layer:{digest(APP)}"].attrs["verified"] is False


def test_a_tag_on_a_missing_manifest_says_so(tmp_path: Path) -> None:
    layout, _, bad = two()
    path = layout.write(tmp_path / "l")
    (path / blob_path(bad["digest"])).unlink()
    nodes, facts, _ = read(path)
    assert "it is not here" in nodes["tag:src/bad:1"].attrs["damaged"]
    ends = {f.start: f.end for f in facts if isinstance(f, EdgeFact)}
    assert ends["tag:src/bad:1"] == f"image:{bad['digest']}"


@pytest.mark.parametrize("change", [lambda d: d[:-1], lambda d: d + b" ", lambda _: b""])
def test_blobs_of_the_wrong_size(tmp_path: Path, change: Any) -> None:
    layout, _, bad = two()
    for name in (bad["digest"], digest(dump(config_of([APP]))), digest(packed(APP, "gzip"))):
        path = layout.write(tmp_path / name[7:20])
        file = path / blob_path(name)
        file.write_bytes(change(file.read_bytes()))
        nodes, _, problems = read(path)
        assert len(problems) == 1, problems
        assert f"{blob_path(name)}: has {file.stat().st_size} bytes, not " in problems[0]
        assert any("damaged" in n.attrs for n in nodes.values())
        assert nodes[GOOD].attrs["layers"] == [digest(BASE)]


def test_descriptors_that_give_a_wrong_size(tmp_path: Path) -> None:
    layout = Layout()
    image = layout.image([BASE])
    layout.tag(image | {"size": image["size"] + 1}, "app:1")
    nodes, _, problems = read(layout.write(tmp_path / "l"))
    assert "bytes, not" in problems[0]
    assert "bytes, not" in nodes["tag:src/app:1"].attrs["damaged"]


def test_foreign_layers_may_be_absent(tmp_path: Path) -> None:
    for at, entry in enumerate(
        [
            {"urls": ["https://example.com/layer"]},
            {"mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"},
            {"mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"},
        ]
    ):
        layout = Layout()
        layer = layout.layer(APP)
        layout.blobs.pop(layer["digest"])
        config = layout.add(dump(config_of([APP])), OCI_CONFIG)
        layout.tag(layout.manifest(config, [layer | entry]))
        nodes, _, problems = read(layout.write(tmp_path / str(at)))
        assert problems == []
        assert nodes[f"layer:{digest(APP)}"].attrs["verified"] is False


def test_a_partial_copy_of_an_index_is_one_problem(tmp_path: Path) -> None:
    layout = Layout()
    images = [
        layout.image([BASE], config=config_of([BASE], architecture=name))
        | {"platform": {"os": "linux", "architecture": name}}
        for name in ("amd64", "arm64", "s390x")
    ]
    index = layout.index(images)
    layout.tag(index, "app:1")
    for image in images[1:]:
        layout.blobs.pop(image["digest"])
    _, facts, problems = read(layout.write(tmp_path / "l"))
    assert problems == [
        f"{blob_path(index['digest'])}: 2 of 3 manifests are not here: linux/arm64, linux/s390x"
    ]
    assert len([f for f in facts if isinstance(f, EdgeFact) and f.kind is EdgeKind.LISTS]) == 3


# -- documents that lie ------------------------------------------------------------------


def whole(value: Any) -> bytes:
    return value if isinstance(value, bytes) else dump(value)


BAD_MANIFESTS: dict[str, Any] = {
    "a manifest and an index at once": {"manifests": []},
    "schema 1": {"schemaVersion": 1},
    "schema 1 is": {"fsLayers": []},
    "schema version": {"schemaVersion": 3},
    "says it is": {"mediaType": "application/vnd.docker.distribution.manifest.v2+json"},
    "layers is not a list": {"layers": {}},
    "config": {"config": None},
    "layer 0: not a digest": {"layers": [{"digest": "sha256:../../x", "size": 1}]},
    "layer 0: size is -1": {"layers": [{"digest": digest(b""), "size": -1}]},
    "layer 0: Expected": {"layers": ["x"]},
    "Expected `int`": {"layers": [{"digest": digest(b""), "size": "1"}]},
    "subject": {"subject": {"digest": 5}},
}


@pytest.mark.parametrize("why", list(BAD_MANIFESTS))
def test_manifests_that_cannot_be_believed(tmp_path: Path, why: str) -> None:
    layout, _, _ = two()
    config = layout.add(dump(config_of([APP])), OCI_CONFIG)
    value = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": []}
    bad = layout.add(dump(value | BAD_MANIFESTS[why]), OCI_MANIFEST)
    layout.tag(bad, "worse:1")
    nodes, _, problems = read(layout.write(tmp_path / "l"))
    assert len(problems) == 1
    assert why in problems[0]
    assert blob_path(bad["digest"]) in problems[0]
    assert why in nodes["tag:src/worse:1"].attrs["damaged"]
    assert why in nodes[f"image:{bad['digest']}"].attrs["damaged"]
    assert nodes[GOOD].attrs["layers"]


DEEP = b"[" * 100_000 + b"]" * 100_000
HOSTILE = {
    "nested": b'{"schemaVersion":2,"manifests":' + DEEP + b"}",
    "twice": b'{"schemaVersion":2,"layers":[],"layers":[]}',
    "NaN": b'{"schemaVersion":2,"layers":[NaN]}',
    "digits": b'{"schemaVersion":' + b"9" * 5000 + b"}",
    "UTF-8": b'{"schemaVersion":2,"x":"\xff"}',
    "not JSON": b"{",
    "not an object": b"[]",
}


@pytest.mark.parametrize("why", list(HOSTILE))
def test_hostile_json_as_manifest_config_and_index(tmp_path: Path, why: str) -> None:
    layout, _, _ = two()
    data = HOSTILE[why]
    layout.tag(layout.add(data, OCI_MANIFEST), "m:1")
    layout.tag(layout.add(data + b" ", OCI_INDEX), "i:1")
    layout.tag(layout.manifest(layout.add(data + b"  ", OCI_CONFIG), []), "c:1")
    nodes, _, problems = read(layout.write(tmp_path / "l"))
    assert problems
    assert all(why in p for p in problems), problems
    assert len([n for n in nodes.values() if "damaged" in n.attrs]) >= 3
    (tmp_path / "l" / "index.json").write_bytes(data)
    with pytest.raises((Damaged, LimitExceeded), match=why):
        read(tmp_path / "l")


def test_an_index_json_that_is_also_a_manifest(tmp_path: Path) -> None:
    layout, good, _ = two()
    files = layout.files()
    both = {"schemaVersion": 2, "manifests": [good], "layers": [], "config": good}
    files["index.json"] = dump(both)
    with pytest.raises(Damaged, match="at once"):
        read(write_files(tmp_path / "l", files))


def test_documents_above_four_mebibytes_are_not_read(tmp_path: Path) -> None:
    layout, _, _ = two()
    large = b'{"schemaVersion":2,"x":"' + b"y" * (5 * 2**20) + b'"}'
    layout.tag(layout.add(large, OCI_MANIFEST), "large:1")
    lie = layout.add(large + b" ", OCI_MANIFEST) | {"size": 100}
    layout.tag(lie, "lie:1")
    _, _, problems = read(layout.write(tmp_path / "l"))
    assert "more than 4194304" in problems[0]
    assert "not 100" in problems[1]
    (tmp_path / "l" / "index.json").write_bytes(b" " * (4 * 2**20 + 1))
    with pytest.raises(LimitExceeded, match="index"):
        read(tmp_path / "l")


def test_documents_are_capped_in_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout, good, _ = two()
    monkeypatch.setattr(documents, "MAX_TOTAL", good["size"] + 100)
    nodes, _, problems = read(layout.write(tmp_path / "l"))
    assert len(problems) == 2
    assert all("beyond the first" in p for p in problems)
    assert GOOD in nodes


def test_unknown_media_types_and_schema_1_are_said_to_be_so(tmp_path: Path) -> None:
    layout, _, _ = two()
    layout.tag(layout.add(b"<xml/>", "application/xml"))
    layout.tag(layout.add(b"{}", "application/vnd.docker.distribution.manifest.v1+prettyjws"))
    nodes, _, problems = read(layout.write(tmp_path / "l"))
    assert "unknown media type application/xml" in problems[0]
    assert "schema 1 is not supported" in problems[1]
    assert nodes[GOOD].attrs["layers"]


def test_indexes_nested_too_deep_end_there(tmp_path: Path) -> None:
    layout = Layout()
    at = layout.image([BASE])
    for _ in range(12):
        at = layout.index([at])
    layout.tag(at, "deep:1")
    nodes, _, problems = read(layout.write(tmp_path / "l"))
    assert len([n for n in nodes if n.startswith("index:")]) == 8
    assert len(problems) == 1
    assert "deeper than 8" in problems[0]


def test_indexes_that_claim_to_list_each_other(tmp_path: Path) -> None:
    """A cycle needs a wrong digest somewhere; it ends there."""
    layout = Layout()
    itself = {"mediaType": OCI_INDEX, "digest": "sha256:" + "a" * 64, "size": 200}
    other = layout.index([itself])
    value = dump({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [other, itself]})
    layout.tag(itself | {"size": len(value)}, "round:1")
    layout.tag(other, "other:1")
    files = layout.files() | {blob_path(itself["digest"]): value}
    nodes, _, problems = read(write_files(tmp_path / "l", files))
    assert any("digest mismatch" in p for p in problems)
    assert f"index:{other['digest']}" in nodes


def test_ten_thousand_manifests_are_enough(tmp_path: Path) -> None:
    files = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}
    entries = [
        {"mediaType": OCI_MANIFEST, "digest": f"sha256:{n:064x}", "size": 2} for n in range(10_050)
    ]
    files["index.json"] = dump({"schemaVersion": 2, "manifests": entries})
    _, _, problems = read(write_files(tmp_path / "l", files))
    assert "50 manifests beyond 10000 were not read" in problems[0]
    assert len(problems) == 22


def test_bad_entries_of_an_index_are_left_out(tmp_path: Path) -> None:
    layout = Layout()
    image = layout.image([BASE])
    index = layout.index([image, {"digest": "sha256:0", "size": 0}, 7])
    layout.tag(index, "app:1")
    layout.roots.append({"mediaType": OCI_MANIFEST})
    nodes, _, problems = read(layout.write(tmp_path / "l"))
    assert len(problems) == 3
    assert GOOD in nodes
    assert "manifest 1" in nodes[f"index:{index['digest']}"].attrs["damaged"]


def test_configs_and_manifests_that_disagree(tmp_path: Path) -> None:
    layout = Layout()
    config = layout.add(dump(config_of([BASE, APP])), OCI_CONFIG)
    image = layout.manifest(config, [layout.layer(BASE)])
    layout.tag(image, "app:1")
    nodes, facts, problems = read(layout.write(tmp_path / "l"))
    why = "its config lists 2 layers, its manifest 1"
    assert problems == [f"{blob_path(image['digest'])}: {why}"]
    assert nodes[f"image:{config['digest']}"].attrs["damaged"] == why
    assert len([f for f in facts if isinstance(f, EdgeFact) and f.kind is EdgeKind.CONTAINS]) == 2
    assert nodes[f"layer:{digest(BASE)}"].attrs["verified"] is True
    assert nodes[f"layer:{digest(APP)}"].attrs["verified"] is False


ODD_CONFIGS: list[Json] = [
    {"config": None},
    {"config": "text"},
    {"config": {"Env": None, "Cmd": "sh -c x", "Entrypoint": "init", "Labels": None}},
    {"config": {"Env": [1, None, "A=1"], "Labels": {"a": None, "b": 2, "c": "d"}, "User": 5}},
    {"history": None, "created": None, "author": None, "os": None, "architecture": None},
    {"history": [None, 5, {"created_by": None, "empty_layer": "yes"}, {"created": 7}]},
    {"history": {}},
    {"container_config": [], "config": []},
]


@pytest.mark.parametrize("odd", ODD_CONFIGS)
def test_odd_configs_lose_only_what_is_odd(tmp_path: Path, odd: Json) -> None:
    layout = Layout()
    layout.tag(layout.image([BASE], config=config_of([BASE]) | odd), "app:1")
    nodes, _, problems = read(layout.write(tmp_path / "l"))
    (image,) = [n for n in nodes.values() if n.id.startswith("image:")]
    assert problems == []
    assert image.attrs["layers"] == [digest(BASE)]
    if isinstance(odd.get("config"), dict) and odd["config"].get("Cmd"):
        assert image.attrs["cmd"] == ["sh -c x"]
        assert image.attrs["entrypoint"] == ["init"]


@pytest.mark.parametrize(
    "rootfs", [None, {}, {"diff_ids": None}, [], "x", {"diff_ids": "x"}, {"diff_ids": ["sha256:x"]}]
)
def test_odd_lists_of_layers(tmp_path: Path, rootfs: Any) -> None:
    layout = Layout()
    layout.tag(layout.image([BASE], config=config_of([BASE]) | {"rootfs": rootfs}), "app:1")
    nodes, facts, problems = read(layout.write(tmp_path / "l"))
    (image,) = [n for n in nodes.values() if n.id.startswith("image:")]
    assert len(problems) == 1
    assert "damaged" in image.attrs
    assert "layers" not in image.attrs
    assert not [f for f in facts if isinstance(f, EdgeFact) and f.kind is EdgeKind.CONTAINS]


def test_null_lists_as_go_writes_them(tmp_path: Path) -> None:
    layout = Layout()
    config = layout.add(dump(config_of([])), OCI_CONFIG)
    layout.tag(layout.manifest(config, [], layers=None), "empty:1")
    layout.tag(layout.index([], manifests=None), "none:1")
    nodes, _, problems = read(layout.write(tmp_path / "l"))
    assert problems == []
    assert {n.partition(":")[0] for n in nodes} == {"image", "index", "tag"}
    (tmp_path / "l" / "index.json").write_bytes(b'{"schemaVersion":2,"manifests":null}')
    assert read(tmp_path / "l") == ({}, [], [])


# -- files -------------------------------------------------------------------------------


def test_unreadable_and_strange_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout, _, bad = two()
    path = layout.write(tmp_path / "l")
    target = path / blob_path(bad["digest"])
    target.rename(tmp_path / "elsewhere")
    target.symlink_to(tmp_path / "elsewhere")
    assert "symbolic link" in read(path)[2][0]
    target.unlink()
    os.mkfifo(target)
    assert "not a regular file" in read(path)[2][0]
    target.unlink()
    target.mkdir()
    assert blob_path(bad["digest"]) in read(path)[2][0]

    opened = os.open

    def refuse(name: Any, *args: Any, **kwargs: Any) -> int:
        if str(name).endswith(bad["digest"][7:]):
            raise PermissionError(13, "Permission denied")
        return opened(name, *args, **kwargs)

    monkeypatch.setattr(os, "open", refuse)
    nodes, _, problems = read(path)
    assert "permission denied" in problems[0]
    assert nodes[GOOD].attrs["layers"]


def test_an_unreadable_layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = two()[0].write(tmp_path / "l")

    def refuse(*_args: Any, **_kwargs: Any) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(NotPermitted):
        read(path)


def test_a_layer_that_fails_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = two()[0].write_archive(tmp_path / "a.tar")
    layer = packed(APP, "gzip")
    pread = os.pread

    def fail(number: int, size: int, at: int) -> bytes:
        data = pread(number, size, at)
        if data == layer:
            raise OSError(5, "Input/output error")
        return data

    monkeypatch.setattr(os, "pread", fail)
    nodes, _, problems = read(path, "oci-archive")
    assert "Input/output error" in problems[0]
    assert "Input/output error" in nodes[f"layer:{digest(APP)}"].attrs["damaged"]


def test_a_layout_without_its_index_or_version(tmp_path: Path) -> None:
    path = two()[0].write(tmp_path / "l")
    (path / "oci-layout").write_bytes(b"{}")
    assert read(path)[2] == ["oci-layout: it names no imageLayoutVersion"]
    (path / "index.json").unlink()
    with pytest.raises(Damaged, match=r"no index\.json"):
        read(path)
    (path / "oci-layout").unlink()
    with pytest.raises(NotRecognised):
        read(path)


# -- archives ----------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["none", "gzip", "zstd"])
def test_archives_cut_short_give_what_came_before(tmp_path: Path, how: str) -> None:
    layout, _, _ = two()
    path = layout.write_archive(tmp_path / "a.tar", how)
    data = path.read_bytes()
    some = 0
    for cut in range(0, len(data), max(1, len(data) // 60)):
        path.write_bytes(data[:cut])
        try:
            nodes, _, problems = read(path, "oci-archive")
        except SourceError as error:
            assert "a.tar" in str(error)  # noqa: PT017 -- some cuts leave enough to read
            continue
        some += 1
        assert problems or GOOD in nodes
    assert some or how == "zstd"


def test_flipped_bytes_of_archives_never_give_a_wrong_image(tmp_path: Path) -> None:
    layout, _, _ = two()
    clean = layout.write_archive(tmp_path / "a.tar").read_bytes()
    good = read(tmp_path / "a.tar", "oci-archive")[0][GOOD]
    for how in ("none", "gzip"):
        data = packed(clean, how)
        for at in range(0, len(data), max(1, len(data) // 150)):
            (tmp_path / "a.tar").write_bytes(data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :])
            try:
                nodes, _, problems = read(tmp_path / "a.tar", "oci-archive")
            except SourceError:
                continue
            found = nodes.get(GOOD)
            assert problems or found is None or found.attrs == good.attrs


def test_docker_archives_with_every_kind_of_damage(tmp_path: Path) -> None:
    files = docker_files([BASE, APP], ["app:1"])
    config = next(n for n in files if n.endswith(".json") and n != "manifest.json")
    layer = next(n for n in files if n.endswith("layer.tar"))
    entry = {"Config": config, "RepoTags": ["app:1"], "Layers": [layer]}
    for change, why in (
        ({config: b"{}"}, "digest mismatch"),
        ({config: None}, "not in"),
        ({layer: None}, "it is not here"),
        ({layer: APP}, "diff id mismatch"),
        ({"manifest.json": dump([entry])}, "its config lists 2 layers, the archive 1"),
        ({"manifest.json": dump([entry | {"Config": "../../etc/passwd"}])}, "not in"),
        ({"manifest.json": dump([{}, 5])}, "names no Config"),
    ):
        changed = {n: d for n, d in (files | change).items() if d is not None}
        path = tmp_path / "d.tar"
        path.write_bytes(tar_of(changed))
        nodes, _, problems = read(path, "docker-archive")
        assert any(why in p for p in problems), (why, problems)
        if why != "names no Config" and "passwd" not in str(change):
            assert any("damaged" in n.attrs for n in nodes.values()), why
    for broken in (b"{}", b"[", DEEP):
        path.write_bytes(tar_of(files | {"manifest.json": broken}))
        with pytest.raises((Damaged, LimitExceeded), match=r"manifest\.json"):
            read(path, "docker-archive")


def test_old_docker_archives_with_damage(tmp_path: Path) -> None:
    files = old_docker_files([BASE, APP], "app", "1")
    top = next(n for n in files if n.endswith("/json") and b"parent" in files[n])
    base = next(n for n in files if n.endswith("/json") and n != top)
    path = tmp_path / "d.tar"
    circle = dump({"parent": top.partition("/")[0]})
    for change, why in (
        ({top: b"["}, "not JSON"),
        ({base: circle}, "circle"),
        ({base: None}, "not in"),
        ({base.replace("json", "layer.tar"): None}, "it is not here"),
        ({base.replace("json", "layer.tar"): packed(BASE, "gzip")[:-5]}, "ends too early"),
        ({"repositories": dump({"app": {"1": 5, "2": "x"}, "b": None})}, "names no image"),
    ):
        path.write_bytes(tar_of({n: d for n, d in (files | change).items() if d is not None}))
        _, _, problems = read(path, "docker-archive")
        assert any(why in p for p in problems), (why, problems)
    path.write_bytes(tar_of(files | {"repositories": b"[]"}))
    with pytest.raises(Damaged, match="repositories"):
        read(path, "docker-archive")


# -- bombs and budgets -------------------------------------------------------------------


def bomb(megabytes: int) -> Iterator[bytes]:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    for _ in range(megabytes):
        yield packer.compress(bytes(2**20))
    yield packer.flush()


def test_bombs_stop_at_the_cap_with_little_memory(tmp_path: Path) -> None:
    data = b"".join(bomb(200))
    layout, _, _ = two()
    config = layout.add(dump(config_of([APP]) | {"author": "bomb"}), OCI_CONFIG)
    layout.tag(layout.manifest(config, [layout.add(data, OCI_LAYER + "+gzip")]), "bomb:1")
    path = layout.write(tmp_path / "l")
    layout.write_archive(tmp_path / "a.tar.gz", "gzip")
    for kind, place in (("oci-layout", path), ("oci-archive", tmp_path / "a.tar.gz")):
        tracemalloc.start()
        nodes, _, problems = read(place, kind)
        assert tracemalloc.get_traced_memory()[1] < 16 * 2**20
        tracemalloc.stop()
        assert len(problems) == 1
        assert "unpacks to more than" in problems[0]
        assert nodes[f"layer:{digest(BASE)}"].attrs["verified"] is True
        assert nodes[f"layer:{digest(APP)}"].attrs["verified"] is False


def test_beyond_the_budget_layers_are_unverified_and_unblamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "_LEAST", 1)
    monkeypatch.setattr(blobs_module, "VERIFY_BUDGET", len(packed(BASE, "gzip")))
    layout, _, _ = two()
    layout.write_archive(tmp_path / "a.tar.gz", "gzip")
    path = layout.write(tmp_path / "l")
    reader = OciReader("oci-layout", str(path), "src")
    monkeypatch.setattr(reader, "_verifier", verify.Verifier(len(packed(BASE, "gzip"))))
    context = ReadContext(clock=FixedClock())
    for _ in range(2):
        facts = [f for f in reader.read(context) if isinstance(f, NodeFact)]
        found = {f.id: f.attrs.get("verified") for f in facts if f.id.startswith("layer:")}
        assert found == {f"layer:{digest(BASE)}": True, f"layer:{digest(APP)}": False}
        assert context.problems == []
    nodes, _, problems = read(tmp_path / "a.tar.gz", "oci-archive")
    assert nodes[f"layer:{digest(BASE)}"].attrs["verified"] is True
    assert nodes[f"layer:{digest(APP)}"].attrs["verified"] is False
    assert problems == []


def test_reading_again_hashes_again_only_what_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout, _, _ = two()
    path = layout.write(tmp_path / "l")
    hashed: list[Any] = []
    real = verify.hash_layer
    monkeypatch.setattr(
        verify, "hash_layer", lambda file, **more: hashed.append(file) or real(file, **more)
    )
    reader = OciReader("oci-layout", str(path), "src")
    list(reader.read(ReadContext(clock=FixedClock())))
    assert len(hashed) == 2
    file = path / blob_path(digest(packed(APP, "gzip")))
    data = bytearray(file.read_bytes())
    data[50] ^= 1
    file.write_bytes(data)
    context = ReadContext(clock=FixedClock())
    list(reader.read(context))
    assert len(hashed) == 3
    assert "digest mismatch" in context.problems[0].why


# -- hostile text ------------------------------------------------------------------------


@settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.text(max_size=40), st.text(max_size=40))
def test_hostile_text_is_safe_everywhere(tmp_path: Path, one: str, other: str) -> None:
    one = one.encode("utf-8", "replace").decode()
    other = other.encode("utf-8", "replace").decode()
    layout = Layout()
    config = config_of(
        [BASE],
        author=one,
        created=other,
        config={"Labels": {one: other}, "Env": [one], "Cmd": other, "User": one},
        history=[{"created_by": one, "comment": other}],
    )
    image = layout.image([BASE], config=config, annotations={one: other})
    layout.tag(image, one, **{other: one, "io.containerd.image.name": other})
    layout.tag(layout.artifact(one, [], subject=image, annotations={other: one}))
    layout.tag(layout.add(b"{}", one or "x"))
    nodes, facts, _ = read(layout.write(tmp_path / "l"))
    assert any(n.startswith("image:") for n in nodes)
    for fact in facts:
        texts = [fact.why, fact.start, fact.end] if isinstance(fact, EdgeFact) else [fact.label]
        assert all(is_safe(text) for text in texts)
        if isinstance(fact, NodeFact):
            assert is_safe(fact.id)
            assert safe_value(fact.attrs) == fact.attrs
            assert all(is_safe(name) for name in fact.names)


@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["config", "layers", "rootfs", "diff_ids", "history", "digest", "size", "Env"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    ),
    st.sampled_from([OCI_MANIFEST, OCI_INDEX, OCI_CONFIG]),
)
def test_any_json_anywhere_is_survived(tmp_path: Path, value: Any, media_type: str) -> None:
    layout, _, _ = two()
    blob = layout.add(dump(value), media_type)
    if media_type == OCI_CONFIG:
        blob = layout.manifest(blob, [layout.layer(APP)])
    layout.tag(blob, "odd:1")
    nodes, _, _ = read(layout.write(tmp_path / "l"))
    assert nodes[GOOD].attrs["layers"]


def test_lone_surrogates_and_controls_are_shown_not_printed(tmp_path: Path) -> None:
    text = "\ud800\x1b]52;c;AAAA\x07\u202e"
    layout = Layout()
    config = config_of([BASE], author=text, config={"Labels": {text: text}})
    layout.tag(layout.image([BASE], config=config, annotations={text: text}), f"app:{text}")
    (tmp_path / "d.tar").write_bytes(tar_of(docker_files([BASE], [f"app:{text}"], config)))
    for path, kind in (
        (layout.write(tmp_path / "l"), "oci-layout"),
        (tmp_path / "d.tar", "docker-archive"),
    ):
        nodes, _, problems = read(path, kind)
        assert problems == []
        shown = "\\u{d800}\\u{1b}]52;c;AAAA\\u{7}\\u{202e}"
        assert nodes[f"tag:src/app:{shown}"].label == f"app:{shown}"
        (image,) = [n for n in nodes.values() if n.id.startswith("image:")]
        assert image.attrs["labels"] == {shown: shown}
