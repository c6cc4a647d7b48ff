"""The sentences of a comparison: how much of what differs.

Owns how counts are said, one sentence for each part, so that every view says the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from treering.core.diff.compare import Comparison, Part
from treering.core.diff.layers import Where, pull
from treering.core.diff.packages import PackageChangeType
from treering.core.diff.sides import Side
from treering.core.ids import content_of, short
from treering.core.text import Safe, safe
from treering.present.detail.parts import human, joined

SAME = Safe("the same")
NOT_APPLICABLE = Safe("nothing to compare in these two")
UNKNOWN = Safe("not compared")


def verdict(found: Comparison) -> Safe:
    """Return in one word whether two versions are equal."""
    if found.equal is None:
        return Safe("unknown")
    return Safe("equal") if found.equal else Safe("different")


def part(found: Comparison, wanted: Part) -> Safe:
    """Return what became of a part in one sentence."""
    if found.differs(wanted):
        return _DIFFERS[wanted](found)
    if any(missing.part is wanted for missing in found.missing):
        return UNKNOWN
    if wanted in found.inapplicable:
        return NOT_APPLICABLE
    return SAME


def side(shown: Side) -> Safe:
    """Return what a side is called: the kind of its version, the name asked for, its digest."""
    digest = short(content_of(shown.version)).removeprefix("sha256:")
    name = shown.label if shown.label != digest else ""
    return joined((shown.kind.value, name, digest), " ")


def number(count: int, what: str, several: str = "") -> str:
    """Return a count with its noun; "" for none."""
    return f"{count:,} {what if count == 1 else several or what + 's'}" if count else ""


def _layers(found: Comparison) -> Safe:
    counts = Counter(row.where for row in found.layers)
    new = pull(found.layers)
    size = f"{human(new.size)} to pull" if new.size else ""
    unknown = f"{number(new.unknown, 'layer')} of unknown size" if new.unknown else ""
    return joined(
        (
            f"{counts[Where.B]} new" if counts[Where.B] else "",
            f"{counts[Where.A]} gone" if counts[Where.A] else "",
            f"{counts[Where.BOTH]} shared" if counts[Where.BOTH] else "none shared",
            size,
            unknown,
        )
    )


def _files(found: Comparison) -> Safe:
    said = found.files.summary
    grown = f"{'+' if said.grown > 0 else '-'}{human(abs(said.grown))}" if said.grown else ""
    removed = f"{said.removed:,} removed" if said.removed else ""
    if removed and said.removed_trees != said.removed:
        removed += f" (in {number(said.removed_trees, 'tree')})"
    return joined(
        (
            f"{said.added:,} added" if said.added else "",
            removed,
            f"{said.modified:,} modified" if said.modified else "",
            grown,
        )
    )


def _packages(found: Comparison) -> Safe:
    counts = Counter(change.change for change in found.packages)
    return joined(f"{counts[kind]:,} {kind.value}" if counts[kind] else "" for kind in _ORDER)


_ORDER: Iterable[PackageChangeType] = tuple(PackageChangeType)


def _config(found: Comparison) -> Safe:
    return safe(number(len(found.config), "setting"))


def _source(found: Comparison) -> Safe:
    source = found.source
    if source is None:
        return UNKNOWN
    lost = sum(commit.lost for commit in source.commits)
    new = len(source.commits) - lost
    said = joined(
        (
            number(new, "new commit"),
            f"{number(lost, 'commit')} lost" if lost else "",
            f"{source.more:,} more" if source.more else "",
        )
    )
    return said or Safe("another commit")


_DIFFERS = {
    Part.LAYERS: _layers,
    Part.FILES: _files,
    Part.PACKAGES: _packages,
    Part.CONFIG: _config,
    Part.SOURCE: _source,
}
