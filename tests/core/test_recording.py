"""Facts to a file and back; a damaged file is read as far as it goes, and said to be."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.contract import FixedClock
from support.strategies import facts

from treering.core import recording
from treering.core.errors import InputError, NotRecognised, Unreachable
from treering.core.facts import Fact
from treering.core.ports import ReadContext
from treering.core.recording import SourceRecord
from treering.core.text import Safe


def read(path: Path) -> tuple[list[object], list[str]]:
    context = ReadContext(clock=FixedClock())
    lines = list(recording.read(path, context))
    return lines, [f"{p.subject}: {p.why}" for p in context.problems]


@settings(max_examples=50)
@given(things=st.lists(facts, max_size=20))
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, things: list[Fact]
) -> None:
    path = tmp_path_factory.mktemp("r") / "a"
    states = [SourceRecord(Safe("s"), Safe("docker"), Safe("ok"))]
    assert recording.write(path, things, states, 1.0) == len(things)
    assert read(path) == ([*things, *states], [])
    assert recording.is_recording(path)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "world.jsonl"
    from support.strategies import digest

    from treering.core import ids
    from treering.core.facts import NodeFact

    things = [NodeFact(id=ids.layer(digest(n)), source=Safe("s"), seen=1.0) for n in range(5)]
    recording.write(path, things, (), 1.0)
    return path


def test_a_recording_cut_anywhere_is_noticed(written: Path) -> None:
    whole = written.read_bytes()
    head = whole.index(b"\n") + 1
    for cut in range(head, len(whole) - 1):
        written.write_bytes(whole[:cut])
        lines, problems = read(written)
        assert problems, cut
        assert len(lines) <= 5


def test_a_bad_line_is_named_and_the_rest_read(written: Path) -> None:
    lines = written.read_bytes().split(b"\n")
    lines[2] = b'{"fact":"node","id":"image:nonsense","source":"s","seen":1}'
    lines[3] = b"\xff\xfe"
    written.write_bytes(b"\n".join(lines))
    good, problems = read(written)
    assert len(good) == 3
    assert any("line 3" in p for p in problems)
    assert any("line 4" in p for p in problems)


@pytest.mark.parametrize(
    "head",
    [b"", b"{}\n", b"not json\n", b'{"fact":"recording","version":1,"created":1,"format":"x"}\n'],
)
def test_another_file_is_no_recording(tmp_path: Path, head: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(head)
    with pytest.raises(NotRecognised, match="not a treering recording"):
        read(path)
    assert not recording.is_recording(path)


def test_a_newer_format_is_refused_with_its_version(written: Path) -> None:
    text = written.read_text().replace('"version":1', '"version":9')
    written.write_text(text)
    with pytest.raises(NotRecognised, match="version 9"):
        read(written)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(Unreachable):
        read(tmp_path / "none")


def test_a_full_disk_leaves_the_old_file(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = written.read_bytes()

    def full(_number: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="No space left"):
        recording.write(written, (), (), 1.0)
    assert written.read_bytes() == before
    assert [p.name for p in written.parent.iterdir()] == [written.name]


def test_hostile_text_in_a_recording_is_made_safe(written: Path) -> None:
    raw = written.read_text().replace('"source":"s"', '"source":"\\u001b]52;c;x\\u0007"')
    written.write_text(raw)
    lines, _ = read(written)
    assert "\x1b" not in repr([getattr(line, "source", "") for line in lines])
