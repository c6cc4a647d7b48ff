"""The demo world's own writers against the readers of the standard library and pygit2."""

from __future__ import annotations

import gzip
import io
import sys
import tarfile
import zlib
from pathlib import Path

import pytest

from treering.adapters.demo import items, stored, tar, times
from treering.adapters.demo.git import GitRepository, Person
from treering.adapters.demo.store import Store

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

SIZES = (0, 1, 65_534, 65_535, 65_536, 131_072, 131_073, 300_000)


@pytest.mark.parametrize("size", SIZES)
def test_stored_formats_are_read_back(size: int) -> None:
    data = bytes(range(256)) * (size // 256) + bytes(size % 256)
    assert gzip.decompress(stored.gzip(data)) == data
    assert zlib.decompress(stored.zlib_stream(data)) == data
    assert zlib.decompress(stored.deflate(data), -15) == data
    assert zstd.decompress(stored.zstd(data)) == data


def test_archives_are_read_back_by_tarfile() -> None:
    long = "d/" + "x" * 99 + "/" + "y" * 90
    made = items.with_parents(
        [
            items.file("usr/bin/tool", "#!/bin/sh\n", 0o4755),
            items.file(long, "long"),
            items.symlink("bin", "usr/bin"),
            items.Item("z/hard", items.Type.HARDLINK, 0o644, target=long),
            items.whiteout("usr/bin/old"),
            items.directory("tmp", 0o1777),
        ]
    )
    data = tar.archive(made, 1_700_000_000)
    assert len(data) % 512 == 0
    with tarfile.open(fileobj=io.BytesIO(data), errorlevel=2) as archive:
        members = {m.name: m for m in archive.getmembers()}
        assert archive.extractfile(members[long]).read() == b"long"  # type: ignore[union-attr]
    assert set(members) == {item.path for item in made}
    assert members["usr/bin/tool"].mode == 0o4755
    assert members["bin"].linkname == "usr/bin"
    assert members["z/hard"].islnk()
    assert members["z/hard"].linkname == long
    assert members["usr/bin/.wh.old"].size == 0
    assert {m.mtime for m in members.values()} == {1_700_000_000}
    assert {(m.uid, m.gid) for m in members.values()} == {(0, 0)}


def test_a_name_no_header_can_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        tar.archive([items.file("n" * 101, "")], 0)


def test_git_objects_are_what_libgit2_would_write(tmp_path: Path) -> None:
    import pygit2

    repository = GitRepository(Store(tmp_path / "made.git"), "made")
    who = Person("Ann Author", "ann@example.org")
    files = {"b": "text", "a.sh": "#!/bin/sh\n", "b.d/x": "1"}
    commit = repository.commit(files, [], who, 1_700_000_000, "First")
    repository.tag("v1", commit, who, 1_700_000_000, "Release")
    repository.branch("main", commit)
    repository.finish()
    opened = pygit2.Repository(str(tmp_path / "made.git"))
    assert str(opened.head.target) == commit
    assert str(opened.revparse_single("v1^{commit}").id) == commit
    other = pygit2.init_repository(str(tmp_path / "other.git"), bare=True)
    below = other.TreeBuilder()
    below.insert("x", other.create_blob(b"1"), pygit2.enums.FileMode.BLOB)
    root = other.TreeBuilder()
    root.insert("b", other.create_blob(b"text"), pygit2.enums.FileMode.BLOB)
    root.insert("a.sh", other.create_blob(b"#!/bin/sh\n"), pygit2.enums.FileMode.BLOB_EXECUTABLE)
    root.insert("b.d", below.write(), pygit2.enums.FileMode.TREE)
    signed = pygit2.Signature("Ann Author", "ann@example.org", 1_700_000_000, 0)
    made = other.create_commit(None, signed, signed, "First\n", root.write(), [])
    assert str(made) == commit


def test_the_calendar_is_in_utc() -> None:
    assert times.text_of(times.day(0)) == "2026-03-02T09:00:00Z"
    assert times.day(1, 9, 30) - times.day(0) == 86_400 + 1800


def test_a_store_overwrites_nothing_that_differs(tmp_path: Path) -> None:
    store = Store(tmp_path / "new")
    store.put("a/b", "one", 0o444)
    store.put("a/b", "one", 0o444)
    with pytest.raises(FileExistsError):
        store.put("a/b", "two")
    assert (tmp_path / "new/a/b").read_text() == "one"
    assert (tmp_path / "new/a/b").stat().st_mode & 0o777 == 0o444
