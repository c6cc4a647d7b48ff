"""Images and OSTree commits beside one another: what is only another representation.

Owns what OSTree does to a tree when it becomes a commit, or a commit when it becomes an image,
and says it as notes, never as changes:

- ``/usr/etc`` of a commit is ``/etc`` in an image. It is called ``/usr/etc`` here.
- An image that carries a commit has ostree's own objects below ``/sysroot/ostree``.
- ``/var`` belongs to the host: a commit has next to nothing in it.
- A commit holds files, links and directories; devices, pipes and sockets are left out.
- SELinux labels are set when a commit is made; the attributes of a file that an image shares
  with an ostree object lie in objects of their own.

Anything else is a change. Sources: bootc crates/ostree-ext (tar export and import);
ostree-repo-commit.c.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace as replaced

from msgspec.structs import replace

from treering.core.diff.model import Change, ChangeType, Field
from treering.core.diff.trees import diff_trees
from treering.core.ids import Digest, Kind
from treering.core.ports import ReadContext, Tree
from treering.core.trees import ROOT, Entry, EntryType

_ETC, _USR, _USR_ETC = b"/etc", b"/usr", b"/usr/etc"
_OBJECTS = b"/sysroot/ostree"
_VAR = b"/var/"
_LABEL = b"security.selinux"
_KEPT = frozenset({EntryType.DIRECTORY, EntryType.FILE, EntryType.LINK})

_SAID = {
    "objects": "{} paths of ostree's own below /sysroot/ostree differ: they are not compared",
    "var": "{} paths below /var differ: a commit has none, /var belongs to the host",
    "devices": "{} devices, pipes and sockets are in the image only: a commit holds none",
    "attributes": "{} paths differ in SELinux labels, or in attributes an image keeps in ostree's "
    "objects: they are not compared",
}
_RENAMED = "/etc of the image is /usr/etc of the commit, and is called that"


def diff_between(
    a: Tree, b: Tree, kinds: tuple[Kind, Kind], context: ReadContext, *, mtime: bool = False
) -> Iterator[Change]:
    """Yield what differs between two trees of these kinds, as `diff_trees` does.

    Differences that are known to be only of representation go to `context.note`, once all
    changes were yielded.
    """
    commits = [kind is Kind.COMMIT for kind in kinds]
    if all(commits):
        yield from diff_trees(a, b, context, mtime=mtime)
        return
    across = any(commits)
    if across:
        image, commit = (b, a) if commits[0] else (a, b)
        if _has(image, _ETC) and not _has(image, _USR_ETC) and _has(commit, _USR_ETC):
            a, b = (a, AsCommit(b)) if commits[0] else (AsCommit(a), b)
            context.note(_RENAMED)
    left_out: Counter[str] = Counter()
    for change in diff_trees(a, b, context, mtime=mtime):
        kept, why = _judge(change, across=across)
        left_out[why] += bool(why)
        if kept is not None:
            yield kept
    for why, count in sorted(left_out.items()):
        if count:
            context.note(_SAID[why].format(count))


def _judge(change: Change, *, across: bool) -> tuple[Change | None, str]:
    """Return what is left of a change, and why the rest was left out."""
    if change.path == _OBJECTS or change.path.startswith(_OBJECTS + b"/"):
        return None, "objects"
    if not across:
        return change, ""
    if change.path.startswith(_VAR):
        return None, "var"
    if change.change is not ChangeType.MODIFIED:
        return (change, "") if change.entry.type in _KEPT else (None, "devices")
    if Field.XATTRS not in change.fields or not _apart_by_labels(change):
        return change, ""
    fields = tuple(field for field in change.fields if field is not Field.XATTRS)
    return (replaced(change, fields=fields) if fields else None), "attributes"


def _apart_by_labels(change: Change) -> bool:
    """Tell whether only attributes differ that an image does not keep with its files."""
    if change.a is None or change.b is None:
        return False
    shared = change.a.same_as + change.b.same_as
    if shared.startswith(_OBJECTS):
        return True
    one, other = (
        [pair for pair in entry.xattrs if pair[0] != _LABEL] for entry in (change.a, change.b)
    )
    return one == other


def _has(tree: Tree, path: bytes) -> bool:
    try:
        return tree.entry(path).type is EntryType.DIRECTORY
    except KeyError:
        return False


class AsCommit:
    """An image's tree under the names a commit has: ``/etc`` stands at ``/usr/etc``."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def entry(self, path: bytes) -> Entry:
        """Return what stands at `path`. Raises `KeyError`."""
        if path == _USR and not _has(self._tree, path):
            return Entry(path=path, type=EntryType.DIRECTORY, mode=0o755)
        return self._named(self._tree.entry(_inside(path)))

    def children(self, path: bytes) -> Sequence[Entry]:
        """Return what stands directly in a directory, in byte order. Raises `KeyError`."""
        if path == _USR:
            found = list(self._tree.children(_USR)) if _has(self._tree, _USR) else []
            found.append(self._tree.entry(_ETC))
        else:
            found = [e for e in self._tree.children(_inside(path)) if e.path != _ETC]
            if path == ROOT and not _has(self._tree, _USR):
                found.append(self.entry(_USR))
        return sorted((self._named(entry) for entry in found), key=lambda entry: entry.path)

    def entries(self) -> Iterator[Entry]:
        """Yield every entry, a directory before what stands in it, siblings in byte order."""
        stack = [self.entry(ROOT)]
        while stack:
            entry = stack.pop()
            yield entry
            if entry.type is EntryType.DIRECTORY:
                stack.extend(reversed(self.children(entry.path)))

    def subtree(self, path: bytes) -> Digest | None:
        """Return the digest of a subtree that is the same under either name."""
        moved = path in {ROOT, _USR} or _inside(path) != path
        return None if moved else self._tree.subtree(path)

    def read(self, path: bytes, limit: int) -> bytes:
        """Return at most `limit` bytes from the beginning of a file. Raises `KeyError`."""
        return self._tree.read(_inside(path), limit)

    def close(self) -> None:
        """Close the tree behind."""
        self._tree.close()

    @staticmethod
    def _named(entry: Entry) -> Entry:
        if entry.path == _ETC or entry.path.startswith(_ETC + b"/"):
            return replace(entry, path=_USR + entry.path)
        return entry


def _inside(path: bytes) -> bytes:
    """Return where a path of a commit lies in an image. Raises `KeyError`."""
    if path == _USR_ETC or path.startswith(_USR_ETC + b"/"):
        return path.removeprefix(_USR)
    if path == _ETC or path.startswith(_ETC + b"/"):
        raise KeyError(path)
    return path
