"""Facts to a file and back; a damaged file is read as far as it goes, and said to be."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.contract import FixedClock
from support.strategies import facts

from treering.core import ids, recording
from treering.core.errors import InputError, NotRecognised, Unreachable
from treering.core.facts import Fact, NodeFact
from treering.core.ports import ReadContext
from treering.core.recording import SourceRecord
from treering.core.text import Safe, is_safe


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


NODE = b'{"fact":"node","id":"host:h","source":"s","seen":1.0%s}'
EDGE = b'{"fact":"edge","from":"%s","to":"%s","kind":"on","level":"exact","source":"s","seen":1.0}'


@pytest.mark.parametrize(
    "line",
    [
        NODE.replace(b"host:h", b"host:"),
        NODE.replace(b"host:h", b"commit:12"),
        NODE.replace(b"host:h", b"image:sha256:" + b"A" * 64),
        NODE.replace(b"host:h", b"host:" + b"h" * 5000),
        NODE.replace(b"host:h", "host:\u2800".encode()),
        NODE % b',"same":["sha256:12"]',
        NODE % (b',"attrs":{"a":' + b"[" * 32 + b"]" * 32 + b"}"),
        EDGE % (b"host:h", b"nothing"),
        EDGE % (b"layer:x", b"host:h"),
        b"",
        NODE[:-4] + b",",
    ],
)
def test_a_line_that_is_no_fact_is_named_among_thousands(tmp_path: Path, line: bytes) -> None:
    line = line.replace(b"%s", b"")
    others = [NODE % b',"label":"%d"' % n for n in range(2000)]
    path = tmp_path / "a"
    header, end = recording_ends(2000)
    path.write_bytes(b"\n".join([header, *others[:700], line, *others[700:], end]) + b"\n")
    good, problems = read(path)
    assert len(good) == 2000
    assert len(problems) == 1
    assert "line 702:" in problems[0]


def recording_ends(count: int) -> tuple[bytes, bytes]:
    head = b'{"fact":"recording","version":1,"created":1,"format":"treering-recording"}'
    return head, b'{"fact":"end","facts":%d}' % count


@pytest.mark.parametrize("text", ["\x7f", "\\u001b[2J", "é\u202e", "a" * 70_000, "\\\\", "\u2800"])
@pytest.mark.parametrize("field", ["label", "source", "why", "attrs", "names"])
def test_text_is_safe_whatever_stands_beside_it(tmp_path: Path, text: str, field: str) -> None:
    fact = EDGE % (b"host:h", b"host:i") if field == "why" else NODE % b""
    value = {"attrs": f'{{"k":{{"{text}":["{text}"]}}}}', "names": f'["{text}"]'}
    more = f',"{field}":{value.get(field, chr(34) + text + chr(34))}}}'
    fact = fact.replace(b',"source":"s"', b"") if field == "source" else fact
    line = fact[:-1] + more.encode()
    header, end = recording_ends(201)
    path = tmp_path / "a"
    path.write_bytes(b"\n".join([header, *[NODE % b""] * 100, line, *[NODE % b""] * 100, end]))
    lines, problems = read(path)
    assert problems == []
    assert len(lines) == 201
    assert all(is_safe(word) for line in lines for word in words(msgspec.to_builtins(line)))


def words(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [w for k, v in value.items() for w in (*words(k), *words(v))]
    return [w for v in value for w in words(v)] if isinstance(value, (list, tuple)) else []


def test_lines_may_end_as_elsewhere_and_hold_space(tmp_path: Path) -> None:
    header, end = recording_ends(3)
    path = tmp_path / "a"
    line = (NODE % b"").replace(b",", b" ,\r ")
    path.write_bytes(b"\r\n".join([header, line, line, line, end, b"what follows the end"]))
    lines, problems = read(path)
    assert len(lines) == 3
    assert problems == []


def test_facts_made_while_another_thread_reads_are_checked(tmp_path: Path) -> None:
    header, end = recording_ends(5000)
    path = tmp_path / "a"
    path.write_bytes(b"\n".join([header, *[NODE % b""] * 5000, end]) + b"\n")
    reading = threading.Thread(target=lambda: [read(path) for _ in range(5)])
    reading.start()
    while reading.is_alive():
        fact = NodeFact(id=ids.host("h"), source=Safe("s"), seen=1.0, label=Safe("\x1b"))
        assert fact.label == "\\u{1b}"
    reading.join()
