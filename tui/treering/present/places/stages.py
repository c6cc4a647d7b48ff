"""The place `stages`: the order of promotion, and what each stage serves now.

Owns reading the stage tables of the configuration as far as they are shown. `at` is
``<source>/<repository>`` or ``<source>/<ref>``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from treering.core import ids
from treering.core.facts import EdgeKind
from treering.core.graph import Graph
from treering.core.ids import Kind, NodeId
from treering.core.text import Safe, safe
from treering.present.places.items import MANY, Item, branch
from treering.present.places.known import count, digits, known, live, natural


def items(graph: Graph, stages: Sequence[Mapping[str, Any]]) -> list[Item]:
    """Return the stages in their order with the tags and refs they serve."""
    named: dict[Safe, set[NodeId]] = {}
    order: dict[Safe, int] = {}
    for number, table in enumerate(stages):
        name = safe(str(table.get("name", "")))
        place = table.get("order")
        order[name] = place if isinstance(place, int) else number
        named.setdefault(name, set()).update(_served(graph, table.get("at")))
    for node in graph.of_kind(Kind.STAGE):
        found = known(graph, node)
        name = safe(ids.content_of(node))
        place = found.attrs.get("order")
        order.setdefault(name, place if isinstance(place, int) else len(order))
        named.setdefault(name, set()).update(live(graph, node, EdgeKind.SERVES))
    drawn: list[Item] = []
    for name in sorted(named, key=lambda n: (order[n], n)):
        drawn += _stage(graph, name, named[name])
    return drawn


def _served(graph: Graph, at: object) -> set[NodeId]:
    """Return the tags and refs of the places a stage is at."""
    places = at if isinstance(at, list) else [at]
    found: set[NodeId] = set()
    for place in places:
        if isinstance(place, str) and place:
            found.update(n for n in graph.of_kind(Kind.TAG) if n.startswith(f"tag:{place}:"))
            ref = ids.NodeId(safe(f"ref:{place}"))
            if ref in graph:
                found.add(ref)
    return found


def _stage(graph: Graph, name: Safe, served: set[NodeId]) -> list[Item]:
    node = ids.NodeId(safe(f"stage:{name}"))
    known_node = node if node in graph else None
    above = f"\n{known_node or name}"
    below = [_serves(graph, each, above) for each in sorted(served, key=natural, reverse=True)]
    item = Item(
        name=name,
        node=known_node,
        kind=Kind.STAGE,
        words=() if below else ("serves nothing",),
        count=count(len(below), "name") if below else Safe(""),
        odd=not below,
        closed=len(below) > MANY,
    )
    return branch(item, below)


def _serves(graph: Graph, node: NodeId, above: str) -> Item:
    ends = live(graph, node, EdgeKind.POINTS_AT)
    found = known(graph, node)
    told = ""
    if ends:
        end = known(graph, ends[0]).label if node.startswith("ref:") else ""
        told = f"{end} {digits(ends[0])}".strip()
    return Item(
        name=safe(ids.short(ids.content_of(node))),
        depth=1,
        node=node,
        kind=ids.kind_of(node),
        above=above,
        words=found.words if ends else (*found.words, "names nothing"),
        note=safe(told),
        odd=not ends,
    )
