"""From options to a read graph, with progress on a terminal.

Owns how the commands read their sources: all at once, reporting on stderr, naming afterwards
what could not be read.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from treering.cli.output import Output
from treering.cli.wiring import Wiring
from treering.core import config
from treering.core.errors import Exit, UsageError
from treering.core.graph import Graph
from treering.core.reading import SILENCE, Reading, SourceStatus, State, read_all
from treering.core.session import Session


def reading(arguments: argparse.Namespace, wiring: Wiring, *, watch: bool = False) -> Reading:
    """Return a reading of the sources the options name; nothing is read yet."""
    try:
        directory = Path.cwd()
    except OSError as error:
        raise UsageError("the working directory is gone", "change to another one") from error
    specs = wiring.catalogue.specs(arguments.source or (), arguments.config, os.environ, directory)
    readers = [wiring.catalogue.open(spec) for spec in specs]
    return Reading(readers, silence=arguments.timeout or SILENCE, watch=watch)


def session(arguments: argparse.Namespace, wiring: Wiring, found: Reading, scope: str) -> Session:
    """Return what the screen opens on: a reading, and how the configuration wants it shown."""
    path = arguments.config or config.find(os.environ, Path.cwd())
    stages: tuple[Mapping[str, Any], ...] = ()
    if path is not None and not arguments.source:
        stages = config.load(path, wiring.catalogue.kinds).stages
    screen = config.load_screen(os.environ, Path.cwd(), arguments.config)
    return Session(found, scope, wiring.audit, stages, screen)


def read(
    arguments: argparse.Namespace, wiring: Wiring, output: Output, *, keep_open: bool = False
) -> tuple[Graph, Reading]:
    """Read the sources the options name and return the joined graph.

    With `keep_open` the sources can still be asked for files; close the reading at the end.
    Raises `UsageError` when there is no source at all.
    """
    return read_out(require_sources(reading(arguments, wiring)), output, keep_open=keep_open)


def require_sources(found: Reading) -> Reading:
    """Return `found`. Raises `UsageError` when it has no source."""
    if not found.readers:
        raise UsageError(
            "found nothing to read: no engine, no repository, no image here",
            "name one with --source KIND:LOCATION, or try `treering demo`",
        )
    return found


def read_out(found: Reading, output: Output, *, keep_open: bool = False) -> tuple[Graph, Reading]:
    """Read every source to its end, showing progress on a terminal."""
    with _progress(found) as update:
        graph = read_all(found, update)
    report(found.status.values(), output)
    if not keep_open:
        found.close()
    return graph, found


def report(statuses: Iterable[SourceStatus], output: Output) -> None:
    """Say on stderr what could not be read, and what to do about it."""
    for status in statuses:
        if status.state is State.FAILED:
            hint = f" ({status.hint})" if status.hint else ""
            output.note(f"treering: {status.name}: {status.error}{hint}")
        elif status.error:
            output.note(f"treering: {status.name}: {status.error}")
        for note in status.notes:
            output.note(f"treering: {status.name}: {note}")
        for problem in status.problems[:_SHOWN]:
            output.note(f"treering: {status.name}: {problem.subject}: {problem.why}")
        if len(status.problems) > _SHOWN:
            rest = len(status.problems) - _SHOWN
            output.note(f"treering: {status.name}: {rest} more problems; --json lists them")


_SHOWN = 20


def exit_code(found: Reading) -> int:
    """Return 0 when every source was read, else 3."""
    whole = all(s.state is State.OK for s in found.status.values())
    return Exit.DONE if whole else Exit.SOURCE


class _Bars:
    """One line a source on stderr, gone when reading ends."""

    def __init__(self, found: Reading) -> None:
        from rich.console import Console  # noqa: PLC0415 -- only on a terminal
        from rich.progress import (  # noqa: PLC0415
            BarColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
        )

        self._found = found
        self.bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[detail]}", markup=False),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
            refresh_per_second=4,
        )
        self._tasks = {
            name: self.bars.add_task(name, total=None, detail="") for name in found.status
        }

    def update(self) -> None:
        """Show how far each source is."""
        for name, task in self._tasks.items():
            status = self._found.status[name]
            progress = status.progress
            self.bars.update(
                task,
                total=progress.total if progress else None,
                completed=progress.done if progress else 0,
                detail=f"{status.state} {status.nodes + status.edges} facts",
            )


@contextmanager
def _progress(found: Reading) -> Iterator[Callable[[], None]]:
    """Show progress while inside, on a terminal; yield what to call when something came."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda: None
        return
    shown = _Bars(found)
    with shown.bars:
        yield shown.update
