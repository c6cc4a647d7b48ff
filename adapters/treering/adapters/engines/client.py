"""The docker SDK's low-level client, behind a gate and with limits.

Owns every request to an engine: `send` is the one door, and lets through GET of the paths in
`RULES` and nothing else, in both modes. Owns the limits on answers and the meaning of failures.
Imports the docker SDK, so is itself imported where used.

Source: Docker Engine API, versions 1.24 to 1.52 (docs.docker.com/reference/api/engine); Podman
speaks 1.41 of it.
"""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from http.cookiejar import DefaultCookiePolicy
from typing import Any, NoReturn

import docker
import requests
import requests.adapters
import urllib3

from treering.adapters.engines.endpoints import Endpoint, TcpEndpoint
from treering.adapters.engines.lines import Dial, Lines
from treering.adapters.engines.transport import LineAdapter
from treering.adapters.engines.trouble import NoSuchObject, no_answer
from treering.core.documents import parse_json
from treering.core.errors import (
    LimitExceeded,
    NotPermitted,
    NotRecognised,
    Refused,
    SourceError,
    Unreachable,
)
from treering.core.gates import Gate, HttpRule
from treering.core.ids import Digest
from treering.core.text import Safe, safe

MAX_LIST = 64 * 1024 * 1024
"""Largest list of images or containers in bytes."""

MAX_ENTRIES = 100_000
"""Most images or containers of one engine."""

MAX_ANSWER = 4 * 1024 * 1024
"""Largest other answer in bytes."""

MAX_API = (1, 52)
"""Newest version of the API this client asks for."""

MIN_API = (1, 24)
"""Oldest version of the API this client understands, as for the docker SDK."""

STREAM_SECONDS = 300.0
"""How long an engine may be silent while it gathers an archive: it may first write it to disk."""

_MANIFESTS_API = (1, 48)
_ID = "(?:sha256:)?[0-9a-f]{64}|sha512:[0-9a-f]{128}"
_PATHS = (
    "/_ping",
    "/version",
    "/info",
    "/events",
    "/images/json",
    f"/images/(?:{_ID})/(?:json|history|get)",
    "/containers/json",
    f"/containers/(?:{_ID})/(?:json|export)",
)
RULES = tuple(HttpRule("GET", re.compile(rf"(?:/v1\.[0-9]{{1,3}})?{path}")) for path in _PATHS)
"""Everything an engine is ever asked."""

_LIST = re.compile(r".*/(?:images|containers)/json")
_CHUNK = 65_536
_VERSION = re.compile(r"([0-9]{1,3})\.([0-9]{1,3})")
_STATUS_ERROR, _STATUS_SERVER = 300, 500
_REFUSED_STATUS = {401, 403}


class EngineClient(docker.APIClient):  # type: ignore[misc]
    """The SDK's client for one engine. Used from several threads.

    Unlike the SDK's own it reads no docker configuration and no registry credentials, follows no
    redirect, uses no proxy, and makes no request until told to: call `negotiate` first.
    """

    def __init__(  # noqa: PLR0913 -- the parts of a connection
        self,
        endpoint: Endpoint,
        dial: Dial,
        gate: Gate,
        lines: Lines,
        *,
        seconds: float = 10.0,
        connections: int = 8,
    ) -> None:
        # Not APIClient's own: it reads the operator's credentials and connects at once.
        requests.Session.__init__(self)
        self.endpoint, self.gate, self.lines = endpoint, gate, lines
        self._dial = dial
        self.timeout = seconds
        self.trust_env = False
        self.headers["User-Agent"] = "treering"
        self.headers["Accept-Encoding"] = "identity"
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        host = f"{endpoint.host}:{endpoint.port}" if isinstance(endpoint, TcpEndpoint) else ""
        self.base_url = f"http+docker://{host or 'localhost'}"
        self._general_configs: dict[str, Any] = {}
        self._version = ""
        self.adapters.clear()
        self.mount(f"{self.base_url}/", LineAdapter(dial, lines, connections))

    # -- what is asked -------------------------------------------------------------------

    def negotiate(self) -> None:
        """Ask for the engine's version and settle on one both sides speak.

        Raises `NotRecognised` for something that is no engine, or too old or too new a one.
        """
        answer = self.version(api_version=False)
        theirs = _api(answer, "ApiVersion")
        if theirs is None:
            raise NotRecognised(
                f"{self.endpoint} answers, and is no container engine",
                "expected ApiVersion in the answer to /version",
            )
        oldest = _api(answer, "MinAPIVersion") or (1, 0)
        if theirs < MIN_API or oldest > MAX_API:
            raise NotRecognised(
                f"{self.endpoint} speaks API {_text(oldest)} to {_text(theirs)}, "
                f"treering {_text(MIN_API)} to {_text(MAX_API)}"
            )
        self.speak(min(theirs, MAX_API))

    def speak(self, version: tuple[int, int]) -> None:
        """Use this version of the API, as negotiated by another client of the same engine."""
        self._version = _text(version)

    @property
    def spoken(self) -> tuple[int, int]:
        """The version of the API in use."""
        major, minor = self._version.split(".")
        return int(major), int(minor)

    def list_images(self) -> list[Any]:
        """Return the engine's list of images, tagged or dangling, as JSON."""
        return self._list(self.images(), "images")

    def list_containers(self, container: str = "") -> list[Any]:
        """Return all containers, running or not, or only the one with the id `container`."""
        filters = {"id": [container]} if container else None
        return self._list(self.containers(all=True, filters=filters), "containers")

    def image_details(self, image: Digest) -> Mapping[str, Any]:
        """Return what the engine knows of one image. Raises `NoSuchObject`."""
        parameters = {"manifests": "1"} if self.spoken >= _MANIFESTS_API else None
        response = self._get(self._url("/images/{0}/json", image), params=parameters)
        answer = self._result(response, json=True)
        if not isinstance(answer, dict):
            raise NotRecognised(f"{self.endpoint}: the answer about image {image} is no object")
        return answer

    def image_text(self, image: Digest) -> bytes:
        """Return the inspection of an image as the engine wrote it. Raises `NoSuchObject`."""
        return self._text_of(self._url("/images/{0}/json", image))

    def container_text(self, container: str) -> bytes:
        """Return the inspection of a container, by its full id. Raises `NoSuchObject`."""
        return self._text_of(self._url("/containers/{0}/json", container))

    def _text_of(self, url: str) -> bytes:
        response = self._get(url)
        self._raise_for_status(response)
        return bytes(response.content)

    def image_stream(self, image: Digest) -> AbstractContextManager[Iterator[bytes]]:
        """Open the archive of an image, as `docker save` has it. Raises `NoSuchObject`."""
        return self._stream_of(self._url("/images/{0}/get", image))

    def container_stream(self, container: str) -> AbstractContextManager[Iterator[bytes]]:
        """Open the archive of a container's files, as `docker export` has it; likewise."""
        return self._stream_of(self._url("/containers/{0}/export", container))

    @contextmanager
    def _stream_of(self, url: str) -> Iterator[Iterator[bytes]]:
        response = self._get(url, stream=True, timeout=(self.timeout, STREAM_SECONDS))
        self._raise_for_status(response)
        try:
            yield self._parts(response)
        finally:
            response.close()

    def _parts(self, response: requests.Response) -> Iterator[bytes]:
        try:
            yield from chunks(response)
        except READ_ERRORS as error:
            raise self._failure(error) from error

    def open_events(self) -> requests.Response:
        """Return the open stream of events about images and containers."""
        filters = json.dumps({"type": ["image", "container"]})
        response: requests.Response = self._get(
            self._url("/events"),
            params={"filters": filters},
            stream=True,
            timeout=(self.timeout, None),
        )
        self._raise_for_status(response)
        return response

    def _list(self, answer: Any, what: str) -> list[Any]:
        if answer is None:
            return []
        if not isinstance(answer, list):
            raise NotRecognised(f"{self.endpoint}: the answer for {what} is no list")
        if len(answer) > MAX_ENTRIES:
            raise LimitExceeded(f"{self.endpoint} lists more than {MAX_ENTRIES} {what}")
        return answer

    # -- the door ------------------------------------------------------------------------

    def send(self, request: requests.PreparedRequest, **keywords: Any) -> requests.Response:
        """Send a request the gate lets through; return the answer, read within its limit.

        Raises `Refused` for any other, and a `SourceError` when there is no whole answer.
        """
        path = str(request.path_url).partition("?")[0]
        self.gate.http(str(request.method), path)
        streamed = bool(keywords.get("stream"))
        keywords.update(stream=True, allow_redirects=False)
        keywords["timeout"] = keywords.get("timeout") or self.timeout
        try:
            response: requests.Response = super().send(request, **keywords)
        except requests.exceptions.RequestException as error:
            raise self._failure(error) from error
        if not streamed or response.status_code >= _STATUS_ERROR:
            self._fill(response, MAX_LIST if _LIST.fullmatch(path) else MAX_ANSWER)
        return response

    def get_adapter(self, url: str) -> requests.adapters.BaseAdapter:
        """Return the way to the engine. Raises `Refused` for any other address."""
        if not url.startswith(f"{self.base_url}/"):
            raise Refused(f"{self.gate.name} gate refuses another address than {self.endpoint}")
        return requests.Session.get_adapter(self, url)

    @property
    def _auth_configs(self) -> NoReturn:
        """Refuse: the SDK's pull and push would now load the operator's credentials."""
        raise Refused(f"{self.gate.name} gate refuses registry credentials")

    def _create_websocket_connection(self, url: str) -> NoReturn:
        """Refuse: web sockets would not pass `send`."""
        raise Refused(f"{self.gate.name} gate refuses web sockets: {url[:100]}")

    def _fill(self, response: requests.Response, limit: int) -> None:
        """Read the body of `response`, at most `limit` bytes of it."""
        body = bytearray()
        try:
            for part in chunks(response):
                body += part
                if len(body) > limit:
                    raise LimitExceeded(f"{self.endpoint}: the answer is larger than {limit} bytes")
        except READ_ERRORS as error:
            raise self._failure(error) from error
        finally:
            response.close()
        response._content = bytes(body)  # noqa: SLF001 -- as requests does after reading

    def _result(self, response: requests.Response, json: bool = False, binary: bool = False) -> Any:  # noqa: FBT001, FBT002 -- the SDK's
        """Return the body of a successful answer, JSON read strictly."""
        self._raise_for_status(response)
        body = response.content
        if json:
            try:
                return parse_json(body, f"the answer of {self.endpoint}", MAX_LIST)
            except SourceError as error:
                raise NotRecognised(error.message, "is this a container engine?") from error
        return body if binary else body.decode("utf-8", "replace")

    # -- what failures mean --------------------------------------------------------------

    def _raise_for_status(self, response: requests.Response) -> None:
        """Raise the `SourceError` that an answer other than 2xx means."""
        status = response.status_code
        if status < _STATUS_ERROR:
            return
        said = f"{self.endpoint} answered {status}: {_words(response.content)}"
        if status in _REFUSED_STATUS:
            raise NotPermitted(said, "an authorization plugin or proxy refuses this user")
        if status == http.client.NOT_FOUND:
            raise NoSuchObject(said)
        if status >= _STATUS_SERVER:
            raise SourceError(said, "look at the engine's own log")
        raise NotRecognised(said, "is this a container engine, and the right port?")

    def _failure(self, error: BaseException) -> SourceError:
        """Return what an exception of requests, urllib3 or the socket means."""
        chain = list(_causes(error))
        if any(isinstance(e, (TimeoutError, requests.Timeout, _ReadTimeout)) for e in chain):
            return self._dial_says() or no_answer(str(self.endpoint), self.timeout)
        silent = any(isinstance(e, http.client.RemoteDisconnected) for e in chain)
        if not silent and any(isinstance(e, http.client.HTTPException) for e in chain):
            garbled = any(isinstance(e, http.client.IncompleteRead) for e in chain)
            if not garbled:
                return NotRecognised(
                    f"{self.endpoint} does not speak HTTP", "is this a container engine?"
                )
        return self._dial_says() or Unreachable(
            f"{self.endpoint} closed the connection before the answer was complete",
            "is the engine restarting?",
        )

    def _dial_says(self) -> SourceError | None:
        return self._dial.explain()


_ReadTimeout = urllib3.exceptions.ReadTimeoutError

READ_ERRORS = (
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    ValueError,  # reading from a response another thread has closed
    AttributeError,  # as above
)
"""What reading a body may raise."""


def chunks(response: requests.Response, *, live: bool = False) -> Iterator[bytes]:
    """Yield a body in parts; a `live` one as it comes. Raises one of `READ_ERRORS`."""
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding not in {"", "identity"}:
        raise NotRecognised(f"an engine answered in the encoding {safe(encoding, 50)}")
    # Without chunks a read would wait for its buffer to fill.
    size = 1 if live and not response.raw.chunked else _CHUNK
    yield from response.raw.stream(size, decode_content=False)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and everything it came from or carries."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        at = waiting.pop()
        if at is None or id(at) in seen:
            continue
        seen.add(id(at))
        yield at
        waiting += [at.__cause__, at.__context__]
        waiting += [a for a in at.args if isinstance(a, BaseException)]


def _api(answer: Any, key: str) -> tuple[int, int] | None:
    value = answer.get(key) if isinstance(answer, dict) else None
    found = _VERSION.fullmatch(value) if isinstance(value, str) else None
    return (int(found[1]), int(found[2])) if found else None


def _text(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


def _words(body: bytes) -> Safe:
    """Return the engine's own message in an answer, or the beginning of what is there."""
    try:
        value = parse_json(body, "answer")
    except SourceError:
        value = None
    if isinstance(value, dict) and isinstance(value.get("message") or value.get("cause"), str):
        return safe(str(value.get("message") or value.get("cause")), 300)
    return safe(body[:200].decode("utf-8", "replace").strip(), 200)
