"""Painting by cells beside Textual's own, in tmux: the same keys, the same cells on the screen.

Blanks are compared by what can be seen of them: their background, and lines through or under them.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.emulator import Emulator, Shown
from support.tools import need

pytestmark = pytest.mark.real

APPLICATION = Path(__file__).parents[1] / "support" / "painted.py"
MOVES = ("Down", "Up", "Down", "Down", "PageDown", "PageUp", "Home", "End", "j", "k")
OTHERS = ("Tab", "BTab", "F2", "F2", "Escape", "F3", "F5", "F5", "F6", "Left", "Right", "Enter")
TYPED = ("a", "漢", "é", "BSpace", "x")
SIZES = ((140, 40), (100, 30), (63, 17), (120, 24))


SEEDS = int(os.environ.get("TREERING_PAINTINGS", "2"))
"""How many random drives; each takes half a minute for each of the two terminals."""

ATTEMPTS = 3
STILL = 0.4
"""Seconds without an event in either. A focus that moves later would take other keys."""

ERASED = Shown("erased")
"""What tmux 3.3 leaves out of a capture: cells at the end of a line that were only ever erased. It
shows them with their background; here they must be blank where the other has a blank.
"""


class Tmux:
    """A server of the test's own, with a session for each way of painting."""

    def __init__(self, directory: Path, term: str) -> None:
        self._socket = directory / "tmux"
        self._directory = directory
        self._term = term
        self._keys = 0

    def call(self, *arguments: str) -> str:
        argv = ["tmux", "-u", "-f", "/dev/null", "-S", str(self._socket), *arguments]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout

    def start(self, name: str, **environment: str) -> None:
        variables = {
            "TERM": self._term,
            "COLORTERM": "truecolor",
            "LC_ALL": "C.UTF-8",
            "COLUMNS": "",
            "LINES": "",
            "TEXTUAL_ANIMATIONS": "none",
            **environment,
        }
        said = [f"{key}={value}" for key, value in variables.items()]
        command = ["env", *said, sys.executable, str(APPLICATION), str(self._state(name))]
        self.call("new-session", "-d", "-s", name, "-x", "140", "-y", "40", *command)

    def _state(self, name: str) -> Path:
        return self._directory / f"{name}.state"

    def press(self, keys: list[str]) -> None:
        for name in ("stock", "cells"):
            self.call("send-keys", "-t", name, *keys)
        self._keys += len(keys)

    def resize(self, columns: int, rows: int) -> None:
        for name in ("stock", "cells"):
            self.call("resize-window", "-t", name, "-x", str(columns), "-y", str(rows))

    def settle(self, size: tuple[int, int]) -> None:
        """Wait until both have handled every key at the size."""
        expected = f"{self._keys} {size[0]} {size[1]} "
        now = time.monotonic()
        deadline, since = now + 20, now
        states: list[str] = []
        while now < deadline:
            before, states = states, [self._read(name) for name in ("stock", "cells")]
            now = time.monotonic()
            if states != before or len(set(states)) > 1 or not states[0].startswith(expected):
                since = now
            elif now - since > STILL:
                return
            time.sleep(0.02)
        pytest.fail(f"expected {expected}, saw {states}")

    def _read(self, name: str) -> str:
        state = self._state(name)
        return state.read_text() if state.exists() else ""

    def screen(self, name: str, size: tuple[int, int]) -> list[list[Shown]]:
        captured = self.call("capture-pane", "-t", name, "-e", "-p", "-N").split("\n")
        terminal = Emulator(*size)
        for y, line in enumerate(captured[: size[1]]):
            terminal.feed(f"\x1b[{y + 1}H{line}")
            if not terminal.after_last:
                terminal.rows[y][terminal.x or 0 :] = [ERASED] * (size[0] - (terminal.x or 0))
        return [[without_stray_marks(cell) for cell in row] for row in terminal.seen()]


def without_stray_marks(cell: Shown) -> Shown:
    """Take off marks that combine with no letter.

    Textual leaves a mark whose letter it cut away; in stock it lands on the cell of a neighbour.
    """
    base = cell.character[:1]
    return cell if len(cell.character) < 2 or base.isalpha() else cell._replace(character=base)


@contextmanager
def terminals(directory: Path, term: str) -> Iterator[Tmux]:
    """Start one application twice, painted by Textual and by cells; end both."""
    directory.mkdir()
    server = Tmux(directory, term)
    try:
        server.start("stock", TREERING_PAINT="stock")
        server.start("cells")
        yield server
    finally:
        server.call("kill-server")


def same_in_the_end(tmux: Tmux, size: tuple[int, int], after: object) -> None:
    """Both screens come to show the same, and stay so."""
    deadline = time.monotonic() + 10
    seen, stock, cells = None, [], []
    while time.monotonic() < deadline:
        stock, cells = (tmux.screen(name, size) for name in ("stock", "cells"))
        if not first_difference(stock, cells):
            if seen == (stock, cells):
                return
            seen = (stock, cells)
        time.sleep(0.1)
    pytest.fail(f"{first_difference(stock, cells)}, after {after}")


def first_difference(stock: list[list[Shown]], cells: list[list[Shown]]) -> str:
    for y, (wanted, got) in enumerate(zip(stock, cells, strict=True)):
        for x, pair in enumerate(zip(wanted, got, strict=True)):
            if ERASED in pair and {each.character for each in pair} <= {" ", ERASED.character}:
                continue
            if pair[0] != pair[1]:
                return f"row {y}, column {x}: stock {pair[0]}, cells {pair[1]}"
    return ""


def rounds(seed: int) -> Iterator[list[str] | tuple[int, int]]:
    """Yield keys to press, or a size to take."""
    chance = random.Random(seed)  # noqa: S311 -- keys, not secrets
    for number in range(25):
        if number % 9 == 8:
            yield chance.choice(SIZES)
            continue
        burst = [chance.choice(MOVES if chance.random() < 0.8 else TYPED) for _ in range(6)]
        # Keys typed ahead of a change of focus reach one pane or the other: it comes last.
        yield [*burst[: chance.randint(0, 6)], chance.choice(OTHERS)]


def drive(tmux: Tmux, seed: int) -> None:
    """Press the keys of a seed in both, and compare after each round."""
    size, done = (140, 40), []
    tmux.settle(size)
    same_in_the_end(tmux, size, "the start")
    for step in rounds(seed):
        if isinstance(step, tuple):
            size = step
            tmux.resize(*size)
        else:
            tmux.press(step)
        done.append(step)
        tmux.settle(size)
        same_in_the_end(tmux, size, done)


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("term", ["xterm-256color", "screen-256color"])
def test_the_screen_is_the_one_textual_paints(tmp_path: Path, term: str, seed: int) -> None:
    """What differs must differ again: on a busy machine one of the two may take a key later."""
    need("tmux")
    for attempt in range(ATTEMPTS):
        with terminals(tmp_path / str(attempt), term) as tmux:
            try:
                drive(tmux, seed)
            except pytest.fail.Exception:
                if attempt == ATTEMPTS - 1:
                    raise
            else:
                return
