"""What ``treering.toml`` says about the screen: ``[screen]``, ``[keys]`` and ``[theme.NAME]``.

Owns which keys these sections have and what they may hold. Knows no terminal and no command:
which theme ``auto`` means is decided where the terminal is known, and whether a command of that
id exists where the commands are.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from treering.core.errors import ConfigError
from treering.core.text import is_safe

THEMES = ("treering-dark", "treering-light", "ansi", "colourblind", "mono")
"""The themes treering comes with."""

ANSI_COLOURS = (
    "ansi_default",
    *(
        f"ansi_{bright}{name}"
        for bright in ("", "bright_")
        for name in ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
    ),
)
"""The colours of the terminal's own palette, and the one it writes in by default."""

COLOURS = (
    "primary",
    "secondary",
    "accent",
    "foreground",
    "background",
    "surface",
    "panel",
    "success",
    "warning",
    "error",
)
"""The colours a theme is made of."""

SECTIONS = ("screen", "keys", "theme")
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "glyphs": ("auto", "unicode", "ascii"),
    "link": ("auto", "fast", "slow"),
    "painting": ("cells", "stock"),
    "keys": ("default", "k9s", "lazygit"),
}
_MAX_THEMES = 64
_MAX_KEYS = 1024
_HEX = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_COMMAND = re.compile(r"[a-z][a-z0-9_-]*(?:\.[a-z][a-z0-9_-]*)*")
_KEY = re.compile(r"(?:(?:ctrl|shift|alt|super|hyper|meta)\+)*(?:[a-z0-9_]{1,40}|[!-~])")


@dataclass(frozen=True, slots=True)
class ThemeConfig:
    """A theme somebody wrote; a colour left out is "" and comes from treering's own.

    Its colours are all ``#rgb`` and ``#rrggbb``, or all names of the terminal's palette.
    """

    name: str
    dark: bool = True
    primary: str = ""
    secondary: str = ""
    accent: str = ""
    foreground: str = ""
    background: str = ""
    surface: str = ""
    panel: str = ""
    success: str = ""
    warning: str = ""
    error: str = ""

    @property
    def palette(self) -> bool:
        """Whether it is made of the terminal's own colours."""
        return any(getattr(self, name).startswith("ansi_") for name in COLOURS)

    def colours(self) -> dict[str, str]:
        """Return the colours that were written, in the order of `COLOURS`."""
        return {name: getattr(self, name) for name in COLOURS if getattr(self, name)}


@dataclass(frozen=True, slots=True)
class ScreenConfig:
    """How the screen should look and listen; the defaults are what no file asks for.

    `remap` has the id of a command and the keys it is to have, separated by commas, in the order
    of the file; no keys at all take them away. `keys` is the name of a preset.
    """

    theme: str = "auto"
    glyphs: str = "auto"
    link: str = "auto"
    mouse: bool = True
    painting: str = "cells"
    keys: str = "default"
    remap: tuple[tuple[str, str], ...] = ()
    themes: tuple[ThemeConfig, ...] = field(default=())


_SCREEN = tuple(f.name for f in fields(ScreenConfig) if f.name not in {"remap", "themes"})


def refuse_unknown(
    path: Path, table: Mapping[str, Any], known: tuple[str, ...], where: str
) -> None:
    """Raise `ConfigError` for a key that is not known, with the nearest that is."""
    for key in table:
        if key not in known:
            raise ConfigError(f"{path}: {where}unknown key {key!r}", nearest(key, known))


def nearest(word: str, known: tuple[str, ...]) -> str:
    """Return a hint: what `word` was probably meant to be, or all that is known."""
    near = difflib.get_close_matches(word, known, 1, 0.5)
    return f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(known))}"


def says(document: Mapping[str, Any]) -> bool:
    """Tell whether a document says anything about the screen."""
    return any(name in document for name in SECTIONS)


def read(path: Path, document: Mapping[str, Any]) -> ScreenConfig:
    """Return what a document says about the screen.

    Raises `ConfigError` naming the key, and what it was probably meant to be.
    """
    themes = tuple(_themes(path, _table(path, document, "theme")))
    table = _table(path, document, "screen")
    refuse_unknown(path, table, _SCREEN, "[screen] ")
    for key, choices in _CHOICES.items():
        _choose(path, f"[screen] {key}", table.get(key, choices[0]), choices)
    names = ("auto", *THEMES, *(t.name for t in themes))
    _choose(path, "[screen] theme", table.get("theme", "auto"), names)
    if not isinstance(table.get("mouse", True), bool):
        raise ConfigError(f"{path}: [screen] mouse must be true or false")
    remap = tuple(_remap(path, _table(path, document, "keys"), ""))
    if len(remap) > _MAX_KEYS:
        raise ConfigError(f"{path}: [keys] names more than {_MAX_KEYS} commands")
    return ScreenConfig(**table, remap=remap, themes=themes)


def _table(path: Path, document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = document.get(name, {})
    if not isinstance(table, dict):
        how = "[theme.NAME]" if name == "theme" else f"[{name}]"
        raise ConfigError(f"{path}: {name} must be written {how}")
    return table


def _choose(path: Path, where: str, value: object, choices: tuple[str, ...]) -> None:
    if not isinstance(value, str):
        raise ConfigError(f"{path}: {where} must be text", f"known: {', '.join(choices)}")
    if value not in choices:
        raise ConfigError(f"{path}: {where}: unknown {value!r}", nearest(value, choices))


def _remap(path: Path, table: Mapping[str, Any], before: str) -> Iterator[tuple[str, str]]:
    """Yield commands and their keys; ``a.b = "x"`` without quotes is a table in TOML."""
    for key, value in table.items():
        command = f"{before}{key}"
        if isinstance(value, dict):
            yield from _remap(path, value, f"{command}.")
            continue
        if not _COMMAND.fullmatch(command):
            raise ConfigError(f"{path}: [keys] {command!r} is no id of a command")
        yield command, _keys(path, command, value)


def _keys(path: Path, command: str, value: object) -> str:
    """Return keys as they are bound: separated by commas, without blanks."""
    if not isinstance(value, str):
        raise ConfigError(f"{path}: [keys] {command} must be text", 'as in "d" or "ctrl+d,d"')
    keys = [key.strip() for key in value.split(",")] if value.strip() else []
    for key in keys:
        if not _KEY.fullmatch(key):
            hint = 'as in "d" or "ctrl+d,d"; the comma itself is called comma'
            raise ConfigError(f"{path}: [keys] {command}: {key!r} is no key", hint)
    return ",".join(keys)


def _themes(path: Path, tables: Mapping[str, Any]) -> Iterator[ThemeConfig]:
    if len(tables) > _MAX_THEMES:
        raise ConfigError(f"{path} has more than {_MAX_THEMES} themes")
    for name, table in tables.items():
        where = f"[theme.{name}]"
        if not isinstance(table, dict):
            raise ConfigError(f"{path}: theme must be written [theme.NAME]")
        if not _NAME.fullmatch(name) or not is_safe(name):
            hint = "small letters, digits, - and _, as in [theme.my-dark]"
            raise ConfigError(f"{path}: a theme cannot be called {name!r}", hint)
        if name in {"auto", *THEMES}:
            raise ConfigError(f"{path}: {where} is the name of a theme of treering")
        yield _theme(path, name, table, where)


def _theme(path: Path, name: str, table: Mapping[str, Any], where: str) -> ThemeConfig:
    refuse_unknown(path, table, (*COLOURS, "dark"), f"{where} ")
    if not isinstance(table.get("dark", True), bool):
        raise ConfigError(f"{path}: {where} dark must be true or false")
    colours = {key: value for key, value in table.items() if key != "dark"}
    for key, value in colours.items():
        if isinstance(value, str) and (value in ANSI_COLOURS or _HEX.fullmatch(value)):
            continue
        raise ConfigError(f"{path}: {where} {key}: {value!r} is no colour", _colour_hint(value))
    if len({str(value).startswith("#") for value in colours.values()}) > 1:
        raise ConfigError(
            f"{path}: {where} mixes colours of its own with those of the terminal",
            "what the terminal's colours look like is not known, so nothing can be mixed with them",
        )
    return ThemeConfig(name, **table)


def _colour_hint(value: object) -> str:
    near = difflib.get_close_matches(
        f"ansi_{str(value).removeprefix('ansi_')}", ANSI_COLOURS, 1, 0.8
    )
    return f"did you mean {near[0]}?" if near else "write #rgb, #rrggbb or ansi_NAME"
