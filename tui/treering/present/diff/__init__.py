"""A comparison as rows: what differs between two versions, section by section.

Owns which sections there are and their order. Each module owns one section and has one pure
function, `rows`; `words` has the sentences they share, `listing` a comparison as plain lines, and
`markdown` one as a comment of a review. `width` is how many cells there are.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from treering.core.diff.compare import Comparison, Part
from treering.present.diff import config, files, layers, packages, source, summary
from treering.present.lines import Row

MANY = 2000
"""About how many rows the files have before anybody unfolds one."""


class Section(StrEnum):
    """The sections, in their order; the value is the title."""

    SUMMARY = "summary"
    LAYERS = "layers"
    FILES = "files"
    PACKAGES = "packages"
    CONFIG = "config"
    SOURCE = "source"


def sections(found: Comparison) -> tuple[Section, ...]:
    """Return the sections that have something to show, in order: parts that differ or miss.

    A part that is equal, or does not apply to the two, is told in the summary.
    """
    missing = {missing.part for missing in found.missing}
    shown = {part.value for part in Part if found.differs(part) or part in missing}
    return tuple(s for s in Section if s is Section.SUMMARY or s.value in shown)


def rows(
    found: Comparison,
    section: Section,
    *,
    width: int = 80,
    opened: Collection[bytes] | None = None,
) -> tuple[Row, ...]:
    """Return the rows of a section; `opened` are the directories that show what is in them.

    Without `opened` the upper ones do, as many as make `MANY` rows. Whoever folds and unfolds
    keeps the tree (`files.tree_of`) and asks `files.rows`.
    """
    match section:
        case Section.SUMMARY:
            return summary.rows(found, width=width)
        case Section.LAYERS:
            return layers.rows(found, width=width)
        case Section.FILES:
            tree = files.tree_of(found.files.changes)
            shown = files.first_opened(tree, MANY) if opened is None else opened
            return files.rows(tree, shown, width=width)
        case Section.PACKAGES:
            return packages.rows(found, width=width)
        case Section.CONFIG:
            return config.rows(found, width=width)
        case Section.SOURCE:
            return source.rows(found, width=width)
