"""The table of commands: what each key does, said once.

Owns ids, keys and words. Bindings, footer and help are made from it.
"""

from __future__ import annotations

from dataclasses import dataclass

from textual.binding import Binding, BindingType


@dataclass(frozen=True, slots=True)
class Command:
    """One thing a key does. `writes` marks what audit mode leaves out."""

    id: str
    keys: tuple[str, ...]
    action: str
    words: str
    footer: bool = False
    writes: bool = False

    @property
    def binding(self) -> BindingType:
        """The command as Textual binds it."""
        return Binding(",".join(self.keys), self.action, self.words, show=self.footer, id=self.id)


SCREEN = (
    Command("quit", ("q",), "leave", "quit", footer=True),
    Command("interrupt", ("ctrl+c",), "leave", "quit"),
    Command("panes.next", ("tab",), "app.focus_next", "next pane", footer=True),
    Command("panes.previous", ("shift+tab",), "app.focus_previous", "previous pane"),
    Command("go", ("enter",), "go", "go to", footer=True),
    Command("back", ("-", "backspace"), "back", "back", footer=True),
    Command("filter", ("slash",), "filter", "filter", footer=True),
    Command("clear", ("escape",), "clear", "clear filter"),
    Command("why", ("w",), "why", "evidence", footer=True),
    Command("refresh", ("ctrl+r",), "refresh_sources", "read again", footer=True),
    Command("help", ("question_mark",), "help", "help", footer=True),
)

LIST = (
    Command("list.down", ("j", "down"), "move(1)", "down"),
    Command("list.up", ("k", "up"), "move(-1)", "up"),
    Command("list.page_down", ("pagedown", "ctrl+f"), "page(1)", "page down"),
    Command("list.page_up", ("pageup", "ctrl+b"), "page(-1)", "page up"),
    Command("list.half_down", ("ctrl+d",), "page(0.5)", "half a page down"),
    Command("list.half_up", ("ctrl+u",), "page(-0.5)", "half a page up"),
    Command("list.top", ("g", "home"), "first", "top"),
    Command("list.bottom", ("G", "end"), "last", "bottom"),
)


def bindings(commands: tuple[Command, ...]) -> list[BindingType]:
    """Return the bindings of a group of commands."""
    return [command.binding for command in commands]


def help_lines() -> list[tuple[str, str]]:
    """Return keys and words of every command, for the help."""
    rows = []
    for command in (*SCREEN, *LIST):
        keys = " ".join(_SPELLED.get(key, key) for key in command.keys)
        rows.append((keys, command.words))
    return rows


_SPELLED = {"slash": "/", "question_mark": "?", "pagedown": "PgDn", "pageup": "PgUp"}
