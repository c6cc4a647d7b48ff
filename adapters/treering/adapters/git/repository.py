"""Opening a git repository for reading.

Owns the checks before anything is read: libgit2 decides whether the repository belongs to this
user, has a format it knows and a configuration that parses. Nothing here sets
``safe.directory``, and there is no switch that skips the ownership check.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from treering.adapters.git.objects import Objects
from treering.core import files
from treering.core.errors import (
    Damaged,
    NotPermitted,
    NotRecognised,
    SourceError,
    TreeringError,
    Unreachable,
)

_MAX_SHALLOW = 4 * 1024 * 1024


@dataclass(slots=True)
class Repository:
    """An open repository: where HEAD is, what its worktrees share, its objects, its cut edge."""

    directory: Path
    common: Path
    objects: Objects
    shallow: frozenset[str]


def open_repository(path: Path, *, audit: bool = False) -> Repository:
    """Open the repository at `path`: a working tree, a linked worktree or a bare repository.

    Raises `Unreachable`, `NotRecognised` (also for object formats libgit2 does not read),
    `NotPermitted` for a repository of another user, and `Damaged`.
    """
    import pygit2  # noqa: PLC0415 -- heavy, and only where it is used

    _check_plain(path)
    try:
        opened = pygit2.Repository(str(path))
    except (pygit2.GitError, ValueError) as error:
        raise _meaning(str(error), path, audit=audit) from error
    directory = Path(opened.path)
    common = _common(directory)
    return Repository(directory, common, Objects(common / "objects"), _shallow(common))


def looks_like_repository(path: Path) -> bool:
    """Tell whether `path` has a ``.git`` or is a bare repository, by its names alone."""
    if (path / ".git").exists():
        return True
    return (path / "HEAD").is_file() and all((path / d).is_dir() for d in ("objects", "refs"))


def _check_plain(path: Path) -> None:
    """Refuse what is no directory, and pipes that opening would wait on for ever."""
    try:
        if not stat.S_ISDIR(path.stat().st_mode):
            raise NotRecognised(f"{path} is not a directory")
        for name in _FIRST_READ:
            file = path / name
            mode = file.stat().st_mode if file.exists() else stat.S_IFREG
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                raise NotRecognised(f"{file} is neither a file nor a directory")
    except OSError as error:
        raise files.from_os_error(error, str(path)) from error


_FIRST_READ = (".git", ".git/HEAD", ".git/config", ".git/commondir", "HEAD", "config", "commondir")


def _meaning(reason: str, path: Path, *, audit: bool) -> TreeringError:
    """Return what a failure to open means."""
    if "not owned by" in reason:
        hint = "read it as its owner, or read a clone of your own"
        if not audit:
            hint += "; if you trust it, `git config --global --add safe.directory DIRECTORY`"
        return NotPermitted(f"{path} is not owned by the current user", hint)
    if "object format" in reason:
        return NotRecognised(
            f"{path}: {_reason(reason, path)}", "treering reads repositories with sha1 object ids"
        )
    if "extension" in reason:
        return NotRecognised(
            f"{path}: {_reason(reason, path)}", "it uses a format this libgit2 does not read"
        )
    if "ot found" in reason:
        if not path.exists():
            return Unreachable(f"{path} does not exist", "check the path")
        return NotRecognised(f"{path} is not a git repository", "name the directory with .git")
    return Damaged(f"{path}: {_reason(reason, path)}")


def _reason(reason: str, path: Path) -> str:
    return reason.removeprefix(f"{path}: ")


def _common(directory: Path) -> Path:
    """Return what a linked worktree shares with its main one (gitrepository-layout(5))."""
    try:
        named = files.read_file(directory / "commondir", 4096).strip()
    except Unreachable:
        return directory
    return Path(os.path.normpath(directory / os.fsdecode(named)))


def _shallow(common: Path) -> frozenset[str]:
    """Return the commits at which a shallow clone was cut off."""
    return frozenset(_lines(common / "shallow"))


def _lines(path: Path) -> Iterator[str]:
    try:
        raw = files.read_file(path, _MAX_SHALLOW)
    except Unreachable:
        return
    except SourceError:
        raise
    yield from (line.decode("ascii", "replace").strip() for line in raw.split(b"\n") if line)
