"""Layouts and archives, read whole: the reader's contract and the five identities of an image."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.contract import FixedClock, ReaderContract
from support.oci_layout import (
    DOCKER_CONFIG,
    DOCKER_LAYER,
    DOCKER_MANIFEST,
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
)

from treering.adapters.oci.adapter import ADAPTERS
from treering.adapters.oci.reader import OciReader
from treering.core import ids
from treering.core.errors import Cancelled, NotRecognised, Unreachable
from treering.core.facts import EdgeFact, EdgeKind, Fact, Level, NodeFact
from treering.core.graph import Graph
from treering.core.ids import Digest, Kind
from treering.core.ports import Progress, ReadContext, SourceSpec

BASE = tar_of({"etc/os-release": b"ID=test\n" * 50})
APP = tar_of({"usr/bin/app": bytes(range(256)) * 40})
DATA = tar_of({"srv/data": b"data" * 5000})


def read(path: Path, kind: str = "oci-layout", name: str = "src") -> tuple[list[Fact], ReadContext]:
    context = ReadContext(clock=FixedClock())
    return list(OciReader(kind, str(path), name).read(context)), context


def nodes(facts: list[Fact]) -> dict[str, NodeFact]:
    found = [fact for fact in facts if isinstance(fact, NodeFact)]
    assert len({fact.id for fact in found}) == len(found), "one fact for each node"
    return {fact.id: fact for fact in found}


def edges(facts: list[Fact], kind: EdgeKind) -> dict[tuple[str, str], EdgeFact]:
    found = [fact for fact in facts if isinstance(fact, EdgeFact) and fact.kind is kind]
    return {(fact.start, fact.end): fact for fact in found}


def sample() -> Layout:
    layout = Layout()
    image = layout.image([BASE, APP])
    other = layout.image([BASE], "zstd", config=config_of([BASE], architecture="arm64"))
    index = layout.index(
        [
            image | {"platform": {"os": "linux", "architecture": "amd64"}},
            other | {"platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}},
        ]
    )
    layout.tag(image, "app:1.2")
    layout.tag(index, "registry.example:5000/team/app:1.2")
    layout.tag(layout.artifact("text/plain", [layout.add(b"sbom", "text/spdx")], subject=image))
    return layout


# -- the contract ------------------------------------------------------------------------


class TestLayoutContract(ReaderContract):
    @pytest.fixture
    def reader(self, tmp_path: Path) -> OciReader:
        return OciReader("oci-layout", str(sample().write(tmp_path / "layout")), "layout")

    @pytest.fixture
    def missing(self, tmp_path: Path) -> OciReader:
        return OciReader("oci-layout", str(tmp_path / "nowhere"), "layout")


class TestOciArchiveContract(ReaderContract):
    @pytest.fixture(params=["none", "gzip", "zstd"])
    def reader(self, tmp_path: Path, request: pytest.FixtureRequest) -> OciReader:
        path = sample().write_archive(tmp_path / "a.tar", request.param)
        return OciReader("oci-archive", str(path), "archive")

    @pytest.fixture
    def missing(self, tmp_path: Path) -> OciReader:
        return OciReader("oci-archive", str(tmp_path / "nowhere.tar"), "archive")


class TestDockerArchiveContract(ReaderContract):
    @pytest.fixture(params=[docker_files, old_docker_files])
    def reader(self, tmp_path: Path, request: pytest.FixtureRequest) -> OciReader:
        names: tuple[Any, ...] = (["app:1.2"],) if request.param is docker_files else ("app", "1.2")
        path = tmp_path / "d.tar"
        path.write_bytes(tar_of(request.param([BASE, APP, BASE], *names)))
        return OciReader("docker-archive", str(path), "archive")

    @pytest.fixture
    def missing(self, tmp_path: Path) -> OciReader:
        return OciReader("docker-archive", str(tmp_path / "nowhere.tar"), "archive")


# -- the identities of one image ---------------------------------------------------------


def test_one_image_in_three_forms_is_one_node(tmp_path: Path) -> None:
    """The config digest is the same; every manifest digest differs with the compression."""
    for how in ("gzip", "zstd", "none"):
        layout = Layout()
        layout.tag(layout.image([BASE, APP], how), "app:1.2")
        layout.write(tmp_path / how)
    (tmp_path / "d.tar").write_bytes(tar_of(docker_files([BASE, APP], ["app:1.2"])))
    graph = Graph()
    for how in ("gzip", "zstd", "none"):
        graph.merge(read(tmp_path / how, name=how)[0])
    graph.merge(read(tmp_path / "d.tar", "docker-archive", "docker")[0])
    (image,) = graph.of_kind(Kind.IMAGE)
    node = graph.node(image)
    assert image == ids.image(Digest(digest(dump(config_of([BASE, APP])))))
    assert node.sources == ("docker", "gzip", "none", "zstd")
    assert len(node.same) == 3
    assert all(graph.canonical(ids.image(manifest)) == image for manifest in node.same)
    assert ids.chain_id((Digest(digest(BASE)), Digest(digest(APP)))) in node.names
    assert len(graph.of_kind(Kind.LAYER)) == 2
    layer = graph.node(ids.layer(Digest(digest(APP))))
    assert {digest(packed(APP, how)) for how in ("gzip", "zstd")} <= set(layer.names)
    tags = graph.of_kind(Kind.TAG)
    assert tags == sorted(ids.tag(s, "app", "1.2") for s in ("gzip", "zstd", "none", "docker"))
    assert {graph.edges_from(t)[0].end for t in tags} == {image}


def test_an_index_with_one_runnable_image_is_another_name_of_it(tmp_path: Path) -> None:
    layout = Layout()
    image = layout.image([BASE])
    note = layout.artifact("x/y", [], subject=image, descriptor={"platform": _unknown()})
    one = layout.index([image, note])
    two = layout.index([image, layout.image([BASE, APP])])
    layout.tag(one)
    layout.tag(two)
    found = nodes(read(layout.write(tmp_path / "l"))[0])
    config = digest(dump(config_of([BASE])))
    names = found[f"image:{config}"].names
    assert one["digest"] in names
    assert two["digest"] not in names


def _unknown() -> Json:
    return {"os": "unknown", "architecture": "unknown"}


def test_two_manifests_of_one_config_are_one_fact(tmp_path: Path) -> None:
    layout = Layout()
    first, second = layout.image([BASE], "gzip"), layout.image([BASE], "zstd")
    layout.tag(first, "gz")
    layout.tag(second, "zst")
    facts, context = read(layout.write(tmp_path / "l"))
    found = nodes(facts)
    (image,) = [n for n in found.values() if n.id.startswith("image:")]
    assert image.same == (first["digest"], second["digest"])
    assert image.attrs["manifests"] == [first["digest"], second["digest"]]
    layer = found[f"layer:{digest(BASE)}"]
    assert layer.attrs["blobs"] == [digest(packed(BASE, "gzip")), digest(packed(BASE, "zstd"))]
    assert layer.attrs["verified"] is True
    assert context.problems == []


def test_everything_about_an_image(tmp_path: Path) -> None:
    config = config_of(
        [BASE, APP],
        author="me",
        variant="v2",
        config={
            "Env": ["A=1"],
            "Cmd": ["run"],
            "Entrypoint": ["/init"],
            "User": "1000",
            "WorkingDir": "/srv",
            "Labels": {"org.opencontainers.image.revision": "0" * 40},
        },
        history=[
            {"created_by": "/bin/sh -c #(nop) ADD file in / "},
            {"created_by": "ENV A=1", "empty_layer": True},
            {"created_by": "RUN make # buildkit", "comment": "buildkit"},
        ],
    )
    layout = Layout()
    layout.tag(layout.image([BASE, APP], config=config, annotations={"k": "v"}), "1.2")
    facts, _ = read(layout.write(tmp_path / "l"))
    (image,) = [n for n in nodes(facts).values() if n.id.startswith("image:")]
    attrs = image.attrs
    assert attrs["os"], attrs["architecture"] == ("linux", "amd64")
    assert attrs["variant"], attrs["author"] == ("v2", "me")
    assert attrs["created"] == "2024-01-02T03:04:05Z"
    assert attrs["labels"] == {"org.opencontainers.image.revision": "0" * 40}
    assert attrs["annotations"] == {"k": "v"}
    assert (attrs["env"], attrs["cmd"], attrs["entrypoint"]) == (["A=1"], ["run"], ["/init"])
    assert (attrs["user"], attrs["workdir"]) == ("1000", "/srv")
    assert attrs["layers"] == [digest(BASE), digest(APP)]
    assert [step["layer"] for step in attrs["history"]] == [0, None, 1]
    assert attrs["size"] == len(packed(BASE, "gzip")) + len(packed(APP, "gzip"))
    assert attrs["media_type"] == "application/vnd.oci.image.manifest.v1+json"
    contains = edges(facts, EdgeKind.CONTAINS)
    assert [(e.position, e.level, e.why) for e in contains.values()] == [
        (0, Level.EXACT, "layer 1 of 2: ADD file in /"),
        (1, Level.EXACT, "layer 2 of 2: RUN make"),
    ]


def test_a_repeated_layer_is_one_edge_that_names_every_position(tmp_path: Path) -> None:
    layout = Layout()
    layout.tag(layout.image([BASE, APP, BASE, APP, BASE]))
    contains = edges(read(layout.write(tmp_path / "l"))[0], EdgeKind.CONTAINS)
    whys = {e.position: e.why for e in contains.values()}
    assert whys[0].startswith("layers 1, 3 and 5 of 5: ")
    assert whys[1].startswith("layers 2 and 4 of 5: ")


def test_an_index_lists_images_and_indexes_with_their_platforms(tmp_path: Path) -> None:
    layout = Layout()
    image = layout.image([BASE])
    inner = layout.index([image | {"platform": {"os": "linux", "architecture": "s390x"}}])
    outer = layout.index([inner, image], annotations={"a": "b"})
    layout.tag(outer, "all")
    facts, context = read(layout.write(tmp_path / "l"))
    found = nodes(facts)
    config = ids.image(Digest(digest(dump(config_of([BASE])))))
    assert found[f"index:{inner['digest']}"].attrs["platforms"] == ["linux/s390x"]
    assert found[f"index:{outer['digest']}"].attrs["platforms"] == ["linux/amd64"]
    assert found[f"index:{outer['digest']}"].attrs["annotations"] == {"a": "b"}
    lists = edges(facts, EdgeKind.LISTS)
    assert {(k, e.position) for k, e in lists.items()} == {
        ((f"index:{outer['digest']}", f"index:{inner['digest']}"), 0),
        ((f"index:{outer['digest']}", config), 1),
        ((f"index:{inner['digest']}", config), 0),
    }
    assert found["tag:src:all"].attrs == {"tag": "all", "digest": outer["digest"]}
    assert context.problems == []


def test_docker_schema_2_in_a_layout(tmp_path: Path) -> None:
    layout = Layout()
    config = layout.add(dump(config_of([BASE])), DOCKER_CONFIG)
    blob = layout.add(packed(BASE, "gzip"), DOCKER_LAYER + ".gzip")
    manifest = layout.manifest(config, [blob], mediaType=DOCKER_MANIFEST)
    lists = "application/vnd.docker.distribution.manifest.list.v2+json"
    listed = layout.index([manifest], mediaType=lists) | {"mediaType": lists}
    layout.tag(listed, "app:1")
    facts, context = read(layout.write(tmp_path / "l"))
    assert nodes(facts)[f"layer:{digest(BASE)}"].attrs["verified"] is True
    assert nodes(facts)[f"index:{listed['digest']}"].attrs["media_type"] == lists
    assert context.problems == []


# -- tags --------------------------------------------------------------------------------

CONTAINERD = "io.containerd.image.name"
NAMED = [
    ({"name": "app:1.2"}, {"tag:src/app:1.2"}),
    ({"name": "registry.example/app:1.2"}, {"tag:src/registry.example/app:1.2"}),
    ({"name": "localhost:5000/app:1.2"}, {"tag:src/localhost:5000/app:1.2"}),
    ({"name": "1.2"}, {"tag:src:1.2"}),
    ({"name": "localhost:5000/app"}, {"tag:src:localhost:5000/app"}),
    ({"name": "app:1.2@sha256:" + "0" * 64}, {"tag:src/app:1.2"}),
    ({"name": "app@sha256:" + "0" * 64}, set()),
    ({"name": "1.2", CONTAINERD: "d.io/lib/app:1.2"}, {"tag:src/d.io/lib/app:1.2"}),
    ({"name": "x", CONTAINERD: "d.io/lib/app:1.2"}, {"tag:src/d.io/lib/app:1.2", "tag:src:x"}),
]


@pytest.mark.parametrize(("names", "tags"), NAMED)
def test_names_become_tags(tmp_path: Path, names: dict[str, str], tags: set[str]) -> None:
    layout = Layout()
    layout.tag(layout.image([BASE]), **names)
    facts, context = read(layout.write(tmp_path / "l"))
    assert {n for n in nodes(facts) if n.startswith("tag:")} == tags
    points = edges(facts, EdgeKind.POINTS_AT)
    assert {start for start, _ in points} == tags
    assert all(e.level is Level.EXACT for e in points.values())
    assert context.problems == []


def test_a_digest_reference_is_a_name_to_look_up(tmp_path: Path) -> None:
    layout = Layout()
    image = layout.tag(layout.image([BASE]), "example.com/app@sha256:" + "0" * 64)
    (found,) = [n for n in nodes(read(layout.write(tmp_path / "l"))[0]).values() if n.same]
    assert f"example.com/app@{image['digest']}" in found.names


def test_one_name_on_two_images_is_a_problem_unless_platforms_differ(tmp_path: Path) -> None:
    layout = Layout()
    layout.tag(layout.image([BASE]), "app:1")
    layout.tag(layout.image([APP]), "app:1")
    facts, context = read(layout.write(tmp_path / "one"))
    assert len(edges(facts, EdgeKind.POINTS_AT)) == 2
    assert [p.subject for p in context.problems] == ["app:1"]
    layout = Layout()
    layout.tag(layout.image([BASE]), "app:1")
    layout.tag(layout.image([APP], config=config_of([APP], architecture="arm64")), "app:1")
    facts, context = read(layout.write(tmp_path / "two"))
    assert len(edges(facts, EdgeKind.POINTS_AT)) == 2
    assert context.problems == []


# -- Docker archives ---------------------------------------------------------------------


def test_docker_archives_share_layers_through_links(tmp_path: Path) -> None:
    path = tmp_path / "d.tar"
    path.write_bytes(tar_of(docker_files([BASE, APP, BASE], ["app:1.2", "r.example/app:1.2"])))
    facts, context = read(path, "docker-archive")
    found = nodes(facts)
    assert context.problems == []
    assert {"tag:src/app:1.2", "tag:src/r.example/app:1.2"} <= set(found)
    layers = {n: f for n, f in found.items() if n.startswith("layer:")}
    assert set(layers) == {f"layer:{digest(BASE)}", f"layer:{digest(APP)}"}
    assert all(f.attrs["verified"] for f in layers.values())
    assert layers[f"layer:{digest(BASE)}"].attrs["size"] == len(BASE)


def test_untagged_docker_images_are_read(tmp_path: Path) -> None:
    for tags in (None, [], ["<none>:<none>"]):
        path = tmp_path / "d.tar"
        path.write_bytes(tar_of(docker_files([BASE], tags)))
        facts, context = read(path, "docker-archive")
        assert not [n for n in nodes(facts) if n.startswith("tag:")]
        assert len(edges(facts, EdgeKind.CONTAINS)) == 1
        assert context.problems == []


def test_docker_25_archives_carry_both_forms(tmp_path: Path) -> None:
    layout = Layout()
    image = layout.image([BASE, APP], "none")
    layout.tag(image, "1.2", **{CONTAINERD: "docker.io/library/app:1.2"})
    config = dump(config_of([BASE, APP]))
    entry = {
        "Config": blob_path(digest(config)),
        "RepoTags": ["app:1.2"],
        "Layers": [blob_path(digest(BASE)), blob_path(digest(APP))],
    }
    path = layout.write_archive(tmp_path / "d.tar", **{"manifest.json": dump([entry])})
    facts, context = read(path, "docker-archive")
    found = nodes(facts)
    assert [n for n in found if n.startswith("image:")] == [f"image:{digest(config)}"]
    assert found[f"image:{digest(config)}"].same == (image["digest"],)
    assert {n for n in found if n.startswith("tag:")} == {
        "tag:src/docker.io/library/app:1.2",
        "tag:src/app:1.2",
    }
    assert context.problems == []


def test_archives_before_manifest_json_get_their_diff_ids_by_hashing(tmp_path: Path) -> None:
    files = old_docker_files([BASE, APP], "app", "1.2", config={"Env": ["A=1"]})
    for how in ("none", "gzip"):
        path = tmp_path / "old.tar"
        path.write_bytes(packed(tar_of(files), how))
        facts, context = read(path, "docker-archive")
        (image,) = [n for n in nodes(facts).values() if n.id.startswith("image:")]
        assert image.attrs["layers"] == [digest(BASE), digest(APP)]
        assert image.attrs["chain"] == ids.chain_id((Digest(digest(BASE)), Digest(digest(APP))))
        assert image.attrs["env"] == ["A=1"]
        assert [s["created_by"] for s in image.attrs["history"]] == [
            "/bin/sh -c step 0",
            "/bin/sh -c step 1",
        ]
        assert "tag:src/app:1.2" in nodes(facts)
        assert context.problems == []


# -- kinds, cancelling, progress ---------------------------------------------------------


def test_either_archive_kind_reads_either_content(tmp_path: Path) -> None:
    oci = sample().write_archive(tmp_path / "oci.tar")
    docker = tmp_path / "docker.tar"
    docker.write_bytes(tar_of(docker_files([BASE], ["app:1"])))
    for kind in ("oci-archive", "docker-archive"):
        for path in (oci, docker):
            assert read(path, kind)[0]


@pytest.mark.parametrize("kind", ["oci-archive", "docker-archive"])
@pytest.mark.parametrize("content", [b"", b"hello", tar_of({"a": b"b"}), packed(b"x" * 99, "gzip")])
def test_other_files_are_not_recognised(tmp_path: Path, kind: str, content: bytes) -> None:
    path = tmp_path / "some.tar"
    path.write_bytes(content)
    with pytest.raises(NotRecognised, match=r"some\.tar"):
        read(path, kind)


def test_a_directory_that_is_nothing_says_what_a_layout_needs(tmp_path: Path) -> None:
    with pytest.raises(NotRecognised, match=r"index\.json"):
        read(tmp_path)
    with pytest.raises(NotRecognised, match="oci-layout"):
        read(tmp_path, "oci-archive")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NotRecognised, match="not an oci-layout"):
        read(tmp_path / "file")
    with pytest.raises(Unreachable):
        read(tmp_path / "file" / "below")


def test_a_layout_of_a_later_generation_is_not_guessed_at(tmp_path: Path) -> None:
    path = sample().write(tmp_path / "l")
    (path / "oci-layout").write_bytes(b'{"imageLayoutVersion":"2.0.0"}')
    with pytest.raises(NotRecognised, match=r"version 2\.0\.0"):
        read(path)


def test_recognising_files_by_what_is_in_them(tmp_path: Path) -> None:
    recognised: dict[str, Callable[[Path], bool]] = {a.kind: a.recognise for a in ADAPTERS}
    made = {
        "layout": sample().write(tmp_path / "layout"),
        "oci.tar": sample().write_archive(tmp_path / "oci.tar"),
        "oci.tar.gz": sample().write_archive(tmp_path / "oci.tar.gz", "gzip"),
        "oci.tar.zst": sample().write_archive(tmp_path / "oci.tar.zst", "zstd"),
    }
    docker = tar_of(docker_files([BASE], ["app:1"]))
    for name, data in {
        "docker.tar": docker,
        "docker.tar.gz": packed(docker, "gzip"),
        "other.tar": tar_of({"README": b""}),
        "other.tar.gz": packed(tar_of({"README": b""}), "gzip"),
        "empty.tar": b"",
        "cut.tar.gz": packed(docker, "gzip")[:300],
        "noise.tar": os.urandom(4096),
    }.items():
        made[name] = tmp_path / name
        made[name].write_bytes(data)
    made["nowhere"] = tmp_path / "nowhere.tar"
    kinds = {name: [k for k, f in recognised.items() if f(path)] for name, path in made.items()}
    assert kinds == {
        "layout": ["oci-layout"],
        "oci.tar": ["oci-archive"],
        "oci.tar.gz": ["oci-archive"],
        "oci.tar.zst": ["oci-archive"],
        "docker.tar": ["docker-archive"],
        "docker.tar.gz": ["docker-archive"],
        "other.tar": [],
        "other.tar.gz": [],
        "empty.tar": [],
        "cut.tar.gz": ["docker-archive"],
        "noise.tar": [],
        "nowhere": [],
    }


def test_adapters_open_readers_and_examine_their_codecs(tmp_path: Path) -> None:
    for adapter in ADAPTERS:
        reader = adapter.open(SourceSpec(adapter.kind, str(tmp_path), "n"), True)
        assert (reader.kind, reader.name, reader.location) == (adapter.kind, "n", str(tmp_path))
        assert adapter.discover({}) == ()
    assert all(check.ok for check in ADAPTERS[0].doctor())


def test_layers_come_last_and_progress_is_told(tmp_path: Path) -> None:
    told: list[Progress] = []
    path = sample().write(tmp_path / "l")
    context = ReadContext(clock=FixedClock(), on_progress=told.append)
    facts = list(OciReader("oci-layout", str(path), "src").read(context))
    kinds = [isinstance(f, NodeFact) and f.id.startswith("layer:") for f in facts]
    assert kinds == sorted(kinds)
    assert {p.what for p in told} == {"manifests", "layers"}


def test_cancelling_while_layers_are_hashed(tmp_path: Path) -> None:
    path = sample().write(tmp_path / "l")
    wanted = True
    context = ReadContext(clock=FixedClock(), cancelled=lambda: not wanted)
    reading = OciReader("oci-layout", str(path), "src").read(context)
    next(reading)
    wanted = False
    with pytest.raises(Cancelled):
        list(reading)


def test_closing_stops_a_read(tmp_path: Path) -> None:
    reader = OciReader("oci-layout", str(sample().write(tmp_path / "l")), "src")
    reading = reader.read(ReadContext(clock=FixedClock()))
    next(reading)
    reader.close()
    with pytest.raises(Cancelled):
        list(reading)


def test_leaving_a_read_half_way_leaves_no_file_open(tmp_path: Path) -> None:
    path = sample().write_archive(tmp_path / "a.tar")
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 -- numbers of open files
    reading = OciReader("oci-archive", str(path), "src").read(ReadContext(clock=FixedClock()))
    next(reading)
    reading.close()  # type: ignore[attr-defined]
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 -- as above


def test_nothing_is_written(tmp_path: Path) -> None:
    path = sample().write(tmp_path / "l")
    before = {p: p.stat().st_mtime_ns for p in path.rglob("*")}
    read(path)
    assert {p: p.stat().st_mtime_ns for p in path.rglob("*")} == before
