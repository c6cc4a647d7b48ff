"""Engines on other machines, through the ssh program and ``system dial-stdio``.

Owns the argument list of ssh, the gate it passes, and the process while a connection lives. Each
connection is one end of a socket pair; ssh's stdin and stdout are the other. Host, user, port and
path come only from a checked `SshEndpoint`; the gate checks the whole list again.

Sources: ssh(1), ssh_config(5); ``docker system dial-stdio`` and ``podman system dial-stdio`` copy
their stdio to the engine's socket.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import socket
import subprocess
import threading
from collections.abc import Callable, Sequence
from typing import IO, Any, Protocol

from treering.adapters.engines.endpoints import HOST, REMOTE_PATH, USER, SshEndpoint
from treering.adapters.engines.lines import Line
from treering.adapters.engines.trouble import DOCKER_GROUP
from treering.core.errors import NotPermitted, NotRecognised, SourceError, Unreachable
from treering.core.gates import ArgvRule, Gate
from treering.core.text import safe

_OPTIONS = (
    "-T",
    "-oBatchMode=yes",
    "-oStrictHostKeyChecking=yes",
    "-oUpdateHostKeys=no",
    "-oClearAllForwardings=yes",
    "-oPermitLocalCommand=no",
    "-oForwardAgent=no",
    "-oForwardX11=no",
    # A master started here would outlive the reader.
    "-oControlMaster=no",
)
_COMMANDS = {"docker": ("docker", "-H"), "podman": ("podman", "--url")}
_CONFIG = re.compile(r"/[A-Za-z0-9_./-]{1,255}")
_TAIL = 4096
_GRACE = 1.0


class Process(Protocol):
    """What is used of `subprocess.Popen`."""

    stderr: IO[bytes] | None

    def kill(self) -> None: ...

    def wait(self, timeout: float | None = None) -> int: ...


Start = Callable[..., Process]


def argv_of(endpoint: SshEndpoint, kind: str, seconds: float, config: str = "") -> list[str]:
    """Return the argument list that reaches an engine of `kind`; `config` is an ssh_config file."""
    program, option = _COMMANDS[kind]
    argv = ["ssh", *_OPTIONS, f"-oConnectTimeout={max(1, int(seconds))}"]
    argv += [f"-F{config}"] if config else []
    argv += [f"-oPort={endpoint.port}"] if endpoint.port else []
    target = f"{endpoint.user}@{endpoint.host}" if endpoint.user else endpoint.host
    socket_option = [option, f"unix://{endpoint.path}"] if endpoint.path else []
    return [*argv, "--", target, program, *socket_option, "system", "dial-stdio"]


def rules(kind: str) -> tuple[ArgvRule, ...]:
    """Return the rules for every argument list `argv_of` may make; all of them only read."""
    program, option = _COMMANDS[kind]
    head = [re.escape(o) for o in ("ssh", *_OPTIONS)] + [r"-oConnectTimeout=[0-9]{1,4}"]
    target = f"(?:{USER.pattern}@)?{HOST.pattern}"
    found = []
    for config, port, path in itertools.product((False, True), repeat=3):
        patterns = [
            *head,
            *([f"-F{_CONFIG.pattern}"] if config else []),
            *([r"-oPort=[0-9]{1,5}"] if port else []),
            "--",
            target,
            program,
            *([re.escape(option), f"unix://{REMOTE_PATH.pattern}"] if path else []),
            "system",
            "dial-stdio",
        ]
        found.append(ArgvRule(tuple(re.compile(p) for p in patterns)))
    return tuple(found)


class SshLine(Line):
    """A connection and the ssh process behind it."""

    def __init__(self, sock: socket.socket, process: Process) -> None:
        super().__init__(sock)
        self.process = process
        self.tail = b""
        self._lock = threading.Lock()
        self._reader = threading.Thread(target=self._listen, name="ssh stderr", daemon=True)
        self._reader.start()

    def _listen(self) -> None:
        """Keep the last words of ssh, and its pipe empty."""
        stream = self.process.stderr
        if stream is None:
            return
        with stream, contextlib.suppress(OSError, ValueError):
            while data := os.read(stream.fileno(), _TAIL):
                self.tail = (self.tail + data)[-_TAIL:]

    def cut(self) -> None:
        """End every read and write under way, and the process."""
        super().cut()
        with contextlib.suppress(OSError):
            self.process.kill()

    def hang_up(self) -> None:
        """Close the connection and end the process."""
        with self._lock:
            super().hang_up()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=_GRACE)
            self._reader.join(_GRACE)


class SshDial:
    """Starts an ssh process for each connection, after the gate has let it through."""

    def __init__(
        self,
        endpoint: SshEndpoint,
        kind: str,
        gate: Gate,
        *,
        config: str = "",
        start: Start = subprocess.Popen,
    ) -> None:
        self.endpoint, self.kind, self.gate, self.config = endpoint, kind, gate, config
        self._start = start
        self._last: SshLine | None = None

    def __call__(self, seconds: float) -> Line:
        """Return a new connection. Raises `Refused` by the gate, `Unreachable` without ssh."""
        argv = argv_of(self.endpoint, self.kind, seconds, self.config)
        self.gate.argv(argv)
        ours, theirs = socket.socketpair()
        try:
            process = self._run(argv, theirs)
        except OSError as error:
            ours.close()
            raise Unreachable(
                f"{self.endpoint}: ssh cannot be started: {error.strerror or error}",
                "install the OpenSSH client",
            ) from error
        finally:
            theirs.close()
        ours.settimeout(seconds)
        self._last = SshLine(ours, process)
        return self._last

    def _run(self, argv: Sequence[str], theirs: socket.socket) -> Process:
        keywords: dict[str, Any] = {"stdin": theirs, "stdout": theirs, "stderr": subprocess.PIPE}
        # Its own session: no terminal to ask questions on, none of our signals.
        return self._start(argv, start_new_session=True, **keywords)

    def explain(self) -> SourceError | None:
        """Return what ssh's last words mean; None while it has said nothing."""
        line = self._last
        if line is None:
            return None
        line.hang_up()
        return explain(line.tail, self.endpoint, self.kind)


def explain(tail: bytes, endpoint: SshEndpoint, kind: str) -> SourceError | None:
    """Return the error behind the last words of ssh or of the far side's client."""
    lines = [text for text in tail.decode("utf-8", "replace").splitlines() if text.strip()]
    if not lines:
        return None
    words = " ".join(lines)
    said = f"{endpoint}: {safe(lines[-1].strip(), 300)}"
    if any(mark in words for mark in _FAR_SIDE):
        if "permission denied" in words.lower():
            return NotPermitted(said, f"on {endpoint.host}: {DOCKER_GROUP}")
        return Unreachable(said, f"is {kind} running on {endpoint.host}?")
    return _of_ssh(words, said, endpoint, kind)


_FAR_SIDE = ("docker.sock", "podman.sock", "connect to the Docker daemon", "dial unix")


def _of_ssh(words: str, said: str, endpoint: SshEndpoint, kind: str) -> SourceError:
    """Return what ssh itself, or the far side's shell, complains about."""
    if "host key" in words.lower() or "HOST IDENTIFICATION HAS CHANGED" in words:
        return NotPermitted(
            f"{endpoint}: the host key is unknown or has changed",
            f"compare it and connect once by hand: ssh {endpoint.host}",
        )
    if "Permission denied" in words:
        return NotPermitted(said, "load a key into ssh-agent; treering never asks for a password")
    if "not found" in words:
        return NotRecognised(said, f"is {kind} installed on {endpoint.host}?")
    return Unreachable(said, f"try: ssh {endpoint.host} {kind} version")
