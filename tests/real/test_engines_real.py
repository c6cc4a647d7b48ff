"""Engines for real: the same answers as their own clients, events, ssh and TLS."""

from __future__ import annotations

import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from real.engines import Daemon, Sshd, many_images

from treering.adapters.engines.reader import EngineReader
from treering.core import ids
from treering.core.errors import NotPermitted, NotRecognised, Unreachable
from treering.core.facts import EdgeKind, Fact, NodeFact
from treering.core.gates import Ledger
from treering.core.graph import Graph
from treering.core.ids import Kind
from treering.core.ports import ReadContext

pytestmark = pytest.mark.real

DOCKERFILE = "FROM base:1\nCOPY file /file\nENV WORDS='a b'\nLABEL team=trees \"odd\"='q\"\\n'\n"


@pytest.fixture(scope="module", params=["docker", "podman"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    """An engine of each kind with images, tags and containers."""
    daemon = request.getfixturevalue("dockerd" if request.param == "docker" else "podman")
    place = tmp_path_factory.mktemp("context")
    (place / "Dockerfile").write_text(DOCKERFILE)
    (place / "file").write_text("hello\n")
    how = ["--isolation", "chroot", "--layers"] if request.param == "podman" else []
    daemon.cli("build", *how, "-q", "-t", "app:1", str(place))
    daemon.cli("tag", "app:1", "registry.example:5000/team/app:1.2")
    (place / "file").write_text("bye\n")
    daemon.cli("build", *how, "-q", "-t", "app:2", str(place))
    (place / "file").write_text("dangling\n")
    daemon.cli("build", *how, "-q", str(place))
    daemon.cli("create", "--name", "created", "--network", "none", "app:1")
    daemon.cli("run", "-d", "--name", "running", "--network", "none", "app:1")
    daemon.cli("run", "--name", "stopped", "--network", "none", "app:2", "/bin/true")
    yield request.param, daemon
    daemon.remove_containers()


def graph_of(reader: EngineReader) -> Graph:
    context = ReadContext()
    graph = Graph()
    graph.merge(reader.read(context))
    reader.close()
    assert context.problems == []
    return graph


def _id(text: str) -> str:
    return "sha256:" + text.removeprefix("sha256:")


def test_the_same_images_as_the_engines_own_client(world: tuple[str, Daemon]) -> None:
    kind, daemon = world
    graph = graph_of(EngineReader(kind, daemon.socket, "box", ledger=Ledger()))
    names = set(daemon.cli("images", "-q", "--no-trunc").split())
    assert {_id(n) for n in names} == {ids.content_of(i) for i in graph.of_kind(Kind.IMAGE)}
    for theirs in daemon.json("image", "inspect", *sorted(names)):
        node = graph.node(ids.NodeId(f"image:{_id(theirs['Id'])}"))
        assert node.attrs["layers"] == theirs["RootFS"]["Layers"]
        contains = [e for e in graph.edges_from(node.id) if e.kind is EdgeKind.CONTAINS]
        assert [ids.content_of(e.end) for e in contains] == theirs["RootFS"]["Layers"]
        assert node.attrs["chain"] == ids.chain_id(theirs["RootFS"]["Layers"])
        assert node.attrs.get("labels", {}) == (theirs["Config"].get("Labels") or {})
        assert node.attrs.get("env", []) == (theirs["Config"].get("Env") or [])
        assert node.attrs.get("cmd", []) == (theirs["Config"].get("Cmd") or [])
        assert (node.attrs["os"], node.attrs["architecture"]) == (
            theirs["Os"],
            theirs["Architecture"],
        )
        tags = {e.start for e in graph.edges_to(node.id) if e.kind is EdgeKind.POINTS_AT}
        assert tags == {f"tag:box/{t}" for t in theirs["RepoTags"] or ()}
        assert set(theirs["RepoDigests"] or ()) <= set(node.names)
        if "Digest" in theirs:
            assert theirs["Digest"] in node.names or not theirs["RepoTags"]


def test_the_same_containers_as_the_engines_own_client(world: tuple[str, Daemon]) -> None:
    kind, daemon = world
    graph = graph_of(EngineReader(kind, daemon.socket, "box", audit=True, ledger=Ledger()))
    names = daemon.cli("ps", "-aq", "--no-trunc").split()
    theirs = daemon.json("container", "inspect", *names)
    assert {c["Id"] for c in theirs} == {
        ids.content_of(c).removeprefix("box/") for c in graph.of_kind(Kind.CONTAINER)
    }
    states = {}
    for one in theirs:
        node = graph.node(ids.container("box", one["Id"]))
        (runs,) = graph.edges_from(node.id)
        assert (runs.kind, ids.content_of(runs.end)) == (EdgeKind.RUNS, _id(one["Image"]))
        assert node.attrs["state"] == one["State"]["Status"]
        assert node.attrs["name"] == one["Name"].removeprefix("/")
        assert node.attrs["labels"] == one["Config"]["Labels"]
        assert node.attrs["created"] == one["Created"].partition(".")[0] + "Z"
        states[node.attrs["name"]] = node.attrs["state"]
    assert states == {"created": "created", "running": "running", "stopped": "exited"}


def test_two_hundred_images_cost_one_request_each(dockerd: Daemon, tmp_path: Path) -> None:
    archive = tmp_path / "many.tar"
    many_images(archive, 200)
    dockerd.cli("load", "-q", "-i", str(archive))
    ledger = Ledger()
    reader = EngineReader("docker", dockerd.socket, "box", ledger=ledger)
    try:
        first = list(reader.read(ReadContext()))
        images = [f for f in first if isinstance(f, NodeFact) and f.id.startswith("image:")]
        asked = [e.what for e in ledger.entries]
        assert len(images) >= 200
        assert len(asked) == len(set(asked)) == len(images) + 3
        ledger.entries.clear()
        second = list(reader.read(ReadContext()))
        assert len(second) == len(first)
        assert len(ledger.entries) == 2
    finally:
        reader.close()
        dockerd.cli("rmi", "-f", *(f"many:{n}" for n in range(200)))


class Watch:
    """A watch in a thread and the graph its facts make."""

    def __init__(self, reader: EngineReader) -> None:
        self.reader = reader
        self.graph = Graph()
        self.graph.merge(reader.read(ReadContext()))
        self.facts: queue.Queue[Fact | BaseException | None] = queue.Queue()
        self.thread = threading.Thread(target=self._watch)
        self.thread.start()

    def _watch(self) -> None:
        try:
            for fact in self.reader.watch(ReadContext()):
                self.facts.put(fact)
        except BaseException as error:  # noqa: BLE001 -- shown by the test
            self.facts.put(error)
        self.facts.put(None)

    def until(self, wanted: Callable[[Graph], bool], seconds: float = 10.0) -> float:
        """Merge facts until the graph is as wanted; return how long that took."""
        started = time.monotonic()
        while not wanted(self.graph):
            left = started + seconds - time.monotonic()
            fact = self.facts.get(timeout=max(0.01, left))
            assert isinstance(fact, Fact), fact
            self.graph.merge([fact])
        return time.monotonic() - started


def test_changes_are_seen_without_polling(world: tuple[str, Daemon]) -> None:
    kind, daemon = world
    ledger = Ledger()
    prefix = "localhost/" if kind == "podman" else ""
    watch = Watch(EngineReader(kind, daemon.socket, "box", ledger=ledger))
    try:
        time.sleep(1.5)
        before = len(ledger.entries)
        time.sleep(1.5)
        assert len(ledger.entries) == before
        tag = ids.tag("box", f"{prefix}live", "1")
        app, other = (_id(daemon.json("image", "inspect", f"app:{n}")[0]["Id"]) for n in (1, 2))

        daemon.cli("tag", "app:1", "live:1")
        watch.until(lambda g: ends(g, tag) == {f"image:{app}"})
        daemon.cli("tag", "app:2", "live:1")
        watch.until(lambda g: ends(g, tag) == {f"image:{other}"})

        daemon.cli("create", "--name", "live", "--network", "none", "app:1")
        (name,) = daemon.cli("ps", "-aq", "--no-trunc", "--filter", "name=^live$").split()
        node = ids.container("box", name)
        watch.until(lambda g: node in g and ends(g, node) == {f"image:{app}"})
        daemon.cli("start", "live")
        watch.until(lambda g: g.attrs(node).get("state") == "running")
        daemon.cli("kill", "live")
        watch.until(lambda g: g.attrs(node).get("state") in {"exited", "stopped"})
        committed = ids.NodeId(f"image:{_id(daemon.cli('commit', 'live').splitlines()[-1])}")
        watch.until(lambda g: committed in g and g.knows(committed))
        daemon.cli("rm", "-f", "live")
        watch.until(lambda g: g.node(node).gone)
        daemon.cli("rmi", "live:1")
        watch.until(lambda g: g.node(tag).gone)
        assert len(ledger.entries) < before + 40
    finally:
        watch.reader.close()
        watch.thread.join(2)
        assert not watch.thread.is_alive()


def test_a_removed_image_is_seen_to_go(world: tuple[str, Daemon], tmp_path: Path) -> None:
    kind, daemon = world
    (tmp_path / "x.tar").write_bytes(b"\0" * 10_240)
    watch = Watch(EngineReader(kind, daemon.socket, "box", ledger=Ledger()))
    try:
        time.sleep(0.5)
        name = daemon.cli(
            "import",
            "-q" if kind == "podman" else "-c",
            *([] if kind == "podman" else ["LABEL a=b"]),
            str(tmp_path / "x.tar"),
            "short:1",
        ).splitlines()[-1]
        node = ids.NodeId(f"image:{_id(name)}")
        watch.until(lambda g: node in g and g.knows(node))
        daemon.cli("rmi", "short:1")
        watch.until(lambda g: g.node(node).gone)
    finally:
        watch.reader.close()
        watch.thread.join(2)


def ends(graph: Graph, node: ids.NodeId) -> set[str]:
    if node not in graph:
        return set()
    return {e.end for e in graph.edges_from(node) if not e.gone}


def test_an_engine_that_hangs(dockerd: Daemon) -> None:
    reader = EngineReader("docker", dockerd.socket, "box", seconds=1, ledger=Ledger())
    dockerd.process.send_signal(signal.SIGSTOP)
    try:
        started = time.monotonic()
        with pytest.raises(Unreachable, match="did not answer within 1 s"):
            list(reader.read(ReadContext()))
        assert time.monotonic() - started < 3
    finally:
        dockerd.process.send_signal(signal.SIGCONT)
    assert list(reader.read(ReadContext()))
    reader.close()


def test_tls_with_client_certificates(dockerd: Daemon, tmp_path: Path) -> None:
    place = f"tcp://127.0.0.1:{dockerd.port}"
    environ = {"DOCKER_CERT_PATH": str(dockerd.folder / "tls/client")}
    local = graph_of(EngineReader("docker", dockerd.socket, "box", ledger=Ledger()))
    remote = graph_of(EngineReader("docker", place, "box", environ=environ, ledger=Ledger()))
    assert set(remote.ids()) == set(local.ids())
    for settings, kind, words in (
        ({"DOCKER_CERT_PATH": str(tmp_path)}, NotPermitted, "not trusted"),
        ({}, NotRecognised, "answered 400"),
    ):
        reader = EngineReader("docker", place, "box", environ=settings, ledger=Ledger())
        with pytest.raises(kind, match=words):
            list(reader.read(ReadContext()))


@pytest.fixture
def far(sshd: Sshd) -> Iterator[Callable[..., EngineReader]]:
    """Make readers of engines behind the sshd."""
    made = []

    def make(kind: str, location: str, config: str = "", **more: Any) -> EngineReader:
        reader = EngineReader(kind, location, "box", ssh_config=config or sshd.config, **more)
        made.append(reader)
        return reader

    yield make
    for reader in made:
        reader.close()


def test_docker_over_ssh(dockerd: Daemon, far: Callable[..., EngineReader]) -> None:
    local = graph_of(EngineReader("docker", dockerd.socket, "box", ledger=Ledger()))
    ledger = Ledger()
    default = graph_of(far("docker", "ssh://root@127.0.0.1", audit=True, ledger=ledger))
    by_path = graph_of(far("docker", f"ssh://box{dockerd.socket}", ledger=Ledger()))
    assert set(default.ids()) == set(by_path.ids()) == set(local.ids())
    commands = [e for e in ledger.entries if e.what.startswith("ssh ")]
    assert 1 <= len(commands) <= 4
    assert all(e.allowed and e.reads for e in ledger.entries)


def test_podman_over_ssh(podman: Daemon, far: Callable[..., EngineReader]) -> None:
    local = graph_of(EngineReader("podman", podman.socket, "box", ledger=Ledger()))
    remote = graph_of(far("podman", f"ssh://root@box{podman.socket}", ledger=Ledger()))
    assert set(remote.ids()) == set(local.ids())


def test_events_over_ssh_and_no_process_is_left(
    dockerd: Daemon, far: Callable[..., EngineReader]
) -> None:
    watch = Watch(far("docker", "ssh://box", ledger=Ledger()))
    tag = ids.tag("box", "over-ssh", "1")
    time.sleep(1)
    dockerd.cli("tag", "base:1", "over-ssh:1")
    try:
        watch.until(lambda g: tag in g)
    finally:
        dockerd.cli("rmi", "over-ssh:1")
    started = time.monotonic()
    watch.reader.close()
    watch.thread.join(3)
    assert not watch.thread.is_alive()
    assert time.monotonic() - started < 3
    children = Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split()
    names = [Path(f"/proc/{c}/comm").read_text().strip() for c in children]
    assert "ssh" not in names


def test_ssh_failures_are_told_apart(
    dockerd: Daemon, sshd: Sshd, far: Callable[..., EngineReader]
) -> None:
    changed = sshd.other_config("changed", UserKnownHostsFile=f"{sshd.folder}/changed_hosts")
    unknown = sshd.other_config("unknown", UserKnownHostsFile="/dev/null")
    stranger = sshd.other_config("stranger", IdentityFile=f"{sshd.folder}/stranger")
    nobody = sshd.other_config("nobody", Port="1")
    for location, config, kind, words in (
        ("ssh://box", changed, NotPermitted, "host key is unknown or has changed"),
        ("ssh://box", unknown, NotPermitted, "host key is unknown or has changed"),
        ("ssh://box", stranger, NotPermitted, "Permission denied"),
        ("ssh://box", nobody, Unreachable, "Connection refused"),
        ("ssh://box/nowhere.sock", "", Unreachable, "is docker running on box"),
    ):
        reader = far("docker", location, config, seconds=5, ledger=Ledger())
        with pytest.raises(kind, match=words):
            list(reader.read(ReadContext()))
    del dockerd


def test_the_adapter_imports_no_client_library() -> None:
    code = (
        "import sys; from treering.adapters.engines.adapter import ADAPTERS; "
        "[a.discover({}) for a in ADAPTERS]; [a.doctor() for a in ADAPTERS]; "
        "bad = {'docker', 'requests', 'urllib3', 'ssl', 'subprocess'} & set(sys.modules); "
        "sys.exit(f'imported: {bad}' if bad else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
