"""The requests transport over the connections of `lines`.

Owns the joint between requests, urllib3 and our sockets. Imported only where the docker SDK is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests.adapters
from requests import PreparedRequest
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

from treering.adapters.engines.lines import Dial, Line, Lines


class LineConnection(HTTPConnection):
    """An HTTP connection over one line."""

    def __init__(self, *args: Any, dial: Dial, lines: Lines, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self._dial, self._lines = dial, lines
        self._line: Line | None = None

    def connect(self) -> None:
        """Open the line. Raises the `SourceError` of the dial as it is."""
        seconds = self.timeout if isinstance(self.timeout, (int, float)) else _CONNECT_SECONDS
        self._line = self._lines.dial(self._dial, seconds)
        self.sock = self._line.sock

    def close(self) -> None:
        """Close the connection and hang up its line."""
        super().close()
        line, self._line = self._line, None
        if line is not None:
            self._lines.drop(line)


_CONNECT_SECONDS = 10.0


class LinePool(HTTPConnectionPool):
    """The connections of one engine, kept open between requests."""

    ConnectionCls = LineConnection


class LineAdapter(requests.adapters.HTTPAdapter):
    """Sends every request of a session to one engine, never through a proxy, never again."""

    def __init__(self, dial: Dial, lines: Lines, connections: int) -> None:
        super().__init__(max_retries=0)
        self._pool = LinePool("localhost", maxsize=connections, block=False, dial=dial, lines=lines)

    def get_connection_with_tls_context(
        self,
        request: PreparedRequest,
        verify: bool | str | None,  # noqa: FBT001 -- as requests has it
        proxies: Mapping[str, str] | None = None,
        cert: tuple[str, str] | str | None = None,
    ) -> HTTPConnectionPool:
        """Return the one pool, whatever is asked."""
        del request, verify, proxies, cert
        return self._pool

    def request_url(self, request: PreparedRequest, proxies: Mapping[str, str] | None) -> str:
        """Return the path and query, which is all an engine is sent."""
        del proxies
        return str(request.path_url)

    def close(self) -> None:
        """Close the connections that are not in use."""
        super().close()
        self._pool.close()
