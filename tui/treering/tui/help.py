"""The help: every key and what it does, from the table of commands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static


class HelpScreen(ModalScreen[None]):
    """A table of keys over the screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark", "dismiss", "close"),
    ]
    DEFAULT_CSS = """
    HelpScreen { align: center middle; }
    #help {
        width: 60; max-width: 95%; height: auto; max-height: 90%;
        border: round $border; padding: 0 1;
    }
    """

    def __init__(self, rows: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._rows = rows

    def compose(self) -> ComposeResult:
        """Draw the table."""
        width = max(len(keys) for keys, _ in self._rows)
        table = "\n".join(f"{keys:<{width}}  {words}" for keys, words in self._rows)
        evidence = "E exact   A attested   D declared   I inferred"
        with VerticalScroll(id="help"):
            yield Static(Content(f"{table}\n\nEvidence of an edge: {evidence}"), markup=False)
