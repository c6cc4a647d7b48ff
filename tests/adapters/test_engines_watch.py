"""Watching an engine: its event stream, what it makes the reader ask, and how it ends."""

from __future__ import annotations

import queue
import re
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from support.contract import FixedClock
from support.fake_engine import FakeEngine, container, event, image, sha

from treering.adapters.engines.events import MAX_EVENT, event_of
from treering.adapters.engines.reader import EngineReader
from treering.core import ids
from treering.core.errors import Cancelled, LimitExceeded, Unreachable
from treering.core.facts import EdgeFact, EdgeKind, Fact, NodeFact
from treering.core.gates import Ledger
from treering.core.graph import Graph
from treering.core.ids import Digest
from treering.core.ports import ReadContext

WEB = sha("web").removeprefix("sha256:")


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    with FakeEngine() as engine:
        engine.add(image("base", ["base:1"], ["base"]), image("app"))
        engine.run(container("web", "app"))
        yield engine


class Watch:
    """A watch in a thread, whose facts can be awaited."""

    def __init__(self, reader: EngineReader, clock: FixedClock) -> None:
        self.reader, self.clock = reader, clock
        self.graph = Graph()
        self.cancelled = threading.Event()
        self.context = ReadContext(clock=clock, cancelled=self.cancelled.is_set)
        self.facts: queue.Queue[Fact | None] = queue.Queue()
        self.all: list[Fact] = []
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._watch)
        self.thread.start()

    def _watch(self) -> None:
        try:
            for fact in self.reader.watch(self.context):
                self.facts.put(fact)
        except BaseException as error:  # noqa: BLE001 -- handed to the test
            self.error = error
        self.facts.put(None)

    def until(self, wanted: Callable[[Fact], bool], seconds: float = 5.0) -> Fact:
        until = time.monotonic() + seconds
        while True:
            fact = self.facts.get(timeout=max(0.01, until - time.monotonic()))
            assert fact is not None, f"the watch ended: {self.error!r}"
            self.all.append(fact)
            self.graph.merge([fact])
            if wanted(fact):
                return fact

    def rest(self) -> list[Fact]:
        """Return the facts that come within a moment."""
        time.sleep(0.15)
        found = []
        while not self.facts.empty():
            fact = self.facts.get()
            assert fact is not None, f"the watch ended: {self.error!r}"
            found.append(fact)
        self.graph.merge(found)
        return found

    def ended(self, seconds: float = 2.0) -> BaseException | None:
        self.thread.join(seconds)
        assert not self.thread.is_alive()
        return self.error


@pytest.fixture
def watch(engine: FakeEngine) -> Iterator[Watch]:
    clock = FixedClock()
    reader = EngineReader("docker", engine.path, "box", ledger=Ledger())
    read = list(reader.read(ReadContext(clock=clock)))
    clock.time += 1
    watch = Watch(reader, clock)
    watch.graph.merge(read)
    engine.listened()
    assert watch.rest() == []
    clock.time += 1
    engine.asked.clear()
    yield watch
    reader.close()
    watch.ended()


def about(node: str, *, present: bool = True) -> Callable[[Fact], bool]:
    return lambda f: isinstance(f, NodeFact) and f.id == node and f.present is present


def test_a_new_image_costs_one_inspection(engine: FakeEngine, watch: Watch) -> None:
    engine.add(image("new", ["new:1"], ["base", "new"]))
    engine.tell(event("image", "tag", sha("new"), name="new:1"))
    fact = watch.until(about(f"image:{sha('new')}"))
    watch.until(about("tag:box/new:1"))
    watch.rest()
    assert fact.seen == watch.clock.time
    assert engine.asked == [f"/images/{sha('new')}/json"]
    (edge,) = watch.graph.edges_from(ids.tag("box", "new", "1"))
    assert edge.end == f"image:{sha('new')}"


def test_a_tag_that_moves_leaves_the_old_image(engine: FakeEngine, watch: Watch) -> None:
    engine.add(image("base", ["base:1", "app:1"], ["base"]), image("app", []))
    engine.tell(event("image", "tag", sha("base"), name="app:1"))
    watch.until(lambda f: isinstance(f, EdgeFact) and not f.present)
    watch.rest()
    edges = {e.end: e.gone for e in watch.graph.edges_from(ids.tag("box", "app", "1"))}
    assert edges == {f"image:{sha('app')}": True, f"image:{sha('base')}": False}
    assert not watch.graph.node(ids.tag("box", "app", "1")).gone
    assert watch.graph.node(ids.image(Digest(sha("app")))).label != "app:1"
    assert engine.asked == [f"/images/{sha('base')}/json"]


def test_an_untagged_image_stays_and_a_deleted_one_is_gone(
    engine: FakeEngine, watch: Watch
) -> None:
    engine.add(image("app", []))
    engine.tell(event("image", "untag", sha("app")))
    watch.until(about("tag:box/app:1", present=False))
    watch.rest()
    assert not watch.graph.node(ids.image(Digest(sha("app")))).gone
    del engine.images[sha("app")]
    engine.tell(event("image", "delete", sha("app")))
    watch.until(about(f"image:{sha('app')}", present=False))
    watch.rest()
    assert watch.graph.node(ids.layer(Digest(sha("app")))).gone
    assert not watch.graph.node(ids.layer(Digest(sha("base")))).gone


def test_containers_come_change_and_go(engine: FakeEngine, watch: Watch) -> None:
    job = container("job", "app", "created")
    engine.run(job)
    engine.tell(event("container", "create", job["Id"]))
    node = f"container:box/{job['Id']}"
    created = watch.until(about(node))
    assert isinstance(created, NodeFact)
    assert created.attrs["state"] == "created"
    job["State"] = "exited"
    engine.tell(event("container", "die", job["Id"]))
    died = watch.until(about(node))
    assert isinstance(died, NodeFact)
    assert died.attrs["state"] == "exited"
    del engine.containers[job["Id"]]
    engine.tell(event("container", "destroy", job["Id"]))
    watch.until(about(node, present=False))
    assert engine.asked == ["/containers/json"] * 3
    time.sleep(1.2)
    assert engine.asked == ["/containers/json"] * 4
    assert any(
        isinstance(f, EdgeFact) and f.kind is EdgeKind.RUNS and not f.present for f in watch.all
    )


def test_a_list_that_lags_behind_its_events_is_read_again(engine: FakeEngine, watch: Watch) -> None:
    engine.tell(event("container", "die", WEB))
    until = time.monotonic() + 3
    while not engine.asked and time.monotonic() < until:
        time.sleep(0.01)
    engine.containers[WEB]["State"] = "exited"
    died = watch.until(about(f"container:box/{WEB}"))
    assert isinstance(died, NodeFact)
    assert died.attrs["state"] == "exited"
    time.sleep(1.2)
    assert engine.asked == ["/containers/json"] * 3


def test_a_container_of_an_unknown_image_brings_it(engine: FakeEngine, watch: Watch) -> None:
    engine.add(image("fresh", []))
    job = container("job", "fresh")
    engine.run(job)
    engine.tell(event("container", "start", job["Id"]))
    watch.until(about(f"image:{sha('fresh')}"))
    watch.until(about(f"container:box/{job['Id']}"))
    assert sorted(engine.asked) == ["/containers/json", f"/images/{sha('fresh')}/json"]


def test_a_pull_and_a_commit_name_no_image_so_the_list_is_read(
    engine: FakeEngine, watch: Watch
) -> None:
    engine.add(image("pulled", ["busybox:latest"]))
    engine.tell(event("image", "pull", "busybox:latest"))
    watch.until(about("tag:box/busybox:latest"))
    watch.rest()
    assert engine.asked == [
        "/images/json",
        "/containers/json",
        f"/images/{sha('pulled')}/json",
    ]
    engine.add(image("committed", []))
    engine.tell(event("container", "commit", WEB))
    watch.until(about(f"image:{sha('committed')}"))


def test_podman_ids_lack_their_algorithm(engine: FakeEngine, watch: Watch) -> None:
    engine.add(image("new", ["localhost/new:1"]))
    engine.tell(event("image", "tag", sha("new").removeprefix("sha256:")))
    watch.until(about("tag:box/localhost/new:1"))


def test_noise_and_garbage_ask_nothing(engine: FakeEngine, watch: Watch) -> None:
    for action in ("exec_create: sh", "exec_start", "health_status: healthy", "top", "attach"):
        engine.tell(event("container", action, WEB))
    engine.tell(event("image", "push", sha("app")))
    engine.tell(event("network", "create", "n"))
    engine.tell(b'\n\n[]\n{"Type": 7}\nnot json\n{"Type": "image", "Type": "image"}\n')
    engine.tell(event("container", "kill", WEB))
    until = time.monotonic() + 3
    while not engine.asked and time.monotonic() < until:
        time.sleep(0.01)
    watch.rest()
    assert engine.asked == ["/containers/json"]


def test_no_event_no_request(engine: FakeEngine, watch: Watch) -> None:
    time.sleep(1.2)
    assert engine.asked == []
    assert watch.thread.is_alive()


def test_a_watch_begins_with_what_changed_since_the_read(engine: FakeEngine) -> None:
    clock = FixedClock()
    reader = EngineReader("docker", engine.path, "box", ledger=Ledger())
    list(reader.read(ReadContext(clock=clock)))
    del engine.containers[WEB]
    clock.time += 1
    watch = Watch(reader, clock)
    gone = watch.until(lambda f: isinstance(f, NodeFact))
    assert (gone.id, gone.present) == (f"container:box/{WEB}", False)  # type: ignore[union-attr]
    reader.close()
    assert watch.ended() is None


def test_a_watch_without_a_read_says_everything(engine: FakeEngine) -> None:
    watch = Watch(EngineReader("docker", engine.path, "box", ledger=Ledger()), FixedClock())
    watch.until(about("tag:box/app:1"))
    watch.reader.close()
    assert watch.ended() is None


def test_close_ends_a_watch_quietly_and_soon(watch: Watch) -> None:
    started = time.monotonic()
    watch.reader.close()
    assert watch.ended() is None
    assert time.monotonic() - started < 1


def test_cancelling_ends_a_watch_soon(watch: Watch) -> None:
    started = time.monotonic()
    watch.cancelled.set()
    assert isinstance(watch.ended(), Cancelled)
    assert time.monotonic() - started < 1


def test_abandoning_a_watch_lets_go(engine: FakeEngine) -> None:
    reader = EngineReader("docker", engine.path, "box", ledger=Ledger())
    facts = reader.watch(ReadContext())
    next(facts)
    facts.close()  # type: ignore[attr-defined]
    until = time.monotonic() + 2
    while any(t.name == "engine events" for t in threading.enumerate()):
        assert time.monotonic() < until
        time.sleep(0.01)


def test_an_engine_that_stops_ends_the_watch(engine: FakeEngine, watch: Watch) -> None:
    engine.hang_up()
    error = watch.ended()
    assert isinstance(error, Unreachable)
    assert "the event stream ended" in str(error)


def test_an_endless_event_ends_the_watch(engine: FakeEngine, watch: Watch) -> None:
    for _ in range(MAX_EVENT // 65_536 + 2):
        engine.tell(b"x" * 65_536)
    assert isinstance(watch.ended(5), LimitExceeded)


def test_an_engine_that_turns_silent_does_not_hold_the_watch(engine: FakeEngine) -> None:
    reader = EngineReader("docker", engine.path, "box", seconds=0.3, ledger=Ledger())
    watch = Watch(reader, FixedClock())
    engine.listened()
    watch.until(about("tag:box/app:1"))
    watch.rest()
    engine.silent = re.compile("/containers/json")
    engine.tell(event("container", "start", WEB))
    assert isinstance(watch.ended(), Unreachable)


def test_events_of_other_shapes() -> None:
    assert event_of(b"{") is None
    assert event_of(b"[]") is None
    old = event_of(b'{"status": "tag", "id": "x", "Type": "image"}')
    assert old is not None
    assert (old.kind, old.action, old.actor, old.matters) == ("image", "tag", "x", True)
    empty = event_of(b'{"Type": null, "Actor": 5}')
    assert empty is not None
    assert not empty.matters


def test_a_stream_without_chunks_is_read_as_it_comes(engine: FakeEngine) -> None:
    line = b'{"Type": "image", "Action": "tag", "Actor": {"ID": "%s"}}\n' % sha("new").encode()
    engine.raw["/events"] = b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + line
    engine.add(image("new"))
    engine.hidden.add(sha("new"))
    watch = Watch(EngineReader("docker", engine.path, "box", ledger=Ledger()), FixedClock())
    watch.until(about("tag:box/new:1"))
    assert isinstance(watch.ended(), Unreachable)


def test_closing_a_busy_watch_at_any_moment_is_quiet(engine: FakeEngine) -> None:
    for moment in range(20):
        watch = Watch(EngineReader("docker", engine.path, "box", ledger=Ledger()), FixedClock())
        engine.listened()
        for number in range(50):
            engine.tell(event("container", "start", WEB, number=str(number)))
        time.sleep(moment / 500)
        watch.reader.close()
        assert watch.ended() is None
