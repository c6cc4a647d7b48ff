"""Merging is idempotent and free of order; names of one image meet in one node."""

from __future__ import annotations

import random
from itertools import permutations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.strategies import digest, facts

from treering.core import export, ids
from treering.core.facts import EdgeFact, EdgeKind, Fact, Level, NodeFact
from treering.core.graph import Graph
from treering.core.ids import NodeId
from treering.core.joins import derive
from treering.core.names import Names
from treering.core.text import Safe

A = Safe("a")


def document(graph: Graph) -> dict[str, object]:
    return export.graph_json(graph, ())


def joined(things: list[Fact], chunk: int = 1000) -> Graph:
    graph = Graph()
    for at in range(0, len(things), chunk):
        if at:
            derive(graph)
        graph.merge(things[at : at + chunk])
    derive(graph)
    return graph


def node(which: NodeId, *same: int, seen: float = 1.0, base: int | None = None) -> NodeFact:
    annotations = {} if base is None else {"org.opencontainers.image.base.digest": digest(base)}
    return NodeFact(
        id=which,
        source=A,
        seen=seen,
        attrs={"annotations": annotations},
        same=tuple(digest(n) for n in same),
    )


def edge(start: NodeId, kind: EdgeKind, end: NodeId) -> EdgeFact:
    return EdgeFact(
        start=start, end=end, kind=kind, level=Level.EXACT, source=A, seen=1.0, why=Safe("so")
    )


# An image's digest leads to a layer, whose own digest is a name of another image.
NAMED_ACROSS_KINDS: list[Fact] = [
    node(ids.image(digest(0))),
    node(ids.image(digest(2)), 1),
    edge(ids.image(digest(0)), EdgeKind.CONTAINS, ids.layer(digest(0))),
    node(ids.layer(digest(1)), 0),
]
# Only an edge to itself mentions image 1; image 2 names it as its base, and then no longer does.
MENTIONED_BY_ITSELF: list[Fact] = [
    edge(ids.image(digest(1)), EdgeKind.CONTAINS, ids.image(digest(1))),
    node(ids.image(digest(2)), base=1),
    node(ids.image(digest(2)), seen=2.0),
]
# An index lists another index by a digest that looked like an image's at first.
INDEX_IN_INDEX: list[Fact] = [
    edge(ids.container("e", "c1"), EdgeKind.RUNS, ids.index(digest(1))),
    node(ids.container("e", "c1")),
    edge(ids.index(digest(1)), EdgeKind.LISTS, ids.image(digest(2))),
    edge(ids.index(digest(2)), EdgeKind.LISTS, ids.image(digest(3))),
    node(ids.index(digest(2))),
]
CHANCE = random.Random(0)  # noqa: S311 -- it shuffles facts


@settings(max_examples=400, deadline=None)
@example(NAMED_ACROSS_KINDS, CHANCE, 1)
@example(MENTIONED_BY_ITSELF, CHANCE, 1)
@example(INDEX_IN_INDEX, CHANCE, 1)
@given(st.lists(facts, max_size=25), st.randoms(use_true_random=False), st.integers(1, 7))
def test_any_order_and_any_repetition_gives_the_same_graph(
    things: list[Fact], rng: random.Random, chunk: int
) -> None:
    expected = document(joined(things))
    again = things + rng.sample(things, len(things) // 2)
    rng.shuffle(again)
    assert document(joined(again, chunk)) == expected


@pytest.mark.parametrize("things", [NAMED_ACROSS_KINDS, MENTIONED_BY_ITSELF, INDEX_IN_INDEX])
def test_every_order_of_what_once_differed_gives_the_same_graph(things: list[Fact]) -> None:
    expected = document(joined(things))
    for order in permutations(things):
        assert document(joined(list(order), 1)) == expected


@settings(max_examples=200, deadline=None)
@given(st.lists(facts, max_size=20))
def test_merging_again_changes_nothing(things: list[Fact]) -> None:
    graph = joined(things)
    assert graph.merge(things) == 0


@settings(max_examples=200, deadline=None)
@given(st.lists(facts, max_size=20))
def test_the_facts_of_a_graph_make_the_same_graph(things: list[Fact]) -> None:
    graph = joined(things)
    assert document(joined(list(graph.facts()))) == document(graph)


@settings(max_examples=200, deadline=None)
@given(st.lists(facts, max_size=25))
def test_edges_are_the_same_from_both_ends(things: list[Fact]) -> None:
    graph = joined(things)
    out = [e for n in graph.ids() for e in graph.edges_from(n)]
    into = [e for n in graph.ids() for e in graph.edges_to(n)]
    key = lambda e: (e.start, e.end, e.kind)  # noqa: E731
    assert sorted(out, key=key) == sorted(into, key=key)


def image(number: int, *same: int) -> NodeFact:
    return NodeFact(
        id=ids.image(digest(number)), source=A, seen=1.0, same=tuple(digest(n) for n in same)
    )


def runs(target: int) -> EdgeFact:
    return EdgeFact(
        start=ids.container("e", "c1"),
        end=ids.image(digest(target)),
        kind=EdgeKind.RUNS,
        level=Level.EXACT,
        source=A,
        seen=1.0,
        why=Safe("so"),
    )


def test_a_manifest_digest_is_the_image_whatever_comes_first() -> None:
    for order in ([image(1, 2), runs(2)], [runs(2), image(1, 2)]):
        graph = joined(order)
        assert [e.end for e in graph.edges_from(ids.container("e", "c1"))] == [ids.image(digest(1))]
        assert len(graph) == 2
        assert graph.node(ids.image(digest(2))).id == ids.image(digest(1))


def test_a_digest_two_images_claim_names_neither() -> None:
    graph = joined([image(1, 3), image(2, 3), runs(3)])
    assert graph.canonical(ids.image(digest(3))) == ids.image(digest(3))
    assert len(Names(graph).matches(digest(3).removeprefix("sha256:"))) > 1


def test_an_image_digest_that_is_an_index_becomes_the_index_and_its_only_image() -> None:
    index = NodeFact(id=ids.index(digest(5)), source=A, seen=1.0)
    lists = EdgeFact(
        start=ids.index(digest(5)),
        end=ids.image(digest(2)),
        kind=EdgeKind.LISTS,
        level=Level.EXACT,
        source=A,
        seen=1.0,
        why=Safe("so"),
    )
    graph = joined([runs(5), index, lists, image(1, 2)])
    ends = [(e.end, e.level) for e in graph.edges_from(ids.container("e", "c1"))]
    assert ends == [
        (ids.image(digest(1)), Level.EXACT),
        (ids.index(digest(5)), Level.EXACT),
    ]


def test_what_a_source_no_longer_reports_is_marked_gone_and_not_removed() -> None:
    graph = joined([image(1)])
    later = NodeFact(id=ids.image(digest(2)), source=A, seen=5.0)
    graph.merge([later])
    graph.merge(graph.vanished(A, 5.0))
    assert graph.node(ids.image(digest(1))).gone
    assert not graph.node(ids.image(digest(2))).gone


def test_the_latest_word_of_a_source_counts() -> None:
    old = NodeFact(id=ids.host("h"), source=A, seen=1.0, label=Safe("old"))
    new = NodeFact(id=ids.host("h"), source=A, seen=2.0, label=Safe("new"))
    assert joined([new, old]).node(ids.host("h")).label == "new"
