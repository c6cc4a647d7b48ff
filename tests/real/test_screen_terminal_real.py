"""treering itself on a terminal: what it writes there, and that it gives it back."""

from __future__ import annotations

import os
import re
import signal
import sys
from pathlib import Path

import pytest
from support.ptys import ENTER, Terminal, colours

from treering.adapters.demo.build import build

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("demo"))


def shown(world: Path, tmp_path: Path, settings: str = "", **environ: str) -> Terminal:
    """Open the demo world with settings of the operator's own, and wait until it has drawn."""
    own = tmp_path / "treering"
    own.mkdir()
    (own / "treering.toml").write_text(settings)
    argv = [sys.executable, "-m", "treering.cli", "--config", str(world)]
    environ = {"LC_ALL": "C.UTF-8", "XDG_CONFIG_HOME": str(tmp_path)} | environ
    terminal = Terminal(argv, tmp_path, **environ)
    terminal.read(20, until=b"registry")
    terminal.read(1)
    assert b"registry" in terminal.bytes
    return terminal


def leave(terminal: Terminal, number: int = signal.SIGTERM) -> None:
    os.kill(terminal.pid, number)
    assert terminal.wait() == 128 + number
    terminal.given_back()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_cleanly(world: Path, tmp_path: Path, number: int) -> None:
    leave(shown(world, tmp_path), number)


def test_q_leaves_with_0(world: Path, tmp_path: Path) -> None:
    terminal = shown(world, tmp_path)
    terminal.send(b"q")
    assert terminal.wait() == 0
    terminal.given_back()


def test_ctrl_z_lends_the_terminal_and_comes_back(world: Path, tmp_path: Path) -> None:
    terminal = shown(world, tmp_path)
    terminal.send(b"\x1a")
    assert terminal.wait(options=os.WUNTRACED) == -signal.SIGSTOP
    terminal.given_back()
    terminal.bytes = b""
    os.kill(terminal.pid, signal.SIGCONT)
    terminal.read(10, until=b"registry")
    assert ENTER in terminal.bytes
    assert b"registry" in terminal.bytes
    leave(terminal)


def test_no_color_is_no_colour(world: Path, tmp_path: Path) -> None:
    terminal = shown(world, tmp_path, NO_COLOR="1", COLORTERM="truecolor")
    terminal.send(b"jjjj\t")
    terminal.read(0.5)
    leave(terminal)
    assert colours(terminal.bytes) == set()


@pytest.mark.parametrize(
    ("settings", "environ", "kinds"),
    [
        ("", {"COLORTERM": "truecolor"}, {"truecolor"}),
        ("", {}, {"256"}),
        ("", {"TERM": "xterm"}, {"palette"}),
        ("[screen]\ntheme = 'ansi'", {"COLORTERM": "truecolor"}, {"palette"}),
        ("[screen]\nlink = 'slow'", {"COLORTERM": "truecolor"}, {"palette"}),
        ("[screen]\ntheme = 'mono'", {"COLORTERM": "truecolor"}, set()),
        ("[screen]\npainting = 'stock'", {"COLORTERM": "truecolor"}, {"truecolor"}),
        (
            "[screen]\npainting = 'stock'\ntheme = 'mono'",
            {"COLORTERM": "truecolor", "NO_COLOR": "1"},
            set(),
        ),
    ],
)
def test_the_colours_are_those_of_theme_and_terminal(
    world: Path, tmp_path: Path, settings: str, environ: dict[str, str], kinds: set[str]
) -> None:
    terminal = shown(world, tmp_path, settings, **environ)
    leave(terminal)
    assert colours(terminal.bytes) == kinds


@pytest.mark.parametrize("painting", ["cells", "stock"])
def test_a_terminal_without_glyphs_gets_ascii(world: Path, tmp_path: Path, painting: str) -> None:
    terminal = shown(world, tmp_path, f"[screen]\npainting = '{painting}'", TERM="linux")
    terminal.send(b"jjjj\tjjj?")
    terminal.read(1)
    terminal.send(b"\x1b")
    leave(terminal)
    assert terminal.bytes.isascii()


def test_over_a_slow_link_nothing_is_drawn_twice_in_other_colours(
    world: Path, tmp_path: Path
) -> None:
    own = {"SSH_TTY": "/dev/pts/0", "COLORTERM": "truecolor"}
    terminal = shown(world, tmp_path, **own)
    leave(terminal)
    assert b"\x1b[6n" in terminal.bytes
    assert colours(terminal.bytes) == {"palette"}


def test_the_mouse_may_be_left_to_the_terminal(world: Path, tmp_path: Path) -> None:
    terminal = shown(world, tmp_path, "[screen]\nmouse = false")
    leave(terminal)
    assert not re.search(rb"\x1b\[\?100[0-36]h", terminal.bytes)
