"""How git repositories are opened, recognised and examined. Importing it imports nothing heavy."""

from __future__ import annotations

from importlib import metadata

from treering.adapters.git.reader import GitReader
from treering.adapters.git.repository import looks_like_repository
from treering.core.ports import Adapter, Check, Reader, SourceSpec
from treering.core.text import safe


def _open(spec: SourceSpec, audit: bool) -> Reader:  # noqa: FBT001 -- the port's signature
    return GitReader(spec.location, spec.name, audit)


def _doctor() -> tuple[Check, ...]:
    """Return the versions of pygit2 and of the libgit2 inside it."""
    try:
        version = metadata.version("pygit2")
    except metadata.PackageNotFoundError:
        why = "not installed; git repositories cannot be read (pip install pygit2)"
        return (Check(safe("pygit2"), ok=False, detail=safe(why)),)
    try:
        from pygit2 import LIBGIT2_VERSION  # noqa: PLC0415 -- heavy, and only where it is used
    except ImportError as error:
        return (Check(safe("pygit2"), ok=False, detail=safe(f"{version}: {error}")),)
    detail = safe(f"{version} with libgit2 {LIBGIT2_VERSION}")
    return (Check(safe("pygit2"), ok=True, detail=detail),)


ADAPTERS = (
    Adapter(
        kind="git",
        summary="commits, branches and tags of a git repository",
        open=_open,
        recognise=looks_like_repository,
        doctor=_doctor,
    ),
)
