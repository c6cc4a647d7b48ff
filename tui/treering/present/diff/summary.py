"""The section `summary`: the two sides, how much differs in each part, and what is missing."""

from __future__ import annotations

from treering.core.diff.compare import Comparison, Part
from treering.present.detail.parts import Page
from treering.present.diff import words
from treering.present.lines import Row

_VERDICTS = {"equal": "good", "different": "modified", "unknown": "warn"}


def rows(found: Comparison, *, width: int = 80) -> tuple[Row, ...]:
    """Return the summary of a comparison."""
    page = Page(width)
    page.field("from", words.side(found.a), "removed", found.a.asked)
    page.field("to", words.side(found.b), "added", found.b.asked)
    verdict = words.verdict(found)
    page.field("", verdict, _VERDICTS[verdict])
    page.heading("what differs")
    for part in Part:
        if part in found.parts:
            said = words.part(found, part)
            page.field(part.value, said, _style(found, part))
    if found.missing:
        page.heading("what is missing")
        for missing in found.missing:
            page.field(missing.part.value, missing.why, "warn")
    if found.notes:
        page.heading("to know")
        for note in found.notes:
            page.text("note", note, "dim")
    return page.rows()


def _style(found: Comparison, part: Part) -> str:
    if found.differs(part):
        return ""
    return "warn" if any(missing.part is part for missing in found.missing) else "dim"
