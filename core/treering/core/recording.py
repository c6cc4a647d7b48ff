"""Recordings: facts to a file and back.

Owns the file format: JSON lines, a header that names the format and its version, one fact a
line, the state of each source, and an end line with the number of facts, so that a recording cut
short is noticed. Written beside its final name and renamed, so that an interrupted run leaves
the old file or none.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import msgspec

from treering.core import files
from treering.core.errors import (
    Damaged,
    InputError,
    LimitExceeded,
    NotRecognised,
    SourceError,
)
from treering.core.facts import EdgeFact, Fact, Lines, NodeFact
from treering.core.ports import ReadContext
from treering.core.text import Safe, safe

FORMAT = "treering-recording"
VERSION = 1
MAX_LINE = 16 * 1024 * 1024
"""Longest line of a recording in bytes."""


class Header(msgspec.Struct, frozen=True, tag_field="fact", tag="recording"):
    """The first line: what the file is, and when it was made (seconds since the epoch)."""

    version: int
    created: float
    format: str = FORMAT


class SourceRecord(msgspec.Struct, frozen=True, tag_field="fact", tag="source"):
    """How reading one source went when the recording was made."""

    name: Safe
    kind: Safe
    state: Safe
    error: Safe = Safe("")

    def __post_init__(self) -> None:
        """Make every text safe."""
        for field in ("name", "kind", "state", "error"):
            msgspec.structs.force_setattr(self, field, safe(getattr(self, field)))


class End(msgspec.Struct, frozen=True, tag_field="fact", tag="end"):
    """The last line: how many facts the file holds."""

    facts: int


_Line = Fact | Header | SourceRecord | End
_FACTS: frozenset[type] = frozenset({NodeFact, EdgeFact})
_PIECE = 32_768
_decoder = msgspec.json.Decoder(_Line)
_encoder = msgspec.json.Encoder(order="deterministic")


def write(
    path: Path, facts: Iterable[Fact], sources: Iterable[SourceRecord], created: float
) -> int:
    """Write a recording to `path` and return the number of facts.

    Raises `InputError` when it cannot be written; the old file, if any, is then still there.
    """
    temporary = ""
    path = path.resolve() if path.is_symlink() else path
    if path.exists() and not path.is_file():
        raise InputError(f"{path} is not a regular file", "choose another place")
    try:
        number, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(number, "wb") as file:
            count = _write_lines(file, facts, sources, created)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o666 & ~_umask())
        Path(temporary).replace(path)
    except OSError as error:
        raise InputError(
            f"cannot write the recording {path}: {error.strerror or error}",
            "choose another place, or make room; nothing was changed",
        ) from error
    finally:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
    return count


def _write_lines(
    file: BinaryIO, facts: Iterable[Fact], sources: Iterable[SourceRecord], created: float
) -> int:
    encode = _encoder.encode
    file.write(encode(Header(VERSION, created)) + b"\n")
    count = 0
    for fact in facts:
        file.write(encode(fact) + b"\n")
        count += 1
    file.writelines(encode(source) + b"\n" for source in sources)
    file.write(encode(End(count)) + b"\n")
    return count


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def is_recording(path: Path) -> bool:
    """Tell whether a file begins as a recording does."""
    try:
        with files.open_file(path, follow=True) as file:
            return FORMAT.encode() in file.read(200)
    except (SourceError, OSError):
        return False


def read(path: Path, context: ReadContext) -> Iterator[Fact | SourceRecord]:
    """Yield the facts and source records of a recording, in its order.

    A line that is no fact becomes a problem and the rest is read. Raises `NotRecognised` for a
    file that is no recording or has a newer version, and as `files.open_file` does.
    """
    with files.open_file(path, follow=True) as file:
        _check_header(path, file.readline(4096))
        yield from _Reading(path, context, file).lines()


class _Reading:
    """One reading of a recording, past its header: a piece of some lines at a time."""

    def __init__(self, path: Path, context: ReadContext, file: BinaryIO) -> None:
        self.path, self.context, self.file = path, context, file
        self.count, self.number = 0, 1
        self.ended = False

    def lines(self) -> Iterator[Fact | SourceRecord]:
        together = Lines(_Line)
        while piece := self._piece():
            self.context.check()
            self.context.progress(self.count, None, f"{self.count} facts")
            lines = together.decode(piece)
            if lines is None or len(lines) != piece.count(b"\n"):
                yield from self._one_by_one(piece)
            elif _FACTS.issuperset(map(type, lines)):
                self.count += len(lines)
                self.number += len(lines)
                yield from lines
            else:
                for line in lines:
                    self.number += 1
                    yield from self._taken(line)
                    if self.ended:
                        break
        if not self.ended:
            what = f"is cut short after line {self.number}; record it again"
            self.context.problem(str(self.path), what)

    def _piece(self) -> bytes:
        """Return some whole lines, of which the last of all may be cut; none after the end."""
        if self.ended:
            return b""
        piece = self.file.read(_PIECE)
        if not piece.endswith(b"\n"):
            piece += self.file.readline(MAX_LINE + 1)
        return piece

    def _one_by_one(self, piece: bytes) -> Iterator[Fact | SourceRecord]:
        for raw in BytesIO(piece):
            self.number += 1
            if len(raw) > MAX_LINE:
                raise LimitExceeded(
                    f"{self.path}: line {self.number} is longer than {MAX_LINE} bytes"
                )
            yield from self._taken(_decode(self.path, self.number, raw, self.context))
            if self.ended:
                break

    def _taken(self, line: _Line | None) -> Iterator[Fact | SourceRecord]:
        if isinstance(line, End):
            self.ended = True
            if line.facts != self.count:
                what = f"holds {self.count} facts, {line.facts} were written"
                self.context.problem(str(self.path), what)
        elif line is not None and not isinstance(line, Header):
            self.count += not isinstance(line, SourceRecord)
            yield line


def _check_header(path: Path, raw: bytes) -> None:
    try:
        header = _decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, Damaged):
        header = None
    if not isinstance(header, Header) or header.format != FORMAT:
        raise NotRecognised(
            f"{path} is not a treering recording", "make one with `treering record`"
        )
    if header.version > VERSION:
        raise NotRecognised(
            f"{path} has version {header.version} of the recording format, newer than {VERSION}",
            "open it with a newer treering",
        )


def _decode(path: Path, number: int, raw: bytes, context: ReadContext) -> _Line | None:
    try:
        line: _Line = _decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, Damaged, RecursionError) as error:
        if raw.endswith(b"\n"):
            context.problem(f"{path} line {number}", str(error) or type(error).__name__)
        return None
    return line
