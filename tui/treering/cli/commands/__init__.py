"""What each command does, by name. One module for each group of them."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from treering.cli.commands import comparing, explore, looking, recordings, tracing, worlds
from treering.cli.commands.completion import completion
from treering.cli.commands.doctor import doctor
from treering.cli.wiring import Wiring

BY_NAME: dict[str, Callable[[argparse.Namespace, Wiring], int]] = {
    "screen": worlds.screen,
    "demo": worlds.demo,
    "graph": explore.graph,
    "find": explore.find,
    "lineage": explore.lineage,
    "view": looking.view,
    "keys": looking.keys,
    "diff": comparing.diff,
    "blame": tracing.trace,
    "bisect": tracing.bisect,
    "record": recordings.record,
    "replay": recordings.replay,
    "doctor": doctor,
    "completion": completion,
}
