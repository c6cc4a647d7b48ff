"""What doctor says of the terminal."""

from __future__ import annotations

import pytest

from treering.core.settings import ScreenConfig
from treering.core.text import is_safe
from treering.present.examine import rows

XTERM = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}


def said(environ: dict[str, str], *, tty: bool = True, **asked: object) -> dict[str, str]:
    screen = ScreenConfig(**asked)  # type: ignore[arg-type]
    return {r.name: r.detail for r in rows(environ, screen, tty=tty, encoding="utf-8")}


def test_a_good_terminal() -> None:
    assert said(XTERM) == {
        "terminal": "xterm-256color, utf-8",
        "colours": "truecolor",
        "theme": "treering-dark: truecolor colours",
        "glyphs": "unicode: the locale is C.UTF-8",
        "link": "fast: not over ssh",
        "clipboard": "OSC 52: the terminal must allow it",
        "mouse": "used",
        "keys": "default, 0 of your own",
    }


@pytest.mark.parametrize(
    ("environ", "asked", "name", "words"),
    [
        ({}, {}, "terminal", "of unknown type"),
        (XTERM | {"NO_COLOR": "1"}, {}, "theme", "mono: NO_COLOR is set"),
        (XTERM, {"theme": "colourblind"}, "theme", "colourblind: asked for"),
        (XTERM, {"link": "slow"}, "theme", "ansi: the link is slow"),
        (XTERM | {"SSH_TTY": "x"}, {}, "link", "measure: SSH_TTY is set"),
        (XTERM | {"TMUX": "x"}, {}, "clipboard", "set-clipboard on"),
        ({"TERM": "linux"}, {}, "glyphs", "ascii: "),
        (XTERM, {"mouse": False}, "mouse", "left to the terminal"),
        (XTERM, {"keys": "k9s", "remap": (("quit", "x"),)}, "keys", "k9s, 1 of your own"),
    ],
)
def test_what_is_said(
    environ: dict[str, str], asked: dict[str, object], name: str, words: str
) -> None:
    assert words in said(environ, **asked)[name]


def test_without_a_terminal_it_says_so() -> None:
    found = said(XTERM, tty=False)
    assert found["terminal"] == "standard output is no terminal; xterm-256color, utf-8"
    assert found["clipboard"] == "none: standard output is no terminal"


def test_a_hostile_environment_is_written_out() -> None:
    hostile = {"TERM": "x\x1b[31m", "LANG": "\x9b\u202e", "LC_ALL": "a\x07"}
    found = rows(hostile, ScreenConfig(), tty=True, encoding="utf-8")
    assert all(is_safe(row.detail) for row in found)
