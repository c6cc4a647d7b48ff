"""Commands as Textual binds them.

Owns the way from the table of commands to bindings. A key typed into a list goes to the list's
own commands first.
"""

from __future__ import annotations

from collections.abc import Iterable

from textual.binding import Binding, BindingType

from treering.present.commands import COMMANDS, Command


def bindings(*, lists: bool) -> list[BindingType]:
    """Return the bindings of lists, or those of the screen."""
    return [bound(command) for command in COMMANDS if command.lists is lists]


def bound(command: Command) -> Binding:
    """Return one command as Textual binds it; a command without a key waits for a keymap."""
    keys = ",".join(command.keys) or _NO_KEY
    return Binding(keys, command.action, command.words, show=False, id=command.id)


_NO_KEY = "f24"


def keymap(commands: Iterable[Command]) -> dict[str, str]:
    """Return the keys of a table as Textual's keymap: by binding id."""
    return {command.id: ",".join(command.keys) or _NO_KEY for command in commands}
