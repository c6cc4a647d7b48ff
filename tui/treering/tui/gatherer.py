"""The thread that owns the graph while the screen is open.

Owns merging, joining and every query the screen makes, so that no key ever waits for a source.
It publishes immutable snapshots; the screen draws from those. Results carry the request they
answer, so that late ones can be dropped.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from treering.core.graph import Graph, paused_collector
from treering.core.ids import NodeId
from treering.core.joins import derive
from treering.core.lineage import Direction, tree
from treering.core.reading import Reading
from treering.core.text import Safe, safe
from treering.present import nodes as present
from treering.present.nodes import LineageRow, NodeRow

MAX_ROWS = 2000
"""Longest lineage drawn in the pane, for each direction."""
_PAUSE = 0.1
_IDLE = 1.0
_PUBLISH = 0.25
_SHARE = 5


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The node list at one moment."""

    rows: tuple[NodeRow, ...]
    finished: bool


@dataclass(frozen=True, slots=True)
class Lineage:
    """The answer to one request for a lineage."""

    request: int
    node: NodeId
    rows: tuple[LineageRow, ...]


@dataclass(frozen=True, slots=True)
class Trouble:
    """Gathering ended by a bug; nothing more will come."""

    what: Safe


Published = Snapshot | Lineage | Trouble | None
"""What the gatherer publishes; None when only the states of sources changed."""


class Gatherer:
    """Reads, merges and answers in a daemon thread of its own.

    `publish` is called from that thread.
    """

    def __init__(self, reading: Reading, publish: Callable[[Published], None]) -> None:
        self.reading = reading
        self._publish = publish
        self._graph = Graph()
        self._wanted: tuple[int, NodeId] | None = None
        self._refresh = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gatherer", daemon=True)

    def start(self) -> None:
        """Start reading."""
        self._thread.start()

    def ask(self, request: int, node: NodeId) -> None:
        """Ask for the lineage of a node; an older request not yet answered is dropped."""
        self._wanted = (request, node)
        self.reading.nudge()

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
            self._publish(Trouble(safe(f"{type(error).__name__}: {error}")))

    def _gather(self) -> None:
        self.reading.start()
        dirty, joined, states = True, False, ""
        published, cost = -1.0, 0.0
        ended, joining = -1.0, 0.0
        clock = self.reading.clock
        while not self._closing.is_set():
            facts = self.reading.poll(_IDLE if joined and not dirty else _PAUSE)
            if facts:
                dirty, joined = self._graph.merge(facts) > 0 or dirty, False
            if self._refresh.is_set():
                self._refresh.clear()
                self.reading.again()
            states = self._say_states(states)
            self._answer()
            now = clock.monotonic()
            affordable = now - ended >= _SHARE * joining
            finished = self.reading.finished
            done = finished and not joined and not facts and affordable
            if done or (dirty and not joined and affordable and now - published >= _PUBLISH):
                # Joins are shown while sources still read, as long as they cost little.
                self._join(done=done)
                joined, dirty = done, True
                ended = clock.monotonic()
                joining = ended - now
            if done or (dirty and now - published >= max(_PUBLISH, 4 * cost)):
                began = clock.monotonic()
                self._publish(self._snapshot(finished=finished and joined))
                published = clock.monotonic()
                cost, dirty = published - began, False

    def _join(self, *, done: bool) -> None:
        """Join what is there; once every source was read, look up and mark what vanished too."""
        with paused_collector():
            if done:
                self._graph.merge(self.reading.vanished(self._graph))
                self._graph.merge(list(self.reading.look_up(self._graph)))
            derive(self._graph)

    def _say_states(self, before: str) -> str:
        """Tell the screen when the state or count of a source changed."""
        states = repr([(s.state, s.live, s.error, s.nodes) for s in self.reading.status.values()])
        if states != before:
            self._publish(None)
        return states

    def _answer(self) -> None:
        wanted, self._wanted = self._wanted, None
        if wanted is None:
            return
        request, node = wanted
        if node not in self._graph:
            return
        rows: list[LineageRow] = []
        for way, words in ((Direction.UP, "came from"), (Direction.DOWN, "what came of it")):
            found = tree(self._graph, node, way, limit=MAX_ROWS)
            nodes = {row.node: self._graph.node(row.node) for row in found}
            rows.append(present.heading(words))
            rows += present.lineage_rows(found, nodes)
            if len(found) == MAX_ROWS:
                rows.append(present.heading(f"only {MAX_ROWS} rows are shown"))
        self._publish(Lineage(request, node, tuple(rows)))

    def _snapshot(self, *, finished: bool) -> Snapshot:
        rows = [present.node_row(node) for node in self._graph.nodes()]
        rows.sort(key=present.order)
        return Snapshot(tuple(rows), finished)
