"""Only nodes that can be told again are held."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from support.ostree_repo import FakeRepo

from treering.adapters.ostree.kept import Kept
from treering.adapters.ostree.objects import Checksum, Commit
from treering.adapters.ostree.reader import OstreeReader
from treering.adapters.ostree.verify import Budget
from treering.core import ids
from treering.core.facts import NodeFact
from treering.core.ports import ReadContext, SourceSpec
from treering.core.text import Safe


def commit(number: int, time: int) -> tuple[Commit, NodeFact]:
    name = Checksum(f"{number:064x}")
    return (
        Commit(name, {}, None, "", "", time, name, name, name, 1),
        NodeFact(ids.commit(name), Safe("s"), 0.0),
    )


@given(
    st.lists(st.integers(0, 20) | st.integers(0, 1 << 64), max_size=60),
    st.integers(0, 5),
    st.integers(1, 7),
    st.sets(st.integers(0, 10)),
)
def test_the_newest_that_are_not_done_can_be_had(
    times: list[int], count: int, together: int, done: set[int]
) -> None:
    made = [commit(number, time) for number, time in enumerate(times)]
    kept = Kept(count, {made[n][0].checksum for n in done if n < len(made)})
    kept.only_newest = True
    for at in range(0, len(made), together):
        batch = made[at : at + together]
        kept.keep([c for c, _ in batch], [n for _, n in batch])
    todo = [(c, n) for number, (c, n) in enumerate(made) if number not in done]
    todo.sort(key=lambda pair: pair[0].timestamp, reverse=True)
    for wanted, node in todo[:count]:
        assert kept.node(wanted.checksum) is node


def test_of_many_commits_few_are_held() -> None:
    kept = Kept(5, frozenset())
    first = commit(999, 0)
    kept.keep([first[0]], [first[1]])
    kept.only_newest = True
    for number in range(200):
        made, node = commit(number, number)
        kept.keep([made], [node])
    assert len(kept._newest) <= 20
    assert kept.node(first[0].checksum) is first[1]


def test_each_read_verifies_further_commits(tmp_path: Path) -> None:
    fake = FakeRepo(tmp_path / "repo")
    parent = ""
    for number in range(12):
        parent = fake.commit({"f": str(number)}, subject=str(number), parent=parent, time=number)
    fake.ref("os", parent)
    reader = OstreeReader(SourceSpec("ostree", str(fake.path), "r"), Budget(trees=2))
    whole = []
    for _ in range(7):
        told = {f.id: f for f in reader.read(ReadContext()) if isinstance(f, NodeFact)}
        whole.append(sum(f.attrs.get("verified") == "tree" for f in told.values()))
    assert whole == [2, 4, 6, 8, 10, 12, 12]
