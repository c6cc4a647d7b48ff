"""Trees that share their lower layers: each is what its own layers make, and equal is never
looked at."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from support.diffing import NAMES, by_path, differences, directory, file, letters, tree_entries

from treering.core.layered import LayeredTree
from treering.core.overlay import Overlay, flatten
from treering.core.trees import ROOT, Entry, EntryType, MemoryTree


@st.composite
def layers(draw: st.DrawFn) -> list[Entry]:
    """A layer: files, whiteouts and opaque markers, some directories not listed."""
    found = [e for e in draw(tree_entries(2)) if e.path != ROOT]
    found = [e for e in found if e.type is not EntryType.DIRECTORY or draw(st.booleans())]
    for _ in range(draw(st.integers(0, 3))):
        above = b"".join(b"/" + n for n in draw(st.lists(st.sampled_from(NAMES), max_size=2)))
        name = draw(st.sampled_from(NAMES))
        if draw(st.booleans()):
            path = above + b"/.wh." + name
            found.append(Entry(path=path, type=EntryType.WHITEOUT, target=above + b"/" + name))
        elif above:
            path = above + b"/.wh..wh..opq"
            found.append(Entry(path=path, type=EntryType.OPAQUE, target=above))
    return draw(st.permutations(found))


def grown(overlay: Overlay, upper: list[list[Entry]], at: int) -> LayeredTree:
    fork = overlay.fork()
    for number, layer in enumerate(upper):
        fork.apply(layer, at + number)
    return LayeredTree(fork, _none)


def _none(_entry: Entry, _limit: int) -> bytes:
    return b""


stacks = st.lists(layers(), max_size=2)


@given(stacks, stacks, stacks)
def test_forks_do_not_know_each_other(
    base: list[list[Entry]], one: list[list[Entry]], other: list[list[Entry]]
) -> None:
    overlay = Overlay()
    for number, layer in enumerate(base):
        overlay.apply(layer, number)
    trees = [grown(overlay, upper, len(base)) for upper in (one, other)]
    plain = [MemoryTree(flatten([*base, *upper])) for upper in (one, other)]
    for layered, memory in zip(trees, plain, strict=True):
        assert by_path(layered) == by_path(memory)
        for path in by_path(memory):
            assert layered.entry(path) == memory.entry(path)
            assert list(layered.children(path)) == list(memory.children(path))
    assert by_path(LayeredTree(overlay, _none)) == by_path(MemoryTree(flatten(base)))
    assert letters(differences(*trees)) == letters(differences(*plain))
    assert letters(differences(trees[0], plain[1])) == letters(differences(*plain))


def test_a_tree_does_not_grow_with_its_overlay() -> None:
    overlay = Overlay()
    overlay.apply([directory(b"/d"), file(b"/d/a", b"1")], 0)
    before = LayeredTree(overlay, _none)
    overlay.apply([file(b"/d/b", b"2"), file(b"/c", b"3")], 1)
    assert sorted(by_path(before)) == [b"/", b"/d", b"/d/a"]
    assert letters(differences(before, LayeredTree(overlay, _none))) == ["A /c", "A /d/b"]


def test_what_no_layer_touched_is_never_opened() -> None:
    overlay = Overlay()
    overlay.apply([file(b"/same/deep/f", b"1"), file(b"/d/f", b"1")], 0)
    one, other = (grown(overlay, [[file(b"/d/f", data)]], 1) for data in (b"2", b"3"))
    opened: list[bytes] = []
    real = one.differing
    one.differing = lambda path, tree: (opened.append(path), real(path, tree))[1]  # type: ignore[method-assign, func-returns-value]
    assert letters(differences(one, other)) == ["M /d/f content"]
    assert opened == [b"/", b"/d"]
