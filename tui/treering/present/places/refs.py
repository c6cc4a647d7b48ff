"""The place `refs`: OSTree refs by source, each with its newest commits.

Owns how far back a list goes, and that the refs systems make for themselves stand apart.
"""

from __future__ import annotations

from dataclasses import dataclass

from treering.core import ids
from treering.core.facts import EdgeKind
from treering.core.graph import Graph
from treering.core.ids import Kind, NodeId
from treering.core.text import Safe, safe
from treering.present.places.images import DIFFERS
from treering.present.places.items import MANY, Item, branch
from treering.present.places.known import Known, count, day, known, live, natural

NEWEST = 10
"""How many commits of a ref are listed."""
COUNTED = 200
"""How many commits are counted at most."""
_CHAIN = frozenset({EdgeKind.PARENT, EdgeKind.LAYERED_ON})


@dataclass(frozen=True, slots=True)
class _Name:
    node: NodeId
    known: Known
    source: str
    name: str
    ends: list[NodeId]


def items(graph: Graph) -> list[Item]:
    """Return refs by source; those systems make for themselves stand in a closed group."""
    refs = [_name_of(graph, node) for node in graph.of_kind(Kind.REF)]
    apart = _differing(refs)
    groups: dict[tuple[str, bool], list[_Name]] = {}
    for ref in refs:
        groups.setdefault((ref.source, bool(ref.known.attrs.get("internal"))), []).append(ref)
    drawn: list[Item] = []
    for (source, internal), names in sorted(groups.items()):
        title = safe(f"{source}: internal" if internal else source)
        names.sort(key=lambda name: natural(name.name))
        below = []
        for name in names:
            below += _ref(graph, name, f"\n{title}", differs=name.node in apart)
        group = Item(
            name=title,
            words=(DIFFERS,) if any(name.node in apart for name in names) else (),
            count=count(len(names), "ref"),
            odd=any(item.odd for item in below),
            closed=internal or len(names) > MANY,
        )
        drawn += branch(group, below)
    return drawn


def _name_of(graph: Graph, node: NodeId) -> _Name:
    found = known(graph, node)
    place, _, rest = ids.content_of(node).partition("/")
    source = found.sources[0] if found.sources else place
    name = found.attrs.get("name")
    ends = live(graph, node, EdgeKind.POINTS_AT)
    return _Name(node, found, source, name if isinstance(name, str) and name else rest, ends)


def _differing(refs: list[_Name]) -> set[NodeId]:
    """Return the refs whose name points at another commit in another source."""
    alike: dict[str, list[_Name]] = {}
    for ref in refs:
        if ref.ends:
            alike.setdefault(ref.name, []).append(ref)
    return {
        ref.node
        for group in alike.values()
        if len(group) > 1 and len({end for ref in group for end in ref.ends}) > 1
        for ref in group
    }


def _ref(graph: Graph, ref: _Name, above: str, *, differs: bool) -> list[Item]:
    words = (DIFFERS,) * differs + ref.known.words + (() if ref.ends else ("names nothing",))
    end = ref.ends[0] if ref.ends else None
    note, below = Safe(""), []
    if end is not None and end.startswith("ref:"):
        note = safe(f"→ {known(graph, end).label}")
    elif end is not None:
        note = known(graph, end).label
        below = _history(graph, end, f"{above}\n{ref.node}")
    item = Item(
        name=safe(ref.name),
        depth=1,
        node=ref.node,
        kind=Kind.REF,
        above=above,
        words=words,
        note=note,
        odd=bool(words),
        closed=True,
    )
    return branch(item, below)


def _history(graph: Graph, node: NodeId, above: str) -> list[Item]:
    """Return the newest commits from `node` on, and how many older ones there are."""
    drawn: list[Item] = []
    seen = {node}
    at: NodeId | None = node
    for _ in range(NEWEST):
        if at is None:
            return drawn
        drawn.append(_commit(graph, at, above))
        at = _before(graph, at, seen)
    if at is not None:
        older, rest = 1, _before(graph, at, seen)
        while rest is not None and older < COUNTED:
            older, rest = older + 1, _before(graph, rest, seen)
        more = f"… {older}{' or more' if rest is not None else ''} older"
        drawn.append(Item(name=safe(more), depth=2, node=at, above=above))
    return drawn


def _before(graph: Graph, node: NodeId, seen: set[NodeId]) -> NodeId | None:
    """Return the commit before a commit, unless it was seen already."""
    for other, kinds in graph.neighbours(node, out=True):
        if other not in seen and not _CHAIN.isdisjoint(kinds):
            seen.add(other)
            return other
    return None


def _commit(graph: Graph, node: NodeId, above: str) -> Item:
    found = known(graph, node)
    partial = ("partial",) if found.attrs.get("partial") else ()
    return Item(
        name=found.label,
        depth=2,
        node=node,
        kind=Kind.COMMIT,
        above=above,
        words=found.words + partial,
        note=day(found.attrs.get("timestamp")),
        odd="damaged" in found.words,
    )
