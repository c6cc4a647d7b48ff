"""The left pane: the items of one place, folded, filtered and marked.

Owns which items show and where the cursor is among them. It is a tree of any size over
`LineList`: items stand in preorder, so a fold is a jump in a list of numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual.message import Message

from treering.core.ids import NodeId
from treering.present.filtering import Filter, parse
from treering.present.lines import Line
from treering.present.places import (
    Item,
    Place,
    is_folded,
    item_line,
    matching,
    shows_below,
    visible,
)
from treering.tui.widgets.lines import LineList
from treering.tui.widgets.rows import highlighted

NO_FILTER = parse("")


class PlaceList(LineList):
    """The items of a place."""

    class Folded(Message):
        """Something was opened or closed."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 -- Textual's own name for it
        super().__init__(id=id)
        self._items: Sequence[Item] = ()
        self._shown: Sequence[int] = ()
        self._place = Place.IMAGES
        self._held: dict[Place, list[str]] = {}
        self._toggled: set[str] = set()
        self._filter: Filter = NO_FILTER
        self._matches: Sequence[int] | None = None
        self.marked: frozenset[NodeId] = frozenset()
        self.base: NodeId | None = None

    # -- what is shown -------------------------------------------------------------------

    @property
    def item(self) -> Item | None:
        """The item under the cursor."""
        return self._items[self._shown[self.cursor]] if self.cursor < len(self._shown) else None

    @property
    def items(self) -> Sequence[Item]:
        """Every item of the place, shown or not."""
        return self._items

    @property
    def filter(self) -> Filter:
        """The filter that chooses among the items."""
        return self._filter

    @property
    def matched(self) -> int:
        """How many items the filter lets through."""
        return len(self._items) if self._matches is None else len(self._matches)

    def shown_nodes(self) -> list[NodeId]:
        """Return the nodes of the items that show, in order."""
        nodes = (self._items[at].node for at in self._shown)
        return [node for node in nodes if node is not None]

    def nodes_between(self, first: int, last: int) -> list[NodeId]:
        """Return the nodes of the rows from `first` to `last`."""
        nodes = (self._items[at].node for at in self._shown[first : last + 1])
        return [node for node in nodes if node is not None]

    def show_items(
        self, items: Sequence[Item], matches: Sequence[int] | None, *, fresh: bool = False
    ) -> None:
        """Show the items of a place; the cursor stays on its item unless they are `fresh`.

        `matches` are what the filter lets through, None when it lets everything through.
        """
        held = None if fresh or self.item is None else self._chain()
        self._items, self._matches = items, matches
        self._shown = visible(items, self._toggled, matches)
        if fresh:
            self.set_reactive(LineList.cursor, 0)
            self.scroll_to(y=0, animate=False, immediate=True, force=True)
        self.show(len(self._shown), self._line, self._find(held))

    def forget(self) -> None:
        """Forget what was opened and where the cursor was: nobody chose it."""
        self._held.clear()
        self._toggled.clear()

    def show_place(self, place: Place, items: Sequence[Item]) -> None:
        """Show another place without a filter, the cursor where it was there before."""
        self._held[self._place] = self._chain()
        self._place = place
        self._filter = NO_FILTER
        self.show_items(items, None, fresh=True)
        at = self._find(self._held.get(place))
        if at is not None:
            self.show(len(self._shown), self._line, at, held=False)

    def filtered(self, chosen: Filter, matches: Sequence[int] | None) -> None:
        """Show what `chosen` lets through."""
        self._filter = chosen
        self.show_items(self._items, matches)

    def _chain(self) -> list[str]:
        """Return the key of the item under the cursor and those of what it hangs on."""
        item = self.item
        return [item.key, item.above] if item else []

    def _find(self, keys: Sequence[str] | None) -> int | None:
        """Return where the first of `keys` that shows is."""
        if not keys:
            return None
        found: dict[str, int] = {}
        for number, at in enumerate(self._shown):
            key = self._items[at].key
            if key == keys[0]:
                return number
            if key in keys:
                found.setdefault(key, number)
        return next((found[key] for key in keys if key in found), None)

    def _line(self, row: int, width: int) -> Line:
        item = self._items[self._shown[row]]
        line = item_line(
            item,
            width,
            folded=self._is_folded(row),
            marked=item.node in self.marked,
            base=item.node is not None and item.node == self.base,
        )
        pattern = self._filter.pattern
        return line if pattern is None or self._matches is None else highlighted(line, pattern)

    def _is_folded(self, row: int) -> bool:
        at = self._shown[row]
        has = bool(self._items[at].size)
        return has and not shows_below(self._items, at, self._toggled, self._matches)

    def select(self, node: NodeId) -> bool:
        """Put the cursor on a node, opening what hides it; tell whether it is here."""
        at = next((n for n, item in enumerate(self._items) if item.node == node), None)
        if at is None:
            return False
        if self._matches is not None and at not in self._matches:
            self._filter, self._matches = NO_FILTER, None
        self._open_above(at)
        self._shown = visible(self._items, self._toggled, self._matches)
        row = self._find([self._items[at].key])
        self.show(len(self._shown), self._line, row, held=False)
        return True

    def _open_above(self, at: int) -> None:
        """Open every item that the one at `at` hangs on."""
        for number in range(at - 1, -1, -1):
            item = self._items[number]
            if number + item.size >= at and is_folded(item, self._toggled):
                self._toggled ^= {item.key}

    def refresh_nodes(self, nodes: frozenset[NodeId]) -> None:
        """Repaint the rows of some nodes."""
        for row, at in enumerate(self._shown):
            if self._items[at].node in nodes:
                self.refresh_row(row)

    # -- folding -------------------------------------------------------------------------

    def toggle(self) -> bool:
        """Open or close the item under the cursor; tell whether it has anything to open."""
        item = self.item
        if item is None or not item.size:
            return False
        self._toggled ^= {item.key}
        self._shown = visible(self._items, self._toggled, self._matches)
        self.show(len(self._shown), self._line, self._find([item.key]))
        self.post_message(self.Folded())
        return True

    def action_into(self) -> None:
        """Open the item under the cursor, or go to the first one below it."""
        if self.item is not None and self.item.size:
            if self._is_folded(self.cursor):
                self.toggle()
            else:
                self.cursor += 1

    def action_out(self) -> None:
        """Close the item under the cursor, or go to what it hangs on."""
        item = self.item
        if item is None:
            return
        if item.size and not self._is_folded(self.cursor):
            self.toggle()
            return
        for row in range(self.cursor - 1, -1, -1):
            if self._items[self._shown[row]].depth < item.depth:
                self.cursor = row
                return

    def match(self, step: int) -> bool:
        """Go to the next item the filter found, or the one before; tell whether there is one."""
        if self._matches is None or not self._shown:
            return False
        wanted = set(self._matches)
        count = len(self._shown)
        for away in range(1, count + 1):
            row = (self.cursor + step * away) % count
            if self._shown[row] in wanted:
                self.cursor = row
                return True
        return False


def matches_of(items: Sequence[Item], chosen: Filter) -> Sequence[int] | None:
    """Return the numbers of the items a filter lets through; None when it is no filter."""
    if not chosen.typed.strip() or chosen.error:
        return None
    if chosen.plain:
        return matching(items, chosen.typed.lower())
    return [number for number, item in enumerate(items) if chosen.test(item.search)]
