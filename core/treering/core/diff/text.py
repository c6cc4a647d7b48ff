"""The content of files that differ, line by line.

Owns which content is compared as text, and the caps that keep it cheap whatever the files hold:
bytes of a file, files, and lines times lines. What is beyond a cap or no text is told by size and
digest. Nothing is held but the two files at hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

from treering.core.diff.model import Change, Field
from treering.core.errors import SourceError
from treering.core.ids import Digest, digest_of
from treering.core.ports import ReadContext, Tree
from treering.core.text import Safe, safe
from treering.core.trees import Entry, EntryType

MAX_FILE = 1024 * 1024
"""Largest file in bytes that is compared as text."""
MAX_FILES = 500
"""Most files whose content is read; of the others it is said that they were not."""
MAX_SECONDS = 30.0
"""How long contents are read; of an image each may cost unpacking a layer to its place."""
MAX_PRODUCT = 4_000_000
"""Most differing lines of one side times those of the other that are matched with each other."""
CONTEXT = 3
_SNIFFED = 8000
_MAX_LINE = 2000
_TAB = 8


class Mark(StrEnum):
    """What a line of a unified diff begins with."""

    SAME = " "
    REMOVED = "-"
    ADDED = "+"
    HUNK = "@@ "
    NOTE = "\\ "


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line of a unified diff without its mark."""

    mark: Mark
    text: Safe


@dataclass(frozen=True, slots=True)
class Content:
    """The content of one side of a file; `data` is None where it was not read."""

    size: int
    data: bytes | None = None
    digest: Digest | None = None

    @property
    def binary(self) -> bool:
        """Tell whether the content is no text, as git does: by a zero byte near the beginning."""
        return self.data is not None and b"\0" in self.data[:_SNIFFED]


@dataclass(frozen=True, slots=True)
class TextDiff:
    """A change with the lines that differ, or why there are none."""

    change: Change
    lines: tuple[TextLine, ...] = ()
    why: Safe = Safe("")  # noqa: RUF009 -- a constant
    a: Content | None = None
    b: Content | None = None


def text_diffs(
    a: Tree, b: Tree, changes: Iterable[Change], context: ReadContext
) -> Iterator[TextDiff]:
    """Yield the content of files and links that differs, in the order of `changes`.

    Directories, devices and changes of attributes alone are left out. Raises `Cancelled`.
    """
    end = context.clock.monotonic() + MAX_SECONDS
    for read, change in enumerate(filter(has_content, changes)):
        context.check()
        if read >= MAX_FILES:
            yield TextDiff(change, why=safe(f"not read: only {MAX_FILES} files are"))
        elif context.clock.monotonic() > end:
            yield TextDiff(change, why=safe(f"not read: {MAX_SECONDS:.0f} seconds are over"))
        else:
            yield _text_diff(a, b, change)


def has_content(change: Change) -> bool:
    """Tell whether a change is of content: of a file or link, and not of attributes alone."""
    types = {entry.type for entry in (change.a, change.b) if entry is not None}
    if not types & {EntryType.FILE, EntryType.LINK}:
        return False
    counted = {Field.CONTENT, Field.LINK, Field.TYPE, Field.SIZE}
    return not change.fields or bool(counted & set(change.fields))


def _text_diff(a: Tree, b: Tree, change: Change) -> TextDiff:
    try:
        before, after = _content(a, change.a), _content(b, change.b)
    except (SourceError, KeyError) as error:
        why = error.message if isinstance(error, SourceError) else "it is listed and not there"
        return TextDiff(change, why=safe(f"not read: {why}"))
    both = [content for content in (before, after) if content is not None]
    if any(content.data is None for content in both):
        return TextDiff(change, (), safe(f"larger than {MAX_FILE} bytes"), before, after)
    if any(content.binary for content in both):
        return TextDiff(change, (), Safe("binary"), before, after)
    old, new = (_lines(content) for content in (before, after))
    return TextDiff(change, tuple(unified(old, new)), Safe(""), before, after)


def _content(tree: Tree, entry: Entry | None) -> Content | None:
    if entry is None or entry.type not in {EntryType.FILE, EntryType.LINK}:
        return None
    if entry.type is EntryType.LINK:
        return Content(len(entry.target), b"-> " + entry.target + b"\n")
    if entry.size > MAX_FILE:
        return Content(entry.size, None, entry.digest)
    data = tree.read(entry.path, MAX_FILE)
    return Content(len(data), data, entry.digest or digest_of(data))


def _lines(content: Content | None) -> list[bytes]:
    """Return lines with their ends, so that a missing last newline is a difference."""
    if content is None or not content.data:
        return []
    lines = content.data.split(b"\n")
    ended = [line + b"\n" for line in lines[:-1]]
    return [*ended, lines[-1]] if lines[-1] else ended


def unified(a: Sequence[bytes], b: Sequence[bytes]) -> Iterator[TextLine]:
    """Yield the hunks of a unified diff of two lists of lines, with three lines around each."""
    start = _common(a, b)
    end = _common(a[start:][::-1], b[start:][::-1])
    if start == len(a) == len(b):
        return
    # Only what differs is matched, and the lines around it that are shown.
    first = max(0, start - CONTEXT)
    last = max(0, end - CONTEXT)
    old, new = a[first : len(a) - last], b[first : len(b) - last]
    for group in _groups(old, new, start - first, end - last):
        yield _head(group, first)
        for tag, low, high, lowest, highest in group:
            if tag == "equal":
                yield from _marked(Mark.SAME, old[low:high])
                continue
            yield from _marked(Mark.REMOVED, old[low:high])
            yield from _marked(Mark.ADDED, new[lowest:highest])


_Code = tuple[str, int, int, int, int]


def _groups(
    old: Sequence[bytes], new: Sequence[bytes], before: int, after: int
) -> Iterable[Sequence[_Code]]:
    """Return groups of operations; beyond the cap all that differs is one replacement."""
    if len(old) * len(new) <= MAX_PRODUCT:
        return SequenceMatcher(None, old, new).get_grouped_opcodes(CONTEXT)
    ends = len(old) - after, len(new) - after
    return [
        [
            ("equal", 0, before, 0, before),
            ("replace", before, ends[0], before, ends[1]),
            ("equal", ends[0], len(old), ends[1], len(new)),
        ]
    ]


def _common(a: Sequence[bytes], b: Sequence[bytes]) -> int:
    count = 0
    for one, other in zip(a, b, strict=False):
        if one != other:
            break
        count += 1
    return count


def _head(group: Sequence[_Code], first: int) -> TextLine:
    start, end = group[0], group[-1]
    old = _range(start[1] + first, end[2] - start[1])
    new = _range(start[3] + first, end[4] - start[3])
    return TextLine(Mark.HUNK, safe(f"-{old} +{new} @@"))


def _range(start: int, length: int) -> str:
    """Return a range as diff(1) writes it: lines from 1; of nothing the line before."""
    if length == 1:
        return str(start + 1)
    return f"{start + 1 if length else start},{length}"


def _marked(mark: Mark, lines: Iterable[bytes]) -> Iterator[TextLine]:
    for line in lines:
        yield TextLine(mark, safe(_tabs_shown(line.removesuffix(b"\n")), _MAX_LINE))
        if not line.endswith(b"\n"):
            yield TextLine(Mark.NOTE, Safe("No newline at end of file"))


def _tabs_shown(line: bytes) -> str:
    """Return a line with tabs as arrows, so that a tab and spaces do not look the same."""
    pieces = line.decode("utf-8", "surrogateescape").split("\t")
    shown = pieces[0]
    for piece in pieces[1:]:
        shown += "→".ljust(_TAB - len(shown) % _TAB) + piece
    return shown
