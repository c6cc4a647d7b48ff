"""Ports: what the domain asks of the world, as Protocols.

Owns the shape of readers, mutators and the context a read runs in. Adapters implement these;
front ends and the domain see nothing else of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Flag, auto
from pathlib import Path
from typing import Protocol, runtime_checkable

from treering.core.errors import Cancelled
from treering.core.facts import Fact
from treering.core.ids import Digest, NodeId
from treering.core.text import Safe, safe
from treering.core.trees import Entry


class Capability(Flag):
    """What a reader can do beyond `read`."""

    NONE = 0
    WATCH = auto()
    """It has an event stream; `Watcher.watch` yields facts as things change."""
    LOOK_UP = auto()
    """It can be asked for single things others mention; `Finder.look_up` yields their facts."""
    TREES = auto()
    """It can open the files and documents of a node (`Opener`)."""
    REPLAYS = auto()
    """Its facts were seen at another time, and by other sources."""
    VERIFIES = auto()
    """It recomputes digests and reports what does not match."""


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> float:
        """Return seconds since the epoch."""

    def monotonic(self) -> float:
        """Return seconds that never go back."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        """Return seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return time.monotonic()


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing a source could not read: the file or object, and why."""

    subject: Safe
    why: Safe


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a read has come; `total` is None while unknown."""

    done: int
    total: int | None
    what: Safe


@dataclass(slots=True)
class ReadContext:
    """What a running read may use: the clock, cancellation, progress and the problem list.

    A reader calls `check` between objects, `problem` for anything it has to leave out, and goes
    on with the rest.
    """

    clock: Clock = field(default_factory=SystemClock)
    cancelled: Callable[[], bool] = lambda: False
    on_progress: Callable[[Progress], None] = lambda _progress: None
    on_alive: Callable[[], None] = lambda: None
    problems: list[Problem] = field(default_factory=list)
    max_problems: int = 1000
    notes: list[Safe] = field(default_factory=list)

    def check(self) -> None:
        """Say that the read is alive. Raises `Cancelled` once it is no longer wanted."""
        self.on_alive()
        if self.cancelled():
            raise Cancelled("reading was cancelled")

    def progress(self, done: int, total: int | None, what: str) -> None:
        """Report how far the read has come."""
        self.on_progress(Progress(done, total, safe(what, 200)))

    def note(self, text: str) -> None:
        """Record what a reader of the result should know, and is no failure."""
        if len(self.notes) < self.max_problems:
            self.notes.append(safe(text, 500))

    def problem(self, subject: str, why: str) -> None:
        """Record something that could not be read; the source becomes partial."""
        if len(self.problems) < self.max_problems:
            self.problems.append(Problem(safe(subject, 500), safe(why, 1000)))
        elif len(self.problems) == self.max_problems:
            self.problems.append(Problem(safe("more"), safe("further problems are not listed")))


@runtime_checkable
class Reader(Protocol):
    """Reads one source. Construction is cheap and touches nothing; `read` does the work."""

    kind: str
    name: Safe
    location: Safe
    capabilities: Capability

    def read(self, context: ReadContext) -> Iterator[Fact]:
        """Yield everything the source knows, once.

        Raises a `SourceError` when the source as a whole cannot be read; single objects go to
        `context.problem`. Reading again asks only for what may have changed.
        """

    def close(self) -> None:
        """Let go of connections and files. May be called from another thread, more than once."""


@runtime_checkable
class Watcher(Protocol):
    """A reader with an event stream (`Capability.WATCH`)."""

    def watch(self, context: ReadContext) -> Iterator[Fact]:
        """Yield facts as the source reports changes, until cancelled or closed."""


@runtime_checkable
class Finder(Protocol):
    """A reader that can be asked for single things (`Capability.LOOK_UP`)."""

    def look_up(self, wanted: Sequence[NodeId], context: ReadContext) -> Iterator[Fact]:
        """Yield facts about those of `wanted` that this source knows; skip the others."""


class Mutator(Protocol):
    """Executes one step of a plan. Lives apart from readers; absent in audit mode."""

    kind: str

    def execute(self, step: Mapping[str, object], context: ReadContext) -> Mapping[str, object]:
        """Execute `step` once and return what was observed. Never retries."""


class Shell(Protocol):
    """The gate through which processes start."""

    def run(
        self, argv: Sequence[str], *, stdin: bytes = b"", seconds: float, limit: int
    ) -> tuple[int, bytes, bytes]:
        """Run `argv` without a shell; return exit code, stdout and stderr, each capped."""


class Http(Protocol):
    """The gate through which HTTP requests leave."""

    def get(self, path: str, *, seconds: float, limit: int) -> tuple[int, bytes]:
        """Return status and body of a GET, the body capped at `limit` bytes."""


class Journal(Protocol):
    """The audit log a change is written to before it happens."""

    def append(self, record: Mapping[str, object]) -> str:
        """Append `record` durably and return its hash."""


class Tree(Protocol):
    """The files of a version. Safe to use from one thread at a time.

    Reading a path may read the system; every method may raise a `SourceError`.
    """

    def entry(self, path: bytes) -> Entry:
        """Return what stands at `path`. Raises `KeyError`."""

    def children(self, path: bytes) -> Sequence[Entry]:
        """Return what stands directly in a directory, in byte order. Raises `KeyError`."""

    def entries(self) -> Iterator[Entry]:
        """Yield every entry, a directory before what stands in it, siblings in byte order."""

    def subtree(self, path: bytes) -> Digest | None:
        """Return a digest that two equal subtrees share, where the system has one."""

    def read(self, path: bytes, limit: int) -> bytes:
        """Return at most `limit` bytes from the beginning of a file. Raises `KeyError`."""

    def close(self) -> None:
        """Let go of files and connections. May be called more than once."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document of a node as its system stores it: what it is called, its type, its bytes."""

    name: Safe
    media_type: Safe
    data: bytes


@runtime_checkable
class Opener(Protocol):
    """A reader that opens the files and documents of single nodes (`Capability.TREES`).

    It may be asked from any thread, before, during or after a `read`.
    """

    def open_tree(self, node: NodeId, context: ReadContext) -> Tree:
        """Open the files of an image (flattened), a layer, a commit or a container.

        Raises `NotRecognised` for a node this source cannot open, and other `SourceError`.
        """

    def documents(self, node: NodeId, context: ReadContext) -> Sequence[Document]:
        """Return the documents behind a node, the most telling first; empty when it has none.

        Raises `SourceError`.
        """


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """A source as configured or discovered: what kind, where, and what it is called."""

    kind: str
    location: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One row of ``doctor``: what was looked at, whether it is fine, and the detail."""

    name: Safe
    ok: bool | None
    detail: Safe


@dataclass(frozen=True, slots=True)
class Adapter:
    """How one kind of source is opened, found and examined. Holding it imports nothing.

    `open` makes a reader from a spec; `recognise` tells whether a path is such a source;
    `discover` finds sources without configuration, from the environment given;
    `doctor` examines the libraries and tools the adapter needs.
    """

    kind: str
    summary: str
    open: Callable[[SourceSpec, bool], Reader]
    recognise: Callable[[Path], bool] = lambda _path: False
    discover: Callable[[Mapping[str, str]], Sequence[SourceSpec]] = lambda _environ: ()
    doctor: Callable[[], Sequence[Check]] = tuple
