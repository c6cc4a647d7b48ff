"""Two nodes compared in every part: what they stand for, and what is missing."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

import pytest
from support.opened import OpeningReader, shelf
from support.package_trees import tree_of
from support.readers import HOSTILE, SEEN, edge, image, node
from support.strategies import digest

from treering.core import ids
from treering.core.diff.compare import ALL, Comparison, Part, compare, contents
from treering.core.diff.document import as_json
from treering.core.diff.sides import sides
from treering.core.errors import Cancelled, Damaged, UsageError
from treering.core.facts import EdgeKind, Fact
from treering.core.graph import Graph
from treering.core.ids import NodeId
from treering.core.ports import ReadContext, Tree
from treering.core.shelf import Shelf

ONE, TWO, THREE = (ids.image(digest(number)) for number in (1, 2, 3))
CONFIG = {"architecture": "amd64", "os": "linux", "config": {"Env": ["A=1"]}}
STATUS = "Package: curl\nStatus: install ok installed\nVersion: {}\nArchitecture: amd64\n\n"


def files(version: str, **more: bytes) -> Tree:
    status = STATUS.format(version).encode()
    return tree_of({"/var/lib/dpkg/status": status, **{f"/{k}": v for k, v in more.items()}})


def world(*more: Fact) -> Graph:
    graph = Graph()
    graph.merge([*image(1, "web:1", [11, 12]), *image(2, "web:2", [11, 13]), *more])
    return graph


def tag(name: str, *ends: NodeId, kind: EdgeKind = EdgeKind.POINTS_AT) -> tuple[NodeId, list[Fact]]:
    made = ids.tag("registry", "web", name)
    return made, [node(made, f"web:{name}"), *(edge(made, kind, end) for end in ends)]


def compared(graph: Graph, kept: Shelf, a: NodeId = ONE, b: NodeId = TWO, **how: Any) -> Comparison:
    return compare(graph, kept, a, b, ReadContext(), **how)


def whys(found: Comparison) -> list[str]:
    return [f"{missing.part}: {missing.why}" for missing in found.missing]


BOTH = {ONE: files("8.0-1", x=b"1"), TWO: files("8.1-1", x=b"2", y=b"")}
PAPERS: dict[NodeId, Any] = {ONE: CONFIG, TWO: {**CONFIG, "config": {"Env": ["A=2"]}}}


class TestParts:
    def test_all_parts_of_two_images(self) -> None:
        found = compared(world(), shelf(BOTH, PAPERS))
        assert found.parts == ALL
        assert found.missing == ()
        assert found.equal is False
        assert [change.path for change in found.files.changes] == [
            b"/var/lib/dpkg/status",
            b"/x",
            b"/y",
        ]
        assert [(p.name, p.change.value) for p in found.packages] == [("curl", "upgraded")]
        assert [(c.key, c.a, c.b) for c in found.config] == [("env.A", "1", "2")]
        assert [row.where.value for row in found.layers] == ["both", "b", "a"]
        assert found.source is None
        assert Part.SOURCE in found.inapplicable

    def test_one_part_asks_for_nothing_else(self) -> None:
        reader = OpeningReader(BOTH, PAPERS)
        found = compared(world(), Shelf([reader]), only=[Part.LAYERS])
        assert reader.asked == []
        assert found.equal is False
        found = compared(world(), Shelf([reader]), only=[Part.PACKAGES])
        assert reader.asked
        assert found.packages
        assert found.files.changes == ()

    def test_equal_layers_are_equal_files_and_nothing_is_opened(self) -> None:
        reader = OpeningReader({})
        same = world(*image(3, "web:3", [11, 12]))
        found = compared(same, Shelf([reader]), ONE, THREE, only=[Part.FILES, Part.PACKAGES])
        assert found.equal is True
        assert reader.asked == []

    def test_the_same_files_in_other_layers_are_equal(self) -> None:
        kept = shelf({ONE: BOTH[ONE], TWO: BOTH[ONE]}, {ONE: CONFIG, TWO: CONFIG})
        found = compared(world(), kept)
        assert found.equal is True
        assert found.differs(Part.LAYERS)
        assert compared(world(), kept, only=[Part.LAYERS]).equal is False

    def test_a_thing_does_not_differ_from_itself(self) -> None:
        name, facts = tag("1", ONE)
        found = compared(world(*facts), shelf(BOTH, PAPERS), ONE, name)
        assert found.equal is True
        assert found.missing == ()

    def test_two_deployments_of_one_commit_differ_in_how_they_are_started(self) -> None:
        commit = ids.commit("a" * 64)
        slots = [ids.deployment("web-01", "os", "a" * 64, serial) for serial in (0, 1)]
        graph = world(
            node(commit, "40.1"),
            *(node(slot, kargs=f"quiet mem={at}G") for at, slot in enumerate(slots)),
            *(edge(slot, EdgeKind.RUNS, commit) for slot in slots),
        )
        found = compared(graph, shelf({}), *slots)
        assert [(c.key, c.a, c.b) for c in found.config] == [("kargs.mem", "0G", "1G")]
        assert found.missing == ()

    def test_a_container_and_its_image(self) -> None:
        box = ids.container("registry", "c0ffee" * 10)
        graph = world(node(box, "web-1"), edge(box, EdgeKind.RUNS, ONE))
        own = {"Env": ["A=1", "B=2"], "StopSignal": 15, "ExposedPorts": {"9/tcp": {}}}
        papers = {ONE: CONFIG, box: {"Config": own}}
        kept = shelf({**BOTH, box: files("8.0-1", x=b"0")}, papers)
        found = compared(graph, kept, ONE, box)
        assert [(c.key, c.a, c.b) for c in found.config] == [("env.B", None, "2")]
        assert [change.path for change in found.files.changes] == [b"/x"]
        assert not found.differs(Part.LAYERS)
        assert found.missing == ()


class TestMissing:
    @pytest.mark.parametrize("broken", [ONE, TWO])
    def test_files_that_cannot_be_opened_take_only_their_parts_with_them(
        self, broken: NodeId
    ) -> None:
        kept = shelf({**BOTH, broken: Damaged("layer 2 is cut short")}, PAPERS)
        found = compared(world(), kept)
        assert found.equal is False  # by configuration
        assert "files: layer 2 is cut short" in whys(found)
        assert any(why.startswith("packages: ") for why in whys(found))
        assert found.layers
        assert found.config

    def test_without_any_difference_found_it_is_unknown_not_equal(self) -> None:
        found = compared(world(), shelf({}, {ONE: CONFIG, TWO: CONFIG}))
        assert found.equal is None
        assert as_json(found)["equal"] is None
        assert as_json(found)["missing"]

    def test_settings_without_a_document_are_those_of_the_graph_and_it_is_said(self) -> None:
        more = [fact for number in (1, 2) for fact in image(number, "", [], cmd=[str(number)])[:1]]
        graph = Graph()
        graph.merge(more)
        found = compared(graph, shelf({}), only=[Part.CONFIG])
        assert [(c.key, c.a, c.b) for c in found.config] == [("cmd", ["1"], ["2"])]
        assert len(whys(found)) == 2
        assert "only a part" in whys(found)[0]

    def test_a_document_that_is_damaged_is_no_bug(self) -> None:
        found = compared(world(), shelf(BOTH, {ONE: Damaged("no JSON"), TWO: CONFIG}))
        assert any("no JSON" in why for why in whys(found))

    def test_problems_of_before_are_not_those_of_this_comparison(self) -> None:
        context = ReadContext()
        context.problem("another", "older")
        found = compare(world(), shelf(BOTH, PAPERS), ONE, TWO, context)
        assert found.missing == ()

    def test_it_can_be_cancelled(self) -> None:
        with pytest.raises(Cancelled):
            compare(world(), shelf(BOTH), ONE, TWO, ReadContext(cancelled=lambda: True))

    def test_two_comparisons_in_opposite_order_do_not_wait_for_each_other(self) -> None:
        kept, graph = shelf(BOTH, PAPERS), world()
        barrier = threading.Barrier(2)
        done: list[bool | None] = []

        def work(a: NodeId, b: NodeId) -> None:
            barrier.wait()
            done.extend(compared(graph, kept, a, b, only=[Part.FILES]).equal for _ in range(50))

        threads = [
            threading.Thread(target=work, args=ends, daemon=True)
            for ends in ((ONE, TWO), (TWO, ONE))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert done == [False] * 100


class TestSides:
    def test_what_a_tag_a_container_and_a_deployment_stand_for(self) -> None:
        name, facts = tag("1", ONE)
        box = ids.container("docker", "c0ffee" * 10)
        commit = ids.commit("a" * 64)
        slot = ids.deployment("web-01", "os", "a" * 64, 0)
        graph = world(
            *facts,
            node(box, "web-1"),
            edge(box, EdgeKind.RUNS, TWO),
            node(commit, "40.1"),
            node(slot, "booted"),
            edge(slot, EdgeKind.RUNS, commit),
        )
        found = sides(graph, name, box)
        assert (found.a.version, found.b.version) == (ONE, TWO)
        assert found.b.files is not None
        assert found.b.files.node == box
        assert sides(graph, slot, commit).a.version == commit

    def test_an_index_is_compared_for_the_platform_of_the_other(self) -> None:
        arm = image(3, "web:arm", [31], os="linux", architecture="arm64")
        amd = image(1, "web:1", [11, 12], os="linux", architecture="amd64")
        other = image(2, "web:2", [11, 13], os="linux", architecture="arm64")
        graph = Graph()
        whole = ids.index(digest(9))
        graph.merge([*arm, *amd, *other, node(whole, "web")])
        graph.merge([edge(whole, EdgeKind.LISTS, end) for end in (ONE, THREE)])
        assert sides(graph, whole, TWO).a.version == THREE
        assert sides(graph, TWO, whole).b.version == THREE
        found = sides(graph, whole, whole)
        assert found.a.version == found.b.version == ONE
        assert "linux/arm64" in found.notes[0]

    def test_two_indexes_that_differ_for_another_platform_are_not_equal(self) -> None:
        def of(number: int, layer: int, arch: str) -> list[Fact]:
            return image(number, f"web:{number}", [layer], os="linux", architecture=arch)

        one, other, third = (ids.index(digest(number)) for number in (91, 92, 93))
        four = ids.image(digest(4))
        graph = Graph()
        graph.merge([*of(1, 11, "amd64"), *of(2, 12, "arm64"), *of(3, 13, "arm64")])
        graph.merge([*of(4, 14, "amd64"), node(one, "web"), node(other, "web"), node(third, "web")])
        lists = {one: (ONE, TWO), other: (ONE, THREE), third: (four,)}
        for whole, ends in lists.items():
            graph.merge([edge(whole, EdgeKind.LISTS, end) for end in ends])
        found = compared(graph, shelf({}), one, other)
        assert found.equal is False
        assert [(c.key, c.a, c.b) for c in found.config] == [("platforms.linux/arm64", TWO, THREE)]
        assert compared(graph, shelf({}), one, one).equal is True
        left = compared(graph, shelf({}, {ONE: CONFIG, four: CONFIG}), one, third)
        assert [(c.key, c.a, c.b) for c in left.config] == [("platforms.linux/arm64", TWO, None)]

    def test_what_has_no_files_is_refused_with_a_reason(self) -> None:
        host = ids.host("web-01")
        with pytest.raises(UsageError, match="host web-01 stands for nothing"):
            sides(world(node(host, "web-01")), host, ONE)

    def test_git_commits_have_a_log_and_no_files(self) -> None:
        old, new = ids.git("1" * 40), ids.git("2" * 40)
        graph = world(node(old), node(new), edge(new, EdgeKind.PARENT, old))
        found = compared(graph, shelf({}), old, new)
        assert found.source is not None
        assert [c.node for c in found.source.commits] == [new]
        assert found.equal is False
        assert compared(graph, shelf({}), new, new).equal is True


class TestAcross:
    def test_an_image_and_a_commit_have_files_in_common_and_no_layers_or_settings(self) -> None:
        commit = ids.commit("a" * 64)
        graph = world(node(commit, "40.1"))
        found = compared(graph, shelf({**BOTH, commit: BOTH[ONE]}, PAPERS), ONE, commit)
        assert {Part.LAYERS, Part.CONFIG} <= found.inapplicable
        assert found.equal is True
        assert found.notes

    @pytest.mark.parametrize("turned", [False, True])
    def test_content_is_read_under_the_names_the_changes_have(self, *, turned: bool) -> None:
        commit = ids.commit("a" * 64)
        graph = world(node(commit, "40.1"))
        trees = {ONE: tree_of({"/etc/x": b"1\n"}), commit: tree_of({"/usr/etc/x": b"2\n"})}
        kept, ends = shelf(trees), (commit, ONE) if turned else (ONE, commit)
        found = compared(graph, kept, *ends, only=[Part.FILES])
        (diff,) = contents(kept, found, found.files.changes, ReadContext())
        assert diff.change.path == b"/usr/etc/x"
        lines = [line.mark.value + line.text for line in diff.lines][1:]
        assert lines == (["-2", "+1"] if turned else ["-1", "+2"])

    def test_commits_of_one_content_are_equal_and_not_opened(self) -> None:
        a, b = ids.commit("a" * 64), ids.commit("b" * 64)
        graph = world(node(a, "1", content="c" * 64), node(b, "1", content="c" * 64))
        reader = OpeningReader({})
        found = compared(graph, Shelf([reader]), a, b)
        assert found.equal is True
        assert reader.asked == []

    def test_packages_a_commit_lists_itself(self) -> None:
        def rows(version: str) -> list[list[str]]:
            return [["bash", "0", version, "1.fc40", "x86_64"]]

        a, b = ids.commit("a" * 64), ids.commit("b" * 64)
        graph = world(node(a, "1", packages=1), node(b, "2", packages=1))
        papers = {
            commit: {"rpmostree.rpmdb.pkglist": {"type": "a(sssss)", "value": rows(version)}}
            for commit, version in ((a, "5.1"), (b, "5.2"))
        }
        found = compared(graph, shelf({}, papers), a, b, only=[Part.PACKAGES])
        assert [(p.name, p.a, p.b) for p in found.packages] == [
            ("bash", "5.1-1.fc40", "5.2-1.fc40")
        ]
        assert found.missing == ()


def texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from texts(key)
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def test_the_document_has_the_shape_of_the_contract_and_nothing_hostile() -> None:
    name, facts = tag(HOSTILE, ONE)
    hostile = tree_of({f"/{HOSTILE.replace('/', '')}": b"x", "/link": HOSTILE})
    papers = {ONE: {"config": {"Labels": {HOSTILE: HOSTILE}}}, TWO: CONFIG}
    found = compared(world(*facts), shelf({ONE: hostile, TWO: BOTH[TWO]}, papers), name, TWO)
    document = as_json(found)
    assert document["schema"] == "treering.diff/1"
    assert {"a", "b", "equal", "summary", "layers", "files", "packages", "config", "source"} <= set(
        document
    )
    assert document["summary"] == {"added": 6, "removed": 2, "modified": 0}
    assert all(text.isprintable() for text in texts(document))
    assert SEEN
