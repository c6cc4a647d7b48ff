"""The rows of a tab, whoever has to be asked for them.

Owns which tab is a question to the graph and which to a system. `known` is quick and may run
where the graph lives; `rows` may wait for a system.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from treering.core import opening
from treering.core.errors import SourceError
from treering.core.facts import NodeFact
from treering.core.graph import Graph
from treering.core.ids import NodeId
from treering.core.opening import Candidate
from treering.core.packages import PackageList, packages_of, packages_of_attributes
from treering.core.ports import ReadContext, Tree
from treering.core.shelf import Opened, Shelf
from treering.core.text import Safe, safe
from treering.core.trees import ROOT, Entry, EntryType
from treering.present.detail import (
    Tab,
    config,
    document,
    evidence,
    layers,
    packages,
    summary,
    tabs,
    tree,
)
from treering.present.lines import Row, span
from treering.present.links import View
from treering.present.nodes import name_of

MAX_CONTENT = 1 << 20
"""Most bytes of a file that are looked at."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the graph knows for a tab; `rows` is None for a tab that a system must answer."""

    node: NodeId
    title: Safe
    tabs: tuple[Tab, ...]
    tab: Tab
    rows: tuple[Row, ...] | None
    candidates: tuple[Candidate, ...] = ()
    facts: tuple[NodeFact, ...] = ()


@dataclass(frozen=True, slots=True)
class FileShown:
    """A file that was opened: what stands there, and its beginning."""

    entry: Entry
    data: bytes


Listing = Mapping[bytes, Sequence[Entry]]
"""What stands in each open directory."""


def known(graph: Graph, node: NodeId, tab: Tab, width: int, now: float) -> Known:
    """Return what the graph knows of a node for a tab. Raises `KeyError`."""
    found = graph.node(node)
    title = safe(f"{found.kind.value} {name_of(found)}")
    having = tabs(graph, node)
    tab = tab if tab in having else Tab.SUMMARY
    if tab is Tab.DOCUMENT:
        here = opening.documented(graph, node)
        return Known(node, title, having, tab, None, here, tuple(graph.facts_of(node)))
    if tab is Tab.PACKAGES and (listed := packages_of_attributes(found.attrs)):
        return Known(node, title, having, tab, package_rows(listed, width))
    if tab in {Tab.TREE, Tab.PACKAGES}:
        return Known(node, title, having, tab, None, opening.candidates(graph, node))
    return Known(node, title, having, tab, _rows(graph, node, tab, width, now))


def _rows(graph: Graph, node: NodeId, tab: Tab, width: int, now: float) -> tuple[Row, ...]:
    if tab is Tab.LAYERS:
        return layers.rows(graph, node, width=width)
    if tab is Tab.CONFIG:
        return config.rows(graph, node, width=width)
    if tab is Tab.EVIDENCE:
        return evidence.rows(graph, node, width=width, now=now)
    return summary.rows(graph, node, width=width, now=now)


def package_rows(found: PackageList, width: int) -> tuple[Row, ...]:
    """Return a list of packages, with what is wrong with it."""
    return packages.rows(found.packages, width=width, problems=found.problems, notes=found.notes)


# -- what a system is asked -------------------------------------------------------------------


def list_directory(
    shelf: Shelf, wanted: Sequence[Candidate], path: bytes, context: ReadContext
) -> Opened[Listing]:
    """Return what stands in a directory."""
    return shelf.use(wanted, context, lambda files: {path: files.children(path)})


def read_file(
    shelf: Shelf, wanted: Sequence[Candidate], path: bytes, context: ReadContext
) -> Opened[FileShown]:
    """Return the beginning of a file."""
    return shelf.use(wanted, context, lambda files: _read(files, path))


def walk_to(
    shelf: Shelf, wanted: Sequence[Candidate], path: bytes, context: ReadContext
) -> Opened[Listing | FileShown]:
    """Return the directories on the way to `path`, or the file that stands there."""

    def walk(files: Tree) -> Listing | FileShown:
        if path and files.entry(path).type is EntryType.FILE:
            return _read(files, path)
        found, at = {ROOT: files.children(ROOT)}, b""
        for part in filter(None, path.split(b"/")):
            at += b"/" + part
            if files.entry(at).type is not EntryType.DIRECTORY:
                break
            found[at] = files.children(at)
        return found

    return shelf.use(wanted, context, walk)


def list_packages(
    shelf: Shelf, wanted: Sequence[Candidate], context: ReadContext
) -> Opened[PackageList]:
    """Return the packages installed in a version."""
    return shelf.use(wanted, context, lambda files: packages_of(files, context))


def documents(shelf: Shelf, found: Known, context: ReadContext) -> tuple[Row, ...]:
    """Return the documents of a node as rows; where there are none, its facts."""
    return document.rows(shelf.documents(found.candidates, context), found.facts)


def link_path(entry: Entry) -> bytes:
    """Return the path a symbolic link leads to, as if its tree were the root of the system."""
    start = b"" if entry.target.startswith(b"/") else entry.path.rpartition(b"/")[0]
    parts: list[bytes] = []
    for part in (start + b"/" + entry.target).split(b"/"):
        if part == b"..":
            parts = parts[:-1]
        elif part not in {b"", b"."}:
            parts.append(part)
    return b"/" + b"/".join(parts)


def _read(files: Tree, path: bytes) -> FileShown:
    return FileShown(files.entry(path), files.read(path, MAX_CONTENT))


def rows(  # noqa: PLR0913, PLR0917 -- everything a view needs
    graph: Graph, shelf: Shelf, view: View, width: int, now: float, context: ReadContext
) -> tuple[Row, ...]:
    """Return the rows of a view, asking systems where needed; trouble is a row that says so."""
    if view.node is None:
        return ()
    found = known(graph, view.node, view.tab, width, now)
    if found.rows is not None:
        return found.rows
    try:
        return _asked(found, shelf, view.path, width, context)
    except SourceError as error:
        return trouble(error.message, error.hint)
    except KeyError:
        return trouble(f"there is no {safe(view.path, 200)}", "the path is as in the tree")


def _asked(
    found: Known, shelf: Shelf, path: str, width: int, context: ReadContext
) -> tuple[Row, ...]:
    if found.tab is Tab.DOCUMENT:
        return documents(shelf, found, context)
    if found.tab is Tab.PACKAGES:
        return package_rows(list_packages(shelf, found.candidates, context).value, width)
    at = path.rstrip("/").encode("utf-8", "surrogateescape")
    value = walk_to(shelf, found.candidates, at, context).value
    if isinstance(value, FileShown):
        return tree.content(value.entry, value.data)
    return tree.rows(value, width=width)


def trouble(message: str, hint: str = "", notes: Sequence[str] = ()) -> tuple[Row, ...]:
    """Return what went wrong as rows: what, what to do, and what else was noticed."""
    found = [Row("error", (span(message, "bad"),))]
    if hint:
        found.append(Row("hint", (span(hint, "dim"),)))
    found += [Row(f"note:{n}", (span(text, "warn"),)) for n, text in enumerate(notes)]
    return tuple(found)
