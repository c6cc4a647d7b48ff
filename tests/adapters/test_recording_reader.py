"""A recording is a source like any other, except that its facts keep their own source and time."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.contract import FixedClock, ReaderContract
from support.readers import world

from treering.adapters.recording.adapter import ADAPTERS
from treering.core import recording
from treering.core.ports import ReadContext, Reader, SourceSpec
from treering.core.recording import SourceRecord
from treering.core.text import Safe


def reader_of(path: Path) -> Reader:
    return ADAPTERS[0].open(SourceSpec("recording", str(path), "rec"), False)


class TestRecordingContract(ReaderContract):
    @pytest.fixture
    def reader(self, tmp_path: Path) -> Reader:  # type: ignore[override]
        path = tmp_path / "world.jsonl"
        recording.write(path, world(), [SourceRecord(Safe("a"), Safe("git"), Safe("ok"))], 1.0)
        return reader_of(path)

    @pytest.fixture
    def missing(self, tmp_path: Path) -> Reader:
        return reader_of(tmp_path / "missing.jsonl")

    def test_every_fact_names_its_source_and_time(self, reader: Reader) -> None:
        assert {f.source for f in self.facts(reader)} == {"registry"}

    def test_it_reads_what_was_recorded(self, reader: Reader) -> None:
        assert self.facts(reader) == world()


def test_what_was_partial_then_is_partial_now(tmp_path: Path) -> None:
    path = tmp_path / "world.jsonl"
    states = [SourceRecord(Safe("a"), Safe("git"), Safe("failed"), Safe("no permission"))]
    recording.write(path, world(), states, 1.0)
    context = ReadContext(clock=FixedClock())
    list(reader_of(path).read(context))
    assert [(p.subject, p.why) for p in context.problems] == [
        ("a", "was failed when recorded: no permission")
    ]


def test_recordings_are_recognised_by_what_they_hold(tmp_path: Path) -> None:
    path = tmp_path / "anything"
    recording.write(path, (), (), 1.0)
    assert ADAPTERS[0].recognise(path)
    path.write_text("{}")
    assert not ADAPTERS[0].recognise(path)
    assert not ADAPTERS[0].recognise(tmp_path)
