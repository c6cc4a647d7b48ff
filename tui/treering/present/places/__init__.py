"""Places: the left pane. What there is, grouped by where a person would look for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from treering.core.graph import Graph
from treering.core.reading import SourceStatus
from treering.present.places.items import Item, is_folded, item_line, matching, visible

__all__ = ["Item", "Place", "is_folded", "item_line", "matching", "places", "visible"]


class Place(StrEnum):
    """The lists of the left pane, in the order of their keys 1 to 6; the value is the title."""

    HOSTS = "hosts"
    STAGES = "stages"
    IMAGES = "images"
    REFS = "refs"
    WORKLOADS = "workloads"
    SOURCES = "sources"


def places(
    graph: Graph,
    statuses: Sequence[SourceStatus],
    stages: Sequence[Mapping[str, Any]] = (),
) -> dict[Place, tuple[Item, ...]]:
    """Return the items of every place.

    `stages` are the tables of the configuration (`core.config.Config.stages`). Runs in the
    thread that owns the graph; what it returns may go anywhere.
    """
    raise NotImplementedError
