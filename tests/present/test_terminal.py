"""What follows from what the terminal says of itself."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from treering.core.settings import THEMES
from treering.present import terminal
from treering.present.terminal import Clipboard, Colours

XTERM = {"TERM": "xterm-256color"}
TRUE = {**XTERM, "COLORTERM": "truecolor"}


@pytest.mark.parametrize(
    ("environ", "count"),
    [
        ({}, Colours.NONE),
        ({"TERM": "dumb"}, Colours.NONE),
        ({"TERM": "dumb", "COLORTERM": "truecolor"}, Colours.NONE),
        ({"TERM": "vt100"}, Colours.NONE),
        ({"TERM": "linux"}, Colours.PALETTE),
        ({"TERM": "xterm"}, Colours.PALETTE),
        ({"TERM": "screen"}, Colours.PALETTE),
        ({"TERM": "xterm-16color"}, Colours.PALETTE),
        (XTERM, Colours.MANY),
        ({"TERM": "tmux-256color"}, Colours.MANY),
        (TRUE, Colours.TRUE),
        ({"TERM": "xterm", "COLORTERM": "24bit"}, Colours.TRUE),
        ({"TERM": "xterm", "COLORTERM": "yes"}, Colours.PALETTE),
        ({"TERM": "xterm-kitty"}, Colours.TRUE),
        ({"TERM": "xterm-direct"}, Colours.TRUE),
    ],
)
def test_how_many_colours(environ: Mapping[str, str], count: Colours) -> None:
    assert terminal.colours(environ) is count


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("0;15", "light"),
        ("15;0", "dark"),
        ("0;default;15", "light"),
        ("12;8", "dark"),
        ("15;default", ""),
        ("15;", ""),
        ("", ""),
        ("a;99", ""),
    ],
)
def test_light_or_dark(value: str, found: str) -> None:
    assert terminal.background({"COLORFGBG": value}) == found


@pytest.mark.parametrize(
    ("environ", "asked", "slow", "name"),
    [
        (TRUE, "auto", False, "treering-dark"),
        (XTERM, "auto", False, "treering-dark"),
        ({**TRUE, "COLORFGBG": "0;15"}, "auto", False, "treering-light"),
        ({**TRUE, "COLORFGBG": "15;0"}, "auto", False, "treering-dark"),
        ({"TERM": "linux"}, "auto", False, "ansi"),
        ({"TERM": "vt100"}, "auto", False, "mono"),
        ({}, "auto", False, "mono"),
        ({**TRUE, "NO_COLOR": "1"}, "auto", False, "mono"),
        ({**TRUE, "NO_COLOR": "1"}, "auto", True, "mono"),
        ({**TRUE, "NO_COLOR": ""}, "auto", False, "treering-dark"),
        (TRUE, "auto", True, "ansi"),
        (TRUE, "colourblind", True, "colourblind"),
        ({**TRUE, "NO_COLOR": "1"}, "my-own", False, "my-own"),
    ],
)
def test_the_theme(environ: Mapping[str, str], asked: str, slow: bool, name: str) -> None:
    choice = terminal.theme(environ, asked, slow=slow)
    assert choice.value == name
    assert choice.why
    assert name in (*THEMES, "my-own")


@pytest.mark.parametrize(
    ("environ", "asked", "encoding", "value"),
    [
        ({**XTERM, "LANG": "de_DE.UTF-8"}, "auto", "utf-8", "unicode"),
        ({**XTERM, "LANG": "C.utf8"}, "auto", "utf-8", "unicode"),
        (XTERM, "auto", "UTF-8", "unicode"),
        (XTERM, "auto", "ascii", "ascii"),
        (XTERM, "auto", "iso8859-1", "ascii"),
        ({**XTERM, "LANG": "de_DE.ISO-8859-1"}, "auto", "utf-8", "ascii"),
        ({**XTERM, "LC_ALL": "C", "LANG": "de_DE.UTF-8"}, "auto", "utf-8", "ascii"),
        ({**XTERM, "LC_ALL": "", "LANG": "de_DE.UTF-8"}, "auto", "utf-8", "unicode"),
        ({"TERM": "linux", "LANG": "C.UTF-8"}, "auto", "utf-8", "ascii"),
        ({"TERM": "vt220", "LANG": "C.UTF-8"}, "auto", "utf-8", "ascii"),
        ({}, "auto", "utf-8", "ascii"),
        ({"TERM": "linux"}, "unicode", "ascii", "unicode"),
        (XTERM, "ascii", "utf-8", "ascii"),
    ],
)
def test_glyphs(environ: Mapping[str, str], asked: str, encoding: str, value: str) -> None:
    choice = terminal.glyphs(environ, asked, encoding)
    assert choice.value == value
    assert choice.why


@pytest.mark.parametrize(
    ("environ", "asked", "value"),
    [
        ({}, "auto", "fast"),
        ({"SSH_TTY": "/dev/pts/1"}, "auto", "measure"),
        ({"SSH_CONNECTION": "::1 1 ::1 22"}, "auto", "measure"),
        ({"SSH_TTY": ""}, "auto", "fast"),
        ({"SSH_TTY": "/dev/pts/1"}, "fast", "fast"),
        ({}, "slow", "slow"),
    ],
)
def test_the_link(environ: Mapping[str, str], asked: str, value: str) -> None:
    assert terminal.link(environ, asked).value == value


@pytest.mark.parametrize(
    ("environ", "tty", "value"),
    [
        (XTERM, True, Clipboard.DIRECT),
        (XTERM, False, Clipboard.NONE),
        ({"TERM": "linux"}, True, Clipboard.NONE),
        ({}, True, Clipboard.NONE),
        ({"TERM": "tmux-256color", "TMUX": "/run/tmux,1,0"}, True, Clipboard.TMUX),
        ({"TERM": "screen", "STY": "1.pts"}, True, Clipboard.SCREEN),
        ({"TERM": "screen", "STY": "1.pts", "TMUX": "/run/tmux,1,0"}, True, Clipboard.TMUX),
        ({"TERM": "screen-256color"}, True, Clipboard.DIRECT),
    ],
)
def test_the_clipboard(environ: Mapping[str, str], tty: bool, value: Clipboard) -> None:
    choice = terminal.clipboard(environ, tty=tty)
    assert choice.value is value
    assert choice.why
