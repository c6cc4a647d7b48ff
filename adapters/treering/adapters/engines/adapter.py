"""How container engines are opened, found and examined. Imports no client library."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from treering.adapters.engines import contexts
from treering.core.ports import Adapter, Check, Reader, SourceSpec
from treering.core.text import safe


def _open(spec: SourceSpec, audit: bool) -> Reader:  # noqa: FBT001 -- the shape of core.ports.Adapter.open
    from treering.adapters.engines.reader import EngineReader  # noqa: PLC0415 -- used when opened

    return EngineReader(spec.kind, spec.location, spec.name, audit=audit)


def _recognise(word: str) -> Callable[[Path], bool]:
    """Return a test for unix sockets with `word` in their name or that of their folder."""

    def recognise(path: Path) -> bool:
        named = word in path.name or (word in path.parent.name and path.suffix == ".sock")
        return named and contexts.is_socket(str(path))

    return recognise


def _discover(kind: str) -> Callable[[Mapping[str, str]], Sequence[SourceSpec]]:
    """Return a function that lists the engines of `kind` found in an environment."""

    def discover(environ: Mapping[str, str]) -> Sequence[SourceSpec]:
        return contexts.discover(kind, environ)

    return discover


def _doctor() -> Sequence[Check]:
    """Say whether the docker SDK is installed, without importing it."""
    try:
        found = version("docker")
    except PackageNotFoundError:
        return (Check(safe("docker SDK"), ok=False, detail=safe("missing: pip install docker")),)
    return (Check(safe("docker SDK"), ok=True, detail=safe(found)),)


ADAPTERS: tuple[Adapter, ...] = (
    Adapter(
        kind="docker",
        summary="Docker Engine: a socket, tcp://, ssh:// or context:NAME; empty for the default",
        open=_open,
        recognise=_recognise("docker"),
        discover=_discover("docker"),
        doctor=_doctor,
    ),
    Adapter(
        kind="podman",
        summary="Podman's socket: a path, tcp:// or ssh://; empty for the default",
        open=_open,
        recognise=_recognise("podman"),
        discover=_discover("podman"),
        doctor=_doctor,
    ),
)
