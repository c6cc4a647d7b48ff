"""A comparison as plain lines, for a terminal that scrolls and for a file.

Owns the order there: counts first, then packages, settings, source and layers, and the files,
which are many, last. Every path stands whole on its line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from treering.core.diff.compare import Comparison, Part
from treering.core.diff.model import Change
from treering.core.diff.text import Content, Mark, TextDiff, TextLine
from treering.core.text import safe
from treering.present.detail.parts import human
from treering.present.diff import config, files, layers, packages, source, summary, words
from treering.present.diff.files import MARKS, STYLES, first_opened, tree_of
from treering.present.lines import Line, Row, span

STAT_ROWS = 40
"""About how many rows the files have where only counts are wanted."""
_ROWS = {
    Part.PACKAGES: packages.rows,
    Part.CONFIG: config.rows,
    Part.SOURCE: source.rows,
    Part.LAYERS: layers.rows,
}
_MARKS = {
    Mark.SAME: "",
    Mark.REMOVED: "removed",
    Mark.ADDED: "added",
    Mark.HUNK: "accent",
    Mark.NOTE: "dim",
}


def lines(found: Comparison, width: int, *, stat: bool = False) -> Iterator[Line]:
    """Yield a comparison as lines; with `stat` counts only, files by directory."""
    yield from _of(summary.rows(found, width=width))
    if not stat:
        for part, rows in _ROWS.items():
            if found.differs(part):
                yield ()
                yield from _of(rows(found, width=width))
    if found.files.changes:
        yield ()
        yield (span("files", "head"), span(f"  {words.part(found, Part.FILES)}", "dim"))
        if stat:
            tree = tree_of(found.files.changes)
            yield from _of(files.rows(tree, first_opened(tree, STAT_ROWS), width=width))
        else:
            yield from map(_path, found.files.changes)


def _of(rows: Iterable[Row]) -> Iterator[Line]:
    return (row.line for row in rows)


def _path(change: Change) -> Line:
    mark, style = MARKS[change.change], STYLES[change.change]
    said = files.fields(change)
    end = "/" * (change.entry.type.value == "directory")
    return (span(f"{mark} {safe(change.path)}{end}", style), span(f"  {said}" if said else ""))


def content(diffs: Iterable[TextDiff]) -> Iterator[Line]:
    """Yield the content that differs as a unified diff; of what is no text, size and digest."""
    for diff in diffs:
        yield ()
        yield from _content(diff)


def _content(diff: TextDiff) -> Iterator[Line]:
    path = safe(diff.change.path)
    yield (span(f"--- {f'a{path}' if diff.change.a else '/dev/null'}", "head"),)
    yield (span(f"+++ {f'b{path}' if diff.change.b else '/dev/null'}", "head"),)
    if diff.why:
        yield (span(f"{diff.why}{_described(diff)}", "dim"),)
    yield from map(_line, diff.lines)


def _line(line: TextLine) -> Line:
    return (span(f"{line.mark.value}{line.text}", _MARKS[line.mark]),)


def _described(diff: TextDiff) -> str:
    both = [_content_words(content) for content in (diff.a, diff.b) if content is not None]
    return ": " + " → ".join(both) if both else ""


def _content_words(content: Content) -> str:
    return f"{human(content.size)} {content.digest or ''}".strip()


def content_rows(diff: TextDiff) -> tuple[Row, ...]:
    """Return the content of one file that differs as rows."""
    return tuple(Row(f"{at}", line) for at, line in enumerate(_content(diff)))
