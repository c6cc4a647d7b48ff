"""The contract of readers that open trees and documents. Subclass `OpenerContract`."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from treering.core import ids
from treering.core.errors import Cancelled, NotRecognised, SourceError
from treering.core.ids import NodeId
from treering.core.ports import Capability, Opener, ReadContext, Reader, Tree
from treering.core.text import is_safe
from treering.core.trees import Entry, EntryType, parent_of

STRANGER = ids.image(ids.Digest("sha256:" + "5" * 64))
"""A node that no test source holds."""


def listing(tree: Tree) -> dict[str, Entry]:
    """Every entry of a tree by its path."""
    return {entry.path.decode("utf-8", "surrogateescape"): entry for entry in tree.entries()}


class OpenerContract:
    """Subclass it as ``Test<System>Opener`` and give it the fixtures."""

    @pytest.fixture
    def opener(self) -> Any:
        """A reader of a source that holds a few of everything it can open."""
        raise NotImplementedError

    @pytest.fixture
    def openable(self, opener: Any) -> Sequence[NodeId]:
        """The nodes whose files can be opened; one of them at least holds a file with content."""
        raise NotImplementedError

    @pytest.fixture
    def documented(self, opener: Any) -> Sequence[NodeId]:
        """The nodes that have documents."""
        raise NotImplementedError

    def test_is_an_opener(self, opener: Any) -> None:
        assert isinstance(opener, Reader)
        assert isinstance(opener, Opener)
        assert Capability.TREES in opener.capabilities

    def test_a_tree_is_a_tree(self, opener: Opener, openable: Sequence[NodeId]) -> None:
        for node in openable:
            tree = opener.open_tree(node, ReadContext())
            seen: dict[bytes, Entry] = {}
            for entry in tree.entries():
                assert entry.path not in seen
                assert entry.path.startswith(b"/")
                assert entry.path == b"/" or parent_of(entry.path) in seen
                assert 0 <= entry.mode <= 0o7777
                assert entry.size >= 0
                seen[entry.path] = entry
            assert next(iter(seen)) == b"/"
            assert seen[b"/"].type is EntryType.DIRECTORY
            tree.close()

    def test_a_walk_and_a_look_up_agree(self, opener: Opener, openable: Sequence[NodeId]) -> None:
        for node in openable:
            tree = opener.open_tree(node, ReadContext())
            entries = list(tree.entries())
            below: dict[bytes, list[Entry]] = {e.path: [] for e in entries}
            for entry in entries[1:]:
                assert tree.entry(entry.path) == entry
                below[parent_of(entry.path)].append(entry)
            for path, expected in below.items():
                assert list(tree.children(path)) == expected
                assert [e.path for e in expected] == sorted(e.path for e in expected)
            tree.close()

    def test_content_is_what_it_says_it_is(
        self, opener: Opener, openable: Sequence[NodeId]
    ) -> None:
        some = False
        for node in openable:
            tree = opener.open_tree(node, ReadContext())
            for entry in tree.entries():
                if entry.type is not EntryType.FILE or (entry.same_as and entry.held is None):
                    continue
                data = tree.read(entry.path, entry.size + 1)
                assert len(data) == entry.size
                assert tree.read(entry.path, 3) == data[:3]
                assert tree.read(entry.path, 0) == b""
                some = some or len(data) > 3
                if entry.digest and entry.digest.startswith("sha256:"):
                    assert entry.digest == "sha256:" + hashlib.sha256(data).hexdigest()
            tree.close()
        assert some

    def test_what_is_not_there_is_a_key_error(
        self, opener: Opener, openable: Sequence[NodeId]
    ) -> None:
        tree = opener.open_tree(openable[0], ReadContext())
        for path in (b"/no/such/path", b"", b"relative", b"/..", b"//"):
            with pytest.raises(KeyError):
                tree.entry(path)
            with pytest.raises(KeyError):
                tree.children(path)
            with pytest.raises(KeyError):
                tree.read(path, 10)

    def test_only_files_have_content(self, opener: Opener, openable: Sequence[NodeId]) -> None:
        for node in openable:
            tree = opener.open_tree(node, ReadContext())
            for entry in tree.entries():
                if entry.type is not EntryType.FILE:
                    with pytest.raises(SourceError):
                        tree.read(entry.path, 10)
                    assert list(tree.children(entry.path)) == [] or (
                        entry.type is EntryType.DIRECTORY
                    )

    def test_equal_subtrees_have_one_digest(
        self, opener: Opener, openable: Sequence[NodeId]
    ) -> None:
        for node in openable:
            first = opener.open_tree(node, ReadContext())
            second = opener.open_tree(node, ReadContext())
            for entry in first.entries():
                assert first.subtree(entry.path) == second.subtree(entry.path)

    def test_opening_twice_gives_the_same(self, opener: Opener, openable: Sequence[NodeId]) -> None:
        for node in openable:
            first = listing(opener.open_tree(node, ReadContext()))
            assert listing(opener.open_tree(node, ReadContext())) == first

    def test_a_stranger_is_not_recognised(self, opener: Opener) -> None:
        with pytest.raises(NotRecognised):
            opener.open_tree(STRANGER, ReadContext())
        assert list(opener.documents(STRANGER, ReadContext())) == []

    def test_opening_can_be_stopped(self, opener: Opener, openable: Sequence[NodeId]) -> None:
        with pytest.raises(Cancelled):
            opener.open_tree(openable[0], ReadContext(cancelled=lambda: True))

    def test_nothing_is_reported_as_a_problem_of_the_source(
        self, opener: Opener, openable: Sequence[NodeId], documented: Sequence[NodeId]
    ) -> None:
        context = ReadContext()
        for node in openable:
            opener.open_tree(node, context)
        for node in documented:
            opener.documents(node, context)
        assert context.problems == []

    def test_documents_have_names_types_and_bytes(
        self, opener: Opener, documented: Sequence[NodeId]
    ) -> None:
        for node in documented:
            found = opener.documents(node, ReadContext())
            assert found, node
            for document in found:
                assert document.name
                assert is_safe(document.name)
                assert is_safe(document.media_type)
                assert document.data

    def test_may_be_asked_while_the_source_is_read(
        self, opener: Any, openable: Sequence[NodeId], documented: Sequence[NodeId]
    ) -> None:
        expected = [listing(opener.open_tree(node, ReadContext())) for node in openable]
        failures: list[BaseException] = []
        found: list[object] = []

        def ask() -> None:
            try:
                found.append([listing(opener.open_tree(n, ReadContext())) for n in openable])
                for node in documented:
                    opener.documents(node, ReadContext())
            except BaseException as error:  # noqa: BLE001 -- whatever it is, the test must see it
                failures.append(error)

        threads = [threading.Thread(target=ask) for _ in range(2)]
        reading = opener.read(ReadContext())
        next(reading)
        for thread in threads:
            thread.start()
        for _ in reading:
            pass
        for thread in threads:
            thread.join()
        assert failures == []
        assert found == [expected, expected]

    def test_a_tree_may_be_closed_twice(self, opener: Opener, openable: Sequence[NodeId]) -> None:
        tree = opener.open_tree(openable[0], ReadContext())
        tree.close()
        tree.close()
