"""Completing NODE names while a shell asks.

Owns a short reading of the sources: what has not answered within two seconds is not offered.
"""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Callable

from treering.cli import sources
from treering.cli.wiring import Wiring
from treering.core.errors import TreeringError
from treering.core.graph import Graph
from treering.core.names import Names

SECONDS = 2.0
LIMIT = 200


def node_completer(wiring: Wiring) -> Callable[..., list[str]]:
    """Return what argcomplete calls with the beginning of a NODE."""

    def complete(prefix: str, parsed_args: argparse.Namespace, **_: object) -> list[str]:
        with contextlib.suppress(TreeringError):
            return names(parsed_args, wiring, prefix)
        return []

    return complete


def names(arguments: argparse.Namespace, wiring: Wiring, prefix: str) -> list[str]:
    """Return names that begin with `prefix`, from the sources the options name."""
    reading = sources.reading(arguments, wiring)
    graph, end = Graph(), time.monotonic() + SECONDS
    reading.start()
    while not reading.finished and time.monotonic() < end:
        graph.merge(reading.poll(0.05))
    graph.merge(reading.poll())
    reading.close()
    return Names(graph).beginning(prefix)[:LIMIT]
