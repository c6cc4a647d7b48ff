"""Walking up and down, over cycles, chains and things that run."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from support.strategies import facts

from treering.core import ids
from treering.core.facts import EdgeFact, EdgeKind, Fact, Level
from treering.core.graph import Graph
from treering.core.ids import NodeId
from treering.core.joins import derive
from treering.core.lineage import Direction, reach, tree
from treering.core.text import Safe


def edge(start: NodeId, kind: EdgeKind, end: NodeId) -> EdgeFact:
    return EdgeFact(
        start=start,
        end=end,
        kind=kind,
        level=Level.EXACT,
        source=Safe("s"),
        seen=1.0,
        why=Safe("so"),
    )


def commit(number: int) -> NodeId:
    return ids.commit(f"{number:064x}")


def graph_of(*edges: EdgeFact) -> Graph:
    graph = Graph()
    graph.merge(edges)
    return graph


@given(st.lists(facts, max_size=25), st.sampled_from(Direction))
def test_the_tree_shows_what_is_reached_once_each(things: list[Fact], way: Direction) -> None:
    graph = Graph()
    graph.merge([f for f in things if f.present])
    derive(graph)
    for node in graph.ids():
        rows = tree(graph, node, way)
        first = [row.node for row in rows if not row.repeated]
        assert sorted(first) == sorted(reach(graph, node, way))
        assert len(set(first)) == len(first)


@given(st.lists(facts, max_size=25))
def test_down_is_up_seen_from_the_other_end(things: list[Fact]) -> None:
    graph = Graph()
    graph.merge([f for f in things if f.present])
    for node in graph.ids():
        for other in reach(graph, node, Direction.UP):
            assert node in reach(graph, other, Direction.DOWN)


def test_down_ends_at_the_host() -> None:
    deployment = ids.deployment("web-1", "os", "0" * 64, 0)
    graph = graph_of(
        edge(deployment, EdgeKind.RUNS, commit(0)),
        edge(deployment, EdgeKind.ON, ids.host("web-1")),
    )
    assert ids.host("web-1") in reach(graph, commit(0), Direction.DOWN)
    assert set(reach(graph, ids.host("web-1"), Direction.UP)) == {
        ids.host("web-1"),
        deployment,
        commit(0),
    }


def test_a_cycle_ends_and_a_hundred_thousand_parents_do_not_recurse() -> None:
    count = 100_000
    chain = [edge(commit(n), EdgeKind.PARENT, commit(n + 1)) for n in range(count)]
    graph = graph_of(*chain, edge(commit(count), EdgeKind.PARENT, commit(0)))
    assert len(reach(graph, commit(5), Direction.UP)) == count + 1
    assert len(tree(graph, commit(5), Direction.UP)) == count + 2


def test_depth_says_how_much_it_kept_back() -> None:
    graph = graph_of(
        edge(commit(0), EdgeKind.PARENT, commit(1)), edge(commit(1), EdgeKind.PARENT, commit(2))
    )
    rows = tree(graph, commit(0), Direction.UP, depth=1)
    assert [(r.depth, r.cut) for r in rows] == [(0, 0), (1, 1)]
    assert reach(graph, commit(0), Direction.UP, depth=1) == {commit(0): 0, commit(1): 1}


def test_down_from_a_tag_is_down_from_what_it_points_at() -> None:
    base, app = (
        ids.image(ids.Digest("sha256:" + "1" * 64)),
        ids.image(ids.Digest("sha256:" + "2" * 64)),
    )
    tag = ids.tag("registry", "base", "12")
    graph = graph_of(edge(tag, EdgeKind.POINTS_AT, base), edge(app, EdgeKind.BASED_ON, base))
    assert reach(graph, tag, Direction.DOWN) == {tag: 0, base: 1, app: 2}
    rows = tree(graph, tag, Direction.DOWN)
    assert [(r.node, r.repeated) for r in rows] == [
        (tag, False),
        (base, False),
        (app, False),
        (tag, True),
    ]


def test_the_depth_limit_hides_nothing_that_is_near_on_another_way() -> None:
    a, b, c, x = (commit(n) for n in range(4))
    graph = graph_of(
        edge(a, EdgeKind.PARENT, b),
        edge(a, EdgeKind.LAYERED_ON, c),
        edge(b, EdgeKind.PARENT, c),
        edge(c, EdgeKind.PARENT, x),
    )
    for way, start, end in ((Direction.UP, a, x), (Direction.DOWN, x, a)):
        assert end in {row.node for row in tree(graph, start, way, depth=2)}
