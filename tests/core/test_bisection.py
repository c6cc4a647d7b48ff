"""The order of versions, and the search for the first bad one."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.readers import edge, image, node
from support.strategies import digest

from treering.core import ids
from treering.core.bisection import Bisection, Verdict, verdict_of
from treering.core.errors import UsageError
from treering.core.facts import EdgeKind, Fact
from treering.core.graph import Graph
from treering.core.history import between
from treering.core.ids import NodeId


def commits(count: int) -> list[NodeId]:
    return [ids.commit(f"{number:064x}") for number in range(count)]


@given(st.data())
def test_the_first_bad_version_is_found_whatever_is_skipped(data: st.DataObject) -> None:
    count = data.draw(st.integers(2, 60))
    first = data.draw(st.integers(1, count - 1))
    skipped = data.draw(st.sets(st.integers(1, count - 2))) if count > 2 else set()
    state, trials = Bisection(commits(count)), 0
    while state.found is None and (at := state.next) is not None:
        assert state.good < at < state.bad
        judged = Verdict.BAD if at >= first else Verdict.GOOD
        state = state.tried(at, Verdict.SKIPPED if at in skipped else judged)
        trials += 1
    assert commits(count)[first] in state.suspects
    if not skipped:
        assert state.found == commits(count)[first]
        assert trials <= math.ceil(math.log2(count))
    elif state.found is None:
        # All that could tell more was skipped.
        assert set(range(state.good + 1, state.bad)) <= skipped


def test_exit_codes_mean_what_they_mean_to_git() -> None:
    assert verdict_of(0) is Verdict.GOOD
    assert verdict_of(125) is Verdict.SKIPPED
    assert {verdict_of(code) for code in (1, 124, 126, 127)} == {Verdict.BAD}
    for code in (128, 137, 255, -9):
        with pytest.raises(UsageError, match="no verdict"):
            verdict_of(code)


def test_one_version_cannot_be_searched() -> None:
    with pytest.raises(UsageError, match="are one"):
        Bisection(commits(1))


def graph(*facts: Fact) -> Graph:
    made = Graph()
    made.merge(facts)
    return made


def git(number: int) -> NodeId:
    return ids.git(f"{number:040x}")


def built(number: int, source: int, tag: str, repository: str = "web") -> list[Fact]:
    config, name = ids.image(digest(number)), ids.tag("registry", repository, tag)
    return [
        *image(number, f"{repository}:{tag}", [number + 100], os="linux", architecture="amd64"),
        node(name, f"{repository}:{tag}"),
        edge(name, EdgeKind.POINTS_AT, config),
        edge(config, EdgeKind.BUILT_FROM, git(source)),
    ]


def log(*parents: tuple[int, int]) -> list[Fact]:
    return [edge(git(child), EdgeKind.PARENT, git(parent)) for child, parent in parents]


def at(number: int) -> NodeId:
    return ids.image(digest(number))


class TestOrder:
    def test_commits_by_their_parents(self) -> None:
        chain = commits(5)
        made = graph(*(edge(b, EdgeKind.PARENT, a) for a, b in pairwise(chain)))
        assert between(made, chain[1], chain[4]).versions == tuple(chain[1:])
        with pytest.raises(UsageError, match="the other way round"):
            between(made, chain[4], chain[1])
        with pytest.raises(UsageError, match="not on one line"):
            between(graph(*map(node, chain)), chain[0], chain[1])

    def test_images_by_what_they_are_built_on(self) -> None:
        made = graph(
            edge(at(2), EdgeKind.BASED_ON, at(1)),
            edge(at(3), EdgeKind.BASED_ON, at(2)),
        )
        found = between(made, at(1), at(3))
        assert found.versions == (at(1), at(2), at(3))
        assert "built on" in found.how

    def test_images_of_a_repository_by_git(self) -> None:
        made = graph(
            *log((2, 1), (3, 2), (4, 3), (5, 4)),
            *(fact for n in (4, 1, 3, 5) for fact in built(n, n, f"1.{n}")),
            *built(9, 2, "2", "other"),
        )
        assert between(made, at(1), at(4)).versions == (at(1), at(3), at(4))
        with pytest.raises(UsageError, match="other way round"):
            between(made, at(4), at(1))

    def test_images_on_a_branch_beside_are_left_out_and_counted(self) -> None:
        made = graph(
            *log((2, 1), (3, 1), (4, 2), (4, 3), (5, 4)),
            *(fact for n in (1, 2, 3, 5) for fact in built(n, n, f"1.{n}")),
        )
        found = between(made, at(1), at(5))
        assert found.versions[0] == at(1)
        assert found.versions[-1] == at(5)
        assert len(found.versions) == 3
        assert found.aside == 1

    def test_refusals_say_why(self) -> None:
        made = graph(*built(1, 1, "1"), *built(2, 2, "1", "other"), *image(3, "x", [1]))
        with pytest.raises(UsageError, match="no repository has tags of both"):
            between(made, at(1), at(2))
        with pytest.raises(UsageError, match="only images or commits"):
            between(made, at(1), ids.commit("a" * 64))
        two = graph(*built(1, 1, "1"), *built(2, 2, "2"))
        with pytest.raises(UsageError, match="is not an ancestor"):
            between(two, at(1), at(2))
        name = ids.tag("registry", "web", "3")
        lost = graph(*built(1, 1, "1"), *image(3, "x", [1]), edge(name, EdgeKind.POINTS_AT, at(3)))
        with pytest.raises(UsageError, match="no commit is known"):
            between(lost, at(1), at(3))

    def test_histories_in_a_circle_end(self) -> None:
        chain = commits(3)
        made = graph(
            *(edge(chain[n], EdgeKind.PARENT, chain[(n + 1) % 3]) for n in range(3)),
            *log((1, 2), (2, 1)),
            *built(1, 1, "1"),
            *built(2, 2, "2"),
            *built(3, 3, "3"),
        )
        assert between(made, chain[0], chain[2]).versions[-1] == chain[2]
        with pytest.raises(UsageError):
            between(made, at(1), at(3))
        between(made, at(1), at(2))
