"""Readers beside the systems' own tools, in one run: ratios of medians, never single times."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

ROUNDS = 7
COMMITS = 10_000


def paired(ours: Callable[[], object], theirs: Callable[[], object]) -> tuple[float, float, float]:
    """Return the median seconds of each and the median of the ratios, taken in turn."""
    pairs = []
    for _ in range(ROUNDS + 1):
        taken = []
        for work in (ours, theirs):
            began = time.perf_counter()
            work()
            taken.append(time.perf_counter() - began)
        pairs.append(taken)
    pairs = pairs[1:]
    a, b = (statistics.median(column) for column in zip(*pairs, strict=True))
    return a, b, statistics.median(x / y for x, y in pairs)


def ostree_log(directory: Path) -> None:
    """A branch of 10,000 commits: all facts made, against ``ostree log``; and whole commands."""
    from support.ostree_repo import FakeRepo

    from treering.adapters.ostree.adapter import ADAPTERS
    from treering.core.graph import paused_collector
    from treering.core.ports import ReadContext, SourceSpec

    path = directory / "repo"
    repo = FakeRepo(path)
    parent = ""
    for number in range(COMMITS):
        parent = repo.commit(
            {"usr": {"version": str(number % 50)}},
            subject=f"build {number}",
            parent=parent,
            time=1_600_000_000 + number,
        )
    repo.ref("os/stable", parent)
    command = ["ostree", f"--repo={path}", "log", "os/stable"]

    def theirs() -> None:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    def ours() -> int:
        reader = ADAPTERS[0].open(SourceSpec("ostree", str(path), "repo"), False)
        with paused_collector():
            return sum(1 for _ in reader.read(ReadContext()))

    def whole() -> None:
        argv = [sys.executable, "-m", "treering.cli", "graph", "--source", f"ostree:{path}"]
        subprocess.run(argv, check=True, capture_output=True)

    row("10,000 commits, in process, `ostree log`", *paired(ours, theirs))
    row("the same, whole command with graph and joins", *paired(whole, theirs))


def row(what: str, ours: float, theirs: float, ratio: float) -> None:
    """Print one line of figures."""
    print(f"{what:48} {ours:8.3f} {theirs:8.3f} {ratio:8.2f}", flush=True)


def main() -> None:
    """Print a row for each measurement whose peer is installed."""
    print(f"{'':48} {'ours s':>8} {'peer s':>8} {'ratio':>8}")
    with tempfile.TemporaryDirectory() as directory:
        if shutil.which("ostree"):
            ostree_log(Path(directory))
        else:
            print("ostree is not installed: no peer for the OSTree reader")


if __name__ == "__main__":
    main()
