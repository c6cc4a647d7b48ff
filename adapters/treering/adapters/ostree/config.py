"""The configuration of a repository: its mode, its parent, its remotes.

Owns key files as GLib writes them (GKeyFile) and what ``config`` means. Values that bear on
writing only (free space, hooks, signing) are not looked at.

Source: man ostree.repo-config(5); "Key file parser", GLib.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from treering.core.errors import Damaged, NotRecognised, SourceError, Unreachable
from treering.core.files import list_directory, read_file

KeyFile = Mapping[str, Mapping[str, str]]
"""Groups, each with its keys and values; the last of several equal keys counts."""

MAX_CONFIG: Final = 1 << 20
SYSTEM_REMOTES: Final = Path("/etc/ostree/remotes.d")
_REMOTE: Final = re.compile(r'remote "([^"]*)"')
_ESCAPES: Final = {"s": " ", "n": "\n", "t": "\t", "r": "\r", "\\": "\\"}


class Mode(StrEnum):
    """How a repository stores content objects (docs/repo.md, Repository types)."""

    ARCHIVE = "archive"
    BARE = "bare"
    BARE_USER = "bare-user"
    BARE_USER_ONLY = "bare-user-only"
    BARE_SPLIT_XATTRS = "bare-split-xattrs"


@dataclass(frozen=True, slots=True)
class Config:
    """What of a repository's configuration matters for reading.

    `collections` are the collection ids of remotes by remote name, `parent` the path of the
    repository that objects missing here are looked up in.
    """

    mode: Mode
    parent: str = ""
    collection: str = ""
    collections: Mapping[str, str] = field(default_factory=dict)


def read_config(path: Path, remotes: Path | None = None) -> Config:
    """Return the configuration in the file `path`, with the remotes in the directory `remotes`.

    Raises `NotRecognised` when it is no repository's, and as `read_file` does.
    """
    groups = read_key_file(path)
    core = groups.get("core", {})
    if core.get("repo_version") != "1":
        version = core.get("repo_version", "none")
        raise NotRecognised(
            f"{path} is not the configuration of an OSTree repository: repo_version is {version!r}",
            "treering reads repositories of version 1",
        )
    if core.get("archive") in {"true", "1"}:
        raise NotRecognised(f"{path} has archive=true, a form libostree no longer reads")
    groups = {**groups, **_system_remotes(remotes)}
    collections = {
        match.group(1): group["collection-id"]
        for name, group in groups.items()
        if (match := _REMOTE.fullmatch(name)) and group.get("collection-id")
    }
    mode = _mode(core.get("mode", "bare"), path)
    return Config(mode, core.get("parent", ""), core.get("collection-id", ""), collections)


def read_key_file(path: Path) -> KeyFile:
    """Return the groups of a key file. Raises `NotRecognised` for a line that is none of it."""
    try:
        text = read_file(path, MAX_CONFIG).decode()
    except UnicodeDecodeError as error:
        raise NotRecognised(f"{path} is not UTF-8") from error
    groups: dict[str, dict[str, str]] = {}
    group: dict[str, str] | None = None
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        key, equals, value = stripped.partition("=")
        if stripped.startswith("[") and stripped.endswith("]"):
            group = groups.setdefault(stripped[1:-1], {})
        elif group is not None and equals and key.strip():
            group[key.strip()] = _unescaped(value.lstrip())
        else:
            raise NotRecognised(f"{path} line {number} is neither a group nor a key")
    return groups


def _unescaped(value: str) -> str:
    return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m.group(1), m.group(0)), value)


def _mode(name: str, path: Path) -> Mode:
    try:
        return Mode("archive" if name == "archive-z2" else name)
    except ValueError as error:
        raise NotRecognised(f"{path} has the unknown mode {name[:100]!r}") from error


def _system_remotes(directory: Path | None) -> dict[str, Mapping[str, str]]:
    """Return the groups of a remotes.d directory; without one, or with one unreadable, none."""
    found: dict[str, Mapping[str, str]] = {}
    if directory is None:
        return found
    try:
        for entry in list_directory(directory, 1000):
            if entry.name.endswith(".conf"):
                found.update(read_key_file(directory / entry.name))
    except (SourceError, Damaged, Unreachable):
        return found
    return found
