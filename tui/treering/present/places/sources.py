"""The place `sources`: what is read, how it went, and every node each source knows.

Owns that grouping. Here, and only here, all nodes can be reached.
"""

from __future__ import annotations

from collections.abc import Sequence

from treering.core.graph import Graph
from treering.core.ids import Kind, NodeId
from treering.core.reading import SourceStatus, State
from treering.core.text import Safe, safe
from treering.present.places.items import Item
from treering.present.places.known import ORDER, Known, known, natural

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


def _collect(graph: Graph) -> _BySource:
    """Return the items of all nodes, by source and kind, in the order of the list."""
    found: _BySource = {}
    for kind in ORDER:
        # Looked up once for each kind: there may be a hundred thousand items.
        lists: dict[Safe, tuple[str, list[Item]]] = {}
        for node, (label, _, words, sources) in _ordered(graph, kind):
            for source in sources or _NO_SOURCE:
                if source not in lists:
                    group = found.setdefault(source, {}).setdefault(kind, [])
                    lists[source] = (f"\n{source or _MENTIONED}\n{plural(kind)}", group)
                above, drawn = lists[source]
                if words and source:
                    odd = not _ODD.isdisjoint(words)
                    drawn.append(Item(label, 2, 0, node, kind, above, words, odd=odd))
                else:
                    drawn.append(Item(label, 2, 0, node, kind, above))
    return found


_NO_SOURCE = (_NOTHING,)


def _ordered(graph: Graph, kind: Kind) -> list[tuple[NodeId, Known]]:
    """Return the nodes of a kind: the newest commits first, 1.9 before 1.10."""
    entries = [(node, known(graph, node)) for node in graph.of_kind(kind)]
    if kind in _TIMES:
        name = _TIMES[kind]
        times = [_time(entry.attrs.get(name)) for _, entry in entries]
        newest = sorted(range(len(times)), key=times.__getitem__, reverse=True)
        return [entries[at] for at in newest]
    if kind not in _BY_DIGEST:
        entries.sort(key=lambda entry: natural(entry[1].label))
    return entries


_TIMES = {Kind.COMMIT: "timestamp", Kind.SOURCE: "time"}
_BY_DIGEST = frozenset({Kind.LAYER, Kind.BUILD})


def _time(time: object) -> float:
    return time if isinstance(time, (int, float)) else 0
