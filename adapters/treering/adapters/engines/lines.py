"""Open connections to an engine: how they are made and how all of them are cut at once.

Owns sockets, from dialling to closing, so that another thread can end every wait. Knows nothing
of HTTP.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Protocol

from treering.adapters.engines.endpoints import TcpEndpoint, TlsFiles, UnixEndpoint
from treering.adapters.engines.trouble import from_connect_error, no_answer
from treering.core.errors import Cancelled, NotPermitted, NotRecognised, SourceError, Unreachable

if TYPE_CHECKING:
    import ssl


class Line:
    """One open connection. Its owner calls `hang_up`; any thread may `cut` it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    def cut(self) -> None:
        """End every read and write under way, from any thread."""
        with contextlib.suppress(OSError):
            # Not SSLSocket's own: that one first drops the state another thread is reading with.
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)

    def hang_up(self) -> None:
        """Close for good. May be called more than once."""
        self.cut()
        with contextlib.suppress(OSError):
            self.sock.close()


class Dial(Protocol):
    """A way to one engine."""

    def __call__(self, seconds: float) -> Line:
        """Return a new connection. Raises a `SourceError`; never waits longer than `seconds`."""

    def explain(self) -> SourceError | None:
        """Return why a connection ended without an answer, where this way knows."""


class Lines:
    """All connections of one client."""

    def __init__(self) -> None:
        self._open: set[Line] = set()
        self._lock = threading.Lock()
        self._closed = False

    def dial(self, dial: Dial, seconds: float) -> Line:
        """Return a new connection, kept here until `drop`. Raises `Cancelled` after `close`."""
        self._check()
        line = dial(seconds)
        with self._lock:
            if not self._closed:
                self._open.add(line)
                return line
        line.hang_up()
        raise Cancelled("the source was closed")

    def drop(self, line: Line) -> None:
        """Hang up one connection."""
        with self._lock:
            self._open.discard(line)
        line.hang_up()

    def cut(self) -> None:
        """End every read and write under way; later ones connect anew."""
        with self._lock:
            for line in self._open:
                line.cut()

    def close(self) -> None:
        """Cut everything and refuse new connections; whoever uses a line hangs it up.

        Closing a socket another thread reads from would hand its number to someone else.
        """
        with self._lock:
            self._closed = True
            for line in self._open:
                line.cut()

    def _check(self) -> None:
        with self._lock:
            if self._closed:
                raise Cancelled("the source was closed")


class UnixDial:
    """Connects to a unix socket of this machine."""

    def __init__(self, endpoint: UnixEndpoint) -> None:
        self.endpoint = endpoint

    def __call__(self, seconds: float) -> Line:
        """Return a new connection. Raises as `Dial` says."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(seconds)
            sock.connect(self.endpoint.path)
        except OSError as error:
            sock.close()
            raise from_connect_error(error, str(self.endpoint), seconds) from error
        return Line(sock)

    def explain(self) -> SourceError | None:
        """Return None: the socket says nothing more."""
        return None


class TcpDial:
    """Connects to a TCP port; with TLS the engine's certificate is always checked."""

    def __init__(self, endpoint: TcpEndpoint) -> None:
        self.endpoint = endpoint

    def __call__(self, seconds: float) -> Line:
        """Return a new connection. Raises as `Dial` says."""
        where = str(self.endpoint)
        try:
            sock = socket.create_connection((self.endpoint.host, self.endpoint.port), seconds)
        except UnicodeError as error:
            raise NotRecognised(f"{where}: not a host name: {error}") from error
        except OSError as error:
            raise from_connect_error(error, where, seconds) from error
        if self.endpoint.tls is None:
            return Line(sock)
        try:
            context = _tls_context(self.endpoint.tls)
            return Line(context.wrap_socket(sock, server_hostname=self.endpoint.host))
        except OSError as error:
            sock.close()
            raise _from_tls_error(error, where, seconds) from error

    def explain(self) -> SourceError | None:
        """Return None: the port says nothing more."""
        return None


def _tls_context(files: TlsFiles) -> ssl.SSLContext:
    """Return a context that checks the engine's certificate and shows the client's own."""
    import ssl  # noqa: PLC0415 -- most engines are local

    context = ssl.create_default_context(cafile=files.ca or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if files.cert:
        context.load_cert_chain(files.cert, files.key or None)
    return context


def _from_tls_error(error: OSError, where: str, seconds: float) -> SourceError:
    import ssl  # noqa: PLC0415 -- as above

    if isinstance(error, TimeoutError):
        return no_answer(where, seconds)
    if isinstance(error, ssl.SSLCertVerificationError):
        return NotPermitted(
            f"{where}: the engine's certificate is not trusted: {error.verify_message}",
            "put the authority's ca.pem in DOCKER_CERT_PATH or the docker context",
        )
    if isinstance(error, ssl.SSLError):
        reason = getattr(error, "reason", None) or error
        return NotRecognised(f"{where}: TLS failed: {reason}", "is this a port with TLS?")
    return Unreachable(f"{where}: TLS failed: {error.strerror or error}", "check DOCKER_CERT_PATH")
