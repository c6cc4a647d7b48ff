"""What becomes of packages, settings, layers and source between two versions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from support.readers import HOSTILE, edge, image, node
from support.strategies import digest

from treering.core import ids
from treering.core.diff.config import (
    Settings,
    diff_config,
    of_attributes,
    of_document,
    with_kernel_arguments,
)
from treering.core.diff.layers import Where, diff_layers, pull
from treering.core.diff.packages import PackageChangeType, diff_packages
from treering.core.diff.source import MAX_COMMITS, built_from, diff_source
from treering.core.facts import EdgeKind, Fact, NodeFact
from treering.core.graph import Graph
from treering.core.ids import NodeId
from treering.core.packages import Manager, Package
from treering.core.text import is_safe, safe


def package(
    name: str, version: str, arch: str = "amd64", manager: Manager = Manager.DPKG
) -> Package:
    return Package(manager, safe(name), safe(version), safe(arch))


def later(fact: NodeFact) -> NodeFact:
    return msgspec.structs.replace(fact, seen=fact.seen + 1)


def graph(*facts: Fact) -> Graph:
    made = Graph()
    made.merge(facts)
    return made


class TestPackages:
    def test_each_kind_of_change(self) -> None:
        a = [package("libc6", "2.36-9"), package("curl", "8.0-1"), package("old", "1"),
             package("same", "1"), package("odd", "1.0")]  # fmt: skip
        b = [package("libc6", "2.36-10"), package("curl", "7.9-1"), package("new", "1"),
             package("same", "1"), package("odd", "1.00")]  # fmt: skip
        found = {c.name: (c.change.value, c.a, c.b) for c in diff_packages(a, b)}
        assert found == {
            "libc6": ("upgraded", "2.36-9", "2.36-10"),
            "curl": ("downgraded", "8.0-1", "7.9-1"),
            "new": ("added", None, "1"),
            "old": ("removed", "1", None),
            "odd": ("changed", "1.0", "1.00"),
        }

    def test_the_order_is_that_of_the_manager(self) -> None:
        a = [package("x", "1.0", manager=Manager.RPM), package("y", "1.0_rc1", manager=Manager.APK)]
        b = [package("x", "1.0^1", manager=Manager.RPM), package("y", "1.0", manager=Manager.APK)]
        assert {c.change for c in diff_packages(a, b)} == {PackageChangeType.UPGRADED}

    def test_kernels_beside_each_other_come_and_go_by_themselves(self) -> None:
        def kernels(*versions: str) -> list[Package]:
            return [package("kernel", v, "x86_64", Manager.RPM) for v in versions]

        found = diff_packages(kernels("6.8-1", "6.9-1"), kernels("6.9-1", "6.10-1"))
        assert [(c.change.value, c.a, c.b) for c in found] == [
            ("added", None, "6.10-1"),
            ("removed", "6.8-1", None),
        ]

    @given(st.lists(st.sampled_from([package(n, v, a) for n in "ab" for v in "12" for a in "xy"])))
    def test_a_list_does_not_differ_from_itself(self, packages: list[Package]) -> None:
        assert diff_packages(packages, packages[::-1]) == ()

    def test_what_the_contract_has(self) -> None:
        (change,) = diff_packages([], [package("curl", "1")])
        assert change.as_json() == {
            "manager": "dpkg", "name": "curl", "arch": "amd64", "change": "added",
            "a": None, "b": "1",
        }  # fmt: skip


KEYS = st.sampled_from(
    ["config", "Config", "Env", "Labels", "Cmd", "os", "Os", "ExposedPorts", "Healthcheck", "\x1b"]
) | st.text(max_size=3)
CONFIG = {
    "architecture": "amd64",
    "os": "linux",
    "config": {
        "Env": ["PATH=/usr/bin", "A=1=2", "EMPTY"],
        "Cmd": ["sh"],
        "User": "",
        "ExposedPorts": {"80/tcp": {}},
        "Volumes": {"/data": {}},
        "Labels": {"v": "1", "number": 7},
        "StopSignal": "SIGINT",
        "Healthcheck": {"Test": ["CMD", "true"], "Interval": 30},
    },
}


def changed(a: Settings, b: Settings) -> dict[str, tuple[object, object]]:
    return {change.key: (change.a, change.b) for change in diff_config(a, b)}


class TestConfig:
    def test_every_setting_has_a_key(self) -> None:
        assert changed(Settings({}), of_document(CONFIG)) == {
            "architecture": (None, "amd64"),
            "os": (None, "linux"),
            "env.PATH": (None, "/usr/bin"),
            "env.A": (None, "1=2"),
            "env.EMPTY": (None, ""),
            "cmd": (None, ["sh"]),
            "ports.80/tcp": (None, True),
            "volumes./data": (None, True),
            "labels.v": (None, "1"),
            "stop_signal": (None, "SIGINT"),
            "healthcheck": (None, {"Test": ["CMD", "true"], "Interval": 30}),
        }

    def test_an_inspection_says_the_same_as_a_config(self) -> None:
        inspection = {"Architecture": "amd64", "Os": "linux", "Config": CONFIG["config"]}
        assert changed(of_document(CONFIG), of_document(inspection)) == {}

    def test_what_one_side_cannot_tell_is_not_compared(self) -> None:
        attrs = {"os": "linux", "architecture": "amd64", "cmd": ["sh"], "labels": {"v": "2"}}
        found = changed(of_document(CONFIG), of_attributes(attrs))
        assert found["labels.v"] == ("1", "2")
        assert not {key for key in found if key.startswith(("ports", "volumes", "stop", "health"))}

    def test_of_a_commit_its_metadata_but_not_where_it_was_published(self) -> None:
        old = {"version": "40.1", "metadata": {"x": 1, "ostree.ref-binding": ["a"]}}
        new = {"version": "40.2", "metadata": {"x": 2, "ostree.ref-binding": ["b"]}}
        found = changed(of_attributes(old, whole=True), of_attributes(new, whole=True))
        assert found == {"version": ("40.1", "40.2"), "metadata.x": (1, 2)}

    def test_kernel_arguments_by_name(self) -> None:
        a = with_kernel_arguments(Settings({}), {"kargs": "quiet console=tty0 console=ttyS0"})
        b = with_kernel_arguments(Settings({}), {"kargs": ["console=tty0", "mem=1G"]})
        assert changed(a, b) == {
            "kargs.quiet": ("", None),
            "kargs.console": (["tty0", "ttyS0"], "tty0"),
            "kargs.mem": (None, "1G"),
        }

    def test_text_from_outside_is_safe(self) -> None:
        run = {"Env": [f"{HOSTILE}={HOSTILE}"], "Labels": {HOSTILE: HOSTILE},
               "Healthcheck": {HOSTILE: [HOSTILE]}, "ExposedPorts": {HOSTILE: {}}}  # fmt: skip
        for change in diff_config(Settings({}), of_document({"config": run})):
            assert is_safe(change.key)
            assert "\x1b" not in repr(change.b)
            assert "\\x1b" not in repr(change.b)

    def test_the_root_directory_is_where_a_process_starts_anyway(self) -> None:
        said = {"config": {"WorkingDir": "/"}}
        assert of_document(said).values == of_attributes({"workdir": "/"}).values == {}

    def test_fields_of_the_wrong_type_are_left_out(self) -> None:
        wrong = {"config": {"Env": 1, "Labels": ["x"], "ExposedPorts": "80", "Volumes": 7}}
        assert of_document(wrong).values == {}
        assert of_document({"config": "x"}).values == {}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(KEYS, JSON, max_size=5), st.dictionaries(KEYS, JSON, max_size=5))
def test_no_document_is_too_odd_to_compare(a: dict[str, Any], b: dict[str, Any]) -> None:
    for one, other in ((of_document(a), of_document(b)), (of_attributes(a), of_document(b))):
        found = diff_config(one, other)
        assert [c.key for c in found] == sorted({c.key for c in found})
        assert all(is_safe(c.key) and c.a != c.b for c in found)
        back = diff_config(other, one)
        assert [(c.key, c.b, c.a) for c in back] == [(c.key, c.a, c.b) for c in found]
    assert diff_config(of_document(a), of_document(a)) == ()


class TestLayers:
    def test_shared_new_and_old_layers_and_what_is_to_be_pulled(self) -> None:
        facts = [*image(1, "a", [11, 12, 13]), *image(2, "b", [11, 14, 15])]
        sizes = {11: 5, 14: 100}
        facts += [later(node(ids.layer(digest(n)), size=size)) for n, size in sizes.items()]
        rows = diff_layers(graph(*facts), ids.image(digest(1)), ids.image(digest(2)))
        assert [(r.digest, r.where, r.size, r.position) for r in rows] == [
            (digest(11), Where.BOTH, 5, 0),
            (digest(14), Where.B, 100, 1),
            (digest(15), Where.B, None, 2),
            (digest(12), Where.A, None, 1),
            (digest(13), Where.A, None, 2),
        ]
        assert (pull(rows).layers, pull(rows).size, pull(rows).unknown) == (2, 100, 1)
        assert rows[1].as_json() == {"digest": digest(14), "in": "b", "size": 100}


def commit(number: int) -> NodeId:
    return ids.git(f"{number:040x}")


def history(parents: dict[int, Sequence[int]]) -> list[Fact]:
    facts: list[Fact] = [
        node(commit(n), f"c{n}", subject=f"c{n}", author="A", time=1000 + n) for n in parents
    ]
    facts += [
        edge(commit(n), EdgeKind.PARENT, commit(p)) for n, found in parents.items() for p in found
    ]
    return facts


class TestSource:
    def test_the_log_between_two_commits(self) -> None:
        made = graph(*history({1: [], 2: [1], 3: [2], 4: [3]}))
        found = diff_source(made, commit(2), commit(4))
        assert [(c.subject, c.lost) for c in found.commits] == [("c4", False), ("c3", False)]
        back = diff_source(made, commit(4), commit(2))
        assert [(c.subject, c.lost) for c in back.commits] == [("c4", True), ("c3", True)]
        assert diff_source(made, commit(4), commit(4)).commits == ()

    def test_branches_that_went_apart_say_what_is_lost(self) -> None:
        made = graph(*history({1: [], 2: [1], 3: [1], 4: [2, 3], 5: [3]}))
        found = diff_source(made, commit(5), commit(4))
        assert [(c.subject, c.lost) for c in found.commits] == [
            ("c4", False),
            ("c2", False),
            ("c5", True),
        ]

    def test_no_commit_stands_after_its_parent_whatever_its_time(self) -> None:
        facts = [*history({1: [], 2: [1], 3: [2]}), later(node(commit(2), subject="c2", time=9e9))]
        found = diff_source(graph(*facts), commit(1), commit(3))
        assert [c.node for c in found.commits] == [commit(3), commit(2)]

    def test_a_commit_no_source_holds_has_no_log(self) -> None:
        made = graph(*history({2: [1]}), edge(commit(3), EdgeKind.PARENT, commit(2)))
        found = diff_source(made, commit(2), commit(3))
        assert found.commits == ()
        assert "no source here holds" in found.trouble

    def test_a_long_log_is_cut_and_counted(self) -> None:
        parents: dict[int, Sequence[int]] = {1: []}
        parents |= {n: [n - 1] for n in range(2, MAX_COMMITS + 12)}
        found = diff_source(graph(*history(parents)), commit(1), commit(MAX_COMMITS + 11))
        assert len(found.commits) == MAX_COMMITS
        assert found.more == 10

    def test_the_best_evidence_names_the_source_and_ties_are_all_shown(self) -> None:
        one, other = ids.image(digest(1)), ids.image(digest(2))
        made = graph(
            edge(one, EdgeKind.BUILT_FROM, commit(1)),
            edge(other, EdgeKind.BUILT_FROM, commit(1)),
            edge(other, EdgeKind.BUILT_FROM, commit(2)),
        )
        assert [e.end for e in built_from(made, one)] == [commit(1)]
        assert len(built_from(made, other)) == 2

    def test_subjects_are_safe(self) -> None:
        facts = [*history({1: [], 2: [1]}), later(node(commit(2), subject=HOSTILE, author=HOSTILE))]
        (found,) = diff_source(graph(*facts), commit(1), commit(2)).commits
        assert is_safe(found.subject)
        assert is_safe(found.author)
