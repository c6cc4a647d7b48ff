"""Diffs of commits: what is read, what object names tell, and damage that is not believed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.diffing import letters, sha
from support.ostree_repo import FakeRepo

from treering.adapters.ostree.browsing import CommitTree, open_tree
from treering.adapters.ostree.repo import Repository
from treering.core import ids
from treering.core.diff.trees import diff_trees
from treering.core.errors import Damaged
from treering.core.ports import ReadContext

A: dict[str, Any] = {
    "usr": {"bin": {"sh": b"shell", "tool": b"one"}, "lib": {"deep": {"x": b"x" * 9000}}},
    "usr.d": {"conf": b"1"},
    "link": "usr",
}
B: dict[str, Any] = {
    "usr": {"bin": {"sh": b"shell", "tool": b"two"}, "lib": {"deep": {"x": b"x" * 9000}}},
    "usr.d": {"conf": b"1", "new": b""},
    "link": "usr.d",
}
CHANGES = ["M /link link", "A /usr.d/new", "M /usr/bin/tool content"]


def trees(path: Path, mode: str = "archive-z2") -> tuple[FakeRepo, CommitTree, CommitTree]:
    repo = FakeRepo(path / "repo", mode)
    a, b = (open_tree(repo.path, ids.commit(repo.commit(t)), ReadContext()) for t in (A, B))
    return repo, a, b


def differences(a: CommitTree, b: CommitTree) -> list[str]:
    context = ReadContext()
    found = letters(diff_trees(a, b, context))
    assert context.problems == []
    return found


@pytest.mark.parametrize("mode", ["archive-z2", "bare-user", "bare-user-only"])
def test_in_every_mode(tmp_path: Path, mode: str) -> None:
    _, a, b = trees(tmp_path, mode)
    assert differences(a, b) == CHANGES
    assert differences(a, a) == []


def test_nothing_that_is_equal_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo, a, b = trees(tmp_path)
    read: list[str] = []
    for name in ("dirtree", "content", "read_content"):
        real = getattr(Repository, name)

        def spied(self: Repository, at: str, name: str = name, real: Any = real) -> Any:
            read.append(f"{name} {at}")
            return real(self, at)

        monkeypatch.setattr(Repository, name, spied)
    assert differences(a, b) == CHANGES
    equal = [repo.content(b"shell"), repo.content(b"1"), repo.tree(A["usr"]["lib"])]
    assert not {f"{kind} {at}" for kind in ("dirtree", "content") for at in equal} & set(read)
    assert not [line for line in read if line.startswith("read_content")]


def test_a_repository_that_lost_metadata_is_read(tmp_path: Path) -> None:
    """In bare-user-only two objects may differ in what the repository does not hold."""
    repo = FakeRepo(tmp_path / "repo", "bare-user-only")
    first, second = repo.content(b"same"), sha(b"another name").removeprefix("sha256:")
    repo.put(b"same", "file", second)
    repo.object(second, "file").chmod(0o644)
    commits = [repo.commit(repo.dirtree([("f", name)], [])) for name in (first, second)]
    a, b = (open_tree(repo.path, ids.commit(c), ReadContext()) for c in commits)
    assert a.same_content(b"/f", b) is None
    assert differences(a, b) == []


def test_digests_of_files(tmp_path: Path) -> None:
    repo, a, _ = trees(tmp_path)
    path = b"/usr/lib/deep/x"
    assert a.digest(path, lambda: None) == sha(b"x" * 9000)
    with pytest.raises(Damaged):
        a.digest(b"/usr", lambda: None)
    name = repo.content(b"x" * 9000)
    other = repo.object(repo.content(b"y" * 9000), "filez").read_bytes()
    repo.object(name, "filez").write_bytes(other)
    with pytest.raises(Damaged, match="does not hash to its name"):
        a.digest(path, lambda: None)
