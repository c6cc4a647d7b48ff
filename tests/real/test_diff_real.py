"""``treering diff`` against real engines: two images, and a container that was changed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from real.engines import Daemon

pytestmark = pytest.mark.real

OLD = "FROM base:1\nCOPY old /etc/app/\nENV STAGE=one\nEXPOSE 80\n"
NEW = "FROM base:1\nCOPY new /etc/app/\nENV STAGE=two\nEXPOSE 81\nSTOPSIGNAL SIGINT\n"
CHANGE = "echo more >> /etc/app/conf; rm /etc/app/gone; ln -s conf /etc/app/link"


@pytest.fixture(scope="module", params=["docker", "podman"])
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Daemon]]:
    daemon = request.getfixturevalue("dockerd" if request.param == "docker" else "podman")
    place = tmp_path_factory.mktemp("context")
    for name, files in {"old": {"conf": "a\n", "gone": "x\n"}, "new": {"conf": "b\n"}}.items():
        (place / name).mkdir()
        for file, text in files.items():
            (place / name / file).write_text(text)
    how = ["--isolation", "chroot", "--layers"] if request.param == "podman" else []
    for tag, text in (("1", OLD), ("2", NEW)):
        (place / "Dockerfile").write_text(text)
        daemon.cli("build", *how, "-q", "-t", f"diffed:{tag}", str(place))
    daemon.cli("run", "--name", "altered", "--network", "none", "diffed:1", "sh", "-c", CHANGE)
    yield request.param, daemon
    daemon.remove_containers()


def diff(world: tuple[str, Daemon], *argv: str, code: int = 1) -> Any:
    kind, daemon = world
    source = f"box={kind}:{daemon.socket}"
    done = subprocess.run(
        [sys.executable, "-m", "treering.cli", "diff", *argv, "--json", "--source", source],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def name(world: tuple[str, Daemon], tag: str) -> str:
    return f"box/{'localhost/' if world[0] == 'podman' else ''}diffed:{tag}"


def changes(found: Any) -> dict[str, list[str]]:
    return {f["path"]: [f["change"], *f["fields"]] for f in found["files"]}


def test_two_images(world: tuple[str, Daemon]) -> None:
    found = diff(world, name(world, "1"), name(world, "2"), "--unified")
    assert changes(found) == {
        "/etc/app/conf": ["modified", "content"],
        "/etc/app/gone": ["removed"],
    }
    assert {c["key"]: (c["a"], c["b"]) for c in found["config"]} == {
        "env.STAGE": ("one", "two"),
        "ports.80/tcp": (True, None),
        "ports.81/tcp": (None, True),
        "stop_signal": (None, "SIGINT"),
    } | {c["key"]: (c["a"], c["b"]) for c in found["config"] if c["key"].startswith("labels.")}
    assert [layer["in"] for layer in found["layers"]] == ["both", "b", "a"]
    content = {c["path"]: c["lines"] for c in found["content"]}
    assert content["/etc/app/conf"] == ["@@ -1 +1 @@", "-a", "+b"]
    assert found["missing"] == []


def test_a_container_that_was_changed_by_hand(world: tuple[str, Daemon]) -> None:
    found = diff(world, name(world, "1"), "box/altered", "--only", "files,config")
    own = {path: said for path, said in changes(found).items() if path.startswith("/etc/app")}
    assert own == {
        "/etc/app/conf": ["modified", "content", "size"],
        "/etc/app/gone": ["removed"],
        "/etc/app/link": ["added"],
    }
    assert {c["key"] for c in found["config"]} <= {"cmd", "env.PATH", "env.HOME", "env.TERM",
                                                   "env.container", "env.HOSTNAME"}  # fmt: skip


def test_an_image_and_itself(world: tuple[str, Daemon], tmp_path: Path) -> None:
    assert diff(world, name(world, "1"), name(world, "1"), code=0)["equal"] is True
    assert tmp_path
