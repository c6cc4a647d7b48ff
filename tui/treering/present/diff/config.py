"""The section `config`: settings with their value before and after."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from treering.core.diff.compare import Comparison, Part
from treering.core.diff.config import ConfigChange
from treering.core.text import Safe, safe
from treering.present.detail.parts import Page, compact
from treering.present.diff import words
from treering.present.lines import Row, span


def rows(found: Comparison, *, width: int = 80) -> tuple[Row, ...]:
    """Return the settings that differ, the old value above the new one."""
    page = Page(width)
    page.heading("config", note=words.part(found, Part.CONFIG))
    for change in found.config:
        page.line(change.key, (span(change.key, "kind"),))
        for mark, value, style in _values(change):
            page.text(f"{change.key} {mark}", f"{mark} {value}", style)
    return page.rows()


def _values(change: ConfigChange) -> Iterator[tuple[str, Safe, str]]:
    if change.a is not None:
        yield "-", written(change.a), "removed"
    if change.b is not None:
        yield "+", written(change.b), "added"


def written(value: Any) -> Safe:
    """Return a setting on one line; an empty text shows as one."""
    return compact(value) if value != "" else safe('""')
