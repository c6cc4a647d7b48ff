"""What the terminal can do, and what follows: theme, glyphs, link, clipboard.

Owns the decisions, each a pure function of the environment and of what was asked for, each with
its reason, so that the screen and ``doctor`` say the same. Asks no terminal anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Colours(StrEnum):
    """How many colours a terminal shows."""

    NONE = "none"
    PALETTE = "16"
    MANY = "256"
    TRUE = "truecolor"


class Clipboard(StrEnum):
    """How a text gets from the screen to the clipboard of whoever sits in front of it."""

    DIRECT = "OSC 52"
    TMUX = "OSC 52 through tmux"
    SCREEN = "OSC 52 through GNU screen"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Choice:
    """What was decided, and why, in words for a person."""

    value: str
    why: str


_PLAIN = ("vt", "dumb", "unknown", "network", "hp", "wyse")
_TRUE = ("kitty", "alacritty", "foot", "wezterm", "ghostty", "contour", "direct")
_NO_GLYPHS = ("linux", "vt", "dumb", "ansi", "cons", "sun", "wyse", "unknown", "network")
_LIGHT = frozenset({"7", "9", "10", "11", "12", "13", "14", "15"})
_DARK = frozenset({"0", "1", "2", "3", "4", "5", "6", "8"})


def colours(environ: Mapping[str, str]) -> Colours:
    """Return how many colours the terminal shows, by its own account."""
    term = environ.get("TERM", "").lower()
    if not term or term.startswith(_PLAIN):
        return Colours.NONE
    if environ.get("COLORTERM", "").lower() in {"truecolor", "24bit"}:
        return Colours.TRUE
    if any(name in term for name in _TRUE):
        return Colours.TRUE
    return Colours.MANY if "256" in term else Colours.PALETTE


def background(environ: Mapping[str, str]) -> str:
    """Return "light" or "dark" as ``COLORFGBG`` (rxvt, konsole) has it, "" when it has nothing.

    The last number is the background's in the terminal's palette.
    """
    last = environ.get("COLORFGBG", "").rpartition(";")[2]
    return "light" if last in _LIGHT else "dark" if last in _DARK else ""


def theme(environ: Mapping[str, str], asked: str = "auto", *, slow: bool = False) -> Choice:
    """Return the name of the theme; what was asked for goes before all else.

    Over a slow link the terminal's own colours are used: their sequences are half as long.
    """
    if asked != "auto":
        return Choice(asked, "asked for")
    if environ.get("NO_COLOR"):
        return Choice("mono", "NO_COLOR is set")
    found = colours(environ)
    term = environ.get("TERM", "") or "unknown"
    if found is Colours.NONE:
        return Choice("mono", f"a terminal of type {term} shows no colours")
    if found is Colours.PALETTE:
        return Choice("ansi", f"a terminal of type {term} shows {found} colours")
    if slow:
        return Choice("ansi", "the link is slow")
    light = background(environ) == "light"
    told = "COLORFGBG tells of a light background" if light else f"{found} colours"
    return Choice("treering-light" if light else "treering-dark", told)


def glyphs(environ: Mapping[str, str], asked: str = "auto", encoding: str = "utf-8") -> Choice:
    """Return "unicode" or "ascii"; `encoding` is that of standard output."""
    if asked != "auto":
        return Choice(asked, "asked for")
    term = environ.get("TERM", "").lower()
    if not term or term.startswith(_NO_GLYPHS):
        return Choice("ascii", f"a terminal of type {term or 'unknown'} may lack them")
    locale = next((environ[n] for n in ("LC_ALL", "LC_CTYPE", "LANG") if environ.get(n)), "")
    for name, value in (("encoding of the output", encoding), ("locale", locale)):
        if value and "utf8" not in value.lower().replace("-", ""):
            return Choice("ascii", f"the {name} is {value}")
    return Choice("unicode", f"the locale is {locale or 'not set'}")


def link(environ: Mapping[str, str], asked: str = "auto") -> Choice:
    """Return "fast", "slow" or "measure": over ssh the round trip decides."""
    if asked != "auto":
        return Choice(asked, "asked for")
    remote = next((n for n in ("SSH_TTY", "SSH_CONNECTION") if environ.get(n)), "")
    if remote:
        return Choice("measure", f"{remote} is set: the round trip decides")
    return Choice("fast", "not over ssh")


def clipboard(environ: Mapping[str, str], *, tty: bool) -> Choice:
    """Return a `Clipboard`: the terminal is told, and what stands between must pass it on."""
    if not tty:
        return Choice(Clipboard.NONE, "standard output is no terminal")
    term = environ.get("TERM", "").lower()
    if not term or term.startswith((*_PLAIN, "linux", "cons")):
        return Choice(Clipboard.NONE, f"a terminal of type {term or 'unknown'} knows no clipboard")
    if environ.get("TMUX"):
        why = "tmux passes it on with `set -g set-clipboard on` or `set -g allow-passthrough on`"
        return Choice(Clipboard.TMUX, why)
    if environ.get("STY"):
        return Choice(Clipboard.SCREEN, "GNU screen passes it on in pieces")
    return Choice(Clipboard.DIRECT, "the terminal must allow it")
