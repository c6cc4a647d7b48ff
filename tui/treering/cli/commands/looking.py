"""``view`` and ``keys``: what the screen shows, and what its keys do, as text."""

from __future__ import annotations

import argparse
import os
import shutil
from dataclasses import replace
from pathlib import Path

from treering.cli import sources
from treering.cli.output import Output
from treering.cli.wiring import Wiring
from treering.core import config
from treering.core.names import Names
from treering.core.ports import ReadContext
from treering.core.shelf import Shelf
from treering.present import links, showing, viewing
from treering.present.commands import as_json, keyed, keys_of, refusal
from treering.present.detail import Tab
from treering.present.links import View
from treering.present.map import lineage_map
from treering.present.viewing import Viewed


def view(arguments: argparse.Namespace, wiring: Wiring) -> int:
    """Print what the screen shows of NODE: the map, and one tab of the detail."""
    output = Output()
    target = links.parse(arguments.node)
    read, found = sources.read(arguments, wiring, output, keep_open=True)
    names = Names(read)
    node = names.resolve(target.name)
    base = names.resolve(target.base) if target.base else None
    tab = Tab(arguments.tab) if arguments.tab else target.tab or Tab.SUMMARY
    path = arguments.path or target.path
    width = arguments.width or _terminal_width(output)
    shown = View(node=node, tab=tab, path=path)
    shown = replace(shown, place=target.place or shown.place)
    context = ReadContext(found.clock)
    rows = showing.rows(read, Shelf(found.readers), shown, width or 80, found.clock.now(), context)
    found.close()
    viewed = Viewed(shown, base, lineage_map(read, node, sources=list(found.status)).rows, rows)
    if arguments.json:
        output.json(viewing.as_document(viewed))
    else:
        output.lines(output.style(line) for line in viewing.as_lines(viewed, width))
    for problem in context.problems:
        output.note(f"treering: {problem.subject}: {problem.why}")
    for note in context.notes:
        output.note(f"treering: {note}")
    return sources.exit_code(found)


def _terminal_width(output: Output) -> int | None:
    """Return the width of the terminal; None where lines may be as long as they are."""
    return shutil.get_terminal_size().columns if output.out.isatty() else None


def keys(arguments: argparse.Namespace, wiring: Wiring) -> int:
    """Print every command of the screen, its keys and what it does."""
    output = Output()
    screen = config.load_screen(os.environ, Path.cwd(), arguments.config)
    preset = arguments.preset or screen.keys
    commands = keyed(preset, dict(screen.remap))
    if arguments.json:
        document = {"schema": "treering.keys/1", "preset": preset, "commands": as_json(commands)}
        output.json(document)
        return 0
    rows = [("ID", "KEYS", "DOES", "")]
    rows += [(c.id, keys_of(c), c.words, refusal(c, audit=wiring.audit)) for c in commands]
    output.table(rows, ("cyan", "bold"))
    return 0
