"""A comparison as Markdown, for the description of a change that people review.

Owns the form: a table of counts, tables of packages and settings, and long lists folded. Text
from outside stands in code spans only, where Markdown and HTML have no say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from treering.core.diff.compare import Comparison, Part
from treering.core.ids import content_of, short
from treering.core.text import Safe, safe
from treering.present.detail.parts import human
from treering.present.diff import words
from treering.present.diff.config import written
from treering.present.diff.files import MARKS, fields
from treering.present.diff.packages import ordered
from treering.present.lines import cut_end

MAX_ROWS = 200
"""Most rows of one list; a comment on a review may have some 65,000 characters (GitHub)."""
_MAX_VALUE = 300
_FOLDED = 25


def lines(found: Comparison) -> Iterator[Safe]:
    """Yield a comparison as Markdown."""
    title = f"{code(words.side(found.a))} → {code(words.side(found.b))}"
    yield safe(f"### {title}: {words.verdict(found)}")
    yield Safe("")
    yield from _table(("part", "difference"), _counts(found))
    yield from _packages(found)
    yield from _config(found)
    yield from _source(found)
    yield from _layers(found)
    yield from _files(found)
    yield from _notes(found)


def code(text: str) -> Safe:
    """Return text as a code span that nothing in it can end, also within a table."""
    shown = cut_end(safe(text), _MAX_VALUE)
    if not shown:
        return shown
    longest = max((len(run) for run in _TICKS.findall(shown)), default=0)
    fence = "`" * (longest + 1)
    space = " " if shown.startswith("`") or shown.endswith("`") else ""
    return safe(f"{fence}{space}{shown}{space}{fence}".replace("|", "\\|"))


_TICKS = re.compile("`+")


def _counts(found: Comparison) -> Iterator[tuple[str, str]]:
    return ((part.value, words.part(found, part)) for part in Part if part in found.parts)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[Safe]:
    yield _row(head)
    yield _row(["---"] * len(head))
    yield from map(_row, rows)


def _row(cells: Sequence[str]) -> Safe:
    return safe(f"| {' | '.join(cells)} |")


def _section(found: Comparison, part: Part, rows: Sequence[Safe]) -> Iterator[Safe]:
    """Yield a section with its rows, folded where they are many."""
    if not rows:
        return
    said = words.part(found, part)
    yield Safe("")
    if len(rows) > _FOLDED:
        yield safe(f"<details><summary><b>{part.value}</b>: {said}</summary>")
    else:
        yield safe(f"**{part.value}**: {said}")
    yield Safe("")
    yield from rows[:MAX_ROWS]
    if len(rows) > MAX_ROWS:
        yield Safe("")
        yield safe(f"… and {len(rows) - MAX_ROWS:,} more")
    if len(rows) > _FOLDED:
        yield Safe("")
        yield Safe("</details>")


def _packages(found: Comparison) -> Iterator[Safe]:
    rows = [
        (change.change.value, code(change.name), _value(change.a), _value(change.b))
        for change in ordered(found.packages)
    ]
    table = list(_table(("", "package", "before", "after"), rows)) if rows else []
    yield from _section(found, Part.PACKAGES, table)


def _config(found: Comparison) -> Iterator[Safe]:
    rows = [
        (
            code(change.key),
            _value(None if change.a is None else written(change.a)),
            _value(None if change.b is None else written(change.b)),
        )
        for change in found.config
    ]
    table = list(_table(("setting", "before", "after"), rows)) if rows else []
    yield from _section(found, Part.CONFIG, table)


def _value(text: str | None) -> str:
    return "" if text is None else code(text)


def _source(found: Comparison) -> Iterator[Safe]:
    if found.source is None:
        return
    rows = [
        safe(
            f"- {'removed ' if commit.lost else ''}{code(content_of(commit.node)[:7])} "
            f"{code(commit.subject)}"
        )
        for commit in found.source.commits
    ]
    yield from _section(found, Part.SOURCE, rows)


def _layers(found: Comparison) -> Iterator[Safe]:
    if not found.differs(Part.LAYERS):
        return
    rows = [
        (
            {"a": "removed", "b": "added", "both": ""}[row.where.value],
            code(short(row.digest).removeprefix("sha256:")),
            human(row.size) if row.size is not None else "?",
        )
        for row in found.layers
    ]
    yield from _section(found, Part.LAYERS, list(_table(("", "layer", "size"), rows)))


def _files(found: Comparison) -> Iterator[Safe]:
    rows = []
    for change in found.files.changes[: MAX_ROWS + 1]:
        said = fields(change)
        path = code(safe(change.path))
        rows.append(safe(f"- {_SAID[MARKS[change.change]]} {path}{f' ({said})' if said else ''}"))
    rows += [Safe("")] * (len(found.files.changes) - len(rows))
    yield from _section(found, Part.FILES, rows)


_SAID = {"+": "added", "-": "removed", "~": "modified"}


def _notes(found: Comparison) -> Iterator[Safe]:
    said = [f"{missing.part.value}: {code(missing.why)}" for missing in found.missing]
    if said or found.notes:
        yield Safe("")
    yield from (safe(f"> missing from {text}  ") for text in said)
    yield from (safe(f"> {code(note)}  ") for note in found.notes)
