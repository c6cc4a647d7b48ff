"""Requests made in threads, for someone who must stay able to stop waiting.

Owns the waiting: it ends by an answer, by the caller's cancellation or by its patience. Knows
nothing of what is asked.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Self, TypeVar

from treering.adapters.engines.trouble import NoAnswer
from treering.core.errors import SourceError
from treering.core.ports import ReadContext

T = TypeVar("T")
K = TypeVar("K")

_SLICE = 0.1
_AHEAD = 4


class Desk:
    """Asks with `workers` threads; `cut` ends whatever they wait for.

    `check` raises when waiting has no point any more; `patience` is the longest wait for one
    answer in seconds.
    """

    def __init__(
        self,
        context: ReadContext,
        check: Callable[[], None],
        cut: Callable[[], None],
        *,
        workers: int,
        patience: float,
    ) -> None:
        self._context, self._check, self._cut = context, check, cut
        self._patience, self._workers = patience, workers
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="engine")

    def __enter__(self) -> Self:
        """Return the desk."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop asking; after an error end what is under way, without waiting for it."""
        if kind is not None:
            self._cut()
        self._pool.shutdown(wait=kind is None, cancel_futures=True)

    def ask(self, call: Callable[[], T]) -> T:
        """Return the answer of one call, or raise what it raised."""
        return self._answer(self._pool.submit(call))

    def ask_all(
        self, keys: Iterable[K], call: Callable[[K], T]
    ) -> Iterator[tuple[K, T | SourceError]]:
        """Yield the answer for each key, in order, asking a few ahead.

        A `SourceError` of one key is its answer; any other error ends it all.
        """
        waiting: deque[tuple[K, Future[T]]] = deque()
        for key in keys:
            waiting.append((key, self._pool.submit(call, key)))
            if len(waiting) >= self._workers * _AHEAD:
                first, future = waiting.popleft()
                answer = self._answer_or_error(future)
                yield first, answer
        while waiting:
            first, future = waiting.popleft()
            answer = self._answer_or_error(future)
            yield first, answer

    def _answer_or_error(self, future: Future[T]) -> T | SourceError:
        try:
            return self._answer(future)
        except SourceError as error:
            return error

    def _result(self, future: Future[T]) -> T:
        try:
            return future.result()
        except SourceError:
            # A connection cut by closing or cancelling fails like one the engine cut.
            self._check()
            raise

    def _answer(self, future: Future[T]) -> T:
        clock = self._context.clock
        until = clock.monotonic() + self._patience
        while True:
            self._check()
            if wait([future], _SLICE).done:
                return self._result(future)
            if clock.monotonic() > until:
                self._cut()
                raise NoAnswer(
                    f"the engine did not finish an answer within {self._patience:g} s",
                    "it may be overloaded; look at its own log",
                )
