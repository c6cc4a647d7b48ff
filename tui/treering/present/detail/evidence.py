"""The tab `evidence`: every edge of a node and every fact, with who said so.

Owns how evidence reads: the level, the sentence, the source and the time of each thing said.
"""

from __future__ import annotations

from collections.abc import Sequence

from treering.core.facts import EdgeFact, Level, NodeFact
from treering.core.graph import Edge, Graph
from treering.core.ids import NodeId
from treering.core.joins.evidence import DERIVED
from treering.core.lineage import INVERSE
from treering.core.text import Safe
from treering.present.detail.parts import Page, compact, joined, moment, shown
from treering.present.lines import Row, span
from treering.present.nodes import level_style
from treering.present.places.known import count

MAX_EDGES = 300
"""How many edges of each direction are listed; the rest is counted."""
_MAX_KEYS = 200
_CUT = 200


def rows(
    graph: Graph, node: NodeId, *, width: int = 80, now: float | None = None
) -> tuple[Row, ...]:
    """Return the edges of a node, both ways, then what each source said of it."""
    page = Page(width)
    _edges(page, graph, graph.edges_from(node), now, out=True)
    _edges(page, graph, graph.edges_to(node), now, out=False)
    facts = graph.facts_of(node)
    if not facts:
        page.heading("said of it")
        page.field("", "nothing: it is only mentioned", "dim")
    for fact in facts:
        _said(page, fact, now)
    return page.rows()


def _edges(
    page: Page, graph: Graph, edges: Sequence[Edge], now: float | None, *, out: bool
) -> None:
    if not edges:
        return
    title = "came from or rests on" if out else "came of it or rests on it"
    page.heading(title, note=count(len(edges), "edge"))
    for edge in edges[:MAX_EDGES]:
        other = edge.end if out else edge.start
        word = edge.kind.value if out else INVERSE[edge.kind]
        line = (
            span(f"{edge.level.value:<9}", level_style(edge.level)),
            span(f"{word} ", "dim"),
            *shown(graph.node(other)),
            *((span(" gone", "bad"),) if edge.gone else ()),
        )
        page.line(f"{edge.kind} {other}", line, other, edge.why)
        _reasons(page, edge, other, now)
    if len(edges) > MAX_EDGES:
        page.line("more", (span(f"… and {len(edges) - MAX_EDGES} more", "dim"),))


def _reasons(page: Page, edge: Edge, other: NodeId, now: float | None) -> None:
    """Say each reason for an edge once, and who gave it."""
    reasons: dict[tuple[Level, Safe, bool], list[EdgeFact]] = {}
    for fact in edge.all:
        reasons.setdefault((fact.level, fact.why, fact.present), []).append(fact)
    for (level, why, present), facts in reasons.items():
        key = f"{edge.kind} {other} {facts[0].source}"
        front = f"{level.value}: " if level is not edge.level else ""
        gone = "" if present else " (gone)"
        page.text(key, f"{front}{why or 'no reason given'}{gone}", why=why)
        page.text(key, f"— {joined(_who(fact, now) for fact in facts)}", "dim")


def _who(fact: EdgeFact, now: float | None) -> str:
    if fact.source == DERIVED:
        return "joined by treering"
    return f"{fact.source} {moment(fact.seen, now)}"


def _said(page: Page, fact: NodeFact, now: float | None) -> None:
    gone = "" if fact.present else ", gone"
    page.heading(f"{fact.source} said", note=f"{moment(fact.seen, now)}{gone}")
    if fact.label:
        page.field("label", fact.label)
    for alias in fact.same:
        page.field("same as", alias)
    for name in fact.names:
        page.field("name", name)
    for key in sorted(fact.attrs)[:_MAX_KEYS]:
        value = compact(fact.attrs[key])
        page.field(key, value if len(value) <= _CUT else f"{value[:_CUT]}…")
    if len(fact.attrs) > _MAX_KEYS:
        page.field("", f"… and {len(fact.attrs) - _MAX_KEYS} more", "dim")
