"""Trees made at random, and what applying a diff to one gives."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from hypothesis import strategies as st

from treering.core.diff.model import Change, ChangeType
from treering.core.diff.trees import diff_trees
from treering.core.ids import Digest
from treering.core.ports import ReadContext, Tree
from treering.core.trees import ROOT, Entry, EntryType, MemoryTree

NAMES = (b"a", b"a.b", b"a-", b"a0", b"b", b"\xff", b"z z")
"""Names around the slash in byte order, where directories and what is in them come apart."""


def sha(data: bytes) -> Digest:
    return Digest("sha256:" + hashlib.sha256(data).hexdigest())


def file(path: bytes, data: bytes = b"", **fields: object) -> Entry:
    known = {"size": len(data), "digest": sha(data), **fields}
    return Entry(path=path, type=EntryType.FILE, **known)  # type: ignore[arg-type]


def directory(path: bytes, **fields: object) -> Entry:
    return Entry(path=path, type=EntryType.DIRECTORY, **{"mode": 0o755, **fields})  # type: ignore[arg-type]


def link(path: bytes, target: bytes, **fields: object) -> Entry:
    return Entry(path=path, type=EntryType.LINK, target=target, **fields)  # type: ignore[arg-type]


@st.composite
def _entries(draw: st.DrawFn, path: bytes, depth: int) -> list[Entry]:
    owner = {"mode": draw(st.sampled_from([0o755, 0o700])), "uid": draw(st.integers(0, 1))}
    xattrs = draw(st.sampled_from([(), ((b"user.x", b"1"),), ((b"user.x", b"2"),)]))
    kind = draw(st.sampled_from("dddfflc" if depth else "fflc"))
    if kind == "d":
        names = draw(st.sets(st.sampled_from(NAMES), max_size=4))
        found = [directory(path, xattrs=xattrs, **owner)]
        for name in sorted(names):
            found += draw(_entries(path + b"/" + name, depth - 1))
        return found
    if kind == "f":
        return [file(path, draw(st.sampled_from([b"", b"1", b"2", b"33"])), xattrs=xattrs, **owner)]
    if kind == "l":
        return [link(path, draw(st.sampled_from([b"a", b"b"])), uid=owner["uid"])]
    device = draw(st.sampled_from([(1, 3), (1, 5)]))
    return [Entry(path=path, type=EntryType.CHARACTER, device=device, xattrs=xattrs, **owner)]  # type: ignore[arg-type]


@st.composite
def tree_entries(draw: st.DrawFn, depth: int = 3) -> list[Entry]:
    """The entries of a tree, the root first."""
    found = [directory(ROOT)]
    for name in sorted(draw(st.sets(st.sampled_from(NAMES), max_size=4))):
        found += draw(_entries(b"/" + name, depth))
    return found


def by_path(tree: Tree) -> dict[bytes, Entry]:
    return {e.path: e for e in tree.entries()}


def applied(tree: Mapping[bytes, Entry], changes: Iterable[Change]) -> dict[bytes, Entry]:
    """A tree with a diff applied; each change must fit."""
    found = dict(tree)
    for change in changes:
        assert found.get(change.path) == change.a
        if change.b is None:
            del found[change.path]
        else:
            found[change.path] = change.b
    return found


def turned(changes: Iterable[Change]) -> list[Change]:
    """The inverse of a diff."""
    back = {
        ChangeType.ADDED: ChangeType.REMOVED,
        ChangeType.REMOVED: ChangeType.ADDED,
        ChangeType.MODIFIED: ChangeType.MODIFIED,
    }
    return [Change(c.path, back[c.change], c.fields, c.b, c.a) for c in changes]


def differences(a: Tree, b: Tree, *, mtime: bool = False) -> list[Change]:
    context = ReadContext()
    found = list(diff_trees(a, b, context, mtime=mtime))
    assert context.problems == []
    return found


def letters(changes: Iterable[Change]) -> list[str]:
    """``A /path``, ``D /path`` or ``M /path fields`` for each change."""
    marks = {ChangeType.ADDED: "A", ChangeType.REMOVED: "D", ChangeType.MODIFIED: "M"}
    return [
        " ".join([marks[c.change], c.path.decode("utf-8", "backslashreplace"), *c.fields])
        for c in changes
    ]


def tree(*entries: Entry) -> MemoryTree:
    return MemoryTree(entries)
