"""The contract every reader keeps. An adapter's test subclasses `ReaderContract`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from treering.core import ids
from treering.core.errors import Cancelled, SourceError
from treering.core.facts import EdgeFact, EdgeKind, Fact, NodeFact, safe_value
from treering.core.graph import Graph
from treering.core.ids import Kind
from treering.core.ports import Capability, Finder, ReadContext, Reader, Watcher
from treering.core.text import is_safe

ENDS: dict[EdgeKind, tuple[set[Kind], set[Kind]]] = {
    EdgeKind.CONTAINS: ({Kind.IMAGE}, {Kind.LAYER}),
    EdgeKind.LISTS: ({Kind.INDEX}, {Kind.IMAGE, Kind.INDEX}),
    EdgeKind.BASED_ON: ({Kind.IMAGE}, {Kind.IMAGE, Kind.INDEX}),
    EdgeKind.POINTS_AT: (
        {Kind.TAG, Kind.REF},
        {Kind.IMAGE, Kind.INDEX, Kind.ATTESTATION, Kind.COMMIT, Kind.REF},
    ),
    EdgeKind.BUILT_FROM: ({Kind.IMAGE, Kind.COMMIT}, {Kind.SOURCE}),
    EdgeKind.BUILT_BY: ({Kind.IMAGE}, {Kind.BUILD}),
    EdgeKind.PARENT: ({Kind.COMMIT, Kind.SOURCE}, {Kind.COMMIT, Kind.SOURCE}),
    EdgeKind.LAYERED_ON: ({Kind.COMMIT}, {Kind.COMMIT}),
    EdgeKind.IMPORTED_FROM: ({Kind.COMMIT}, {Kind.IMAGE}),
    EdgeKind.ENCAPSULATES: ({Kind.IMAGE}, {Kind.COMMIT}),
    EdgeKind.SAME_TREE: ({Kind.COMMIT}, {Kind.COMMIT}),
    EdgeKind.RUNS: ({Kind.DEPLOYMENT, Kind.CONTAINER, Kind.REVISION}, {Kind.IMAGE, Kind.COMMIT}),
    EdgeKind.ATTESTS: ({Kind.ATTESTATION}, {Kind.IMAGE, Kind.INDEX, Kind.ATTESTATION}),
}


class FixedClock:
    """A clock that stands still until told otherwise."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.time = now

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time


class ReaderContract:
    """Subclass it as ``Test<System>Contract`` and give it the two fixtures."""

    @pytest.fixture
    def reader(self) -> Iterator[Reader]:
        """A reader on a source that holds a few of everything it can read."""
        raise NotImplementedError

    @pytest.fixture
    def missing(self) -> Reader:
        """A reader whose location does not exist or does not answer."""
        raise NotImplementedError

    def facts(self, reader: Reader, context: ReadContext | None = None) -> list[Fact]:
        return list(reader.read(context or ReadContext(clock=FixedClock())))

    def test_is_a_reader(self, reader: Reader) -> None:
        assert isinstance(reader, Reader)
        assert is_safe(reader.name)
        assert is_safe(reader.location)
        assert isinstance(reader, Watcher) or Capability.WATCH not in reader.capabilities
        assert isinstance(reader, Finder) or Capability.LOOK_UP not in reader.capabilities

    def test_reads_something_without_problems(self, reader: Reader) -> None:
        context = ReadContext(clock=FixedClock())
        facts = self.facts(reader, context)
        assert any(isinstance(f, NodeFact) for f in facts)
        assert any(isinstance(f, EdgeFact) for f in facts)
        assert context.problems == []

    def test_every_fact_names_its_source_and_time(self, reader: Reader) -> None:
        for fact in self.facts(reader):
            assert fact.source == reader.name
            assert fact.seen == FixedClock().time

    def test_every_text_is_safe(self, reader: Reader) -> None:
        for fact in self.facts(reader):
            if isinstance(fact, NodeFact):
                assert is_safe(fact.label)
                assert safe_value(fact.attrs) == fact.attrs
            else:
                assert is_safe(fact.why)
                assert fact.why, f"no evidence on {fact}"

    def test_edges_join_the_kinds_they_may(self, reader: Reader) -> None:
        for fact in self.facts(reader):
            if isinstance(fact, EdgeFact) and fact.kind in ENDS:
                starts, ends = ENDS[fact.kind]
                assert ids.kind_of(fact.start) in starts, fact
                assert ids.kind_of(fact.end) in ends, fact

    def test_reading_again_changes_nothing(self, reader: Reader) -> None:
        graph = Graph()
        graph.merge(self.facts(reader))
        assert graph.merge(self.facts(reader)) == 0

    def test_stops_when_cancelled(self, reader: Reader) -> None:
        with pytest.raises(Cancelled):
            list(reader.read(ReadContext(clock=FixedClock(), cancelled=lambda: True)))

    def test_close_may_be_called_twice(self, reader: Reader) -> None:
        reader.close()
        reader.close()

    def test_a_missing_source_is_a_clear_error(self, missing: Reader) -> None:
        with pytest.raises(SourceError) as caught:
            self.facts(missing)
        assert str(missing.location).split("/")[-1] in str(caught.value)
        assert caught.value.exit_code == 3
