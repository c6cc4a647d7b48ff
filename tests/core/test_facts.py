"""Making a fact makes it safe, or fails."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import digest

from treering.core import ids
from treering.core.errors import Damaged
from treering.core.facts import EdgeFact, EdgeKind, Level, NodeFact, safe_value
from treering.core.ids import NodeId
from treering.core.text import Safe, is_safe

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [t for k, v in value.items() for t in (k, *texts(v))]
    if isinstance(value, list):
        return [t for v in value for t in texts(v)]
    return []


@given(st.text(), st.text(), st.dictionaries(st.text(), json_values, max_size=3))
def test_every_text_in_a_node_fact_is_safe(label: str, name: str, attrs: dict[str, object]) -> None:
    fact = NodeFact(
        id=ids.image(digest(1)),
        source=Safe(label),
        seen=0.0,
        label=Safe(label),
        attrs=attrs,
        names=(Safe(name),),
    )
    assert is_safe(fact.source)
    assert is_safe(fact.label)
    assert all(is_safe(n) for n in fact.names)
    assert all(is_safe(t) for t in texts(fact.attrs))


@given(st.text(), st.text())
def test_every_text_in_an_edge_fact_is_safe(why: str, source: str) -> None:
    fact = EdgeFact(
        start=ids.image(digest(1)),
        end=ids.layer(digest(2)),
        kind=EdgeKind.CONTAINS,
        level=Level.EXACT,
        source=Safe(source),
        seen=0.0,
        why=Safe(why),
    )
    assert is_safe(fact.why)
    assert is_safe(fact.source)


@given(st.text(), st.text(), st.text())
def test_ids_made_by_the_functions_make_facts(source: str, repository: str, name: str) -> None:
    for node in (
        ids.tag(source, repository, name),
        ids.ref(source, name),
        ids.container(source, name),
        ids.host(name or "h"),
    ):
        NodeFact(id=node, source=Safe("s"), seen=0.0)


@pytest.mark.parametrize(
    "bad",
    [
        "image:sha256:abc",
        "image:sha256:" + "A" * 64,
        "commit:" + "0" * 63,
        "tag:",
        "nothing:x",
        "tag:a\x1b[2J",
        "git:" + "0" * 41,
        "layer:sha256:" + "0" * 64 + "\n",
    ],
)
def test_what_is_no_id_makes_no_fact(bad: str) -> None:
    with pytest.raises(Damaged):
        NodeFact(id=NodeId(bad), source=Safe("s"), seen=0.0)
    with pytest.raises(Damaged):
        EdgeFact(
            start=ids.image(digest(1)),
            end=NodeId(bad),
            kind=EdgeKind.RUNS,
            level=Level.EXACT,
            source=Safe("s"),
            seen=0.0,
        )


def test_decoding_a_fact_makes_it_safe_too() -> None:
    raw = b'{"fact":"node","id":"host:h","source":"s","seen":1.0,"label":"\\u001b[31m"}'
    assert msgspec.json.decode(raw, type=NodeFact).label == "\\u{1b}[31m"


def test_attributes_have_a_depth_and_types() -> None:
    deep: object = "x"
    for _ in range(40):
        deep = [deep]
    with pytest.raises(Damaged, match="nested"):
        safe_value(deep)
    with pytest.raises(Damaged, match="bytes"):
        safe_value({"a": b"x"})
