"""What every part of the main screen stands on: the panes, the view, and who answers.

Owns the state of the screen and how it asks. The verbs are in `walking`, `asking` and `taking`,
each a class on top of the one before; `screen` lays out and listens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from textual.screen import Screen
from textual.timer import Timer

from treering.core.ids import NodeId
from treering.core.session import Session
from treering.core.shelf import Shelf
from treering.core.text import Safe, safe
from treering.present import bars
from treering.present.commands import COMMANDS, Command
from treering.present.lines import Row, span
from treering.present.links import View
from treering.present.places import Item, Place
from treering.tui import gatherer
from treering.tui.gatherer import Gatherer, World
from treering.tui.loader import Loaded, Loader, Loading
from treering.tui.messages import Published
from treering.tui.widgets.bar import Bar
from treering.tui.widgets.detail import DetailPane
from treering.tui.widgets.places import PlaceList
from treering.tui.widgets.rows import RowList

if TYPE_CHECKING:
    from treering.present.map import MapView

PANES = ("places", "map", "rows")
"""The panes that take the focus, in the order of ``tab``."""


class Desk(Screen[None]):
    """The panes over one graph that is still being read."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.audit = session.audit
        self.debounce = 0.08
        self.commands: Sequence[Command] = COMMANDS
        self.gatherer = Gatherer(session.reading, self._publish, stages=session.stages)
        self.loader = Loader(session.reading.clock, self._publish)
        self.shelf = Shelf(session.reading.readers)
        self.view = View()
        self.history: list[View] = []
        self.base: NodeId | None = None
        self.base_name = ""
        self.marks: frozenset[NodeId] = frozenset()
        self.found: Mapping[Place, Sequence[Item]] = {}
        self.snapshot: gatherer.Snapshot | None = None
        self.moved = False
        self._said: Safe | None = None
        self._timer: Timer | None = None
        self._map_request = 0
        self._map_node: NodeId | None = None
        self._map_answered = 0
        self._groups: frozenset[str] = frozenset()

    def _publish(self, what: gatherer.Published | Loaded | Loading) -> None:
        self.post_message(Published(what))

    # -- the panes -----------------------------------------------------------------------

    @property
    def places(self) -> PlaceList:
        """The left pane."""
        return self.query_one("#places", PlaceList)

    @property
    def map(self) -> RowList:
        """The middle pane."""
        return self.query_one("#map", RowList)

    @property
    def detail(self) -> DetailPane:
        """The right pane."""
        return self.query_one("#detail", DetailPane)

    def here(self) -> NodeId | None:
        """Return the node under the cursor of the pane that has the focus."""
        if self.focused is self.map and self.map.row is not None:
            late = self._map_answered != self._map_request or self._map_node != self.view.node
            return self.view.node if late else self.map.row.node
        if self.focused is self.detail.lines and self.detail.lines.row is not None:
            return self.detail.lines.row.node or self.detail.node
        return self.places.item.node if self.places.item is not None else self.view.node

    # -- what is said --------------------------------------------------------------------

    def say(self, text: str) -> None:
        """Say something in the line of crumbs, until the next move."""
        self._said = safe(text)
        self.draw_crumbs()

    def hush(self) -> None:
        """Show the crumbs again."""
        if self._said is not None:
            self._said = None
            self.draw_crumbs()

    def draw_crumbs(self) -> None:
        """Draw where one is, or what was said last."""
        bar = self.query_one("#crumbs", Bar)
        if self._said is not None:
            bar.show((span(" "), span(self._said, "accent")))
            return
        parts = [self.view.place.value]
        item = self.places.item
        if item is not None:
            parts.append(item.name)
        row = self.map.row
        if self.focused is self.map and row is not None and row.node != self.view.node:
            parts.append(row.text.strip(" │├╮╯●○◆─"))
        parts.append(self.detail.tab.value)
        if self.detail.path:
            parts.append(self.detail.path)
        bar.show(bars.crumbs(parts, self.size.width))

    def draw_top(self) -> None:
        """Draw scope, mode, and how much is known."""
        snapshot = self.snapshot
        top = bars.Top(
            scope=self.session.scope,
            audit=self.audit,
            nodes=snapshot.nodes if snapshot else 0,
            statuses=list(self.session.reading.status.values()),
            at=snapshot.at if snapshot else None,
            base=self.base_name,
            marked=len(self.marks),
        )
        self.query_one("#top", Bar).show(bars.top_line(top, self.size.width))

    # -- asking for what is looked at ----------------------------------------------------

    def look_at(self, view: View, *, at_once: bool = False) -> None:
        """Look at something else, once the cursor has rested a moment."""
        if view.node != self.view.node:
            self._groups = frozenset()
        self.view = view
        self._ask_later(at_once=at_once)

    def _ask_later(self, *, at_once: bool = False) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if at_once:
            self.ask()
        else:
            self._timer = self.set_timer(self.debounce, self.ask)

    def detail_later(self, node: NodeId) -> None:
        """Show the detail of a node of the map, once the cursor has rested a moment."""
        if self._timer is not None:
            self._timer.stop()

        def show() -> None:
            self._timer = None
            self.detail.about(node)

        self._timer = self.set_timer(self.debounce, show)

    def ask(self) -> None:
        """Ask for the map and the detail of what is looked at."""
        self._timer = None
        node = self.view.node
        if node is not None:
            names = [status.name for status in self.session.reading.status.values()]
            self._map_request = self.gatherer.ask("map", partial(_map, node, self._groups, names))
            if self.detail.node != node or self.focused is not self.map:
                self.detail.about(node, self.view.tab, self.view.path)
            else:
                self.detail.again()

    def show_map(self, request: int, shown: MapView | None) -> None:
        """Draw the answer about the map."""
        if request != self._map_request:
            return
        self._map_answered = request
        if shown is None:
            return
        node = self.view.node
        fresh = node != self._map_node
        self._map_node = node
        hidden = f"  {shown.hidden} more" if shown.hidden else ""
        self.map.title(f"Map{hidden}")
        key = shown.rows[shown.center].key if shown.rows and fresh else None
        self.map.show_rows(shown.rows, key=key)

    def open_group(self, row: Row) -> None:
        """Open or close a group of the map."""
        self._groups ^= {row.key}
        self.ask()

    @property
    def settled(self) -> bool:
        """True once everything was read, joined and drawn; tests wait for it."""
        if self.snapshot is None or not self.snapshot.finished or self._timer is not None:
            return False
        if self.view.node is None:
            return True
        return self._map_answered == self._map_request and self.detail.settled


def _map(node: NodeId, groups: frozenset[str], names: Sequence[str], world: World) -> MapView:
    from treering.present.map import lineage_map  # noqa: PLC0415 -- after the first paint

    return lineage_map(world.graph, node, open_groups=groups, sources=names)
