"""The section `layers`: which layers are shared, which are new and what they weigh."""

from __future__ import annotations

from treering.core.diff.compare import Comparison, Part
from treering.core.diff.layers import LayerRow, Where
from treering.core.ids import short
from treering.present.detail.parts import Page, human
from treering.present.diff import words
from treering.present.lines import Row, span

_MARKS = {Where.B: ("+", "added"), Where.A: ("-", "removed"), Where.BOTH: (" ", "dim")}
_SIZE = 9


def rows(found: Comparison, *, width: int = 80) -> tuple[Row, ...]:
    """Return the layers of both images: those of the second bottom first, then those gone."""
    page = Page(width)
    page.heading("layers", note=words.part(found, Part.LAYERS))
    for row in found.layers:
        _row(page, row)
    return page.rows()


def _row(page: Page, row: LayerRow) -> None:
    mark, style = _MARKS[row.where]
    size = human(row.size) if row.size is not None else "?"
    digest = short(row.digest).removeprefix("sha256:")
    line = (
        span(f"{mark} ", style),
        span(f"{row.position + 1:>3} ", "dim"),
        span(f"{size:>{_SIZE}} ", style),
        span(digest, style),
        span("  in both" if row.where is Where.BOTH else "", "dim"),
    )
    page.line(f"{row.where} {row.digest}", line, row.node)
