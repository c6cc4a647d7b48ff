"""The diff of two trees: its algebra, its order, each field, and what is never opened."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from msgspec.structs import replace
from support.diffing import (
    applied,
    by_path,
    differences,
    directory,
    file,
    letters,
    link,
    sha,
    tree,
    tree_entries,
    turned,
)

from treering.core.diff.model import ChangeType, Field, FileDiff, Summary
from treering.core.diff.trees import diff_trees
from treering.core.errors import Cancelled, Damaged
from treering.core.ids import Digest
from treering.core.ports import ReadContext
from treering.core.trees import ROOT, Entry, EntryType, MemoryTree


class TestAlgebra:
    @given(tree_entries())
    def test_a_tree_does_not_differ_from_itself(self, entries: list[Entry]) -> None:
        assert differences(tree(*entries), tree(*entries)) == []

    @given(tree_entries(), tree_entries())
    def test_applied_to_a_it_gives_b(self, a: list[Entry], b: list[Entry]) -> None:
        found = differences(tree(*a), tree(*b))
        before = {e.path: e for e in a if e.path != ROOT}
        after = {e.path: e for e in b if e.path != ROOT}
        assert applied(before, found) == after

    @given(tree_entries(), tree_entries())
    def test_turned_round_it_is_the_diff_of_b_and_a(self, a: list[Entry], b: list[Entry]) -> None:
        there, back = differences(tree(*a), tree(*b)), differences(tree(*b), tree(*a))
        assert turned(there) == back

    @given(tree_entries(), tree_entries())
    def test_paths_are_sorted_by_bytes_and_stand_once(self, a: list[Entry], b: list[Entry]) -> None:
        paths = [c.path for c in differences(tree(*a), tree(*b))]
        assert paths == sorted(set(paths))

    @given(tree_entries(), tree_entries())
    def test_every_change_is_one(self, a: list[Entry], b: list[Entry]) -> None:
        for change in differences(tree(*a), tree(*b)):
            assert (change.a is None) == (change.change is ChangeType.ADDED)
            assert (change.b is None) == (change.change is ChangeType.REMOVED)
            assert bool(change.fields) == (change.change is ChangeType.MODIFIED)
            assert list(change.fields) == sorted(change.fields, key=list(Field).index)

    @given(tree_entries(), tree_entries())
    def test_what_subtrees_tell_and_hashing_changes_nothing(
        self, a: list[Entry], b: list[Entry]
    ) -> None:
        expected = letters(differences(tree(*a), tree(*b)))
        assert letters(differences(Merkle(a), Merkle(b))) == expected
        assert letters(differences(unhashed(a), unhashed(b))) == expected


class TestOrder:
    def test_a_dot_comes_between_a_directory_and_what_is_in_it(self) -> None:
        b = tree(directory(b"/a"), file(b"/a/b"), file(b"/a.b"), file(b"/a-"), file(b"/a0"))
        found = letters(differences(tree(), b))
        assert found == ["A /a", "A /a-", "A /a.b", "A /a/b", "A /a0"]

    def test_names_are_bytes(self) -> None:
        b = tree(file(b"/\xff"), file("/é".encode()), file(b"/z"))
        assert [c.path for c in differences(tree(), b)] == [b"/z", "/é".encode(), b"/\xff"]

    def test_what_was_removed_with_a_directory_is_listed(self) -> None:
        a = tree(directory(b"/d"), directory(b"/d/e"), file(b"/d/e/f"), file(b"/d.x"))
        assert letters(differences(a, tree(file(b"/d.x")))) == ["D /d", "D /d/e", "D /d/e/f"]

    def test_the_root_is_never_listed(self) -> None:
        assert differences(tree(), tree(directory(ROOT, mode=0o700, uid=5))) == []


BASE = file(b"/f", b"1", mtime=1.0)


@pytest.mark.parametrize(
    ("a", "b", "fields"),
    [
        (BASE, file(b"/f", b"2"), ["content"]),
        (BASE, file(b"/f", b"22"), ["content", "size"]),
        (BASE, replace(BASE, mode=0o4755), ["mode"]),
        (BASE, replace(BASE, uid=1, gid=2), ["uid", "gid"]),
        (BASE, replace(BASE, xattrs=((b"user.a", b"1"),)), ["xattrs"]),
        (BASE, replace(BASE, mtime=2.0, layer=3, held=(3, 512), same_as=b"/g"), []),
        (BASE, directory(b"/f"), ["type", "mode"]),
        (BASE, link(b"/f", b"g"), ["type"]),
        (link(b"/f", b"g"), link(b"/f", b"h"), ["link"]),
        (link(b"/f", b"g", mode=0o777), link(b"/f", b"g", mode=0o755), []),
        (directory(b"/f"), directory(b"/f", mode=0o1777), ["mode"]),
    ],
)
def test_fields(a: Entry, b: Entry, fields: list[str]) -> None:
    found = differences(tree(a), tree(b))
    assert [str(f) for c in found for f in c.fields] == fields
    assert all(c.change is ChangeType.MODIFIED for c in found)


def test_times_count_when_asked() -> None:
    a, b = tree(BASE), tree(replace(BASE, mtime=2.0))
    assert letters(differences(a, b, mtime=True)) == ["M /f mtime"]
    assert differences(a, tree(replace(BASE, mtime=None)), mtime=True) == []


def test_devices() -> None:
    null = Entry(path=b"/n", type=EntryType.CHARACTER, device=(1, 3))
    assert letters(differences(tree(null), tree(replace(null, device=(1, 5))))) == ["M /n device"]
    block = replace(null, type=EntryType.BLOCK)
    assert letters(differences(tree(null), tree(block))) == ["M /n type"]


def test_a_directory_that_became_a_file_lists_what_was_in_it() -> None:
    a = tree(directory(b"/d"), file(b"/d/x"), directory(b"/d/y"), file(b"/d/y/z"))
    b = tree(file(b"/d", mode=0o755))
    assert letters(differences(a, b)) == ["M /d type", "D /d/x", "D /d/y", "D /d/y/z"]
    assert letters(differences(b, a)) == ["M /d type", "A /d/x", "A /d/y", "A /d/y/z"]


def test_content_is_read_only_where_nothing_else_tells() -> None:
    read: list[bytes] = []

    def content(entry: Entry, _limit: int) -> bytes:
        read.append(entry.path)
        return b"12" if entry.uid else b"13"

    def make(uid: int) -> MemoryTree:
        bare = {"digest": None, "uid": uid}
        return MemoryTree(
            [
                file(b"/empty", b"", **bare),
                file(b"/known", b"xx", uid=uid),
                file(b"/longer", b"xx" if uid else b"xxx", **bare),
                file(b"/same-size", b"xx", **bare),
            ],
            content,
        )

    found = letters(differences(make(0), make(1)))
    assert read == [b"/same-size", b"/same-size"]
    assert found == [
        "M /empty uid",
        "M /known uid",
        "M /longer content uid size",
        "M /same-size content uid",
    ]


def test_digests_of_two_algorithms_say_nothing() -> None:
    other = Digest("sha512:" + "0" * 128)
    a = MemoryTree([file(b"/f", b"1")])
    b = MemoryTree([file(b"/f", b"1", digest=other)], lambda _entry, _limit: b"1")
    assert differences(a, b) == []


def test_content_that_cannot_be_read_is_a_problem_and_no_difference() -> None:
    def broken(_entry: Entry, _limit: int) -> bytes:
        raise Damaged("the object is broken")

    a, b = file(b"/f", b"1", digest=None), file(b"/f", b"2", digest=None, mode=0o600)
    context = ReadContext()
    found = list(diff_trees(MemoryTree([a], broken), MemoryTree([b], broken), context))
    assert letters(found) == ["M /f mode"]
    assert [p.subject for p in context.problems] == ["/f"]
    assert "the object is broken" in context.problems[0].why


def test_it_can_be_stopped() -> None:
    left = 3

    def cancelled() -> bool:
        nonlocal left
        left -= 1
        return left < 0

    b = tree(*(directory(b"/%d" % n) for n in range(100)))
    with pytest.raises(Cancelled):
        list(diff_trees(tree(), b, ReadContext(cancelled=cancelled)))


def test_it_comes_as_it_is_found() -> None:
    b = Merkle([directory(b"/a"), file(b"/a/x"), directory(b"/b"), file(b"/b/x")])
    changes = diff_trees(Merkle([]), b, ReadContext())
    assert next(changes).path == b"/a"
    assert b.opened == [ROOT]
    assert next(changes).path == b"/a/x"
    assert b.opened == [ROOT, b"/a"]


def test_a_deep_tree_needs_no_deep_stack() -> None:
    path, entries = b"", []
    for _ in range(3000):
        path += b"/d"
        entries.append(directory(path))
    assert len(differences(tree(), tree(*entries))) == 3000


class TestEqualSubtrees:
    def test_are_never_opened(self) -> None:
        same = [directory(b"/same"), directory(b"/same/deep"), file(b"/same/deep/f", b"1")]
        a = Merkle([*same, directory(b"/d"), file(b"/d/f", b"1")])
        b = Merkle([*same, directory(b"/d"), file(b"/d/f", b"2")])
        assert letters(differences(a, b)) == ["M /d/f content"]
        assert a.opened == b.opened == [ROOT, b"/d"]

    def test_nor_is_anything_of_equal_trees(self) -> None:
        a, b = (Merkle([directory(b"/d"), file(b"/d/f", b"1")]) for _ in range(2))
        assert differences(a, b) == []
        assert a.opened == b.opened == []


class TestSummary:
    def test_counts_each_and_removed_trees_once(self) -> None:
        a = tree(directory(b"/d"), directory(b"/d/e"), file(b"/d/e/f", b"123"), file(b"/g", b"1"))
        b = tree(file(b"/d.x", b"12345"), file(b"/g", b"22"))
        found = FileDiff(tuple(differences(a, b)))
        assert found.summary == Summary(added=1, removed=3, modified=1, removed_trees=1, grown=3)
        assert found.summary.total == 5
        assert not found.equal
        assert FileDiff().equal

    def test_metadata_alone(self) -> None:
        a, b = tree(BASE), tree(replace(BASE, mode=0o600))
        assert [c.metadata_only for c in differences(a, b)] == [True]
        assert [c.metadata_only for c in differences(a, tree(file(b"/f", b"2")))] == [False]
        assert [c.metadata_only for c in differences(a, tree())] == [False]


class Merkle(MemoryTree):
    """A tree that knows a digest of every subtree, and which directories were opened."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        super().__init__(entries)
        self.opened: list[bytes] = []

    def children(self, path: bytes) -> Sequence[Entry]:
        self.opened.append(path)
        return super().children(path)

    def subtree(self, path: bytes) -> Digest | None:
        start = path.rstrip(b"/") + b"/"
        found = [e for e in self.entries() if e.path == path or e.path.startswith(start)]
        return sha(repr(found).encode())


def unhashed(entries: Sequence[Entry]) -> MemoryTree:
    """The same tree, of which no digest is known."""
    known = {sha(data): data for data in (b"", b"1", b"2", b"33")}
    data_at = {e.path: known[e.digest] for e in entries if e.digest}
    read: Callable[[Entry, int], bytes] = lambda e, limit: data_at[e.path][:limit]  # noqa: E731 -- shorter
    return MemoryTree([replace(e, digest=None) for e in entries], read)


def test_helpers_agree() -> None:
    entries = [directory(ROOT), file(b"/f", b"1")]
    assert by_path(tree(*entries)) == {e.path: e for e in entries}
