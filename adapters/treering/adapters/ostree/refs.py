"""Refs: names of commits, local, of remotes and of mirrored collections.

Owns the layout of ``refs/``, which names are refs, aliases, and which refs only serve ostree,
rpm-ostree or bootc themselves.

Source: docs/repo.md, Refs; ostree-repo-refs.c; ostree-core.h (ref fragments).
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from treering.adapters.ostree.objects import Checksum, is_checksum
from treering.core.errors import SourceError, Unreachable
from treering.core.files import from_os_error, list_directory, read_file

Tell = Callable[[str, str], None]
"""Takes a subject and why it could not be read."""

MAX_REFS: Final = 100_000
MAX_DEPTH: Final = 64
_MAX_FILE: Final = 4096
_MAX_ALIASES: Final = 8
_PART: Final = re.compile(r"[A-Za-z0-9_][-._A-Za-z0-9]*")
_INTERNAL: Final = re.compile(
    r"ostree/[0-9]+/[0-9]+/[0-9]+|rpmostree/(?:base|pkg)/.*"
    r"|ostree/container/(?:blob|image|baseimage)/.*|ostree-metadata"
)
_IMAGE: Final = "ostree/container/image/"
_ESCAPE: Final = re.compile(r"__|_([0-9A-F]{1,6})_")


@dataclass(frozen=True, slots=True, order=True)
class RefName:
    """What a ref is called: its name, and the remote or the mirrored collection it belongs to."""

    name: str
    remote: str = ""
    mirror: str = ""

    @property
    def refspec(self) -> str:
        """``name``, ``remote:name`` or ``mirrors/collection/name``."""
        if self.remote:
            return f"{self.remote}:{self.name}"
        return f"mirrors/{self.mirror}/{self.name}" if self.mirror else self.name

    @property
    def internal(self) -> bool:
        """Tell whether it serves the tools themselves: deployments, layers, summaries."""
        return _INTERNAL.fullmatch(self.name) is not None


@dataclass(frozen=True, slots=True)
class Ref:
    """A ref and the commit it names. `alias` is the ref it is a symbolic link to, if it is one.

    `collection` is the collection id it belongs to, "" when its place has none.
    """

    name: RefName
    checksum: Checksum
    alias: RefName | None = None
    collection: str = ""


def is_ref_name(name: str) -> bool:
    """Tell whether libostree allows `name` for a ref."""
    return all(_PART.fullmatch(part) for part in name.split("/"))


def image_of(name: str) -> str:
    """Return the image reference, as ``docker://host/name:tag``, a container image ref stands for.

    "" for any other ref.
    """
    if not name.startswith(_IMAGE):
        return ""
    return _ESCAPE.sub(_unescape, name.removeprefix(_IMAGE))


def read_refs(root: Path, tell: Tell) -> Iterator[Ref]:
    """Yield every ref under ``refs/`` of the repository at `root`, in order of place and name.

    What is no ref goes to `tell`; files beginning with a dot are skipped, as libostree does.
    """
    left = MAX_REFS
    for place, path in _places(root, tell):
        for name, entry in _walk(path, tell):
            if not left:
                tell(str(root / "refs"), f"there are more than {MAX_REFS} refs")
                return
            left -= 1
            full = RefName(name, place.remote, place.mirror)
            try:
                yield _read(root, full, Path(entry.path), is_link=entry.is_symlink())
            except SourceError as error:
                tell(f"ref {full.refspec}", str(error))


def read_ref(root: Path, name: RefName) -> Checksum | None:
    """Return the commit a ref names, following aliases; None when there is no such ref.

    Raises `SourceError` for a ref that cannot be read.
    """
    owner = name.remote or name.mirror
    if not is_ref_name(name.name) or (owner and not _PART.fullmatch(owner)):
        return None
    path = root / _path_of(name)
    try:
        return _read(root, name, path, is_link=path.is_symlink()).checksum
    except Unreachable:
        return None


def _places(root: Path, tell: Tell) -> Iterator[tuple[RefName, Path]]:
    """Yield the directories that hold refs, each with a name that says whose they are."""
    refs = root / "refs"
    yield RefName(""), refs / "heads"
    for kind in ("remotes", "mirrors"):
        for entry in _list(refs / kind, tell):
            if entry.is_dir(follow_symlinks=False) and _PART.fullmatch(entry.name):
                remote, mirror = (entry.name, "") if kind == "remotes" else ("", entry.name)
                yield RefName("", remote, mirror), Path(entry.path)


def _walk(top: Path, tell: Tell) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yield every file and link below `top` with its ref name."""
    stack: list[tuple[str, list[os.DirEntry[str]]]] = [("", _list(top, tell)[::-1])]
    while stack:
        prefix, entries = stack[-1]
        if not entries:
            stack.pop()
            continue
        entry = entries.pop()
        name = prefix + entry.name
        if not _PART.fullmatch(entry.name):
            if not entry.name.startswith("."):
                tell(f"ref {name}", "this is no name for a ref")
        elif not entry.is_dir(follow_symlinks=False):
            yield name, entry
        elif len(stack) < MAX_DEPTH:
            stack.append((f"{name}/", _list(Path(entry.path), tell)[::-1]))
        else:
            tell(f"ref {name}", f"refs are nested deeper than {MAX_DEPTH}")


def _list(path: Path, tell: Tell) -> list[os.DirEntry[str]]:
    try:
        return list_directory(path, MAX_REFS)
    except Unreachable:
        return []
    except SourceError as error:
        tell(str(path), str(error))
        return []


def _read(root: Path, name: RefName, path: Path, *, is_link: bool) -> Ref:
    """Return one ref. Raises `SourceError`."""
    alias: RefName | None = None
    for _ in range(_MAX_ALIASES):
        if not is_link:
            return Ref(name, _checksum_in(path), alias)
        target = _target(root, path)
        alias = alias or target
        path = root / _path_of(target)
        is_link = path.is_symlink()
    raise Unreachable("its aliases go on in a circle")


def _checksum_in(path: Path) -> Checksum:
    text = read_file(path, _MAX_FILE).decode("utf-8", "replace").rstrip()
    if not is_checksum(text):
        raise SourceError(f"{path} holds no checksum")
    return Checksum(text)


def _target(root: Path, path: Path) -> RefName:
    """Return the ref that the symbolic link at `path` points at; it may not leave ``refs/``."""
    try:
        link = os.readlink(path)  # noqa: PTH115 -- the text as it is
    except OSError as error:
        raise from_os_error(error, str(path)) from error
    place = path.parent.relative_to(root).as_posix()
    target = posixpath.normpath(posixpath.join(place, link))
    name = _name_of(target)
    if name is None:
        raise SourceError(f"it is a link to {link[:200]!r}, which is no ref")
    return name


def _name_of(path: str) -> RefName | None:
    """Return the ref whose file is `path`, relative to the repository."""
    place, _, rest = path.removeprefix("refs/").partition("/")
    if not path.startswith("refs/") or not is_ref_name(rest):
        return None
    if place == "heads":
        return RefName(rest)
    owner, _, name = rest.partition("/")
    if place not in {"remotes", "mirrors"} or not name:
        return None
    return RefName(name, remote=owner) if place == "remotes" else RefName(name, mirror=owner)


def _path_of(name: RefName) -> str:
    if name.remote:
        return f"refs/remotes/{name.remote}/{name.name}"
    return f"refs/mirrors/{name.mirror}/{name.name}" if name.mirror else f"refs/heads/{name.name}"


def _unescape(match: re.Match[str]) -> str:
    code = int(match.group(1) or "5F", 16)
    return chr(code) if code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else match.group(0)  # noqa: PLR2004 -- Unicode
