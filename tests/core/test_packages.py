"""Package lists of dpkg, apk and OSTree commits, and how databases are found in a tree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.package_trees import rpm, rpmdb, tree_of

from treering.core.errors import Cancelled, Damaged
from treering.core.packages import (
    Manager,
    Package,
    PackageList,
    listing,
    packages_listed,
    packages_of,
    packages_of_attributes,
)
from treering.core.packages.listing import locate
from treering.core.ports import ReadContext
from treering.core.text import is_safe, safe
from treering.core.trees import Entry, EntryType, MemoryTree

STATUS = b"""\
Package: bash
Essential: yes
Status: install ok installed
Priority: required
Installed-Size: 7164
Maintainer: Somebody <a@example.org>
Architecture: amd64
Multi-Arch: foreign
Version: 5.2.15-2+b7
Source: bash-src (5.2.15-2)
Conffiles:
 /etc/bash.bashrc 89269e1298235f1b12b4c16e4065ad0d
Description: GNU Bourne Again SHell
 Package: not-a-field
 .
 Version: 9

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1

Package: held
Status: hold ok installed
Architecture: all
Version: 2:1.0~rc1-1

Package: half
Status: install ok half-installed
Version: 3

Package: never
Status: unknown ok not-installed

Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36-9

Package: libc6
Status: install ok installed
Architecture: i386
Version: 2.36-9
"""
APK = b"""\
C:Q1b8KLT1aGDkOtPtJFaJQXNDnLyUI=
P:musl
V:1.2.4-r2
A:x86_64
S:383152
I:622592
T:the musl c library
U:https://musl.libc.org/
L:MIT
o:musl
p:so:libc.musl-x86_64.so.1=1
F:lib
R:ld-musl-x86_64.so.1
a:0:0:755
Z:Q1zY0EROFHxTRxDXAGbkxSuVzSg4k=

C:Q1h
P:busybox-binsh
V:1.36.1-r5
A:x86_64
I:8192
o:busybox
M:0:0:1777
"""


def listed(files: dict[str, bytes | str]) -> PackageList:
    return packages_of(tree_of(files), ReadContext())


def rows(found: PackageList) -> list[tuple[str, str, str, str]]:
    return [(p.manager, p.name, p.version, p.arch) for p in found.packages]


DPKG_ROWS = [
    ("dpkg", "bash", "5.2.15-2+b7", "amd64"),
    ("dpkg", "held", "2:1.0~rc1-1", "all"),
    ("dpkg", "libc6", "2.36-9", "amd64"),
    ("dpkg", "libc6", "2.36-9", "i386"),
]
APK_ROWS = [("apk", "busybox-binsh", "1.36.1-r5", "x86_64"), ("apk", "musl", "1.2.4-r2", "x86_64")]


def test_an_empty_tree_has_no_packages_and_no_problems() -> None:
    assert listed({}) == PackageList()


def test_dpkg_lists_what_is_installed() -> None:
    found = listed({"/var/lib/dpkg/status": STATUS})
    assert rows(found) == DPKG_ROWS
    assert (found.managers, found.problems, found.notes) == ((Manager.DPKG,), (), ())
    bash, held = found.packages[:2]
    assert (bash.source, bash.size) == ("bash-src", 7164 * 1024)
    assert (held.source, held.size) == ("held", None)


def test_apk_lists_its_packages() -> None:
    found = listed({"/lib/apk/db/installed": APK})
    assert rows(found) == APK_ROWS
    busybox = found.packages[0]
    assert (busybox.source, busybox.size) == ("busybox", 8192)
    assert found.managers == (Manager.APK,)


def test_an_empty_database_is_a_manager_without_packages() -> None:
    found = listed({"/var/lib/dpkg/status": b"", "/lib/apk/db/installed": b"\n\n"})
    assert found == PackageList(managers=(Manager.APK, Manager.DPKG))


def test_distroless_images_have_a_file_for_each_package() -> None:
    found = listed(
        {
            "/var/lib/dpkg/status.d/base": b"Package: base-files\nVersion: 12.4\n",
            "/var/lib/dpkg/status.d/base.md5sums": b"d41d8cd98f00b204e9800998ecf8427e  etc/x\n",
            "/var/lib/dpkg/status.d/tzdata": b"Package: tzdata\nVersion: 1\nStatus: a ok installed",
            "/var/lib/dpkg/status.d/old": b"Package: o\nVersion: 1\nStatus: a ok config-files\n",
        }
    )
    assert rows(found) == [("dpkg", "base-files", "12.4", ""), ("dpkg", "tzdata", "1", "")]
    assert not found.problems


@pytest.mark.parametrize(
    "place", ["/usr/lib/sysimage/dpkg", "/usr/share/dpkg/database", "/usr/lib/dpkg"]
)
def test_hosts_keep_the_database_under_usr(place: str) -> None:
    assert rows(listed({f"{place}/status": STATUS})) == DPKG_ROWS


def test_one_database_by_two_names_is_read_once() -> None:
    found = listed(
        {
            "/usr/share/dpkg/database/status": STATUS,
            "/var/lib/dpkg": "../../usr/share/dpkg/database",
            "/usr/lib/apk/db/installed": APK,
            "/lib": "usr/lib",
        }
    )
    assert rows(found) == APK_ROWS + DPKG_ROWS
    assert not found.notes


def test_a_file_is_read_once_however_it_is_found() -> None:
    read: list[bytes] = []

    def content(entry: Entry, limit: int) -> bytes:
        read.append(entry.path)
        return APK[:limit]

    file = Entry(path=b"/usr/lib/apk/db/installed", type=EntryType.FILE)
    link = Entry(path=b"/lib", type=EntryType.LINK, target=b"usr/lib")
    packages_of(MemoryTree([file, link], content), ReadContext())
    assert read == [b"/usr/lib/apk/db/installed"]


def test_of_two_databases_the_one_of_the_version_counts() -> None:
    stale = STATUS.replace(b"5.2.15", b"4.0")
    found = listed({"/usr/lib/sysimage/dpkg/status": STATUS, "/var/lib/dpkg/status": stale})
    assert rows(found) == DPKG_ROWS
    assert "/var/lib/dpkg/status is not read" in found.notes[0]


def test_a_second_database_helps_out_where_the_first_is_damaged() -> None:
    found = listed(
        {"/usr/lib/sysimage/dpkg/status": b"\0\1 garbage", "/var/lib/dpkg/status": STATUS}
    )
    assert rows(found) == DPKG_ROWS
    assert [p.subject for p in found.problems] == ["/usr/lib/sysimage/dpkg/status"]


def test_a_damaged_entry_is_a_problem_beside_the_others() -> None:
    cut = STATUS + b"\nPackage: cut\nStatus: install ok installed\n\nnonsense\n"
    found = listed({"/var/lib/dpkg/status": cut, "/lib/apk/db/installed": b"P:x\n\n" + APK})
    assert rows(found) == APK_ROWS + DPKG_ROWS
    assert {(p.subject, p.why.split()[0]) for p in found.problems} == {
        ("/var/lib/dpkg/status", "2"),
        ("/lib/apk/db/installed", "1"),
    }


def test_a_status_without_a_state_tells_nothing() -> None:
    found = listed({"/var/lib/dpkg/status": STATUS + b"\nPackage: cut\nVersion: 1\n"})
    assert rows(found) == DPKG_ROWS
    assert found.problems[0].why.startswith("1 of its entries")


def test_of_a_field_that_stands_twice_the_first_counts() -> None:
    text = b"Package: a\nStatus: x ok installed\nVersion: 1\nVersion: 2\nPackage: b\n"
    assert rows(listed({"/var/lib/dpkg/status": text})) == [("dpkg", "a", "1", "")]


def test_a_tree_may_hold_several_managers() -> None:
    found = listed(
        {
            "/var/lib/dpkg/status": STATUS,
            "/lib/apk/db/installed": APK,
            "/var/lib/rpm/rpmdb.sqlite": rpmdb([rpm()]),
        }
    )
    assert found.managers == (Manager.APK, Manager.DPKG, Manager.RPM)
    assert len(found.packages) == 7


def test_hostile_text_becomes_visible() -> None:
    text = (
        b"Package: \x1b[31mred\xff\nStatus: a ok installed\nVersion: \xe2\x80\xae1\nSource: \x9b\n"
    )
    package = listed({"/var/lib/dpkg/status": text}).packages[0]
    assert package.name.startswith("\\u{1b}[31mred")
    assert all(map(is_safe, (package.name, package.version, package.source)))


def test_a_field_too_long_for_a_name_is_cut() -> None:
    text = b"Package: " + b"a" * 100_000 + b"\nStatus: a ok installed\nVersion: 1\n"
    assert len(listed({"/var/lib/dpkg/status": text}).packages[0].name) < 400


def test_no_more_packages_are_listed_than_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MAX_PACKAGES", 3)
    found = listed({"/var/lib/dpkg/status": STATUS, "/var/lib/rpm/rpmdb.sqlite": rpmdb([rpm()])})
    assert rows(found) == DPKG_ROWS[:3]
    assert "more than 3 packages" in found.problems[0].why


def test_a_database_too_large_is_a_problem_before_it_is_read() -> None:
    def never(_entry: Entry, _limit: int) -> bytes:
        raise AssertionError("it was read")

    entry = Entry(path=b"/var/lib/dpkg/status", type=EntryType.FILE, size=1 << 40)
    found = packages_of(MemoryTree([entry], never), ReadContext())
    assert [p.subject for p in found.problems] == ["/var/lib/dpkg/status"]


def test_a_database_larger_than_it_says_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("treering.core.packages.dpkg.MAX_BYTES", 100)
    entry = Entry(path=b"/var/lib/dpkg/status", type=EntryType.FILE)
    found = packages_of(MemoryTree([entry], lambda _e, limit: STATUS[:limit]), ReadContext())
    assert "more than 100 bytes" in found.problems[0].why
    assert not found.packages


def test_what_the_system_cannot_read_is_a_problem_and_the_rest_is_listed() -> None:
    def content(entry: Entry, limit: int) -> bytes:
        if entry.path.endswith(b"status"):
            raise Damaged("the blob is cut off")
        return APK[:limit]

    paths = (b"/var/lib/dpkg/status", b"/lib/apk/db/installed")
    tree = MemoryTree([Entry(path=p, type=EntryType.FILE) for p in paths], content)
    found = packages_of(tree, ReadContext())
    assert rows(found) == APK_ROWS
    assert [(p.subject, p.why) for p in found.problems] == [
        ("/var/lib/dpkg/status", "the blob is cut off")
    ]


def test_a_tree_that_cannot_be_walked_is_a_problem() -> None:
    class Broken(MemoryTree):
        def entry(self, path: bytes) -> Entry:
            raise Damaged(f"no {path!r}")

    found = packages_of(Broken([]), ReadContext())
    assert found.problems
    assert not found.packages


def test_listing_can_be_cancelled() -> None:
    with pytest.raises(Cancelled):
        packages_of(tree_of({}), ReadContext(cancelled=lambda: True))


def test_links_stay_inside_the_tree() -> None:
    tree = tree_of(
        {
            "/a/file": b"x",
            "/absolute": "/a/file",
            "/up": "../../../a/./file",
            "/d": "a",
            "/around": "around",
            "/nowhere": "/b",
            "/a/loop": "../a/loop/loop",
            "/grow": "/grow/" + "x/" * 3000,
        }
    )
    for path in (b"/absolute", b"/up", b"/d/file", b"a//file"):
        found = locate(tree, path)
        assert found is not None, path
        assert found.path == b"/a/file"
    for path in (b"/around", b"/nowhere", b"/a/loop", b"/grow", b"/a/file/x", b"/a/file/.."):
        assert locate(tree, path) is None, path
    root = locate(tree, b"/")
    assert root is not None
    assert root.path == b"/"


def test_packages_are_ordered_and_a_size_makes_no_other_package() -> None:
    one = Package(Manager.RPM, safe("a"), safe("1"), safe("x"), size=1)
    two = Package(Manager.RPM, safe("a"), safe("1"), safe("x"), size=None)
    assert one == two
    assert min([Package(Manager.RPM, safe("b"), safe("1")), two, one]).name == "a"
    assert one.key == (Manager.RPM, "a", "x")


def test_the_list_of_a_commit() -> None:
    found = packages_listed(
        [
            ("bash", "0", "5.2", "1.fc40", "x86_64"),
            ("dbus", "1", "1.14", "2.fc40", "x86_64"),
            ("short", "0", "1"),
            ("", "0", "1", "1", "noarch"),
            ("number", 0, "1", "1", "noarch"),
        ]
    )
    assert rows(found) == [
        ("rpm", "bash", "5.2-1.fc40", "x86_64"),
        ("rpm", "dbus", "1:1.14-2.fc40", "x86_64"),
    ]
    assert found.problems[0].why.startswith("3 of its rows")


def test_a_commit_and_its_tree_list_equal_packages() -> None:
    tree = listed({"/usr/share/rpm/rpmdb.sqlite": rpmdb([rpm(), rpm("dbus", epoch=1)])})
    commit = packages_listed(
        [["bash", "0", "5.2", "1.fc40", "x86_64"], ["dbus", "1", "5.2", "1.fc40", "x86_64"]]
    )
    assert [p.key for p in tree.packages] == [p.key for p in commit.packages]
    assert [p.version for p in tree.packages] == [p.version for p in commit.packages]


@pytest.mark.parametrize("attrs", [{}, {"packages": 400}, {"packages": "many"}])
def test_attributes_that_only_count_list_nothing(attrs: dict[str, object]) -> None:
    assert packages_of_attributes(attrs) is None


def test_attributes_may_hold_the_rows() -> None:
    found = packages_of_attributes({"packages": [["a", "0", "1", "1", "noarch"], 7]})
    assert found is not None
    assert rows(found) == [("rpm", "a", "1-1", "noarch")]
    assert len(found.problems) == 1


mutations = st.lists(
    st.tuples(st.integers(0, 1 << 20), st.binary(max_size=40), st.integers(0, 40)), max_size=8
)


def mutated(data: bytes, changes: list[tuple[int, bytes, int]]) -> bytes:
    for place, inserted, removed in changes:
        at = place % (len(data) + 1)
        data = data[:at] + inserted + data[at + removed :]
    return data


@given(mutations, st.integers(0, 3000))
def test_no_damage_of_a_text_database_stops_the_list(
    changes: list[tuple[int, bytes, int]], length: int
) -> None:
    status, installed = mutated(STATUS, changes)[:length], mutated(APK, changes)[:length]
    found = listed(
        {
            "/var/lib/dpkg/status": status,
            "/var/lib/dpkg/status.d/x": status,
            "/lib/apk/db/installed": installed,
        }
    )
    for package in found.packages:
        assert package.name
        assert package.version
        assert is_safe(package.name + package.version + package.arch + package.source)
    assert all(is_safe(p.why) and is_safe(p.subject) for p in found.problems)


@pytest.mark.parametrize(
    ("line", "times"),
    [
        (b"\n", 3_000_000),
        (b"a", 3_000_000),
        (b"Package:", 400_000),
        (b" \n", 999_999),
        (b"P:\n", 999_999),
    ],
    ids=["blank lines", "one line", "one field", "spaces", "one block"],
)
def test_texts_made_to_be_slow_are_read_at_the_pace_of_others(line: bytes, times: int) -> None:
    found = listed({"/var/lib/dpkg/status": line * times, "/lib/apk/db/installed": line * times})
    assert not found.packages
