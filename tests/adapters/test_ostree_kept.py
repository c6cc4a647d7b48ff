"""Only commits whose trees may be verified are held, the newest first."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from support.ostree_repo import FakeRepo

from treering.adapters.ostree.kept import Kept, Told
from treering.adapters.ostree.objects import Checksum, Commit
from treering.adapters.ostree.reader import OstreeReader
from treering.adapters.ostree.verify import Budget, Root
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
    st.lists(st.integers(0, 20) | st.integers(0, (1 << 64) - 1), max_size=60),
    st.integers(0, 5),
    st.integers(1, 7),
    st.sets(st.integers(0, 10)),
)
def test_the_newest_that_are_not_done_are_kept(
    times: list[int], most: int, together: int, done: set[int]
) -> None:
    made = [commit(number, time) for number, time in enumerate(times)]
    kept = Kept(most, {made[n][0].checksum for n in done if n < len(made)})
    for at in range(0, len(made), together):
        batch = made[at : at + together]
        kept.keep([c for c, _ in batch], [n for _, n in batch])
        assert len(kept._held) <= 2 * most + together
    todo = [(c, n) for number, (c, n) in enumerate(made) if number not in done]
    todo.sort(key=lambda pair: pair[0].timestamp, reverse=True)
    wanted = [Told(c.timestamp, Root(c.checksum, c.tree, c.meta), node) for c, node in todo[:most]]
    assert kept.newest() == wanted
    assert kept.open == len(todo)


def test_each_read_verifies_further_commits(tmp_path: Path) -> None:
    fake = history(tmp_path, 12)
    reader = OstreeReader(SourceSpec("ostree", str(fake.path), "r"), Budget(trees=2))
    whole, notes = [], []
    for _ in range(7):
        context = ReadContext()
        told = {f.id: f for f in reader.read(context) if isinstance(f, NodeFact)}
        whole.append(sum(f.attrs.get("verified") == "tree" for f in told.values()))
        notes.append(context.notes)
    # The tip first, and two others each time.
    assert whole == [3, 5, 7, 9, 11, 12, 12]
    assert notes[0] == ["the files of 9 of 12 commits were not verified"]
    assert notes[1] == ["the files of 7 of 9 commits were not verified"]
    assert notes[4] == ["the files of 1 of 3 commits were not verified"]
    assert notes[5:] == [[], []]


def test_when_the_budget_ends_all_that_is_not_verified_is_counted(tmp_path: Path) -> None:
    fake = history(tmp_path, 12)
    # Three objects are one whole tree: a directory, its owner and mode, its file.
    budget = Budget(objects=3, trees=5)
    context = ReadContext()
    list(OstreeReader(SourceSpec("ostree", str(fake.path), "r"), budget).read(context))
    assert context.notes == ["the files of 11 of 12 commits were not verified"]


def test_commits_with_a_ref_are_verified_before_newer_ones(tmp_path: Path) -> None:
    fake = history(tmp_path, 12)
    old = fake.commit({"f": "old"}, time=0, ref="old")
    reader = OstreeReader(SourceSpec("ostree", str(fake.path), "r"), Budget(tips=2, trees=0))
    told = [f for f in reader.read(ReadContext()) if isinstance(f, NodeFact)]
    whole = [f.id for f in told if f.attrs.get("verified") == "tree"]
    assert len(whole) == 2
    assert whole[1] == ids.commit(old)


def history(directory: Path, commits: int) -> FakeRepo:
    """Return a repository with a branch of commits, each with another tree."""
    fake = FakeRepo(directory / "repo")
    parent = ""
    for number in range(commits):
        parent = fake.commit({"f": str(number)}, subject=str(number), parent=parent, time=number)
    fake.ref("os", parent)
    return fake
