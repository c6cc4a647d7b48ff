"""Screens over the screen: choosing from a list, with a search in it.

Owns the one box that menus, help, palette and lists of candidates share. What can be chosen is
given as rows; what comes back is the value of the chosen one. The first row is under the cursor,
and nothing that changes anything ever is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import Input

from treering.core.text import safe
from treering.present.filtering import parse
from treering.present.lines import Row, span
from treering.tui.widgets.rows import RowList


@dataclass(frozen=True, slots=True)
class Choice:
    """A row that can be chosen, what it means, and why it cannot be, if it cannot."""

    row: Row
    value: Any
    refused: str = ""
    key: str = ""


class Chooser(ModalScreen[Any]):
    """A box with rows to choose from.

    `typing` puts the cursor into the search at once; otherwise ``/`` does, and a letter that is
    the key of a choice chooses it. `ask` is called with what was typed, for rows that come from
    elsewhere: `offer` takes them.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "close", show=False),
        Binding("enter", "choose", "choose", show=False, priority=True),
        Binding("down,ctrl+n", "step(1)", "down", show=False, priority=True),
        Binding("up,ctrl+p", "step(-1)", "up", show=False, priority=True),
        Binding("slash", "search", "search", show=False),
        Binding("q", "close", "close", show=False),
    ]
    DEFAULT_CSS = """
    Chooser { align: center middle; background: transparent; }
    Chooser #box {
        width: 76; max-width: 96%; height: auto; max-height: 85%;
        border: round $tree-dim; background: $background; padding: 0 1;
    }
    Chooser.-low { align: center bottom; }
    Chooser #typed { border: none; height: 1; padding: 0; background: $background; }
    Chooser #choices { height: auto; max-height: 100%; border: none; }
    """

    def __init__(  # noqa: PLR0913 -- one box for all there is to choose from
        self,
        title: str,
        choices: Sequence[Choice],
        *,
        typing: bool = False,
        text: str = "",
        ask: Callable[[str], None] | None = None,
        take_typed: Callable[[str], Any] | None = None,
    ) -> None:
        super().__init__()
        self._title = safe(title)
        self._all = tuple(choices)
        self._offered: tuple[Choice, ...] = ()
        self._shown: tuple[Choice, ...] = ()
        self._typing = typing
        self._text = text
        self._ask = ask
        self._take_typed = take_typed
        self._ended = False

    def compose(self) -> ComposeResult:
        """Lay out the box."""
        with Vertical(id="box"):
            yield Input(self._text, id="typed", compact=True, select_on_focus=False)
            yield RowList(id="choices")

    def on_mount(self) -> None:
        """Show everything."""
        box = self.query_one("#box", Vertical)
        box.border_title = Content(self._title)
        field = self.query_one("#typed", Input)
        field.display = self._typing
        self.set_focus(field if self._typing else self._lines)
        self._draw()
        if self._ask is not None:
            self._ask(self._text)

    @property
    def _lines(self) -> RowList:
        return self.query_one("#choices", RowList)

    @property
    def typed(self) -> str:
        """What was typed."""
        return self.query_one("#typed", Input).value

    def offer(self, choices: Sequence[Choice]) -> None:
        """Take what was found elsewhere for what was typed."""
        self._offered = tuple(choices)
        self._draw()

    def on_input_changed(self) -> None:
        """Search while typing."""
        self._draw()
        if self._ask is not None:
            self._ask(self.typed)

    def _draw(self) -> None:
        chosen = parse(self.typed)
        kept = [c for c in self._all if chosen.test(c.row.text.lower())]
        self._shown = (*kept, *self._offered)
        rows = [_numbered(n, choice.row) for n, choice in enumerate(self._shown)]
        lines = self._lines
        lines.styles.height = max(1, len(rows))
        lines.show_rows(rows or [Row("none", (span("nothing is called that", "dim"),))], fresh=True)
        lines.search(chosen.pattern if self.typed else None)

    # -- choosing ------------------------------------------------------------------------

    def on_key(self, event: Key) -> None:
        """Choose by the key of a choice."""
        if self.focused is self._lines:
            for choice in self._shown:
                if choice.key and choice.key == event.key:
                    event.stop()
                    event.prevent_default()
                    self._choose(choice)
                    return

    def on_line_list_chosen(self) -> None:
        """Choose by a click."""
        self.action_choose()

    def action_choose(self) -> None:
        """Choose the row under the cursor; what was typed, if it is taken as it is."""
        if self._take_typed is not None:
            taken = self._take_typed(self.typed)
            if taken is not None:
                self._end(taken)
                return
        at = self._lines.cursor
        if at < len(self._shown):
            self._choose(self._shown[at])

    def _choose(self, choice: Choice) -> None:
        if choice.refused:
            self.query_one("#box", Vertical).border_subtitle = Content(safe(choice.refused))
            self.app.bell()
            return
        self._end(choice.value)

    def action_step(self, rows: int) -> None:
        """Move the cursor while typing."""
        self._lines.action_move(rows)

    def action_search(self) -> None:
        """Begin to search."""
        field = self.query_one("#typed", Input)
        field.display = True
        self.set_focus(field)

    def action_close(self) -> None:
        """Choose nothing."""
        self._end(None)

    def _end(self, value: Any) -> None:
        """Close the box with a value; whatever was typed or clicked after that comes too late."""
        if not self._ended:
            self._ended = True
            self.dismiss(value)


def _numbered(number: int, row: Row) -> Row:
    """Return a row with a key of its own: two choices may stand for one thing."""
    return Row(str(number), row.line, row.node, row.why)
