"""Diffs of commits beside `ostree diff`: the same paths and letters for trees at random."""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path

import pytest
from support.diffing import letters
from support.tools import need, need_root

from treering.adapters.ostree.browsing import open_tree
from treering.core import ids
from treering.core.diff.model import Change, ChangeType, Field
from treering.core.diff.trees import diff_trees
from treering.core.ports import ReadContext
from treering.core.trees import EntryType, parent_of

pytestmark = pytest.mark.real

ROUNDS = int(os.environ.get("TREERING_DIFFS", "6"))
NAMES = ["a", "a.b", "a-", "a0", "b", "é", "z z"]


def ostree(repo: Path, *argv: str | Path) -> str:
    done = subprocess.run(
        [need("ostree"), f"--repo={repo}", *map(str, argv)],
        check=False,
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


def seeded(number: int) -> random.Random:
    return random.Random(number)  # noqa: S311 -- an example that can be repeated


def grow(root: Path, rng: random.Random, depth: int = 3) -> None:
    """Make a tree; of two made with nearly the same numbers much is equal."""
    root.mkdir(exist_ok=True)
    for name in rng.sample(NAMES, rng.randrange(2, 6)):
        path = root / name
        kind = rng.choice("dddffffl" if depth else "ffl")
        if kind == "d":
            grow(path, rng, depth - 1)
            path.chmod(rng.choice([0o755, 0o755, 0o700]))
        elif kind == "l":
            path.symlink_to(rng.choice(["a", "b", "no where"]))
        else:
            path.write_bytes(rng.choice([b"", b"one", b"two", b"three"]) * rng.choice([1, 1, 5000]))
            path.chmod(rng.choice([0o644, 0o644, 0o755, 0o4755]))
            if os.geteuid() == 0:
                os.chown(path, rng.choice([0, 0, 0, 7]), rng.choice([0, 0, 0, 7]))
            if rng.random() < 0.1:
                os.setxattr(path, "user.note", rng.choice([b"1", b"2"]))


def edit(root: Path, rng: random.Random) -> None:
    """Change a few paths of a tree."""
    paths = sorted(p for p in root.rglob("*"))
    for path in rng.sample(paths, min(len(paths), 5)):
        if not os.path.lexists(path):
            continue
        if path.is_dir() and not path.is_symlink():
            subprocess.run(["rm", "-rf", path], check=True)
            if rng.random() < 0.5:
                path.write_bytes(b"was a directory")
        else:
            path.unlink()
            if rng.random() < 0.3:
                grow(path, rng, 1)
            elif rng.random() < 0.7:
                path.write_bytes(rng.choice([b"one", b"two", b"other"]))


def as_ostree_has_it(changes: list[Change]) -> list[str]:
    """The lines `ostree diff` prints: of removed directories, and of what changed its type, not
    what was in them, nor of what became a directory what is in it."""
    lines = []
    silent: set[bytes] = set()
    for change in changes:
        kinds = {e.type for e in (change.a, change.b) if e}
        folder = EntryType.DIRECTORY in kinds
        if change.path and parent_of(change.path) in silent:
            if folder:
                silent.add(change.path)
            continue
        if folder and (change.change is ChangeType.REMOVED or len(kinds) > 1):
            silent.add(change.path)
        lines.append(f"{letters([change])[0][0]}    {change.path.decode()}")
    return sorted(lines)


@pytest.mark.parametrize("mode", ["archive", "bare-user", "bare"])
def test_the_same_paths(tmp_path: Path, mode: str) -> None:
    if mode == "bare":
        need_root()
    repo = tmp_path / "repo"
    ostree(repo, "init", f"--mode={mode}")
    for seed in range(ROUNDS):
        rng = seeded(seed)
        root = tmp_path / f"tree-{seed}"
        grow(root, rng)
        a = ostree(repo, "commit", "--branch=x", f"--tree=dir={root}")
        edit(root, rng)
        b = ostree(repo, "commit", "--branch=x", f"--tree=dir={root}")
        for one, other in ((a, b), (b, a), (a, a)):
            trees = [open_tree(repo, ids.commit(c), ReadContext()) for c in (one, other)]
            context = ReadContext()
            found = list(diff_trees(trees[0], trees[1], context))
            assert context.problems == []
            expected = sorted(ostree(repo, "diff", one, other).splitlines())
            assert as_ostree_has_it(found) == expected, (seed, letters(found))
            for change in found:
                if change.a and change.b and change.a.type is change.b.type is EntryType.FILE:
                    first, second = (t.read(change.path, 1 << 20) for t in trees)
                    assert (first != second) == (Field.CONTENT in change.fields)


def test_two_repositories_that_keep_different_things(tmp_path: Path) -> None:
    """The same commit in an archive and in a bare-user repository is the same."""
    one, other = tmp_path / "one", tmp_path / "other"
    ostree(one, "init", "--mode=archive")
    ostree(other, "init", "--mode=bare-user")
    root = tmp_path / "tree"
    grow(root, seeded(1))
    a = ostree(one, "commit", "--branch=x", f"--tree=dir={root}")
    ostree(other, "pull-local", one, a)
    edit(root, seeded(2))
    b = ostree(other, "commit", "--branch=x", f"--tree=dir={root}")
    first = open_tree(one, ids.commit(a), ReadContext())
    second, third = (open_tree(other, ids.commit(c), ReadContext()) for c in (a, b))
    assert list(diff_trees(first, second, ReadContext())) == []
    across = letters(diff_trees(first, third, ReadContext()))
    assert across == letters(diff_trees(second, third, ReadContext()))
    assert across
