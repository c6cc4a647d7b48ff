"""The reader of container engines.

Owns the connections of one source: how they are made, through which gate, and that closing the
reader ends whatever waits on them. What is asked over them is in `visit`.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from treering.adapters.engines.browsing import Browser
from treering.adapters.engines.contexts import resolve
from treering.adapters.engines.desk import Desk
from treering.adapters.engines.endpoints import Endpoint, SshEndpoint, TcpEndpoint
from treering.adapters.engines.events import EventStream
from treering.adapters.engines.lines import Dial, Lines, TcpDial, UnixDial
from treering.adapters.engines.memory import Memory
from treering.adapters.engines.ssh import SshDial, rules
from treering.adapters.engines.visit import Visit
from treering.core.errors import Cancelled
from treering.core.facts import Fact
from treering.core.gates import LEDGER, ArgvRule, Gate, HttpRule, Ledger
from treering.core.ids import NodeId
from treering.core.ports import Capability, Document, ReadContext
from treering.core.text import safe
from treering.core.trees import MemoryTree

if TYPE_CHECKING:
    from treering.adapters.engines.client import EngineClient

_WORKERS, _SSH_WORKERS = 8, 4
_PATIENCE = 6
"""How many times the silence allowed one whole answer may take."""

_STREAM_PATIENCE = 3600.0
"""How many seconds one image or container may take to be read as a stream."""

T = TypeVar("T")


class EngineReader:
    """Reads one Docker Engine or Podman: images, tags, containers, and their changes.

    `location` is empty for the default of `kind`, a socket path, ``unix://``, ``tcp://``,
    ``ssh://[user@]host[:port][/path]`` or ``context:NAME``. `seconds` is how long the engine may
    stay silent; `ssh_config` is an ssh_config file to use instead of the user's own.
    """

    capabilities = Capability.WATCH | Capability.TREES

    def __init__(  # noqa: PLR0913 -- what tests set is keyword-only
        self,
        kind: str,
        location: str,
        name: str,
        audit: bool = False,  # noqa: FBT001, FBT002 -- the shape the adapter table fixes
        *,
        environ: Mapping[str, str] | None = None,
        seconds: float = 10.0,
        ssh_config: str = "",
        ledger: Ledger = LEDGER,
    ) -> None:
        self.kind, self.name, self.location = kind, safe(name), safe(location)
        self.audit = audit
        self._place, self._environ, self._seconds = location, environ, seconds
        self._ssh_config, self._ledger = ssh_config, ledger
        self._memory = Memory(self.name)
        self._version: tuple[int, int] | None = None
        self._lines: set[Lines] = set()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._browser = Browser(self.name, self._browse)

    def read(self, context: ReadContext) -> Iterator[Fact]:
        """Yield all images, tags and containers of the engine, and what is gone since last time.

        Asks for the details of images not seen before only. Raises `Unreachable`, `NotPermitted`
        or `NotRecognised` when the engine as a whole cannot be read; images and containers that
        cannot be read go to `context.problem`.
        """
        with self._visit(context) as visit:
            yield from visit.read()

    def watch(self, context: ReadContext) -> Iterator[Fact]:
        """Yield what changes, as the engine's event stream tells it; never polls.

        Begins with what changed since the last read. Ends quietly after `close`. Raises
        `Cancelled`, and `Unreachable` when the stream ends.
        """
        try:
            with self._visit(context) as visit:
                yield from self._watched(visit)
        except Cancelled:
            context.check()
            if not self._closed.is_set():
                raise

    def open_tree(self, node: NodeId, context: ReadContext) -> MemoryTree:
        """Open the files of an image or a container; errors as `core.ports.Opener` says."""
        return self._browser.open_tree(node, context)

    def documents(self, node: NodeId, context: ReadContext) -> Sequence[Document]:
        """Return the inspection of an image or a container; errors likewise."""
        return self._browser.documents(node, context)

    def _browse(
        self, context: ReadContext, call: Callable[[EngineClient, Callable[[], None]], T]
    ) -> T:
        """Return what `call` makes of a connected client; it runs in a thread of its own."""
        with self._visit(context, _STREAM_PATIENCE) as visit:
            return visit.desk.ask(lambda: call(visit.client, lambda: self._check(context)))

    def _watched(self, visit: Visit) -> Iterator[Fact]:
        from treering.adapters.engines.client import READ_ERRORS, chunks  # noqa: PLC0415 -- heavy

        client, context = visit.client, visit.context
        # The stream first, so that nothing falls between it and the lists.
        response = visit.desk.ask(client.open_events)
        stream = EventStream(chunks(response, live=True), str(client.endpoint), READ_ERRORS)
        try:
            yield from visit.watch(stream, lambda: self._check(context))
        finally:
            stream.stop()
            client.lines.cut()
            stream.join()
            response.close()

    def close(self) -> None:
        """End every read and watch and let go of all connections, for good."""
        self._closed.set()
        with self._lock:
            everything = list(self._lines)
        for lines in everything:
            lines.close()

    # -- connections ---------------------------------------------------------------------

    def _check(self, context: ReadContext) -> None:
        """Raise `Cancelled` once the read is no longer wanted or the reader is closed."""
        context.check()
        if self._closed.is_set():
            raise Cancelled(f"{self.name} was closed")

    @contextlib.contextmanager
    def _visit(self, context: ReadContext, patience: float | None = None) -> Iterator[Visit]:
        """Connect, agree on a version, and let go of everything at the end."""
        self._check(context)
        client = self._client()
        try:
            with self._desk(context, client, patience) as desk:
                if self._version is None:
                    desk.ask(client.negotiate)
                    self._version = client.spoken
                client.speak(self._version)
                yield Visit(client, desk, self._memory, context)
        finally:
            client.lines.close()
            client.close()
            with self._lock:
                self._lines.discard(client.lines)

    def _desk(self, context: ReadContext, client: EngineClient, patience: float | None) -> Desk:
        remote = isinstance(client.endpoint, SshEndpoint)
        return Desk(
            context,
            lambda: self._check(context),
            client.lines.cut,
            workers=_SSH_WORKERS if remote else _WORKERS,
            patience=patience or self._seconds * _PATIENCE,
        )

    def _client(self) -> EngineClient:
        """Return a client that has made no connection yet."""
        from treering.adapters.engines.client import RULES, EngineClient  # noqa: PLC0415 -- heavy

        environ = os.environ if self._environ is None else self._environ
        endpoint = resolve(self.kind, self._place, environ)
        allowed: tuple[HttpRule | ArgvRule, ...] = (*RULES, *rules(self.kind))
        gate = Gate(self.kind, allowed, audit=self.audit, ledger=self._ledger)
        lines = Lines()
        with self._lock:
            self._lines.add(lines)
        if self._closed.is_set():
            lines.close()
        dial = self._dial(endpoint, gate)
        return EngineClient(
            endpoint, dial, gate, lines, seconds=self._seconds, connections=_WORKERS
        )

    def _dial(self, endpoint: Endpoint, gate: Gate) -> Dial:
        if isinstance(endpoint, SshEndpoint):
            return SshDial(endpoint, self.kind, gate, config=self._ssh_config)
        if isinstance(endpoint, TcpEndpoint):
            return TcpDial(endpoint)
        return UnixDial(endpoint)
