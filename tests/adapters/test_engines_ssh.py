"""Engines over ssh: what may become an argument list, and what a connection is made of."""

from __future__ import annotations

import io
import os
import re
import socket
import time
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.contract import FixedClock
from support.fake_engine import FakeEngine, container, image

from treering.adapters.engines.endpoints import SshEndpoint, UnixEndpoint, parse
from treering.adapters.engines.lines import Lines
from treering.adapters.engines.reader import EngineReader
from treering.adapters.engines.ssh import SshDial, argv_of, explain, rules
from treering.core.errors import (
    NotPermitted,
    NotRecognised,
    Refused,
    SourceError,
    TreeringError,
    Unreachable,
)
from treering.core.facts import NodeFact
from treering.core.gates import Gate, Ledger
from treering.core.ports import ReadContext

SAFE = re.compile(r"(?:[A-Za-z_][A-Za-z0-9._-]*@)?[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")


class Process:
    """A process that never was; what it is told is recorded."""

    def __init__(self, stderr: bytes = b"") -> None:
        read, write = os.pipe()
        os.write(write, stderr)
        os.close(write)
        self.stderr = io.FileIO(read)
        self.killed = 0
        self.waited = 0

    def kill(self) -> None:
        self.killed += 1

    def wait(self, timeout: float | None = None) -> int:
        del timeout
        self.waited += 1
        return 255


class Recorder:
    """Takes the place of Popen: keeps argument lists, and may join stdio to a fake engine."""

    def __init__(self, engine: FakeEngine | None = None, stderr: bytes = b"") -> None:
        self.argvs: list[list[str]] = []
        self.processes: list[Process] = []
        self.keywords: dict[str, Any] = {}
        self.engine, self.words = engine, stderr

    def __call__(self, argv: Sequence[str], **keywords: Any) -> Process:
        self.argvs.append(list(argv))
        self.keywords = keywords
        process = Process(self.words)
        self.processes.append(process)
        if self.engine is not None:
            self.engine.serve(keywords["stdin"].dup())
        return process


def attempt(location: str, recorder: Recorder, kind: str = "docker") -> None:
    """Connect to `location` the way the reader does."""
    endpoint = parse(location)
    if isinstance(endpoint, SshEndpoint):
        gate = Gate(kind, rules(kind), audit=True, ledger=Ledger())
        SshDial(endpoint, kind, gate, start=recorder)(1.0).hang_up()


NASTY = st.text(
    st.sampled_from("ab1.-_%@:/[]`$(){}|;&<>'\"\\ \n\r\t\0~*?!#=,^\x1b\x7f\x9b\u202eé\u0445n"),
    max_size=40,
)
WORDS = st.sampled_from(
    [
        "-oProxyCommand=touch x",
        "%h",
        "`id`",
        "$(id)",
        "[::1]",
        "a\nb",
        "xn--bcher-kva.example",
        "bücher.example",
        "ngin\u0445",
        "host",
        "10.0.0.1",
        "user",
        "..",
        "a..b",
        "-",
        "",
    ]
)
PIECE = st.one_of(NASTY, WORDS, st.builds(lambda a, b: a + b, WORDS, NASTY))


@settings(max_examples=1000, deadline=None)
@given(host=PIECE, user=st.none() | PIECE, port=st.none() | PIECE, path=st.none() | PIECE)
def test_nothing_outside_the_grammar_is_executed(
    host: str, user: str | None, port: str | None, path: str | None
) -> None:
    location = "ssh://" + (f"{user}@" if user is not None else "") + host
    location += (f":{port}" if port is not None else "") + (f"/{path}" if path is not None else "")
    recorder = Recorder()
    try:
        attempt(location, recorder)
    except TreeringError:
        assert recorder.argvs == []
        return
    for argv in recorder.argvs:
        at = argv.index("--")
        assert SAFE.fullmatch(argv[at + 1]), argv
        assert argv[at + 2] == "docker"
        assert argv[-2:] == ["system", "dial-stdio"]
        assert all(re.fullmatch(r"[A-Za-z0-9._:/=-]+", a) for a in argv[at + 2 :])
        options = [a for a in argv[1:at] if a.startswith("-o")]
        assert not any("Command" in o and o != "-oPermitLocalCommand=no" for o in options)


@settings(max_examples=300, deadline=None)
@given(host=PIECE, user=PIECE, path=PIECE)
def test_the_gate_checks_again_what_the_grammar_let_through(
    host: str, user: str, path: str
) -> None:
    recorder = Recorder()
    endpoint = SshEndpoint(host, user, None, path)
    dial = SshDial(
        endpoint, "podman", Gate("podman", rules("podman"), ledger=Ledger()), start=recorder
    )
    try:
        dial(1.0).hang_up()
    except Refused:
        assert recorder.argvs == []
        return
    at = recorder.argvs[0].index("--")
    assert SAFE.fullmatch(recorder.argvs[0][at + 1])


@pytest.mark.parametrize(
    "location",
    [
        "ssh://-oProxyCommand=x",
        "ssh://-oProxyCommand=x@host",
        "ssh://user@-host",
        "ssh://`id`",
        "ssh://$(id)",
        "ssh://%h",
        "ssh://a%68",
        "ssh://[::1]",
        "ssh://bücher.example",
        "ssh://host\n",
        "ssh://us er@host",
        "ssh://u;id@host",
        "ssh://host:0",
        "ssh://host:65536",
        "ssh://host:22x",
        "ssh://host:",
        "ssh://host:٢٢",
        "ssh://host/run/$(id).sock",
        "ssh://host/run/../x.sock",
        "ssh://host/run/.",
        "ssh://host//x",
        "ssh://host/-x",
        "ssh://host/a b",
        "ssh://host/" + "a" * 200,
        "ssh://",
        "ssh://@host",
        "ssh://a@b@c",
    ],
)
def test_locations_outside_the_grammar(location: str) -> None:
    recorder = Recorder()
    with pytest.raises(NotRecognised):
        attempt(location, recorder)
    assert recorder.argvs == []


def test_the_argument_list() -> None:
    safe_options = [
        "-T",
        "-oBatchMode=yes",
        "-oStrictHostKeyChecking=yes",
        "-oUpdateHostKeys=no",
        "-oClearAllForwardings=yes",
        "-oPermitLocalCommand=no",
        "-oForwardAgent=no",
        "-oForwardX11=no",
        "-oControlMaster=no",
        "-oConnectTimeout=10",
    ]
    assert argv_of(SshEndpoint("web-01"), "docker", 10) == [
        "ssh",
        *safe_options,
        "--",
        "web-01",
        "docker",
        "system",
        "dial-stdio",
    ]
    endpoint = parse("ssh://core@web-01.example:2222/run/user/1000/podman/podman.sock")
    assert isinstance(endpoint, SshEndpoint)
    assert argv_of(endpoint, "podman", 0.5, "/etc/ssh/other")[11:] == [
        "-F/etc/ssh/other",
        "-oPort=2222",
        "--",
        "core@web-01.example",
        "podman",
        "--url",
        "unix:///run/user/1000/podman/podman.sock",
        "system",
        "dial-stdio",
    ]


def test_reading_over_a_connection_made_of_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeEngine() as engine:
        engine.add(*(image(f"app-{n}") for n in range(20)))
        engine.run(container("web", "app-1"))
        recorder = Recorder(engine)
        ledger = Ledger()
        reader = EngineReader("docker", "ssh://core@web-01", "far", audit=True, ledger=ledger)
        make = SshDial.__init__

        def started(self: SshDial, *args: Any, **keywords: Any) -> None:
            make(self, *args, **{**keywords, "start": recorder})

        monkeypatch.setattr(SshDial, "__init__", started)
        facts = list(reader.read(ReadContext(clock=FixedClock())))
        reader.close()
        assert len([f for f in facts if isinstance(f, NodeFact)]) == 20 + 21 + 20 + 1
        assert 1 <= len(recorder.argvs) <= 4
        assert all(p.killed and p.waited for p in recorder.processes)
        assert recorder.keywords["start_new_session"] is True
        assert "shell" not in recorder.keywords
        said = [e.what for e in ledger.entries]
        assert said.count(" ".join(recorder.argvs[0])) == len(recorder.argvs)
        assert all(e.allowed and e.reads for e in ledger.entries)


def test_sshs_last_words_become_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(stderr=b"core@web-01: Permission denied (publickey).\r\n")
    make = SshDial.__init__

    def started(self: SshDial, *args: Any, **keywords: Any) -> None:
        make(self, *args, **{**keywords, "start": recorder})

    monkeypatch.setattr(SshDial, "__init__", started)
    reader = EngineReader("docker", "ssh://core@web-01", "far", seconds=1, ledger=Ledger())
    with pytest.raises(NotPermitted, match="ssh-agent") as caught:
        list(reader.read(ReadContext()))
    assert "ssh://core@web-01: core@web-01: Permission denied (publickey)." in str(caught.value)


@pytest.mark.parametrize(
    ("words", "kind", "hint"),
    [
        (b"Host key verification failed.\r\n", NotPermitted, "connect once by hand"),
        (b"@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nx\n", NotPermitted, "by hand"),
        (b"bash: line 1: docker: command not found\n", NotRecognised, "installed on web"),
        (b"sh: 1: docker: not found\n", NotRecognised, "installed on web"),
        (b"ssh: connect to host web port 22: Connection refused\n", Unreachable, "try: ssh web"),
        (
            b"permission denied while trying to connect to the Docker daemon socket\n",
            NotPermitted,
            "docker group",
        ),
        (b"Cannot connect to the Docker daemon at unix:///x.\n", Unreachable, "running on web"),
        (b"\x1b[2J\x00\xff evil\n", Unreachable, "try"),
    ],
)
def test_what_the_last_words_mean(words: bytes, kind: type[SourceError], hint: str) -> None:
    found = explain(words, SshEndpoint("web"), "docker")
    assert type(found) is kind
    assert hint in str(found)
    assert "\x1b" not in str(found)


def test_no_words_mean_nothing() -> None:
    assert explain(b" \n\n", SshEndpoint("web"), "docker") is None


def test_a_host_without_ssh_is_a_clear_error() -> None:
    def missing(*_: Any, **__: Any) -> Process:
        raise FileNotFoundError(2, "No such file or directory")

    gate = Gate("docker", rules("docker"), ledger=Ledger())
    with pytest.raises(Unreachable, match="install the OpenSSH client"):
        SshDial(SshEndpoint("web"), "docker", gate, start=missing)(1.0)


def test_a_flood_of_words_neither_blocks_nor_grows() -> None:
    read, write = os.pipe()
    process = Process()
    process.stderr.close()
    process.stderr = io.FileIO(read)
    gate = Gate("docker", rules("docker"), ledger=Ledger())
    dial = SshDial(SshEndpoint("web"), "docker", gate, start=lambda *_, **__: process)
    line = dial(1.0)
    for _ in range(64):
        os.write(write, b"z" * 16_384)
    os.write(write, b"\nthe end\n")
    os.close(write)
    time.sleep(0.05)
    line.hang_up()
    assert len(line.tail) <= 4096  # type: ignore[attr-defined]
    assert line.tail.endswith(b"the end\n")  # type: ignore[attr-defined]


def test_closing_hangs_up_lines_dialled_meanwhile() -> None:
    lines = Lines()
    ours, theirs = socket.socketpair()

    class Late:
        def __call__(self, seconds: float):
            del seconds
            from treering.adapters.engines.lines import Line

            lines.close()
            return Line(ours)

    with pytest.raises(TreeringError, match="closed"):
        lines.dial(Late(), 1.0)  # type: ignore[arg-type]
    assert theirs.recv(1) == b""
    theirs.close()
    with pytest.raises(TreeringError, match="closed"):
        lines.dial(Late(), 1.0)  # type: ignore[arg-type]


def test_other_forms_of_locations() -> None:
    assert parse("/run/x.sock") == UnixEndpoint("/run/x.sock")
    assert parse("unix:///run/x.sock") == UnixEndpoint("/run/x.sock")
    assert str(parse("tcp://[fe80::1]:2376")) == "tcp://[fe80::1]:2376"
    assert str(parse("tcp://box")) == "tcp://box:2375"
    for wrong in (
        "tcp://",
        "tcp://a b",
        "tcp://x:y",
        "tcp://[z]",
        "npipe:////./pipe",
        "http://x",
        "",
    ):
        with pytest.raises(NotRecognised):
            parse(wrong)
