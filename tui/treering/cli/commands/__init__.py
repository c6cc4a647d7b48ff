"""What each command does, by name. One module for each group of them, imported when it is used."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib import import_module

from treering.cli.wiring import Wiring

Run = Callable[[argparse.Namespace, Wiring], int]

_PLACES = {
    "screen": "worlds:screen",
    "demo": "worlds:demo",
    "graph": "explore:graph",
    "find": "explore:find",
    "lineage": "explore:lineage",
    "view": "looking:view",
    "keys": "looking:keys",
    "diff": "comparing:diff",
    "blame": "tracing:trace",
    "bisect": "tracing:bisect",
    "record": "recordings:record",
    "replay": "recordings:replay",
    "doctor": "doctor:doctor",
    "completion": "completion:completion",
}


def command(name: str) -> Run:
    """Import and return what does a command."""
    module, _, function = _PLACES[name].partition(":")
    run: Run = getattr(import_module(f"{__name__}.{module}"), function)
    return run
