"""The right pane: the tabs of one node.

Owns which tab shows, what was opened in the tree of files, and asking for both: what the graph
knows comes from the gatherer, what only a system knows from the loader. Late answers are dropped.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from functools import partial

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.timer import Timer

from treering.core.ids import NodeId
from treering.core.opening import Candidate
from treering.core.packages import PackageList
from treering.core.shelf import Opened, Shelf
from treering.core.text import Safe
from treering.core.trees import ROOT, Entry, EntryType
from treering.present import showing
from treering.present.detail import Tab, tree
from treering.present.lines import Row, span
from treering.present.showing import FileShown, Known
from treering.tui.gatherer import Answer, Gatherer, World
from treering.tui.loader import Job, Loaded, Loader, Loading
from treering.tui.widgets.rows import RowList
from treering.tui.widgets.tabs import TabLine

PATIENCE = 0.3
"""Seconds before the pane says that it waits."""

_KEPT = 32


class DetailPane(Vertical):
    """Tabs over the rows of the chosen one."""

    DEFAULT_CSS = """
    DetailPane > RowList { height: 1fr; }
    """

    def __init__(self, gatherer: Gatherer, loader: Loader, shelf: Shelf) -> None:
        super().__init__(id="detail")
        self._gatherer, self._loader, self._shelf = gatherer, loader, shelf
        self.tab = Tab.SUMMARY
        self.node: NodeId | None = None
        self.path = ""
        self._shown: Known | None = None
        self._asked = self._job = 0
        self._answered = True
        self._drawn: tuple[NodeId | None, Tab] = (None, Tab.SUMMARY)
        self._dirs: dict[bytes, Sequence[Entry]] = {}
        self._file: FileShown | None = None
        self._from: Candidate | None = None
        self._notes: tuple[Safe, ...] = ()
        self._kept: OrderedDict[tuple[NodeId, Tab], tuple[Row, ...]] = OrderedDict()
        self._wait: Timer | None = None

    def compose(self) -> ComposeResult:
        """Lay out the tabs and the rows."""
        yield TabLine(id="tabs")
        yield RowList(id="rows")

    @property
    def lines(self) -> RowList:
        """The rows."""
        return self.query_one("#rows", RowList)

    @property
    def settled(self) -> bool:
        """True once what was asked for is drawn."""
        return self._answered

    # -- asking --------------------------------------------------------------------------

    def about(self, node: NodeId | None, tab: Tab | None = None, path: str = "") -> None:
        """Show a node, in the tab that is chosen unless another is named."""
        if node != self.node or path:
            self._dirs, self._file, self._from, self.path = {}, None, None, path
            self._give_up()
        self.node = node
        self.tab = tab or self.tab
        self.again()

    def choose(self, tab: Tab) -> None:
        """Show another tab of the same node."""
        self.tab = tab
        self.again()

    def step(self, step: int) -> None:
        """Show the next tab, or the one before."""
        having = self._shown.tabs if self._shown else tuple(Tab)
        shown = self._shown.tab if self._shown else self.tab
        self.choose(having[(having.index(shown) + step) % len(having)])

    def again(self) -> None:
        """Ask for what is shown, as it is now."""
        if self.node is None:
            return
        width = max(20, self.lines.scrollable_content_region.width)
        now = self._gatherer.reading.clock.now()
        self._answered = False
        self._asked = self._gatherer.ask("detail", partial(_known, self.node, self.tab, width, now))

    def answered(self, answer: Answer) -> None:
        """Take what the graph knows."""
        if answer.request != self._asked:
            return
        shown: Known | None = answer.value
        if shown is None:
            self._answered = True
            return
        self._shown = shown
        self.border_title = Content(shown.title)
        self.query_one("#tabs", TabLine).show([tab.value for tab in shown.tabs], shown.tab.value)
        if shown.rows is not None:
            self._give_up()
            self._draw(shown.rows)
        elif (kept := self._kept.get((shown.node, shown.tab))) is not None:
            self._draw(kept)
        elif shown.tab is Tab.TREE and self._dirs:
            self._draw_tree()
        else:
            self._load(shown)

    def _load(self, shown: Known) -> None:
        wanted = shown.candidates
        if shown.tab is Tab.TREE:
            path = self.path.encode("utf-8", "surrogateescape")
            self._start(partial(showing.walk_to, self._shelf, wanted, path))
        elif shown.tab is Tab.PACKAGES:
            self._start(partial(showing.list_packages, self._shelf, wanted))
        else:
            self._start(partial(showing.documents, self._shelf, shown))

    def _give_up(self) -> None:
        """Stop waiting for what nobody looks at any more."""
        self._stop_waiting()
        self._loader.cancel("detail")
        self._job = 0

    def _start(self, job: Job) -> None:
        self._answered = False
        self._job = self._loader.load("detail", job)
        self._stop_waiting()
        self._wait = self.set_timer(PATIENCE, self._say_waiting)

    # -- what comes back -----------------------------------------------------------------

    def _say_waiting(self, how: str = "") -> None:
        """Put a row that says so over what is there; what is about something else goes."""
        self._wait = None
        waits = Row("wait", (span(f"reading{how} …  esc gives up", "busy"),))
        same = self._drawn == (self.node, self._shown.tab if self._shown else self.tab)
        kept = [row for row in self.lines.rows if row.key != "wait"] if same else []
        self._draw((waits, *kept))
        self._answered = False

    def _stop_waiting(self) -> None:
        if self._wait is not None:
            self._wait.stop()
            self._wait = None

    def progressed(self, loading: Loading) -> None:
        """Show how far a job has come, once it takes long."""
        if loading.request == self._job and self._wait is None:
            done = loading.progress
            of = f" of {done.total}" if done.total else ""
            self._say_waiting(f": {done.what} {done.done}{of}")

    def loaded(self, result: Loaded) -> None:
        """Take what a system answered."""
        shown = self._shown
        if result.request != self._job or shown is None:
            return
        self._stop_waiting()
        self._notes = result.notes
        if result.error:
            self._draw(showing.trouble(result.error, result.hint, result.notes))
        elif isinstance(result.value, tuple):
            self._keep(shown, result.value)
        elif isinstance(result.value, Opened):
            self._opened(shown, result.value)

    def _opened(self, shown: Known, opened: Opened[object]) -> None:
        self._from = opened.candidate
        value = opened.value
        if isinstance(value, FileShown):
            self._file = value
            self._draw_tree()
        elif isinstance(value, dict):
            self._dirs.update(value)
            self._draw_tree()
        elif isinstance(value, PackageList):
            width = max(20, self.lines.scrollable_content_region.width)
            self._keep(shown, showing.package_rows(value, width))

    def _keep(self, shown: Known, rows: tuple[Row, ...]) -> None:
        """Draw rows that took time, and keep them for when somebody comes back."""
        self._kept[shown.node, shown.tab] = rows
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        self._draw(rows)

    def _draw(self, rows: tuple[Row, ...], key: str | None = None) -> None:
        self._answered = True
        drawn = (self.node, self._shown.tab if self._shown else self.tab)
        fresh, self._drawn = drawn != self._drawn, drawn
        self.lines.show_rows(rows, key=key, fresh=fresh)

    # -- the tree of files ---------------------------------------------------------------

    def _draw_tree(self) -> None:
        if self._file is not None:
            rows = tree.content(self._file.entry, self._file.data)
            self.path = self._file.entry.path.decode("utf-8", "surrogateescape")
            self._drawn = (None, Tab.TREE)
            self._draw(rows)
            return
        width = max(20, self.lines.scrollable_content_region.width)
        notes = tuple(Row(f"note:{n}", (span(text, "warn"),)) for n, text in enumerate(self._notes))
        head: tuple[Row, ...] = ()
        if self._from is not None and self._from.node != self.node:
            said = span(f"the files of {self._from.label}", "dim")
            head = (Row("from", (said,), self._from.node),)
        at = tree.key_of(self.path.encode("utf-8", "surrogateescape")) if self.path else None
        self._draw((*head, *notes, *tree.rows(self._dirs, width=width)), key=at)

    def choose_row(self) -> bool:
        """Open or close what is under the cursor in a tree; tell whether it was of a tree."""
        row, shown = self.lines.row, self._shown
        if row is None or shown is None or shown.tab is not Tab.TREE or self._file is not None:
            return False
        entry = self._entry(row)
        if entry is None:
            return False
        self.path = entry.path.decode("utf-8", "surrogateescape")
        wanted = (self._from,) if self._from else shown.candidates
        if entry.type is EntryType.DIRECTORY:
            if entry.path in self._dirs:
                for path in [p for p in self._dirs if _within(p, entry.path)]:
                    del self._dirs[path]
                self._draw_tree()
            else:
                self._start(partial(showing.list_directory, self._shelf, wanted, entry.path))
        elif entry.type is EntryType.LINK:
            self._start(partial(showing.walk_to, self._shelf, wanted, showing.link_path(entry)))
        elif entry.type is EntryType.FILE:
            self._start(partial(showing.read_file, self._shelf, wanted, entry.path))
        return True

    def _entry(self, row: Row) -> Entry | None:
        try:
            path = tree.path_of(row)
        except ValueError:
            return None
        listed = self._dirs.get(path.rpartition(b"/")[0] or ROOT, ())
        return next((e for e in listed if e.path == path), None)

    def leave_row(self) -> bool:
        """Go from a file back to its tree, or give up waiting; tell whether there was one."""
        if not self._answered and self._job:
            self._stop_waiting()
            self._loader.cancel("detail")
            return True
        if self._file is not None:
            path, self._file = self._file.entry.path, None
            self._draw_tree()
            self.lines.show_rows(self.lines.rows, key=tree.key_of(path))
            return True
        return False


def _within(path: bytes, directory: bytes) -> bool:
    return path == directory or path.startswith(directory.rstrip(b"/") + b"/")


def _known(node: NodeId, tab: Tab, width: int, now: float, world: World) -> Known:
    return showing.known(world.graph, node, tab, width, now)
