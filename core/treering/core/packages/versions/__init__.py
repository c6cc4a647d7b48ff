"""Versions: which of two is newer, by the rules of the manager that wrote them.

Owns the orders of dpkg, rpm and apk. Each is a key: a tuple that Python compares, so an order is
total and transitive by how it is made, and takes time linear in the text. Any text has a place,
also one no manager would accept. Versions that the manager calls the same have equal keys and may
be written differently (``1.0`` and ``1.00`` of dpkg).

They are written here because no library fits: those that order dpkg, rpm and apk alike bring
parsers for a dozen ecosystems with them, and the small ones lack ``~`` or ``^`` or are no longer
kept. The tests compare with dpkg and rpm themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from treering.core.packages.model import Manager
from treering.core.packages.versions import apk, dpkg, rpm
from treering.core.packages.versions.parts import Key

__all__ = ["Key", "compare", "key"]

_KEYS: Final[dict[Manager, Callable[[str], Key]]] = {
    Manager.APK: apk.key,
    Manager.DPKG: dpkg.key,
    Manager.RPM: rpm.key,
}


def key(manager: Manager, version: str) -> Key:
    """Return what versions of a manager are ordered by."""
    return _KEYS[manager](version)


def compare(manager: Manager, a: str, b: str) -> int:
    """Return -1 when `a` is older than `b`, 1 when it is newer, 0 when they are the same."""
    if a == b:
        return 0
    left, right = key(manager, a), key(manager, b)
    return (left > right) - (left < right)
