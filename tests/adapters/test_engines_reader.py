"""Reading an engine: what its lists and inspections become, and what they cost."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

import pytest
from support.contract import FixedClock, ReaderContract
from support.fake_engine import FakeEngine, container, image, sha

from treering.adapters.engines.adapter import ADAPTERS
from treering.adapters.engines.reader import EngineReader
from treering.core import ids
from treering.core.errors import Cancelled, Unreachable
from treering.core.facts import EdgeFact, EdgeKind, Fact, Level, NodeFact
from treering.core.gates import Ledger
from treering.core.graph import Graph
from treering.core.ids import Digest
from treering.core.ports import ReadContext, SourceSpec


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    with FakeEngine() as engine:
        yield engine


@pytest.fixture
def reader(engine: FakeEngine) -> Iterator[EngineReader]:
    reader = EngineReader("docker", engine.path, "box", ledger=Ledger())
    yield reader
    reader.close()


def context() -> ReadContext:
    return ReadContext(clock=FixedClock())


def nodes(facts: list[Fact]) -> dict[str, NodeFact]:
    return {f.id: f for f in facts if isinstance(f, NodeFact)}


def edges(facts: list[Fact], kind: EdgeKind) -> dict[tuple[str, str], EdgeFact]:
    return {(f.start, f.end): f for f in facts if isinstance(f, EdgeFact) and f.kind is kind}


AUDIT = True
HOSTILE = "\x1b]52;c;\u202e[@click=quit]\u200b"


class TestEngineContract(ReaderContract):
    @pytest.fixture
    def reader(self, engine: FakeEngine) -> Iterator[EngineReader]:
        hostile = image("evil", [f"{HOSTILE}:1"])
        hostile["Config"]["Labels"] = {HOSTILE: HOSTILE}
        hostile["Author"] = HOSTILE
        hostile["RepoDigests"] = [f"{HOSTILE}@{sha('x')}"]
        engine.add(image("base"), image("app"), hostile)
        engine.run(container("web", "app"), {**container("job", "app"), "Names": [HOSTILE]})
        reader = EngineReader("docker", engine.path, "box", ledger=Ledger())
        yield reader
        reader.close()

    @pytest.fixture
    def missing(self) -> EngineReader:
        return EngineReader("docker", "/nowhere/docker.sock", "gone", ledger=Ledger())


def test_an_image_becomes_a_node_with_its_layers_and_tags(
    engine: FakeEngine, reader: EngineReader
) -> None:
    app = image("app", ["app:1", "quay.io:5000/team/app:1.2"], ["base", "middle", "top"])
    app["RepoDigests"] = [f"quay.io:5000/team/app@{sha('manifest')}", "<none>@<none>"]
    engine.add(app)
    facts = list(reader.read(context()))
    node = nodes(facts)[f"image:{sha('app')}"]
    layers = [Digest(sha(x)) for x in ("base", "middle", "top")]
    assert node.label == "app:1"
    assert node.same == ()
    assert set(node.names) == {
        f"quay.io:5000/team/app@{sha('manifest')}",
        sha("manifest"),
        ids.chain_id(layers),
    }
    assert node.attrs == {
        "os": "linux",
        "architecture": "amd64",
        "created": "2026-11-23T23:30:51.993231413Z",
        "labels": {"org.opencontainers.image.title": "app"},
        "env": ["PATH=/bin"],
        "cmd": ["/bin/sleep", "600"],
        "workdir": "/srv",
        "virtual_size": 2185123,
        "layers": layers,
        "chain": ids.chain_id(layers),
    }
    contains = edges(facts, EdgeKind.CONTAINS)
    assert [e.position for e in contains.values()] == [0, 1, 2]
    assert [e.end for e in contains.values()] == [ids.layer(x) for x in layers]
    assert "layer 2 of 3" in contains[node.id, ids.layer(layers[1])].why
    points = edges(facts, EdgeKind.POINTS_AT)
    assert set(points) == {
        ("tag:box/app:1", node.id),
        ("tag:box/quay.io:5000/team/app:1.2", node.id),
    }
    assert {e.level for e in points.values()} == {Level.EXACT}
    tag = nodes(facts)["tag:box/quay.io:5000/team/app:1.2"]
    assert tag.attrs == {
        "repository": "quay.io:5000/team/app",
        "tag": "1.2",
        "digest": sha("app"),
    }


def test_containers_run_images_by_id_whatever_was_typed(
    engine: FakeEngine, reader: EngineReader
) -> None:
    engine.add(image("app"))
    engine.run(container("web", "app"), container("old", "app", "exited"))
    facts = list(reader.read(context()))
    runs = edges(facts, EdgeKind.RUNS)
    assert len(runs) == 2
    assert {e.end for e in runs.values()} == {f"image:{sha('app')}"}
    web = nodes(facts)[f"container:box/{sha('web').removeprefix('sha256:')}"]
    assert web.label == "web"
    assert web.attrs == {
        "name": "web",
        "state": "running",
        "image_ref": "app:1",
        "created": "2026-11-23T23:30:52Z",
        "labels": {"role": "test"},
        "command": "/bin/sleep 600",
    }


def test_an_image_only_a_container_knows_is_asked_for(
    engine: FakeEngine, reader: EngineReader
) -> None:
    engine.add(image("hidden", []))
    engine.hidden.add(sha("hidden"))
    engine.run(container("web", "hidden"), container("lost", "deleted"))
    seen = context()
    facts = list(reader.read(seen))
    assert f"image:{sha('hidden')}" in nodes(facts)
    assert f"image:{sha('deleted')}" not in nodes(facts)
    assert seen.problems == []


def test_two_hundred_images_cost_one_request_each(engine: FakeEngine, reader: EngineReader) -> None:
    engine.add(*(image(f"app-{n}") for n in range(200)))
    engine.run(*(container(f"web-{n}", f"app-{n}") for n in range(50)))
    list(reader.read(context()))
    assert len(engine.asked) == 203
    assert len(set(engine.asked)) == 203
    engine.asked.clear()
    engine.add(image("new"))
    facts = list(reader.read(context()))
    assert engine.paths("/images/.*/json") == [f"/images/{sha('new')}/json"]
    assert len(engine.asked) == 3
    assert len(nodes(facts)) == 201 + 201 + 50 + 202


def test_reads_are_concurrent_and_bounded(engine: FakeEngine, reader: EngineReader) -> None:
    engine.add(*(image(f"app-{n}") for n in range(40)))
    engine.delay = 0.02
    list(reader.read(context()))
    assert 4 <= engine.most_at_once <= 8
    assert engine.connections <= 8


def test_what_is_gone_is_said_once(engine: FakeEngine, reader: EngineReader) -> None:
    engine.add(image("base", layers=["base"]), image("app"))
    engine.run(container("web", "app"))
    graph = Graph()
    clock = FixedClock()
    graph.merge(reader.read(ReadContext(clock=clock)))
    engine.images.clear()
    engine.containers.clear()
    engine.add(image("base", ["base:2"], layers=["base"]))
    clock.time += 1
    facts = list(reader.read(ReadContext(clock=clock)))
    graph.merge(facts)
    gone = {f.id for f in facts if isinstance(f, NodeFact) and not f.present}
    assert gone == {
        f"image:{sha('app')}",
        f"layer:{sha('app')}",
        "tag:box/app:1",
        "tag:box/base:1",
        f"container:box/{sha('web').removeprefix('sha256:')}",
    }
    assert graph.node(ids.layer(Digest(sha("base")))).gone is False
    assert graph.node(ids.image(Digest(sha("app")))).gone is True
    clock.time += 1
    assert all(f.present for f in reader.read(ReadContext(clock=clock)))


def test_a_tag_that_moved_between_reads(engine: FakeEngine, reader: EngineReader) -> None:
    engine.add(image("old", ["app:1"]), image("new", []))
    clock = FixedClock()
    list(reader.read(ReadContext(clock=clock)))
    engine.add(image("old", []), image("new", ["app:1"]))
    clock.time += 1
    points = edges(list(reader.read(ReadContext(clock=clock))), EdgeKind.POINTS_AT)
    tag = "tag:box/app:1"
    assert {end: e.present for (start, end), e in points.items() if start == tag} == {
        f"image:{sha('old')}": False,
        f"image:{sha('new')}": True,
    }


def test_nulls_and_missing_fields_are_nothing(engine: FakeEngine, reader: EngineReader) -> None:
    engine.add(
        {"Id": sha("bare")},
        {
            "Id": sha("nulls"),
            "RepoTags": None,
            "RepoDigests": None,
            "Config": None,
            "RootFS": None,
            "Size": None,
            "Created": None,
            "Descriptor": None,
            "Manifests": None,
        },
        {**image("none"), "RepoTags": ["<none>:<none>"], "RepoDigests": ["<none>@<none>"]},
    )
    engine.run(
        {"Id": "f" * 64},
        {**container("pause", ""), "ImageID": "", "Names": None, "Labels": None, "Created": None},
    )
    seen = context()
    facts = list(reader.read(seen))
    assert seen.problems == []
    assert nodes(facts)[f"image:{sha('bare')}"].attrs == {}
    assert edges(facts, EdgeKind.POINTS_AT) == {}
    assert edges(facts, EdgeKind.RUNS) == {}


def test_odd_digests_are_problems_and_the_rest_is_read(
    engine: FakeEngine, reader: EngineReader
) -> None:
    odd = image("odd")
    odd["RootFS"]["Layers"] = [sha("base"), "sha256:XYZ"]
    engine.add(image("fine"), odd)
    engine.bodies["/images/json"] = (
        200,
        b"[%s]"
        % b",".join(
            b'{"Id": "%s"}' % x
            for x in (
                sha("fine").encode(),
                b"not-a-digest",
                sha("odd").encode(),
                sha("gone").encode(),
            )
        ),
    )
    engine.run(container("web", "fine"), {"Id": "../../etc"})
    seen = context()
    facts = list(reader.read(seen))
    assert {p.subject for p in seen.problems} == {
        "image 2 of the list",
        sha("odd"),
        sha("gone"),
        "container 2 of the list",
    }
    found = nodes(facts)
    assert f"image:{sha('fine')}" in found
    assert "layers" not in found[f"image:{sha('odd')}"].attrs
    assert f"container:box/{sha('web').removeprefix('sha256:')}" in found


def test_a_name_too_long_for_an_id_is_cut_and_says_so(
    engine: FakeEngine, reader: EngineReader
) -> None:
    engine.add(image("fine"), image("long", ["x" * 5000 + ":1"]))
    seen = context()
    facts = list(reader.read(seen))
    assert seen.problems == []
    tags = [f.id for f in facts if isinstance(f, NodeFact) and f.id.startswith("tag:")]
    assert max(map(len, tags)) < 2100
    assert any("characters)" in tag for tag in tags)


def test_a_layer_that_lies_twice_in_an_image_counts_once(
    engine: FakeEngine, reader: EngineReader
) -> None:
    engine.add(image("app", layers=["base", "empty", "empty", "top"]))
    contains = edges(list(reader.read(context())), EdgeKind.CONTAINS)
    assert [e.position for e in contains.values()] == [0, 1, 3]


def test_podman_ids_may_lack_their_algorithm(engine: FakeEngine) -> None:
    app = image("app", ["localhost/app:1"])
    app["RepoDigests"] = [f"localhost/app@{sha('m1')}", f"localhost/app@{sha('m2')}"]
    bare = sha("app").removeprefix("sha256:")
    engine.images[sha("app")] = {**app, "Id": bare}
    engine.run({**container("web", "app"), "ImageID": bare})
    reader = EngineReader("podman", engine.path, "pod", ledger=Ledger())
    facts = list(reader.read(context()))
    node = nodes(facts)[f"image:{sha('app')}"]
    assert {sha("m1"), sha("m2")} <= set(node.names)
    assert ("tag:pod/localhost/app:1", node.id) in edges(facts, EdgeKind.POINTS_AT)
    assert next(iter(edges(facts, EdgeKind.RUNS).values())).end == node.id


def manifest_of(name: str, kind: str = "image", architecture: str = "amd64", **more: object):
    return {
        "ID": sha(name),
        "Descriptor": {
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": sha(name),
            "size": 800,
        },
        "Available": architecture == "amd64",
        "Kind": kind,
        "ImageData": {"Platform": {"os": "linux", "architecture": architecture}},
        **more,
    }


def descriptor(name: str, media_type: str) -> dict[str, object]:
    return {"mediaType": f"application/vnd.oci.image.{media_type}.v1+json", "digest": sha(name)}


def test_a_containerd_store_names_manifests(engine: FakeEngine, reader: EngineReader) -> None:
    engine.version["ApiVersion"] = "1.48"
    app = image("manifest")
    app["Descriptor"] = descriptor("manifest", "manifest")
    app["RepoDigests"] = [f"app@{sha('manifest')}"]
    engine.add(app)
    facts = list(reader.read(context()))
    node = nodes(facts)[f"image:{sha('manifest')}"]
    assert node.attrs["media_type"] == "application/vnd.oci.image.manifest.v1+json"
    assert node.attrs["layers"] == [sha("base"), sha("manifest")]
    assert node.attrs["chain"] in node.names
    graph = Graph()
    graph.merge(facts)
    known = NodeFact(
        ids.image(Digest(sha("config"))), node.source, 0.0, same=(Digest(sha("manifest")),)
    )
    graph.merge([known])
    assert graph.canonical(node.id) == f"image:{sha('config')}"


def test_a_containerd_store_lists_indexes(engine: FakeEngine, reader: EngineReader) -> None:
    engine.version["ApiVersion"] = "1.51"
    app = image("index", ["app:1"], ["base", "top"])
    app["Descriptor"] = descriptor("index", "index")
    app["RepoDigests"] = [f"app@{sha('index')}"]
    app["Manifests"] = [
        manifest_of("amd"),
        manifest_of("arm", architecture="arm64"),
        manifest_of("att", "attestation", AttestationData={"For": sha("amd")}),
        manifest_of("odd", "unknown"),
        {"Descriptor": {"digest": "nonsense"}},
    ]
    engine.add(app)
    web = container("web", "index")
    web["ImageManifestDescriptor"] = descriptor("amd", "manifest")
    engine.run(web)
    seen = context()
    facts = list(reader.read(seen))
    found = nodes(facts)
    index = found[f"index:{sha('index')}"]
    assert index.attrs["platforms"] == ["linux/amd64", "linux/arm64"]
    assert [(e.end, e.position) for e in edges(facts, EdgeKind.LISTS).values()] == [
        (f"image:{sha('amd')}", 0),
        (f"image:{sha('arm')}", 1),
    ]
    assert found[f"image:{sha('amd')}"].attrs["layers"] == [sha("base"), sha("top")]
    assert "layers" not in found[f"image:{sha('arm')}"].attrs
    assert list(edges(facts, EdgeKind.ATTESTS)) == [
        (f"attestation:{sha('att')}", f"image:{sha('amd')}")
    ]
    assert list(edges(facts, EdgeKind.POINTS_AT)) == [("tag:box/app:1", index.id)]
    assert next(iter(edges(facts, EdgeKind.RUNS).values())).end == f"image:{sha('amd')}"
    assert [p.subject for p in seen.problems] == [sha("index")]


def test_manifests_are_asked_for_where_the_engine_knows_them(engine: FakeEngine) -> None:
    for api, asked in (("1.47", False), ("1.48", True)):
        engine.version["ApiVersion"] = api
        engine.images.clear()
        engine.add(image("app"))
        reader = EngineReader("docker", engine.path, "box", ledger=Ledger())
        queries: list[str] = []
        engine.on_query = queries.append
        list(reader.read(context()))
        assert any("manifests=1" in q for q in queries) is asked


def test_close_ends_a_read_in_another_thread(engine: FakeEngine, reader: EngineReader) -> None:
    engine.add(*(image(f"app-{n}") for n in range(100)))
    engine.delay = 0.05
    facts = reader.read(context())
    next(facts)
    threading.Timer(0.2, reader.close).start()
    with pytest.raises(Cancelled):
        list(facts)
    with pytest.raises(Cancelled):
        list(reader.read(context()))


def test_an_engine_that_dies_ends_the_read(engine: FakeEngine) -> None:
    reader = EngineReader("docker", engine.path, "box", seconds=2, ledger=Ledger())
    with FakeEngine() as dying:
        reader = EngineReader("docker", dying.path, "box", seconds=2, ledger=Ledger())
        dying.add(*(image(f"app-{n}") for n in range(400)))
        facts = reader.read(context())
        next(facts)
        dying.delay = 0.2
    with pytest.raises(Unreachable):
        list(facts)


def test_the_adapter_opens_readers_and_imports_nothing_heavy() -> None:
    for adapter in ADAPTERS:
        reader = adapter.open(SourceSpec(adapter.kind, "/x/y.sock", "n"), AUDIT)
        assert (reader.kind, reader.name, reader.location) == (adapter.kind, "n", "/x/y.sock")
        (row,) = adapter.doctor()
        assert row.ok is True


def test_an_answer_about_another_image_is_not_taken_for_this_one(
    engine: FakeEngine, reader: EngineReader
) -> None:
    index = image("index")
    engine.images[sha("platform")] = index
    engine.hidden.add(sha("platform"))
    engine.run(container("web", "platform"))
    seen = context()
    facts = list(reader.read(seen))
    assert f"image:{sha('platform')}" not in nodes(facts)
    assert len(edges(facts, EdgeKind.RUNS)) == 1
    assert seen.problems == []


def test_closing_at_any_moment_is_only_ever_a_cancellation(engine: FakeEngine) -> None:
    engine.add(*(image(f"app-{n}") for n in range(60)))
    engine.delay = 0.001
    for moment in range(40):
        reader = EngineReader("docker", engine.path, "box", ledger=Ledger())
        timer = threading.Timer(moment / 1000, reader.close)
        timer.start()
        with contextlib.suppress(Cancelled):
            list(reader.read(context()))
        timer.join()
    until = time.monotonic() + 5
    while any(t.name.startswith("engine") for t in threading.enumerate()):
        assert time.monotonic() < until
        time.sleep(0.01)
