"""The section `packages`: upgrades first, then what came and went."""

from __future__ import annotations

from collections.abc import Iterable

from treering.core.diff.compare import Comparison, Part
from treering.core.diff.packages import PackageChange, PackageChangeType
from treering.core.text import Safe, safe
from treering.present.detail.parts import Page
from treering.present.diff import words
from treering.present.lines import Line, Row, cut_middle, pad, span
from treering.present.lines import width as cells

STYLES = {
    PackageChangeType.UPGRADED: "good",
    PackageChangeType.DOWNGRADED: "bad",
    PackageChangeType.CHANGED: "modified",
    PackageChangeType.ADDED: "added",
    PackageChangeType.REMOVED: "removed",
}
MARKS = {
    PackageChangeType.UPGRADED: "↑",
    PackageChangeType.DOWNGRADED: "↓",
    PackageChangeType.CHANGED: "~",
    PackageChangeType.ADDED: "+",
    PackageChangeType.REMOVED: "-",
}
_LONGEST_NAME = 36
_LEAST = 8


def rows(found: Comparison, *, width: int = 80) -> tuple[Row, ...]:
    """Return the packages that differ, grouped by what became of them."""
    page = Page(width)
    page.heading("packages", note=words.part(found, Part.PACKAGES))
    room = _name_width(found.packages, page.width)
    for change in ordered(found.packages):
        page.line(_key(change), _line(change, room))
    return page.rows()


def ordered(packages: Iterable[PackageChange]) -> list[PackageChange]:
    """Return changes grouped by what became of the package, upgrades first."""
    kinds = list(PackageChangeType)
    return sorted(packages, key=lambda change: kinds.index(change.change))


def versions(change: PackageChange) -> Safe:
    """Return the versions as one reads them: ``1.0 → 1.1``, or the one there is."""
    return safe(" → ".join(v for v in (change.a, change.b) if v is not None))


def _name_width(packages: Iterable[PackageChange], width: int) -> int:
    longest = max((cells(change.name) for change in packages), default=0)
    return max(_LEAST, min(longest, _LONGEST_NAME, width // 3))


def _line(change: PackageChange, room: int) -> Line:
    style = STYLES[change.change]
    return (
        span(f"{MARKS[change.change]} ", style),
        (pad(cut_middle(change.name, room), room), ""),
        span(f"  {versions(change)}", style),
        span(f"  {change.arch}", "dim"),
    )


def _key(change: PackageChange) -> str:
    version = change.b if change.b is not None else change.a
    return f"{change.manager.value} {change.name} {change.arch} {change.change.value} {version}"
