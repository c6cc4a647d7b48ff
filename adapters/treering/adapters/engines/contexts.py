"""What the environment and the docker configuration say about where engines listen.

Owns DOCKER_HOST, DOCKER_CONTEXT, DOCKER_CONFIG, DOCKER_CERT_PATH, CONTAINER_HOST, docker contexts
and the well-known sockets. Looks at files and whether sockets exist; connects to nothing and
reads no credential (of ``config.json`` only ``currentContext``).

Sources: docker/cli cli/command/cli.go (resolveContextName: DOCKER_HOST, then DOCKER_CONTEXT, then
currentContext), docker/cli cli/context/store, podman-system-service(1).
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from treering.adapters.engines.endpoints import Endpoint, TlsFiles, UnixEndpoint, parse
from treering.core.documents import parse_json
from treering.core.errors import NotRecognised, SourceError, Unreachable
from treering.core.files import list_directory, read_file
from treering.core.ports import SourceSpec

CONTEXT = "context:"
"""What a location that names a docker context begins with."""

_CONTEXT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,250}")
_MAX_CONTEXTS = 200
_MAX_FILE = 1024 * 1024
_SYSTEM = {"docker": "/var/run/docker.sock", "podman": "/run/podman/podman.sock"}
_ROOTLESS = {"docker": "docker.sock", "podman": "podman/podman.sock"}


def resolve(kind: str, location: str, environ: Mapping[str, str]) -> Endpoint:
    """Return where the engine of `location` listens; an empty one is the default of `kind`.

    Raises `NotRecognised` for a location outside the grammar and `Unreachable` for a docker
    context that does not exist.
    """
    if location.startswith(CONTEXT):
        return _context(location.removeprefix(CONTEXT), environ)
    if location:
        return parse(location, _tls_from(environ))
    if kind == "podman":
        host = environ.get("CONTAINER_HOST", "")
        return parse(host) if host else _well_known(kind, environ)
    host = environ.get("DOCKER_HOST", "")
    if host:
        return parse(host, _tls_from(environ))
    name = current_context(environ)
    return _context(name, environ) if name else _well_known(kind, environ)


def current_context(environ: Mapping[str, str]) -> str:
    """Return the docker context in use; an empty name is the default socket."""
    name = environ.get("DOCKER_CONTEXT", "")
    if not name:
        try:
            config = _document(_docker_config(environ) / "config.json")
        except Unreachable:
            return ""
        found = config.get("currentContext")
        name = found if isinstance(found, str) else ""
    return "" if name == "default" else name


def discover(kind: str, environ: Mapping[str, str]) -> tuple[SourceSpec, ...]:
    """Return the engines of `kind` that are there without configuration, the default first.

    Sockets are listed only when they exist. A remote address is listed only when the operator's
    environment or current context chose it: a stored context is no wish to connect.
    """
    found: list[SourceSpec] = []
    taken: set[str] = set() if kind == "podman" else _real_sockets("podman", environ)
    for spec in _candidates(kind, environ):
        try:
            endpoint = resolve(kind, spec.location, environ)
        except SourceError:
            continue
        chosen = spec.name == kind or spec.location == CONTEXT + current_name(kind, environ)
        if isinstance(endpoint, UnixEndpoint):
            if not is_socket(endpoint.path):
                continue
        elif not chosen:
            continue
        key = (
            os.path.realpath(endpoint.path) if isinstance(endpoint, UnixEndpoint) else str(endpoint)
        )
        if key not in taken:
            taken.add(key)
            found.append(spec)
    return tuple(found)


def current_name(kind: str, environ: Mapping[str, str]) -> str:
    """Return the context the default of `kind` stands for; empty when it is none."""
    if kind != "docker" or environ.get("DOCKER_HOST"):
        return ""
    try:
        return current_context(environ)
    except SourceError:
        return ""


def is_socket(path: str) -> bool:
    """Tell whether `path` is a unix socket. Does not connect."""
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)  # noqa: PTH116 -- one call, no exceptions by kind
    except (OSError, ValueError):
        return False


def _candidates(kind: str, environ: Mapping[str, str]) -> Iterator[SourceSpec]:
    """Yield what may be there, the operator's choice first."""
    current = current_name(kind, environ)
    if current:
        yield SourceSpec(kind, CONTEXT + current, current)
    else:
        yield SourceSpec(kind, "", kind)
    if environ.get("XDG_RUNTIME_DIR"):
        yield SourceSpec(kind, _rootless(kind, environ), f"{kind}-rootless")
    yield SourceSpec(kind, _SYSTEM[kind], f"{kind}-system" if current else kind)
    if kind == "docker":
        for name in context_names(environ):
            yield SourceSpec(kind, CONTEXT + name, name)


def context_names(environ: Mapping[str, str]) -> list[str]:
    """Return the names of the docker contexts stored for this user, sorted."""
    try:
        folders = list_directory(_docker_config(environ) / "contexts" / "meta", _MAX_CONTEXTS)
    except SourceError:
        return []
    names = []
    for folder in folders:
        try:
            meta = _document(Path(folder.path) / "meta.json")
        except SourceError:
            continue
        name = meta.get("Name")
        if isinstance(name, str) and sha256(name.encode()).hexdigest() == folder.name:
            names.append(name)
    return sorted(names)


def _context(name: str, environ: Mapping[str, str]) -> Endpoint:
    """Return where a docker context points."""
    if name == "default":
        return _well_known("docker", environ)
    if not _CONTEXT_NAME.fullmatch(name):
        raise NotRecognised(f"not the name of a docker context: {name[:100]!r}")
    folder = sha256(name.encode()).hexdigest()
    base = _docker_config(environ) / "contexts"
    try:
        meta = _document(base / "meta" / folder / "meta.json")
    except Unreachable as error:
        raise Unreachable(
            f"there is no docker context {name}", "docker context ls lists them"
        ) from error
    endpoints = meta.get("Endpoints")
    docker = endpoints.get("docker") if isinstance(endpoints, dict) else None
    host = docker.get("Host") if isinstance(docker, dict) else None
    if not isinstance(host, str) or not host:
        raise NotRecognised(f"the docker context {name} names no host")
    tls = _tls_in(base / "tls" / folder / "docker")
    if tls is None and isinstance(docker, dict) and docker.get("SkipTLSVerify") is True:
        tls = TlsFiles()
    return parse(host, tls)


def _well_known(kind: str, environ: Mapping[str, str]) -> UnixEndpoint:
    """Return the socket the engine's own client would use, a rootless one where it is the only."""
    system, rootless = _SYSTEM[kind], _rootless(kind, environ)
    first, second = (rootless, system) if kind == "podman" else (system, rootless)
    for path in (first, second):
        if path and is_socket(path):
            return UnixEndpoint(path)
    return UnixEndpoint(system)


def _rootless(kind: str, environ: Mapping[str, str]) -> str:
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    return f"{runtime}/{_ROOTLESS[kind]}" if runtime.startswith("/") else ""


def _real_sockets(kind: str, environ: Mapping[str, str]) -> set[str]:
    """Return the real paths of a kind's own sockets: podman-docker links docker.sock to one."""
    paths = (_SYSTEM[kind], _rootless(kind, environ))
    return {os.path.realpath(path) for path in paths if path and is_socket(path)}


def _tls_from(environ: Mapping[str, str]) -> TlsFiles | None:
    """Return the TLS files DOCKER_CERT_PATH or DOCKER_TLS_VERIFY ask for."""
    folder = environ.get("DOCKER_CERT_PATH", "")
    if folder:
        return _tls_in(Path(folder)) or TlsFiles()
    if environ.get("DOCKER_TLS_VERIFY"):
        return _tls_in(_docker_config(environ)) or TlsFiles()
    return None


def _tls_in(folder: Path) -> TlsFiles | None:
    """Return the PEM files docker keeps in `folder`; None when there is none."""
    paths = [str(p) if p.is_file() else "" for p in (folder / n for n in _PEM)]
    return TlsFiles(*paths) if any(paths) else None


_PEM = ("ca.pem", "cert.pem", "key.pem")


def _docker_config(environ: Mapping[str, str]) -> Path:
    folder = environ.get("DOCKER_CONFIG", "")
    if folder:
        return Path(folder)
    return Path(environ.get("HOME") or "/nonexistent") / ".docker"


def _document(path: Path) -> dict[str, Any]:
    value = parse_json(read_file(path, _MAX_FILE, follow=True), str(path), _MAX_FILE)
    return value if isinstance(value, dict) else {}
