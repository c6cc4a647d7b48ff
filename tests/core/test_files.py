"""Files are opened read-only, bounded, and never through a link."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest

from treering.core import files
from treering.core.errors import (
    LimitExceeded,
    NotPermitted,
    NotRecognised,
    SourceError,
    Unreachable,
)


def test_reads_up_to_the_cap(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    assert files.read_file(path, 5) == b"12345"
    with pytest.raises(LimitExceeded, match="a is larger than 4 bytes"):
        files.read_file(path, 4)


def test_what_is_no_regular_file_is_refused_and_does_not_block(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe", "."):
        with pytest.raises(NotRecognised):
            files.read_file(tmp_path / name, 100)
    with pytest.raises(Unreachable, match="check the path"):
        files.read_file(tmp_path / "none", 100)


def test_permission_denied_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise PermissionError(13, "no")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(NotPermitted, match="permission denied"):
        files.read_file(tmp_path / "x", 1)


def test_directories_are_listed_in_order_and_bounded(tmp_path: Path) -> None:
    for name in "cab":
        (tmp_path / name).touch()
    assert [e.name for e in files.list_directory(tmp_path)] == ["a", "b", "c"]
    with pytest.raises(LimitExceeded):
        files.list_directory(tmp_path, 2)


def test_files_in_an_opened_directory_are_read_as_by_their_paths(tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(b"x")
    (tmp_path / "empty").touch()
    (tmp_path / "chunk").write_bytes(bytes(files._SMALL))
    (tmp_path / "large").write_bytes(bytes(files._SMALL + 1))
    (tmp_path / "larger").write_bytes(bytes(files._SMALL * 3))
    (tmp_path / "link").symlink_to("small")
    (tmp_path / "folder").mkdir()
    names = [*(entry.name for entry in tmp_path.iterdir()), "absent", "../absent"]
    with files.directory_number(tmp_path) as number:
        for name, limit in itertools.product(names, (0, 1, files._SMALL, files._SMALL * 4)):
            try:
                expected = files.read_hashed(tmp_path / name, limit)
            except SourceError:
                expected = None
            assert files.read_in(number, name, limit) == expected
    assert files.read_in(number, "small", 10) is None


def test_in_a_directory_that_does_not_open_nothing_is_found(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "absent", tmp_path / "file"):
        with files.directory_number(path) as number:
            assert files.read_in(number, "file", 10) is None
