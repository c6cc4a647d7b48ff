"""Lineage drawn as a tree of text lines.

Owns indentation, branch marks and folding for the command line. Versions of one thing (a commit
and the one before it) stand under each other, as ``git log`` shows them, instead of ever deeper.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from treering.cli.output import Output
from treering.core import ids
from treering.core.facts import EdgeKind, Level
from treering.core.graph import Graph, Node
from treering.core.ids import NodeId
from treering.core.lineage import CHAINS, Row
from treering.core.text import Safe, safe

FOLD = 10
"""How many versions of a chain, or layers of an image, are drawn before the rest is counted."""

FOLD_SOURCE = 2
"""The same for git commits: the one that counts is the first."""

_COLOURS = {
    Level.EXACT: ("green",),
    Level.ATTESTED: ("green",),
    Level.DECLARED: ("yellow",),
    Level.INFERRED: ("red",),
}


@dataclass(frozen=True, slots=True)
class Options:
    """How much to draw."""

    why: bool = False
    fold: bool = True


@dataclass(frozen=True, slots=True)
class _Marks:
    tee: str
    corner: str
    bar: str
    chain: str
    dot: str


_UNICODE = _Marks("├─ ", "└─ ", "│  ", "↓ ", "…")
_ASCII = _Marks("|- ", "`- ", "|  ", "v ", "...")


def tree(graph: Graph, rows: Sequence[Row], output: Output, options: Options) -> Iterator[str]:
    """Yield the lines of a lineage tree."""
    marks = _UNICODE if output.unicode else _ASCII
    hidden = _hidden(rows) if options.fold else {}
    below: dict[int, str] = {}
    for number, row in enumerate(rows):
        if hidden.get(number, 0) < 0:
            continue
        prefix, below[number] = _prefixes(row, below, marks)
        if number in hidden:
            yield prefix + output.style(f"{marks.dot} {_folded(row, hidden[number])}", "dim")
            continue
        yield prefix + _line(graph, row, output, options)


def _prefixes(row: Row, below: dict[int, str], marks: _Marks) -> tuple[str, str]:
    """Return what stands before a row, and before the rows that hang on it."""
    if row.parent is None:
        return "", ""
    before = below[row.parent]
    if row.last and row.via is not None and row.via.kind in CHAINS:
        return before + marks.chain, before
    mark = marks.corner if row.last else marks.tee
    return before + mark, before + ("   " if row.last else marks.bar)


def _line(graph: Graph, row: Row, output: Output, options: Options) -> str:
    node = graph.node(row.node)
    parts = []
    if row.via is not None:
        parts.append(output.style(row.word, "dim"))
    parts += [node.kind.value, output.style(identity(node.id), "cyan")]
    label = caption(node) or node.platform
    if label:
        parts.append(output.style(label, "bold"))
    parts += [output.style(f"[{word}]", "red") for word in node.conditions]
    if row.via is not None:
        parts.append(output.style(row.via.level.value, *_COLOURS[row.via.level]))
    if row.repeated:
        parts.append(output.style("(above)", "dim"))
    if row.cut:
        parts.append(output.style(f"(+{row.cut}, cut by --depth)", "dim"))
    if options.why and row.via is not None:
        parts.append(output.style(f"-- {row.via.why}", "dim"))
    return " ".join(parts)


def identity(node: NodeId) -> Safe:
    """Return a node's id without its kind, digests cut to 12 digits."""
    return safe(ids.short(ids.content_of(node)).removeprefix("sha256:"))


def caption(node: Node) -> Safe:
    """Return the label of a node when it says more than its id."""
    rest = ids.content_of(node.id)
    known = ids.short(rest).endswith(node.label) or rest == node.label
    return Safe("") if known else cut(node.label, 72)


def cut(text: str, cells: int) -> Safe:
    """Return text of at most so many characters, an ellipsis at its end where it was cut."""
    return safe(text if len(text) <= cells else text[: cells - 1] + "…")


def _folded(row: Row, count: int) -> str:
    kind = row.via.kind if row.via else None
    if kind is EdgeKind.CONTAINS:
        return f"{count} more layers (--all shows them)"
    return f"{count} more below (--all shows them)"


def _hidden(rows: Sequence[Row]) -> dict[int, int]:
    """Return the rows not drawn: the first of a folded run with its count, the others with -1."""
    hidden: dict[int, int] = {}
    run: dict[tuple[int | None, EdgeKind], list[int]] = {}
    chain: dict[int, int] = {}
    dropped: dict[int, int] = {}
    for number, row in enumerate(rows):
        if row.parent in dropped:
            first = dropped[row.parent]
            dropped[number] = first
            hidden[number] = -1
            hidden[first] += 1
            continue
        if row.via is None:
            continue
        if row.via.kind in CHAINS:
            chain[number] = chain.get(row.parent or 0, 0) + 1
            if chain[number] > (FOLD_SOURCE if row.node.startswith("git:") else FOLD):
                hidden[number], dropped[number] = 1, number
        elif row.via.kind is EdgeKind.CONTAINS and row.node == row.via.end:
            siblings = run.setdefault((row.parent, row.via.kind), [])
            siblings.append(number)
            if len(siblings) > FOLD:
                _fold_sibling(hidden, siblings)
                dropped[number] = siblings[FOLD]
    return hidden


def _fold_sibling(hidden: dict[int, int], siblings: list[int]) -> None:
    first = siblings[FOLD]
    if siblings[-1] == first:
        hidden[first] = 1
    else:
        hidden[first] += 1
        hidden[siblings[-1]] = -1
