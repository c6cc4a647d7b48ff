"""The section `source`: the git log between the commits two versions were built from."""

from __future__ import annotations

from treering.core.diff.compare import Comparison, Part
from treering.core.diff.source import SourceCommit
from treering.core.ids import content_of, short
from treering.present.detail.parts import Page, moment
from treering.present.diff import words
from treering.present.lines import Row, span

_SHORT = 7
_WIDE = 64


def rows(found: Comparison, *, width: int = 80) -> tuple[Row, ...]:
    """Return the commits between two versions, newest first, those taken back marked ``-``."""
    page = Page(width)
    page.heading("source", note=words.part(found, Part.SOURCE))
    source = found.source
    if source is None:
        return page.rows()
    for label, node, style in (("from", source.a, "removed"), ("to", source.b, "added")):
        page.field(label, short(node) if node else "unknown", style, node)
    for commit in source.commits:
        _commit(page, commit)
    if source.more:
        page.text("more", f"… and {source.more:,} more", "dim")
    return page.rows()


def _commit(page: Page, commit: SourceCommit) -> None:
    mark, style = ("-", "removed") if commit.lost else ("+", "added")
    line = [span(f"{mark} ", style), span(content_of(commit.node)[:_SHORT] + " ", "dim")]
    if page.width >= _WIDE and commit.time is not None:
        line.append(span(f"{moment(commit.time)[:10]} ", "dim"))
    line += [span(commit.subject), span(f"  {commit.author.partition(' <')[0]}", "dim")]
    page.line(commit.node, tuple(line), commit.node)
