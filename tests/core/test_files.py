"""Files are opened read-only, bounded, and never through a link."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from treering.core import files
from treering.core.errors import LimitExceeded, NotPermitted, NotRecognised, Unreachable


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
