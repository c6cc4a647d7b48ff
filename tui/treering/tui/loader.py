"""Work that reads systems on behalf of the screen: files, documents, packages.

Owns the threads it runs in. Each job has a slot; a newer job of a slot cancels the one before,
whose result is dropped. A job that waits for a silent system is left behind, never waited for.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from treering.core.errors import Cancelled, TreeringError
from treering.core.ports import Clock, Progress, ReadContext
from treering.core.text import Safe, safe

Job = Callable[[ReadContext], Any]


@dataclass(frozen=True, slots=True)
class Loaded:
    """The result of a job. `error` and `hint` say what went wrong, if anything did."""

    slot: str
    request: int
    value: Any
    error: Safe
    hint: Safe
    notes: tuple[Safe, ...] = ()


@dataclass(frozen=True, slots=True)
class Loading:
    """How far a job has come."""

    slot: str
    request: int
    progress: Progress


class Loader:
    """Runs jobs in daemon threads. `publish` is called from those threads."""

    def __init__(self, clock: Clock, publish: Callable[[Loaded | Loading], None]) -> None:
        self._clock = clock
        self._publish = publish
        self._numbers = itertools.count(1)
        self._cancels: dict[str, threading.Event] = {}

    def load(self, slot: str, job: Job) -> int:
        """Start a job, cancelling the one before in its slot; return its number."""
        self.cancel(slot)
        cancel = self._cancels[slot] = threading.Event()
        request = next(self._numbers)
        threading.Thread(
            target=self._run, args=(slot, request, job, cancel), name=f"load {slot}", daemon=True
        ).start()
        return request

    def cancel(self, slot: str) -> None:
        """Stop the job of a slot at its next check."""
        cancel = self._cancels.pop(slot, None)
        if cancel is not None:
            cancel.set()

    def close(self) -> None:
        """Stop every job, without waiting."""
        for slot in list(self._cancels):
            self.cancel(slot)

    def _run(self, slot: str, request: int, job: Job, cancel: threading.Event) -> None:
        def progressed(progress: Progress) -> None:
            if not cancel.is_set():
                self._publish(Loading(slot, request, progress))

        context = ReadContext(self._clock, cancel.is_set, progressed)
        value, error, hint = None, "", ""
        try:
            value = job(context)
        except Cancelled:
            error = "cancelled"
        except KeyError:
            error = "it is no longer there"
        except TreeringError as wrong:
            error, hint = wrong.message, wrong.hint
        except Exception as wrong:  # noqa: BLE001 -- a reader's bug must not take the screen down
            error = f"{type(wrong).__name__}: {wrong}"
            hint = "this is a bug in treering; report it"
        notes = (*(safe(f"{p.subject}: {p.why}") for p in context.problems), *context.notes)
        if not cancel.is_set() or error == "cancelled":
            self._publish(Loaded(slot, request, value, safe(error), safe(hint), notes))
