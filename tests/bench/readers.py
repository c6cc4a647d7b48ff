"""Readers beside the systems' own tools, in one run: ratios of medians, never single times."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from treering.core.gvariant import Variant

sys.path.insert(0, str(Path(__file__).parents[1]))

ROUNDS = 7
COMMITS = 10_000


class Figures(NamedTuple):
    """Median seconds of ours and the peer's, and the medians of the ratios: elapsed, processor.

    On a busy machine the processor's time says more.
    """

    ours: float
    peer: float
    ratio: float
    processor: float


def paired(ours: Callable[[], object], theirs: Callable[[], object]) -> Figures:
    """Return the figures of two pieces of work done in turn, after a round that is not counted."""
    rounds = [(measured(ours), measured(theirs)) for _ in range(ROUNDS + 1)][1:]
    median = statistics.median
    return Figures(
        median(a[0] for a, _ in rounds),
        median(b[0] for _, b in rounds),
        median(a[0] / b[0] for a, b in rounds),
        median(a[1] / b[1] for a, b in rounds),
    )


def measured(work: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds some work took: elapsed, and of the processor, processes included."""
    began, used = time.perf_counter(), os.times()
    work()
    now = os.times()
    return time.perf_counter() - began, sum(now[:4]) - sum(used[:4])


def ostree_log(directory: Path) -> None:
    """A branch of 10,000 commits against ``ostree log``.

    The objects alone, read and verified; all facts of the repository, with the trees that a
    reading verifies besides; the same of commits with the metadata that ``ostree commit`` writes;
    the whole command.
    """
    from treering.adapters.ostree.adapter import ADAPTERS
    from treering.adapters.ostree.repo import Repository
    from treering.core.graph import paused_collector
    from treering.core.gvariant import Variant
    from treering.core.ports import ReadContext, SourceSpec

    path, bound = directory / "repo", directory / "bound"
    build_branch(path)
    build_branch(bound, {"ostree.ref-binding": Variant("as", ["os/stable"])})

    def theirs(path: Path = path) -> None:
        command = ["ostree", f"--repo={path}", "log", "os/stable"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    def objects() -> int:
        repository = Repository.open(path)
        return sum(1 for _ in repository.commits(repository.stored().commits))

    def ours(path: Path = path) -> int:
        reader = ADAPTERS[0].open(SourceSpec("ostree", str(path), "repo"), False)
        with paused_collector():
            return sum(1 for _ in reader.read(ReadContext()))

    def whole() -> None:
        argv = [sys.executable, "-m", "treering.cli", "graph", "--source", f"ostree:{path}"]
        subprocess.run(argv, check=True, capture_output=True)

    row("10,000 commits' objects, `ostree log`", paired(objects, theirs))
    row("10,000 commits, all facts, `ostree log`", paired(ours, theirs))
    row("the same, bound to their ref", paired(partial(ours, bound), partial(theirs, bound)))
    row("10,000 commits, whole command with graph and joins", paired(whole, theirs))


def build_branch(path: Path, metadata: Mapping[str, Variant] | None = None) -> None:
    """Write a repository with one branch; of its commits each fiftieth has the same tree."""
    from support.ostree_repo import FakeRepo

    repo = FakeRepo(path)
    parent = ""
    for number in range(COMMITS):
        parent = repo.commit(
            {"usr": {"version": str(number % 50)}},
            subject=f"build {number}",
            parent=parent,
            metadata=metadata,
            time=1_600_000_000 + number,
        )
    repo.ref("os/stable", parent)


def row(what: str, of: Figures) -> None:
    """Print one line of figures."""
    print(
        f"{what:48} {of.ours:8.3f} {of.peer:8.3f} {of.ratio:8.2f} {of.processor:8.2f}", flush=True
    )


def main() -> None:
    """Print a row for each measurement whose peer is installed."""
    print(f"{'':48} {'ours s':>8} {'peer s':>8} {'ratio':>8} {'cpu':>8}")
    with tempfile.TemporaryDirectory() as directory:
        if shutil.which("ostree"):
            ostree_log(Path(directory))
        else:
            print("ostree is not installed: no peer for the OSTree reader")


if __name__ == "__main__":
    main()
