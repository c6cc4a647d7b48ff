"""``doctor``: what can be read here, and what is in the way."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from treering.cli import sources
from treering.cli.output import Output
from treering.cli.version import VERSION
from treering.cli.wiring import Wiring
from treering.core import config, export
from treering.core.errors import Exit
from treering.core.gates import LEDGER
from treering.core.ports import Check
from treering.core.reading import Reading, State, read_all
from treering.core.text import safe
from treering.present import examine

_WORDS = {True: "ok", False: "BAD", None: "-"}


def doctor(arguments: argparse.Namespace, wiring: Wiring) -> int:
    """Examine the terminal, the adapters and every source; exit 3 if one cannot be read."""
    output = Output()
    checks = [*_program(arguments, output), *wiring.catalogue.examine()]
    reading = sources.reading(arguments, wiring)
    _read_through(reading)
    rows = [*checks, *_sources(reading), *_traffic(wiring)]
    code = sources.exit_code(reading) if reading.readers else Exit.DONE
    if arguments.json:
        output.json(
            {
                "schema": "treering.doctor/1",
                "checks": [{"name": c.name, "ok": c.ok, "detail": c.detail} for c in rows],
                "sources": [export.source_json(s) for s in reading.status.values()],
                "audit": wiring.audit,
            }
        )
        return code
    table = [("CHECK", "", "DETAIL")]
    table += [(check.name, _WORDS[check.ok], check.detail) for check in rows]
    output.table(table, ("bold", "green"))
    if not reading.readers:
        output.note("treering: no source found here; name one with --source KIND:LOCATION")
    return code


def _read_through(reading: Reading) -> None:
    read_all(reading)
    reading.close()


def _program(arguments: argparse.Namespace, output: Output) -> Iterator[Check]:
    yield Check(
        safe("treering"), ok=True, detail=safe(f"{VERSION}, Python {platform.python_version()}")
    )
    for package in ("textual", "networkx", "msgspec"):
        try:
            yield Check(safe(package), ok=True, detail=safe(metadata.version(package)))
        except metadata.PackageNotFoundError:
            yield Check(safe(package), ok=False, detail=safe("not installed"))
    screen = config.load_screen(os.environ, Path.cwd(), arguments.config)
    encoding = output.out.encoding or ""
    yield from examine.rows(os.environ, screen, tty=sys.stdout.isatty(), encoding=encoding)


def _sources(reading: Reading) -> Iterator[Check]:
    for reader in reading.readers:
        status = reading.status[reader.name]
        found = f"{status.nodes} nodes, {status.edges} edges in {status.seconds:.2f} s"
        able = [str(c.name).lower().replace("_", " ") for c in reader.capabilities]
        also = f"; can {', '.join(n for n in able if n)}" if able else ""
        trouble = f": {status.summary}" if status.summary else ""
        hint = f" ({status.hint})" if status.hint else ""
        noted = "".join(f"; {note}" for note in status.notes)
        detail = (
            f"{status.kind} {status.location}: {status.state}, {found}{also}{noted}{trouble}{hint}"
        )
        ok = status.state is State.OK
        yield Check(safe(f"source {status.name}"), ok=ok, detail=safe(detail))


def _traffic(wiring: Wiring) -> Iterator[Check]:
    made = len(LEDGER.entries) + LEDGER.dropped
    writes = sum(1 for e in LEDGER.entries if e.allowed and not e.reads)
    refused = sum(1 for e in LEDGER.entries if not e.allowed)
    mode = "audit mode" if wiring.audit else "write mode (this version has no mutators)"
    passed = f"{made} requests and processes passed the gates"
    detail = f"{mode}: {passed}, {writes} of them writing, {refused} refused"
    yield Check(safe("gates"), ok=writes == 0, detail=safe(detail))
