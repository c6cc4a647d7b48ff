"""Where engines are found: the environment, docker contexts and well-known sockets."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from treering.adapters.engines import contexts
from treering.adapters.engines.adapter import ADAPTERS
from treering.adapters.engines.contexts import discover, resolve
from treering.adapters.engines.endpoints import TcpEndpoint, TlsFiles, UnixEndpoint
from treering.core.errors import NotRecognised, SourceError, Unreachable
from treering.core.ports import SourceSpec


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home and a system without any engine."""
    system = {k: str(tmp_path / f"system-{k}.sock") for k in ("docker", "podman")}
    monkeypatch.setattr(contexts, "_SYSTEM", system)
    return tmp_path


@pytest.fixture
def sockets() -> Iterator[Callable[[Path], str]]:
    made: list[socket.socket] = []

    def make(path: Path) -> str:
        path.parent.mkdir(parents=True, exist_ok=True)
        made.append(socket.socket(socket.AF_UNIX))
        made[-1].bind(str(path))
        return str(path)

    yield make
    for one in made:
        one.close()


def context(home: Path, name: str, host: object, **more: object) -> Path:
    folder = home / ".docker/contexts/meta" / sha256(name.encode()).hexdigest()
    folder.mkdir(parents=True)
    meta = {"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": host, **more}}}
    (folder / "meta.json").write_text(json.dumps(meta))
    return folder


def test_docker_host_wins_over_contexts(home: Path) -> None:
    context(home, "far", "ssh://far")
    environ = {"HOME": str(home), "DOCKER_HOST": "unix:///a.sock", "DOCKER_CONTEXT": "far"}
    assert resolve("docker", "", environ) == UnixEndpoint("/a.sock")
    del environ["DOCKER_HOST"]
    assert str(resolve("docker", "", environ)) == "ssh://far"


def test_the_current_context_and_docker_config(home: Path) -> None:
    context(home, "far", "tcp://far:2375")
    (home / ".docker/config.json").write_text('{"auths": {}, "currentContext": "far"}')
    assert str(resolve("docker", "", {"HOME": str(home)})) == "tcp://far:2375"
    elsewhere = {"HOME": "/nowhere", "DOCKER_CONFIG": str(home / ".docker")}
    assert str(resolve("docker", "", elsewhere)) == "tcp://far:2375"
    assert resolve("docker", "", {**elsewhere, "DOCKER_CONTEXT": "default"}) == UnixEndpoint(
        contexts._SYSTEM["docker"]
    )


def test_a_context_by_name_with_its_tls_files(home: Path) -> None:
    folder = context(home, "tls", "tcp://far:2376")
    tls = home / ".docker/contexts/tls" / folder.name / "docker"
    tls.mkdir(parents=True)
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (tls / name).write_text("")
    files = TlsFiles(*(str(tls / f"{n}.pem") for n in ("ca", "cert", "key")))
    environ = {"HOME": str(home)}
    assert resolve("docker", "context:tls", environ) == TcpEndpoint("far", 2376, files)


def test_no_context_turns_verification_off(home: Path) -> None:
    context(home, "lax", "tcp://far", SkipTLSVerify=True)
    endpoint = resolve("docker", "context:lax", {"HOME": str(home)})
    assert endpoint == TcpEndpoint("far", 2376, TlsFiles())


def test_docker_cert_path(home: Path) -> None:
    (home / "ca.pem").write_text("")
    endpoint = resolve("docker", "tcp://far", {"DOCKER_CERT_PATH": str(home)})
    assert endpoint == TcpEndpoint("far", 2376, TlsFiles(ca=str(home / "ca.pem")))
    plain = resolve("docker", "tcp://far", {})
    assert plain == TcpEndpoint("far", 2375)
    asked = resolve("docker", "", {"DOCKER_HOST": "tcp://far", "DOCKER_TLS_VERIFY": "1"})
    assert asked == TcpEndpoint("far", 2376, TlsFiles())


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("missing", Unreachable),
        ("../../etc", NotRecognised),
        ("", NotRecognised),
        ("-x", NotRecognised),
        ("empty", NotRecognised),
        ("odd", NotRecognised),
    ],
)
def test_contexts_that_are_none(home: Path, name: str, kind: type[SourceError]) -> None:
    context(home, "empty", "")
    context(home, "odd", ["x"])
    with pytest.raises(kind):
        resolve("docker", f"context:{name}", {"HOME": str(home)})


def test_podmans_own_variable_and_sockets(home: Path, sockets: Callable[[Path], str]) -> None:
    assert str(resolve("podman", "", {"CONTAINER_HOST": "ssh://core@far:22/run/p.sock"})) == (
        "ssh://core@far:22/run/p.sock"
    )
    environ = {"XDG_RUNTIME_DIR": str(home / "run")}
    assert resolve("podman", "", environ) == UnixEndpoint(contexts._SYSTEM["podman"])
    rootless = sockets(home / "run/podman/podman.sock")
    assert resolve("podman", "", environ) == UnixEndpoint(rootless)


def test_nothing_is_found_where_nothing_is(home: Path) -> None:
    environ = {"HOME": str(home), "XDG_RUNTIME_DIR": str(home)}
    for adapter in ADAPTERS:
        assert tuple(adapter.discover(environ)) == ()
        assert tuple(adapter.discover({})) == ()


def test_what_is_found_without_configuration(home: Path, sockets: Callable[[Path], str]) -> None:
    sockets(home / "system-docker.sock")
    rootless = sockets(home / "run/docker.sock")
    sockets(home / "run/podman/podman.sock")
    local = sockets(home / "local.sock")
    context(home, "local", f"unix://{local}")
    context(home, "same", f"unix://{home}/system-docker.sock")
    context(home, "absent", "unix:///nowhere.sock")
    context(home, "far", "ssh://far")
    environ = {"HOME": str(home), "XDG_RUNTIME_DIR": str(home / "run")}
    assert discover("docker", environ) == (
        SourceSpec("docker", "", "docker"),
        SourceSpec("docker", rootless, "docker-rootless"),
        SourceSpec("docker", "context:local", "local"),
    )
    assert discover("podman", environ) == (SourceSpec("podman", "", "podman"),)


def test_a_remote_engine_is_found_only_when_chosen(home: Path) -> None:
    context(home, "far", "ssh://far")
    environ = {"HOME": str(home)}
    assert discover("docker", environ) == ()
    assert discover("docker", {**environ, "DOCKER_CONTEXT": "far"}) == (
        SourceSpec("docker", "context:far", "far"),
    )
    assert discover("docker", {**environ, "DOCKER_HOST": "tcp://far:2375"}) == (
        SourceSpec("docker", "", "docker"),
    )


def test_podmans_imitation_of_docker_is_podman(home: Path, sockets: Callable[[Path], str]) -> None:
    real = sockets(home / "system-podman.sock")
    (home / "system-docker.sock").symlink_to(real)
    environ = {"HOME": str(home)}
    assert discover("docker", environ) == ()
    assert discover("podman", environ) == (SourceSpec("podman", "", "podman"),)


def test_damaged_configuration_is_passed_over_when_listing(home: Path) -> None:
    folder = home / ".docker/contexts/meta/abc"
    folder.mkdir(parents=True)
    (folder / "meta.json").write_text("{")
    (home / ".docker/config.json").write_text('{"currentContext": ')
    assert discover("docker", {"HOME": str(home)}) == ()
    with pytest.raises(SourceError):
        resolve("docker", "", {"HOME": str(home)})


def test_sockets_are_recognised_by_name(home: Path, sockets: Callable[[Path], str]) -> None:
    docker, podman = ADAPTERS
    one = Path(sockets(home / "my-docker.sock"))
    other = Path(sockets(home / "podman/api.sock"))
    plain = home / "docker.txt"
    plain.write_text("")
    assert docker.recognise(one)
    assert not podman.recognise(one)
    assert podman.recognise(other)
    assert not docker.recognise(other)
    assert not docker.recognise(plain)
    assert not docker.recognise(home / "docker.sock")
