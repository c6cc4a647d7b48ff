"""Reading many sources at once, each on its own and each failing alone.

Owns the threads readers run in, their states, deadlines and cancellation, and the lookups that
follow from what was read. Threads are daemons: a source that hangs in a system call can be left
behind at any time. Facts arrive in batches in a queue; merging them is the caller's business,
so that one thread owns the graph.
"""

from __future__ import annotations

import gc
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from treering.core.errors import Cancelled, TreeringError
from treering.core.facts import Fact, NodeFact
from treering.core.graph import Graph, paused_collector
from treering.core.ids import NodeId
from treering.core.joins import derive, wanted
from treering.core.ports import (
    Capability,
    Clock,
    Finder,
    Problem,
    Progress,
    ReadContext,
    Reader,
    SystemClock,
    Watcher,
)
from treering.core.text import Safe, safe

BATCH = 1000
_FLUSH = 0.1
SILENCE = 30.0
"""Seconds a source may be silent before it is given up."""


_NOTHING = Safe("")


class State(StrEnum):
    """How far a source is; the last three are what the contract's ``sources[].state`` knows."""

    WAITING = "waiting"
    READING = "reading"
    OK = "ok"
    PARTIAL = "partial"
    FAILED = "failed"


DONE = frozenset({State.OK, State.PARTIAL, State.FAILED})


@dataclass(slots=True)
class SourceStatus:
    """What is known of one source's reading. Written by its thread, read by anyone."""

    name: Safe
    kind: str
    location: Safe
    state: State = State.WAITING
    error: Safe = _NOTHING
    hint: Safe = _NOTHING
    problems: list[Problem] = field(default_factory=list)
    notes: list[Safe] = field(default_factory=list)
    progress: Progress | None = None
    nodes: int = 0
    edges: int = 0
    seconds: float = 0.0
    known: set[NodeId] = field(default_factory=set)
    live: bool = False
    heard: float = 0.0

    @property
    def summary(self) -> Safe:
        """The error, or the first problem and how many more there are."""
        if self.error:
            return self.error
        if not self.problems:
            return Safe("")
        first = self.problems[0]
        more = f" (and {len(self.problems) - 1} more)" if len(self.problems) > 1 else ""
        return safe(f"{first.subject}: {first.why}{more}")


def _whole(status: SourceStatus) -> State:
    return State.PARTIAL if status.problems else State.OK


def _finds(reader: Reader) -> bool:
    return Capability.LOOK_UP in reader.capabilities


class Reading:
    """One reading of a set of sources.

    Call `start`, then `batches` until it ends, or `poll` from a loop of one's own.
    """

    def __init__(
        self,
        readers: Sequence[Reader],
        *,
        clock: Clock | None = None,
        silence: float = SILENCE,
        watch: bool = False,
    ) -> None:
        self.readers = tuple(readers)
        self.clock = clock or SystemClock()
        self.silence = silence
        self.watch = watch
        self.status = {
            r.name: SourceStatus(safe(r.name), r.kind, safe(r.location)) for r in self.readers
        }
        self._queue: queue.SimpleQueue[list[Fact]] = queue.SimpleQueue()
        self._cancelled = {r.name: threading.Event() for r in self.readers}
        self._asked: set[NodeId] = set()
        self._began: dict[Safe, float] = {}
        self._pending: dict[Safe, list[Fact]] = {r.name: [] for r in self.readers}
        self._replays = {r.name for r in self.readers if Capability.REPLAYS in r.capabilities}

    def start(self) -> None:
        """Start one thread a source."""
        for reader in self.readers:
            self._begin(reader)

    def _begin(self, reader: Reader) -> None:
        """Read one source in a thread of its own, whatever became of an earlier one."""
        status = self.status[reader.name]
        self._cancelled[reader.name].set()
        self._pending[reader.name] = []
        cancelled = self._cancelled[reader.name] = threading.Event()
        self._began[reader.name] = self.clock.now()
        status.state, status.heard = State.READING, self.clock.monotonic()
        threading.Thread(
            target=self._read,
            args=(reader, cancelled),
            name=f"read {reader.name}",
            daemon=True,
        ).start()

    def again(self) -> None:
        """Read every source again that is not being watched; call once all are done."""
        self._asked.clear()
        for reader in self.readers:
            status = self.status[reader.name]
            if status.state in DONE and not status.live:
                status.problems, status.notes, status.known = [], [], set()
                status.error, status.hint, status.nodes, status.edges = _NOTHING, _NOTHING, 0, 0
                self._begin(reader)

    def vanished(self, graph: Graph) -> list[Fact]:
        """Return facts that mark gone what a source read whole no longer found."""
        return [
            fact
            for name, began in self._began.items()
            if self.status[name].state is State.OK and not self.status[name].live
            if name not in self._replays
            for fact in graph.vanished(name, began)
        ]

    def _context(self, reader: Reader, cancelled: threading.Event) -> ReadContext:
        status = self.status[reader.name]

        def progressed(progress: Progress) -> None:
            status.progress, status.heard = progress, self.clock.monotonic()

        def alive() -> None:
            status.heard = self.clock.monotonic()

        return ReadContext(
            self.clock,
            cancelled.is_set,
            progressed,
            on_alive=alive,
            problems=status.problems,
            notes=status.notes,
        )

    def _read(self, reader: Reader, cancelled: threading.Event) -> None:
        status, began = self.status[reader.name], self.clock.monotonic()
        context = self._context(reader, cancelled)
        outcome: tuple[State, str, str] | None = None
        try:
            self._pump(reader, reader.read(context), cancelled)
        except Cancelled:
            outcome = State.FAILED, "cancelled", ""
        except TreeringError as error:
            outcome = State.FAILED, error.message, error.hint
        except Exception as error:  # noqa: BLE001 -- a reader's bug must not take the others down
            what = f"{type(error).__name__}: {error}"
            outcome = State.FAILED, what, "this is a bug in treering; report it"
        if self._cancelled[reader.name] is not cancelled:
            return  # This reading was given up, and another has begun.
        self._finish(status, began, *(outcome or (_whole(status), "", "")))
        if outcome is not None:
            return
        if self.watch and Capability.WATCH in reader.capabilities and isinstance(reader, Watcher):
            self._watch(reader, reader, context)

    def _watch(self, reader: Reader, watcher: Watcher, context: ReadContext) -> None:
        status = self.status[reader.name]
        status.live = True
        try:
            for fact in watcher.watch(context):
                self._queue.put([fact])
        except TreeringError as error:
            if not isinstance(error, Cancelled):
                status.state, status.error, status.hint = State.PARTIAL, error.message, error.hint
        except Exception as error:  # noqa: BLE001 -- as in _read
            status.state, status.error = State.PARTIAL, safe(f"{type(error).__name__}: {error}")
        finally:
            status.live = False

    def _pump(self, reader: Reader, facts: Iterable[Fact], cancelled: threading.Event) -> None:
        """Put facts on the queue in batches, at least ten times a second while they come."""
        monotonic, sent, name = self.clock.monotonic, self.clock.monotonic(), reader.name
        try:
            for fact in facts:
                pending = self._pending[name]
                pending.append(fact)
                if len(pending) >= BATCH or monotonic() - sent > _FLUSH:
                    if cancelled.is_set():
                        raise Cancelled("reading was cancelled")
                    self._flush(name)
                    sent = monotonic()
        finally:
            # What came before a failure counts too.
            if self._cancelled[name] is cancelled and not cancelled.is_set():
                self._flush(name)

    def _flush(self, name: Safe) -> None:
        """Send on what a source has yielded; also called for one that yields no more."""
        batch, self._pending[name] = self._pending[name], []
        status = self.status[name]
        nodes = [fact.id for fact in batch if isinstance(fact, NodeFact)]
        status.known.update(nodes)
        status.nodes = len(status.known)
        status.edges += len(batch) - len(nodes)
        status.heard = self.clock.monotonic()
        self._queue.put(batch)

    def _finish(
        self, status: SourceStatus, began: float, state: State, error: str = "", hint: str = ""
    ) -> None:
        if status.state in DONE:
            return
        status.seconds = self.clock.monotonic() - began
        status.error, status.hint = safe(error), safe(hint)
        status.state = state

    def poll(self, seconds: float = 0.0) -> list[Fact]:
        """Return the facts that have arrived, waiting up to `seconds` for the first."""
        facts: list[Fact] = []
        try:
            facts += self._queue.get(timeout=seconds) if seconds else self._queue.get_nowait()
            while len(facts) < BATCH * 40:
                facts += self._queue.get_nowait()
        except queue.Empty:
            pass
        self._give_up_silent()
        return facts

    def nudge(self) -> None:
        """Wake whoever waits in `poll`."""
        self._queue.put([])

    def _give_up_silent(self) -> None:
        now = self.clock.monotonic()
        for status in self.status.values():
            if status.state is State.READING and now - status.heard > self.silence:
                self._cancelled[status.name].set()
                self._flush(status.name)
                began = now - self.silence
                what = f"nothing came for {self.silence:g} s"
                self._finish(status, began, State.FAILED, what, "it may be blocked; --timeout")

    @property
    def finished(self) -> bool:
        """True once no source is reading any more."""
        return all(s.state in DONE for s in self.status.values())

    def batches(self) -> Iterator[list[Fact]]:
        """Yield facts until every source is done."""
        while not self.finished:
            facts = self.poll(0.05)
            if facts:
                yield facts
        while facts := self.poll():
            yield facts

    def look_up(self, graph: Graph) -> Iterator[Fact]:
        """Yield what sources know of things that others mention, each asked for once."""
        if not any(map(_finds, self.readers)):
            return
        asked = [node for node in wanted(graph) if node not in self._asked]
        if not asked:
            return
        self._asked.update(asked)
        for reader in self.readers:
            status = self.status[reader.name]
            usable = status.state in {State.OK, State.PARTIAL}
            if usable and _finds(reader) and isinstance(reader, Finder):
                try:
                    cancelled = self._cancelled[reader.name]
                    yield from reader.look_up(asked, self._context(reader, cancelled))
                except TreeringError as error:
                    status.state, status.error = State.PARTIAL, error.message
                except Exception as error:  # noqa: BLE001 -- as in _read
                    status.state, status.error = State.PARTIAL, safe(f"looking up: {error!r}")
                if status.problems and status.state is State.OK:
                    status.state = State.PARTIAL

    def cancel(self, name: Safe | None = None) -> None:
        """Stop one source, or all; does not wait."""
        for reader in self.readers:
            if name is None or reader.name == name:
                self._cancelled[reader.name].set()

    def close(self) -> None:
        """Stop everything and let go of connections, without waiting for sources that hang."""
        self.cancel()
        for reader in self.readers:
            threading.Thread(target=reader.close, daemon=True).start()


def read_all(reading: Reading, on_batch: Callable[[], None] = lambda: None) -> Graph:
    """Read every source to its end and return the joined graph; call `on_batch` on the way."""
    graph = Graph()
    reading.start()
    with paused_collector():
        for facts in reading.batches():
            graph.merge(facts)
            on_batch()
        graph.merge(list(reading.look_up(graph)))
        derive(graph)
        # A whole graph stays; the collector need not walk it again for every small thing.
        gc.freeze()
    return graph
