"""Moving about: places, panes, tabs, there and back.

Owns the history of views and what `enter` and `esc` mean where one is.
"""

from __future__ import annotations

from dataclasses import replace

from textual.widgets import Input

from treering.core.ids import NodeId
from treering.present.detail import Tab
from treering.present.lines import Fold
from treering.present.links import View
from treering.present.places import Place
from treering.tui.desk import PANES, Desk
from treering.tui.widgets.filter import FilterLine

_HISTORY = 200


class Walking(Desk):
    """The verbs that only change what is looked at."""

    def go_to(self, node: NodeId, *, tab: Tab | None = None, path: str = "") -> None:
        """Look at a node, and remember where one was."""
        if node == self.view.node and tab in {None, self.view.tab} and not path:
            return
        self.remember()
        self._show(replace(self.view.on(node), tab=tab or self.view.tab, path=path))

    def remember(self) -> None:
        """Remember the view for `back`."""
        here = replace(self.view, tab=self.detail.tab, path=self.detail.path)
        if here.node is not None and (not self.history or self.history[-1] != here):
            self.history.append(here)
            del self.history[:-_HISTORY]

    def _show(self, view: View) -> None:
        self.hush()
        self.moved = True
        if view.place is not self.view.place:
            self.show_place(view.place)
        self.look_at(view, at_once=True)
        listed = view.node is None or self.places.select(view.node)
        if not listed and self.focused is self.places:
            # The middle of the map is where one is.
            self.focus_pane("map")
        self.draw_crumbs()

    def show_place(self, place: Place) -> None:
        """Show the items of another place."""
        self.view = replace(self.view, place=place)
        with self.prevent(Input.Changed):
            self.query_one(FilterLine).value = ""
        self.places.show_place(place, self.found.get(place, ()))
        self.draw_places_title()

    def draw_places_title(self) -> None:
        """Write the name of the place, its key and what the filter leaves over the list."""
        number = list(Place).index(self.view.place) + 1
        count = sum(1 for item in self.places.items if item.node is not None)
        if self.places.filter.typed:
            shown = f"{self.places.matched} of {count}  /{self.places.filter.typed}"
        else:
            shown = f"{count}" if count else ""
        self.places.title(f"{number} {self.view.place.value} {shown}".rstrip())

    def action_place(self, name: str) -> None:
        """Show a place."""
        place = Place(name)
        self.hush()
        self.moved = True
        if place is not self.view.place:
            self.show_place(place)
        self.set_focus(self.places)
        item = self.places.item
        if item is not None and item.node is not None:
            self.look_at(self.view.on(item.node))
        self.draw_crumbs()

    def action_pane(self, step: int) -> None:
        """Go to the next pane, or the one before."""
        panes = [self.places, self.map, self.detail.lines]
        at = panes.index(self.focused) if self.focused in panes else 0
        self.focus_pane(PANES[(at + step) % len(panes)])

    def focus_pane(self, name: str) -> None:
        """Give a pane the focus."""
        self.set_focus(self.query_one(f"#{name}"))
        self.apply_zoom()
        self.draw_crumbs()

    def apply_zoom(self) -> None:
        """Give the pane with the focus the room it was asked to have."""

    def action_tab(self, step: int) -> None:
        """Show the next tab, or the one before."""
        self.hush()
        self.detail.step(step)
        self.view = replace(self.view, tab=self.detail.tab)
        self.draw_crumbs()

    def show_tab(self, tab: Tab) -> None:
        """Show a tab."""
        self.detail.choose(tab)
        self.view = replace(self.view, tab=tab)
        self.draw_crumbs()

    # -- enter, escape, back -------------------------------------------------------------

    def action_go(self) -> None:
        """Open or close what is under the cursor, or go there."""
        self.hush()
        if self.focused is self.places:
            self._enter_place()
        elif self.focused is self.map:
            self._enter_map()
        elif self.focused is self.detail.lines and not self.detail.choose_row():
            row = self.detail.lines.row
            if row is not None and row.node is not None:
                self.go_to(row.node)

    def _enter_place(self) -> None:
        item = self.places.item
        if item is None:
            return
        if item.node is None:
            self.places.toggle()
        else:
            self.focus_pane("map")

    def _enter_map(self) -> None:
        row = self.map.row
        if row is None:
            return
        if row.fold is not Fold.NONE:
            self.open_group(row)
        elif row.node is not None and row.node != self.view.node:
            self.go_to(row.node)
        else:
            self.focus_pane("rows")

    def action_back(self) -> None:
        """Go back to where one was."""
        self.hush()
        if self.history:
            self._show(self.history.pop())
        else:
            self.say("there is nothing to go back to")

    def action_escape(self) -> None:
        """Leave the nearest thing that can be left: a job, a file, a filter, a pane."""
        said, self._said = self._said, None
        self.draw_crumbs()
        if self.detail.leave_row() or self.clear_filter() or self.clear_zoom():
            return
        if self.focused is not self.places:
            self.focus_pane("places")
        elif said is None and self.history:
            self.action_back()

    def clear_filter(self) -> bool:
        """Take the filter or search away; tell whether there was one."""
        return False

    def clear_zoom(self) -> bool:
        """Give every pane its usual room; tell whether one had more."""
        return False

    def action_centre(self) -> None:
        """Centre the map on what is under the cursor."""
        node = self.here()
        if node is not None:
            self.go_to(node)

    def action_document(self) -> None:
        """Show the document of what is looked at."""
        self.show_tab(Tab.DOCUMENT)
        self.focus_pane("rows")

    def action_why(self) -> None:
        """Say how the row under the cursor is known."""
        rows = self.map if self.focused is not self.detail.lines else self.detail.lines
        row = rows.row
        self.say(row.why if row is not None and row.why else "no evidence is kept for this row")
