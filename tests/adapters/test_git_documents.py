"""The documents of git commits: the objects as they are stored."""

from __future__ import annotations

import zlib
from hashlib import sha1
from pathlib import Path

import pygit2
import pytest

from treering.adapters.git.reader import GitReader
from treering.core import ids
from treering.core.errors import Cancelled, Damaged, NotRecognised, Unreachable
from treering.core.ports import Capability, Opener, ReadContext


@pytest.fixture
def path(tmp_path: Path) -> Path:
    pygit2.init_repository(str(tmp_path / "clone"), bare=True)
    return tmp_path / "clone"


def put(path: Path, kind: str, data: bytes, *, name: str = "") -> str:
    whole = f"{kind} {len(data)}\0".encode() + data
    oid = name or sha1(whole, usedforsecurity=False).hexdigest()
    file = path / "objects" / oid[:2] / oid[2:]
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(zlib.compress(whole))
    return oid


def reader_of(path: Path) -> GitReader:
    return GitReader(str(path), "clone")


COMMIT = (
    b"tree " + b"4" * 40 + b"\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nhi\x1b[2J\n"
)


def test_a_commit_is_the_object_as_stored(path: Path) -> None:
    reader = reader_of(path)
    assert isinstance(reader, Opener)
    assert Capability.TREES in reader.capabilities
    (found,) = reader.documents(ids.git(put(path, "commit", COMMIT)), ReadContext())
    assert (found.name, found.media_type, found.data) == ("commit", "text/plain", COMMIT)


def test_other_objects_and_kinds_have_no_document(path: Path) -> None:
    reader = reader_of(path)
    for node in (
        ids.git("7" * 40),
        ids.git("7" * 64),
        ids.git(put(path, "blob", b"x")),
        ids.ref("clone", "x"),
    ):
        assert reader.documents(node, ReadContext()) == ()
        with pytest.raises(NotRecognised):
            reader.open_tree(node, ReadContext())


def test_a_commit_that_does_not_hash_to_its_name_is_damage(path: Path) -> None:
    oid = put(path, "commit", COMMIT, name="7" * 40)
    with pytest.raises(Damaged):
        reader_of(path).documents(ids.git(oid), ReadContext())


def test_a_missing_repository_and_a_reader_that_is_stopped(path: Path) -> None:
    node = ids.git("7" * 40)
    with pytest.raises(Unreachable):
        reader_of(path / "none").documents(node, ReadContext())
    with pytest.raises(Cancelled):
        reader_of(path).documents(node, ReadContext(cancelled=lambda: True))
