"""What trees may know that spares a comparison from opening them.

Owns the optional ports of `diff.trees`. A tree without them is compared all the same, by
`core.ports.Tree` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from treering.core.ids import Digest
from treering.core.ports import Tree
from treering.core.trees import Entry

Pair = tuple[Entry | None, Entry | None]
"""What stands at one path in either tree; one of them is there."""


@runtime_checkable
class Telling(Protocol):
    """A tree that can tell, beside another of its system, where the two may differ."""

    def differing(self, path: bytes, other: Tree) -> Sequence[Pair] | None:
        """Return what stands directly in a directory and may differ, or what is below it.

        The other tree has the directory too. What is not returned is equal in both, attributes
        and all below included. None when this tree cannot tell; then everything is compared.
        Raises `KeyError`, `SourceError`.
        """

    def same_content(self, path: bytes, other: Tree) -> bool | None:
        """Tell whether a file has one content in both trees, None unless told without reading.

        Raises `KeyError`, `SourceError`.
        """


@runtime_checkable
class Hashing(Protocol):
    """A tree that hashes a file of any size without holding it."""

    def digest(self, path: bytes, check: Callable[[], None]) -> Digest:
        """Return the sha256 digest of a file's content; `check` may raise to stop.

        Raises `KeyError`, `SourceError`.
        """
