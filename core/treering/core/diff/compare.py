"""Two nodes compared in every part: layers, files, packages, configuration, source.

Owns which part is compared by what, and that a part that cannot be compared takes no other with
it: what is missing is said beside the rest. Waits for systems: never call it from a thread that
must not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from treering.core.diff.across import AsCommit, diff_between
from treering.core.diff.config import (
    ConfigChange,
    Settings,
    diff_config,
    with_kernel_arguments,
)
from treering.core.diff.layers import LayerRow, diff_layers, layers_of
from treering.core.diff.model import Change, FileDiff
from treering.core.diff.packages import PackageChange, diff_packages
from treering.core.diff.reading import Packages, packages_of_side, settings_of_side
from treering.core.diff.sides import Side, Sides, platforms, sides
from treering.core.diff.source import SourceDiff, built_from, diff_source
from treering.core.diff.text import TextDiff, has_content, text_diffs
from treering.core.errors import SourceError
from treering.core.graph import Graph
from treering.core.ids import Kind, NodeId, kind_of, short
from treering.core.opening import Candidate
from treering.core.ports import ReadContext, Tree
from treering.core.shelf import Shelf
from treering.core.text import Safe, safe

T = TypeVar("T")


class Part(StrEnum):
    """What can be compared, in the order of a report."""

    LAYERS = "layers"
    FILES = "files"
    PACKAGES = "packages"
    CONFIG = "config"
    SOURCE = "source"


ALL = frozenset(Part)
_COUNTS = (Part.FILES, Part.PACKAGES, Part.CONFIG)


@dataclass(frozen=True, slots=True)
class Missing:
    """A part that was not compared, or not all of it, and why."""

    part: Part
    why: Safe


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between two versions.

    `parts` are those that were asked for; a part that does not apply (the layers of a commit) is
    empty and `inapplicable`, one that could not be compared is empty and `missing`. `notes` are
    what a reader should know and is no difference.
    """

    a: Side
    b: Side
    parts: frozenset[Part]
    layers: tuple[LayerRow, ...] = ()
    files: FileDiff = field(default_factory=FileDiff)
    packages: tuple[PackageChange, ...] = ()
    config: tuple[ConfigChange, ...] = ()
    source: SourceDiff | None = None
    inapplicable: frozenset[Part] = frozenset()
    missing: tuple[Missing, ...] = ()
    notes: tuple[Safe, ...] = ()

    @property
    def equal(self) -> bool | None:
        """Tell whether nothing differs; None where nothing was found and something is missing.

        Files, packages and settings make a version. That the same files come in other layers, or
        from another git commit, counts only where nothing else was asked for.
        """
        applicable = self.parts - self.inapplicable
        counted = applicable.intersection(_COUNTS) or applicable
        if any(self.differs(part) for part in counted):
            return False
        unknown = any(missing.part in counted for missing in self.missing)
        return None if unknown or not counted else True

    def differs(self, part: Part) -> bool:
        """Tell whether a difference was found in a part."""
        if part is Part.LAYERS:
            return any(row.where.value != "both" for row in self.layers)
        if part is Part.FILES:
            return not self.files.equal
        if part is Part.PACKAGES:
            return bool(self.packages)
        if part is Part.CONFIG:
            return bool(self.config)
        return self.source is not None and self.source.a != self.source.b


def compare(  # noqa: PLR0913 -- what is compared, what with, and how
    graph: Graph,
    shelf: Shelf,
    a: NodeId,
    b: NodeId,
    context: ReadContext,
    *,
    only: Iterable[Part] = (),
    mtime: bool = False,
) -> Comparison:
    """Compare two nodes in the parts `only`, in all of them without.

    Raises `KeyError` for a node the graph does not hold, `UsageError` for one that has nothing to
    compare, and `Cancelled`. Everything else that goes wrong is `missing` from the result.
    """
    found = sides(graph, a, b)
    work = _Work(graph, shelf, found, context, frozenset(only) or ALL, mtime=mtime)
    return work.run()


class _Work:
    """One comparison under way."""

    def __init__(  # noqa: PLR0913 -- as `compare`
        self,
        graph: Graph,
        shelf: Shelf,
        found: Sides,
        context: ReadContext,
        parts: frozenset[Part],
        *,
        mtime: bool,
    ) -> None:
        self.graph, self.shelf = graph, shelf
        self.a, self.b = found.a, found.b
        self.parts = parts
        self.mtime = mtime
        # Problems of this comparison are its own; the caller's may hold others.
        self.context = ReadContext(
            context.clock, context.cancelled, context.on_progress, context.on_alive
        )
        self.missing: list[Missing] = []
        self.inapplicable: set[Part] = set()
        self.notes: list[Safe] = [*found.notes]

    def run(self) -> Comparison:
        files, packages = self._trees()
        layers, config, source = self._layers(), self._config(), self._source()
        self.notes += self.context.notes
        return Comparison(
            self.a,
            self.b,
            self.parts,
            layers,
            files,
            packages,
            config,
            source,
            frozenset(self.inapplicable),
            tuple(self.missing),
            tuple(dict.fromkeys(self.notes)),
        )

    def _miss(self, part: Part, why: str) -> None:
        self.missing.append(Missing(part, safe(why, 1000)))

    # -- what needs the files --------------------------------------------------------------

    def _trees(self) -> tuple[FileDiff, tuple[PackageChange, ...]]:
        wanted = self.parts & {Part.FILES, Part.PACKAGES}
        one, other = self.a.files, self.b.files
        if one is None or other is None:
            self.inapplicable |= wanted
            return FileDiff(), ()
        if not wanted or same_files(self.graph, one.node, other.node):
            return FileDiff(), ()
        try:
            return with_both(self.shelf, one, other, self.context, self._compare_trees)
        except SourceError as error:
            if Part.FILES in wanted:
                self._miss(Part.FILES, error.message)
        return FileDiff(), self._packages(None, None)

    def _compare_trees(self, a: Tree, b: Tree) -> tuple[FileDiff, tuple[PackageChange, ...]]:
        files = FileDiff()
        if Part.FILES in self.parts:
            try:
                kinds = self.a.kind, self.b.kind
                found = diff_between(a, b, kinds, self.context, mtime=self.mtime)
                files = FileDiff(tuple(found))
            except SourceError as error:
                self._miss(Part.FILES, error.message)
            for problem in self.context.problems:
                self._miss(Part.FILES, f"{problem.subject}: {problem.why}")
            self.context.problems.clear()
        return files, self._packages(a, b)

    def _packages(self, a: Tree | None, b: Tree | None) -> tuple[PackageChange, ...]:
        if Part.PACKAGES not in self.parts:
            return ()
        found: list[Packages] = []
        for side, tree, name in ((self.a, a, "a"), (self.b, b, "b")):
            listed = packages_of_side(self.graph, self.shelf, side, tree, self.context)
            for problem in listed.problems:
                self._miss(Part.PACKAGES, f"{name}: {problem.subject}: {problem.why}")
            self.notes += [safe(f"{name}: {note}") for note in listed.notes]
            found.append(listed)
        if not all(listed.known for listed in found):
            return ()
        return diff_packages(found[0].packages, found[1].packages)

    # -- what the graph and documents know -------------------------------------------------

    def _layers(self) -> tuple[LayerRow, ...]:
        if Part.LAYERS not in self.parts:
            return ()
        if not self.a.kind is self.b.kind is Kind.IMAGE:
            self.inapplicable.add(Part.LAYERS)
            return ()
        for side, name in ((self.a, "a"), (self.b, "b")):
            if not layers_of(self.graph, side.version):
                self._miss(Part.LAYERS, f"{name}: no source lists the layers of {side.label}")
        return diff_layers(self.graph, self.a.version, self.b.version)

    def _config(self) -> tuple[ConfigChange, ...]:
        if Part.CONFIG not in self.parts:
            return ()
        if self.a.kind is not self.b.kind or self.a.kind not in {Kind.IMAGE, Kind.COMMIT}:
            self.inapplicable.add(Part.CONFIG)
            if {self.a.kind, self.b.kind} == {Kind.IMAGE, Kind.COMMIT}:
                self.notes.append(
                    Safe("the configuration of an image and the metadata of a commit are no pair")
                )
            return ()
        return tuple(sorted((*self._settings(), *self._platforms()), key=lambda c: c.key))

    def _platforms(self) -> Iterator[ConfigChange]:
        """Yield what two indexes have for the platforms that are not compared."""
        ours, theirs = platforms(self.graph, self.a.asked), platforms(self.graph, self.b.asked)
        compared = {self.a.version, self.b.version}
        for platform in sorted(ours.keys() | theirs.keys()) if ours and theirs else ():
            one, other = ours.get(platform), theirs.get(platform)
            if one != other and {one, other} != compared:
                yield ConfigChange(safe(f"platforms.{platform}"), one, other)

    def _settings(self) -> tuple[ConfigChange, ...]:
        if self.a.version == self.b.version and self.a.files == self.b.files:
            # Only how they are started can differ.
            none = Settings({})
            attrs = (self.graph.attrs(side.asked) for side in (self.a, self.b))
            return diff_config(*(with_kernel_arguments(none, said) for said in attrs))
        both = []
        for side, name in ((self.a, "a"), (self.b, "b")):
            settings, trouble = settings_of_side(self.graph, self.shelf, side, self.context)
            if trouble:
                self._miss(Part.CONFIG, f"{name}: {trouble}")
            both.append(settings)
        return diff_config(*both)

    def _source(self) -> SourceDiff | None:
        if Part.SOURCE not in self.parts:
            return None
        a, b = self._built_from(self.a, "a"), self._built_from(self.b, "b")
        if a is None and b is None:
            self.inapplicable.add(Part.SOURCE)
            return None
        if a is None or b is None:
            self._miss(Part.SOURCE, f"{'b' if a else 'a'}: nothing says what it was built from")
            return SourceDiff(a, b)
        found = diff_source(self.graph, a, b)
        if found.trouble:
            self._miss(Part.SOURCE, found.trouble)
        return found

    def _built_from(self, side: Side, name: str) -> NodeId | None:
        if side.kind is Kind.SOURCE:
            return side.version
        edges = built_from(self.graph, side.version)
        if not edges and side.within is not None:
            edges = built_from(self.graph, side.within)
        if len(edges) > 1:
            said = ", ".join(short(edge.end) for edge in edges[:5])
            self._miss(Part.SOURCE, f"{name}: several commits are named as its source: {said}")
            return None
        return edges[0].end if edges else None


def contents(
    shelf: Shelf, found: Comparison, changes: Iterable[Change], context: ReadContext
) -> tuple[TextDiff, ...]:
    """Return the content that differs of some of the files of a comparison.

    Raises `SourceError` and `Cancelled`.
    """
    wanted = [change for change in changes if has_content(change)]
    a, b = found.a.files, found.b.files
    if a is None or b is None or not wanted:
        return ()
    kinds = found.a.kind, found.b.kind

    def read(one: Tree, other: Tree) -> tuple[TextDiff, ...]:
        return tuple(text_diffs(*_named_alike(one, other, kinds), wanted, context))

    return with_both(shelf, a, b, context, read)


def _named_alike(a: Tree, b: Tree, kinds: tuple[Kind, Kind]) -> tuple[Tree, Tree]:
    """Return two trees under the names that `diff_between` calls their paths by."""
    if kinds.count(Kind.COMMIT) != 1:
        return a, b
    image, commit = (b, a) if kinds[0] is Kind.COMMIT else (a, b)
    if _has(image, b"/etc") and not _has(image, b"/usr/etc") and _has(commit, b"/usr/etc"):
        return (a, AsCommit(b)) if image is b else (AsCommit(a), b)
    return a, b


def _has(tree: Tree, path: bytes) -> bool:
    try:
        tree.entry(path)
    except KeyError:
        return False
    return True


def same_files(graph: Graph, a: NodeId, b: NodeId) -> bool:
    """Tell whether digests prove that two things hold the same files; nothing is opened."""
    if a == b:
        return True
    if kind_of(a) is kind_of(b) is Kind.IMAGE:
        layers = layers_of(graph, a)
        return bool(layers) and layers == layers_of(graph, b)
    if kind_of(a) is kind_of(b) is Kind.COMMIT:
        content = graph.attrs(a).get("content")
        return bool(content) and content == graph.attrs(b).get("content")
    return False


def with_both(
    shelf: Shelf, a: Candidate, b: Candidate, context: ReadContext, make: Callable[[Tree, Tree], T]
) -> T:
    """Open two different trees and return what `make` makes of them. Raises as `Shelf.use`."""
    # Always in one order: two that wait for each other's tree would wait for ever.
    first, second = sorted((a, b), key=lambda candidate: candidate.node)

    def inner(one: Tree) -> T:
        def innermost(other: Tree) -> T:
            return make(one, other) if first is a else make(other, one)

        return shelf.use([second], context, innermost).value

    return shelf.use([first], context, inner).value
