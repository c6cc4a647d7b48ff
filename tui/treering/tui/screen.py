"""The one screen: places, map and detail over one graph.

Owns the layout and who is told what came. The verbs are in the classes it stands on.
"""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Grid
from textual.events import Resize

from treering.core.session import Session
from treering.present import bars
from treering.present.places import Place
from treering.tui.bindings import bindings
from treering.tui.gatherer import Answer, Snapshot, Trouble
from treering.tui.loader import Loaded, Loading
from treering.tui.messages import Published
from treering.tui.taking import Taking
from treering.tui.widgets.bar import Bar
from treering.tui.widgets.detail import DetailPane
from treering.tui.widgets.filter import FilterLine
from treering.tui.widgets.lines import LineList
from treering.tui.widgets.places import PlaceList, matches_of
from treering.tui.widgets.rows import RowList
from treering.tui.widgets.tabs import TabLine

_ZOOMS = ("", "-half", "-full")


class MainScreen(Taking):
    """Three panes in a frame of three lines."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(lists=False)
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-narrow"), (110, "-wide")]  # noqa: RUF012 -- Textual's own
    DEFAULT_CSS = """
    MainScreen { layout: vertical; background: $background; }
    MainScreen #panes { height: 1fr; background: $background; }
    MainScreen #places, MainScreen #map, MainScreen #detail {
        border-top: solid $tree-dim; border-title-color: $tree-dim;
    }
    MainScreen #map { border-left: solid $tree-dim; }
    MainScreen #detail { border-left: solid $tree-dim; }
    MainScreen #places:focus, MainScreen #map:focus, MainScreen #detail:focus-within {
        border-top: heavy $tree-accent; border-title-color: $tree-accent;
        border-title-style: bold;
    }
    MainScreen.-wide #panes { grid-size: 3 1; grid-columns: 4fr 5fr 5fr; }
    MainScreen.-narrow #panes { grid-size: 2 2; grid-columns: 2fr 3fr; grid-rows: 4fr 3fr; }
    MainScreen.-narrow #detail { column-span: 2; border-left: none; }
    MainScreen.-tiny #panes, MainScreen #panes.-full {
        grid-size: 1 1; grid-columns: 1fr; grid-rows: 1fr;
    }
    MainScreen.-tiny #panes > *, MainScreen #panes.-full > * { display: none; border-left: none; }
    MainScreen.-tiny #panes > .-chosen, MainScreen #panes.-full > .-chosen {
        display: block; column-span: 1;
    }
    MainScreen.-wide #panes.-half.-places { grid-columns: 10fr 4fr 4fr; }
    MainScreen.-wide #panes.-half.-map { grid-columns: 3fr 10fr 4fr; }
    MainScreen.-wide #panes.-half.-rows { grid-columns: 3fr 4fr 10fr; }
    MainScreen.-narrow #panes.-half.-places { grid-columns: 3fr 2fr; grid-rows: 3fr 1fr; }
    MainScreen.-narrow #panes.-half.-map { grid-columns: 1fr 3fr; grid-rows: 3fr 1fr; }
    MainScreen.-narrow #panes.-half.-rows { grid-rows: 1fr 3fr; }
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._zoom = 0

    def compose(self) -> ComposeResult:
        """Lay the panes out."""
        yield Bar(id="top")
        with Grid(id="panes"):
            yield PlaceList(id="places")
            yield RowList(id="map")
            yield DetailPane(self.gatherer, self.loader, self.shelf)
        yield Bar(id="crumbs")
        yield FilterLine()
        yield Bar(id="keys")

    def on_mount(self) -> None:
        """Start reading."""
        self.query_one(FilterLine).display = False
        self.map.title("Map")
        self.places.show_place(self.view.place, ())
        self.draw_places_title()
        self.set_focus(self.places)
        self.apply_zoom()
        self.draw_frame()
        # Readers import and work in threads; they begin once there is something to look at.
        self.call_after_refresh(self.gatherer.start)

    def draw_frame(self) -> None:
        """Draw the lines around the panes."""
        self.draw_top()
        self.draw_crumbs()
        line, commands = bars.keys_line(self.commands, self.size.width)
        self.query_one("#keys", Bar).show(line, commands)

    def on_resize(self, _event: Resize) -> None:
        """Fit the lines into the new width."""
        if self.is_mounted:
            self.draw_frame()

    def apply_zoom(self) -> None:
        """Give the pane with the focus the room it was asked to have."""
        panes = self.query_one("#panes", Grid)
        chosen = self.focused.id if self.focused is not None else "places"
        for name in ("places", "map", "rows"):
            panes.set_class(name == chosen, f"-{name}")
        for name, pane in (("places", self.places), ("map", self.map), ("rows", self.detail)):
            pane.set_class(name == chosen, "-chosen")
        for number, name in enumerate(_ZOOMS):
            if name:
                panes.set_class(number == self._zoom, name)

    def on_descendant_focus(self) -> None:
        """Follow the focus, wherever it came from."""
        if (
            self.is_mounted
            and self.focused is not None
            and self.focused.id in {"places", "map", "rows"}
        ):
            self.apply_zoom()
            self.draw_crumbs()

    def action_zoom(self, step: int) -> None:
        """Give the pane with the focus more room, or less."""
        self._zoom = max(0, min(len(_ZOOMS) - 1, self._zoom + step))
        self.apply_zoom()

    def clear_zoom(self) -> bool:
        """Give every pane its usual room; tell whether one had more."""
        zoomed, self._zoom = self._zoom > 0, 0
        self.apply_zoom()
        return zoomed

    # -- what comes from threads ---------------------------------------------------------

    def on_published(self, message: Published) -> None:
        """Take what a thread made."""
        what = message.what
        if isinstance(what, (Loaded, Loading)) and what.slot == "diff":
            from treering.tui.comparing import DiffScreen  # noqa: PLC0415 -- there is one by now

            if isinstance(self.app.screen, DiffScreen):
                self.app.screen.taken(what)
            return
        if isinstance(what, Snapshot):
            self._take(what)
        elif isinstance(what, Answer):
            self._answered(what)
        elif isinstance(what, Loaded):
            self.detail.loaded(what)
            self.draw_crumbs()
        elif isinstance(what, Loading):
            self.detail.progressed(what)
        elif isinstance(what, Trouble):
            self.say(f"a bug in treering: {what.what}")
        self.draw_top()

    def _take(self, snapshot: Snapshot) -> None:
        self.snapshot, self.found = snapshot, snapshot.places
        if not self.moved:
            # Nobody has chosen yet: stay at the top while rows are still coming.
            self._begin(snapshot)
        else:
            items = self.found.get(self.view.place, ())
            matches = matches_of(items, self.places.filter)
            self.places.show_items(items, matches)
            self.draw_places_title()
        if self.view.node is None or not self.moved:
            self.follow_places()
        if self.view.node is not None and self._timer is None:
            self.ask()

    def _begin(self, snapshot: Snapshot) -> None:
        """Open the first place that has something in it."""
        filled = [p for p in _FIRST if any(i.node is not None for i in snapshot.places.get(p, ()))]
        place = filled[0] if filled else Place.SOURCES
        self.places.forget()
        self.show_place(place)
        self.places.forget()
        node = next((i.node for i in self.places.items if i.node is not None), None)
        if node is not None:
            with self.prevent(LineList.Moved):
                self.places.select(node)

    def _answered(self, answer: Answer) -> None:
        if answer.slot == "map":
            self.show_map(answer.request, answer.value)
        elif answer.slot == "detail":
            self.detail.answered(answer)
        elif answer.slot == "reach":
            self.show_reach(answer)
        elif answer.slot == "target":
            self.show_target(answer)
        elif answer.slot == "copy":
            self.show_copies(answer)
        elif answer.slot == "pair":
            self.show_diff(answer)
        elif answer.slot == "base":
            self.base_named(answer)
        else:
            self.box_answered(answer)

    # -- what comes from the panes -------------------------------------------------------

    def on_line_list_moved(self, message: LineList.Moved) -> None:
        """Follow the cursor of a pane."""
        self.moved = True
        self.hush()
        if message.lines is self.places:
            self.follow_places()
        elif message.lines is self.map and self.focused is self.map:
            row = self.map.row
            if row is not None and row.node is not None:
                self.detail_later(row.node)
        self.draw_crumbs()

    def on_line_list_chosen(self) -> None:
        """A click on the row under the cursor is ``enter``."""
        self.action_go()

    def on_tab_line_chosen(self, message: TabLine.Chosen) -> None:
        """Show the tab that was clicked."""
        from treering.present.detail import Tab  # noqa: PLC0415 -- used here only

        self.show_tab(Tab(message.name))

    def on_bar_clicked(self, message: Bar.Clicked) -> None:
        """Do what a click in the line of keys stands for."""
        command = next((c for c in self.commands if c.id == message.command), None)
        if command is not None:
            self.call_later(self.run_command, command)

    # -- leaving -------------------------------------------------------------------------

    def action_refresh_sources(self) -> None:
        """Read the sources again."""
        self.gatherer.refresh()
        self.say("reading again")

    def action_leave(self) -> None:
        """Go back; at the start, leave."""
        if self.history:
            self.action_back()
        else:
            self.action_quit_now()

    def action_quit_now(self) -> None:
        """Leave at once, whatever the sources are doing."""
        self.loader.close()
        self.gatherer.close()
        self.app.exit(0)


_FIRST = (Place.IMAGES, Place.HOSTS, Place.REFS, Place.WORKLOADS, Place.SOURCES)
