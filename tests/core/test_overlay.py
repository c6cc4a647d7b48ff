"""Layers laid one over the other: each rule of the specification, and a slow model of them all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from treering.core.errors import Cancelled, LimitExceeded
from treering.core.overlay import Overlay, flatten
from treering.core.trees import Entry, EntryType, MemoryTree

Layer = list[Entry]
_offsets = iter(range(512, 1 << 40, 512))


def file(path: str, size: int = 1, **fields: Any) -> Entry:
    held = (0, next(_offsets))
    return Entry(path=path.encode(), type=EntryType.FILE, size=size, held=held, **fields)


def folder(path: str, mode: int = 0o755) -> Entry:
    held = (0, next(_offsets))
    return Entry(path=path.encode(), type=EntryType.DIRECTORY, mode=mode, held=held)


def symlink(path: str, target: str) -> Entry:
    held = (0, next(_offsets))
    return Entry(path=path.encode(), type=EntryType.LINK, target=target.encode(), held=held)


def hardlink(path: str, target: str) -> Entry:
    return Entry(path=path.encode(), type=EntryType.FILE, same_as=target.encode())


def whiteout(path: str) -> Entry:
    above, _, name = path.rpartition("/")
    return Entry(path=f"{above}/.wh.{name}".encode(), type=EntryType.WHITEOUT, target=path.encode())


def opaque(path: str) -> Entry:
    return Entry(
        path=f"{path.rstrip('/')}/.wh..wh..opq".encode(),
        type=EntryType.OPAQUE,
        target=path.encode(),
    )


def names(*layers: Layer) -> list[str]:
    """The paths of the tree, without the root."""
    return [entry.path.decode() for entry in flatten(layers)][1:]


def tree(*layers: Layer) -> dict[str, Entry]:
    return {entry.path.decode(): entry for entry in flatten(layers)}


# -- the rules, one by one ---------------------------------------------------------------


def test_nothing_is_an_empty_root() -> None:
    assert [entry.path for entry in flatten([])] == [b"/"]
    assert names([], []) == []


def test_a_whiteout_removes_a_file_or_a_directory_with_all_in_it() -> None:
    below = [file("/a"), folder("/d"), file("/d/x"), file("/d/e/y")]
    assert names(below, [whiteout("/a")]) == ["/d", "/d/e", "/d/e/y", "/d/x"]
    assert names(below, [whiteout("/d")]) == ["/a"]


def test_a_whiteout_of_nothing_changes_nothing() -> None:
    below = [file("/a"), symlink("/l", "/")]
    for hidden in ("/b", "/a/x", "/b/c/d", "/l/a"):
        assert names(below, [whiteout(hidden)]) == ["/a", "/l"]


@pytest.mark.parametrize("at", [0, 1])
def test_a_whiteout_hides_lower_layers_only(at: int) -> None:
    upper = [file("/x", 2)]
    upper.insert(at, whiteout("/x"))
    assert tree([file("/x", 1)], upper)["/x"].size == 2


@pytest.mark.parametrize("at", [0, 1, 2, 3])
def test_an_opaque_marker_counts_wherever_it_stands(at: int) -> None:
    below = [folder("/d"), file("/d/old"), file("/d/e/old"), file("/d/same", 1)]
    upper = [folder("/d", 0o700), file("/d/new"), file("/d/same", 2)]
    upper.insert(at, opaque("/d"))
    found = tree(below, upper)
    assert sorted(found) == ["/", "/d", "/d/new", "/d/same"]
    assert found["/d"].mode == 0o700
    assert found["/d/same"].size == 2


def test_an_opaque_root_hides_everything_below() -> None:
    assert names([file("/a"), file("/d/b")], [opaque("/"), file("/c")]) == ["/c"]


def test_an_opaque_marker_alone_keeps_the_directory_as_it_was() -> None:
    found = tree([folder("/d", 0o711), file("/d/x")], [opaque("/d")])
    assert sorted(found) == ["/", "/d"]
    assert (found["/d"].mode, found["/d"].layer) == (0o711, 0)


def test_a_directory_nobody_listed_keeps_its_attributes_where_all_else_is_hidden() -> None:
    below = [folder("/d"), folder("/d/e", 0o711), file("/d/e/x")]
    for marker in (opaque("/d"), whiteout("/d/e")):
        found = tree(below, [file("/d/e/y"), marker])
        assert sorted(found) == ["/", "/d", "/d/e", "/d/e/y"]
        assert found["/d/e"].mode == 0o711


@pytest.mark.parametrize("turn", [1, -1])
def test_an_opaque_marker_makes_no_directory(turn: int) -> None:
    assert names([file("/a")], [opaque("/none")]) == ["/a"]
    assert names([file("/d/x"), file("/a")], [opaque("/d"), whiteout("/d")][::turn]) == ["/a"]


def test_what_an_opaque_directory_hid_stays_hidden_for_later_layers() -> None:
    assert names([file("/d/x")], [opaque("/d")], [file("/d/y")]) == ["/d", "/d/y"]


def test_a_directory_over_a_directory_keeps_what_is_in_it() -> None:
    found = tree([folder("/d", 0o755), file("/d/x")], [folder("/d", 0o700)])
    assert (found["/d"].mode, found["/d"].layer) == (0o700, 1)
    assert found["/d/x"].layer == 0


def test_a_directory_nobody_listed_changes_nothing_of_one_that_is_there() -> None:
    found = tree([folder("/d", 0o700)], [file("/d/x")])
    assert (found["/d"].mode, found["/d"].layer) == (0o700, 0)
    assert tree([file("/e/x")])["/e"].mode == 0o755


@pytest.mark.parametrize("other", [file("/d"), symlink("/d", "/etc")])
def test_anything_else_over_a_directory_removes_what_was_in_it(other: Entry) -> None:
    found = tree([folder("/d"), file("/d/x")], [other])
    assert sorted(found) == ["/", "/d"]
    assert found["/d"].type is other.type
    assert names([other], [folder("/d")], [file("/d/y")]) == ["/d", "/d/y"]


def test_a_path_through_a_link_of_a_lower_layer_makes_a_directory_of_it() -> None:
    """As the overlay file systems of the engines do it: the upper layer's directory counts."""
    found = tree([folder("/real"), symlink("/l", "real")], [file("/l/x")])
    assert found["/l"].type is EntryType.DIRECTORY
    assert "/real/x" not in found


@pytest.mark.parametrize("target", ["real", "/real", "../../real", "./real/"])
def test_a_path_through_a_link_of_its_own_layer_leads_where_the_link_does(target: str) -> None:
    found = tree([folder("/real"), symlink("/l", target), file("/l/x")])
    assert found["/l"].type is EntryType.LINK
    assert found["/real/x"].path == b"/real/x"


def test_links_that_go_round_in_a_circle_end() -> None:
    found = tree([symlink("/a", "b"), symlink("/b", "a"), file("/a/x")])
    assert [e.path for e in found.values() if e.type is EntryType.FILE] == [b"/a/x"]
    found = tree([symlink("/a", "/a/b"), file("/a/x"), file("/a/x", 2)])
    assert sorted(found) == ["/", "/a", "/a/x"]
    assert found["/a/x"].size == 2


def test_a_hard_link_keeps_what_it_was_bound_to() -> None:
    """A later layer that replaces the first name changes nothing of the second."""
    found = tree([file("/a", 1), hardlink("/b", "/a")], [file("/a", 2)])
    assert (found["/a"].size, found["/b"].size) == (2, 1)
    assert found["/b"].same_as == b""
    gone = tree([file("/a", 1), hardlink("/b", "/a")], [whiteout("/a")])
    assert gone["/b"].size == 1
    kept = tree([file("/a", 1), hardlink("/b", "/a")])
    assert kept["/b"].same_as == b"/a"
    assert kept["/b"].held == kept["/a"].held


def test_a_hard_link_may_lead_into_a_lower_layer() -> None:
    found = tree([file("/a", 7, uid=5)], [hardlink("/b", "/a")], [file("/a", 9)])
    b = found["/b"]
    assert (b.size, b.uid, b.layer) == (7, 5, 1)
    assert b.held is not None
    assert b.held[0] == 0


def test_a_hard_link_into_what_its_own_layer_hides_is_bound_before() -> None:
    assert tree([file("/a", 7)], [whiteout("/a"), hardlink("/b", "/a")])["/b"].size == 7
    assert tree([file("/d/a", 7)], [opaque("/d"), hardlink("/d/b", "/d/a")])["/d/b"].size == 7


def test_a_hard_link_to_a_hard_link_and_to_a_link() -> None:
    found = tree(
        [file("/a", 3), symlink("/s", "t")],
        [hardlink("/b", "/a"), hardlink("/c", "/b"), hardlink("/s2", "/s")],
    )
    assert found["/c"].size == 3
    assert found["/c"].same_as == b"/a"
    assert (found["/s2"].type, found["/s2"].target) == (EntryType.LINK, b"t")


def test_hard_links_to_nothing_to_a_directory_or_to_themselves_are_told() -> None:
    told: list[str] = []
    overlay = Overlay(note=told.append)
    links = [hardlink("/x", "/none"), hardlink("/y", "/d"), hardlink("/z", "/z")]
    overlay.apply([folder("/d"), *links], 0)
    found = {entry.path: entry for entry in overlay.entries()}
    assert len(told) == 3
    assert all(found[path].held is None for path in (b"/x", b"/y", b"/z"))


def test_a_hard_link_to_its_own_path_changes_nothing() -> None:
    found = tree([file("/a", 5), hardlink("/a", "/a")])
    assert (found["/a"].size, found["/a"].same_as) == (5, b"")


def test_of_a_path_that_stands_twice_the_last_counts() -> None:
    assert tree([file("/a", 1), file("/a", 2)])["/a"].size == 2
    assert names([folder("/d"), file("/d/x"), file("/d")]) == ["/d"]


def test_books_that_aufs_kept_are_left_out_and_links_into_them_hold() -> None:
    layer = [file("/.wh..wh.plnk/1.2", 4), hardlink("/a", "/.wh..wh.plnk/1.2")]
    found = tree(layer)
    assert sorted(found) == ["/", "/a"]
    assert (found["/a"].size, found["/a"].same_as) == (4, b"")


def test_the_root_has_the_attributes_it_was_given() -> None:
    assert tree([folder("/", 0o700), file("/a")])["/"].mode == 0o700
    assert tree([folder("/", 0o700)], [file("/a")])["/"].layer == 0


def test_every_entry_names_the_layer_it_is_from() -> None:
    found = tree([file("/a"), file("/b")], [], [file("/b"), file("/c/d")])
    assert {p: e.layer for p, e in found.items()} == {
        "/": None, "/a": 0, "/b": 2, "/c": 2, "/c/d": 2
    }  # fmt: skip


def test_order_is_a_directory_before_what_stands_in_it_and_bytes_between() -> None:
    assert names([file("/b"), file("/a-b"), file("/a/z"), file("/a/B")]) == [
        "/a", "/a/B", "/a/z", "/a-b", "/b"
    ]  # fmt: skip


# -- limits ------------------------------------------------------------------------------


def test_entries_names_and_depth_are_capped() -> None:
    many = [file(f"/{n}") for n in range(11)]
    with pytest.raises(LimitExceeded, match="more than 10 entries"):
        list(flatten([many], Overlay(max_entries=10)))
    with pytest.raises(LimitExceeded, match="more than 10 entries"):
        list(flatten([[file("/a/b/c/d/e/f/g/h/i/j/k")]], Overlay(max_entries=10)))
    with pytest.raises(LimitExceeded, match="bytes of paths"):
        list(flatten([many], Overlay(max_names=20)))
    with pytest.raises(LimitExceeded, match="deeper than 5"):
        list(flatten([[file("/1/2/3/4/5/6")]], Overlay(max_depth=5)))


def test_links_cannot_make_paths_deeper_than_the_cap() -> None:
    layer = [symlink("/a", "x/x/x"), file("/a/a/a/a/f")]
    layer += [symlink("/x/x/x/a", "x/x/x")]
    layer += [file("/a/a/x/x/x/f")]
    with pytest.raises(LimitExceeded, match="deeper than 6"):
        list(flatten([layer], Overlay(max_depth=6)))


def test_links_followed_over_and_over_count_as_entries() -> None:
    layer = [folder("/d"), symlink("/l", "/" + "./" * 1000 + "d")]
    layer += [entry for n in range(50) for entry in (file(f"/l/{n}"), file("/x/y"))]
    with pytest.raises(LimitExceeded, match="entries"):
        list(flatten([layer], Overlay(max_entries=5000)))


def test_flattening_can_be_stopped() -> None:
    def stop() -> None:
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        list(flatten([[file(f"/{n}") for n in range(10_000)]], Overlay(check=stop)))


# -- the slow model ----------------------------------------------------------------------


class Model:
    """The same rules over plain paths: every step looks at every path."""

    def __init__(self) -> None:
        self.entries: dict[bytes, Entry] = {b"/": Entry(path=b"/", type=EntryType.DIRECTORY)}
        self.implied = {b"/"}

    def is_dir(self, path: bytes) -> bool:
        return path in self.entries and self.entries[path].type is EntryType.DIRECTORY

    def drop(self, path: bytes, *, itself: bool = True) -> None:
        start = path if path.endswith(b"/") else path + b"/"
        for known in list(self.entries):
            if (known.startswith(start) and known != path) or (itself and known == path):
                del self.entries[known]
                self.implied.discard(known)

    def put(self, path: bytes, entry: Entry, *, implied: bool = False) -> None:
        if not (entry.type is EntryType.DIRECTORY and self.is_dir(path)):
            self.drop(path)
        elif implied:
            return
        self.entries[path] = replace(entry, path=path)
        (self.implied.add if implied else self.implied.discard)(path)


def real(layer: Model, path: bytes, *, make: bool, follow: bool = True) -> bytes | None:
    """Where a directory's path leads within one layer, made on the way if asked."""
    at, todo, hops = b"/", [p for p in path.split(b"/") if p], 0
    while todo:
        name = todo.pop(0)
        if name == b"..":
            at = at.rpartition(b"/")[0] or b"/"
            continue
        if name == b".":
            continue
        here = at.rstrip(b"/") + b"/" + name
        found = layer.entries.get(here)
        if found is not None and found.type is EntryType.LINK and follow:
            hops += 1
            if hops > 40:
                return real(layer, path, make=make, follow=False)
            at = b"/" if found.target.startswith(b"/") else at
            todo = [p for p in found.target.split(b"/") if p] + todo
            continue
        if not layer.is_dir(here):
            if not make:
                return None
            layer.put(here, Entry(path=here, type=EntryType.DIRECTORY, mode=0o755), implied=True)
        at = here
    return at


def split(path: bytes) -> tuple[bytes, bytes]:
    above, _, name = path.rpartition(b"/")
    return above or b"/", name


def model(  # noqa: C901, PLR0912 -- the rules in one place, one after the other
    layers: Iterable[Layer],
) -> dict[bytes, tuple[object, ...]]:
    lower = Model()
    for number, changes in enumerate(layers):
        upper, later = Model(), []
        for change in changes:
            if change.type in {EntryType.WHITEOUT, EntryType.OPAQUE}:
                continue
            above, name = split(change.path)
            where = real(upper, above, make=True)
            assert where is not None
            path = where.rstrip(b"/") + b"/" + name
            held = change.held and (number, change.held[1])
            entry = replace(change, held=held)
            if change.same_as:
                up, last = split(change.same_as)
                base = real(upper, up, make=False)
                target = (base or b"").rstrip(b"/") + b"/" + last
                known = upper.entries.get(target) if base else None
                if known is not None and target == path:
                    continue
                if known is not None and known.held is None and known.same_as:
                    entry = replace(entry, same_as=known.same_as)
                elif known is not None and known.type is not EntryType.DIRECTORY:
                    entry = replace(known, path=path)
            upper.put(path, entry)
        for path, entry in list(upper.entries.items()):
            if entry.held is None and entry.same_as:
                found = lower.entries.get(entry.same_as)
                if found is None:
                    up, last = split(entry.same_as)
                    base = real(upper, up, make=False)
                    found = upper.entries.get(base.rstrip(b"/") + b"/" + last) if base else None
                if found and found.type is not EntryType.DIRECTORY and found.held is not None:
                    later.append((path, replace(found, path=path)))
        for path, entry in later:
            upper.entries[path] = entry
        for path in upper.implied:
            if lower.is_dir(path):
                upper.entries[path] = lower.entries[path]
        for change in changes:
            if change.type is EntryType.WHITEOUT:
                lower.drop(change.target)
            elif change.type is EntryType.OPAQUE:
                lower.drop(change.target, itself=False)
        for path in sorted(upper.entries):
            lower.put(path, upper.entries[path], implied=path in upper.implied)
    return {path: essence(entry) for path, entry in lower.entries.items()}


def essence(entry: Entry) -> tuple[object, ...]:
    return (entry.type, entry.mode, entry.size, entry.target, entry.held)


some_paths = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(
    lambda p: "/" + "/".join(p)
)
some_targets = st.sampled_from(["a", "b/c", "/c", "..", "../a", "/a/b", "c"])
some_changes = st.one_of(
    st.builds(file, some_paths, st.integers(0, 9)),
    st.builds(folder, some_paths, st.sampled_from([0o700, 0o755, 0o1777])),
    st.builds(symlink, some_paths, some_targets),
    st.builds(hardlink, some_paths, some_paths),
    st.builds(whiteout, some_paths),
    st.builds(opaque, st.one_of(some_paths, st.just("/"))),
)
some_layers = st.lists(st.lists(some_changes, max_size=8), max_size=4)


@given(some_layers)
def test_the_same_as_the_slow_model(layers: list[Layer]) -> None:
    found = {e.path: essence(e) for e in flatten(layers) if e.path != b"/"}
    expected = {p: e for p, e in model(layers).items() if p != b"/"}
    assert found == expected


@given(some_layers)
def test_a_flattened_tree_is_a_tree(layers: list[Layer]) -> None:
    entries = list(flatten(layers))
    seen: dict[bytes, Entry] = {}
    for entry in entries:
        assert entry.path not in seen
        assert entry.path == b"/" or seen[split(entry.path)[0]].type is EntryType.DIRECTORY
        assert entry.type not in {EntryType.WHITEOUT, EntryType.OPAQUE}
        if entry.same_as and entry.held is not None:
            assert next(e for e in entries if e.path == entry.same_as).held == entry.held
        seen[entry.path] = entry
    assert list(MemoryTree(entries).entries()) == entries


plain_changes = st.one_of(
    st.builds(file, some_paths, st.integers(0, 9)), st.builds(folder, some_paths)
)


@given(st.lists(plain_changes, max_size=12, unique_by=lambda e: e.path), st.integers(0, 12))
def test_where_a_stack_is_cut_into_layers_does_not_matter(changes: Layer, cut: int) -> None:
    """For change sets in the order in which tools write them: what is above comes first."""
    changes.sort(key=lambda entry: entry.path)
    whole = {e.path: essence(e)[:3] for e in flatten([changes])}
    halves = {e.path: essence(e)[:3] for e in flatten([changes[:cut], changes[cut:]])}
    assert whole == halves


@given(some_layers)
def test_an_empty_layer_changes_nothing(layers: list[Layer]) -> None:
    plain = {e.path: essence(e)[:4] for e in flatten(layers)}
    assert {e.path: essence(e)[:4] for e in flatten([*layers, []])} == plain
