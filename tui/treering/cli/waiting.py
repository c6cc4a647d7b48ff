"""One line on a terminal that says how far a long read is, gone when it ends.

Owns that nothing of it is written where standard error is no terminal.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from treering.core.ports import Clock, Progress, ReadContext


@contextmanager
def shown(clock: Clock, what: str) -> Iterator[ReadContext]:
    """Yield a context whose progress shows on standard error while inside."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield ReadContext(clock)
        return
    from rich.console import Console  # noqa: PLC0415 -- only on a terminal
    from rich.progress import BarColumn, TextColumn  # noqa: PLC0415
    from rich.progress import Progress as Bars  # noqa: PLC0415

    bars = Bars(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[detail]}", markup=False),
        console=Console(stderr=True),
        transient=True,
        refresh_per_second=4,
    )
    task = bars.add_task(what, total=None, detail="")

    def update(progress: Progress) -> None:
        of = "" if progress.total is None else f" of {progress.total:,}"
        detail = f"{progress.what} {progress.done:,}{of}"
        bars.update(task, total=progress.total, completed=progress.done, detail=detail)

    with bars:
        yield ReadContext(clock, on_progress=update)
