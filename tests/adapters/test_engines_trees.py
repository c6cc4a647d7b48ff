"""Files and inspections of an engine's images and containers, from streams it is asked for."""

from __future__ import annotations

import io
import json
import tarfile
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from support.fake_engine import FakeEngine, container, image, sha
from support.oci_layout import (
    Layout,
    config_of,
    digest,
    docker_files,
    dump,
    old_docker_files,
    tar_of,
)
from support.opener_contract import OpenerContract, listing

from treering.adapters.engines import browsing
from treering.adapters.engines.reader import EngineReader
from treering.core import ids
from treering.core.errors import (
    Cancelled,
    Damaged,
    LimitExceeded,
    NotRecognised,
    SourceError,
    Unreachable,
)
from treering.core.gates import Ledger
from treering.core.ids import Digest, NodeId
from treering.core.ports import ReadContext
from treering.core.trees import EntryType, MemoryTree

BASE = tar_of({"etc/old": b"old" * 9, "etc/kept": b"kept", "bin/tool": b"t" * 3000})
UPPER = tar_of({"etc/.wh.old": b"", "bin/tool": b"new", "srv/x": b"x"})
PATHS = ["/", "/bin", "/bin/tool", "/etc", "/etc/kept", "/srv", "/srv/x"]
ID = Digest(digest(dump(config_of([BASE, UPPER]))))
WEB = sha("web").removeprefix("sha256:")
WEB_NODE = ids.container("box", WEB)


def save(engine: FakeEngine, image_id: str, archive: bytes) -> NodeId:
    """Let the engine have an image that it saves as `archive`."""
    engine.add({**image("app"), "Id": image_id})
    engine.bodies[f"/images/{image_id}/get"] = (200, archive)
    return ids.image(Digest(image_id))


def exported() -> bytes:
    """A container's files as `docker export` has them: whole, with a name like a whiteout's."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data, kind, target in (
            ("etc/", b"", tarfile.DIRTYPE, ""),
            ("etc/hosts", b"127.0.0.1 localhost\n", tarfile.REGTYPE, ""),
            ("etc/.wh.note", b"no whiteout", tarfile.REGTYPE, ""),
            ("etc/hosts2", b"", tarfile.LNKTYPE, "etc/hosts"),
            ("bin", b"", tarfile.SYMTYPE, "usr/bin"),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.size = kind, target, len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    with FakeEngine() as engine:
        engine.run(container("web", "app"))
        engine.bodies[f"/containers/{WEB}/json"] = (200, b'{"Id": "' + WEB.encode() + b'"}')
        engine.bodies[f"/containers/{WEB}/export"] = (200, exported())
        yield engine


@pytest.fixture
def reader(engine: FakeEngine) -> Iterator[EngineReader]:
    reader = EngineReader("docker", engine.path, "box", ledger=Ledger(), seconds=5)
    yield reader
    reader.close()


def opened(reader: EngineReader, node: NodeId) -> MemoryTree:
    return reader.open_tree(node, ReadContext())


class TestEngineOpener(OpenerContract):
    @pytest.fixture
    def opener(self, engine: FakeEngine, reader: EngineReader) -> EngineReader:
        save(engine, ID, tar_of(docker_files([BASE, UPPER], ["app:1"])))
        return reader

    @pytest.fixture
    def openable(self) -> Sequence[NodeId]:
        return [ids.image(ID), WEB_NODE]

    @pytest.fixture
    def documented(self) -> Sequence[NodeId]:
        return [ids.image(ID), WEB_NODE]


# -- images ------------------------------------------------------------------------------


def podman_files() -> dict[str, Any]:
    """The archive as Podman writes it: layers by digest, old names as links."""
    config = dump(config_of([BASE, UPPER]))
    names = [f"{digest(t).removeprefix('sha256:')}.tar" for t in (BASE, UPPER)]
    name = digest(config).removeprefix("sha256:") + ".json"
    link = tarfile.TarInfo("0" * 64 + "/layer.tar")
    link.type, link.linkname = tarfile.SYMTYPE, f"../{names[0]}"
    return {
        names[0]: BASE,
        names[1]: UPPER,
        name: config,
        link.name: link,
        "0" * 64 + "/VERSION": b"1.0",
        "repositories": b"{}",
        "manifest.json": dump([{"Config": name, "RepoTags": ["app:1"], "Layers": names}]),
    }


def layout_files(how: str) -> tuple[dict[str, bytes], str, str]:
    """The archive since Docker 25, and the digests of manifest and index."""
    layout = Layout()
    manifest = layout.image([BASE, UPPER], how)
    index = layout.index([manifest])
    layout.tag(index, "app:1")
    value = json.loads(layout.blobs[manifest["digest"]])
    path = {d: f"blobs/sha256/{d.removeprefix('sha256:')}" for d in layout.blobs}
    listed = [
        {
            "Config": path[value["config"]["digest"]],
            "RepoTags": ["app:1"],
            "Layers": [path[layer["digest"]] for layer in value["layers"]],
        }
    ]
    return layout.files() | {"manifest.json": dump(listed)}, manifest["digest"], index["digest"]


def test_every_form_of_a_saved_image_is_one_tree(engine: FakeEngine, reader: EngineReader) -> None:
    forms = [(ID, docker_files([BASE, UPPER], ["app:1"])), (ID, podman_files())]
    for how in ("none", "gzip", "zstd"):
        files, manifest, index = layout_files(how)
        forms += [(ID, files), (Digest(manifest), files), (Digest(index), files)]
    for image_id, files in forms:
        tree = opened(reader, save(engine, image_id, tar_of(files)))
        assert list(listing(tree)) == PATHS
        assert tree.entry(b"/bin/tool").layer == 1
        assert tree.entry(b"/etc/kept").layer == 0
        assert tree.read(b"/bin/tool", 99) == b"new"
        assert tree.read(b"/etc/kept", 2) == b"ke"


def test_a_layer_that_stands_twice_is_a_link(engine: FakeEngine, reader: EngineReader) -> None:
    tars = [BASE, UPPER, BASE]
    node = save(engine, digest(dump(config_of(tars))), tar_of(docker_files(tars, ["app:1"])))
    tree = opened(reader, node)
    assert tree.entry(b"/bin/tool").layer == 2
    assert tree.read(b"/bin/tool", 9) == b"t" * 9


def test_another_image_than_asked_for_is_damage(engine: FakeEngine, reader: EngineReader) -> None:
    node = save(engine, sha("other"), tar_of(docker_files([BASE], ["app:1"])))
    with pytest.raises(Damaged, match="holds no image"):
        opened(reader, node)


def test_a_layer_that_is_not_what_the_config_says_is_damage(
    engine: FakeEngine, reader: EngineReader
) -> None:
    files = docker_files([BASE, UPPER], ["app:1"], config_of([BASE, BASE]))
    node = save(engine, digest(dump(config_of([BASE, BASE]))), tar_of(files))
    with pytest.raises(Damaged, match="diff id mismatch"):
        opened(reader, node)


def test_an_archive_cut_short_is_an_error(engine: FakeEngine, reader: EngineReader) -> None:
    whole = tar_of(docker_files([BASE, UPPER], ["app:1"]))
    for cut in (700, len(whole) // 2):
        node = save(engine, ID, whole[:cut])
        with pytest.raises(SourceError):
            opened(reader, node)


def test_a_form_without_a_list_is_damage(engine: FakeEngine, reader: EngineReader) -> None:
    node = save(engine, ID, tar_of(old_docker_files([BASE], "app", "1")))
    with pytest.raises(Damaged, match=r"manifest\.json"):
        opened(reader, node)


def test_a_layer_left_out_is_said(engine: FakeEngine, reader: EngineReader) -> None:
    files = podman_files()
    del files[f"{digest(BASE).removeprefix('sha256:')}.tar"]
    node = save(engine, ID, tar_of(files))
    context = ReadContext()
    assert list(listing(reader.open_tree(node, context))) == [
        "/",
        "/bin",
        "/bin/tool",
        "/srv",
        "/srv/x",
    ]
    assert "layer 1 of 2" in context.notes[0]


def test_an_image_changed_between_two_requests_is_noticed(
    engine: FakeEngine, reader: EngineReader
) -> None:
    node = save(engine, ID, tar_of(podman_files()))
    tree = opened(reader, node)
    files = podman_files()
    files[f"{digest(UPPER).removeprefix('sha256:')}.tar"] = UPPER.replace(b"new", b"old")
    save(engine, ID, tar_of(files))
    with pytest.raises(Damaged, match="not what it was"):
        tree.read(b"/bin/tool", 9)


# -- containers --------------------------------------------------------------------------


def test_a_container_is_shown_as_it_is_exported(reader: EngineReader) -> None:
    tree = opened(reader, WEB_NODE)
    found = listing(tree)
    assert list(found) == ["/", "/bin", "/etc", "/etc/.wh.note", "/etc/hosts", "/etc/hosts2"]
    assert found["/etc/.wh.note"].type is EntryType.FILE
    assert found["/bin"].target == b"usr/bin"
    assert found["/etc/hosts2"].same_as == b"/etc/hosts"
    assert {entry.layer for entry in found.values()} == {None}
    assert tree.read(b"/etc/hosts2", 9) == b"127.0.0.1"


def test_a_container_that_changed_is_shown_as_it_is_now(
    engine: FakeEngine, reader: EngineReader
) -> None:
    tree = opened(reader, WEB_NODE)
    engine.bodies[f"/containers/{WEB}/export"] = (200, tar_of({"./etc/hosts": b"changed"}))
    assert tree.read(b"/etc/hosts", 99) == b"changed"
    with pytest.raises(Damaged, match="no longer"):
        tree.read(b"/etc/.wh.note", 99)


def test_other_nodes_are_not_recognised(reader: EngineReader) -> None:
    for node in (
        ids.container("other", WEB),
        ids.container("box", "../images"),
        ids.layer(Digest(sha("x"))),
        ids.commit("7" * 64),
        ids.container("box", "7" * 64),
    ):
        with pytest.raises(NotRecognised):
            opened(reader, node)
        assert reader.documents(node, ReadContext()) == ()


# -- documents ---------------------------------------------------------------------------


def test_inspections_are_the_bytes_the_engine_sent(
    engine: FakeEngine, reader: EngineReader
) -> None:
    body = b'{"Id": "' + ID.encode() + b'",\n  "Odd":  1}'
    engine.bodies[f"/images/{ID}/json"] = (200, body)
    (found,) = reader.documents(ids.image(ID), ReadContext())
    assert (found.name, found.data) == ("inspect", body)
    assert reader.documents(ids.index(ID), ReadContext())[0].data == body


# -- limits and gates --------------------------------------------------------------------


def test_an_endless_archive_is_stopped_at_the_cap(
    engine: FakeEngine, reader: EngineReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browsing, "MAX_STREAM", 1_000_000)
    info = tarfile.TarInfo("zeros")
    info.size = 1 << 40
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n" + info.tobuf()
    engine.raw[f"/containers/{WEB}/export"] = head + bytes(3_000_000)
    with pytest.raises(LimitExceeded, match="more than 1000000 bytes"):
        opened(reader, WEB_NODE)


def test_an_answer_cut_off_is_an_error(engine: FakeEngine, reader: EngineReader) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n"
    engine.raw[f"/containers/{WEB}/export"] = head + exported()[:2000]
    with pytest.raises(Unreachable, match="closed the connection"):
        opened(reader, WEB_NODE)


def test_opening_is_given_up_while_the_engine_is_silent(
    engine: FakeEngine, reader: EngineReader
) -> None:
    import re

    engine.silent = re.compile(r".*/export")
    given_up = threading.Event()
    threading.Timer(0.3, given_up.set).start()
    with pytest.raises(Cancelled):
        reader.open_tree(WEB_NODE, ReadContext(cancelled=given_up.is_set))


def test_closing_the_reader_ends_opening(engine: FakeEngine, reader: EngineReader) -> None:
    engine.trickle.add(f"/containers/{WEB}/export")
    threading.Timer(0.3, reader.close).start()
    with pytest.raises(Cancelled):
        opened(reader, WEB_NODE)


def test_audit_mode_opens_with_reads_alone(engine: FakeEngine) -> None:
    ledger = Ledger()
    reader = EngineReader("docker", engine.path, "box", audit=True, ledger=ledger)
    opened(reader, WEB_NODE)
    reader.documents(WEB_NODE, ReadContext())
    reader.close()
    assert ledger.entries
    assert all(e.allowed and e.reads and e.what.startswith("GET ") for e in ledger.entries)
    assert [e.what for e in ledger.entries if e.what.endswith("/export")]
