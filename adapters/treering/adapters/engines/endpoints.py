"""Where an engine listens: the forms of a location and their grammar.

Owns the check of everything that could reach a socket call or an argument list. Reads nothing
and connects to nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address

from treering.core.errors import NotRecognised


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Paths of PEM files; an empty path stands for "none" (`ca`: the system's authorities)."""

    ca: str = ""
    cert: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class UnixEndpoint:
    """A unix socket of this machine."""

    path: str

    def __str__(self) -> str:
        return f"unix://{self.path}"


@dataclass(frozen=True, slots=True)
class TcpEndpoint:
    """A TCP port; `tls` is None for an engine without TLS."""

    host: str
    port: int
    tls: TlsFiles | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"tcp://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class SshEndpoint:
    """An engine on another machine; an empty `path` is that machine's default socket."""

    host: str
    user: str = ""
    port: int | None = None
    path: str = ""

    def __str__(self) -> str:
        user = f"{self.user}@" if self.user else ""
        port = f":{self.port}" if self.port else ""
        return f"ssh://{user}{self.host}{port}{self.path}"


Endpoint = UnixEndpoint | TcpEndpoint | SshEndpoint

HOST = re.compile(r"(?!.*\.\.)[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")
"""Host names, IPv4 addresses and names from ssh_config: never a dash first, never a ``%``."""

USER = re.compile(r"[A-Za-z_][A-Za-z0-9._-]{0,63}")
"""Login names: what useradd(8) takes, and dots."""

REMOTE_PATH = re.compile(r"(?!.*/\.\.?(?:/|$))(?:/[A-Za-z0-9_.][A-Za-z0-9_.-]*){1,16}")
"""Socket paths on the far side, whose shell sees them: nothing a shell could read otherwise."""

MAX_SOCKET_PATH = 107
"""Longest path of a unix socket in bytes (unix(7), sun_path)."""

_DEFAULT_PORT, _DEFAULT_TLS_PORT = 2375, 2376
_MAX_PORT = 65_535
_MAX_LOCATION = 1024
_SSH = re.compile(r"ssh://(?:([^@/]*)@)?([^@/:]*)(?::([^/]*))?(/.*)?", re.DOTALL)
_TCP = re.compile(r"tcp://(\[[^]]*\]|[^/:]*)(?::([^/]*))?/?", re.DOTALL)


def parse(location: str, tls: TlsFiles | None = None) -> Endpoint:
    """Return the endpoint a location names; `tls` is used for ``tcp://`` ones.

    Forms: a socket path, ``unix:///path``, ``tcp://host[:port]``,
    ``ssh://[user@]host[:port][/path/to/socket]``. Raises `NotRecognised` for anything else and
    for any host, user, port or path outside its grammar.
    """
    if len(location) > _MAX_LOCATION or not location.isprintable():
        raise NotRecognised(f"not the location of an engine: {location[:200]!r}")
    if location.startswith("ssh://"):
        return _ssh(location)
    if location.startswith("tcp://"):
        return _tcp(location, tls)
    path = location.removeprefix("unix://")
    if not path or "://" in path:
        raise NotRecognised(
            f"not the location of an engine: {location[:200]!r}",
            "use a socket path, unix://, tcp://, ssh:// or context:NAME",
        )
    if len(path.encode()) > MAX_SOCKET_PATH:
        raise NotRecognised(f"{path}: a socket path has at most {MAX_SOCKET_PATH} bytes")
    return UnixEndpoint(path)


def _ssh(location: str) -> SshEndpoint:
    parts = _SSH.fullmatch(location)
    if parts is None:
        raise NotRecognised(f"not an ssh location: {location!r}", "ssh://[user@]host[:port][/path]")
    user, host, port, path = parts.groups()
    if not HOST.fullmatch(host):
        raise NotRecognised(
            f"{location!r}: the host has characters no host name has",
            "give other addresses a name in ~/.ssh/config",
        )
    if user is not None and not USER.fullmatch(user):
        raise NotRecognised(f"{location!r}: the user has characters no login name has")
    if path in {None, "/"}:
        path = ""
    elif not REMOTE_PATH.fullmatch(path) or len(path) > MAX_SOCKET_PATH:
        raise NotRecognised(
            f"{location!r}: the socket path may hold letters, digits, '.', '_' and '-' only"
        )
    return SshEndpoint(host, user or "", _port(port, location), path)


def _tcp(location: str, tls: TlsFiles | None) -> TcpEndpoint:
    parts = _TCP.fullmatch(location)
    if parts is None:
        raise NotRecognised(f"not a tcp location: {location!r}", "use tcp://host:port")
    host, port = parts.groups()
    if host.startswith("["):
        host = host[1:-1]
        try:
            IPv6Address(host)
        except AddressValueError as error:
            raise NotRecognised(f"{location!r}: not an IPv6 address") from error
    elif not HOST.fullmatch(host):
        raise NotRecognised(f"{location!r}: the host has characters no host name has")
    default = _DEFAULT_PORT if tls is None else _DEFAULT_TLS_PORT
    return TcpEndpoint(host, _port(port, location) or default, tls)


def _port(text: str | None, location: str) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:6]) <= _MAX_PORT):
        raise NotRecognised(f"{location!r}: a port is a number from 1 to {_MAX_PORT}")
    return int(text)
