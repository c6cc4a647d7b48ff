"""How recordings are opened and found."""

from __future__ import annotations

from treering.adapters.recording.reader import RecordingReader
from treering.core.ports import Adapter, Reader, SourceSpec
from treering.core.recording import is_recording


def _open(spec: SourceSpec, _audit: bool) -> Reader:  # noqa: FBT001 -- the port's signature
    return RecordingReader(spec.location, spec.name)


ADAPTERS = (
    Adapter(
        kind="recording",
        summary="facts written by `treering record`",
        open=_open,
        recognise=is_recording,
    ),
)
