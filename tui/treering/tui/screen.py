"""The first screen: sources, nodes, and the lineage of the node under the cursor.

Owns the layout and what its keys do. Draws from snapshots only.
"""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Footer, Input, Static

from treering.core.ids import NodeId
from treering.core.reading import DONE
from treering.core.session import Session
from treering.core.text import safe
from treering.present import nodes as present
from treering.present.nodes import LineageRow, NodeRow
from treering.tui import gatherer
from treering.tui.commands import SCREEN, bindings, help_lines
from treering.tui.gatherer import Gatherer, Lineage, Snapshot
from treering.tui.messages import Published
from treering.tui.widgets.lines import LineList

_DEBOUNCE = 0.08


class Filter(Input):
    """The line a filter is typed into. Leaving it takes effect before the next key is read."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,down", "screen.keep_filter", "keep the filter", show=False)
    ]


class MainScreen(Screen[None]):
    """Three panes over one graph that is still being read."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(SCREEN)
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 -- Textual's own
    DEFAULT_CSS = """
    MainScreen { layout: vertical; }
    MainScreen #top { height: 1; background: $panel; }
    MainScreen #panes { height: 1fr; }
    MainScreen #left { width: 28; }
    MainScreen #graph { width: 1fr; height: 1fr; }
    MainScreen LineList { border: round $foreground-disabled; }
    MainScreen #sources { height: 1fr; min-height: 3; }
    MainScreen #detail { height: auto; max-height: 5; padding: 0 1; color: $foreground-muted; }
    MainScreen #nodes { width: 2fr; }
    MainScreen #lineage { width: 3fr; }
    MainScreen LineList:focus { border: round $border; }
    MainScreen #why { height: 2; padding: 0 1; color: $foreground-muted; }
    MainScreen #why { display: none; }
    MainScreen #why.-shown { display: block; }
    MainScreen #filter { display: none; height: 1; border: none; padding: 0 1; }
    MainScreen #filter.-shown { display: block; }
    MainScreen.-narrow #panes { layout: vertical; }
    MainScreen.-narrow #left { width: 1fr; height: 5; layout: horizontal; }
    MainScreen.-narrow #sources { width: 2fr; height: 5; }
    MainScreen.-narrow #detail { width: 3fr; max-height: 5; }
    MainScreen.-narrow #nodes { width: 2fr; }
    MainScreen.-narrow #lineage { width: 3fr; }
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.gatherer = Gatherer(session.reading, self._published)
        self._all: tuple[NodeRow, ...] = ()
        self._rows: tuple[NodeRow, ...] = ()
        self._lineage: tuple[LineageRow, ...] = ()
        self._selected: NodeId | None = None
        self._request = 0
        self._history: list[NodeId] = []
        self._debounce: Timer | None = None
        self._finished = False
        self._moved = False
        self._answered = 0

    # -- drawing -------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Lay the panes out."""
        yield Static(id="top", markup=False)
        with Horizontal(id="panes"):
            with Vertical(id="left"):
                yield LineList(id="sources")
                yield Static(id="detail", markup=False)
            with Horizontal(id="graph"):
                yield LineList(id="nodes")
                yield LineList(id="lineage")
        yield Static(id="why", markup=False)
        yield Filter(placeholder="part of a name, digest or kind", id="filter", compact=True)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Start reading."""
        for pane, title in (("sources", "Sources"), ("nodes", "Nodes"), ("lineage", "Lineage")):
            self._pane(pane).border_title = Content(title)
        self.set_focus(self._pane("nodes"))
        self._draw_sources()
        self.gatherer.start()

    def _pane(self, name: str) -> LineList:
        return self.query_one(f"#{name}", LineList)

    def _draw_sources(self) -> None:
        statuses = list(self.session.reading.status.values())
        lines = [present.source_line(status) for status in statuses]
        pane = self._pane("sources")
        pane.show(len(lines), lambda row, _width: lines[row])
        done = sum(1 for s in statuses if s.state in DONE)
        self._set("top", present.top_line(self.session, len(self._all), done, len(statuses)))
        if statuses:
            self._set(
                "detail", present.source_detail(statuses[min(pane.cursor, len(statuses) - 1)])
            )
        else:
            self._set(
                "detail", "no source found here: try treering demo, or --source KIND:LOCATION"
            )

    def _set(self, name: str, text: str) -> None:
        self.query_one(f"#{name}", Static).update(Content(safe(text)))

    def _draw_nodes(self) -> None:
        text = self.query_one(Filter).value.lower()
        self._rows = tuple(r for r in self._all if present.matches(r, text)) if text else self._all
        rows = self._rows
        pane = self._pane("nodes")
        at = next((i for i, r in enumerate(rows) if r.id == self._selected), None)
        if not self._moved:
            # Nobody has chosen yet: stay at the top while rows are still coming.
            at = None
        pane.show(len(rows), lambda row, width: present.node_line(rows[row], width), at)
        shown = f"{len(rows)} of {len(self._all)}" if text else f"{len(rows)}"
        pane.border_title = Content(f"Nodes {shown}")
        if at is None and rows:
            self._select(rows[pane.cursor].id)

    def _draw_lineage(self) -> None:
        rows = self._lineage
        self._pane("lineage").show(len(rows), lambda row, _width: rows[row].line)
        self._draw_why()

    def _draw_why(self) -> None:
        cursor = self._pane("lineage").cursor
        row = self._lineage[cursor] if cursor < len(self._lineage) else None
        self._set("why", row.why if row and row.why else "move in the lineage to see why")

    # -- what comes from the gatherer -----------------------------------------------------

    def _published(self, what: gatherer.Published) -> None:
        self.post_message(Published(what))

    def on_published(self, message: Published) -> None:
        """Take what the gatherer made."""
        what = message.what
        if isinstance(what, Snapshot):
            self._all, self._finished = what.rows, what.finished
            self._draw_nodes()
            self._ask()
        elif isinstance(what, Lineage) and what.request == self._request:
            self._lineage, self._answered = what.rows, what.request
            self._draw_lineage()
        elif isinstance(what, gatherer.Trouble):
            self.notify(what.what, title="a bug in treering", severity="error", markup=False)
        self._draw_sources()

    @property
    def settled(self) -> bool:
        """True once everything was read, joined and drawn; tests wait for it."""
        waiting = self._debounce is not None or self._answered != self._request
        return self._finished and not (waiting and self._rows)

    # -- selecting -----------------------------------------------------------------------

    def on_line_list_moved(self, message: LineList.Moved) -> None:
        """Follow the cursor of a pane."""
        self._moved = True
        if message.lines.id == "nodes" and message.row < len(self._rows):
            self._select(self._rows[message.row].id)
        elif message.lines.id == "sources":
            self._draw_sources()
        elif message.lines.id == "lineage":
            self._draw_why()

    def _select(self, node: NodeId) -> None:
        """Show the lineage of a node, once the cursor has rested a moment."""
        if node == self._selected:
            return
        self._selected = node
        if self._debounce is not None:
            self._debounce.stop()
        self._debounce = self.set_timer(_DEBOUNCE, self._ask)

    def _ask(self) -> None:
        self._debounce = None
        if self._selected is not None:
            self._request += 1
            self.gatherer.ask(self._request, self._selected)

    def _jump(self, node: NodeId) -> None:
        at = next((i for i, r in enumerate(self._rows) if r.id == node), None)
        if at is None:
            self.query_one(Filter).value = ""
            self._selected = node
            self._draw_nodes()
            at = next((i for i, r in enumerate(self._rows) if r.id == node), 0)
        pane = self._pane("nodes")
        pane.cursor = at
        self._pane("lineage").cursor = 0
        self._selected = None
        self._select(node)

    # -- actions -------------------------------------------------------------------------

    def action_go(self) -> None:
        """Go to the node under the cursor of the lineage."""
        pane = self._pane("lineage")
        if self.focused is pane and pane.cursor < len(self._lineage):
            node = self._lineage[pane.cursor].node
            if node is not None and node != self._selected:
                if self._selected is not None:
                    self._history.append(self._selected)
                self._jump(node)
        elif self.focused is self._pane("nodes"):
            self.set_focus(pane)

    def action_back(self) -> None:
        """Go back to the node before."""
        if self._history:
            self._jump(self._history.pop())

    def action_filter(self) -> None:
        """Open the filter."""
        field = self.query_one(Filter)
        field.add_class("-shown")
        self.set_focus(field)

    def action_clear(self) -> None:
        """Close the filter and show everything."""
        field = self.query_one(Filter)
        field.value = ""
        field.remove_class("-shown")
        self.set_focus(self._pane("nodes"))

    def on_input_changed(self) -> None:
        """Filter while typing."""
        self._draw_nodes()

    def action_keep_filter(self) -> None:
        """Keep the filter and go to the list."""
        self.set_focus(self._pane("nodes"))

    def action_why(self) -> None:
        """Show or hide the evidence of the edge under the cursor."""
        self.query_one("#why").toggle_class("-shown")

    def action_refresh_sources(self) -> None:
        """Read the sources again."""
        self.gatherer.refresh()

    def action_help(self) -> None:
        """Show what the keys do."""
        from treering.tui.help import HelpScreen  # noqa: PLC0415 -- rarely opened

        self.app.push_screen(HelpScreen(help_lines()))

    def action_leave(self) -> None:
        """Leave at once, whatever the sources are doing."""
        self.gatherer.close()
        self.app.exit(0)
