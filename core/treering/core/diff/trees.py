"""The comparison of two trees: what differs, path by path, in the order of paths as bytes.

Owns which directories are opened (those whose subtrees are not known to be equal), what counts
as a difference, and when content is read: never where sizes, digests or the system itself tell.
Holds one step for each path on the way down and beside it, never a whole tree. What comes of
another representation is for `across`.

Two things are not compared: the mode of a symbolic link, which Linux does not have, and which
paths share one file, which says nothing about what any of them holds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from operator import itemgetter

from treering.core.diff.model import Change, ChangeType, Field
from treering.core.diff.ports import Hashing, Pair, Telling
from treering.core.errors import SourceError
from treering.core.ids import Digest
from treering.core.ports import ReadContext, Tree
from treering.core.text import safe
from treering.core.trees import ROOT, Entry, EntryType

MAX_READ = 64 * 1024 * 1024
"""Largest file in bytes that is read whole to hash it, where a tree does not hash by itself."""

_Step = tuple[bytes, Entry | None, Entry | None]
"""A path to compare, or with a slash at its end a directory to open; what stands there."""


def diff_trees(a: Tree, b: Tree, context: ReadContext, *, mtime: bool = False) -> Iterator[Change]:
    """Yield what differs from `a` to `b`, sorted by path as bytes; the root never.

    Every path that was added or removed is there, with all below it. Times count only with
    `mtime`. A file whose content cannot be compared is a problem of `context`. Raises `Cancelled`
    through `context.check`, and the `SourceError` of either tree.
    """
    yield from _Comparison(a, b, context, mtime=mtime).run()


class _Comparison:
    def __init__(self, a: Tree, b: Tree, context: ReadContext, *, mtime: bool) -> None:
        self._a, self._b = a, b
        self._context = context
        self._mtime = mtime
        self._telling = a if isinstance(a, Telling) else None
        self._opened = 0

    def run(self) -> Iterator[Change]:
        root_a, root_b = self._a.entry(ROOT), self._b.entry(ROOT)
        stack = [] if self._same_below(ROOT) else self._inside(ROOT, root_a, root_b)
        while stack:
            key, a, b = stack.pop()
            if key.endswith(b"/"):
                stack += self._inside(key[:-1], a, b)
            else:
                change = self._compare(key, a, b)
                if change is not None:
                    yield change

    # -- where to look -------------------------------------------------------------------

    def _inside(self, path: bytes, a: Entry | None, b: Entry | None) -> list[_Step]:
        """Return the steps that a directory on one side or on both asks for, the last first.

        The path of a directory and the paths in it do not stand side by side among bytes:
        ``/a.b`` comes between ``/a`` and ``/a/b``. So they are two steps, sorted with the rest.
        """
        self._context.check()
        self._opened += 1
        self._context.progress(self._opened, None, "directories compared")
        told = self._told(path) if a and b else None
        steps: list[_Step] = []
        for one, other in self._pairs(path, a, b) if told is None else told:
            at = (one or other or _NOTHING).path
            steps.append((at, one, other))
            left, right = _directory(one), _directory(other)
            if told is None and left and right and self._same_below(at):
                continue
            if left or right:
                steps.append((at + b"/", left, right))
        steps.sort(key=itemgetter(0), reverse=True)
        return steps

    def _told(self, path: bytes) -> Sequence[Pair] | None:
        return self._telling.differing(path, self._b) if self._telling else None

    def _pairs(self, path: bytes, a: Entry | None, b: Entry | None) -> Sequence[Pair]:
        """Return everything in a directory of either tree."""
        ours = self._a.children(path) if a else ()
        theirs = {e.path: e for e in self._b.children(path)} if b else {}
        found: list[Pair] = [(one, theirs.pop(one.path, None)) for one in ours]
        found += [(None, other) for other in theirs.values()]
        return found

    def _same_below(self, path: bytes) -> bool:
        known = self._a.subtree(path)
        return known is not None and known == self._b.subtree(path)

    # -- what differs --------------------------------------------------------------------

    def _compare(self, path: bytes, a: Entry | None, b: Entry | None) -> Change | None:
        if a is None or b is None:
            return Change(path, ChangeType.ADDED if a is None else ChangeType.REMOVED, (), a, b)
        if a is b:
            return None
        found = list(fields_of(a, b, mtime=self._mtime))
        if a.type is b.type is EntryType.FILE and not self._same_content(path, a, b):
            found.insert(0, Field.CONTENT)
        return Change(path, ChangeType.MODIFIED, tuple(found), a, b) if found else None

    def _same_content(self, path: bytes, a: Entry, b: Entry) -> bool:
        if a.size != b.size:
            return False
        if not a.size or (a.digest and a.digest == b.digest):
            return True
        if a.digest and b.digest and _algorithm(a.digest) == _algorithm(b.digest):
            return False
        told = self._telling.same_content(path, self._b) if self._telling else None
        return self._hashed(path, a, b) if told is None else told

    def _hashed(self, path: bytes, a: Entry, b: Entry) -> bool:
        """Compare by reading; what cannot be read is a problem, and no difference."""
        try:
            return self._digest(self._a, path, a) == self._digest(self._b, path, b)
        except (SourceError, KeyError) as error:
            what = error.message if isinstance(error, SourceError) else "it is not there"
            self._context.problem(safe(path, 400), f"its content was not compared: {what}")
            return True

    def _digest(self, tree: Tree, path: bytes, entry: Entry) -> Digest:
        if entry.digest and _algorithm(entry.digest) == "sha256":
            return entry.digest
        if isinstance(tree, Hashing):
            return tree.digest(path, self._context.check)
        if entry.size > MAX_READ:
            raise SourceError(f"its {entry.size} bytes are more than {MAX_READ}")
        data = tree.read(path, entry.size)
        return Digest("sha256:" + hashlib.sha256(data).hexdigest())


def fields_of(a: Entry, b: Entry, *, mtime: bool = False) -> Iterator[Field]:
    """Yield which attributes of two entries differ, content apart, in the order of `Field`."""
    same = a.type is b.type
    if not same:
        yield Field.TYPE
    link = EntryType.LINK in {a.type, b.type}
    if a.mode != b.mode and not link:
        yield Field.MODE
    if a.uid != b.uid:
        yield Field.UID
    if a.gid != b.gid:
        yield Field.GID
    if same and a.size != b.size and a.type is EntryType.FILE:
        yield Field.SIZE
    if same and a.target != b.target:
        yield Field.LINK
    if same and a.device != b.device and a.type in _DEVICES:
        yield Field.DEVICE
    if a.xattrs != b.xattrs:
        yield Field.XATTRS
    if mtime and a.mtime is not None and b.mtime is not None and a.mtime != b.mtime:
        yield Field.MTIME


_NOTHING = Entry(path=ROOT, type=EntryType.DIRECTORY)
_DEVICES = frozenset({EntryType.CHARACTER, EntryType.BLOCK})


def _directory(entry: Entry | None) -> Entry | None:
    return entry if entry and entry.type is EntryType.DIRECTORY else None


def _algorithm(name: Digest) -> str:
    return name.partition(":")[0]
