"""A repository: finding objects by checksum, verified, and commits by name.

Owns where objects lie, the fall back to parent repositories, and the order in which a revision
is understood. Metadata objects are hashed before they are parsed, always. Content objects are
described as they lie; `verify_content` hashes them.

Source: docs/repo.md; man ostree.repo(5), ostree-rev-parse(1); ostree-repo.c.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Final, NamedTuple, cast

from treering.adapters.ostree import content as contents
from treering.adapters.ostree.config import SYSTEM_REMOTES, Config, read_config
from treering.adapters.ostree.content import Content
from treering.adapters.ostree.deltas import Delta, read_deltas
from treering.adapters.ostree.metadata import Package
from treering.adapters.ostree.metadata import packages as packages_of
from treering.adapters.ostree.objects import (
    MAX_METADATA,
    Checksum,
    Commit,
    DirMeta,
    DirTree,
    are_checksums,
    checksum,
    is_checksum,
    parse_commit,
    parse_dict,
    parse_dirmeta,
    parse_dirtree,
    plain_commit,
)
from treering.adapters.ostree.refs import Ref, RefName, Tell, read_ref, read_refs
from treering.adapters.ostree.summary import MAX_SUMMARY, Summary, parse_summary
from treering.core.errors import (
    AmbiguousName,
    Damaged,
    LimitExceeded,
    NotRecognised,
    SourceError,
    UnknownName,
    Unreachable,
)
from treering.core.files import directory_number, list_directory, read_file, read_hashed, read_in
from treering.core.gvariant import Raw

MAX_PARENTS: Final = 8
"""How many repositories may stand behind one another by ``core.parent``."""

MAX_OBJECTS: Final = 5_000_000
"""Directory entries looked through for commits nothing refers to."""

SYSTEM_REPOSITORIES: Final = ("/ostree/repo", "/sysroot/ostree/repo")
_PLACES: Final = ("", "repo", "ostree/repo")
_MAX_CARETS: Final = 10_000
_PREFIX: Final = re.compile("[0-9a-f]{1,64}")
_FOLDER: Final = re.compile("[0-9a-f]{2}")
_COMMIT: Final = ".commit"
_TOMBSTONE: Final = ".tombstone-commit"
_DETACHED: Final = ".commitmeta"
_RARE: Final = (_TOMBSTONE, _DETACHED)
_REST: Final = 62
"""Digits of a checksum that are in the name of an object's file; two are its folder."""

_BATCH: Final = 64
_MAX_BATCH: Final = 1 << 20
"""Commits, and bytes of them, that are read before they are understood."""

_folder_of: Final = itemgetter(slice(2))
_ABSENT: Final = "{} is not in the repository"


class Stored(NamedTuple):
    """Commits and tombstones in a repository, sorted, and commits with detached metadata."""

    commits: tuple[Checksum, ...] = ()
    tombstones: tuple[Checksum, ...] = ()
    detached: frozenset[Checksum] = frozenset()


class Unread(NamedTuple):
    """A commit that is there and cannot be read, and why."""

    checksum: Checksum
    why: SourceError


class Missing(Unreachable):
    """The object is not in the repository, nor in its parents."""


def find(path: Path) -> Path | None:
    """Return the repository at `path`, or in its ``repo`` or ``ostree/repo``; None without one."""
    for place in _PLACES:
        root = path / place if place else path
        if os.path.isdir(root / "objects") and os.path.isfile(root / "config"):  # noqa: PTH112, PTH113 -- these never raise
            return root
    return None


def _ignore(_subject: str, _why: str) -> None:
    """Take no note of what could not be read."""


class Repository:
    """An opened repository; between objects it holds at most the folder they are in open.

    `path` is where it is, `config` its configuration, `parent` the repository that objects
    missing here come from.
    """

    def __init__(self, path: Path, config: Config, parent: Repository | None = None) -> None:
        self.path = path
        self.config = config
        self.parent = parent
        self._objects = f"{path}/objects/"

    @classmethod
    def open(cls, path: Path | str, tell: Tell = _ignore, depth: int = 0) -> Repository:
        """Return the repository at `path` or in its ``repo`` or ``ostree/repo``.

        A parent repository that cannot be opened goes to `tell`. Raises `Unreachable`,
        `NotPermitted`, `NotRecognised`.
        """
        root = find(Path(path))
        if root is None:
            if not os.path.lexists(path):
                raise Unreachable(f"{path}: no such file or directory", "check the path")
            list_directory(Path(path))
            raise NotRecognised(f"{path} holds no OSTree repository", "it has no config or objects")
        system = str(root) in SYSTEM_REPOSITORIES
        config = read_config(root / "config", SYSTEM_REMOTES if system else None)
        return cls(root, config, cls._open_parent(root, config, tell, depth))

    @classmethod
    def _open_parent(cls, root: Path, config: Config, tell: Tell, depth: int) -> Repository | None:
        if not config.parent:
            return None
        path = root / config.parent
        if depth >= MAX_PARENTS:
            tell(f"parent repository {path}", f"more than {MAX_PARENTS} stand behind one another")
            return None
        try:
            return cls.open(path, tell, depth + 1)
        except SourceError as error:
            tell(f"parent repository {path}", str(error))
            return None

    # -- objects -------------------------------------------------------------------------

    def commit(self, name: str) -> Commit:
        """Return a commit, verified. Raises `Missing`, `Damaged`, `SourceError`."""
        data = self._verified(name, "commit")
        try:
            return parse_commit(Checksum(name), data)
        except (Damaged, LimitExceeded) as error:
            raise _named(error, name, "commit") from error

    def commits(self, names: Iterable[Checksum]) -> Iterator[Commit | Unread]:
        """Yield the commits `names`, verified, or why one cannot be read, in the order given.

        Those that are not here are left out. In sorted order they are read quickest: a folder
        of objects is then looked up once.
        """
        for batch in self.commit_batches(names):
            yield from batch

    def commit_batches(self, names: Iterable[Checksum]) -> Iterator[list[Commit | Unread]]:
        """Yield what `commits` does, some at a time.

        Bytes are read first and understood afterwards; it was measured to be quicker than doing
        both in turn.
        """
        for folder, inside in groupby(names, _folder_of):
            with directory_number(self._objects + folder) as directory:
                for read in _some_at_a_time(directory, inside):
                    found = [
                        (data and sha256(data).hexdigest() == n and plain_commit(n, data))
                        or self._peculiar(n, data)
                        for n, data in read
                    ]
                    yield [f for f in found if f is not None]

    def _peculiar(self, name: Checksum, data: bytes | None) -> Commit | Unread | None:
        """Return a commit that is not plain, or not good, or not here."""
        return _quick_commit(name, data) or self.commit_or_why(name)

    def commit_or_why(self, name: Checksum) -> Commit | Unread | None:
        """Return a commit, verified, or why it cannot be read; None when it is not here."""
        try:
            return self.commit(name)
        except Missing:
            return None
        except SourceError as error:
            return Unread(name, error)

    def dirtree(self, name: str) -> DirTree:
        """Return a directory's names, verified. Raises `Missing`, `Damaged`, `SourceError`."""
        data = self._verified(name, "dirtree")
        with _naming(name, "dirtree"):
            return parse_dirtree(data)

    def dirmeta(self, name: str) -> DirMeta:
        """Return a directory's metadata, verified. Raises as `dirtree` does."""
        data = self._verified(name, "dirmeta")
        with _naming(name, "dirmeta"):
            return parse_dirmeta(data)

    def detached(self, name: str) -> dict[str, Raw]:
        """Return a commit's detached metadata, {} without any. It has no checksum of its own.

        Raises `SourceError`.
        """
        try:
            data = self._read(name, "commitmeta")
        except Missing:
            return {}
        with _naming(name, "commitmeta"):
            return parse_dict(data)

    def content(self, name: str) -> Content:
        """Return what a content object is, not verified. Raises as `dirtree` does."""
        found = checksum(name)
        suffix = contents.suffix(self.config.mode)
        path = self._path(found, suffix)
        if self.parent and not os.path.lexists(path):
            return self.parent.content(found)
        try:
            with _naming(found, suffix):
                return contents.describe(self.config.mode, found, path)
        except Unreachable as error:
            if _is_absent(error):
                raise Missing(_ABSENT.format(object_name(found, suffix))) from error
            raise

    def verify_content(self, name: str) -> None:
        """Hash a content object. Raises `Damaged` unless it is what its name says, `Missing`."""
        self.verify_described(self.content(name))

    def verify_described(self, found: Content) -> None:
        """Hash what `content` returned, as `verify_content` does."""
        with _naming(found.checksum, contents.suffix(self.config.mode)):
            contents.verify(found)

    def read_content(self, name: str) -> Iterator[bytes]:
        """Yield the bytes of a file in chunks of up to 1 MiB, not verified."""
        found = self.content(name)
        with _naming(name, contents.suffix(self.config.mode)):
            yield from contents.chunks(found)

    def has_tombstone(self, name: str) -> bool:
        """Tell whether a tombstone says that the commit `name` was deleted."""
        return os.path.lexists(self._path(checksum(name), "tombstone-commit"))

    def packages(self, name: str) -> tuple[Package, ...]:
        """Return the packages of a composed commit, () without a list. Raises as `commit`."""
        return packages_of(self.commit(name))

    # -- names ---------------------------------------------------------------------------

    def refs(self, tell: Tell = _ignore) -> tuple[Ref, ...]:
        """Return every ref with its collection; what is no ref goes to `tell`."""
        return tuple(self._with_collection(r) for r in read_refs(self.path, tell))

    def resolve(self, rev: str) -> Checksum:
        """Return the commit that `rev` means, in the order of `ostree rev-parse`.

        A whole checksum; the beginning of exactly one commit's checksum; ``REV^``, the parent
        of REV; a local ref or ``REMOTE:REF``; a ref of that name of any remote; all that in the
        parent repository. Raises `UnknownName`, `AmbiguousName`.
        """
        base = rev.rstrip("^")
        carets = len(rev) - len(base)
        if carets > _MAX_CARETS:
            raise UnknownName(f"{rev[:100]} goes back too far")
        found = self._resolve(base)
        if found is None:
            raise UnknownName(f"nothing in {self.path} is called {base[:200]!r}")
        for _ in range(carets):
            parent = self.commit(found).parent
            if parent is None:
                raise UnknownName(f"commit {found} has no parent")
            found = parent
        return found

    def summary(self) -> Summary | None:
        """Return what the summary file says, None without one. Raises `SourceError`."""
        path = self.path / "summary"
        if not os.path.lexists(path):
            return None
        data = read_file(path, MAX_SUMMARY)
        if not data:
            raise Damaged(f"{path} is empty", "`ostree summary -u` writes it anew")
        return parse_summary(data)

    def deltas(self, tell: Tell = _ignore) -> Iterator[Delta]:
        """Yield the static deltas."""
        return read_deltas(self.path, tell)

    def partial(self) -> frozenset[Checksum]:
        """Return the commits of which not every object is here. Raises `SourceError`."""
        suffix = ".commitpartial"
        try:
            entries = list_directory(self.path / "state")
        except Unreachable:
            return frozenset()
        names = (e.name.removesuffix(suffix) for e in entries if e.name.endswith(suffix))
        return frozenset(Checksum(n) for n in names if is_checksum(n))

    def stored(self) -> Stored:
        """Return what is in this repository about commits, its parents' objects not counted.

        Raises `SourceError`, also beyond 5,000,000 objects.
        """
        commits: list[Checksum] = []
        tombstones: list[Checksum] = []
        detached: list[Checksum] = []
        left = MAX_OBJECTS
        for folder in list_directory(self.path / "objects"):
            if not _FOLDER.fullmatch(folder.name):
                continue
            names = self._names_in(folder.name)
            left -= len(names)
            if left < 0:
                raise SourceError(f"{self.path} holds more than {MAX_OBJECTS} objects")
            commits += _gather(folder.name, names, _COMMIT)
            rare = [n for n in names if n.endswith(_RARE)]
            if rare:
                tombstones += _gather(folder.name, rare, _TOMBSTONE)
                detached += _gather(folder.name, rare, _DETACHED)
        return Stored(tuple(commits), tuple(tombstones), frozenset(detached))

    # -- inside --------------------------------------------------------------------------

    def _path(self, name: str, suffix: str) -> str:
        return f"{self._objects}{name[:2]}/{name[2:]}.{suffix}"

    def _read(self, name: str, suffix: str) -> bytes:
        """Return the bytes of an object of this repository or its parents, not verified."""
        try:
            return read_hashed(self._path(checksum(name), suffix), MAX_METADATA)
        except Unreachable as error:
            if self.parent:
                return self.parent._read(name, suffix)  # noqa: SLF001 -- another of this class
            if _is_absent(error):
                raise Missing(_ABSENT.format(object_name(name, suffix))) from error
            raise

    def _verified(self, name: str, suffix: str) -> bytes:
        data = self._read(name, suffix)
        if sha256(data).hexdigest() != name:
            raise Damaged(f"{object_name(name, suffix)} does not hash to its name")
        return data

    def _resolve(self, rev: str) -> Checksum | None:
        if is_checksum(rev):
            return Checksum(rev)
        if _PREFIX.fullmatch(rev):
            found = self._starting_with(rev)
            if len(found) > 1:
                raise AmbiguousName(
                    f"{rev} begins {len(found)} commits", "use more digits", tuple(sorted(found))
                )
            if found:
                return found.pop()
        return self._resolve_ref(rev)

    def _resolve_ref(self, rev: str) -> Checksum | None:
        remote, colon, name = rev.rpartition(":")
        found = read_ref(self.path, RefName(name, remote))
        if found is None and not colon:
            refs = (r for r in self.refs() if r.name.remote and r.name.name == name)
            found = next((r.checksum for r in refs), None)
        if found is None and self.parent:
            return self.parent._resolve_ref(rev)  # noqa: SLF001 -- another of this class
        return found

    def _starting_with(self, prefix: str) -> set[Checksum]:
        """Return the commits whose checksum begins with `prefix`, parents' included."""
        found: list[Checksum] = []
        for folder in list_directory(self.path / "objects"):
            if _FOLDER.fullmatch(folder.name) and folder.name.startswith(prefix[:2]):
                found += _gather(folder.name, self._names_in(folder.name), _COMMIT)
        behind = self.parent._starting_with(prefix) if self.parent else set()  # noqa: SLF001 -- as above
        return {c for c in found if c.startswith(prefix)} | behind

    def _names_in(self, folder: str) -> list[str]:
        try:
            return os.listdir(f"{self._objects}{folder}")  # noqa: PTH208 -- names suffice, and fast
        except OSError:
            return []

    def _with_collection(self, ref: Ref) -> Ref:
        remote, mirror = ref.name.remote, ref.name.mirror
        collection = mirror or (
            self.config.collections.get(remote, "") if remote else self.config.collection
        )
        return Ref(ref.name, ref.checksum, ref.alias, collection) if collection else ref


def object_name(name: str, suffix: str) -> str:
    """Return an object's path below ``objects/``."""
    return f"{name[:2]}/{name[2:]}.{suffix}"


def _gather(folder: str, names: list[str], suffix: str) -> list[Checksum]:
    """Return the sorted checksums of the objects with `suffix` among the `names` in a folder."""
    rest = _REST
    full = [folder + n[:rest] for n in names if n[rest:] == suffix]
    if not are_checksums(full):
        full = [c for c in full if is_checksum(c)]
    full.sort()
    return cast("list[Checksum]", full)


def _some_at_a_time(
    directory: int, names: Iterable[Checksum]
) -> Iterator[list[tuple[Checksum, bytes | None]]]:
    """Yield commits of an opened folder as bytes, not verified, in lists of bounded size."""
    batch: list[tuple[Checksum, bytes | None]] = []
    size = 0
    for name in names:
        data = read_in(directory, name[2:] + ".commit", MAX_METADATA)
        batch.append((name, data))
        if data is not None:
            size += len(data)
        if size > _MAX_BATCH or len(batch) >= _BATCH:
            yield batch
            batch, size = [], 0
    yield batch


def _quick_commit(name: Checksum, data: bytes | None) -> Commit | None:
    """Return the commit in `data`, verified; None for one with anything wrong."""
    if data is None or sha256(data).hexdigest() != name:
        return None
    try:
        return parse_commit(name, data)
    except (Damaged, LimitExceeded):
        return None


def _is_absent(error: SourceError) -> bool:
    return isinstance(error.__cause__, (FileNotFoundError, NotADirectoryError))


@contextmanager
def _naming(name: str, suffix: str) -> Iterator[None]:
    """Put the name of the object in front of what is wrong with it."""
    try:
        yield
    except (Damaged, LimitExceeded) as error:
        raise _named(error, name, suffix) from error


def _named(error: Damaged | LimitExceeded, name: str, suffix: str) -> SourceError:
    return type(error)(f"{object_name(name, suffix)}: {error.message}", error.hint)
