"""The screen on a large world: memory, time until it can be used, key to paint.

A recording of some 100,000 nodes is opened on a pseudo-terminal of 140x40. Memory is the peak of
the process (VmHWM) once everything was read and joined.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.terminals import OnTerminal
from world import world

from treering.core import recording

SCALE = 0.55
KEYS = 60


def memory(pid: int, what: str) -> float:
    """Return the memory of a process in MB: VmRSS now, VmHWM at its peak."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.split("\n") if line.startswith(what))
    return int(line.split()[1]) / 1024


def measure(name: str, argv: list[str]) -> None:
    """Print the figures of one program."""
    with OnTerminal(argv) as terminal:
        terminal.until_seen(b"\x1b[?2026h", 60)
        painted = time.perf_counter() - terminal.began
        first = terminal.until_seen(b"app0:0", 120)
        listed = time.perf_counter() - terminal.began
        settled = listed
        while terminal.until_quiet(3.0, 60):
            settled = time.perf_counter() - terminal.began - 3.0
        print(f"{name}: painted {painted:.2f} s, list {listed:.2f} s, settled {settled:.1f} s")
        now, peak = (memory(terminal.pid, what) for what in ("VmRSS", "VmHWM"))
        print(f"{name}: memory {now:.0f} MB, peak {peak:.0f} MB")
        print(f"{name}: {len(first)} bytes until the list")
        took = []
        for _ in range(KEYS):
            terminal.send(b"j")
            terminal.until_quiet(0.3)
            if terminal.first_byte is not None:
                took.append(terminal.first_byte * 1000)
        took.sort()
        p95 = took[int(len(took) * 0.95)]
        print(
            f"{name}: key to first byte, median {statistics.median(took):.0f} ms, p95 {p95:.0f} ms"
        )


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "world.jsonl"
        count = recording.write(path, world(SCALE), (), 1.0)
        print(f"a recording of {count} facts, {path.stat().st_size / 1e6:.0f} MB")
        treering = [sys.executable, "-m", "treering.cli", "--source", f"recording:{path}"]
        measure("treering", treering)


if __name__ == "__main__":
    main()
