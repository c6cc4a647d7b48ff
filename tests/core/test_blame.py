"""Who brought a path: layers with their history, commits back to the one that changed it."""

from __future__ import annotations

import pytest
from support.opened import OpeningReader, shelf
from support.package_trees import tree_of
from support.readers import HOSTILE, edge, image, node
from support.strategies import digest

from treering.core import ids
from treering.core.blame import Touch, blame, normal_path
from treering.core.errors import NotRecognised, Unreachable, UsageError
from treering.core.facts import EdgeKind, Fact
from treering.core.graph import Graph
from treering.core.ids import NodeId
from treering.core.ports import ReadContext
from treering.core.shelf import Shelf
from treering.core.text import is_safe
from treering.core.trees import Entry, EntryType, MemoryTree

IMAGE = ids.image(digest(1))
LAYERS = [ids.layer(digest(number)) for number in (11, 12, 13)]


def graph(*facts: Fact) -> Graph:
    made = Graph()
    made.merge(facts)
    return made


def world() -> Graph:
    said = ["ADD base.tar /", f"RUN {HOSTILE}", "COPY web /"]
    history = [
        {"created_by": words, "created": "2026-01-01T00:00:00Z", "layer": at}
        for at, words in enumerate(said)
    ]
    return graph(*image(1, "web:1", [11, 12, 13], history=history))


def marker(path: bytes, target: bytes, kind: EntryType = EntryType.WHITEOUT) -> Entry:
    return Entry(path=path, type=kind, target=target)


def file(path: bytes, layer: int | None = None) -> Entry:
    return Entry(path=path, type=EntryType.FILE, layer=layer)


def touches(path: str, *layers: MemoryTree, now: MemoryTree) -> list[tuple[Touch, int | None]]:
    trees = dict(zip(LAYERS, layers, strict=True))
    found = blame(world(), shelf({**trees, IMAGE: now}), path.encode(), IMAGE, ReadContext())
    assert all(is_safe(touched.step) and touched.step for touched in found.touched)
    return [(touched.what, touched.position) for touched in found.touched]


def test_layers_that_brought_changed_and_removed() -> None:
    base = MemoryTree([file(b"/etc/a"), file(b"/etc/b"), file(b"/opt/c")])
    upper = MemoryTree([file(b"/etc/a"), marker(b"/etc/.wh.b", b"/etc/b")])
    top = MemoryTree([file(b"/etc/d"), marker(b"/opt/.wh..wh..opq", b"/opt", EntryType.OPAQUE)])
    now = MemoryTree([file(b"/etc/a", 1), file(b"/etc/d", 2)])
    layers = (base, upper, top)
    assert touches("/etc/a", *layers, now=now) == [(Touch.CHANGED, 1), (Touch.BROUGHT, 0)]
    assert touches("/etc/b", *layers, now=now) == [(Touch.REMOVED, 1), (Touch.BROUGHT, 0)]
    assert touches("/opt/c", *layers, now=now) == [(Touch.REMOVED, 2), (Touch.BROUGHT, 0)]
    assert touches("/etc/d", *layers, now=now) == [(Touch.BROUGHT, 2)]
    with pytest.raises(UsageError, match="never was"):
        touches("/etc/e", *layers, now=now)


def test_a_directory_removed_above_takes_what_is_in_it() -> None:
    base = MemoryTree([file(b"/a/b/c")])
    gone = MemoryTree([marker(b"/.wh.a", b"/a")])
    again = MemoryTree([file(b"/a/b/c")])
    now = MemoryTree([file(b"/a/b/c", 2)])
    assert touches("/a/b/c", base, gone, again, now=now) == [
        (Touch.BROUGHT, 2),
        (Touch.REMOVED, 1),
        (Touch.BROUGHT, 0),
    ]
    replaced = MemoryTree([file(b"/a")])
    found = touches("/a/b/c", base, replaced, MemoryTree([]), now=MemoryTree([]))
    assert found[0] == (Touch.REMOVED, 1)


def test_without_single_layers_the_last_one_is_known_and_it_is_said() -> None:
    kept = shelf({IMAGE: MemoryTree([file(b"/etc/a", 1)])})
    found = blame(world(), kept, b"/etc/a", IMAGE, ReadContext())
    assert [(t.by, t.what) for t in found.touched] == [(LAYERS[1], Touch.CHANGED)]
    assert not found.whole
    assert found.notes


def test_layers_nobody_describes_are_no_bug() -> None:
    lone = graph(node(IMAGE, "web:1", layers=[digest(11)]))
    found = blame(lone, shelf({IMAGE: tree_of({"/x": b""})}), b"/x", IMAGE, ReadContext())
    assert found.exists
    assert not found.whole


def commit(number: int) -> NodeId:
    return ids.commit(f"{number:064x}")


def history(*contents: bytes | None) -> tuple[Graph, Shelf]:
    """Commits from the oldest on, and what stands at /x in each."""
    facts: list[Fact] = []
    trees: dict[NodeId, MemoryTree | Exception] = {}
    for number, content in enumerate(contents):
        facts.append(node(commit(number), f"40.{number}", subject=f"Host 40.{number}"))
        if number:
            facts.append(edge(commit(number), EdgeKind.PARENT, commit(number - 1)))
        target = {} if content is None else {"/x": content.decode()}
        trees[commit(number)] = tree_of(dict(target))
    return graph(*facts), Shelf([OpeningReader(trees)])


def last(*contents: bytes | None) -> tuple[Touch, NodeId]:
    made, kept = history(*contents)
    found = blame(made, kept, b"/x", commit(len(contents) - 1), ReadContext())
    (touched,) = found.touched
    return touched.what, touched.by


def test_the_commit_that_changed_a_path_last() -> None:
    assert last(b"1", b"1", b"2", b"2", b"2") == (Touch.CHANGED, commit(2))
    assert last(None, b"1", b"1") == (Touch.BROUGHT, commit(1))
    assert last(b"1", b"1", None, None) == (Touch.REMOVED, commit(2))
    assert last(b"1", b"1") == (Touch.BROUGHT, commit(0))
    with pytest.raises(UsageError, match="never was"):
        last(None, None)


def test_a_pruned_history_says_where_it_ends() -> None:
    made, _ = history(b"1", b"1", b"1")
    trees = {commit(2): tree_of({"/x": "1"}), commit(1): tree_of({"/x": "1"})}
    kept = Shelf([OpeningReader({**trees, commit(0): Unreachable("pruned")})])
    found = blame(made, kept, b"/x", commit(2), ReadContext())
    assert [t.by for t in found.touched] == [commit(1)]
    assert not found.whole
    assert "pruned" in found.notes[0]
    with pytest.raises(NotRecognised):
        blame(made, Shelf([OpeningReader({})]), b"/x", commit(2), ReadContext())


@pytest.mark.parametrize(("text", "path"), [("/a//b/", b"/a/b"), ("/", b"/"), ("/./a", b"/a")])
def test_paths_people_type(text: str, path: bytes) -> None:
    assert normal_path(text) == path


@pytest.mark.parametrize("text", ["", "etc", "/a/../b", "../x"])
def test_paths_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="not an absolute path"):
        normal_path(text)
