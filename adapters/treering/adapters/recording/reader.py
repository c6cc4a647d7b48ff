"""The reader of recordings.

Owns presenting a file of facts as a source. Facts keep the source and time they were recorded
with; what was partial or failed then is partial now, and said.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from treering.core import recording
from treering.core.facts import Fact
from treering.core.joins.evidence import DERIVED
from treering.core.ports import Capability, ReadContext
from treering.core.recording import SourceRecord
from treering.core.text import safe


class RecordingReader:
    """Reads a file made by ``treering record``."""

    kind = "recording"
    capabilities = Capability.REPLAYS

    def __init__(self, location: str, name: str) -> None:
        self.location = safe(location)
        self.name = safe(name)
        self._path = Path(location)

    def read(self, context: ReadContext) -> Iterator[Fact]:
        """Yield the recorded facts; errors as for `recording.read`."""
        context.check()
        for line in recording.read(self._path, context):
            if not isinstance(line, SourceRecord):
                if line.source == DERIVED:
                    context.problem(self.location, "holds an edge that only joins may make")
                else:
                    yield line
            elif line.state != "ok":
                context.problem(line.name, f"was {line.state} when recorded: {line.error}")

    def close(self) -> None:
        """Nothing is held open."""
