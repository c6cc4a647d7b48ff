"""What reaches the terminal: bytes for each key, start-up, idle, and the time to the first byte.

treering beside itself painted by Textual alone, and beside tig, ncdu and mc, each on a
pseudo-terminal of 140x40 that answers what a terminal of today answers. Medians; ratios to peers.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.terminals import OnTerminal

# The keys: change them here when the screen changes.
DOWN, PAGE_DOWN, UP = b"j", b"\x1b[6~", b"k"
IN_VIEW = 6
"""Presses of `DOWN` from the top of the first list that do not scroll it."""
TO_BOTTOM = 34
"""Presses after which the next ones scroll."""
SCROLLED = 10
CHANGED_ROW = b" "
"""A key that changes one row."""

QUIET, IDLE = 0.5, 10.0
APPLICATION = Path(__file__).parents[1] / "support" / "painted.py"
EMPTY = "from textual.app import App; App().run()"


@dataclass
class Program:
    """A program and its keys; a key of None is not measured."""

    name: str
    argv: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    down: bytes = DOWN
    page: bytes | None = PAGE_DOWN
    change: bytes | None = None
    shows: bytes = b""
    directory: str | None = None


def programs(directory: Path) -> list[Program]:
    """Return what is measured; says what is not installed."""
    treering = shutil.which("treering") or str(Path(sys.executable).with_name("treering"))
    argv = [treering, "demo", "--dir", str(directory / "demo"), "--build-only"]
    config = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()
    ours = [treering, "--config", config]
    stock = {"TREERING_PAINT": "stock"}
    lists = [sys.executable, str(APPLICATION), str(directory / "state")]
    found = [
        Program("treering", ours, change=CHANGED_ROW, shows=b"registry"),
        Program("treering, stock paint", ours, stock, change=CHANGED_ROW, shows=b"registry"),
        Program("three panes", lists, change=b"\x1b[15~", shows=b"regis"),
        Program("three panes, stock", lists, stock, change=b"\x1b[15~", shows=b"regis"),
        Program("empty Textual app", [sys.executable, "-c", EMPTY], page=None),
    ]
    (directory / "files").mkdir()
    for number in range(300):
        (directory / "files" / f"file-{number:04}").write_bytes(b"x" * number)
    where = str(directory / "files")
    git = ["git", "-C", where, "-c", "user.name=a", "-c", "user.email=a@example.test"]
    subprocess.run([*git, "init", "-q"], check=True)
    for number in range(120):
        said = ["commit", "-q", "--allow-empty", "-m", f"change {number} of the list"]
        subprocess.run([*git, *said], check=True)
    peers = [
        Program("tig", ["tig"], directory=where),
        Program("ncdu", ["ncdu", where], page=PAGE_DOWN),
        Program("mc", ["mc", "-u", where], down=b"\x1bOB", directory=where),
    ]
    for peer in peers:
        if shutil.which(peer.argv[0]):
            found.append(peer)
        else:
            print(f"{peer.argv[0]} is not installed: not measured")
    return found


def started(terminal: OnTerminal, program: Program) -> tuple[float, float | None, int]:
    """Wait for the start; return seconds to the first paint and the list, and the bytes."""
    out, painted, shown = b"", None, None
    while True:
        waiting = painted is None or (program.shows and shown is None)
        data = terminal.read(20.0 if waiting else 2.0)
        if not data:
            break
        now = time.perf_counter() - terminal.began
        out += data
        # The first cells, not the modes that are set before.
        if painted is None and len(out) > 400:
            painted = now
        if shown is None and program.shows and program.shows in out:
            shown = now
    return painted or 0.0, shown, len(out)


def pressed(
    terminal: OnTerminal, key: bytes, times: int, quiet: float = QUIET
) -> list[tuple[int, float]]:
    """Press a key some times; return bytes, and milliseconds to the first of them, of each."""
    figures = []
    for _ in range(times):
        terminal.send(key)
        out = terminal.until_quiet(quiet)
        figures.append((len(out), 1000 * (terminal.first_byte or 0.0)))
    return figures


def held(terminal: OnTerminal, key: bytes, times: int) -> float:
    """Hold a key at 30 a second; return bytes for each press, the settling at the end included."""
    total = 0
    for _ in range(times):
        terminal.send(key)
        deadline = time.perf_counter() + 1 / 30
        while (left := deadline - time.perf_counter()) > 0:
            total += len(terminal.read(left))
    return (total + len(terminal.until_quiet(QUIET))) / times


def measure(program: Program) -> dict[str, float | None]:
    """Return the figures of one program."""
    figures: dict[str, float | None] = {}
    with OnTerminal(
        program.argv, environment=program.environment, directory=program.directory
    ) as terminal:
        painted, shown, size = started(terminal, program)
        figures |= {"paint ms": painted * 1000, "list ms": shown and shown * 1000, "start": size}
        if terminal.ended or program.name.startswith("empty"):
            return figures
        down = pressed(terminal, program.down, IN_VIEW)
        figures["down"] = statistics.median(size for size, _ in down)
        figures["down mean"] = statistics.mean(size for size, _ in down)
        late = sorted(ms for _, ms in down if ms)
        if program.change:
            figures["row"] = statistics.median(s for s, _ in pressed(terminal, program.change, 4))
        figures["held"] = held(terminal, program.down, TO_BOTTOM)
        scrolled = pressed(terminal, program.down, SCROLLED)
        figures["scroll"] = statistics.median(size for size, _ in scrolled)
        late = sorted([*late, *(ms for _, ms in scrolled if ms)])
        if late:
            figures["p50 ms"] = statistics.median(late)
            figures["p95 ms"] = late[min(len(late) - 1, int(0.95 * len(late)))]
        if program.page:
            figures["page"] = statistics.median(s for s, _ in pressed(terminal, program.page, 3))
        figures["idle"] = len(terminal.until_quiet(IDLE, IDLE))
    return figures


COLUMNS = (
    "down", "down mean", "held", "scroll", "page", "row", "idle", "start",
    "paint ms", "list ms", "p50 ms", "p95 ms",
)  # fmt: skip


def main() -> None:
    """Print the table. Names as arguments choose programs."""
    os.environ.pop("NO_COLOR", None)
    with tempfile.TemporaryDirectory() as directory:
        chosen = [
            program
            for program in programs(Path(directory))
            if len(sys.argv) < 2 or program.name in sys.argv[1:]
        ]
        print("bytes for each key: down = in view, pressed alone; held = 30 a second, each")
        print(f"{'':22}" + "".join(f"{name:>10}" for name in COLUMNS))
        empty = ours = None
        for program in chosen:
            figures = measure(program)
            cells = (figures.get(name) for name in COLUMNS)
            row = "".join(f"{'-' if cell is None else round(cell):>10}" for cell in cells)
            print(f"{program.name:22}{row}", flush=True)
            if program.name == "treering":
                ours = figures["paint ms"]
            elif program.name.startswith("empty"):
                empty = figures["paint ms"]
        if empty and ours:
            print(f"first paint of treering / of an empty Textual app: {ours / empty:.2f}")


if __name__ == "__main__":
    main()
