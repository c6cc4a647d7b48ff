"""The screen of a diff: what differs between two versions, section by section.

Owns its sections, what is open in the tree of changed files, and the content of one file. The
comparison itself runs in the loader's thread and can be given up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Input

from treering.core.diff.compare import Comparison, compare, contents
from treering.core.diff.model import Change
from treering.core.graph import Graph
from treering.core.ids import NodeId
from treering.core.ports import ReadContext
from treering.core.shelf import Shelf
from treering.core.text import safe
from treering.present import diff as presenting
from treering.present import showing
from treering.present.detail import tree
from treering.present.diff import Section, files, listing, words
from treering.present.filtering import parse
from treering.present.lines import Fold, Row, span
from treering.tui.loader import Job, Loaded, Loader, Loading
from treering.tui.widgets.bar import Bar
from treering.tui.widgets.filter import FilterLine
from treering.tui.widgets.rows import RowList
from treering.tui.widgets.tabs import TabLine

PATIENCE = 0.3
"""Seconds before the screen says that it waits."""

_KEYS = (("[ ]", "section"), ("enter", "open"), ("/", "search"), ("n N", "match"), ("q", "back"))


@dataclass(frozen=True, slots=True)
class Pair:
    """The two nodes that are compared, `a` the older one or the base, and what they are called."""

    a: NodeId
    b: NodeId
    title: str


class DiffScreen(Screen[NodeId | None]):
    """Sections over the rows of the chosen one. Ends with a node to go to, or with None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right_square_bracket", "section(1)", "next section", show=False),
        Binding("left_square_bracket", "section(-1)", "previous section", show=False),
        Binding("tab", "section(1)", "next section", show=False),
        Binding("shift+tab", "section(-1)", "previous section", show=False),
        Binding("enter", "open", "open", show=False),
        Binding("l,right", "open", "open", show=False, priority=False),
        Binding("slash", "search", "search", show=False),
        Binding("n", "match(1)", "next match", show=False),
        Binding("N", "match(-1)", "previous match", show=False),
        Binding("escape,q,minus", "leave", "back", show=False),
    ]
    DEFAULT_CSS = """
    DiffScreen { layout: vertical; background: $background; }
    DiffScreen #rows { height: 1fr; border-top: solid $tree-dim; }
    """

    def __init__(
        self, pair: Pair, graph: Graph, shelf: Shelf, publish: Callable[[Loaded | Loading], None]
    ) -> None:
        super().__init__()
        self.pair = pair
        self._graph, self._shelf = graph, shelf
        self.loader = Loader(ReadContext().clock, publish)
        self.found: Comparison | None = None
        self.section = Section.SUMMARY
        self._tree = files.Directory(b"/")
        self._opened: set[bytes] = set()
        self._file: bytes | None = None
        self._job = 0
        self._wait: Timer | None = None
        self._ended = False

    def compose(self) -> ComposeResult:
        """Lay out the sections and their rows."""
        yield Bar(id="pair")
        yield TabLine(id="sections")
        yield RowList(id="rows")
        yield FilterLine()
        yield Bar(id="said")

    def on_mount(self) -> None:
        """Begin to compare."""
        self.query_one(FilterLine).display = False
        self.query_one("#pair", Bar).show((span(" diff ", "match"), span(f" {self.pair.title}")))
        self._say_keys()
        self.set_focus(self._lines)
        work = partial(_compare, self._graph, self._shelf, self.pair)
        self._start(work)

    @property
    def _lines(self) -> RowList:
        return self.query_one("#rows", RowList)

    @property
    def settled(self) -> bool:
        """True once nothing is waited for."""
        return not self._job

    def _say_keys(self) -> None:
        spans = [s for key, does in _KEYS for s in (span(f" {key}", "accent"), span(f" {does} "))]
        self.query_one("#said", Bar).show(tuple(spans))

    def _say(self, text: str) -> None:
        self.query_one("#said", Bar).show((span(" "), span(text, "accent")))

    # -- work in other threads -----------------------------------------------------------

    def _start(self, job: Job) -> None:
        self._job = self.loader.load("diff", job)
        self._wait = self.set_timer(PATIENCE, lambda: self._say("comparing …  esc gives up"))

    def taken(self, what: Loaded | Loading) -> bool:
        """Take what a thread made for this screen; tell whether it was for it."""
        if what.slot != "diff" or what.request != self._job:
            return False
        if isinstance(what, Loading):
            done = what.progress
            of = f" of {done.total}" if done.total else ""
            self._say(f"{done.what} {done.done}{of}  esc gives up")
            return True
        self._job = 0
        if self._wait is not None:
            self._wait.stop()
        self._say_keys()
        if what.error:
            self._file = b"" if self.found else None
            self._lines.show_rows(showing.trouble(what.error, what.hint, what.notes), fresh=True)
        elif isinstance(what.value, Comparison):
            self._compared(what.value)
        else:
            self._lines.show_rows(what.value, fresh=True)
        return True

    def _compared(self, found: Comparison) -> None:
        self.found = found
        self._tree = files.tree_of(found.files.changes)
        self._opened = set(files.first_opened(self._tree, presenting.MANY))
        title = f" {words.side(found.a)} → {words.side(found.b)}  "
        verdict = span(words.verdict(found), "good" if found.equal else "warn")
        self.query_one("#pair", Bar).show((span(" diff ", "match"), span(title), verdict))
        self._draw(fresh=True)

    # -- drawing -------------------------------------------------------------------------

    def _draw(self, *, fresh: bool = False) -> None:
        found = self.found
        if found is None:
            return
        having = presenting.sections(found)
        names = [section.value for section in having]
        self.query_one("#sections", TabLine).show(names, self.section.value)
        width = max(20, self._lines.size.width)
        if self.section is Section.FILES:
            rows = files.rows(self._tree, self._opened, width=width)
        else:
            rows = presenting.rows(found, self.section, width=width)
        self._lines.show_rows(rows, fresh=fresh)

    def on_tab_line_chosen(self, message: TabLine.Chosen) -> None:
        """Show the section that was clicked."""
        self._file, self.section = None, Section(message.name)
        self._draw(fresh=True)

    def on_line_list_chosen(self) -> None:
        """A click on the row under the cursor is ``enter``."""
        self.action_open()

    # -- actions -------------------------------------------------------------------------

    def action_section(self, step: int) -> None:
        """Show the next section, or the one before."""
        if self.found is None:
            return
        having = presenting.sections(self.found)
        at = having.index(self.section) if self.section in having else 0
        self._file, self.section = None, having[(at + step) % len(having)]
        self._draw(fresh=True)

    def action_open(self) -> None:
        """Open or close a directory, show what changed in a file, or go to a node."""
        row, found = self._lines.row, self.found
        if row is None or found is None or self._file is not None:
            return
        if self.section is not Section.FILES:
            if row.node is not None:
                self._end(row.node)
            return
        path = tree.path_of(row)
        if row.fold is not Fold.NONE:
            self._opened ^= {path}
            self._draw()
            return
        change = next((c for c in found.files.changes if c.path == path), None)
        if change is not None:
            self._file = path
            self._start(partial(_content, self._shelf, found, change))

    def action_search(self) -> None:
        """Open the search."""
        field = self.query_one(FilterLine)
        field.value, field.display = "", True
        self.set_focus(field)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show matches while typing."""
        self._lines.search(parse(event.value).pattern)

    def action_keep_filter(self) -> None:
        """Go to the first match."""
        self.query_one(FilterLine).display = False
        self.set_focus(self._lines)
        self.action_match(1)

    def action_match(self, step: int) -> None:
        """Go to the next match, or the one before."""
        if not self._lines.next_match(step):
            self._say("nothing matches")

    def action_leave(self) -> None:
        """Leave the nearest thing: the search, a job, a file, the screen."""
        field = self.query_one(FilterLine)
        if field.display or self._lines.searching:
            field.display = False
            self._lines.search(None)
            self.set_focus(self._lines)
        elif self._job and self.found is not None:
            self.loader.cancel("diff")
        elif self._file is not None:
            path, self._file = self._file, None
            self._draw(fresh=True)
            self._lines.show_rows(self._lines.rows, key=tree.key_of(path))
        else:
            self._end(None)

    def _end(self, node: NodeId | None) -> None:
        if not self._ended:
            self._ended = True
            self.loader.close()
            self.dismiss(node)


def _compare(graph: Graph, shelf: Shelf, pair: Pair, context: ReadContext) -> Comparison:
    return compare(graph, shelf, pair.a, pair.b, context)


def _content(
    shelf: Shelf, found: Comparison, change: Change, context: ReadContext
) -> tuple[Row, ...]:
    """Return what changed in one file; of what has no content, what else changed."""
    made = [
        row
        for diff in contents(shelf, found, [change], context)
        for row in listing.content_rows(diff)
    ]
    said = safe(f"{change.change} {', '.join(change.fields)}")
    return (Row("head", (span(said, "head"),)), *made)
