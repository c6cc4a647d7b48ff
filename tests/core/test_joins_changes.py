"""Joins are computed again when something they read changed, and only then."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.strategies import digest, facts

from treering.core import export, ids, joins
from treering.core.facts import EdgeFact, EdgeKind, Fact, Level, NodeFact
from treering.core.graph import Graph
from treering.core.ids import NodeId
from treering.core.joins import bases, derive
from treering.core.text import Safe

A = Safe("a")
BOX = ids.container("e", "c1")


def node(which: NodeId, seen: float = 1.0, **attrs: object) -> NodeFact:
    return NodeFact(id=which, source=A, seen=seen, attrs=attrs)


def edge(kind: EdgeKind, start: NodeId, end: NodeId, seen: float = 1.0) -> EdgeFact:
    return EdgeFact(start=start, end=end, kind=kind, level=Level.EXACT, source=A, seen=seen)


RUNS = edge(EdgeKind.RUNS, BOX, ids.index(digest(1)))
WORLD: list[Fact] = [
    node(BOX, state="running", platform="linux/amd64"),
    RUNS,
    edge(EdgeKind.LISTS, ids.index(digest(1)), ids.image(digest(2))),
    node(ids.image(digest(2)), os="linux"),
    node(ids.tag("e", "app", "1")),
]
WITHOUT_CONSEQUENCE: list[Fact] = [
    node(BOX, 2.0, state="exited", platform="linux/amd64"),
    edge(EdgeKind.RUNS, BOX, ids.index(digest(1)), 2.0),
    node(ids.image(digest(2)), 2.0, os="linux"),
    node(ids.tag("e", "app", "1"), 2.0, digest="x"),
    node(ids.host("h")),
    edge(EdgeKind.ON, ids.host("h"), ids.host("i")),
]
WITH_CONSEQUENCE: list[Fact] = [
    node(BOX, 2.0, state="running", platform="linux/arm64"),
    msgspec.structs.replace(RUNS, seen=2.0, present=False),
    node(ids.image(digest(2)), 2.0, os="windows"),
    node(ids.image(digest(3))),
    NodeFact(id=ids.tag("e", "app", "1"), source=A, seen=2.0, same=(digest(2),)),
    edge(EdgeKind.LISTS, ids.index(digest(1)), ids.image(digest(4))),
    NodeFact(id=BOX, source=Safe("b"), seen=2.0),
]


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[Fact]], int]:
    """Return how often the joins ran after facts came to the world."""
    ran: list[Graph] = []
    find = bases.find
    monkeypatch.setattr(joins.bases, "find", lambda graph: (ran.append(graph), find(graph))[1])

    def count(more: list[Fact]) -> int:
        graph = Graph()
        graph.merge(WORLD)
        derive(graph)
        ran.clear()
        graph.merge(more)
        derive(graph)
        return len(ran)

    return count


@pytest.mark.parametrize("fact", WITHOUT_CONSEQUENCE)
def test_what_joins_do_not_read_joins_nothing_again(
    counted: Callable[[list[Fact]], int], fact: Fact
) -> None:
    assert counted([fact]) == 0


@pytest.mark.parametrize("fact", WITH_CONSEQUENCE)
def test_what_joins_read_is_joined_again(counted: Callable[[list[Fact]], int], fact: Fact) -> None:
    assert counted([*WITHOUT_CONSEQUENCE, fact]) == 1


def test_very_many_changes_are_joined_again(counted: Callable[[list[Fact]], int]) -> None:
    assert counted([node(ids.host(f"h{n}")) for n in range(1001)]) == 1


@settings(max_examples=400, deadline=None)
@given(st.lists(facts, max_size=20), st.lists(facts, max_size=6))
def test_joining_after_each_fact_says_what_joining_at_the_end_does(
    first: list[Fact], more: list[Fact]
) -> None:
    live, whole = Graph(), Graph()
    live.merge(first)
    derive(live)
    for fact in more:
        live.merge([fact])
        derive(live)
    whole.merge([*first, *more])
    derive(whole)
    assert export.graph_json(live, ()) == export.graph_json(whole, ())
