"""Places: the left pane. What there is, grouped by where a person would look for it.

Owns the list of places; each module beside this one owns one. All is made in one go by the thread
that owns the graph, and drawn line by line (`item_line`) by whoever shows it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from treering.core.graph import Graph, paused_collector
from treering.core.reading import SourceStatus
from treering.core.text import safe
from treering.present.places import hosts, images, refs, sources, stages, workloads
from treering.present.places.items import (
    Item,
    is_folded,
    item_line,
    matching,
    shows_below,
    visible,
)

__all__ = [
    "Item",
    "Place",
    "is_folded",
    "item_line",
    "matching",
    "places",
    "shows_below",
    "visible",
]


class Place(StrEnum):
    """The lists of the left pane, in the order of their keys 1 to 6; the value is the title."""

    HOSTS = "hosts"
    STAGES = "stages"
    IMAGES = "images"
    REFS = "refs"
    WORKLOADS = "workloads"
    SOURCES = "sources"


_EMPTY = {
    Place.HOSTS: ("no host is known yet", "add a sysroot with --source sysroot:DIR or [[host]]"),
    Place.STAGES: ("no stage is configured", "name them in treering.toml under [[stage]]"),
    Place.IMAGES: ("no image is known yet", "add one with --source oci-layout:DIR or docker:"),
    Place.REFS: ("no OSTree ref is known yet", "add a repository with --source ostree:DIR"),
    Place.WORKLOADS: ("nothing that runs is known yet", "add an engine: --source podman:SOCKET"),
    Place.SOURCES: ("no source is read", "name one with --source KIND:LOCATION"),
}


def places(
    graph: Graph,
    statuses: Sequence[SourceStatus],
    stages: Sequence[Mapping[str, Any]] = (),
) -> dict[Place, tuple[Item, ...]]:
    """Return the items of every place; an empty one says what would be there and how.

    `stages` are the tables of the configuration (`core.config.Config.stages`). Runs in the
    thread that owns the graph; what it returns may go anywhere.
    """
    with paused_collector():
        found = {
            Place.HOSTS: hosts.items(graph),
            Place.STAGES: _stages(graph, stages),
            Place.IMAGES: images.items(graph),
            Place.REFS: refs.items(graph),
            Place.WORKLOADS: workloads.items(graph),
            Place.SOURCES: sources.items(graph, statuses),
        }
        return {place: tuple(items or _nothing(place)) for place, items in found.items()}


_stages = stages.items


def _nothing(place: Place) -> list[Item]:
    return [Item(name=safe(text)) for text in _EMPTY[place]]
