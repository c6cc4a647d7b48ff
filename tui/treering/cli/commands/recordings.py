"""``record`` and ``replay``: facts to a file, and a file read in place of the systems."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace

from treering.cli import sources
from treering.cli.commands import explore
from treering.cli.output import Output
from treering.cli.wiring import Wiring
from treering.core import export, recording
from treering.core.errors import Refused
from treering.core.ports import SourceSpec
from treering.core.reading import SILENCE, Reading
from treering.core.recording import SourceRecord
from treering.core.text import safe


def record(arguments: argparse.Namespace, wiring: Wiring) -> int:
    """Read the sources and write what they said."""
    if wiring.audit:
        raise Refused("audit mode writes no recording", "run `treering record` instead")
    output = Output()
    read, found = sources.read(arguments, wiring, output)
    states = [SourceRecord(s.name, s.kind, s.state, s.summary) for s in found.status.values()]  # type: ignore[arg-type]
    count = recording.write(arguments.file, read.facts(), states, found.clock.now())
    if arguments.json:
        output.json(
            {
                "schema": "treering.record/1",
                "file": safe(str(arguments.file)),
                "facts": count,
                "sources": [export.source_json(s) for s in found.status.values()],
            }
        )
    else:
        said = f"{count} facts from {len(states)} sources in {arguments.file}"
        output.line(output.style(said))
    return sources.exit_code(found)


def replay(arguments: argparse.Namespace, wiring: Wiring) -> int:
    """Open a recording: on the screen, or printed where there is none."""
    spec = SourceSpec("recording", str(arguments.file.absolute()), "")
    reader = wiring.catalogue.open(
        SourceSpec(spec.kind, spec.location, arguments.file.name.rpartition(".")[0] or "recording")
    )
    reading = Reading([reader], silence=arguments.timeout or SILENCE)
    if not arguments.json and sys.stdout.isatty() and sys.stdin.isatty():
        scope = f"replay {arguments.file.name}"
        opened = sources.session(arguments, wiring, reading, scope)
        return wiring.open_screen(lambda: replace(opened, audit=True), opened.screen)
    output = Output()
    read, found = sources.read_out(reading, output)
    if arguments.json:
        output.json(export.graph_json(read, found.status.values(), "treering.replay/1"))
    else:
        explore.summary(read, found, output)
    return sources.exit_code(found)
