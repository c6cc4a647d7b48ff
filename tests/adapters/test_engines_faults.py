"""Engines that are slow, silent, wrong or hostile: a clear error, soon, and bounded."""

from __future__ import annotations

import os
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.contract import FixedClock
from support.fake_engine import FakeEngine, container, image, sha
from support.tools import need_root

from treering.adapters.engines import client
from treering.adapters.engines.endpoints import UnixEndpoint
from treering.adapters.engines.lines import UnixDial, _from_tls_error
from treering.adapters.engines.reader import EngineReader
from treering.adapters.engines.trouble import NoAnswer, from_connect_error
from treering.core.errors import (
    Cancelled,
    LimitExceeded,
    NotPermitted,
    NotRecognised,
    SourceError,
    Unreachable,
)
from treering.core.facts import NodeFact
from treering.core.gates import Ledger
from treering.core.ports import ReadContext, SystemClock


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    with FakeEngine() as engine:
        engine.add(image("app"))
        engine.run(container("web", "app"))
        yield engine


def read(engine: FakeEngine, seconds: float = 0.3) -> tuple[list[object], ReadContext]:
    reader = EngineReader("docker", engine.path, "box", seconds=seconds, ledger=Ledger())
    context = ReadContext(clock=SystemClock())
    try:
        return list(reader.read(context)), context
    finally:
        reader.close()


def failure(engine: FakeEngine, kind: type[SourceError], seconds: float = 0.3) -> str:
    with pytest.raises(kind) as caught:
        read(engine, seconds)
    assert caught.value.exit_code == 3
    return str(caught.value)


def test_a_silent_engine_is_unreachable_in_time(engine: FakeEngine) -> None:
    engine.silent = re.compile("/version")
    started = time.monotonic()
    said = failure(engine, NoAnswer)
    assert time.monotonic() - started < 2
    assert said.startswith(f"unix://{engine.path} did not answer within 0.3 s (")


def test_a_socket_nobody_accepts_on_is_unreachable(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen(1)
        reader = EngineReader("docker", str(tmp_path / "s"), "x", seconds=0.3, ledger=Ledger())
        with pytest.raises(Unreachable, match=r"did not answer within 0\.3 s"):
            list(reader.read(ReadContext()))


def test_a_silent_engine_can_be_cancelled_at_once(engine: FakeEngine) -> None:
    engine.silent = re.compile("/images/json")
    reader = EngineReader("docker", engine.path, "box", seconds=30, ledger=Ledger())
    wanted = threading.Event()
    threading.Timer(0.3, wanted.set).start()
    started = time.monotonic()
    with pytest.raises(Cancelled):
        list(reader.read(ReadContext(cancelled=wanted.is_set)))
    assert time.monotonic() - started < 1.5
    reader.close()


def test_closing_ends_a_wait_for_a_silent_engine(engine: FakeEngine) -> None:
    engine.silent = re.compile("/images/json")
    reader = EngineReader("docker", engine.path, "box", seconds=30, ledger=Ledger())
    threading.Timer(0.3, reader.close).start()
    started = time.monotonic()
    with pytest.raises(Cancelled):
        list(reader.read(ReadContext()))
    assert time.monotonic() - started < 1.5


def test_a_trickling_answer_ends_by_patience(engine: FakeEngine) -> None:
    engine.trickle.add("/images/json")
    started = time.monotonic()
    said = failure(engine, NoAnswer, seconds=0.2)
    assert "did not finish an answer within 1.2 s" in said
    assert time.monotonic() - started < 4


def test_one_silent_image_is_a_problem(engine: FakeEngine) -> None:
    engine.add(image("stuck"), image("fine"))
    engine.silent = re.compile(f"/images/{sha('stuck')}/json")
    facts, context = read(engine)
    assert [p.subject for p in context.problems] == [sha("stuck")]
    assert "did not answer within 0.3 s" in context.problems[0].why
    stuck = [f for f in facts if isinstance(f, NodeFact) and f.id == f"image:{sha('stuck')}"]
    assert len(stuck) == 1
    tags = {f.id for f in facts if isinstance(f, NodeFact)}
    assert {"tag:box/stuck:1", "tag:box/fine:1"} <= tags


def test_many_silent_images_end_the_read(engine: FakeEngine) -> None:
    engine.add(*(image(f"stuck-{n}") for n in range(100)))
    engine.silent = re.compile("/images/sha256:.*")
    failure(engine, NoAnswer)
    assert len(engine.asked) < 40


def test_no_socket_and_nobody_listening(tmp_path: Path) -> None:
    path = tmp_path / "docker.sock"
    reader = EngineReader("docker", str(path), "x", ledger=Ledger())
    with pytest.raises(Unreachable, match="there is no socket"):
        list(reader.read(ReadContext()))
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with pytest.raises(Unreachable, match="nothing listens there"):
        list(reader.read(ReadContext()))


def test_permission_denied_names_the_docker_group(engine: FakeEngine) -> None:
    need_root()
    Path(engine.path).chmod(0o600)
    os.seteuid(65534)
    try:
        with pytest.raises(NotPermitted, match="docker group") as caught:
            UnixDial(UnixEndpoint(engine.path))(1.0)
    finally:
        os.seteuid(0)
    assert engine.path in str(caught.value)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (PermissionError(13, "x"), NotPermitted),
        (FileNotFoundError(2, "x"), Unreachable),
        (ConnectionRefusedError(111, "x"), Unreachable),
        (BlockingIOError(11, "x"), NoAnswer),
        (TimeoutError(), NoAnswer),
        (OSError("AF_UNIX path too long"), Unreachable),
    ],
)
def test_what_connect_errors_mean(error: OSError, kind: type[SourceError]) -> None:
    assert type(from_connect_error(error, "unix:///x", 10)) is kind


@pytest.mark.parametrize(
    ("error", "kind", "word"),
    [
        (ssl.SSLCertVerificationError(1, "self-signed"), NotPermitted, "not trusted"),
        (ssl.SSLError(1, "WRONG_VERSION_NUMBER"), NotRecognised, "TLS failed"),
        (FileNotFoundError(2, "No such file"), Unreachable, "No such file"),
        (TimeoutError(), NoAnswer, "did not answer"),
    ],
)
def test_what_tls_errors_mean(error: OSError, kind: type[SourceError], word: str) -> None:
    if isinstance(error, ssl.SSLCertVerificationError):
        error.verify_message = "self-signed certificate"
    found = _from_tls_error(error, "tcp://x:1", 10)
    assert type(found) is kind
    assert word in str(found)


@pytest.mark.parametrize(
    ("raw", "kind", "word"),
    [
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", NotRecognised, "does not speak HTTP"),
        (b"\x15\x03\x01\x00\x02\x02\x46", NotRecognised, "does not speak HTTP"),
        (b"", Unreachable, "closed the connection"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{", Unreachable, "closed the connection"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", NotRecognised, "no container engine"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", NotRecognised, "no container engine"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n<a/>", NotRecognised, "not JSON"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", NotRecognised, "not JSON"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nxx",
            NotRecognised,
            "encoding gzip",
        ),
        (
            b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n",
            NotRecognised,
            "answered 302",
        ),
        (b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 2000 + b"\r\n", NotRecognised, "HTTP"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", NotRecognised, "HTTP"),
    ],
)
def test_answers_of_something_else(
    engine: FakeEngine, raw: bytes, kind: type[SourceError], word: str
) -> None:
    engine.raw["/version"] = raw
    assert word in failure(engine, kind)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, NotRecognised), (401, NotPermitted), (403, NotPermitted), (500, SourceError)],
)
def test_the_engines_own_words_are_shown_safely(
    engine: FakeEngine, status: int, kind: type[SourceError]
) -> None:
    engine.bodies["/images/json"] = (status, b'{"message": "no \\u001b[31m luck"}')
    said = failure(engine, kind)
    assert f"answered {status}: no \\u{{1b}}[31m luck" in said


@pytest.mark.parametrize(
    ("version", "word"),
    [
        ({"ApiVersion": "1.12", "MinAPIVersion": "1.12"}, "treering 1.24 to"),
        ({"ApiVersion": "1.99", "MinAPIVersion": "1.90"}, "speaks API 1.90 to 1.99"),
        ({"ApiVersion": "latest"}, "no container engine"),
        ({"ApiVersion": 1.41}, "no container engine"),
    ],
)
def test_versions_that_do_not_fit(
    engine: FakeEngine, version: dict[str, object], word: str
) -> None:
    engine.version = version
    assert word in failure(engine, NotRecognised)


def test_a_newer_engine_is_asked_in_a_version_both_speak(engine: FakeEngine) -> None:
    engine.version = {"ApiVersion": "1.99", "MinAPIVersion": "1.44"}
    reader = EngineReader("docker", engine.path, "x", ledger=(ledger := Ledger()))
    assert list(reader.read(ReadContext(clock=FixedClock())))
    assert ledger.entries[1].what == "GET /v1.52/images/json"


@pytest.mark.parametrize("path", ["/version", "/images/json", "/containers/json"])
def test_endless_answers_stop_at_the_cap(
    engine: FakeEngine, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "MAX_LIST", 1024 * 1024)
    monkeypatch.setattr(client, "MAX_ANSWER", 512 * 1024)
    engine.endless.add(path)
    assert "larger than" in failure(engine, LimitExceeded, seconds=5)
    assert engine.sent[path] < 3 * 1024 * 1024


def test_a_huge_inspection_is_a_problem(engine: FakeEngine) -> None:
    engine.bodies[f"/images/{sha('app')}/json"] = (200, b'{"Id": "' + b"x" * 5_000_000 + b'"}')
    facts, context = read(engine, 5)
    assert [p.subject for p in context.problems] == [sha("app")]
    assert "larger than 4194304 bytes" in context.problems[0].why
    assert facts


@pytest.mark.parametrize(
    "body",
    [
        b'{"Id": 1, "Id": 2}',
        b'{"Size": NaN}',
        b'{"Size": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
        b'{"Id": "\xff"}',
        b"[]",
        b"",
        b"null",
    ],
)
def test_damaged_inspections_are_problems(engine: FakeEngine, body: bytes) -> None:
    engine.bodies[f"/images/{sha('app')}/json"] = (200, body)
    _, context = read(engine, 5)
    assert [p.subject for p in context.problems] == [sha("app")]


@pytest.mark.parametrize("body", [b"{}", b'"x"', b"7"])
def test_lists_that_are_none(engine: FakeEngine, body: bytes) -> None:
    engine.bodies["/containers/json"] = (200, body)
    assert "no list" in failure(engine, NotRecognised)


def test_more_entries_than_the_cap(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MAX_ENTRIES", 3)
    engine.add(*(image(f"app-{n}") for n in range(4)))
    assert "lists more than 3 images" in failure(engine, LimitExceeded)


def test_a_body_that_ends_with_its_connection(engine: FakeEngine) -> None:
    engine.raw["/images/json"] = b"HTTP/1.0 200 OK\r\n\r\n[]"
    engine.containers.clear()
    assert read(engine, 2)[0] == []


def test_an_empty_engine_may_answer_null(engine: FakeEngine) -> None:
    engine.bodies["/containers/json"] = engine.bodies["/images/json"] = (200, b"null\n")
    assert read(engine)[0] == []


def test_cookies_redirects_and_proxies_play_no_part(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert read(engine, 2)[1].problems == []
