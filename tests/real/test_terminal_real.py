"""The terminal is given back, whatever ends the program; and what the link and tmux change."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.ptys import ENTER, LEAVE, Terminal, colours
from support.tools import need

from treering.tui.terminal import signals

pytestmark = pytest.mark.real

TESTS = Path(__file__).parents[1]
PLUGGED = [sys.executable, "-m", "support.plugged"]
SSH = {"SSH_TTY": "/dev/pts/0"}
TRUE = {"COLORTERM": "truecolor"}
READY = b"theme-"


def plugged(tmp_path: Path, trouble: str = "", until: bytes = READY, **options) -> Terminal:  # type: ignore[no-untyped-def]
    """Start the small application and wait until it says what it decided."""
    options.setdefault("LC_ALL", "C.UTF-8")
    terminal = Terminal([*PLUGGED, trouble], tmp_path, PYTHONPATH=str(TESTS), **options)
    terminal.read(20, until=until)
    assert until in terminal.bytes
    return terminal


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_and_the_exit_code_says_which(tmp_path: Path, number: int) -> None:
    terminal = plugged(tmp_path)
    os.kill(terminal.pid, number)
    assert terminal.wait() == 128 + number
    terminal.given_back()


def test_a_hangup_that_is_ignored_stays_ignored(tmp_path: Path) -> None:
    command = f"trap '' HUP; exec env LC_ALL=C.UTF-8 PYTHONPATH={TESTS} {' '.join(PLUGGED)}"
    terminal = Terminal(["/bin/sh", "-c", command], tmp_path)
    terminal.read(20, until=READY)
    os.kill(terminal.pid, signal.SIGHUP)
    terminal.send(b"still-here")
    terminal.read(10, until=b"still-here")
    assert b"still-here" in terminal.bytes
    os.kill(terminal.pid, signal.SIGTERM)
    assert terminal.wait() == 143
    terminal.given_back()


def test_a_signal_ends_a_program_that_hangs(tmp_path: Path) -> None:
    terminal = plugged(tmp_path, "hang", until=ENTER)
    terminal.read(2)
    os.kill(terminal.pid, signal.SIGTERM)
    assert terminal.wait() == 143
    terminal.given_back()


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    terminal = plugged(tmp_path, "hang", until=ENTER)
    terminal.read(2)
    os.kill(terminal.pid, signal.SIGTERM)
    time.sleep(0.1)
    os.kill(terminal.pid, signal.SIGHUP)
    assert terminal.wait() == 129
    terminal.given_back()


@pytest.mark.parametrize("debug", ["", "1"])
def test_a_crash_gives_the_terminal_back_and_tells_no_secrets(tmp_path: Path, debug: str) -> None:
    terminal = plugged(tmp_path, "raise", until=ENTER, TREERING_DEBUG=debug)
    assert terminal.wait() == 70
    terminal.given_back()
    said = terminal.bytes.rpartition(LEAVE)[2]
    assert b"treering: ValueError: a-crash \\u{1b}]0;x\\u{7} 8" in said
    assert b"password" not in said
    assert b"\x1b]0;x" not in said
    assert (b"plugged.py" in said) is bool(debug)


def test_a_driver_that_dies_is_cleaned_up_after(tmp_path: Path) -> None:
    terminal = plugged(tmp_path, "die")
    os.kill(terminal.pid, signal.SIGTERM)
    assert terminal.wait() == 71
    assert terminal.bytes.endswith(signals.RESET.encode())
    terminal.given_back()


def test_a_terminal_that_is_gone_ends_it(tmp_path: Path) -> None:
    terminal = plugged(tmp_path)
    os.close(terminal.fd)
    end = time.monotonic() + 20
    while time.monotonic() < end:
        pid, _ = os.waitpid(terminal.pid, os.WNOHANG)
        if pid:
            return
        time.sleep(0.05)
    os.kill(terminal.pid, 9)
    os.waitpid(terminal.pid, 0)
    pytest.fail("it goes on without a terminal")


def test_suspending_gives_the_terminal_back_and_going_on_paints_again(tmp_path: Path) -> None:
    terminal = plugged(tmp_path)
    terminal.send(b"\x1a")
    assert terminal.wait(options=os.WUNTRACED) == -signal.SIGSTOP
    terminal.given_back()
    terminal.bytes = b""
    os.kill(terminal.pid, signal.SIGCONT)
    terminal.read(10, until=READY)
    assert ENTER in terminal.bytes
    assert READY in terminal.bytes
    os.kill(terminal.pid, signal.SIGTERM)
    assert terminal.wait() == 143
    terminal.given_back()


def test_the_mouse_goes_to_the_terminal_and_stays_there(tmp_path: Path) -> None:
    terminal = plugged(tmp_path)
    assert b"\x1b[?1003h" in terminal.bytes
    terminal.bytes = b""
    terminal.send(b"\x1bOQ")
    terminal.read(10, until=b"\x1b[?1003l")
    terminal.send(b"\x1a")
    assert terminal.wait(options=os.WUNTRACED) == -signal.SIGSTOP
    os.kill(terminal.pid, signal.SIGCONT)
    terminal.read(10, until=READY)
    assert b"\x1b[?1003l" in terminal.bytes
    assert b"\x1b[?1003h" not in terminal.bytes
    terminal.send(b"\x1bOR")
    terminal.read(10, until=b"\x1b[?1003h")
    assert b"\x1b[?1003h" in terminal.bytes
    os.kill(terminal.pid, signal.SIGTERM)
    assert terminal.wait() == 143
    terminal.given_back()


@pytest.mark.parametrize(
    ("delay", "environ", "said"),
    [
        (0.0, SSH | TRUE, b"link-fast theme-treering-dark"),
        (0.3, SSH | TRUE, b"link-slow theme-ansi"),
        (None, SSH | TRUE, b"link-slow theme-ansi"),
        (None, TRUE, b"link-fast theme-treering-dark"),
    ],
)
def test_the_round_trip_decides_over_ssh(
    tmp_path: Path, delay: float | None, environ: dict[str, str], said: bytes
) -> None:
    terminal = plugged(tmp_path, until=said, delay=delay, **environ)
    assert (b"\x1b[6n" in terminal.bytes) == ("SSH_TTY" in environ)
    expected = {"truecolor"} if b"fast" in said else {"palette"}
    assert colours(terminal.bytes) == expected
    os.kill(terminal.pid, signal.SIGTERM)
    assert terminal.wait() == 143


def test_keys_typed_while_the_link_is_measured_arrive(tmp_path: Path) -> None:
    terminal = plugged(tmp_path, until=b"\x1b[6n", **SSH)
    terminal.send(b"ab\x1b[1;1Rcd")
    terminal.read(10, until=b"abcd")
    assert b"abcd" in terminal.bytes
    os.kill(terminal.pid, signal.SIGTERM)
    assert terminal.wait() == 143


def test_no_color_writes_no_colour(tmp_path: Path) -> None:
    terminal = plugged(tmp_path, NO_COLOR="1", **TRUE)
    assert b"theme-mono" in terminal.bytes
    assert colours(terminal.bytes) == set()
    os.kill(terminal.pid, signal.SIGTERM)
    assert terminal.wait() == 143


@pytest.mark.parametrize("environ", [{"TERM": "linux"}, {"LC_ALL": "C"}])
def test_terminals_without_glyphs_get_ascii(tmp_path: Path, environ: dict[str, str]) -> None:
    terminal = plugged(tmp_path, **environ)
    os.kill(terminal.pid, signal.SIGTERM)
    assert terminal.wait() == 143
    assert b"* link-fast" in terminal.bytes
    assert b"------" in terminal.bytes
    assert terminal.bytes.isascii()


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[list[str]]:
    """The tool, on a socket of its own."""
    command = [need("tmux"), "-S", str(tmp_path / "tmux"), "-f", "/dev/null"]
    yield command
    subprocess.run([*command, "kill-server"], check=False, capture_output=True)


@pytest.mark.parametrize(
    ("option", "inside"), [("set-clipboard on", True), ("allow-passthrough on", False)]
)
def test_tmux_hands_a_copy_on(tmux: list[str], tmp_path: Path, option: str, inside: bool) -> None:
    command = f"env LC_ALL=C.UTF-8 PYTHONPATH={TESTS} {' '.join(PLUGGED)}"
    argv = [*tmux, "new-session", "-x", "80", "-y", "24", command]
    outer = Terminal([shutil.which("env") or "", *argv], tmp_path, LC_ALL="C.UTF-8")
    outer.read(20, until=READY)
    subprocess.run([*tmux, "set", "-g", *option.split()], check=True)
    copied = b";c2hhMjU2OjlmMzFjMg=="  # tmux's own names no clipboard: the terminal's default
    assert copied not in outer.bytes
    subprocess.run([*tmux, "send-keys", "F4"], check=True)
    outer.read(10, until=copied)
    assert re.search(rb"\x1b\]52;c?" + copied, outer.bytes)
    shown = subprocess.run([*tmux, "show-buffer"], check=False, capture_output=True)
    assert (shown.stdout == b"sha256:9f31c2") is inside
    subprocess.run([*tmux, "kill-server"], check=True)
    assert outer.wait() is not None
