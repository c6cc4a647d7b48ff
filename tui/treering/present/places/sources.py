"""The place `sources`: what is read, how it went, and every node each source knows.

Owns that grouping. Here, and only here, all nodes can be reached.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from treering.core.graph import Graph
from treering.core.ids import Kind, NodeId
from treering.core.reading import SourceStatus, State
from treering.core.text import Safe, safe
from treering.present.places.items import Item
from treering.present.places.known import ORDER, known, natural, short

_GLYPHS = {
    State.WAITING: Safe("·"),
    State.READING: Safe("…"),
    State.OK: Safe("✓"),
    State.PARTIAL: Safe("!"),
    State.FAILED: Safe("✗"),
}
_PLURALS = {
    Kind.INDEX: "indexes",
    Kind.SOURCE: "git commits",
    Kind.COMMIT: "OSTree commits",
    Kind.ACI: "app container images",
    Kind.LXC: "LXC containers",
}
_MENTIONED = Safe("only mentioned")
_NOTHING = Safe("")
_ODD = frozenset({"damaged"})

_BySource = dict[Safe, dict[Kind, list[Item]]]


def items(graph: Graph, statuses: Sequence[SourceStatus]) -> list[Item]:
    """Return the sources in the order given, the recorded ones after them, and what is left."""
    found = _collect(graph)
    drawn: list[Item] = []
    for status in statuses:
        drawn += _source(_item_of(status), found.pop(status.name, {}))
    mentioned = found.pop(_NOTHING, None)
    for name in sorted(found):
        drawn += _source(Item(name=name, words=("recorded",)), found[name])
    if mentioned:
        drawn += _source(Item(name=_MENTIONED), mentioned)
    return drawn


def _item_of(status: SourceStatus) -> Item:
    word = "live" if status.live else status.state.value
    trouble = status.state in {State.PARTIAL, State.FAILED}
    return Item(
        name=status.name,
        words=(word,),
        note=status.summary or safe(status.kind),
        glyph=_GLYPHS[status.state],
        odd=trouble,
    )


def _source(item: Item, kinds: dict[Kind, list[Item]]) -> list[Item]:
    above, total = item.key, 0
    below: list[Item] = []
    for kind in ORDER:
        nodes = kinds.get(kind)
        if nodes:
            total += len(nodes)
            group = Item(
                name=plural(kind),
                depth=1,
                kind=kind,
                above=above,
                count=safe(str(len(nodes))),
                size=len(nodes),
                odd=any(node.odd for node in nodes),
                closed=True,
            )
            below.append(group)
            below += nodes
    shown = Item(
        name=item.name,
        size=len(below),
        words=item.words,
        note=item.note,
        count=safe(str(total)) if total else _NOTHING,
        glyph=item.glyph,
        odd=item.odd,
    )
    return [shown, *below]


def plural(kind: Kind) -> Safe:
    """Return what several nodes of a kind are called."""
    return safe(_PLURALS.get(kind) or f"{kind.value}s")


@dataclass(slots=True)
class _Drawn:
    """The items of one source and kind, and what they are sorted by."""

    above: str
    items: list[Item] = field(default_factory=list)
    keys: list[Any] = field(default_factory=list)

    def sorted(self) -> list[Item]:
        """Return the items in the order of the list."""
        if not self.keys:
            return self.items
        return [self.items[at] for at in sorted(range(len(self.keys)), key=self.keys.__getitem__)]


def _collect(graph: Graph) -> _BySource:
    """Return the items of all nodes, by source and kind, in the order of the list."""
    found: _BySource = {}
    for kind in ORDER:
        for source, drawn in _of_kind(graph, kind).items():
            found.setdefault(source, {})[kind] = drawn.sorted()
    return found


def _of_kind(graph: Graph, kind: Kind) -> dict[Safe, _Drawn]:
    lists: dict[Safe, _Drawn] = {}
    time, by_name = _TIMES.get(kind), kind not in _BY_DIGEST
    for node in graph.of_kind(kind):
        label, attrs, words, sources = _quickly_known(graph, node)
        odd = bool(words) and not _ODD.isdisjoint(words)
        key = -_number(attrs.get(time)) if time else natural(label) if by_name else None
        for source in sources or _NO_SOURCE:
            drawn = lists.get(source)
            if drawn is None:
                drawn = lists[source] = _Drawn(f"\n{source or _MENTIONED}\n{plural(kind)}")
            shown = words if source else ()
            drawn.items.append(Item(label, 2, 0, node, kind, drawn.above, shown, odd=odd))
            if key is not None:
                drawn.keys.append(key)
    return lists


def _quickly_known(graph: Graph, node: NodeId) -> tuple[Safe, Mapping[str, Any], Words, Sources]:
    """Return what `known` does, as a plain tuple: there may be hundreds of thousands."""
    facts = graph.facts_of(node)
    if len(facts) == 1:
        fact = facts[0]
        attrs = fact.attrs
        if fact.present and "damaged" not in attrs and "tombstone" not in attrs:
            return fact.label or short(node), attrs, (), (fact.source,)
    return known(graph, node)


Words = tuple[str, ...]
Sources = tuple[Safe, ...]
_NO_SOURCE = (_NOTHING,)
_TIMES = {Kind.COMMIT: "timestamp", Kind.SOURCE: "time"}
_BY_DIGEST = frozenset({Kind.LAYER, Kind.BUILD})


def _number(time: object) -> float:
    return time if isinstance(time, (int, float)) else 0
