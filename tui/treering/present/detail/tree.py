"""The tab `tree`: the files of a version, and the content of one.

Owns the columns of a listing and how a tree is drawn from the directories that are open. Opens
nothing itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

from treering.core.ids import Digest
from treering.core.text import Safe, safe
from treering.core.trees import ROOT, Entry, EntryType
from treering.present.detail.parts import human
from treering.present.detail.text import dump, is_binary, lines_of
from treering.present.lines import Fold, Line, Row, Span, span

MAX_LINES = 20_000
"""Longest list of lines drawn of one file."""
_WIDE, _ROOMY = 60, 44
_OWNER, _SIZE = 9, 8
_NUMBER = 5

_STYLES = {
    EntryType.DIRECTORY: "kind",
    EntryType.LINK: "accent",
    EntryType.WHITEOUT: "removed",
    EntryType.OPAQUE: "removed",
}


def rows(children: Mapping[bytes, Sequence[Entry]], *, width: int = 80) -> tuple[Row, ...]:
    """Return the rows of a file tree.

    `children` holds what stands in each open directory, that of ``b"/"`` at least; a directory
    that is not in it is drawn folded. The key of a row gives its path back (`path_of`). A narrow
    tree leaves out owners, then permissions.
    """
    if not children.get(ROOT):
        return (Row("none", (span("no file is in it", "dim"),)),)
    made: list[Row] = []
    stack = [(entry, 0) for entry in reversed(children[ROOT])]
    while stack:
        entry, depth = stack.pop()
        below = children.get(entry.path) if entry.type is EntryType.DIRECTORY else None
        made.append(_row(entry, depth, width, opened=below is not None))
        stack += [(child, depth + 1) for child in reversed(below or ())]
    return tuple(made)


def key_of(path: bytes) -> str:
    """Return the key of the row that stands for a path."""
    return _KEY + path.decode("utf-8", "surrogateescape")


def path_of(row: Row) -> bytes:
    """Return the path a row of `rows` stands for. Raises `ValueError` for any other row."""
    if not row.key.startswith(_KEY):
        raise ValueError(row.key)
    return row.key.removeprefix(_KEY).encode("utf-8", "surrogateescape")


_KEY = "file:"


def _row(entry: Entry, depth: int, width: int, *, opened: bool) -> Row:
    is_directory = entry.type is EntryType.DIRECTORY
    fold = Fold.NONE
    if is_directory:
        fold = Fold.OPEN if opened else Fold.CLOSED
    mark = {Fold.OPEN: "▾ ", Fold.CLOSED: "▸ ", Fold.NONE: "  "}[fold]
    spans = [*_columns(entry, width), span("  " * depth + mark, "dim")]
    spans.append(span(safe(entry.name) + "/" * is_directory, _STYLES.get(entry.type, "")))
    spans += _after(entry)
    return Row(key_of(entry.path), tuple(spans), fold=fold, depth=depth)


def _columns(entry: Entry, width: int) -> list[Span]:
    """Return the columns before the name, as many as there is room for."""
    spans: list[Span] = []
    if width >= _ROOMY:
        spans.append(span(f"{entry.permissions} ", "dim"))
    if width >= _WIDE:
        spans.append(span(f"{f'{entry.uid}:{entry.gid}':<{_OWNER}} ", "dim"))
    size = human(entry.size) if entry.type is EntryType.FILE else ""
    if entry.device is not None:
        size = "{},{}".format(*entry.device)
    spans.append(span(f"{size:>{_SIZE}} "))
    return spans


def _after(entry: Entry) -> list[Span]:
    """Return what follows the name: the target of a link, what a whiteout does."""
    if entry.type is EntryType.LINK:
        return [span(f" → {safe(entry.target)}", "dim")]
    if entry.same_as:
        return [span(f" same file as {safe(entry.same_as)}", "dim")]
    if entry.type in {EntryType.WHITEOUT, EntryType.OPAQUE}:
        word = "removes it" if entry.type is EntryType.WHITEOUT else "hides what is below"
        return [span(f" {word}", "removed")]
    if entry.type in {EntryType.FILE, EntryType.DIRECTORY}:
        return []
    return [span(f" {entry.type.value}", "dim")]


def content(entry: Entry, data: bytes, *, digest: Digest | None = None) -> tuple[Row, ...]:
    """Return the content of a file: numbered lines of text, or a dump of its first bytes.

    `data` may be only the beginning of it (`Entry.size` tells); `digest` is that of the whole.
    """
    made = [Row("head", _title(entry, digest))]
    if entry.type is EntryType.LINK:
        return (*made, Row("1", (span(f"→ {safe(entry.target)}"),)))
    if is_binary(data):
        made += [Row(f"{at}", line) for at, line in enumerate(dump(data), 1)]
    else:
        lines = list(islice(lines_of(data), MAX_LINES + 1))
        made += [Row(f"{at}", _numbered(at, text)) for at, text in enumerate(lines[:MAX_LINES], 1)]
        if len(lines) > MAX_LINES:
            made.append(Row("lines", (span(f"… more than {MAX_LINES} lines", "dim"),)))
    if not data and not entry.size:
        made.append(Row("empty", (span("the file is empty", "dim"),)))
    if len(data) < entry.size:
        cut = f"… {human(len(data))} of {human(entry.size)} are shown"
        made.append(Row("cut", (span(cut, "warn"),)))
    return tuple(made)


def _title(entry: Entry, digest: Digest | None) -> Line:
    line = [span(safe(entry.path), "head"), span(f"  {entry.permissions}", "dim")]
    line.append(span(f" {entry.uid}:{entry.gid} {human(entry.size)}", "dim"))
    whole = digest or entry.digest
    if whole:
        line.append(span(f" {whole}", "dim"))
    return tuple(line)


def _numbered(number: int, text: Safe) -> Line:
    return (span(f"{number:>{_NUMBER}} ", "dim"), (text, ""))
