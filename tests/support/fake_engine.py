"""A container engine in this process: a unix socket that answers the way Docker Engine does.

It records what it is asked and can be told to be slow, silent, wrong or hostile. No process is
started, nothing is stored.
"""

from __future__ import annotations

import json
import queue
import re
import socket
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

JSON = dict[str, Any]


def sha(text: str) -> str:
    """Return a digest made from a word, so that tests can name digests."""
    return "sha256:" + sha256(text.encode()).hexdigest()


def image(name: str, tags: list[str] | None = None, layers: list[str] | None = None) -> JSON:
    """Return the inspection of an image as dockerd 20.10 answers it (recorded, shortened)."""
    return {
        "Id": sha(name),
        "RepoTags": tags if tags is not None else [f"{name}:1"],
        "RepoDigests": [],
        "Parent": "",
        "Comment": "",
        "Created": "2026-11-23T23:30:51.993231413Z",
        "Container": "4b3114fadad46c16a83cb9e3708b0ef9dfcd9e0b346df43eca69c3cd58c1e69b",
        "DockerVersion": "20.10.24+dfsg1",
        "Author": "",
        "Config": {
            "User": "",
            "Env": ["PATH=/bin"],
            "Cmd": ["/bin/sleep", "600"],
            "Volumes": None,
            "WorkingDir": "/srv",
            "Entrypoint": None,
            "OnBuild": None,
            "Labels": {"org.opencontainers.image.title": name},
        },
        "Architecture": "amd64",
        "Os": "linux",
        "Size": 2185123,
        "VirtualSize": 2185123,
        "RootFS": {"Type": "layers", "Layers": [sha(x) for x in layers or ["base", name]]},
        "Metadata": {"LastTagTime": "2026-11-23T23:30:52.003578914Z"},
    }


def container(name: str, of: str, state: str = "running") -> JSON:
    """Return a container as dockerd 20.10 lists it (recorded, shortened)."""
    return {
        "Id": sha(name).removeprefix("sha256:"),
        "Names": [f"/{name}"],
        "Image": f"{of}:1",
        "ImageID": sha(of),
        "Command": "/bin/sleep 600",
        "Created": 1795476652,
        "Ports": [],
        "Labels": {"role": "test"},
        "State": state,
        "Status": "Up 3 seconds",
        "HostConfig": {"NetworkMode": "none"},
        "NetworkSettings": {"Networks": None},
        "Mounts": [],
    }


def event(kind: str, action: str, actor: str, **attributes: str) -> JSON:
    """Return an event as dockerd 20.10 sends it."""
    return {
        "status": action,
        "id": actor,
        "Type": kind,
        "Action": action,
        "Actor": {"ID": actor, "Attributes": attributes},
        "scope": "local",
        "time": 1795476681,
        "timeNano": 1795476681987285036,
    }


class FakeEngine:
    """The engine. Change its attributes at any time; `tell` sends an event to all who listen."""

    def __init__(self, api: str = "1.41") -> None:
        self.version: JSON = {"Version": "20.10.24", "ApiVersion": api, "MinAPIVersion": "1.12"}
        self.images: dict[str, JSON] = {}
        self.containers: dict[str, JSON] = {}
        self.hidden: set[str] = set()
        self.asked: list[str] = []
        self.delay = 0.0
        self.silent: re.Pattern[str] | None = None
        self.bodies: dict[str, tuple[int, bytes]] = {}
        self.raw: dict[str, bytes] = {}
        self.endless: set[str] = set()
        self.trickle: set[str] = set()
        self.most_at_once = 0
        self.connections = 0
        self.sent = Counter[str]()
        self.on_query: Callable[[str], object] = lambda _query: None
        self.stopped = threading.Event()
        self._at_once = 0
        self._lock = threading.Lock()
        self._streams: list[queue.Queue[bytes | None]] = []
        self._sockets: set[socket.socket] = set()
        self._folder = tempfile.TemporaryDirectory(prefix="engine")
        self.path = str(Path(self._folder.name) / "docker.sock")
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stopped.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()
        self._folder.cleanup()

    def add(self, *images: JSON) -> None:
        for one in images:
            self.images[one["Id"]] = one

    def run(self, *containers: JSON) -> None:
        for one in containers:
            self.containers[one["Id"]] = one

    def tell(self, told: JSON | bytes) -> None:
        line = told if isinstance(told, bytes) else json.dumps(told).encode() + b"\n"
        for stream in list(self._streams):
            stream.put(line)

    def listened(self, seconds: float = 5.0) -> None:
        """Wait until someone listens to events."""
        until = time.monotonic() + seconds
        while not self._streams:
            assert time.monotonic() < until, "nobody asked for events"
            time.sleep(0.01)

    def hang_up(self) -> None:
        """Close every connection, as an engine does that stops."""
        for stream in list(self._streams):
            stream.put(None)
        with self._lock:
            sockets = list(self._sockets)
        for one in sockets:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def paths(self, pattern: str) -> list[str]:
        """Return what was asked, without versions, as far as it matches."""
        return [p for p in self.asked if re.fullmatch(pattern, p)]

    def serve(self, sock: socket.socket) -> None:
        """Answer on a connection made elsewhere, in a thread."""
        with self._lock:
            self._sockets.add(sock)
            self.connections += 1
        threading.Thread(target=self._handle, args=(sock,), daemon=True).start()

    def _accept(self) -> None:
        while not self.stopped.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.serve(sock)

    def _handle(self, sock: socket.socket) -> None:
        try:
            _Handler(sock, self)
        except (OSError, ValueError):
            pass
        finally:
            with self._lock:
                self._sockets.discard(sock)
            sock.close()

    def list_images(self) -> list[JSON]:
        keys = ("Id", "RepoTags", "RepoDigests", "Size", "Descriptor")
        return [
            {**{k: one[k] for k in keys if k in one}, "Created": 1795476651, "ParentId": ""}
            for key, one in self.images.items()
            if key not in self.hidden
        ]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, sock: socket.socket, engine: FakeEngine) -> None:
        self.engine = engine
        super().__init__(sock, "", None)  # type: ignore[arg-type]

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        engine, parts = self.engine, urlsplit(self.path)
        path = re.sub(r"^/v1\.[0-9]+", "", parts.path)
        with engine._lock:
            engine.asked.append(path if self.command == "GET" else f"{self.command} {path}")
            engine._at_once += path != "/events"
            engine.on_query(parts.query)
            engine.most_at_once = max(engine.most_at_once, engine._at_once)
        try:
            time.sleep(engine.delay)
            if engine.silent is not None and engine.silent.fullmatch(path):
                engine.stopped.wait(30)
                self.close_connection = True
            elif path in engine.raw:
                self.wfile.write(engine.raw[path])
                self.close_connection = True
            elif path in engine.endless:
                self._endless(path)
            elif path in engine.trickle:
                self._trickle()
            elif path == "/events":
                self._events()
            else:
                self._send(*self._result(path, parse_qs(parts.query)))
        finally:
            with engine._lock:
                engine._at_once -= path != "/events"

    def _result(self, path: str, query: dict[str, list[str]]) -> tuple[int, bytes]:
        engine = self.engine
        if path in engine.bodies:
            return engine.bodies[path]
        value: Any = None
        if path == "/version":
            value = engine.version
        elif path == "/images/json":
            value = engine.list_images()
        elif path == "/containers/json":
            only = json.loads(query.get("filters", ["{}"])[0]).get("id")
            value = [c for c in engine.containers.values() if not only or c["Id"] in only]
        elif found := re.fullmatch(r"/images/([^/]+)/json", path):
            value = engine.images.get(found[1])
        if value is None:
            return 404, json.dumps({"message": f"no such thing: {path}"}).encode()
        return 200, json.dumps(value).encode()

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def _chunked(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()

    def _endless(self, path: str) -> None:
        self._chunked()
        while not self.engine.stopped.is_set():
            self._chunk(b" " * 65_536)
            self.engine.sent[path] += 65_536

    def _trickle(self) -> None:
        self._chunked()
        while not self.engine.stopped.wait(0.02):
            self._chunk(b" ")

    def _events(self) -> None:
        self._chunked()
        stream: queue.Queue[bytes | None] = queue.Queue()
        self.engine._streams.append(stream)
        try:
            while (line := stream.get()) is not None:
                self._chunk(line)
        finally:
            self.engine._streams.remove(stream)
            self.close_connection = True
