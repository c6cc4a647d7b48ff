"""What reaches stdout and the terminal: only what may."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.readers import HOSTILE, hostile_world

from treering.core import recording
from treering.core.text import is_safe

TREERING = [sys.executable, "-m", "treering.cli"]
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A recording whose every text is hostile."""
    path = tmp_path / "hostile.jsonl"
    recording.write(path, hostile_world(), (), 1.0)
    raw = path.read_bytes().decode()
    # Facts made their texts safe; the attacker writes the file by hand and escapes nothing.
    evil = json.dumps(HOSTILE)[1:-1]
    safe_text = re.escape(msgspec.json.encode(hostile_world()[-1].why).decode()[1:-1])  # type: ignore[union-attr]
    raw = re.sub(safe_text, lambda _match: evil, raw)
    assert "\\u001b]52" in raw
    path.write_text(raw)
    return path


@pytest.mark.parametrize(
    "argv",
    [
        ["graph"],
        ["graph", "--json"],
        ["graph", "--format", "dot"],
        ["graph", "--format", "mermaid"],
        ["find", "a"],
        ["find", "a", "--json"],
        ["lineage", "aaaaaaaaaa", "--why"],
        ["lineage", "aaaaaaaaaa", "--json"],
        ["lineage", HOSTILE],
        ["find", HOSTILE],
        ["doctor"],
    ],
)
def test_no_hostile_byte_reaches_stdout_or_stderr(run: Any, hostile: Path, argv: list[str]) -> None:
    done = run(*argv, "--source", f"recording:{hostile}")
    for text in (done.out, done.err):
        assert not CONTROL.search(text), argv
        assert all(is_safe(line) for line in text.split("\n"))


@pytest.mark.parametrize(
    "argv", [["graph", HOSTILE], [HOSTILE], ["graph", "--format", HOSTILE], ["--timeout", HOSTILE]]
)
def test_wrong_arguments_are_repeated_safely(run: Any, argv: list[str]) -> None:
    done = run(*argv)
    assert done.code == 2
    assert not CONTROL.search(done.err)


def test_paths_are_printed_safely(run: Any, hostile: Path, tmp_path: Path) -> None:
    done = run("record", tmp_path / "a\x1b[31mb", "--source", f"recording:{hostile}")
    assert "facts from" in done.out
    assert not CONTROL.search(done.out)


def test_nothing_but_a_regular_file_is_replaced(run: Any, hostile: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    done = run("record", tmp_path / "pipe", "--source", f"recording:{hostile}")
    assert done.code == 2
    assert (tmp_path / "pipe").is_fifo()


def test_mermaid_holds_no_markup_from_data(run: Any, hostile: Path) -> None:
    out = run("graph", "--format", "mermaid", "--source", f"recording:{hostile}").out
    assert "[@click" not in out


def test_an_ascii_terminal_gets_ascii(run: Any, demo: Path) -> None:
    argv = ("lineage", "registry/shop/web:1.2", "--config", demo / "treering.toml")
    out = run(*argv, encoding="ascii").out
    assert out.isascii()
    assert "`- points-at" in out


class Terminal:
    """A program on a pseudo-terminal, every byte it writes kept."""

    def __init__(self, argv: list[str], cwd: Path, **environ: str) -> None:
        self.bytes = b""
        pid, self.fd = pty.fork()
        if pid == 0:
            os.chdir(cwd)
            os.environ |= {"TERM": "xterm-256color", "COLUMNS": "", "LINES": "", **environ}
            os.execv(argv[0], argv)  # noqa: S606 -- this is the child of the fork
        self.pid = pid
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 120, 0, 0))

    def read(self, seconds: float, until: bytes = b"") -> bytes:
        end = time.monotonic() + seconds
        while time.monotonic() < end and not (until and until in self.bytes):
            if select.select([self.fd], [], [], 0.05)[0]:
                try:
                    self.bytes += os.read(self.fd, 65536)
                except OSError:
                    break
        return self.bytes

    def send(self, keys: bytes) -> None:
        os.write(self.fd, keys)

    def wait(self, seconds: float) -> int | None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)
        return None


def own_sequences_removed(data: bytes) -> bytes:
    """Remove what Textual itself writes: CSI, mode queries, pointer shape, charset, keypad."""
    data = re.sub(rb"\x1b\[[0-9;:?<>=$]*[a-zA-Z]", b"", data)
    data = re.sub(rb"\x1b\[[0-9;?$]*p", b"", data)
    data = re.sub(rb"\x1b\]22;[a-z-]*\x07", b"", data)
    return re.sub(rb"\x1b[=>78]|\x1b\(B", b"", data)


def test_no_hostile_byte_reaches_a_terminal_from_the_screen(hostile: Path, tmp_path: Path) -> None:
    terminal = Terminal([*TREERING, "replay", str(hostile)], tmp_path)
    terminal.read(15, until=b"[@click=app.bell]click[/]")
    for key in (b"j", b"j", b"j", b"\t", b"j", b"w", b"j", b"\t", b"?", b"q"):
        terminal.send(key)
        terminal.read(0.2)
    terminal.send(b"q")
    assert terminal.wait(5) == 0
    assert b"]52;" not in terminal.bytes.replace(b"\\u{1b}]52;", b"")
    text = own_sequences_removed(terminal.bytes).decode("utf-8")
    assert not re.search("[\x00-\x07\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e]", text)


def test_colours_on_a_terminal_and_none_with_no_color(demo: Path, tmp_path: Path) -> None:
    argv = [*TREERING, "lineage", "registry/shop/web:1.2", "--config", str(demo / "treering.toml")]
    coloured = Terminal(argv, tmp_path)
    assert coloured.wait(20) == 0
    assert b"\x1b[36m" in coloured.bytes
    plain = Terminal(argv, tmp_path, NO_COLOR="1")
    assert plain.wait(20) == 0
    assert b"\x1b[36m" not in plain.bytes


@pytest.fixture
def silent_socket(tmp_path: Path) -> Any:
    """A socket that accepts and never answers."""
    path = tmp_path / "docker.sock"
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen()
    held: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                held.append(server.accept()[0])
            except OSError:
                return

    threading.Thread(target=accept, daemon=True).start()
    yield path
    server.close()
    for connection in held:
        connection.close()


def test_q_leaves_at_once_while_a_source_hangs(silent_socket: Path, tmp_path: Path) -> None:
    argv = [*TREERING, "--source", f"docker:{silent_socket}"]
    terminal = Terminal(argv, tmp_path)
    terminal.read(15, until=b"reading")
    began = time.monotonic()
    terminal.send(b"q")
    assert terminal.wait(8) == 0
    assert time.monotonic() - began < 3


def test_a_silent_source_ends_with_3_and_names_itself(silent_socket: Path, tmp_path: Path) -> None:
    began = time.monotonic()
    argv = [*TREERING, "graph", "--json", "--timeout", "2", "--source", f"docker:{silent_socket}"]
    done = subprocess.run(
        argv, capture_output=True, text=True, check=False, cwd=tmp_path, timeout=60
    )
    assert done.returncode == 3, done.stderr
    assert time.monotonic() - began < 15
    (source,) = json.loads(done.stdout)["sources"]
    assert source["state"] == "failed"
    assert "docker.sock" in done.stderr


def test_head_may_close_the_pipe(demo: Path, tmp_path: Path) -> None:
    argv = [*TREERING, "graph", "--json", "--config", str(demo / "treering.toml")]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path) as it:
        assert it.stdout
        assert it.stderr
        it.stdout.read(10)
        it.stdout.close()
        assert it.stderr.read() == b""
        assert it.wait(20) == 0


def test_a_closed_stdout_or_full_disk_is_no_traceback(demo: Path, tmp_path: Path) -> None:
    argv = [*TREERING, "graph", "--json", "--config", str(demo / "treering.toml")]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(argv, stdout=full, stderr=subprocess.PIPE, check=False, cwd=tmp_path)
    assert done.returncode == 2
    assert b"No space left" in done.stderr
    assert b"Traceback" not in done.stderr
