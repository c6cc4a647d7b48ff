"""The lineage map: one thing among what it came from and what came of it, drawn with lanes.

Owns the order of the rows and how they are put together; which rows there are is the business of
`map_choice`, where lines run that of `lanes`, what is written that of `map_words`. What came of
the selected thing stands above it, what it came from or rests on below, and every row above all
it came from, as in ``git log --graph``. What else rests on something below stands right above
that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from treering.core.facts import EdgeKind
from treering.core.graph import Edge, Graph
from treering.core.ids import NodeId
from treering.core.text import Safe, safe
from treering.present.lanes import LINES, LaneRow, lay_out
from treering.present.lines import LANES, Fold, Row, Span
from treering.present.map_choice import Choice, Group, choose
from treering.present.map_words import Words, natural

GLYPHS: Mapping[str, str] = {
    **LINES,
    "●": "*",
    "○": "o",
    "◆": "#",
    "≡": "=",
    "@": "@",
    "!": "!",
    "▸": ">",
    "▾": "v",
}
"""Every glyph of a map with the one cell of ASCII that stands for it."""

_GUTTER = 4
"""Names begin in one column where no more lanes than this run."""

_LOWER_ORDER = (
    EdgeKind.CONTAINS,
    EdgeKind.BUILT_BY,
    EdgeKind.ATTESTS,
    EdgeKind.SAME_TREE,
    EdgeKind.ENCAPSULATES,
    EdgeKind.IMPORTED_FROM,
    EdgeKind.LISTS,
    EdgeKind.LAYERED_ON,
    EdgeKind.BASED_ON,
    EdgeKind.DEPENDS_ON,
    EdgeKind.CLONE_OF,
    EdgeKind.BUILT_FROM,
    EdgeKind.PROMOTED_FROM,
    EdgeKind.OF,
    EdgeKind.ON,
    EdgeKind.SERVES,
    EdgeKind.POINTS_AT,
    EdgeKind.RUNS,
    EdgeKind.SUPERSEDES,
    EdgeKind.PARENT,
)
"""What something came from, nearest first; the last of them goes on in its lane."""

_UPPER_ORDER = (
    EdgeKind.ATTESTS,
    EdgeKind.POINTS_AT,
    EdgeKind.SERVES,
    EdgeKind.PROMOTED_FROM,
    EdgeKind.LISTS,
    EdgeKind.BUILT_BY,
    EdgeKind.SAME_TREE,
    EdgeKind.ENCAPSULATES,
    EdgeKind.IMPORTED_FROM,
    EdgeKind.RUNS,
    EdgeKind.ON,
    EdgeKind.OF,
    EdgeKind.BUILT_FROM,
    EdgeKind.LAYERED_ON,
    EdgeKind.BASED_ON,
    EdgeKind.CONTAINS,
    EdgeKind.DEPENDS_ON,
    EdgeKind.CLONE_OF,
    EdgeKind.SUPERSEDES,
    EdgeKind.PARENT,
)
"""What came of something, nearest first."""

_LOWER = {kind: place for place, kind in enumerate(_LOWER_ORDER)}
_UPPER = {kind: place for place, kind in enumerate(_UPPER_ORDER)}


@dataclass(frozen=True, slots=True)
class MapView:
    """A map as rows; `center` is the row of the selected thing.

    `lanes` is the greatest number of lanes beside each other, `hidden` how many neighbours of
    what is shown the limits left out.
    """

    rows: tuple[Row, ...]
    center: int
    lanes: int
    hidden: int


def lineage_map(  # noqa: PLR0913 -- one thing and five keywords that each may be left out
    graph: Graph,
    node: NodeId,
    *,
    open_groups: frozenset[str] = frozenset(),
    limit: int = 2000,
    depth: int | None = None,
    sources: Iterable[str] = (),
) -> MapView:
    """Return the map of `node`; groups whose keys are in `open_groups` show their members.

    At most `limit` nodes get rows of their own, and none further than `depth` edges from the
    selected one. A tag says where the same tag of another source points, if at something else:
    of those in `sources` and those that know the rows. Raises `KeyError` when the graph does not
    hold `node`.
    """
    choice = choose(graph, node, open_groups, limit, depth)
    words = Words(graph)
    words.sources = {*sources, *(s for key in choice.nodes for s in words.node(key).sources)}
    order = _Order(choice, words)
    keys = order.keys()
    lanes = lay_out(order.edges(keys))
    gutter = min(_GUTTER, max(len(row.cells) // 2 + 1 for row in lanes))
    return MapView(
        rows=tuple(_row(choice, words, *pair, gutter) for pair in zip(keys, lanes, strict=True)),
        center=keys.index(choice.center),
        lanes=max(len(row.cells) // 2 + 1 for row in lanes),
        hidden=choice.hidden,
    )


class _Order:
    """The order of the rows of a map."""

    def __init__(self, choice: Choice, words: Words) -> None:
        self._choice = choice
        self._words = words
        self._lower: dict[str, list[str]] = {}
        self._upper: dict[str, list[str]] = {}
        self._done: dict[str, None] = {}
        """Keys from the bottom of the map to its top."""
        uppers: dict[str, dict[str, EdgeKind]] = {}
        for upper, links in choice.links.items():
            for lower, relation in links.items():
                uppers.setdefault(lower, {})[upper] = relation
        for key, links in choice.links.items():
            self._lower[key] = self._sorted(links, _LOWER, last=False)
        for key, links in uppers.items():
            self._upper[key] = self._sorted(links, _UPPER, last=True)
        self._past = self._reached(choice.center)

    def _sorted(
        self, links: Mapping[str, EdgeKind], ranks: Mapping[EdgeKind, int], *, last: bool
    ) -> list[str]:
        """Return keys by relation and name; above, the last name stands nearest."""
        if len(links) == 1:
            return list(links)
        keys = sorted(links, key=lambda key: (*self._weight(key), key), reverse=last)
        return sorted(keys, key=lambda key: ranks[links[key]])

    def _weight(self, key: str) -> tuple[bool, list[tuple[int, int, str]]]:
        group = self._choice.groups.get(key)
        if group is not None:
            return (True, [])
        node = NodeId(key)
        return ("booted" not in self._words.states(node), natural(self._words.name(node)))

    def _reached(self, center: str) -> set[str]:
        """Return the center and all it came from: the rows that only `_descend` puts."""
        past = {center}
        stack = [center]
        while stack:
            below = [key for key in self._lower.get(stack.pop(), ()) if key not in past]
            past.update(below)
            stack += below
        return past

    def keys(self) -> list[str]:
        """Return the keys of all rows from the top to the bottom."""
        choice = self._choice
        self._descend(choice.center)
        self._ascend(choice.center)
        # What a cycle ties to itself comes as it was found: no order would be right.
        for key in [*choice.nodes, *choice.groups]:
            if key not in self._done:
                self._descend(key)
                self._ascend(key)
        return list(reversed(self._done))

    def _descend(self, key: str) -> None:
        """Put what `key` came from under it, the nearest last, and then `key` itself."""
        stack = [(key, iter(reversed(self._lower.get(key, ()))))]
        begun = {key}
        while stack:
            at, below = stack[-1]
            for lower in below:
                if lower not in begun and lower not in self._done:
                    begun.add(lower)
                    stack.append((lower, iter(reversed(self._lower.get(lower, ())))))
                    break
            else:
                stack.pop()
                self._done[at] = None
                if at != key:
                    self._ascend(at)

    def _ascend(self, key: str) -> None:
        """Put upon `key` what rests on it and on nothing that is still to come."""
        stack = list(reversed(self._ready(key)))
        while stack:
            at = stack.pop()
            if at not in self._done:
                self._done[at] = None
                stack += reversed(self._ready(at))
        if key == self._choice.center:
            # What came of the thing that the center names had to wait for the center.
            for lower in list(self._done):
                if lower not in self._choice.came and self._ready(lower):
                    self._ascend(lower)

    def _ready(self, key: str) -> list[str]:
        waiting = self._choice.center not in self._done
        return [
            upper
            for upper in self._upper.get(key, ())
            if upper not in self._done
            and upper not in self._past
            and not (waiting and upper in self._choice.came)
            and all(lower in self._done for lower in self._lower[upper])
        ]

    def edges(self, keys: list[str]) -> list[list[int]]:
        """Return the rows that each row leads to, the one that goes on in its lane first."""
        at = {key: row for row, key in enumerate(keys)}
        edges = []
        for row, key in enumerate(keys):
            below = [at[lower] for lower in reversed(self._lower.get(key, ()))]
            edges.append([target for target in below if target > row])
        return edges


def _row(choice: Choice, words: Words, key: str, lane: LaneRow, gutter: int) -> Row:
    group = choice.groups.get(key)
    if group is not None:
        return _group_row(words, group, lane, gutter)
    node = NodeId(key)
    via = choice.nodes[node]
    center = node == choice.center
    glyph, style = ("●", "accent") if center else words.glyph(node)
    if node.startswith("layer:") and not center:
        spans = words.layer(node, via)
    else:
        spans = words.spans(node, via, "accent" if center else "")
    line = (*_lane_spans(lane, glyph, style, gutter), *spans)
    return Row(key, line, node, _why(via))


def _group_row(words: Words, group: Group, lane: LaneRow, gutter: int) -> Row:
    glyph = "▾" if group.open else "▸"
    line = (*_lane_spans(lane, glyph, "", gutter), *words.group(group))
    fold = Fold.OPEN if group.open else Fold.CLOSED
    return Row(group.key, line, None, _why(group.via), fold)


def _why(via: Edge | None) -> Safe:
    return via.why if via is not None else Safe("")


def _lane_spans(lane: LaneRow, glyph: str, style: str, gutter: int) -> Iterable[Span]:
    """Return the cells of a row as spans of one colour each, and the space before its words."""
    runs: list[tuple[str, str]] = []
    for at, cell in enumerate(lane.cells):
        node = at == 2 * lane.column
        text = glyph if node else cell.glyph
        look = style if node and style else f"lane{cell.lane % LANES}" if text != " " else ""
        if runs and runs[-1][1] == look:
            runs[-1] = (runs[-1][0] + text, look)
        else:
            runs.append((text, look))
    missing = 2 * gutter - 1 - len(lane.cells)
    runs.append((" " * (max(0, missing) + 1), ""))
    return [(safe(text), look) for text, look in runs]
