"""The file tree of a commit, entry by entry.

Owns the walk in the order of `ostree ls -R`: a directory, its files, then each directory in it
the same way. It keeps its own stack, stops at 512 levels, and reads nothing but metadata and
the headers of content objects.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from treering.adapters.ostree.objects import Checksum, DirMeta, Xattrs
from treering.adapters.ostree.repo import Repository
from treering.core.errors import LimitExceeded

MAX_DEPTH: Final = 512
MAX_ENTRIES: Final = 10_000_000
_MAX_METAS: Final = 4096


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """One path of a commit.

    `path` begins with a slash; `mode` includes the file type; `size` is in bytes, 0 for what is
    no regular file. `checksum` is that of the content object, or of the dirtree of a directory,
    whose dirmeta then is `meta`. `target` is a symbolic link's.
    """

    path: bytes
    mode: int
    uid: int
    gid: int
    size: int
    checksum: Checksum
    meta: Checksum | None = None
    target: str = ""
    xattrs: Xattrs = ()

    @property
    def kind(self) -> str:
        """``d``, ``-`` or ``l``, as `ls` writes it."""
        return stat.filemode(self.mode)[0]


def list_tree(
    repository: Repository, name: str, *, limit: int = MAX_ENTRIES
) -> Iterator[TreeEntry]:
    """Yield every path of the commit `name`, the root first.

    Raises `LimitExceeded` beyond 512 levels or `limit` entries, and `Missing`, `Damaged` or
    another `SourceError` for the first object that cannot be read.
    """
    commit = repository.commit(name)
    metas: dict[str, DirMeta] = {}
    stack = [(b"", commit.tree, commit.meta, 1)]
    left = limit
    while stack:
        path, tree, meta, depth = stack.pop()
        if depth > MAX_DEPTH:
            raise LimitExceeded(
                f"{commit.checksum}: directories are nested deeper than {MAX_DEPTH}"
            )
        listed = repository.dirtree(tree)
        left -= 1 + len(listed.files)
        if left < 0:
            raise LimitExceeded(f"{commit.checksum} has more than {limit} entries")
        found = metas.get(meta) or _keep(metas, meta, repository.dirmeta(meta))
        yield TreeEntry(
            path or b"/", found.mode, found.uid, found.gid, 0, tree, meta, "", found.xattrs
        )
        for file_name, content in listed.files:
            yield _entry(repository, path + b"/" + file_name.encode(), content.hex())
        stack += [
            (path + b"/" + d[0].encode(), Checksum(d[1].hex()), Checksum(d[2].hex()), depth + 1)
            for d in reversed(listed.dirs)
        ]


def _entry(repository: Repository, path: bytes, name: str) -> TreeEntry:
    content = repository.content(name)
    return TreeEntry(
        path,
        content.mode,
        content.uid,
        content.gid,
        content.size,
        content.checksum,
        None,
        content.target,
        content.xattrs,
    )


def _keep(metas: dict[str, DirMeta], name: str, meta: DirMeta) -> DirMeta:
    """Remember `meta`: most directories of a tree share a few."""
    if len(metas) < _MAX_METAS:
        metas[name] = meta
    return meta
