"""Sources are read side by side and fail alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence

import pytest
from support.strategies import digest

from treering.core import ids
from treering.core.errors import NotPermitted
from treering.core.facts import Fact, NodeFact
from treering.core.ids import NodeId
from treering.core.ports import Capability, ReadContext
from treering.core.reading import Reading, State, read_all
from treering.core.text import Safe


def layer(number: int, source: str) -> NodeFact:
    return NodeFact(id=ids.layer(digest(number)), source=Safe(source), seen=time.time())


class Scripted:
    """A reader that does what it is told."""

    kind = "scripted"
    location = Safe("here")

    def __init__(
        self,
        name: str,
        script: Callable[[ReadContext], Iterator[Fact]],
        capabilities: Capability = Capability.NONE,
    ) -> None:
        self.name = Safe(name)
        self.capabilities = capabilities
        self._script = script
        self.asked: list[NodeId] = []

    def read(self, context: ReadContext) -> Iterator[Fact]:
        return self._script(context)

    def look_up(self, wanted: Sequence[NodeId], _context: ReadContext) -> Iterator[Fact]:
        self.asked += wanted
        return iter([NodeFact(id=wanted[0], source=self.name, seen=time.time(), label=Safe("hi"))])

    def watch(self, context: ReadContext) -> Iterator[Fact]:
        yield layer(9, self.name)
        while not context.cancelled():
            time.sleep(0.01)

    def close(self) -> None:
        return


def good(number: int, name: str) -> Scripted:
    return Scripted(name, lambda _c: iter([layer(number, name)]))


def bad(name: str, error: Exception) -> Scripted:
    def script(_context: ReadContext) -> Iterator[Fact]:
        yield layer(1, name)
        raise error

    return Scripted(name, script)


def test_one_failing_source_leaves_the_others_alone() -> None:
    reading = Reading(
        [good(2, "a"), bad("b", NotPermitted("no", "ask")), bad("c", ValueError("bug"))]
    )
    graph = read_all(reading)
    assert len(graph) == 2
    states = {name: s.state for name, s in reading.status.items()}
    assert states == {"a": State.OK, "b": State.FAILED, "c": State.FAILED}
    assert reading.status["b"].error == "no"
    assert reading.status["b"].hint == "ask"
    assert "ValueError" in reading.status["c"].error


def test_a_problem_makes_a_source_partial() -> None:
    def script(context: ReadContext) -> Iterator[Fact]:
        context.problem("blob x", "is broken")
        yield layer(1, "a")

    reading = Reading([Scripted("a", script)])
    read_all(reading)
    status = reading.status["a"]
    assert status.state is State.PARTIAL
    assert status.summary == "blob x: is broken"
    assert status.nodes == 1


def test_a_silent_source_is_given_up_and_the_rest_kept() -> None:
    blocked = threading.Event()

    def script(_context: ReadContext) -> Iterator[Fact]:
        blocked.wait(20)
        yield layer(1, "hangs")

    reading = Reading([Scripted("hangs", script), good(2, "a")], silence=0.3)
    began = time.monotonic()
    graph = read_all(reading)
    assert time.monotonic() - began < 5
    assert reading.status["hangs"].state is State.FAILED
    assert "nothing came for" in reading.status["hangs"].error
    assert len(graph) == 1
    blocked.set()


def test_cancelling_stops_a_reader_that_yields_for_ever() -> None:
    def script(_context: ReadContext) -> Iterator[Fact]:
        while True:
            yield layer(1, "a")

    reading = Reading([Scripted("a", script)])
    reading.start()
    reading.poll(1.0)
    reading.cancel()
    deadline = time.monotonic() + 5
    while not reading.finished and time.monotonic() < deadline:
        reading.poll(0.01)
    assert reading.status["a"].state is State.FAILED


def test_what_others_mention_is_asked_for_once() -> None:
    sha = "1" * 40
    image = NodeFact(
        id=ids.image(digest(1)),
        source=Safe("a"),
        seen=1.0,
        attrs={"labels": {"org.opencontainers.image.revision": sha}},
    )
    finder = Scripted("git", lambda _c: iter(()), Capability.LOOK_UP)
    reading = Reading([Scripted("a", lambda _c: iter([image])), finder])
    graph = read_all(reading)
    assert graph.node(ids.git(sha)).label == "hi"
    assert list(reading.look_up(graph)) == []
    assert finder.asked == [f"git:{sha}"]


def test_a_watched_source_goes_on_after_it_was_read() -> None:
    watched = Scripted("a", lambda _c: iter([layer(1, "a")]), Capability.WATCH)
    reading = Reading([watched], watch=True)
    reading.start()
    seen: set[str] = set()
    deadline = time.monotonic() + 5
    while ids.layer(digest(9)) not in seen and time.monotonic() < deadline:
        seen |= {f.id for f in reading.poll(0.05) if isinstance(f, NodeFact)}
    assert ids.layer(digest(9)) in seen
    assert reading.status["a"].live
    reading.close()


def test_reading_again_marks_what_is_gone() -> None:
    numbers = [1, 2]
    reader = Scripted("a", lambda _c: iter([layer(n, "a") for n in numbers]))
    reading = Reading([reader])
    graph = read_all(reading)
    numbers.remove(1)
    time.sleep(0.01)
    reading.again()
    for facts in reading.batches():
        graph.merge(facts)
    graph.merge(reading.vanished(graph))
    assert graph.node(ids.layer(digest(1))).gone
    assert not graph.node(ids.layer(digest(2))).gone


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_to_read_is_an_empty_graph(count: int) -> None:
    assert len(read_all(Reading([good(1, "a")][:count]))) == count


def test_a_source_given_up_can_be_read_again_and_its_old_thread_says_nothing() -> None:
    blocked, turns = threading.Event(), iter([True, False])

    def script(_context: ReadContext) -> Iterator[Fact]:
        if next(turns):
            blocked.wait(20)
            raise NotPermitted("too late")
        yield layer(1, "a")

    reading = Reading([Scripted("a", script)], silence=0.2)
    read_all(reading)
    assert reading.status["a"].state is State.FAILED
    reading.again()
    facts = [fact for batch in reading.batches() for fact in batch]
    assert len(facts) == 1
    blocked.set()
    time.sleep(0.1)
    assert reading.status["a"].state is State.OK
    assert reading.status["a"].error == ""


def test_what_came_before_a_source_fell_silent_is_kept() -> None:
    blocked = threading.Event()

    def script(_context: ReadContext) -> Iterator[Fact]:
        yield from (layer(n, "a") for n in range(900))
        blocked.wait(20)

    graph = read_all(Reading([Scripted("a", script)], silence=0.3))
    assert len(graph) == 900
    blocked.set()


def test_a_source_that_works_without_yielding_is_not_given_up() -> None:
    def script(context: ReadContext) -> Iterator[Fact]:
        for _ in range(12):
            time.sleep(0.05)
            context.check()
        yield layer(1, "a")

    reading = Reading([Scripted("a", script)], silence=0.3)
    read_all(reading)
    assert reading.status["a"].state is State.OK


def test_a_recording_does_not_vanish_because_it_is_old() -> None:
    old = Scripted(
        "a",
        lambda _c: iter([NodeFact(id=ids.layer(digest(1)), source=Safe("a"), seen=1.0)]),
        Capability.REPLAYS,
    )
    reading = Reading([old])
    graph = read_all(reading)
    assert reading.vanished(graph) == []
