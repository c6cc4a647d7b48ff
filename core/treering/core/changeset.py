"""One layer as a list of changes: the members of its tar, normalised, whiteouts told apart.

Owns the way from `core.tar.Member` to `core.trees.Entry`: names become absolute paths that cannot
leave the root, ``.wh.`` names become what they hide (image-spec, layer.md, Whiteouts), hard links
name what they link to, and the content is hashed in passing. What layers mean one over the other
is in `core.overlay`. Pure but for the scanner it reads from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import sha256

from treering.core.errors import Damaged, LimitExceeded
from treering.core.ids import Digest
from treering.core.tar import Member, Scanner, Type
from treering.core.text import safe
from treering.core.trees import ROOT, Entry, EntryType

MAX_ENTRIES = 500_000
"""Most entries of one layer, and of all layers of an image together."""
MAX_PATH = 4096
"""Longest path in bytes, the ``PATH_MAX`` of Linux."""
MAX_TEXT = 256 * 1024 * 1024
"""Most bytes of paths, link targets and attributes kept of one layer."""
MAX_HOLES = 1024 * 1024 * 1024
"""Most bytes of holes in sparse files hashed for one layer: they cost time and no archive."""
WHITEOUT = b".wh."
OPAQUE = b".wh..wh..opq"
AUFS = b".wh..wh."
"""Names by which AUFS kept books of its own; engines never unpack them."""

_EMPTY = Digest("sha256:" + sha256().hexdigest())
_TYPES = {
    Type.FILE: EntryType.FILE,
    Type.UNKNOWN: EntryType.FILE,
    Type.HARDLINK: EntryType.FILE,
    Type.SYMLINK: EntryType.LINK,
    Type.CHARACTER: EntryType.CHARACTER,
    Type.BLOCK: EntryType.BLOCK,
    Type.DIRECTORY: EntryType.DIRECTORY,
    Type.FIFO: EntryType.FIFO,
}
_FIRST, _LAST = -62_135_596_800, 253_402_300_799
"""The years 1 and 9999, in seconds: what a date can be written of."""
_NANO = 1_000_000_000


def absolute(name: bytes) -> tuple[bytes, bool]:
    """Return a member's name as an absolute path, and whether it tried to leave the root.

    ``..`` at the root stays there, as it does for an engine that unpacks inside a root.
    """
    if name[:1] not in b"./" and b"/." not in name and b"//" not in name:
        return b"/" + name.removesuffix(b"/"), False
    parts: list[bytes] = []
    left = False
    for part in name.split(b"/"):
        if part == b"..":
            left = left or not parts
            del parts[-1:]
        elif part not in {b"", b"."}:
            parts.append(part)
    return b"/" + b"/".join(parts), left


def changes(
    scanner: Scanner,
    *,
    whiteouts: bool = True,
    digests: bool = True,
    max_entries: int = MAX_ENTRIES,
    note: Callable[[str], None] = lambda _text: None,
) -> Iterator[Entry]:
    """Yield the changes of one layer in the order of its archive.

    A whiteout has the path it is stored under, and what it hides as its `target`; of an opaque
    marker that is its directory. A hard link is a file of no size with `same_as`, whatever it
    links to. `held` counts from layer 0. Without `whiteouts` such names are plain files. `note`
    is told what was made of odd names.

    Raises `Damaged` and `LimitExceeded` as the scanner does, for a whiteout that names nothing,
    for a path longer than `MAX_PATH`, more than `MAX_TEXT` in all or more than `max_entries`.
    """
    outside = text = count = 0
    example = b""
    hasher = _Hasher(scanner) if digests else None
    for member in scanner:
        count += 1
        if count > max_entries:
            raise LimitExceeded(f"{scanner.what} has more than {max_entries} entries")
        path, left = absolute(member.name)
        if left:
            outside += 1
            example = example or member.name
        if len(path) > MAX_PATH:
            raise LimitExceeded(f"{scanner.what}: a path of {len(path)} bytes, {safe(path, 60)}")
        if whiteouts and b"/.wh." in path:
            marker = _marker(path, scanner.what)
            if marker is not None:
                yield marker
                continue
        if path == ROOT and member.type is not Type.DIRECTORY:
            note(f"a {member.type} in place of the root directory is left out")
            continue
        entry = _entry(member, path, hasher)
        text += len(path) + len(entry.target) + len(entry.same_as)
        text += sum(len(key) + len(value) for key, value in entry.xattrs)
        if text > MAX_TEXT:
            raise LimitExceeded(f"{scanner.what}: more than {MAX_TEXT} bytes of names")
        yield entry
    if outside:
        note(f"{outside} names lead out of the root, such as {safe(example, 100)}: shown inside it")


def _marker(path: bytes, what: str) -> Entry | None:
    """Return the whiteout or opaque marker at `path`, or None for any other name."""
    above, _, name = path.rpartition(b"/")
    if not name.startswith(WHITEOUT):
        return None
    if name == OPAQUE:
        return Entry(path=path, type=EntryType.OPAQUE, target=above or ROOT)
    if name.startswith(AUFS):
        return None
    hidden = name.removeprefix(WHITEOUT)
    if hidden in {b"", b".", b".."}:
        raise Damaged(f"{what}: the whiteout {safe(path, 200)} names nothing")
    return Entry(path=path, type=EntryType.WHITEOUT, target=above + b"/" + hidden)


def _entry(member: Member, path: bytes, hasher: _Hasher | None) -> Entry:
    link = member.type is Type.HARDLINK
    type_ = _TYPES[member.type]
    regular = type_ is EntryType.FILE and not link
    return Entry(
        path=path,
        type=type_,
        mode=member.mode & 0o7777,
        uid=member.uid,
        gid=member.gid,
        size=member.size if regular else 0,
        target=member.linkname if type_ is EntryType.LINK else b"",
        device=member.device,
        xattrs=tuple(sorted(member.xattrs.items())) if member.xattrs else (),
        digest=hasher.digest_of(member) if regular and hasher else None,
        same_as=absolute(member.linkname)[0] if link else b"",
        mtime=_seconds(member.mtime),
        held=None if link else (0, member.offset),
    )


def _seconds(nanoseconds: int) -> float | None:
    """Return a time in seconds, or None for one that no calendar has."""
    return nanoseconds / _NANO if _FIRST <= nanoseconds // _NANO <= _LAST else None


def parts_of(path: bytes) -> list[bytes]:
    """Return the names on the way to an absolute path; none for the root."""
    return path[1:].split(b"/") if path != ROOT else []


class _Hasher:
    """Hashes the members of one archive, holes of sparse files up to `MAX_HOLES` in all."""

    def __init__(self, scanner: Scanner) -> None:
        self._scanner = scanner
        self._holes = MAX_HOLES

    def digest_of(self, member: Member) -> Digest | None:
        """Return the digest of the member that is read now, None beyond the limit."""
        if not member.size:
            return _EMPTY
        self._holes -= member.size - member.stored
        if self._holes < 0:
            return None
        found = sha256()
        for chunk in self._scanner.content():
            found.update(chunk)
        return Digest("sha256:" + found.hexdigest())
