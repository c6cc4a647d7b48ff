"""The section `files`: what differs, as a tree with counts that folds.

Owns the tree of changes and how a directory tells what is in it. Directories that are the only
thing on the way are drawn in one row, ``usr/lib/systemd/``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from treering.core.diff.model import Change, ChangeType
from treering.core.text import Safe, safe
from treering.core.trees import ROOT, EntryType
from treering.present.detail.parts import human, joined
from treering.present.detail.tree import key_of
from treering.present.lines import Fold, Line, Row, Span, span

MARKS = {ChangeType.ADDED: "+", ChangeType.REMOVED: "-", ChangeType.MODIFIED: "~"}
STYLES = {
    ChangeType.ADDED: "added",
    ChangeType.REMOVED: "removed",
    ChangeType.MODIFIED: "modified",
}
_WIDE = 60
_NOTHING = Safe("")


@dataclass(slots=True)
class Directory:
    """A directory with changes below it: what became of itself, what is in it, and counts."""

    path: bytes
    change: Change | None = None
    below: dict[bytes, Directory | Change] = field(default_factory=dict)
    counts: dict[ChangeType, int] = field(default_factory=lambda: dict.fromkeys(ChangeType, 0))


def tree_of(changes: Sequence[Change]) -> Directory:
    """Return the tree of changes that come sorted by path."""
    root = Directory(ROOT)
    for change in changes:
        parts = change.path.split(b"/")[1:]
        at = root
        at.counts[change.change] += 1
        for depth, name in enumerate(parts[:-1], 1):
            below = at.below.get(name)
            if not isinstance(below, Directory):
                # What was a file on one side holds things on the other.
                below = Directory(b"/" + b"/".join(parts[:depth]), below)
                at.below[name] = below
            at = below
            at.counts[change.change] += 1
        own = Directory(change.path, change) if _is_directory(change) else change
        at.below[parts[-1]] = own
    return root


def _is_directory(change: Change) -> bool:
    return change.entry.type is EntryType.DIRECTORY


def rows(
    tree: Directory, opened: Collection[bytes] | None = None, *, width: int = 80
) -> tuple[Row, ...]:
    """Return the tree as rows; a directory that is not in `opened` is drawn folded.

    Without `opened` all are open. The key of a row gives its path back
    (`present.detail.tree.path_of`).
    """
    made: list[Row] = []
    stack = [(node, 0) for node in reversed(_members(tree))]
    while stack:
        node, depth = stack.pop()
        if isinstance(node, Change):
            made.append(_file(node, depth, width))
            continue
        name, node = _joined(node)
        is_open = opened is None or node.path in opened
        made.append(_directory(node, name, depth, is_open=is_open))
        if is_open:
            stack += [(below, depth + 1) for below in reversed(_members(node))]
    return tuple(made)


def first_opened(tree: Directory, limit: int) -> frozenset[bytes]:
    """Return which directories to open so that about `limit` rows show, the upper ones first."""
    opened: set[bytes] = set()
    level, shown = [tree], 0
    while level:
        shown += sum(len(node.below) for node in level)
        if shown > limit and opened:
            break
        opened.update(node.path for node in level)
        following = [d for node in level for d in node.below.values()]
        level = [d for d in following if isinstance(d, Directory) and d.below]
    return frozenset(opened)


def _members(node: Directory) -> list[Directory | Change]:
    return [node.below[name] for name in sorted(node.below)]


def _joined(node: Directory) -> tuple[Safe, Directory]:
    """Return the last of directories of which each holds only the next, and their names."""
    names = [node.path.rpartition(b"/")[2]]
    while node.change is None and len(node.below) == 1:
        (only,) = node.below.values()
        if not isinstance(only, Directory) or only.change or not only.below:
            break
        node = only
        names.append(node.path.rpartition(b"/")[2])
    return safe(b"/".join(names)), node


def _directory(node: Directory, name: Safe, depth: int, *, is_open: bool) -> Row:
    fold = Fold.NONE
    if node.below:
        fold = Fold.OPEN if is_open else Fold.CLOSED
    mark = {Fold.OPEN: "▾ ", Fold.CLOSED: "▸ ", Fold.NONE: "  "}[fold]
    own, style = (" ", "kind") if node.change is None else _mark(node.change)
    spans = [span(f"{own} ", style), span("  " * depth + mark, "dim"), span(f"{name}/", style)]
    if node.change is not None:
        spans += _fields(node.change)
    spans += _counts(node)
    return Row(key_of(node.path), tuple(spans), fold=fold, depth=depth)


def _counts(node: Directory) -> list[Span]:
    return [
        span(f"  {MARKS[kind]}{count:,}", STYLES[kind])
        for kind, count in node.counts.items()
        if count
    ]


def _file(change: Change, depth: int, width: int) -> Row:
    own, style = _mark(change)
    spans = [span(f"{own} ", style), span("  " * depth + "  ", "dim")]
    spans.append(span(safe(change.path.rpartition(b"/")[2]), style))
    spans += _fields(change)
    if width >= _WIDE:
        spans += _size(change)
    return Row(key_of(change.path), tuple(spans), depth=depth)


def _mark(change: Change) -> tuple[str, str]:
    return MARKS[change.change], STYLES[change.change]


def fields(change: Change) -> Safe:
    """Return which of a path's fields differ, "" for one that came or went."""
    return joined(field.value for field in change.fields) if change.fields else _NOTHING


def _fields(change: Change) -> list[Span]:
    said = fields(change)
    return [span(f"  {said}", "dim")] if said else []


def _size(change: Change) -> Line:
    """Return how large a file is, or what it grew by."""
    if change.entry.type is EntryType.LINK:
        return (span(f" → {safe(change.entry.target)}", "dim"),)
    if change.entry.type is not EntryType.FILE:
        return (span(f"  {change.entry.type.value}", "dim"),)
    if change.a is None or change.b is None or change.a.type is not change.b.type:
        return (span(f"  {human(change.entry.size)}", "dim"),)
    grown = change.b.size - change.a.size
    sign = "+" if grown > 0 else "-"
    return (span(f"  {sign}{human(abs(grown))}", "dim"),) if grown else ()
