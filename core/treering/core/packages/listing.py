"""A package list in the making, and how a database is found and read in a tree.

Owns the caps on packages and bytes, and the following of links: a database often stands behind
one (``/var/lib/dpkg`` of an OSTree host, ``/lib`` of a merged ``/usr``). Links stay in the tree.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from typing import Final

from treering.core.errors import Damaged, LimitExceeded, SourceError
from treering.core.packages.model import Manager, Package, PackageList
from treering.core.ports import Problem, ReadContext, Tree
from treering.core.text import Safe, safe
from treering.core.trees import ROOT, Entry, EntryType, parent_of

MAX_PACKAGES: Final = 200_000
"""Most packages of one list."""
MAX_MESSAGES: Final = 1000
"""Most problems, and most notes, of one list."""
_MAX_LINKS: Final = 40
_MAX_COMPONENTS: Final = 4096
_MAX_TEXT: Final = 300
_MAX_DIGITS: Final = 15
_CHECK_EVERY: Final = 256


class Full(LimitExceeded):
    """A list has as many packages as it may have."""


class Listing:
    """What has been found so far in `tree`. The readers of databases add to it."""

    def __init__(self, tree: Tree, context: ReadContext) -> None:
        self.tree = tree
        self.context = context
        self._packages: set[Package] = set()
        self._managers: set[Manager] = set()
        self._problems: dict[Problem, None] = {}
        self._notes: dict[Safe, None] = {}
        self._opened: set[bytes] = set()
        self._added = 0

    def database(
        self, manager: Manager, path: bytes, read: Callable[[Entry], Generator[Package]]
    ) -> bool:
        """Add what `read` finds in the file `path` leads to; return whether that was anything.

        A file that was read before, by another name, is not read again. A `SourceError` becomes a
        problem, beside the packages read before it. Raises `Full` and `Cancelled`.
        """
        entry = self.file(path)
        if entry is None or entry.path in self._opened:
            return False
        self._opened.add(entry.path)
        self._managers.add(manager)
        found = False
        try:
            with closing(read(entry)) as packages:
                for package in packages:
                    self._add(package)
                    found = True
        except Full:
            raise
        except SourceError as error:
            self.problem(entry.path, error.message)
        return found

    def _add(self, package: Package) -> None:
        self._added += 1
        if self._added % _CHECK_EVERY == 0:
            self.context.check()
        if self._added > MAX_PACKAGES:
            raise Full(f"more than {MAX_PACKAGES} packages; the rest is not listed")
        self._packages.add(package)

    def unread(self, path: bytes) -> bytes | None:
        """Return the file `path` leads to when it exists and was not read, for a note."""
        entry = self.file(path)
        return entry.path if entry is not None and entry.path not in self._opened else None

    def problem(self, subject: str | bytes, why: str) -> None:
        """Record what is missing from the list."""
        if len(self._problems) < MAX_MESSAGES:
            self._problems[Problem(safe(subject, 500), safe(why, 1000))] = None

    def note(self, text: str) -> None:
        """Record what a reader of the list should know."""
        if len(self._notes) < MAX_MESSAGES:
            self._notes[safe(text, 500)] = None

    def result(self) -> PackageList:
        """Return the list as it stands."""
        return PackageList(
            tuple(sorted(self._packages)),
            tuple(sorted(self._managers)),
            tuple(self._problems),
            tuple(self._notes),
        )

    def file(self, path: bytes) -> Entry | None:
        """Return the file `path` leads to; None, and a problem if it cannot be told, without."""
        try:
            entry = locate(self.tree, path)
        except SourceError as error:
            self.problem(path, error.message)
            return None
        return entry if entry is not None and entry.type is EntryType.FILE else None

    def children(self, path: bytes) -> list[bytes]:
        """Return the paths in the directory `path` leads to; the same of what cannot be told."""
        try:
            entry = locate(self.tree, path)
            if entry is not None and entry.type is EntryType.DIRECTORY:
                return [child.path for child in self.tree.children(entry.path)]
        except SourceError as error:
            self.problem(path, error.message)
        return []

    def content(self, entry: Entry, limit: int) -> bytes:
        """Return the whole content of a file. Raises `LimitExceeded` and other `SourceError`."""
        self.context.check()
        if entry.size > limit:
            raise LimitExceeded(f"it has {entry.size} bytes; at most {limit} are read")
        data = self.beginning(entry, limit + 1)
        if len(data) > limit:
            raise LimitExceeded(f"it has more than {limit} bytes; at most those are read")
        return data

    def beginning(self, entry: Entry, length: int) -> bytes:
        """Return the first bytes of a file, as many as there are. Raises `SourceError`."""
        try:
            return self.tree.read(entry.path, length)
        except KeyError:
            raise Damaged("it is listed and has no content") from None


def locate(tree: Tree, path: bytes) -> Entry | None:
    """Return what `path` leads to, symbolic links followed with the tree as their root.

    None where a component is missing or is no directory, or links go round. Raises `SourceError`.
    """
    pending = path.split(b"/")[::-1]
    at, links = ROOT, 0
    try:
        while pending:
            name = pending.pop()
            if name in {b"", b"."}:
                continue
            at = parent_of(at) if name == b".." else at.rstrip(b"/") + b"/" + name
            entry = tree.entry(at)
            if entry.type is EntryType.LINK:
                links += 1
                pending += entry.target.split(b"/")[::-1]
                at = ROOT if entry.target.startswith(b"/") else parent_of(at)
            elif pending and entry.type is not EntryType.DIRECTORY:
                return None
            if links > _MAX_LINKS or len(pending) > _MAX_COMPONENTS:
                return None
        return tree.entry(at)
    except KeyError:
        return None


def field_of(value: bytes) -> Safe:
    """Return a field of a database as safe text, cut where it is too long to be one."""
    return safe(value.strip(), _MAX_TEXT)


def number_of(value: bytes) -> int | None:
    """Return a field that is a plain number, None for any other."""
    digits = value.strip()
    return int(digits) if digits.isdigit() and len(digits) <= _MAX_DIGITS else None
