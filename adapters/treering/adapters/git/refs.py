"""The references of a git repository: branches, remote branches, tags and HEAD.

Owns the two places they are kept in, ``refs/`` and ``packed-refs`` (gitrepository-layout(5),
git-pack-refs(1)). A reference that is broken becomes a problem and the others are read. Reads no
object and writes nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from treering.core import files
from treering.core.errors import Damaged, LimitExceeded, SourceError, Unreachable
from treering.core.ports import ReadContext

MAX_REFS = 50_000
MAX_PACKED = 64 * 1024 * 1024
"""Largest ``packed-refs`` in bytes."""

_MAX_LOOSE = 4096
_MAX_DEPTH = 32
_MAX_LINKS = 5
_SPACES = ("refs/heads", "refs/remotes", "refs/tags")
_LINE = re.compile(rb"([0-9a-f]{40}) ([^\x00-\x20\x7f]+)\s*\Z")
_OID = re.compile(rb"[0-9a-f]{40}\s*\Z")


@dataclass(slots=True)
class Refs:
    """Full names of references with the object each names, and what HEAD is.

    `head` is the commit HEAD names, "" on an unborn branch; `detached` tells that it does so
    without a branch.
    """

    targets: dict[str, str] = field(default_factory=dict)
    head: str = ""
    detached: bool = False


def read_refs(directory: Path, common: Path, context: ReadContext) -> Refs:
    """Return the references of a repository.

    `directory` holds HEAD, `common` what all its worktrees share. Raises `LimitExceeded` above
    50,000 references.
    """
    values: dict[str, str] = dict(_packed(common, context))
    for name in _loose_names(common, context):
        try:
            values[name] = _read(common / name)
        except SourceError as error:
            values.pop(name, None)
            context.problem(name, error.message)
    refs = Refs()
    for name, value in values.items():
        if name.startswith(tuple(f"{space}/" for space in _SPACES)):
            target = _follow(value, values)
            if target:
                refs.targets[name] = target
    _head(directory, values, refs, context)
    return refs


def _head(directory: Path, values: dict[str, str], refs: Refs, context: ReadContext) -> None:
    try:
        value = _read(directory / "HEAD")
    except SourceError as error:
        context.problem("HEAD", error.message)
        return
    refs.detached = not value.startswith("ref: ")
    refs.head = _follow(value, values)


def _follow(value: str, values: dict[str, str]) -> str:
    """Return the object a reference names in the end, "" where it leads to none."""
    for _ in range(_MAX_LINKS):
        if not value.startswith("ref: "):
            return value
        value = values.get(value.removeprefix("ref: "), "")
    return ""


def _read(path: Path) -> str:
    """Return what a reference file says: an object id, or ``ref: `` and a name."""
    raw = files.read_file(path, _MAX_LOOSE)
    if _OID.match(raw):
        return raw.strip().decode("ascii")
    if raw.startswith(b"ref:"):
        return "ref: " + os.fsdecode(raw[4:].strip())
    raise Damaged("is not a reference git can read" if raw else "is empty")


def _loose_names(common: Path, context: ReadContext) -> Iterator[str]:
    """Yield the full names of reference files, sorted in each directory."""
    count = 0
    waiting = [(space, 0) for space in reversed(_SPACES)]
    while waiting:
        context.check()
        name, depth = waiting.pop()
        try:
            entries = files.list_directory(common / name, MAX_REFS)
        except Unreachable:
            continue
        except LimitExceeded:
            raise
        except SourceError as error:
            context.problem(name, error.message)
            continue
        for entry in entries:
            path = f"{name}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                if depth >= _MAX_DEPTH:
                    raise LimitExceeded(f"{common}: references are nested deeper than {_MAX_DEPTH}")
                waiting.append((path, depth + 1))
            elif not entry.name.endswith(".lock"):
                count += 1
                if count > MAX_REFS:
                    raise LimitExceeded(f"{common} has more than {MAX_REFS} references")
                yield path


def _packed(common: Path, context: ReadContext) -> Iterator[tuple[str, str]]:
    """Yield name and object id of each line of ``packed-refs``."""
    try:
        raw = files.read_file(common / "packed-refs", MAX_PACKED, follow=True)
    except Unreachable:
        return
    except SourceError as error:
        context.problem("packed-refs", error.message)
        return
    count = 0
    for number, line in enumerate(raw.split(b"\n"), start=1):
        if not line or line.startswith((b"#", b"^")):
            continue
        match = _LINE.match(line)
        if match is None:
            context.problem("packed-refs", f"line {number} is not a reference")
            continue
        count += 1
        if count > MAX_REFS:
            raise LimitExceeded(f"{common}/packed-refs has more than {MAX_REFS} references")
        yield os.fsdecode(match[2]), match[1].decode("ascii")
