"""What file trees of the demo world are made of, whichever format they are written in.

Owns the description of one path. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Type(Enum):
    """What a path is."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    HARDLINK = "hardlink"


@dataclass(frozen=True, slots=True)
class Item:
    """One path, relative and without a leading slash; owned by root.

    `target` is where a symbolic link points, or the path a hard link shares its file with.
    """

    path: str
    type: Type
    mode: int
    data: bytes = b""
    target: str = ""


def file(path: str, text: str | bytes, mode: int = 0o644) -> Item:
    """Return a regular file."""
    data = text.encode("utf-8") if isinstance(text, str) else text
    return Item(path, Type.FILE, mode, data)


def directory(path: str, mode: int = 0o755) -> Item:
    """Return a directory."""
    return Item(path, Type.DIRECTORY, mode)


def symlink(path: str, target: str) -> Item:
    """Return a symbolic link."""
    return Item(path, Type.SYMLINK, 0o777, target=target)


def whiteout(path: str) -> Item:
    """Return the mark by which a layer removes `path` (image-spec, layer.md, Whiteouts)."""
    parent, slash, name = path.rpartition("/")
    return Item(f"{parent}{slash}.wh.{name}", Type.FILE, 0o644)


def with_parents(items: list[Item]) -> list[Item]:
    """Return `items` sorted by path, the directories they lie in added where they are missing."""
    known = {item.path: item for item in items}
    for item in items:
        parent = item.path.rpartition("/")[0]
        while parent and parent not in known:
            known[parent] = directory(parent)
            parent = parent.rpartition("/")[0]
    return [known[path] for path in sorted(known)]
