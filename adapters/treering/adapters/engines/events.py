"""The event stream of an engine.

Owns reading the stream in a thread, with limits, and what an event is about. Asks nothing.

Source: Docker Engine API, GET /events (EventMessage): one JSON object a line.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from treering.core.documents import parse_json
from treering.core.errors import LimitExceeded, SourceError, Unreachable

MAX_EVENT = 1024 * 1024
"""Longest event in bytes."""

_SLICE = 0.25
_AHEAD = 64
_JOIN = 2.0
_QUIET_CONTAINER = (
    "attach",
    "archive-path",
    "copy",
    "detach",
    "exec",
    "export",
    "extract-to-dir",
    "health_status",
    "mount",
    "prune",
    "resize",
    "top",
    "unmount",
)
_QUIET_IMAGE = ("mount", "prune", "push", "save", "unmount")


@dataclass(frozen=True, slots=True)
class Event:
    """One event: ``image`` or ``container``, what happened, and the id it happened to."""

    kind: str
    action: str
    actor: str

    @property
    def matters(self) -> bool:
        """Whether what the reader says may have changed."""
        quiet = {"image": _QUIET_IMAGE, "container": _QUIET_CONTAINER}.get(self.kind)
        return quiet is not None and not self.action.startswith(quiet)


def event_of(line: bytes) -> Event | None:
    """Return the event in a line of the stream; None for a line that is none."""
    try:
        value = parse_json(line, "an event", MAX_EVENT)
    except SourceError:
        return None
    if not isinstance(value, dict):
        return None
    actor: Any = value.get("Actor")
    found = actor.get("ID") if isinstance(actor, dict) else value.get("id")
    parts = (value.get("Type"), value.get("Action") or value.get("status"), found)
    return Event(*(part if isinstance(part, str) else "" for part in parts))


class EventStream:
    """Reads `body` in a thread and hands out its events; made once and used once."""

    def __init__(
        self, body: Iterator[bytes], where: str, failures: tuple[type[Exception], ...]
    ) -> None:
        self._body, self._where, self._failures = body, where, failures
        self._lines: queue.Queue[bytes | None] = queue.Queue(_AHEAD)
        self._stopped = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._pump, name="engine events", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let the thread end once its read does."""
        self._stopped.set()

    def join(self) -> None:
        """Wait a moment for the thread, after its read was cut."""
        self._thread.join(_JOIN)

    def events(self, check: Callable[[], None]) -> Iterator[Event | None]:
        """Yield events as they come, and None for each quarter of a second without one.

        Calls `check` at least four times a second.
        Raises `Unreachable` when the stream ends and `LimitExceeded` for an endless line.
        """
        while True:
            check()
            try:
                line = self._lines.get(timeout=_SLICE)
            except queue.Empty:
                yield None
                continue
            if line is None:
                check()
                raise self._ending()
            event = event_of(line)
            if event is not None and event.matters:
                yield event

    def _ending(self) -> SourceError:
        if isinstance(self._error, SourceError):
            return self._error
        return Unreachable(f"{self._where}: the event stream ended", "did the engine stop?")

    def _pump(self) -> None:
        """Move lines from the stream to the queue until either ends."""
        try:
            for line in self._split():
                self._put(line)
                if self._stopped.is_set():
                    return
        except SourceError as error:
            self._error = error
        except self._failures as error:
            self._error = error
        self._put(None)

    def _split(self) -> Iterator[bytes]:
        """Yield the lines of the stream."""
        rest = bytearray()
        for part in self._body:
            rest += part
            if b"\n" in part:
                *lines, left = bytes(rest).split(b"\n")
                rest = bytearray(left)
                yield from (line for line in lines if line.strip())
            if len(rest) > MAX_EVENT:
                raise LimitExceeded(f"{self._where}: an event is longer than {MAX_EVENT} bytes")

    def _put(self, line: bytes | None) -> None:
        while not self._stopped.is_set():
            try:
                self._lines.put(line, timeout=_SLICE)
            except queue.Full:
                continue
            return
