"""rpm databases: good ones, damaged ones, and ones made to do harm."""

from __future__ import annotations

import sqlite3
import struct
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.package_trees import (
    ARCH,
    EPOCH,
    NAME,
    RELEASE,
    SOURCE,
    VERSION,
    DirectoryTree,
    header,
    rpm,
    rpmdb,
    tree_of,
)

from treering.core.errors import Cancelled, Damaged, SourceError
from treering.core.packages import (
    MAX_PACKAGES,
    Manager,
    PackageList,
    listing,
    packages_of,
    rpm_sqlite,
)
from treering.core.packages.rpm_header import package_of
from treering.core.ports import ReadContext
from treering.core.text import is_safe

PATH = "/usr/lib/sysimage/rpm/rpmdb.sqlite"


def listed(data: bytes, path: str = PATH) -> PackageList:
    return packages_of(tree_of({path: data}), ReadContext())


def names(found: PackageList) -> list[str]:
    return [f"{p.name}-{p.version}.{p.arch}" for p in found.packages]


@pytest.mark.parametrize("log", [False, True], ids=["rollback journal", "write-ahead log"])
def test_packages_of_a_database(log: bool) -> None:
    blobs = [rpm(size=5000, source="bash-5.2-1.fc40.src.rpm"), rpm("dbus-libs", epoch=1)]
    found = listed(rpmdb(blobs, log=log))
    assert names(found) == ["bash-5.2-1.fc40.x86_64", "dbus-libs-1:5.2-1.fc40.x86_64"]
    assert [(p.source, p.size) for p in found.packages] == [("bash", 5000), ("", None)]
    assert (found.managers, found.problems, found.notes) == ((Manager.RPM,), (), ())


@pytest.mark.parametrize("place", ["/usr/share/rpm", "/var/lib/rpm"])
def test_places(place: str) -> None:
    assert len(listed(rpmdb([rpm()]), f"{place}/rpmdb.sqlite").packages) == 1


def test_one_database_by_two_names_is_read_once() -> None:
    tree = tree_of(
        {
            "/usr/share/rpm/rpmdb.sqlite": rpmdb([rpm()]),
            "/usr/lib/sysimage/rpm": "../../share/rpm",
            "/var/lib/rpm": "../../usr/lib/sysimage/rpm",
        }
    )
    found = packages_of(tree, ReadContext())
    assert len(found.packages) == 1
    assert not found.notes


def test_another_database_is_not_mixed_in() -> None:
    stale = {"/var/lib/rpm/Packages": b"old", "/usr/share/rpm/Packages.db": b"converted"}
    tree = tree_of({"/usr/share/rpm/rpmdb.sqlite": rpmdb([rpm()]), **stale})
    found = packages_of(tree, ReadContext())
    assert names(found) == ["bash-5.2-1.fc40.x86_64"]
    assert not found.problems
    assert [note.split()[0] for note in found.notes] == ["/var/lib/rpm/Packages"]


@pytest.mark.parametrize(
    ("file", "data", "word"),
    [
        ("Packages.db", b"RpmP" + bytes(60), "ndb"),
        ("Packages", bytes(12) + bytes.fromhex("61150600") + bytes(60), "Berkeley"),
        ("Packages", bytes(12) + bytes.fromhex("00061561") + bytes(60), "Berkeley"),
        ("Packages", b"something else entirely", "no rpm database"),
        ("rpmdb.sqlite", b"RpmP" + bytes(60), "ndb"),
    ],
)
def test_other_forms_are_recognised_and_said_to_be_unread(
    file: str, data: bytes, word: str
) -> None:
    found = listed(data, f"/var/lib/rpm/{file}")
    assert found.managers == (Manager.RPM,)
    assert [p.subject for p in found.problems] == [f"/var/lib/rpm/{file}"]
    assert word in found.problems[0].why


def test_an_empty_file_is_a_manager_without_packages() -> None:
    assert listed(b"") == PackageList(managers=(Manager.RPM,))


def test_changes_in_a_log_are_noted(tmp_path: Path) -> None:
    place = tmp_path / "var/lib/rpm"
    place.mkdir(parents=True)
    (place / "rpmdb.sqlite").write_bytes(rpmdb([rpm()]))
    database = sqlite3.connect(place / "rpmdb.sqlite", isolation_level=None)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("INSERT INTO Packages (blob) VALUES (?)", (rpm("late"),))
        found = packages_of(DirectoryTree(tmp_path), ReadContext())
    finally:
        database.close()
    assert names(found) == ["bash-5.2-1.fc40.x86_64"]
    assert "rpmdb.sqlite-wal" in found.notes[0]
    assert len(packages_of(DirectoryTree(tmp_path), ReadContext()).packages) == 2


def test_keys_are_no_packages() -> None:
    key = header({NAME: "gpg-pubkey", VERSION: "a15b79cc", RELEASE: "63d04c2c"})
    found = listed(rpmdb([key, rpm()]))
    assert names(found) == ["bash-5.2-1.fc40.x86_64"]
    assert not found.problems


def test_numbers_and_texts_of_the_other_types() -> None:
    package = package_of(
        rpm(long_size=(5, struct.pack(">Q", 1 << 40), 1), arch=(9, b"noarch\0other\0", 2), epoch=0)
    )
    assert package is not None
    assert (package.size, package.arch, package.version) == (1 << 40, "noarch", "5.2-1.fc40")


def test_hostile_text_becomes_visible() -> None:
    package = package_of(rpm("\x1b]0;x\x07", "\u202e1", source="\u200b" * 400))
    assert package is not None
    assert package.name.startswith("\\u{1b}")
    assert all(map(is_safe, (package.name, package.version, package.source)))


GOOD = rpm(epoch=2, size=77, source="bash-5.2-1.fc40.src.rpm")


@pytest.mark.parametrize(
    "blob",
    [
        b"",
        b"\0" * 7,
        struct.pack(">II", 0, 0),
        GOOD[:-1],
        GOOD + b"\0",
        struct.pack(">II", 0xFFFFFFFF, 0xFFFFFFFF) + GOOD[8:],
        header({NAME: "a", VERSION: "1"}),
        header({NAME: "", VERSION: "1", RELEASE: "1"}),
        header({NAME: (6, b"no end", 1)}),
        header({NAME: (6, b"a" * 5000 + b"\0", 1), VERSION: "1", RELEASE: "1"}),
        header({NAME: (4, b"\0\0\0\0", 1), VERSION: "1", RELEASE: "1"}),
        header({NAME: (6, b"a\0", 0), VERSION: "1", RELEASE: "1"}),
        header({VERSION: "1", RELEASE: "1", NAME: "a", EPOCH: (4, b"\0\0\0", 1)}),
        rpm(epoch="text"),
        header({NAME: "a", VERSION: "1", RELEASE: "1", SOURCE: (6, b"", 1)}),
        header({NAME: "a", VERSION: "1", RELEASE: "1", ARCH: (8, b"x\0", 1)}),
    ],
)
def test_damaged_headers_are_damaged(blob: bytes) -> None:
    with pytest.raises(Damaged):
        package_of(blob)


@pytest.mark.parametrize("offset", [0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFF])
def test_offsets_are_followed_inside_only(offset: int) -> None:
    place = 8 + 8
    with pytest.raises(Damaged):
        package_of(GOOD[:place] + struct.pack(">I", offset) + GOOD[place + 4 :])


changes = st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), max_size=12)


def flipped(data: bytes, flips: list[tuple[int, int]]) -> bytes:
    copy = bytearray(data)
    for at, byte in flips:
        copy[at % len(copy)] = byte
    return bytes(copy)


@given(changes, st.integers(0, len(GOOD)))
@example([], len(GOOD))
def test_no_damage_of_a_header_is_more_than_damage(
    flips: list[tuple[int, int]], length: int
) -> None:
    for blob in (flipped(GOOD, flips), flipped(GOOD, flips)[:length]):
        try:
            package = package_of(blob)
        except SourceError:
            continue
        assert package is None or is_safe(package.name + package.version + package.source)


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_header_reader(blob: bytes) -> None:
    try:
        package_of(blob)
    except Damaged:
        return


DATABASE = rpmdb([rpm(f"package-{n}", size=n) for n in range(60)], log=True)


def test_damaged_packages_are_one_problem_beside_the_others() -> None:
    found = listed(rpmdb([rpm("a"), b"nonsense", "text", None, 7, rpm("b")]))
    assert [p.name for p in found.packages] == ["a", "b"]
    assert [p.subject for p in found.problems] == [PATH]
    assert found.problems[0].why.startswith("4 of its packages")


def test_a_header_too_long_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpm_sqlite, "MAX_HEADER", 1000)
    found = listed(rpmdb([rpm("a"), rpm(arch="x" * 2000), rpm("b")]))
    assert [p.name for p in found.packages] == ["a", "b"]
    assert "at most 1000" in found.problems[0].why


def test_a_schema_that_is_no_text_is_a_problem() -> None:
    """SQLite quotes it in the message, which Python cannot decode then."""
    found = listed(DATABASE.replace(b"CREATE TABLE 'Name'", b"CREATE \x80ABLE 'Name'"))
    assert [p.subject for p in found.problems] == [PATH]


def test_a_database_cut_off_lists_what_is_there() -> None:
    found = listed(DATABASE[: len(DATABASE) // 2])
    assert [p.subject for p in found.problems] == [PATH]


@given(changes, st.integers(0, len(DATABASE)))
def test_no_damage_of_a_database_is_more_than_a_problem(
    flips: list[tuple[int, int]], length: int
) -> None:
    for data in (flipped(DATABASE, flips), DATABASE[:length]):
        found = listed(data)
        assert len(found.packages) <= 60
        assert len(found.packages) == 60 or found.problems or not data or flips


VIEW = "CREATE VIEW Packages (hnum, blob) AS "
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i, x'00' FROM n"


@pytest.mark.parametrize(
    "schema",
    [
        VIEW + ENDLESS,
        VIEW + "SELECT 1, zeroblob(1000000000)",
        VIEW + f"SELECT 1, x'{rpm().hex()}'",
        "CREATE TABLE Other (blob)",
        "CREATE TABLE Packages (hnum, other)",
        "CREATE VIRTUAL TABLE Packages USING fts5(blob)",
        "CREATE TABLE Packages (hnum, blob AS (zeroblob(900000000)))",
    ],
)
def test_a_schema_of_its_own_gets_nothing_done(schema: str) -> None:
    database = sqlite3.connect(":memory:")
    database.execute(schema)
    if "AS (zeroblob" in schema:
        database.execute("INSERT INTO Packages (hnum) VALUES (1)")
    database.commit()
    data = database.serialize()
    database.close()
    found = listed(data)
    assert not found.packages
    assert [p.subject for p in found.problems] == [PATH]


def test_a_database_that_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpm_sqlite, "_MAX_CALLS", 2)
    monkeypatch.setattr(rpm_sqlite, "_EVERY", 50)
    found = listed(DATABASE)
    assert 0 < len(found.packages) < 60
    assert "interrupted" in found.problems[0].why


def test_as_many_packages_as_allowed_are_within_the_bound() -> None:
    """The bound on work is one for each package; it must leave room for every one of them."""
    count = 5000
    steps = count * rpm_sqlite._MAX_CALLS * rpm_sqlite._EVERY // MAX_PACKAGES
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rpm_sqlite, "_MAX_CALLS", steps // rpm_sqlite._EVERY)
        found = listed(rpmdb([rpm(f"{n}") for n in range(count)]))
    assert len(found.packages) == count
    assert not found.problems


def test_a_full_list_lets_go_of_its_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MAX_PACKAGES", 5)
    found = listed(DATABASE)
    assert len(found.packages) == 5
    assert "more than 5 packages" in found.problems[0].why


def test_rows_that_share_their_bytes_are_not_read_again_and_again() -> None:
    """Every row of the one page of the table is made the first, which is most of the file."""
    rows = 9
    large = header({NAME: "a", VERSION: "1", RELEASE: "1", 9999: (7, bytes(300_000), 300_000)})
    data = bytearray(rpmdb([large, *(rpm(f"{n}") for n in range(rows - 1))]))
    size = int.from_bytes(data[16:18], "big")
    leaf = bytes([13, 0, 0, 0, rows])
    page = next(at for at in range(0, len(data), size) if data[at : at + 5] == leaf)
    data[page + 8 : page + 8 + 2 * rows] = data[page + 8 : page + 10] * rows
    found = listed(bytes(data))
    assert [p.name for p in found.packages] == ["a"]
    assert f"more bytes than the {len(data)} of the file" in found.problems[0].why


def test_reading_a_database_can_be_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpm_sqlite, "_EVERY", 50)
    asked = iter(range(1000))
    context = ReadContext(cancelled=lambda: next(asked) > 8)
    with pytest.raises(Cancelled):
        packages_of(tree_of({PATH: DATABASE}), context)
