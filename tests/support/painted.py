"""An application with a bit of everything that paints, for two terminals to be compared.

Run as ``python painted.py STATE``. After every event it writes to STATE how many keys it has seen,
its size, and where the focus is.
"""

from __future__ import annotations

import sys
from collections import deque
from pathlib import Path
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.events import Event, Key
from textual.screen import ModalScreen
from textual.widgets import DataTable, Input, Static, Tree

from treering.core.text import safe
from treering.present.lines import Line, span
from treering.tui.painting.hook import CellPainting
from treering.tui.terminal import themes
from treering.tui.widgets.lines import LineList

WORDS = (
    "registry",
    "漢字かな",
    "cafe\u0301",
    "─┤├─",
    "한국어",
    "layer",
    "",
    "e\u0301a\u0308",
    "sha256",
)


def words(row: int) -> str:
    return (
        f"{row:4} {WORDS[row % len(WORDS)]} {row * 7919 % 100003:06} {WORDS[row // 3 % len(WORDS)]}"
    )


class Help(ModalScreen[None]):
    """A box over everything."""

    DEFAULT_CSS = """
    Help { align: center middle; }
    Help Static { width: 31; height: 9; border: round $primary; background: $panel; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [("escape,f2", "dismiss", "close")]

    def compose(self) -> ComposeResult:
        text = Content("\n".join(words(row) for row in range(7)))
        yield Static(text.stylize("underline", 3, 20).stylize("reverse bold", 30, 44))


class Painted(CellPainting, App[None]):
    """Lists side by side, a field, and keys that change one cell, the layout or the screen."""

    CSS = """
    LineList { width: 2fr; border: round $foreground-disabled; }
    DataTable { width: 3fr; } Tree { width: 2fr; } .gone { display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        ("f2", "help", "help"),
        ("f3", "fold", "fold"),
        ("f5", "change", "change"),
        ("f6", "dim", "theme"),
    ]
    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS = "#lines"

    def __init__(self, state: Path) -> None:
        super().__init__()
        self.animation_level = "none"
        themes.plug(self, (), "treering-dark")
        self._state, self._keys, self._changes = state, 0, 0
        self._begun = False
        self._recent: deque[Event] = deque(maxlen=64)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return themes.variable_defaults()

    def compose(self) -> ComposeResult:
        yield Input(placeholder="type", id="field")
        with Horizontal():
            yield LineList(id="lines")
            yield DataTable[str](id="table", cursor_type="row")
            yield Tree[None]("漢 root", id="tree")

    def on_mount(self) -> None:
        self.query_one(Input).cursor_blink = False
        self.query_one(LineList).show(500, self._line)
        table: DataTable[str] = self.query_one("#table", DataTable)
        table.add_columns("a", "b")
        for row in range(200):
            table.add_row(words(row), WORDS[row % 5], key=str(row))
        tree: Tree[None] = self.query_one("#tree", Tree)
        for row in range(60):
            branch = tree.root.add(words(row), expand=row % 3 == 0)
            branch.add_leaf(words(row + 1000))
        tree.root.expand()

    def _line(self, row: int, width: int) -> Line:  # noqa: ARG002 -- what LineList asks with
        return (span(safe(words(row))),)

    def action_help(self) -> None:
        self.push_screen(Help())

    def action_fold(self) -> None:
        self.query_one("#tree").toggle_class("gone")

    def action_change(self) -> None:
        self._changes += 1
        table: DataTable[str] = self.query_one("#table", DataTable)
        table.update_cell_at((self._changes % 9, 1), words(self._changes))  # type: ignore[arg-type]

    def action_dim(self) -> None:
        self.theme = "treering-light" if self.theme == "treering-dark" else "treering-dark"

    async def on_event(self, event: Event) -> None:
        await super().on_event(event)
        # A key nobody took comes back here.
        if isinstance(event, Key) and not any(event is seen for seen in self._recent):
            self._keys += 1
            self._recent.append(event)
        if not self.screen_stack:
            return
        self._begun |= self.focused is not None
        if self._begun:
            focus = self.focused and self.focused.id
            at = f"{self._keys} {self.size.width} {self.size.height}"
            self._state.write_text(f"{at} {focus} {len(self.screen_stack)}")


if __name__ == "__main__":
    Painted(Path(sys.argv[1])).run()
