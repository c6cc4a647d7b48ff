"""``diff``: two versions compared, for people, for machines and for reviews."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing

from treering.cli import processes, sources, waiting
from treering.cli.output import Output
from treering.cli.wiring import Wiring
from treering.core.diff.compare import Comparison, Part, compare, contents
from treering.core.diff.document import as_json, content_json
from treering.core.diff.text import TextDiff
from treering.core.errors import Exit, SourceError
from treering.core.graph import Graph
from treering.core.names import Names
from treering.core.ports import ReadContext
from treering.core.shelf import Shelf
from treering.present.diff import listing, markdown
from treering.present.lines import Line

_UNBOUND = 10_000
_STYLES = {
    "head": ("bold",),
    "dim": ("dim",),
    "kind": ("cyan",),
    "accent": ("cyan",),
    "added": ("green",),
    "good": ("green",),
    "removed": ("red",),
    "bad": ("red",),
    "modified": ("yellow",),
    "warn": ("yellow",),
}


def diff(arguments: argparse.Namespace, wiring: Wiring) -> int:
    """Print what differs between two nodes. Returns 0 for equal, 1 for different, 2 for trouble."""
    output = Output()
    try:
        read, found = sources.read(arguments, wiring, output, keep_open=True)
        with closing(found), waiting.shown(found.clock, "comparing") as context:
            shelf = Shelf(found.readers)
            compared = _compare(arguments, read, shelf, context)
            wanted = compared.files.changes if arguments.unified else ()
            content = contents(shelf, compared, wanted, context)
        _print(arguments, wiring, output, compared, content)
    except SourceError as error:
        # To whoever asks whether two things are equal, 3 would say more than is known.
        output.note(f"treering: {error}")
        return Exit.USAGE
    for missing in compared.missing:
        output.note(f"treering: {missing.part.value}: {missing.why}")
    if compared.equal is None:
        return Exit.USAGE
    return Exit.DONE if compared.equal else Exit.DIFFERENT


def _compare(
    arguments: argparse.Namespace, read: Graph, shelf: Shelf, context: ReadContext
) -> Comparison:
    names = Names(read)
    a, b = names.resolve(arguments.a), names.resolve(arguments.b)
    only = {Part(part) for part in arguments.only or ()}
    if arguments.unified and only:
        only.add(Part.FILES)
    return compare(read, shelf, a, b, context, only=only, mtime=arguments.mtime)


def _print(
    arguments: argparse.Namespace,
    wiring: Wiring,
    output: Output,
    found: Comparison,
    content: Sequence[TextDiff],
) -> None:
    if arguments.json:
        document = as_json(found)
        if arguments.unified:
            document["content"] = content_json(content)
        output.json(document)
        return
    if arguments.markdown:
        output.lines(markdown.lines(found))
        return
    width = shutil.get_terminal_size().columns if output.out.isatty() else _UNBOUND
    lines = listing.lines(found, width, stat=arguments.stat)
    shown = _styled([*lines, *listing.content(content)], output)
    processes.page(shown, output, wanted=not arguments.no_pager, audit=wiring.audit)


def _styled(lines: Iterable[Line], output: Output) -> Iterator[str]:
    for line in lines:
        yield "".join(output.style(text, *_STYLES.get(style, ())) for text, style in line).rstrip()
