"""The index of layers on disk: kept, bounded, damaged in every way, shared, and never written."""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from msgspec.structs import replace
from support.diffing import directory, file, link, sha, tree_entries

from treering.core.ids import Digest
from treering.core.layerindex import VERSION, LayerIndex, usual_index
from treering.core.trees import Entry, EntryType

ONE, TWO, THREE = (Digest(f"sha256:{n:064x}") for n in range(3))
CHANGES = (
    directory(b"/d", mtime=1.5, xattrs=((b"user.\xff", b"\0\xff"),)),
    file(b"/d/f", b"data", held=(0, 512), layer=0, uid=1, gid=2),
    link(b"/d/l", b"../\xff"),
    Entry(path=b"/n", type=EntryType.CHARACTER, device=(1, 3)),
    Entry(path=b"/d/.wh.x", type=EntryType.WHITEOUT, target=b"/d/x"),
    Entry(path=b"/h", type=EntryType.FILE, same_as=b"/d/f"),
)


@pytest.fixture
def index(tmp_path: Path) -> LayerIndex:
    return LayerIndex(tmp_path / "cache" / "index.sqlite3")


def many(count: int, name: bytes = b"f") -> tuple[Entry, ...]:
    return tuple(file(b"/%s%d" % (name, n), b"%d" % n) for n in range(count))


class TestKeeping:
    def test_what_is_put_is_got(self, index: LayerIndex) -> None:
        assert index.get(ONE) is None
        index.put(ONE, CHANGES, ["a note"])
        found = index.get(ONE)
        assert found is not None
        assert found.changes == CHANGES
        assert found.notes == ("a note",)
        assert index.get(TWO) is None

    @given(tree_entries())
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
    def test_any_entries(self, tmp_path: Path, entries: list[Entry]) -> None:
        index = LayerIndex(tmp_path / "any")
        name = sha(repr(entries).encode())
        index.put(name, entries)
        found = index.get(name)
        assert found is not None
        assert list(found.changes) == entries

    def test_large_layers_lie_in_pieces(self, index: LayerIndex) -> None:
        changes = many(12_345)
        index.put(ONE, changes)
        found = index.get(ONE)
        assert found is not None
        assert found.changes == changes
        with sqlite3.connect(index.path) as database:
            assert database.execute("SELECT count(*) FROM pieces").fetchone() == (3,)
        database.close()

    def test_another_reader_of_the_file_knows_it_too(self, index: LayerIndex) -> None:
        index.put(ONE, CHANGES)
        assert LayerIndex(index.path).get(ONE) is not None

    def test_an_empty_layer(self, index: LayerIndex) -> None:
        index.put(ONE, ())
        found = index.get(ONE)
        assert found is not None
        assert found.changes == ()

    def test_it_is_for_its_owner_only(self, index: LayerIndex) -> None:
        index.put(ONE, CHANGES)
        assert index.path.stat().st_mode & 0o777 == 0o600
        assert index.path.parent.stat().st_mode & 0o077 == 0


class TestBounds:
    def test_the_least_recently_used_go_first(self, tmp_path: Path) -> None:
        now = 0.0
        probe = LayerIndex(tmp_path / "probe")
        probe.put(ONE, many(1000))
        index = LayerIndex(tmp_path / "i", limit=int(probe.size() * 2.5), now=lambda: now)
        index.put(ONE, many(1000))
        now = 10_000.0
        index.put(TWO, many(1000))
        now = 20_000.0
        assert index.get(ONE) is not None
        now = 30_000.0
        index.put(THREE, many(1000))
        known = [index.get(name) is not None for name in (ONE, TWO, THREE)]
        assert known == [True, False, True]
        assert index.size() <= probe.size() * 2.5

    def test_a_layer_larger_than_all_is_not_kept(self, tmp_path: Path) -> None:
        index = LayerIndex(tmp_path / "i", limit=10_000)
        index.put(ONE, CHANGES)
        index.put(TWO, many(10_000))
        assert index.get(ONE) is not None
        assert index.get(TWO) is None

    def test_the_file_does_not_grow(self, tmp_path: Path) -> None:
        index = LayerIndex(tmp_path / "i", limit=400_000)
        for number in range(40):
            index.put(sha(b"%d" % number), many(2000, b"x%d" % number))
        assert 0 < index.size() <= 400_000
        assert index.path.stat().st_size < 1_000_000


class TestDamage:
    @pytest.mark.parametrize(
        "data", [b"", b"no database", b"SQLite format 3\0" + b"\xff" * 5000, b"\0" * 100_000]
    )
    def test_a_file_that_is_none_is_begun_again(self, index: LayerIndex, data: bytes) -> None:
        index.path.parent.mkdir()
        index.path.write_bytes(data)
        assert index.get(ONE) is None
        index.put(ONE, CHANGES)
        assert index.get(ONE) is not None

    @pytest.mark.parametrize("part", range(20))
    def test_bytes_turned_anywhere_are_never_believed(self, index: LayerIndex, part: int) -> None:
        for number in range(4):
            index.put(sha(b"%d" % number), many(200, b"%d" % number), ["note"])
        data = bytearray(index.path.read_bytes())
        for at in range(len(data) * part // 20, len(data) * (part + 1) // 20, 97):
            data[at] ^= 0x55
        index.path.write_bytes(data)
        for number in range(4):
            found = index.get(sha(b"%d" % number))
            assert found is None or found.changes == many(200, b"%d" % number)
        index.put(THREE, CHANGES)
        again = index.get(THREE)
        assert again is None or again.changes == CHANGES

    def test_a_row_that_is_not_what_was_written_is_dropped(self, index: LayerIndex) -> None:
        index.put(ONE, CHANGES)
        index.put(TWO, CHANGES)
        with sqlite3.connect(index.path) as database:
            database.execute("UPDATE pieces SET data = ? WHERE diff_id = ?", (b"\x90", ONE))
        database.close()
        assert index.get(ONE) is None
        assert index.get(TWO) is not None
        index.put(ONE, CHANGES)
        assert index.get(ONE) is not None

    @pytest.mark.parametrize(
        "change",
        [
            "DELETE FROM pieces",
            "UPDATE layers SET notes = 7",
            "UPDATE layers SET digest = 'text'",
            "UPDATE pieces SET data = 'text'",
            "DROP TABLE pieces",
            "DROP TABLE layers",
            f"PRAGMA user_version = {VERSION + 1}",
        ],
    )
    def test_tables_that_are_others(self, index: LayerIndex, change: str) -> None:
        index.put(ONE, CHANGES)
        with sqlite3.connect(index.path) as database:
            database.execute(change)
        database.close()
        assert index.get(ONE) is None
        index.put(ONE, CHANGES)
        assert index.get(ONE) is not None

    def test_a_file_cut_short(self, index: LayerIndex) -> None:
        index.put(ONE, many(5000))
        os.truncate(index.path, index.path.stat().st_size // 2)
        assert index.get(ONE) is None
        index.put(ONE, CHANGES)
        assert index.get(ONE) is not None

    def test_a_directory_in_its_place(self, index: LayerIndex) -> None:
        index.path.mkdir(parents=True)
        assert index.get(ONE) is None
        index.put(ONE, CHANGES)
        assert index.get(ONE) is None

    def test_a_cache_that_cannot_be_made(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"")
        index = LayerIndex(tmp_path / "file" / "below" / "i")
        index.put(ONE, CHANGES)
        assert index.get(ONE) is None
        assert index.size() == 0


class TestTogether:
    def test_many_at_a_time(self, index: LayerIndex) -> None:
        failures: list[object] = []

        def work(worker: int) -> None:
            mine = LayerIndex(index.path)
            for number in range(12):
                name = sha(b"%d" % (number % 8))
                mine.put(name, many(50 + number % 8))
                found = mine.get(name)
                if found is None or found.changes != many(50 + number % 8):
                    failures.append((worker, number, found))

        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []

    def test_one_that_writes_does_not_stop_a_reader(self, index: LayerIndex) -> None:
        index.put(ONE, CHANGES)
        writer = sqlite3.connect(index.path, isolation_level=None)
        writer.execute("BEGIN IMMEDIATE")
        assert index.get(ONE) is not None
        writer.execute("ROLLBACK")
        writer.close()


class TestAudit:
    def test_nothing_is_made(self, tmp_path: Path) -> None:
        index = LayerIndex(tmp_path / "cache" / "i", writes=False)
        index.put(ONE, CHANGES)
        assert index.get(ONE) is None
        assert list(tmp_path.iterdir()) == []

    def test_what_is_there_is_read_and_left_as_it_was(self, index: LayerIndex) -> None:
        index.put(ONE, CHANGES)
        before = index.path.read_bytes(), index.path.stat().st_mtime_ns
        audit = LayerIndex(index.path, writes=False, now=lambda: 1e12)
        assert audit.get(ONE) is not None
        audit.put(TWO, CHANGES)
        assert (index.path.read_bytes(), index.path.stat().st_mtime_ns) == before
        assert [p.name for p in index.path.parent.iterdir()] == [index.path.name]

    def test_a_damaged_one_is_left_too(self, index: LayerIndex) -> None:
        index.path.parent.mkdir()
        index.path.write_bytes(b"no database")
        assert LayerIndex(index.path, writes=False).get(ONE) is None
        assert index.path.read_bytes() == b"no database"


class TestPlace:
    def test_the_cache_directory(self) -> None:
        found = usual_index({"XDG_CACHE_HOME": "/c", "HOME": "/h"}, audit=False)
        assert found is not None
        assert found.path.parent == Path("/c/treering")

    def test_without_one_that_of_home(self) -> None:
        for cache in ({}, {"XDG_CACHE_HOME": ""}, {"XDG_CACHE_HOME": "relative"}):
            found = usual_index({**cache, "HOME": "/h"}, audit=False)
            assert found is not None
            assert found.path.parent == Path("/h/.cache/treering")

    def test_nowhere(self) -> None:
        assert usual_index({}, audit=False) is None

    def test_audit_does_not_write(self, tmp_path: Path) -> None:
        found = usual_index({"XDG_CACHE_HOME": str(tmp_path)}, audit=True)
        assert found is not None
        found.put(ONE, CHANGES)
        assert list(tmp_path.iterdir()) == []


def test_entries_are_stored_in_the_order_of_their_fields() -> None:
    """Another order, or a field that does not come last, needs another `VERSION`."""
    assert VERSION == 1
    assert Entry.__struct_fields__ == (
        *("path", "type", "mode", "uid", "gid", "size", "target", "device", "xattrs"),
        *("digest", "layer", "same_as", "mtime", "held"),
    )
    assert replace(CHANGES[0], path=b"/x").path == b"/x"
