"""What boxes are called in drawings of the graph."""

from __future__ import annotations

import pytest
from support.strategies import digest

from treering.core import export, ids
from treering.core.facts import NodeFact
from treering.core.graph import Graph
from treering.core.text import Safe


@pytest.fixture
def two_tags() -> Graph:
    """Two sources that give one repository and tag the same label."""
    graph = Graph()
    for source in ("registry", "layout"):
        graph.merge(
            [
                NodeFact(
                    id=ids.tag(source, "shop/cart", "1.2"),
                    source=Safe(source),
                    seen=1.0,
                    label=Safe("shop/cart:1.2"),
                )
            ]
        )
    return graph


def test_a_tag_is_drawn_with_its_source(two_tags: Graph) -> None:
    drawn = "\n".join(export.dot(two_tags))
    assert '[label="tag\\nregistry/shop/cart:1.2"' in drawn
    assert '[label="tag\\nlayout/shop/cart:1.2"' in drawn
    drawn = "\n".join(export.mermaid(two_tags))
    assert '["tag<br/>registry/shop/cart:1.2"]' in drawn
    assert '["tag<br/>layout/shop/cart:1.2"]' in drawn


def test_other_boxes_have_their_label_or_a_short_id() -> None:
    graph = Graph()
    graph.merge([NodeFact(id=ids.host("web-1"), source=Safe("s"), seen=1.0, label=Safe("Web"))])
    graph.merge([NodeFact(id=ids.layer(digest(1)), source=Safe("s"), seen=1.0)])
    drawn = "\n".join(export.mermaid(graph))
    assert '["host<br/>Web"]' in drawn
    assert '["layer<br/>000000000000"]' in drawn


def test_what_stands_in_a_tag_is_no_markup() -> None:
    graph = Graph()
    graph.merge([NodeFact(id=ids.tag("s", 'a"];x', "<b>"), source=Safe("s"), seen=1.0)])
    assert '"tag\\ns/a\\"];x:<b>"' in "\n".join(export.dot(graph))
    assert "<b>" not in "\n".join(export.mermaid(graph))
