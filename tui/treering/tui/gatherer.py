"""The thread that owns the graph while the screen is open.

Owns merging, joining and every question the screen asks of the graph, so that no key ever waits
for a source. It publishes immutable values; the screen draws from those. An answer carries the
number of the question, so that late ones can be dropped.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from treering.core.graph import Graph, paused_collector
from treering.core.joins import derive
from treering.core.names import Names
from treering.core.reading import Reading
from treering.core.text import Safe, safe
from treering.present.places import Item, Place, places
from treering.tui.sharing import shared

_PAUSE = 0.1
_IDLE = 5.0
_PUBLISH = 0.25
_SHARE = 5


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What there is at one moment. `finished` once every source was read and joined."""

    places: Mapping[Place, Sequence[Item]]
    nodes: int
    finished: bool
    at: float


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question; `value` is None when what it asked about is not there."""

    slot: str
    request: int
    value: Any


@dataclass(frozen=True, slots=True)
class Trouble:
    """A bug: a question could not be answered, or gathering ended."""

    what: Safe


Published = Snapshot | Answer | Trouble | None
"""What the gatherer publishes; None when only the states of sources changed."""


class World:
    """What a question may look at: the graph, and its names, indexed when first asked for.

    `turn` is held while the graph changes; `lent` is the graph as other threads may ask it.
    """

    def __init__(self) -> None:
        self.graph = Graph()
        self.turn = threading.RLock()
        self._names: tuple[int, Names] | None = None

    @property
    def lent(self) -> Graph:
        """The graph as other threads may ask it, one question at a time."""
        return shared(self.graph, self.turn)

    @property
    def names(self) -> Names:
        """The names of the graph as it is now."""
        if self._names is None or self._names[0] != self.graph.version:
            self._names = (self.graph.version, Names(self.graph))
        return self._names[1]


Question = Callable[[World], Any]
"""Runs in the gatherer's thread. A `KeyError` means that what it asks about is not there."""


class Gatherer:
    """Reads, merges and answers in a daemon thread of its own.

    `publish` is called from that thread, for snapshots no more often than once in `every` seconds.
    """

    def __init__(
        self,
        reading: Reading,
        publish: Callable[[Published], None],
        *,
        stages: Sequence[Mapping[str, Any]] = (),
        every: float = _PUBLISH,
    ) -> None:
        self.reading = reading
        self._publish = publish
        self._stages = stages
        self.every = every
        self._world = World()
        self._asked: dict[str, tuple[int, Question]] = {}
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._refresh = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gatherer", daemon=True)

    def start(self) -> None:
        """Start reading."""
        self._thread.start()

    def ask(self, slot: str, question: Question) -> int:
        """Ask a question; an older one of the same slot not yet answered is dropped.

        Returns the number its `Answer` will carry.
        """
        request = next(self._numbers)
        with self._lock:
            self._asked[slot] = (request, question)
        self.reading.nudge()
        return request

    def refresh(self) -> None:
        """Read the sources again; each asks only for what may have changed."""
        self._refresh.set()
        self.reading.nudge()

    def close(self) -> None:
        """Stop, without waiting for sources that hang."""
        self._closing.set()
        self.reading.close()

    def _run(self) -> None:
        try:
            self._gather()
        except Exception as error:  # noqa: BLE001 -- a frozen screen must say why
            what = f"nothing more will come: {type(error).__name__}: {error}"
            self._publish(Trouble(safe(what)))

    def _gather(self) -> None:
        self.reading.start()
        graph = self._world.graph
        dirty, joined, states = True, False, ""
        published, cost = -1.0, 0.0
        ended, joining = -1.0, 0.0
        clock = self.reading.clock
        while not self._closing.is_set():
            facts = self.reading.poll(_IDLE if joined and not dirty else _PAUSE)
            if facts:
                with self._world.turn:
                    dirty, joined = graph.merge(facts) > 0 or dirty, False
            if self._refresh.is_set():
                self._refresh.clear()
                self.reading.again()
            states = self._say_states(states)
            self._answer()
            now = clock.monotonic()
            affordable = now - ended >= _SHARE * joining
            finished = self.reading.finished
            done = finished and not joined and not facts and affordable
            if done or (dirty and not joined and affordable and now - published >= self.every):
                # Joins are shown while sources still read, as long as they cost little.
                self._join(done=done)
                joined, dirty = done, True
                ended = clock.monotonic()
                joining = ended - now
            if done or (dirty and now - published >= max(self.every, 4 * cost)):
                began = clock.monotonic()
                self._publish(self._snapshot(finished=finished and joined))
                published = clock.monotonic()
                cost, dirty = published - began, False

    def _join(self, *, done: bool) -> None:
        """Join what is there; once every source was read, look up and mark what vanished too."""
        graph = self._world.graph
        with self._world.turn, paused_collector():
            if done:
                graph.merge(self.reading.vanished(graph))
                graph.merge(list(self.reading.look_up(graph)))
            derive(graph)

    def _say_states(self, before: str) -> str:
        """Tell the screen when the state or count of a source changed."""
        states = repr([(s.state, s.live, s.error, s.nodes) for s in self.reading.status.values()])
        if states != before:
            self._publish(None)
        return states

    def _answer(self) -> None:
        with self._lock:
            asked, self._asked = self._asked, {}
        for slot, (request, question) in asked.items():
            value = None
            try:
                value = question(self._world)
            except KeyError:
                pass
            except Exception as error:  # noqa: BLE001 -- one bad question must not end reading
                self._publish(Trouble(safe(f"{slot}: {type(error).__name__}: {error}")))
            self._publish(Answer(slot, request, value))

    def _snapshot(self, *, finished: bool) -> Snapshot:
        reading = self.reading
        with paused_collector():
            found = places(self._world.graph, list(reading.status.values()), self._stages)
        return Snapshot(found, len(self._world.graph), finished, reading.clock.now())
