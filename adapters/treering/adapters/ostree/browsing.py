"""The files of a commit, opened directory by directory as they are asked for.

Owns `core.ports.Tree` over a repository: one dirtree is read for one directory, the digest of a
subtree is made of what names it, and content is hashed where that is cheap. Nothing but objects
of the tree is read; nothing is unpacked to a disk.

Source: docs/repo.md; the digest of a directory is the ContentChecksum of `ostree show`.
"""

from __future__ import annotations

import stat
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from hashlib import sha256
from operator import itemgetter
from pathlib import Path
from typing import Final

from treering.adapters.ostree.config import Mode
from treering.adapters.ostree.content import Content
from treering.adapters.ostree.objects import Checksum, DirMeta, DirTree, content_header
from treering.adapters.ostree.papers import documents
from treering.adapters.ostree.repo import Missing, Repository, object_name
from treering.core import ids
from treering.core.diff.ports import Pair
from treering.core.errors import Damaged, LimitExceeded, NotRecognised
from treering.core.ids import Digest, Kind, NodeId
from treering.core.ports import Document, ReadContext, Tree
from treering.core.text import safe
from treering.core.trees import ROOT, Entry, EntryType

MAX_DEPTH: Final = 512
MAX_ENTRIES: Final = 1_000_000
"""Most entries of one walk: a few objects can name each other into any number of paths."""
MAX_VERIFIED: Final = 16 * 1024 * 1024
"""Largest file in bytes that is hashed whole when its beginning is read."""
_MAX_KEPT: Final = 50_000
"""Most names of directories kept in memory."""
_MAX_CONTENTS: Final = 1000
"""Most content objects whose headers are."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A directory: the checksums of its dirtree and its dirmeta."""

    tree: Checksum
    meta: Checksum


class CommitTree:
    """The tree of one commit. `check` is called between objects and may raise to stop.

    Every method raises `Missing` for an object that is not in the repository, `Damaged` for a
    metadata object, or a file of up to `MAX_VERIFIED` bytes, that does not hash to its name, and
    other `SourceError`. `exact` tells that every object holds all its checksum is over.
    """

    def __init__(
        self,
        repository: Repository,
        tree: Checksum,
        meta: Checksum,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self._repository = repository
        self._root = _Place(tree, meta)
        self.exact = repository.config.mode in _EXACT and repository.parent is None
        self._check = check
        self._trees: OrderedDict[Checksum, DirTree] = OrderedDict()
        self._names = 0
        self._metas: dict[Checksum, DirMeta] = {}
        self._contents: dict[Checksum, Content] = {}

    def entry(self, path: bytes) -> Entry:
        """Return what stands at `path`. Raises `KeyError`."""
        found = self._find(path)
        if isinstance(found, _Place):
            return self._directory(path, found)
        return self._file(path, found)

    def children(self, path: bytes) -> Sequence[Entry]:
        """Return what stands directly in a directory, in byte order. Raises `KeyError`."""
        found = self._find(path)
        return self._below(path, found) if isinstance(found, _Place) else ()

    def entries(self) -> Iterator[Entry]:
        """Yield every entry. Raises `LimitExceeded` beyond `MAX_DEPTH` or `MAX_ENTRIES`."""
        left = MAX_ENTRIES
        stack = [self._directory(ROOT, self._root)]
        while stack:
            entry = stack.pop()
            left -= 1
            if left < 0:
                raise LimitExceeded(f"the tree has more than {MAX_ENTRIES} entries")
            yield entry
            if entry.type is EntryType.DIRECTORY:
                stack.extend(reversed(self.children(entry.path)))

    def subtree(self, path: bytes) -> Digest | None:
        """Return a digest of all that stands at a path: equal means equal, attributes included.

        Of a directory that is the hash of its dirtree's and dirmeta's checksums, of a file or
        link the checksum of its content object. Raises `KeyError`.
        """
        found = self._find(path)
        if isinstance(found, _Place):
            names = bytes.fromhex(found.tree) + bytes.fromhex(found.meta)
            return Digest(f"sha256:{sha256(names).hexdigest()}")
        return Digest(f"sha256:{found}")

    def read(self, path: bytes, limit: int) -> bytes:
        """Return at most `limit` bytes of a file, verified up to `MAX_VERIFIED`."""
        name = self._find(path)
        if isinstance(name, _Place):
            raise Damaged(f"{safe(path, 200)} is a directory, not a file")
        content = self._repository.content(name)
        if content.is_link:
            raise Damaged(f"{safe(path, 200)} is a link, not a file")
        whole = content.size <= MAX_VERIFIED
        digest = sha256(_hashed_before(content))
        pieces: list[bytes] = []
        left = limit
        for chunk in self._repository.read_content(name):
            self._check()
            digest.update(chunk)
            pieces.append(chunk[: max(left, 0)])
            left -= len(chunk)
            if left <= 0 and not whole:
                break
        if whole and digest.hexdigest() != name:
            where = object_name(name, "file")
            raise Damaged(f"{where}, {safe(path, 200)}, does not hash to its name")
        return b"".join(pieces)

    def differing(self, path: bytes, other: Tree) -> Sequence[Pair] | None:
        """Return what in a directory another commit may have otherwise.

        As `core.diff.ports.Telling` says: of what is equal nothing is read.
        """
        if not isinstance(other, CommitTree):
            return None
        mine, theirs = self.names_in(path), other.names_in(path)
        if mine is None or theirs is None:
            return None
        start = path.rstrip(b"/") + b"/"
        ours = self.placed(start, *_apart(mine, theirs))
        others = other.placed(start, *_apart(theirs, mine))
        found: list[Pair] = [(entry, others.pop(name, None)) for name, entry in ours.items()]
        return found + [(None, entry) for entry in others.values()]

    def same_content(self, path: bytes, other: Tree) -> bool | None:
        """Tell whether a file has one content in another commit, from the objects' names.

        As `core.diff.ports.Telling` says. A checksum is over owner, mode, attributes and content:
        where only the checksums differ it is the content. None where a copy may have lost some.
        """
        if not isinstance(other, CommitTree):
            return None
        mine, theirs = self.object_at(path), other.object_at(path)
        if mine is None or theirs is None:
            return None
        if mine.checksum == theirs.checksum:
            return True
        exact = self.exact and other.exact and _hashed_before(mine) == _hashed_before(theirs)
        return False if exact else None

    def names_in(self, path: bytes) -> DirTree | None:
        """Return the names in a directory with their checksums, None for what is none."""
        found = self._find(path)
        return self._tree(found.tree) if isinstance(found, _Place) else None

    def placed(self, start: bytes, files: Files, dirs: Directories) -> dict[str, Entry]:
        """Return entries for some of the names of one directory."""
        found: dict[str, Entry] = {}
        for name, content in files:
            found[name] = self._file(start + name.encode(), Checksum(content.hex()))
        for name, tree, meta in dirs:
            place = _Place(Checksum(tree.hex()), Checksum(meta.hex()))
            found[name] = self._directory(start + name.encode(), place)
        return found

    def object_at(self, path: bytes) -> Content | None:
        """Return the content object at a path, None for a directory. Raises `KeyError`."""
        found = self._find(path)
        return None if isinstance(found, _Place) else self._content_of(found)

    def digest(self, path: bytes, check: Callable[[], None]) -> Digest:
        """Return the digest of a file's content, verified; as `core.diff.ports.Hashing` says."""
        name = self._find(path)
        if isinstance(name, _Place):
            raise Damaged(f"{safe(path, 200)} is a directory, not a file")
        found, whole = sha256(), sha256(_hashed_before(self._repository.content(name)))
        for chunk in self._repository.read_content(name):
            check()
            found.update(chunk)
            whole.update(chunk)
        if self.exact and whole.hexdigest() != name:
            where = object_name(name, "file")
            raise Damaged(f"{where}, {safe(path, 200)}, does not hash to its name")
        return Digest(f"sha256:{found.hexdigest()}")

    def close(self) -> None:
        """Nothing is held open."""

    # -- inside --------------------------------------------------------------------------

    def _find(self, path: bytes) -> _Place | Checksum:
        """Return the directory, or the content object, at a path. Raises `KeyError`."""
        at = self._root
        if path == ROOT:
            return at
        if not path.startswith(ROOT) or path.count(b"/") > MAX_DEPTH:
            raise KeyError(path)
        *above, last = _names(path)
        for name in above:
            below = self._place(at, name)
            if below is None:
                raise KeyError(path)
            at = below
        found = self._place(at, last) or self._content(at, last)
        if found is None:
            raise KeyError(path)
        return found

    def _place(self, at: _Place, name: str) -> _Place | None:
        listed = self._tree(at.tree).dirs
        number = bisect_left(listed, name, key=_name_of)
        if number == len(listed) or listed[number][0] != name:
            return None
        return _Place(Checksum(listed[number][1].hex()), Checksum(listed[number][2].hex()))

    def _content(self, at: _Place, name: str) -> Checksum | None:
        listed = self._tree(at.tree).files
        number = bisect_left(listed, name, key=_name_of)
        if number == len(listed) or listed[number][0] != name:
            return None
        return Checksum(listed[number][1].hex())

    def _below(self, path: bytes, at: _Place) -> list[Entry]:
        start = path.rstrip(b"/") + b"/"
        if start.count(b"/") > MAX_DEPTH:
            raise LimitExceeded(f"{safe(path, 60)} is deeper than {MAX_DEPTH} directories")
        tree = self._tree(at.tree)
        found = []
        for name, content in tree.files:
            self._check()
            found.append(self._file(start + name.encode(), Checksum(content.hex())))
        for name, below, meta in tree.dirs:
            place = _Place(Checksum(below.hex()), Checksum(meta.hex()))
            found.append(self._directory(start + name.encode(), place))
        return sorted(found, key=lambda entry: entry.path)

    def _content_of(self, name: Checksum) -> Content:
        """Return a content object, from memory where it was looked at lately."""
        found = self._contents.get(name)
        if found is None:
            if len(self._contents) >= _MAX_CONTENTS:
                self._contents.clear()
            found = self._contents[name] = self._repository.content(name)
        return found

    def _file(self, path: bytes, name: Checksum) -> Entry:
        content = self._content_of(name)
        return Entry(
            path=path,
            type=EntryType.LINK if content.is_link else EntryType.FILE,
            mode=stat.S_IMODE(content.mode),
            uid=content.uid,
            gid=content.gid,
            size=content.size,
            target=content.target.encode(),
            xattrs=content.xattrs,
        )

    def _directory(self, path: bytes, place: _Place) -> Entry:
        meta = self._metas.get(place.meta)
        if meta is None:
            if len(self._metas) >= _MAX_KEPT:
                self._metas.clear()
            meta = self._metas[place.meta] = self._repository.dirmeta(place.meta)
        return Entry(
            path=path,
            type=EntryType.DIRECTORY,
            mode=stat.S_IMODE(meta.mode),
            uid=meta.uid,
            gid=meta.gid,
            xattrs=meta.xattrs,
        )

    def _tree(self, name: Checksum) -> DirTree:
        """Return a dirtree, from memory where it was read lately."""
        found = self._trees.get(name)
        if found is not None:
            self._trees.move_to_end(name)
            return found
        self._check()
        found = self._trees[name] = self._repository.dirtree(name)
        self._names += len(found.files) + len(found.dirs)
        while self._names > _MAX_KEPT and len(self._trees) > 1:
            _, dropped = self._trees.popitem(last=False)
            self._names -= len(dropped.files) + len(dropped.dirs)
        return found


_name_of = itemgetter(0)
Files = AbstractSet[tuple[str, bytes]]
Directories = AbstractSet[tuple[str, bytes, bytes]]
_EXACT: Final = frozenset({Mode.ARCHIVE, Mode.BARE_USER})
"""Modes in which all that an object's checksum is over stands in the object."""


def _apart(a: DirTree, b: DirTree) -> tuple[Files, Directories]:
    """Return what stands in one directory and not, or otherwise, in another."""
    return set(a.files).difference(b.files), set(a.dirs).difference(b.dirs)


def _hashed_before(content: Content) -> bytes:
    """Return what an object's checksum is over but for the content itself."""
    return content_header(content.uid, content.gid, content.mode, content.target, content.xattrs)


def _names(path: bytes) -> list[str]:
    """Return the names on the way to a path. Raises `KeyError` for what no dirtree can hold."""
    try:
        return path[1:].decode("utf-8").split("/")
    except UnicodeDecodeError as error:
        raise KeyError(path) from error


def open_tree(path: Path, node: NodeId, context: ReadContext) -> CommitTree:
    """Open the files of a commit of the repository at `path`, as `core.ports.Opener` says."""
    context.check()
    if ids.kind_of(node) is not Kind.COMMIT:
        raise NotRecognised(f"an OSTree repository holds no files of {node}")
    repository = Repository.open(path)
    try:
        commit = repository.commit(ids.content_of(node))
    except Missing as error:
        gone = repository.has_tombstone(ids.content_of(node))
        hint = "a tombstone says that it was deleted" if gone else ""
        raise NotRecognised(f"{path} holds no {node}", hint) from error
    tree = CommitTree(repository, commit.tree, commit.meta)
    tree.entry(ROOT)
    return tree


def documents_of(path: Path, node: NodeId, context: ReadContext) -> Sequence[Document]:
    """Return the documents of a commit of the repository at `path`; likewise."""
    context.check()
    if ids.kind_of(node) is not Kind.COMMIT:
        return ()
    try:
        return documents(Repository.open(path), Checksum(ids.content_of(node)))
    except Missing:
        return ()
