"""The table of commands: what each key does, said once.

Owns ids, keys, words and groups. Bindings, footer, palette, action menu, help, ``treering keys``
and the filter of audit mode are all made from it. What a command does is the screen's business.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from treering.core.errors import ConfigError


class Group(StrEnum):
    """Headings of the help."""

    MOVE = "moving"
    LOOK = "looking"
    ASK = "asking"
    TAKE = "marking and copying"
    CHANGE = "changing"
    SCREEN = "the screen"


@dataclass(frozen=True, slots=True)
class Command:
    """One thing a key does.

    `action` is what the screen, or a list in it, is asked to do. `footer` is the short word of
    the last line, "" to stay out of it. `writes` marks what audit mode refuses, `absent` says
    why a command can never be given in this version. `lists` marks what the list under the
    cursor does rather than the screen.
    """

    id: str
    keys: tuple[str, ...]
    action: str
    words: str
    group: Group
    footer: str = ""
    writes: bool = False
    absent: str = ""
    lists: bool = False
    menu: bool = False


_NOT_YET = "not in this version"

COMMANDS = (
    Command("list.down", ("j", "down"), "move(1)", "down", Group.MOVE, lists=True),
    Command("list.up", ("k", "up"), "move(-1)", "up", Group.MOVE, lists=True),
    Command("list.into", ("l", "right"), "into", "open, or to the right", Group.MOVE, lists=True),
    Command("list.out", ("h", "left"), "out", "close, or to the left", Group.MOVE, lists=True),
    Command("list.top", ("home",), "top", "top", Group.MOVE, lists=True),
    Command("list.top_twice", ("g",), "top_twice", "top, when typed twice", Group.MOVE, lists=True),
    Command("list.bottom", ("G", "end"), "bottom", "bottom", Group.MOVE, lists=True),
    Command("list.half_down", ("ctrl+d",), "page(0.5)", "half a page down", Group.MOVE, lists=True),
    Command("list.half_up", ("ctrl+u",), "page(-0.5)", "half a page up", Group.MOVE, lists=True),
    Command(
        "list.page_down", ("pagedown", "ctrl+f"), "page(1)", "page down", Group.MOVE, lists=True
    ),
    Command("list.page_up", ("pageup", "ctrl+b"), "page(-1)", "page up", Group.MOVE, lists=True),
    Command("go", ("enter",), "go", "go there, open or close", Group.MOVE),
    Command("escape", ("escape",), "escape", "cancel, clear the filter, go back", Group.MOVE),
    Command("back", ("minus", "backspace", "ctrl+o"), "back", "back", Group.MOVE, "back"),
    Command("pane.next", ("tab",), "pane(1)", "next pane", Group.MOVE),
    Command("pane.previous", ("shift+tab",), "pane(-1)", "previous pane", Group.MOVE),
    Command("place.hosts", ("1",), "place('hosts')", "hosts", Group.LOOK),
    Command("place.stages", ("2",), "place('stages')", "stages", Group.LOOK),
    Command("place.images", ("3",), "place('images')", "images", Group.LOOK),
    Command("place.refs", ("4",), "place('refs')", "refs", Group.LOOK),
    Command("place.workloads", ("5",), "place('workloads')", "workloads", Group.LOOK),
    Command("place.sources", ("6",), "place('sources')", "sources", Group.LOOK),
    Command("tab.next", ("right_square_bracket",), "tab(1)", "next tab", Group.LOOK),
    Command("tab.previous", ("left_square_bracket",), "tab(-1)", "previous tab", Group.LOOK),
    Command(
        "came_from", ("J",), "came_from", "what it came from", Group.ASK, "came from", menu=True
    ),
    Command("used_by", ("u",), "used_by", "what uses it", Group.ASK, "used by", menu=True),
    Command("centre", ("M",), "centre", "centre the map on it", Group.ASK, menu=True),
    Command("diff", ("d",), "diff", "diff two marked, or the base and this", Group.ASK, menu=True),
    Command("base", ("W",), "base", "diff base: make it so, or not", Group.ASK, menu=True),
    Command("filter", ("slash",), "filter", "filter, or search in text", Group.ASK, "filter"),
    Command("match.next", ("n",), "match(1)", "next match", Group.ASK),
    Command("match.previous", ("N",), "match(-1)", "previous match", Group.ASK),
    Command("palette", ("colon",), "palette", "go to a name, or give a command", Group.ASK, "go"),
    Command("why", ("w",), "why", "evidence of the row", Group.ASK),
    Command("mark", ("space",), "mark", "mark, or take the mark off", Group.TAKE, menu=True),
    Command("mark.range", ("v",), "mark_range", "mark from here to there", Group.TAKE),
    Command("mark.all", ("ctrl+a",), "mark_all", "mark all that show", Group.TAKE),
    Command("mark.none", ("ctrl+backslash",), "mark_none", "take all marks off", Group.TAKE),
    Command("copy", ("y",), "copy", "copy: choose what", Group.TAKE, "copy", menu=True),
    Command("copy.name", ("c",), "copy_name", "copy its name", Group.TAKE),
    Command("document", ("Y",), "document", "its document, as stored", Group.LOOK, menu=True),
    Command("menu", ("x",), "menu", "all actions here", Group.CHANGE, "actions"),
    Command(
        "promote", ("P",), "absent('promote')", "promote to a stage", Group.CHANGE,
        writes=True, absent=_NOT_YET, menu=True,
    ),
    Command(
        "rollback", ("R",), "absent('rollback')", "roll back", Group.CHANGE,
        writes=True, absent=_NOT_YET, menu=True,
    ),
    Command(
        "pin", ("p",), "absent('pin')", "pin", Group.CHANGE, writes=True, absent=_NOT_YET, menu=True
    ),
    Command("log", ("at",), "log", "what was asked and done", Group.SCREEN),
    Command("faults", ("exclamation_mark",), "faults", "what could not be read", Group.SCREEN),
    Command("refresh", ("ctrl+r",), "refresh_sources", "read the sources again", Group.SCREEN),
    Command("zoom.in", ("plus",), "zoom(1)", "more room for this pane", Group.SCREEN),
    Command("zoom.out", ("underscore",), "zoom(-1)", "less room for this pane", Group.SCREEN),
    Command("export", ("ctrl+s",), "export", "write the view to a file", Group.SCREEN),
    Command("mouse", (), "mouse", "mouse on or off", Group.SCREEN),
    Command("redraw", ("ctrl+l",), "app.redraw", "draw the screen again", Group.SCREEN),
    Command("help", ("question_mark",), "help", "help", Group.SCREEN, "help"),
    Command("suspend", ("ctrl+z",), "app.suspend_process", "suspend", Group.SCREEN),
    Command("quit", ("q",), "leave", "back; at the start, quit", Group.SCREEN, "quit"),
    Command("quit.now", ("ctrl+c",), "quit_now", "quit at once", Group.SCREEN),
)  # fmt: skip

BY_ID: Mapping[str, Command] = {command.id: command for command in COMMANDS}

_K9S = {
    "diff": ("D",),
    "document": ("y",),
    "copy": ("Y",),
    "tab.next": ("d", "right_square_bracket"),
    "list.top": ("g", "home"),
    "list.top_twice": (),
    "mark": ("space", "ctrl+space"),
    "faults": ("ctrl+z", "exclamation_mark"),
    "suspend": (),
    "escape": ("escape",),
    "palette": ("colon", "ctrl+a"),
    "mark.all": (),
}
_LAZYGIT = {
    "list.top": ("less_than_sign", "home"),
    "list.bottom": ("greater_than_sign", "end", "G"),
    "list.page_down": ("full_stop", "pagedown", "ctrl+f"),
    "list.page_up": ("comma", "pageup", "ctrl+b"),
    "copy": ("y", "ctrl+y"),
    "copy.name": ("ctrl+o",),
    "back": ("minus", "backspace"),
    "refresh": ("R", "ctrl+r"),
    "rollback": (),
    "pane.next": ("tab",),
}

PRESETS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "default": {},
    "k9s": _K9S,
    "lazygit": _LAZYGIT,
}
"""What each preset changes: keys by command id. No preset puts a change on a single small key."""

MENU = tuple(command for command in COMMANDS if command.menu)
FOOTER = ("came_from", "used_by", "filter", "palette", "menu", "copy", "back", "help", "quit")


def keyed(preset: str, given: Mapping[str, str]) -> tuple[Command, ...]:
    """Return the table with the keys of a preset and, over those, the keys `given` by id.

    Several keys are separated by commas; no key switches a command's keys off. A key that is
    given to one command leaves every other. Raises `ConfigError` for an unknown id or preset,
    or a key given twice.
    """
    if preset not in PRESETS:
        raise ConfigError(f"there is no preset of keys {preset!r}", f"use {', '.join(PRESETS)}")
    chosen: dict[str, tuple[str, ...]] = dict(PRESETS[preset])
    for name, keys in given.items():
        if name not in BY_ID:
            raise ConfigError(f"there is no command {name!r}", "`treering keys` lists them")
        chosen[name] = tuple(filter(None, (spoken(key.strip()) for key in keys.split(","))))
    taken: dict[str, str] = {}
    for name in given:
        for key in chosen[name]:
            if taken.setdefault(key, name) != name:
                raise ConfigError(f"{written(key)} is given to {taken[key]} and to {name}")
    for name, changed in PRESETS[preset].items():
        for key in changed if name not in given else ():
            taken.setdefault(key, name)
    return tuple(
        replace(c, keys=tuple(k for k in chosen.get(c.id, c.keys) if taken.get(k, c.id) == c.id))
        for c in COMMANDS
    )


_SPELLED = {
    "slash": "/",
    "question_mark": "?",
    "colon": ":",
    "minus": "-",
    "plus": "+",
    "underscore": "_",
    "at": "@",
    "exclamation_mark": "!",
    "right_square_bracket": "]",
    "left_square_bracket": "[",
    "ctrl+backslash": "ctrl+\\",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "full_stop": ".",
    "comma": ",",
    "pagedown": "PgDn",
    "pageup": "PgUp",
    "escape": "esc",
}
_NAMED = {sign: name for name, sign in _SPELLED.items()}


def written(key: str) -> str:
    """Return a key as people write it: ``?`` rather than ``question_mark``."""
    return _SPELLED.get(key, key)


def spoken(sign: str) -> str:
    """Return the name of a key that people write with a sign."""
    return _NAMED.get(sign, sign)


def keys_of(command: Command) -> str:
    """Return the keys of a command as the help shows them."""
    return " ".join(map(written, command.keys))


def refusal(command: Command, *, audit: bool) -> str:
    """Return why a command cannot be given at all, or "" when it can."""
    if audit and command.writes:
        return "audit mode reads only"
    return command.absent


def as_json(commands: Iterable[Command]) -> list[dict[str, object]]:
    """Return the table as ``treering keys --json`` prints it."""
    return [
        {
            "id": command.id,
            "keys": [written(key) for key in command.keys],
            "does": command.words,
            "group": command.group.value,
            "writes": command.writes,
            "absent": command.absent or None,
        }
        for command in commands
    ]
