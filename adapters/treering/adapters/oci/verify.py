"""Hashing what a source stores, within a budget and on two threads.

Owns which files are hashed (in the order given, until the budget of stored bytes is spent),
and the verdict on each: the digest of the stored bytes and, for layers, the diff id. The result
depends on the files alone, never on which thread was faster.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from treering.adapters.oci.blobs import VERIFY_BUDGET, Blobs, algorithm_of
from treering.core.errors import Cancelled, SourceError
from treering.core.files import from_os_error
from treering.core.ids import Digest
from treering.core.layers import Hashed, cap_for, hash_layer

_THREADS = 2
_LEAST = 64 * 1024
"""What a small file counts for: it may still unpack to some megabytes."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A file that holds a layer or another blob.

    `digest` is that of the stored bytes, None where the source does not say. `absent` is true
    for a blob that is not here, on purpose or not. `fault` is what is already known to be wrong.
    """

    name: str
    size: int
    digest: Digest | None = None
    media_type: str = ""
    absent: bool = False
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What hashing one file gave: right, wrong (`fault`), or neither.

    `doubt` says why a file that was read could not be verified; without it the budget was spent.
    """

    hashed: Hashed | None
    fault: str = ""
    doubt: str = ""
    verified: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """A file to hash, and the diff id its content must have, None when it is no layer."""

    stored: Stored
    diff_id: Digest | None = None


class Verifier:
    """Hashes files of one source. Keeps what it found while the files do not change."""

    def __init__(self, budget: int = VERIFY_BUDGET) -> None:
        self._budget = budget
        self._known: dict[tuple[object, ...], Hashed] = {}

    def run(
        self,
        blobs: Blobs,
        jobs: Iterable[Job],
        check: Callable[[], None],
        done: Callable[[int], None],
    ) -> Iterator[tuple[Job, Outcome]]:
        """Yield every job with its outcome, in order.

        `check` may raise `Cancelled`, from either thread; `done` is told how many files are
        through. A file that cannot be read is an outcome with a fault.
        """
        with self._hasher(blobs, check) as start:
            waiting = [(job, start(job.stored)) for job in jobs]
            for count, (job, future) in enumerate(waiting):
                check()
                done(count)
                yield job, _verdict(job, future)

    @contextmanager
    def _hasher(
        self, blobs: Blobs, check: Callable[[], None]
    ) -> Iterator[Callable[[Stored], Future[Hashed] | None]]:
        """Give a function that begins to hash a file, or returns None when it must not."""
        stop = threading.Event()

        def go_on() -> None:
            if stop.is_set():
                raise Cancelled("reading was given up")
            check()

        left = self._budget
        begun: dict[str, Future[Hashed]] = {}
        pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="hash")

        def begin(stored: Stored) -> Future[Hashed] | None:
            nonlocal left
            if stored.fault or stored.absent or stored.name in begun:
                return begun.get(stored.name)
            cost = max(stored.size, _LEAST)  # counted for remembered files too: the same each time
            found = blobs.hashed(stored.name)
            if found is None and cost <= left and blobs.readable(stored.name):
                left -= cost
                found = self._known.get((stored.name, *blobs.stamp(stored.name)))
                if found is None:
                    begun[stored.name] = pool.submit(self._hash, blobs, stored.name, go_on)
            if found is not None:
                begun[stored.name] = Future()
                begun[stored.name].set_result(found)
            return begun.get(stored.name)

        try:
            yield begin
        finally:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)

    def _hash(self, blobs: Blobs, name: str, check: Callable[[], None]) -> Hashed:
        stamp = (name, *blobs.stamp(name))
        try:
            with blobs.open(name) as file:
                found = hash_layer(
                    file,
                    cap=cap_for(blobs.size(name) or 0),
                    check=check,
                    algorithm=algorithm_of(name),
                )
        except OSError as error:
            raise from_os_error(error, name) from error
        if (name, *blobs.stamp(name)) == stamp:
            self._known[stamp] = found
        return found


def _verdict(job: Job, future: Future[Hashed] | None) -> Outcome:
    stored = job.stored
    if future is None:
        return Outcome(None, stored.fault)
    try:
        found = future.result()
    except SourceError as error:
        return Outcome(None, str(error.message))
    return judge(job, found)


def judge(job: Job, found: Hashed) -> Outcome:
    """Return the verdict on a file that was hashed whole."""
    stored = job.stored
    if stored.digest and found.digest != stored.digest:
        return Outcome(found, f"digest mismatch, is {found.digest}")
    if job.diff_id is None or "+encrypted" in stored.media_type:
        return Outcome(found, verified=True)
    return _unpacked(found, job.diff_id)


def _unpacked(found: Hashed, diff_id: Digest) -> Outcome:
    """Return the verdict on a layer whose stored bytes are right."""
    if found.capped:
        return Outcome(found, doubt=f"{found.fault}, and was not verified")
    if found.fault:
        return Outcome(found, found.fault)
    if not diff_id.startswith("sha256:"):
        return Outcome(found, doubt="its diff id is not a sha256 digest, and was not verified")
    if found.diff_id != diff_id:
        return Outcome(found, f"diff id mismatch, unpacks to {found.diff_id}, not {diff_id}")
    return Outcome(found, verified=True)
