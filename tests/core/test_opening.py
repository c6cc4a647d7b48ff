"""Which files a node stands for, and the shelf that keeps them open."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest
from support.readers import ScriptedReader, edge, image, node
from support.strategies import digest

from treering.core import ids, opening
from treering.core.errors import Damaged, NotRecognised
from treering.core.facts import EdgeKind
from treering.core.graph import Graph
from treering.core.ids import NodeId
from treering.core.opening import candidates, documented
from treering.core.ports import Capability, Document, ReadContext, Tree
from treering.core.shelf import Shelf
from treering.core.text import Safe
from treering.core.trees import ROOT, Entry, EntryType, MemoryTree

TAG = ids.tag("registry", "shop/web", "1")
INDEX = ids.index(digest(90))
ARM, AMD = (ids.image(digest(n)) for n in (91, 92))


def world() -> Graph:
    graph = Graph()
    graph.merge(
        [
            *image(91, "web", [1], os="linux", architecture="arm64"),
            *image(92, "web", [2], os="linux", architecture="amd64"),
            node(INDEX, "web"),
            node(TAG, "web:1"),
            edge(TAG, EdgeKind.POINTS_AT, INDEX),
            edge(INDEX, EdgeKind.LISTS, ARM),
            edge(INDEX, EdgeKind.LISTS, AMD),
        ]
    )
    return graph


class Opening(ScriptedReader):
    """Opens what it is told to, and counts."""

    capabilities = Capability.TREES

    def __init__(self, trees: dict[NodeId, Tree | Exception]) -> None:
        super().__init__("registry", lambda _context: iter(()))
        self.trees, self.opened = trees, []
        self.papers: dict[NodeId, list[Document]] = {}

    def open_tree(self, node: NodeId, context: ReadContext) -> Tree:  # noqa: ARG002 -- the port
        self.opened.append(node)
        found = self.trees.get(node, NotRecognised("not mine"))
        if isinstance(found, Exception):
            raise found
        return found

    def documents(self, node: NodeId, context: ReadContext) -> Sequence[Document]:  # noqa: ARG002 -- the port
        return self.papers.get(node, [])


def files(name: bytes) -> MemoryTree:
    return MemoryTree([Entry(path=b"/" + name, type=EntryType.FILE)])


def test_a_tag_stands_for_the_usual_platform_first() -> None:
    assert [c.node for c in candidates(world(), TAG)] == [AMD, ARM]
    assert candidates(world(), TAG)[0].label == "web linux/amd64"


def test_the_documents_of_a_tag_are_those_of_what_it_points_at() -> None:
    assert [c.node for c in documented(world(), TAG)] == [TAG, INDEX]


def test_what_is_not_there_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        candidates(world(), ids.tag("registry", "no", "1"))


def test_the_shelf_opens_once_and_takes_the_first_that_opens() -> None:
    reader = Opening({AMD: NotRecognised("no"), ARM: files(b"arm")})
    shelf = Shelf([reader])
    wanted = candidates(world(), TAG)
    for _ in range(2):
        found = shelf.use(wanted, ReadContext(), lambda tree: tree.children(ROOT)[0].name)
        assert (found.candidate.node, found.value) == (ARM, b"arm")
    assert reader.opened.count(ARM) == 1


def test_the_shelf_says_what_failed_rather_than_that_nothing_opens() -> None:
    shelf = Shelf([Opening({AMD: Damaged("a bad layer"), ARM: NotRecognised("no")})])
    with pytest.raises(Damaged, match="a bad layer"):
        shelf.use(candidates(world(), TAG), ReadContext(), lambda tree: tree)


def test_only_sources_that_hold_a_node_are_asked() -> None:
    reader = Opening({AMD: files(b"amd")})
    reader.name = Safe("elsewhere")
    with pytest.raises(NotRecognised, match="no source here can open"):
        Shelf([reader]).use(candidates(world(), TAG), ReadContext(), lambda tree: tree)
    assert not reader.opened


def test_the_shelf_keeps_few_trees_and_closes_the_others() -> None:
    closed = []

    class Closing(MemoryTree):
        def close(self) -> None:
            closed.append(self)

    trees = [Closing([]), Closing([])]
    shelf = Shelf([Opening({AMD: trees[0], ARM: trees[1]})], keep=1)
    amd, arm = candidates(world(), TAG)
    for one in (amd, arm):
        shelf.use([one], ReadContext(), lambda tree: tree)
    assert closed == [trees[0]]
    shelf.close()
    assert closed == trees


def test_one_tree_is_used_by_one_thread_at_a_time() -> None:
    shelf = Shelf([Opening({AMD: files(b"amd")})])
    wanted = candidates(world(), TAG)[:1]
    inside, most = [0], [0]

    def use(_tree: Tree) -> None:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        threading.Event().wait(0.01)
        inside[0] -= 1

    threads = [
        threading.Thread(target=shelf.use, args=(wanted, ReadContext(), use)) for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]


def test_documents_come_from_the_first_that_has_any() -> None:
    reader = Opening({})
    paper = Document(Safe("index"), Safe("json"), b"{}")
    reader.papers[INDEX] = [paper]
    shelf = Shelf([reader])
    assert shelf.documents(documented(world(), TAG), ReadContext()) == (paper,)
    assert shelf.documents([opening.holders(world(), AMD)], ReadContext()) == ()
