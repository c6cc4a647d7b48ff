"""What is made the short way is what is made the long way, whatever it is made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from treering.core import ids
from treering.core.errors import Damaged
from treering.core.facts import EdgeFact, EdgeKind, Level, NodeFact, copies
from treering.core.ids import NodeId
from treering.core.making import Maker
from treering.core.text import Safe

A, B = "a" * 64, "b" * 64
HOSTILE = ("\x1b[2J", "\x7f", "\\", "\u202e", "\ud800", "\u115f", "é", "x" * 70_000, "a\nb", "")

plain = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
texts = plain | st.text(max_size=20) | st.sampled_from(HOSTILE)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | texts
    | st.binary(max_size=3)
    | st.sampled_from([Level.EXACT, {1, 2}, object()]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(texts, inner, max_size=3)
        | st.tuples(inner)
        | st.dictionaries(st.integers(), inner, max_size=1)
    ),
    max_leaves=8,
)
attributes = st.dictionaries(texts, values, max_size=4)
checksums = st.sampled_from([A, B, A.upper(), A[1:], f" {A}", f"{A}\n", "", "é" * 64, "٣" * 64])
nodes = st.sampled_from(
    [f"commit:{A}", f"commit:{B}", f"commit:{A} ", "commit:x", "ref:s/a", "ref:s/\x1b", "x", ""]
).map(NodeId)


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {"a": 1}
    for _ in range(depth - 1):
        value = {"a": value}
    return value


def outcome(make: Callable[[], Any]) -> Any:
    """Return what was made, as it is written, or what was raised instead."""
    try:
        made = make()
    except (Damaged, TypeError, AttributeError, ValueError) as error:
        return type(error), str(error)
    return made


@given(st.text(max_size=5), st.lists(st.tuples(nodes, texts, attributes), max_size=4))
@example("s", [(NodeId(f"commit:{A}"), "plain", {"a": "b", "c": 1, "d": ["e", {"f": None}]})])
@example("s", [(NodeId(f"commit:{A}"), "plain", nested(32))])
@example("s", [(NodeId(f"commit:{A}"), "plain", nested(33))])
@example("s", [(NodeId(f"commit:{A}"), text, {"a": 1}) for text in HOSTILE])
@example("s", [(NodeId(f"commit:{A}"), "plain", {"a": text}) for text in HOSTILE])
@example("s", [(NodeId(f"commit:{A}"), "plain", {text: 1}) for text in HOSTILE])
def test_nodes_are_what_they_would_be_one_by_one(
    source: str, parts: list[tuple[NodeId, str, dict[str, Any]]]
) -> None:
    of, labels, attrs = [p[0] for p in parts], [Safe(p[1]) for p in parts], [p[2] for p in parts]
    maker = Maker(Safe(source), 7.0)
    maker.commits([A, B])
    together = outcome(lambda: maker.nodes(of, labels, attrs))
    single = outcome(
        lambda: [
            NodeFact(n, Safe(source), 7.0, label, a)
            for n, label, a in zip(of, labels, attrs, strict=True)
        ]
    )
    assert together == single
    if isinstance(single, list):
        assert msgspec.json.encode(together) == msgspec.json.encode(single)


@given(texts, texts, st.lists(st.tuples(nodes, nodes), max_size=4))
def test_edges_are_what_they_would_be_one_by_one(
    source: str, why: str, ends: list[tuple[NodeId, NodeId]]
) -> None:
    maker = Maker(Safe(source), 7.0)
    maker.commits([A, B])
    make = maker.edges(EdgeKind.PARENT, Level.EXACT, Safe(why))
    starts, stops = [e[0] for e in ends], [e[1] for e in ends]
    single = outcome(
        lambda: [
            EdgeFact(s, e, EdgeKind.PARENT, Level.EXACT, Safe(source), 7.0, Safe(why))
            for s, e in ends
        ]
    )
    assert outcome(lambda: make(starts, stops)) == single


@given(st.lists(checksums, max_size=4))
@example([A[1:], f"{A}a"])
def test_ids_of_commits_are_what_they_would_be_one_by_one(given_: list[str]) -> None:
    assert outcome(lambda: ids.commits(given_)) == outcome(lambda: list(map(ids.commit, given_)))


def test_what_a_fact_was_made_of_may_change_afterwards() -> None:
    maker = Maker(Safe("s"), 7.0)
    attrs: dict[str, Any] = {"a": ["b"]}
    (fact,) = maker.nodes(maker.commits([A]), [Safe("")], [attrs])
    attrs["a"].append("\x1b")
    assert fact.attrs == {"a": ["b"]}


def test_facts_made_alike_share_nothing() -> None:
    maker = Maker(Safe("s"), 7.0)
    one, two = maker.nodes(maker.commits([A, B]), [Safe("a"), Safe("b")], [{"a": 1}, {}])
    assert (one.id, one.label, one.attrs) == (f"commit:{A}", "a", {"a": 1})
    assert (two.id, two.label, two.attrs) == (f"commit:{B}", "b", {})


def test_as_many_labels_as_nodes_are_needed() -> None:
    maker = Maker(Safe("s"), 7.0)
    with pytest.raises(ValueError, match="argument"):
        maker.nodes(maker.commits([A, B]), [Safe("a")], [{}, {}])


def test_plain_objects_are_copied_together_and_others_not() -> None:
    assert copies([{"a": "b"}, {"c": [1, {}]}]) == [{"a": "b"}, {"c": [1, {}]}]
    assert copies([{"a": "b"}, {"c": "\x7f"}]) is None
    assert copies([{"a": "b"}, {"c": b"d"}]) is None
    assert copies([nested(32)]) == [nested(32)]
    assert copies([nested(33)]) is None
