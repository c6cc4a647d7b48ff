"""What became of the packages between two versions.

Owns which package of one list belongs to which of the other: those of one manager, name and
architecture. Several may be installed at once (kernels of rpm); then no one follows another, and
each is added or removed by itself. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from treering.core.packages import Manager, Package
from treering.core.packages.versions import compare
from treering.core.text import Safe


class PackageChangeType(StrEnum):
    """What became of a package; the order is that of a report."""

    UPGRADED = "upgraded"
    DOWNGRADED = "downgraded"
    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class PackageChange:
    """A package that differs; `a` and `b` are its versions, None where it is not installed.

    It is changed where its versions are written differently and the manager takes them for one.
    """

    manager: Manager
    name: Safe
    arch: Safe
    change: PackageChangeType
    a: Safe | None
    b: Safe | None

    def as_json(self) -> dict[str, Any]:
        """Return the change as ``treering.diff/1`` has it."""
        return {
            "manager": self.manager.value,
            "name": self.name,
            "arch": self.arch,
            "change": self.change.value,
            "a": self.a,
            "b": self.b,
        }


_Key = tuple[Manager, Safe, Safe]
_Versions = dict[Safe, None]


def diff_packages(a: Iterable[Package], b: Iterable[Package]) -> tuple[PackageChange, ...]:
    """Return what became of the packages `a`, sorted by manager, name, architecture, version."""
    before, after = _by_key(a), _by_key(b)
    return tuple(
        change
        for key in sorted(before.keys() | after.keys())
        for change in _of_key(key, before.get(key, {}), after.get(key, {}))
    )


def _by_key(packages: Iterable[Package]) -> Mapping[_Key, _Versions]:
    found: dict[_Key, _Versions] = {}
    for package in packages:
        found.setdefault(package.key, {})[package.version] = None
    return found


def _of_key(key: _Key, before: _Versions, after: _Versions) -> Iterator[PackageChange]:
    if len(before) == len(after) == 1:
        ((old,), (new,)) = before, after
        if old != new:
            yield PackageChange(*key, _followed(key[0], old, new), old, new)
        return
    gone = [PackageChange(*key, PackageChangeType.REMOVED, v, None) for v in before.keys() - after]
    new_ = [PackageChange(*key, PackageChangeType.ADDED, None, v) for v in after.keys() - before]
    yield from sorted(gone + new_, key=lambda change: (change.a or "", change.b or ""))


def _followed(manager: Manager, old: Safe, new: Safe) -> PackageChangeType:
    order = compare(manager, old, new)
    if order == 0:
        return PackageChangeType.CHANGED
    return PackageChangeType.UPGRADED if order < 0 else PackageChangeType.DOWNGRADED
