"""Files and documents of images in layouts and archives: opened, verified, hostile, damaged."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from support.oci_layout import (
    OCI_EMPTY,
    OCI_LAYER,
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
from support.opener_contract import OpenerContract, listing

from treering.adapters.oci import trees
from treering.adapters.oci.reader import OciReader
from treering.core import changeset, ids
from treering.core.errors import (
    Cancelled,
    Damaged,
    LimitExceeded,
    NotRecognised,
    SourceError,
    Unreachable,
)
from treering.core.ids import Digest, NodeId
from treering.core.ports import ReadContext
from treering.core.trees import EntryType, MemoryTree

Member = tuple[str, bytes, dict[str, Any]]


def member(name: str, data: bytes = b"", **fields: Any) -> Member:
    return name, data, fields


def tar(*members: Member, form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name, data, fields in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            for key, value in fields.items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


DIR: dict[str, Any] = {"type": tarfile.DIRTYPE, "mode": 0o755}
BASE = tar(
    member("./", **DIR | {"mode": 0o711}),
    member("etc", **DIR),
    member("etc/passwd", b"root:x:0:0\n" * 9, mode=0o640, uid=3, gid=7, mtime=1_600_000_000),
    member("etc/old", b"old"),
    member("srv/gone/a", b"a" * 70_000),
    member("srv/gone/b", b"b"),
    member("bin", type=tarfile.SYMTYPE, linkname="usr/bin"),
    member("usr/bin/tool", b"\x7fELF" + bytes(5000), mode=0o4755),
    member("usr/bin/alias", type=tarfile.LNKTYPE, linkname="usr/bin/tool"),
    member("dev/null", type=tarfile.CHRTYPE, devmajor=1, devminor=3),
    member("run/pipe", type=tarfile.FIFOTYPE),
)
UPPER = tar(
    member("etc/.wh.old"),
    member("srv/gone/.wh..wh..opq"),
    member("srv/gone/new", b"new"),
    member("usr/bin/tool", b"other"),
    member("cap", b"x", pax_headers={"SCHILY.xattr.security.capability": "\x01\x02"}),
)
PATHS = [
    "/", "/bin", "/cap", "/dev", "/dev/null", "/etc", "/etc/passwd", "/run", "/run/pipe", "/srv",
    "/srv/gone", "/srv/gone/new", "/usr", "/usr/bin", "/usr/bin/alias", "/usr/bin/tool",
]  # fmt: skip


def image_of(tars: Iterable[bytes], **config: Any) -> NodeId:
    return ids.image(Digest(digest(dump(config_of(list(tars), **config)))))


def layer_of(tar_: bytes) -> NodeId:
    return ids.layer(Digest(digest(tar_)))


def layout_of(path: Path, tars: Sequence[bytes], how: str = "gzip") -> OciReader:
    layout = Layout()
    layout.tag(layout.image(list(tars), how), "app:1")
    return OciReader("oci-layout", str(layout.write(path)), "src")


def opened(path: Path, *tars: bytes, how: str = "gzip") -> tuple[MemoryTree, ReadContext]:
    context = ReadContext()
    return layout_of(path / "layout", tars, how).open_tree(image_of(tars), context), context


def refused(path: Path, *tars: bytes) -> SourceError:
    with pytest.raises(SourceError) as caught:
        opened(path, *tars)
    return caught.value


# -- the contract, in every form ---------------------------------------------------------


def full() -> Layout:
    layout = Layout()
    image = layout.image([BASE, UPPER])
    layout.tag(image, "app:1")
    layout.tag(layout.index([image]), "app:all")
    envelope = {"payloadType": "x", "payload": "eyJhIjoxfQ==", "signatures": []}
    blob = layout.add(dump(envelope), "application/vnd.dsse.envelope.v1+json")
    layout.tag(layout.artifact("application/vnd.in-toto+json", [blob], subject=image))
    return layout


class _Opener(OpenerContract):
    @pytest.fixture
    def openable(self) -> Sequence[NodeId]:
        return [image_of([BASE, UPPER]), layer_of(BASE), layer_of(UPPER)]

    @pytest.fixture
    def documented(self) -> Sequence[NodeId]:
        return [image_of([BASE, UPPER])]


class TestLayoutOpener(_Opener):
    @pytest.fixture
    def opener(self, tmp_path: Path) -> OciReader:
        return OciReader("oci-layout", str(full().write(tmp_path / "layout")), "src")

    @pytest.fixture
    def documented(self) -> Sequence[NodeId]:
        roots = [Digest(root["digest"]) for root in full().roots]
        return [image_of([BASE, UPPER]), ids.index(roots[1]), ids.attestation(roots[2])]


class TestArchiveOpener(_Opener):
    @pytest.fixture
    def opener(self, tmp_path: Path) -> OciReader:
        return OciReader("oci-archive", str(full().write_archive(tmp_path / "a.tar")), "src")


class TestCompressedArchiveOpener(_Opener):
    @pytest.fixture
    def opener(self, tmp_path: Path) -> OciReader:
        path = full().write_archive(tmp_path / "a.tar.gz", "gzip")
        return OciReader("oci-archive", str(path), "src")


class TestDockerArchiveOpener(_Opener):
    @pytest.fixture
    def opener(self, tmp_path: Path) -> OciReader:
        path = tmp_path / "d.tar"
        path.write_bytes(tar_of(docker_files([BASE, UPPER], ["app:1"])))
        return OciReader("docker-archive", str(path), "src")


class TestOldDockerArchiveOpener(_Opener):
    @pytest.fixture
    def opener(self, tmp_path: Path) -> OciReader:
        path = tmp_path / "o.tar"
        path.write_bytes(tar_of(old_docker_files([BASE, UPPER], "app", "1")))
        return OciReader("docker-archive", str(path), "src")

    @pytest.fixture
    def openable(self) -> Sequence[NodeId]:
        return [*self.documented_id(), layer_of(BASE), layer_of(UPPER)]

    @pytest.fixture
    def documented(self) -> Sequence[NodeId]:
        return self.documented_id()

    @staticmethod
    def documented_id() -> list[NodeId]:
        files = old_docker_files([BASE, UPPER], "app", "1")
        head = json.loads(files["repositories"])["app"]["1"]
        return [ids.image(Digest(digest(files[f"{head}/json"])))]


# -- what is shown -----------------------------------------------------------------------


def test_a_flattened_image(tmp_path: Path) -> None:
    tree, context = opened(tmp_path, BASE, UPPER)
    found = listing(tree)
    assert list(found) == PATHS
    assert found["/"].mode == 0o711
    passwd = found["/etc/passwd"]
    assert (passwd.mode, passwd.uid, passwd.gid, passwd.size) == (0o640, 3, 7, 99)
    assert (passwd.mtime, passwd.layer) == (1_600_000_000.0, 0)
    assert passwd.permissions == "-rw-r-----"
    assert found["/usr/bin/tool"].layer == 1
    assert found["/usr/bin/alias"].size == 5004
    assert tree.read(b"/usr/bin/alias", 4) == b"\x7fELF"
    assert tree.read(b"/usr/bin/tool", 100) == b"other"
    assert found["/bin"].target == b"usr/bin"
    assert found["/dev/null"].device == (1, 3)
    assert found["/run/pipe"].type is EntryType.FIFO
    assert found["/cap"].xattrs == ((b"security.capability", b"\x01\x02"),)
    assert context.notes == []


def test_a_layer_shows_its_markers_and_what_they_hide(tmp_path: Path) -> None:
    reader = layout_of(tmp_path / "layout", [BASE, UPPER])
    found = listing(reader.open_tree(layer_of(UPPER), ReadContext()))
    whiteout, marker = found["/etc/.wh.old"], found["/srv/gone/.wh..wh..opq"]
    assert (whiteout.type, whiteout.target) == (EntryType.WHITEOUT, b"/etc/old")
    assert (marker.type, marker.target) == (EntryType.OPAQUE, b"/srv/gone")
    assert "/etc/old" not in found
    assert "/srv/gone/new" in found


def test_a_link_into_a_lower_layer_is_shown_in_its_layer_and_has_no_content_there(
    tmp_path: Path,
) -> None:
    upper = tar(member("alias", type=tarfile.LNKTYPE, linkname="etc/passwd"))
    reader = layout_of(tmp_path / "layout", [BASE, upper])
    alone = reader.open_tree(layer_of(upper), ReadContext())
    assert alone.entry(b"/alias").same_as == b"/etc/passwd"
    with pytest.raises(NotRecognised, match="etc/passwd"):
        alone.read(b"/alias", 10)
    whole = reader.open_tree(image_of([BASE, upper]), ReadContext())
    assert whole.read(b"/alias", 4) == b"root"


def test_compression_is_no_part_of_a_tree(tmp_path: Path) -> None:
    found = [
        listing(opened(tmp_path / how, BASE, UPPER, how=how)[0]) for how in ("gzip", "zstd", "none")
    ]
    assert found[0] == found[1] == found[2]


def test_every_way_to_write_a_name_and_a_sparse_file(tmp_path: Path) -> None:
    long = "d" * 60 + "/" + "n" * 120
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        names = tar(
            member("./a", b"1"), member("/b", b"2"), member("c//./d", b"3"), member(long, b"4"),
            form=form,
        )  # fmt: skip
        tree, _ = opened(tmp_path / str(form), names)
        assert {"/a", "/b", "/c/d", "/" + long} <= set(listing(tree))
        assert tree.read(("/" + long).encode(), 9) == b"4"
    fields = {"GNU.sparse.map": "4,3,20,2", "GNU.sparse.size": "30", "GNU.sparse.name": "s"}
    sparse = tar(member("x", b"abcde", pax_headers=fields))
    tree, _ = opened(tmp_path / "sparse", sparse)
    expected = bytes(4) + b"abc" + bytes(13) + b"de" + bytes(8)
    assert tree.entry(b"/s").size == 30
    assert tree.entry(b"/s").digest == digest(expected)
    assert tree.read(b"/s", 100) == expected
    assert tree.read(b"/s", 6) == expected[:6]


def test_an_image_without_layers_is_an_empty_tree(tmp_path: Path) -> None:
    tree, _ = opened(tmp_path)
    assert list(listing(tree)) == ["/"]


def test_one_layer_twice_in_an_image(tmp_path: Path) -> None:
    tree, _ = opened(tmp_path, BASE, UPPER, BASE)
    assert tree.entry(b"/usr/bin/tool").layer == 2
    assert tree.read(b"/usr/bin/tool", 4) == b"\x7fELF"


# -- documents ---------------------------------------------------------------------------


def test_documents_are_the_bytes_as_stored(tmp_path: Path) -> None:
    layout = full()
    reader = OciReader("oci-layout", str(layout.write(tmp_path / "layout")), "src")
    manifest, config = reader.documents(image_of([BASE, UPPER]), ReadContext())
    assert (manifest.name, config.name) == ("manifest", "config")
    assert digest(manifest.data) == layout.roots[0]["digest"]
    assert config.data == dump(config_of([BASE, UPPER]))
    (index,) = reader.documents(ids.index(Digest(layout.roots[1]["digest"])), ReadContext())
    assert digest(index.data) == layout.roots[1]["digest"]
    about = reader.documents(ids.attestation(Digest(layout.roots[2]["digest"])), ReadContext())
    assert [d.data for d in about if d.name.startswith("statement")] == [b'{"a":1}']
    assert digest(about[0].data) == layout.roots[2]["digest"]


def test_a_document_that_is_not_what_its_digest_says_is_damaged(tmp_path: Path) -> None:
    layout = full()
    path = layout.write(tmp_path / "layout")
    reader = OciReader("oci-layout", str(path), "src")
    node = image_of([BASE, UPPER])
    reader.documents(node, ReadContext())
    config = path / blob_path(digest(dump(config_of([BASE, UPPER]))))
    config.write_bytes(config.read_bytes().replace(b"amd64", b"arm64"))
    with pytest.raises(Damaged, match="digest mismatch"):
        reader.documents(node, ReadContext())


def test_an_artifact_has_documents_and_no_files(tmp_path: Path) -> None:
    layout = Layout()
    root = layout.tag(layout.artifact("text/x-chart", [layout.add(b"chart", "text/x-chart")]), "c")
    reader = OciReader("oci-layout", str(layout.write(tmp_path / "layout")), "src")
    node = ids.image(Digest(root["digest"]))
    with pytest.raises(NotRecognised, match="artifact"):
        reader.open_tree(node, ReadContext())
    assert [d.data for d in reader.documents(node, ReadContext())][1] == b"chart"
    assert OCI_EMPTY not in [d.media_type for d in reader.documents(node, ReadContext())]


# -- what is missing or wrong ------------------------------------------------------------


def foreign(path: Path, *, whole: bool = False) -> tuple[OciReader, NodeId]:
    layout = Layout()
    tars = [BASE, UPPER]
    config = layout.add(dump(config_of(tars)), "application/vnd.oci.image.config.v1+json")
    layers = [layout.layer(tar_) for tar_ in tars]
    for at in range(len(layers) if whole else 1):
        del layout.blobs[layers[at]["digest"]]
        layers[at] |= {
            "mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
            "urls": ["https://example.org/layer"],
        }
    layout.tag(layout.manifest(config, layers), "app:1")
    return OciReader("oci-layout", str(layout.write(path)), "src"), image_of(tars)


def test_a_foreign_layer_is_left_out_and_that_is_said(tmp_path: Path) -> None:
    reader, node = foreign(tmp_path / "layout")
    context = ReadContext()
    found = listing(reader.open_tree(node, context))
    assert "/srv/gone/new" in found
    assert "/etc/passwd" not in found
    assert len(context.notes) == 1
    assert "layer 1 of 2" in context.notes[0]
    assert digest(BASE) in context.notes[0]
    assert found["/srv/gone/new"].layer == 1
    with pytest.raises(Unreachable):
        reader.open_tree(layer_of(BASE), ReadContext())


def test_an_image_of_foreign_layers_alone_cannot_be_opened(tmp_path: Path) -> None:
    reader, node = foreign(tmp_path / "layout", whole=True)
    with pytest.raises(Unreachable, match="none of the layers"):
        reader.open_tree(node, ReadContext())


def test_a_missing_layer_is_an_error_that_names_it(tmp_path: Path) -> None:
    reader = layout_of(tmp_path / "layout", [BASE, UPPER])
    blob = tmp_path / "layout" / blob_path(digest(packed(UPPER, "gzip")))
    blob.unlink()
    with pytest.raises(SourceError, match=digest(UPPER)[:40]):
        reader.open_tree(image_of([BASE, UPPER]), ReadContext())


@pytest.mark.parametrize("flip", ["start", "middle", "end"])
def test_a_damaged_blob_is_never_shown_as_good(tmp_path: Path, flip: str) -> None:
    for how in ("gzip", "zstd", "none"):
        reader = layout_of(tmp_path / how, [BASE, UPPER], how)
        name = blob_path(digest(packed(BASE, how)))
        blob = tmp_path / how / name
        data = bytearray(blob.read_bytes())
        at = {"start": 30, "middle": len(data) // 2, "end": len(data) - 1}[flip]
        data[at] ^= 1
        blob.write_bytes(data)
        for node in (image_of([BASE, UPPER]), layer_of(BASE)):
            with pytest.raises(Damaged) as caught:
                reader.open_tree(node, ReadContext())
            assert name in caught.value.message
            assert "digest mismatch" in caught.value.message


def test_a_layer_that_is_not_what_the_config_says_is_damaged(tmp_path: Path) -> None:
    layout = Layout()
    config = layout.add(dump(config_of([BASE])), "application/vnd.oci.image.config.v1+json")
    layout.tag(layout.manifest(config, [layout.layer(UPPER)]), "app:1")
    reader = OciReader("oci-layout", str(layout.write(tmp_path / "layout")), "src")
    with pytest.raises(Damaged, match="diff id mismatch"):
        reader.open_tree(image_of([BASE]), ReadContext())


def test_a_blob_that_changes_after_the_tree_was_opened_is_noticed(tmp_path: Path) -> None:
    reader = layout_of(tmp_path / "layout", [BASE], "none")
    tree = reader.open_tree(image_of([BASE]), ReadContext())
    assert tree.read(b"/etc/old", 9) == b"old"
    blob = tmp_path / "layout" / blob_path(digest(BASE))
    blob.write_bytes(BASE.replace(b"old" + bytes(100), b"new" + bytes(100)))
    with pytest.raises(Damaged, match="changed since"):
        tree.read(b"/etc/old", 9)


def test_an_encrypted_layer_says_so(tmp_path: Path) -> None:
    layout = Layout()
    config = layout.add(dump(config_of([BASE])), "application/vnd.oci.image.config.v1+json")
    blob = layout.add(b"noise" * 99, OCI_LAYER + "+gzip+encrypted")
    layout.tag(layout.manifest(config, [blob]), "app:1")
    reader = OciReader("oci-layout", str(layout.write(tmp_path / "layout")), "src")
    with pytest.raises(NotRecognised, match="encrypted"):
        reader.open_tree(image_of([BASE]), ReadContext())


def test_a_config_that_does_not_fit_its_manifest_opens_nothing(tmp_path: Path) -> None:
    layout = Layout()
    config = layout.add(dump(config_of([BASE, UPPER])), "application/vnd.oci.image.config.v1+json")
    layout.tag(layout.manifest(config, [layout.layer(BASE)]), "app:1")
    reader = OciReader("oci-layout", str(layout.write(tmp_path / "layout")), "src")
    with pytest.raises(Damaged, match="lists 2 layers"):
        reader.open_tree(image_of([BASE, UPPER]), ReadContext())


def test_a_closed_reader_opens_nothing(tmp_path: Path) -> None:
    reader = layout_of(tmp_path / "layout", [BASE])
    tree = reader.open_tree(image_of([BASE]), ReadContext())
    reader.close()
    with pytest.raises(Cancelled):
        reader.open_tree(image_of([BASE]), ReadContext())
    with pytest.raises(Cancelled):
        tree.read(b"/etc/old", 9)


# -- hostile -----------------------------------------------------------------------------


def test_names_cannot_leave_the_root(tmp_path: Path) -> None:
    tree, context = opened(
        tmp_path,
        tar(member("../../etc/shadow", b"1"), member("a/../../b", b"2"), member("..", **DIR)),
    )
    assert list(listing(tree)) == ["/", "/b", "/etc", "/etc/shadow"]
    assert len(context.notes) == 1
    assert "3 names lead out of the root" in context.notes[0]


def test_a_link_out_of_the_root_leads_into_it(tmp_path: Path) -> None:
    tree, _ = opened(
        tmp_path,
        tar(
            member("up", type=tarfile.SYMTYPE, linkname="../../.."),
            member("up/etc/passwd", b"mine"),
            member("hard", type=tarfile.LNKTYPE, linkname="../../etc/passwd"),
        ),
    )
    assert tree.read(b"/etc/passwd", 9) == b"mine"
    assert tree.read(b"/hard", 9) == b"mine"


def test_names_of_any_bytes_are_kept(tmp_path: Path) -> None:
    name = "line\nbreak\x1b[31m\u202e\t"
    tree, _ = opened(tmp_path, tar(member(name, b"x"), member("caf\udce9", b"y")))
    assert tree.read(("/" + name).encode(), 9) == b"x"
    assert b"/caf\xe9" in [e.path for e in tree.entries()]


def test_a_file_in_place_of_the_root_is_left_out(tmp_path: Path) -> None:
    tree, context = opened(tmp_path, tar(member("./", b"x"), member("a", b"y")))
    assert list(listing(tree)) == ["/", "/a"]
    assert len(context.notes) == 1


@pytest.mark.parametrize("name", ["d/.wh.", "d/.wh..", ".wh..."])
def test_a_whiteout_of_nothing_is_damage(tmp_path: Path, name: str) -> None:
    error = refused(tmp_path, tar(member(name)))
    assert isinstance(error, Damaged)
    assert "names nothing" in error.message


def test_a_negative_size_is_damage(tmp_path: Path) -> None:
    bad = bytearray(tar(member("a", b"x" * 600)))
    bad[124:136] = b"\xff" * 12
    bad[148:156] = b" " * 8
    bad[148:156] = b"%06o\0 " % sum(bad[:512])
    assert "negative size" in refused(tmp_path, bytes(bad)).message


def test_a_bomb_is_stopped_at_the_cap(tmp_path: Path) -> None:
    bomb = tar(member("zeros", bytes(30_000_000)))
    error = refused(tmp_path, bomb)
    assert isinstance(error, LimitExceeded)
    assert "unpacks to more than" in error.message
    assert blob_path(digest(packed(bomb, "gzip"))) in error.message


def test_a_hole_of_exabytes_costs_nothing(tmp_path: Path) -> None:
    fields = {"GNU.sparse.map": "0,1", "GNU.sparse.size": str(1 << 60), "GNU.sparse.name": "s"}
    tree, _ = opened(tmp_path, tar(member("x", b"a", pax_headers=fields)))
    assert tree.entry(b"/s").size == 1 << 60
    assert tree.entry(b"/s").digest is None
    assert tree.read(b"/s", 4) == b"a\0\0\0"


def test_entries_names_and_depth_are_stopped_at_the_cap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = refused(tmp_path / "deep", tar(member("d/" * 600 + "x", b"")))
    assert isinstance(deep, LimitExceeded)
    long = refused(tmp_path / "long", tar(member("d" * 5000, b"")))
    assert isinstance(long, LimitExceeded)
    monkeypatch.setattr(trees, "MAX_ENTRIES", 100)
    many = refused(tmp_path / "many", tar(*(member(f"{n}") for n in range(101))))
    assert isinstance(many, LimitExceeded)
    assert "more than 100 entries" in many.message
    monkeypatch.setattr(changeset, "MAX_TEXT", 1000)
    fat = member("x", pax_headers={"SCHILY.xattr.user.a": "v" * 999})
    assert "bytes of names" in refused(tmp_path / "fat", tar(fat)).message


def test_absurd_times_are_unknown(tmp_path: Path) -> None:
    tree, _ = opened(tmp_path, tar(member("a", pax_headers={"mtime": "9" * 18})))
    assert tree.entry(b"/a").mtime is None


# -- what is remembered ------------------------------------------------------------------


def test_layers_are_scanned_once_and_the_least_used_are_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scanned: list[str] = []
    real = trees._read

    def counted(blobs: Any, job: Any, stamp: Any, check: Any) -> Any:
        scanned.append(job.stored.name)
        return real(blobs, job, stamp, check)

    monkeypatch.setattr(trees, "_read", counted)
    reader = layout_of(tmp_path / "layout", [BASE, UPPER])
    node = image_of([BASE, UPPER])
    reader.open_tree(node, ReadContext())
    reader.open_tree(node, ReadContext())
    reader.open_tree(layer_of(BASE), ReadContext())
    assert len(scanned) == 2
    reader._browser._shelf = trees.Shelf(limit=12)
    for _ in range(2):
        reader.open_tree(layer_of(BASE), ReadContext())
        reader.open_tree(layer_of(UPPER), ReadContext())
    assert len(scanned) == 2 + 4
    assert reader._browser._shelf._count <= 12


def test_a_new_image_is_seen_without_a_new_reader(tmp_path: Path) -> None:
    reader = layout_of(tmp_path / "layout", [BASE])
    reader.open_tree(image_of([BASE]), ReadContext())
    layout = Layout()
    layout.tag(layout.image([BASE]), "app:1")
    layout.tag(layout.image([UPPER]), "app:2")
    write_files(tmp_path / "layout", layout.files())
    assert "/cap" in listing(reader.open_tree(image_of([UPPER]), ReadContext()))


def test_progress_is_told_by_layers(tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    context = ReadContext(on_progress=lambda p: told.append((p.done, p.total)))
    layout_of(tmp_path / "layout", [BASE, UPPER]).open_tree(image_of([BASE, UPPER]), context)
    assert told == [(0, 2), (1, 2), (2, 2)]
