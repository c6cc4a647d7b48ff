"""The tab `files`: the files of a version, and the content of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from treering.core.ids import Digest
from treering.core.trees import Entry
from treering.present.lines import Row

MAX_LINES = 20_000
"""Longest list of lines drawn of one file."""


def rows(children: Mapping[bytes, Sequence[Entry]], *, width: int = 80) -> tuple[Row, ...]:
    """Return the rows of a file tree.

    `children` holds what stands in each open directory, that of ``b"/"`` at least; a directory
    that is not in it is drawn folded. The key of a row gives its path back (`path_of`).
    """
    raise NotImplementedError


def path_of(row: Row) -> bytes:
    """Return the path a row of `rows` stands for."""
    raise NotImplementedError


def content(entry: Entry, data: bytes, *, digest: Digest | None = None) -> tuple[Row, ...]:
    """Return the content of a file: numbered lines of text, or a dump of its first bytes.

    `data` may be only the beginning of it (`Entry.size` tells); `digest` is that of the whole.
    """
    raise NotImplementedError
