"""Packages and settings of one side of a comparison, from wherever they can be had.

Owns the order of asking: the files that are open, then what the graph knows, then the documents
a source keeps. Asks systems through the shelf only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from treering.core import opening
from treering.core.diff.config import (
    PLATFORM,
    Settings,
    of_attributes,
    of_document,
    with_kernel_arguments,
)
from treering.core.diff.sides import Side
from treering.core.documents import MAX_DOCUMENT, parse_json
from treering.core.errors import SourceError
from treering.core.graph import Graph
from treering.core.ids import Kind, NodeId
from treering.core.lenient import object_of
from treering.core.packages import (
    Package,
    PackageList,
    packages_listed,
    packages_of,
    packages_of_attributes,
)
from treering.core.ports import Problem, ReadContext, Tree
from treering.core.shelf import Shelf
from treering.core.text import Safe, safe

_PACKAGES = "rpmostree.rpmdb.pkglist"
_MANIFEST = frozenset({"schemaVersion", "layers", "Layers"})
"""A manifest has a ``config`` too, which is only where the config is."""
_NONE = Safe("")


@dataclass(frozen=True, slots=True)
class Packages:
    """The packages of one side; `known` is false where nobody could tell."""

    packages: tuple[Package, ...] = ()
    problems: tuple[Problem, ...] = ()
    notes: tuple[Safe, ...] = ()
    known: bool = True


def packages_of_side(
    graph: Graph, shelf: Shelf, side: Side, tree: Tree | None, context: ReadContext
) -> Packages:
    """Return the packages of a side; of a tree without any database an empty list.

    Raises `Cancelled` only.
    """
    found = packages_of(tree, context) if tree is not None else None
    if found is not None and found.managers:
        return _packages(found)
    commit = side.within or (side.version if side.kind is Kind.COMMIT else None)
    if commit is not None:
        listed = packages_of_attributes(graph.attrs(commit))
        listed = listed or _of_metadata(graph, shelf, commit, context)
        if listed is not None:
            return _packages(listed)
    if found is not None:
        return _packages(found)
    why = Problem(side.label, Safe("its files cannot be opened, so its packages are unknown"))
    return Packages(problems=(why,), known=False)


def _packages(found: PackageList) -> Packages:
    return Packages(found.packages, found.problems, found.notes)


def _of_metadata(
    graph: Graph, shelf: Shelf, commit: NodeId, context: ReadContext
) -> PackageList | None:
    """Return the list a composed commit carries, None without one."""
    try:
        for document in _documents(graph, shelf, commit, context):
            listed = object_of(document.get(_PACKAGES)).get("value")
            if isinstance(listed, list):
                return packages_listed(listed)
    except SourceError:
        return None
    return None


def settings_of_side(
    graph: Graph, shelf: Shelf, side: Side, context: ReadContext
) -> tuple[Settings, Safe]:
    """Return how a side is configured, and what of it could not be read ("" for nothing).

    Raises `Cancelled` only.
    """
    try:
        settings, trouble = _settings(graph, shelf, side, context)
        return with_kernel_arguments(settings, graph.attrs(side.asked)), trouble
    except SourceError as error:
        return Settings({}, whole=False), error.message


def _settings(
    graph: Graph, shelf: Shelf, side: Side, context: ReadContext
) -> tuple[Settings, Safe]:
    attrs = graph.attrs(side.version)
    if side.kind is Kind.COMMIT:
        return of_attributes(attrs, whole=True), _NONE
    # The inspection of a container does not say what its image runs on.
    platform = {key: attrs[key] for key in PLATFORM if key in attrs}
    asked = side.files.node if side.files is not None else side.version
    trouble = _NONE
    try:
        for document in _documents(graph, shelf, asked, context):
            if "config" in document or "Config" in document:
                found = of_document({**platform, **document})
                # What a container says of ports and signals are an engine's defaults, too.
                of_image = asked == side.version
                return Settings(found.values, whole=of_image), _NONE
    except SourceError as error:
        trouble = error.message
    why = trouble or "no source here keeps its config"
    return of_attributes(attrs), safe(f"only a part of the settings is known: {why}")


def _documents(
    graph: Graph, shelf: Shelf, node: NodeId, context: ReadContext
) -> Iterator[Mapping[str, Any]]:
    """Yield the documents of a node that are JSON objects. Raises `SourceError`."""
    wanted = opening.documented(graph, node)[:1]
    for document in shelf.documents(wanted, context):
        if not document.media_type.endswith("json"):
            continue
        value = parse_json(document.data, document.name, MAX_DOCUMENT)
        if isinstance(value, list) and len(value) == 1:
            (value,) = value
        if isinstance(value, dict) and not _MANIFEST.intersection(value):
            yield value
