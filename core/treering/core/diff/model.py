"""The values of a file diff: one change for each path that differs.

Owns what a change is and which of its fields count. `trees` finds changes, `across` tells those
apart that come of another representation, `export` writes them as JSON.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from treering.core.trees import Entry, EntryType


class ChangeType(StrEnum):
    """What became of a path between two trees."""

    ADDED = "added"
    REMOVED = "removed"
    MODIFIED = "modified"


class Field(StrEnum):
    """What of a path differs; in the order they are written."""

    CONTENT = "content"
    TYPE = "type"
    MODE = "mode"
    UID = "uid"
    GID = "gid"
    SIZE = "size"
    LINK = "link"
    DEVICE = "device"
    XATTRS = "xattrs"
    MTIME = "mtime"


@dataclass(frozen=True, slots=True)
class Change:
    """One path that differs: `a` is what stood there, `b` what stands there, None where nothing.

    `fields` is empty for what was added or removed. A link's content is where it leads, so that
    is `LINK`. Where the type differs only `TYPE` and the attributes both have are compared.
    """

    path: bytes
    change: ChangeType
    fields: tuple[Field, ...] = ()
    a: Entry | None = None
    b: Entry | None = None

    @property
    def entry(self) -> Entry:
        """What stands there now, or stood there last."""
        found = self.b or self.a
        if found is None:
            raise ValueError("a change has an entry on one side at least")
        return found

    @property
    def metadata_only(self) -> bool:
        """Tell whether the file is the same but for its mode, owner, attributes or time."""
        return self.change is ChangeType.MODIFIED and not _SUBSTANCE.intersection(self.fields)


_SUBSTANCE = frozenset({Field.CONTENT, Field.TYPE, Field.SIZE, Field.LINK, Field.DEVICE})


@dataclass(frozen=True, slots=True)
class Summary:
    """How many paths differ; `removed_trees` counts a removed directory and all in it as one.

    `grown` is how many bytes of files there are more in `b`, negative for fewer.
    """

    added: int = 0
    removed: int = 0
    modified: int = 0
    removed_trees: int = 0
    grown: int = 0

    @property
    def total(self) -> int:
        """How many paths differ in all."""
        return self.added + self.removed + self.modified


@dataclass(frozen=True, slots=True)
class FileDiff:
    """A whole file diff, and what a reader of it should know that is no change.

    `changes` are sorted by path as bytes.
    """

    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def equal(self) -> bool:
        """Tell whether no path differs."""
        return not self.changes

    @property
    def summary(self) -> Summary:
        """Count the changes."""
        return summary_of(self.changes)


def summary_of(changes: Iterable[Change]) -> Summary:
    """Count changes that come sorted by path."""
    counts = dict.fromkeys(ChangeType, 0)
    trees = grown = 0
    gone: set[bytes] = set()
    for change in changes:
        counts[change.change] += 1
        grown += (change.b.size if change.b else 0) - (change.a.size if change.a else 0)
        if change.change is ChangeType.REMOVED:
            trees += change.path.rpartition(b"/")[0] not in gone
            if change.a is not None and change.a.type is EntryType.DIRECTORY:
                gone.add(change.path)
    return Summary(
        counts[ChangeType.ADDED],
        counts[ChangeType.REMOVED],
        counts[ChangeType.MODIFIED],
        trees,
        grown,
    )
