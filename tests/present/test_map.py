"""The lineage map: which rows, in which order, tied by which lines, in which words."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.lanes import Drawing
from support.readers import HOSTILE
from support.strategies import digest, edge_facts, node_facts

from treering.adapters.demo.build import build
from treering.bootstrap.registry import catalogue
from treering.core import ids
from treering.core.facts import EdgeFact, EdgeKind, Fact, Level, NodeFact
from treering.core.graph import Graph
from treering.core.ids import Kind, NodeId
from treering.core.joins import derive
from treering.core.ports import SourceSpec
from treering.core.reading import Reading, read_all
from treering.core.text import Safe, is_safe
from treering.present.glyphs import ascii_only
from treering.present.lanes import MOST
from treering.present.lines import STYLES, Fold, cut_line, line_width, plain, width
from treering.present.map import GLYPHS, MapView, lineage_map

SEEN = 1_700_000_000.0


def node(node_id: NodeId, label: str = "", *, present: bool = True, **attrs: object) -> NodeFact:
    return NodeFact(
        id=node_id, source=Safe("here"), seen=SEEN, label=Safe(label), attrs=attrs, present=present
    )


def edge(
    start: NodeId,
    kind: EdgeKind,
    end: NodeId,
    at: int | None = None,
    *,
    present: bool = True,
    why: str = "it says so",
) -> EdgeFact:
    return EdgeFact(
        start=start,
        end=end,
        kind=kind,
        level=Level.EXACT,
        source=Safe("here"),
        seen=SEEN,
        why=Safe(why),
        position=at,
        present=present,
    )


def graph_of(*facts: Fact) -> Graph:
    graph = Graph()
    graph.merge(facts)
    return graph


def image(number: int) -> NodeId:
    return ids.image(digest(number))


def layer(number: int) -> NodeId:
    return ids.layer(digest(number))


def commit(number: int) -> NodeId:
    return ids.commit(f"{number:064x}")


def tag(name: str) -> NodeId:
    return ids.tag("here", "app", name)


def text(view: MapView) -> str:
    return "\n".join(plain(row.line).rstrip() for row in view.rows)


def row_of(view: MapView, key: str) -> str:
    return next(plain(row.line) for row in view.rows if row.key == key)


def at(view: MapView, key: str) -> int:
    return next(number for number, row in enumerate(view.rows) if row.key == key)


def group_key(view: MapView) -> str:
    (key,) = (row.key for row in view.rows if row.fold is not Fold.NONE)
    return key


def history(length: int) -> list[Fact]:
    """Return a chain of commits, the newest with the highest number."""
    facts: list[Fact] = [node(commit(n), f"40.{n}", version=f"40.{n}") for n in range(length)]
    return [*facts, *(edge(commit(n), EdgeKind.PARENT, commit(n - 1)) for n in range(1, length))]


def fleet(states: Iterable[dict[str, object]]) -> list[Fact]:
    """Return a commit and hosts that run it, each with its deployment in such a state."""
    facts: list[Fact] = [node(commit(1), "40.1")]
    for number, state in enumerate(states):
        name = f"web-{number:02}"
        deployment = ids.deployment(name, "os", f"{1:064x}", 0)
        facts += [
            node(ids.host(name), name),
            node(deployment, f"{name} 40.1", **state),
            edge(deployment, EdgeKind.RUNS, commit(1)),
            edge(deployment, EdgeKind.ON, ids.host(name)),
        ]
    return facts


def based(count: int) -> list[Fact]:
    """Return a base image of two layers and images on it with one more each."""
    facts: list[Fact] = [node(image(1), "base:1"), edge(image(1), EdgeKind.CONTAINS, layer(1), 0)]
    facts += [edge(image(1), EdgeKind.CONTAINS, layer(2), 1), node(layer(1)), node(layer(2))]
    for number in range(10, 10 + count):
        facts += [
            node(image(number), f"app:{number}"),
            node(layer(number)),
            edge(image(number), EdgeKind.CONTAINS, layer(1), 0),
            edge(image(number), EdgeKind.CONTAINS, layer(2), 1),
            edge(image(number), EdgeKind.CONTAINS, layer(number), 2, why="layer 3 of 3: COPY app"),
            edge(image(number), EdgeKind.BASED_ON, image(1)),
        ]
    return facts


class TestOrder:
    def test_what_came_of_it_stands_above_and_what_it_came_from_below(self) -> None:
        view = lineage_map(graph_of(*history(3)), commit(1))
        assert [row.key for row in view.rows] == [commit(2), commit(1), commit(0)]
        assert view.center == 1

    def test_what_came_of_what_a_tag_names_stands_above_the_tag(self) -> None:
        graph = graph_of(*based(1), edge(tag("1"), EdgeKind.POINTS_AT, image(1)))
        view = lineage_map(graph, tag("1"))
        assert [row.key for row in view.rows[:3]] == [image(10), tag("1"), image(1)]

    def test_what_else_rests_on_the_base_stands_right_above_it(self) -> None:
        view = lineage_map(graph_of(*based(2)), image(10))
        assert at(view, image(11)) == at(view, image(1)) - 1
        assert at(view, image(10)) < at(view, image(11))

    def test_two_images_join_at_their_base(self) -> None:
        drawn = text(lineage_map(graph_of(*based(2)), image(1))).split("\n")
        assert drawn == [
            "○   image  app:10 000000000000  base of · exact",
            "├─○ image  app:11 000000000000  base of · exact",
            "●   image  base:1 000000000000",
            "▸   2 layers shared by 2 other images",
        ]

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.one_of(node_facts, edge_facts), max_size=25), st.randoms())
    def test_any_facts_in_any_order_make_one_map(
        self, facts: list[Fact], shuffled: random.Random
    ) -> None:
        graph = graph_of(*facts)
        derive(graph)
        other = list(facts)
        shuffled.shuffle(other)
        again = graph_of(*other)
        derive(again)
        for node_id in sorted(graph.ids()):
            view = lineage_map(graph, node_id)
            assert view == lineage_map(again, node_id)
            assert view.rows[view.center].node == graph.canonical(node_id)
            keys = [row.key for row in view.rows]
            assert len(keys) == len(set(keys))
            opened = frozenset(row.key for row in view.rows if row.fold is not Fold.NONE)
            wider = lineage_map(graph, node_id, open_groups=opened)
            assert len(wider.rows) >= len(view.rows)
            for row in (*view.rows, *wider.rows):
                assert all(style in STYLES or not style for _, style in row.line)
                assert all(is_safe(part) for part, _ in row.line)

    @settings(max_examples=60, deadline=None)
    @given(st.data())
    def test_every_row_stands_above_all_it_came_from(self, data: st.DataObject) -> None:
        pairs = st.tuples(st.integers(0, 11), st.integers(0, 11)).filter(lambda p: p[0] > p[1])
        kinds = st.sampled_from([EdgeKind.PARENT, EdgeKind.SAME_TREE, EdgeKind.LAYERED_ON])
        found = data.draw(st.lists(st.tuples(pairs, kinds), min_size=1, max_size=20))
        graph = graph_of(*(edge(commit(a), kind, commit(b)) for (a, b), kind in found))
        view = lineage_map(graph, commit(found[0][0][0]))
        places = {row.key: number for number, row in enumerate(view.rows)}
        for (above, below), _ in found:
            if commit(above) in places and commit(below) in places:
                assert places[commit(above)] < places[commit(below)]

    @settings(max_examples=60, deadline=None)
    @given(st.data())
    def test_the_lines_are_the_edges_between_the_rows(self, data: st.DataObject) -> None:
        pairs = st.tuples(st.integers(0, 7), st.integers(0, 7)).filter(lambda p: p[0] > p[1])
        found = set(data.draw(st.lists(pairs, min_size=1, max_size=16)))
        graph = graph_of(*(edge(commit(a), EdgeKind.LAYERED_ON, commit(b)) for a, b in found))
        view = lineage_map(graph, commit(data.draw(st.sampled_from(sorted(found)))[0]))
        assume(all(row.node for row in view.rows) and view.lanes < MOST)
        places = {row.node: number for number, row in enumerate(view.rows)}
        expected: list[set[int]] = [set() for _ in view.rows]
        for above, below in found:
            if commit(above) in places and commit(below) in places:
                expected[places[commit(above)]].add(places[commit(below)])
        drawn = [plain(row.line) for row in view.rows]
        assert Drawing(drawn, "●○◆≡@!▸▾").edges() == expected, "\n".join(drawn)

    def test_a_circle_is_drawn_once(self) -> None:
        circle = [edge(image(a), EdgeKind.BASED_ON, image(b)) for a, b in ((1, 2), (2, 3), (3, 1))]
        view = lineage_map(graph_of(*circle), image(1))
        assert sorted(row.key for row in view.rows) == [image(1), image(2), image(3)]


class TestGroups:
    def test_hosts_are_counted_by_state(self) -> None:
        states = [{"booted": True}] * 40 + [{"staged": True}] * 17
        view = lineage_map(graph_of(*fleet(states)), commit(1))
        assert plain(view.rows[0].line) == "▸ 57 hosts run it: 40 booted, 17 staged"
        assert view.rows[0].fold is Fold.CLOSED

    def test_odd_hosts_come_first_by_name(self) -> None:
        states: list[dict[str, object]] = [{"booted": True}] * 7
        view = lineage_map(
            graph_of(*fleet([*states, {"booted": True, "unlocked": "hotfix"}])), commit(1)
        )
        assert plain(view.rows[0].line) == "▸ 8 hosts run it: web-07 unlocked, 8 booted"

    def test_few_hosts_are_rows(self) -> None:
        view = lineage_map(graph_of(*fleet([{"booted": True}, {"staged": True}])), commit(1))
        assert text(view).split("\n") == [
            "○   host   web-00  on · exact",
            "@   deployment web-00 40.1 booted  run by · exact",
            "│ ○ host   web-01  on · exact",
            "├─○ deployment web-01 40.1 staged  run by · exact",
            "●   commit 40.1 000000000000",
        ]

    def test_an_open_group_shows_its_members_and_stays_to_be_closed(self) -> None:
        graph = graph_of(*fleet([{"booted": True}] * 8))
        key = group_key(lineage_map(graph, commit(1)))
        view = lineage_map(graph, commit(1), open_groups=frozenset({key}))
        assert sum("deployment web" in plain(row.line) for row in view.rows) == 8
        assert row_of(view, key).endswith("▾   8 hosts run it: 8 booted")
        assert at(view, key) == view.center - 1

    def test_a_group_keeps_its_key_when_members_come(self) -> None:
        first = lineage_map(graph_of(*fleet([{}] * 8)), commit(1))
        second = lineage_map(graph_of(*fleet([{}] * 9)), commit(1))
        assert group_key(first) == group_key(second)

    def test_far_versions_are_one_row_each_way(self) -> None:
        graph = graph_of(
            *history(100),
            node(ids.ref("repo", "stable"), "stable"),
            edge(ids.ref("repo", "stable"), EdgeKind.POINTS_AT, commit(99)),
        )
        view = lineage_map(graph, commit(50))
        lines = [plain(row.line) for row in view.rows]
        assert lines[0] == "▸ 46 newer, up to 40.99: stable"
        assert lines[-1] == "▸ 47 older, back to 40.0"
        assert [row.node for row in view.rows[1:-1]] == [commit(n) for n in range(53, 46, -1)]

    def test_far_versions_name_what_people_look_for_among_them(self) -> None:
        built = [node(image(1), "app:1"), edge(image(1), EdgeKind.ENCAPSULATES, commit(2))]
        view = lineage_map(graph_of(*history(20), *built), commit(19))
        assert plain(view.rows[-1].line) == "▸ 16 older, back to 40.0: app:1"

    def test_what_was_built_from_a_far_version_is_tied_to_its_group(self) -> None:
        both = [edge(image(1), EdgeKind.ENCAPSULATES, commit(n)) for n in (18, 2)]
        view = lineage_map(graph_of(*history(20), *both), commit(19))
        drawn = [plain(row.line) for row in view.rows]
        lines = Drawing(drawn, "●○◆≡@!▸▾").edges()[at(view, image(1))]
        assert lines == {at(view, commit(18)), len(view.rows) - 1}

    def test_a_single_far_version_is_no_group(self) -> None:
        view = lineage_map(graph_of(*history(5)), commit(4))
        assert [row.node for row in view.rows] == [commit(n) for n in (4, 3, 2, 1, 0)]

    def test_opened_history_follows_on_in_order(self) -> None:
        graph = graph_of(*history(20))
        key = group_key(lineage_map(graph, commit(19)))
        view = lineage_map(graph, commit(19), open_groups=frozenset({key}))
        assert [row.node for row in view.rows if row.node] == [commit(n) for n in range(19, -1, -1)]
        assert view.lanes == 1

    def test_both_sides_of_a_merge_end_in_the_far_history(self) -> None:
        graph = graph_of(
            *(edge(commit(9), EdgeKind.PARENT, commit(n)) for n in (8, 7)),
            *(edge(commit(n), EdgeKind.PARENT, commit(n - 2)) for n in (8, 7, 6, 5, 4)),
            *(edge(commit(n), EdgeKind.PARENT, commit(1)) for n in (3, 2)),
            edge(commit(1), EdgeKind.PARENT, commit(0)),
        )
        drawn = text(lineage_map(graph, commit(9))).split("\n")
        assert "older" in drawn[-1]
        assert drawn[-1].startswith("▸─╯") or drawn[-2].startswith("├─○")


class TestLayers:
    def test_layers_of_the_base_are_told_and_not_repeated(self) -> None:
        view = lineage_map(graph_of(*based(1)), image(10))
        assert row_of(view, f"group:layers:{image(10)}").endswith(
            "▸ 1 own layer; first 2 of 3 are base:1"
        )
        assert row_of(view, f"group:layers:{image(1)}").endswith(
            "▸   2 layers shared by 1 other image"
        )

    def test_opened_layers_lie_on_each_other(self) -> None:
        graph = graph_of(*based(1))
        key = f"group:layers:{image(1)}"
        view = lineage_map(graph, image(10), open_groups=frozenset({key}))
        assert [row.node for row in view.rows][-2:] == [layer(2), layer(1)]
        assert (
            plain(view.rows[-1].line).strip() == "≡   layer  1 000000000000 shared by 1 other image"
        )

    def test_a_layer_says_what_made_it(self) -> None:
        key = f"group:layers:{image(10)}"
        view = lineage_map(graph_of(*based(1)), image(10), open_groups=frozenset({key}))
        assert row_of(view, layer(10)).endswith("layer  3 000000000000  COPY app")

    def test_a_layer_hangs_on_the_image_that_brought_it(self) -> None:
        view = lineage_map(graph_of(*based(2)), layer(2))
        assert text(view).split("\n") == [
            "○   image  app:10 000000000000  base of · exact",
            "├─○ image  app:11 000000000000  base of · exact",
            "○   image  base:1 000000000000  layer of · exact",
            "●   layer  000000000000",
        ]


class TestWords:
    def test_a_tag_that_moved_away_says_so(self) -> None:
        graph = graph_of(
            *based(2),
            node(tag("stable"), "app:stable"),
            edge(tag("stable"), EdgeKind.POINTS_AT, image(10), present=False),
            edge(tag("stable"), EdgeKind.POINTS_AT, image(11)),
        )
        assert "moved away" in row_of(lineage_map(graph, image(10)), tag("stable"))
        before = row_of(lineage_map(graph, tag("stable")), image(10))
        assert "pointed at it before" in before

    def test_a_tag_of_another_source_that_differs_says_so(self) -> None:
        other = ids.tag("staging", "app", "1")
        staging = NodeFact(id=other, source=Safe("staging"), seen=SEEN)
        graph = graph_of(
            *based(2),
            staging,
            node(tag("1"), "app:1"),
            edge(tag("1"), EdgeKind.POINTS_AT, image(10)),
            edge(other, EdgeKind.POINTS_AT, image(11)),
            edge(other, EdgeKind.POINTS_AT, image(1), present=False),
        )
        view = lineage_map(graph, image(1))
        assert "! " in row_of(view, tag("1"))
        assert "app:1 differs in here: staging has app:11" in row_of(view, tag("1"))

    def test_gone_and_damaged_are_words_and_a_glyph(self) -> None:
        graph = graph_of(
            *history(1),
            node(commit(1), "40.1", present=False),
            edge(commit(1), EdgeKind.PARENT, commit(0)),
        )
        assert row_of(lineage_map(graph, commit(0)), commit(1)).startswith("! commit 40.1")
        assert " gone" in row_of(lineage_map(graph, commit(0)), commit(1))

    def test_evidence_is_a_sentence_of_the_row_too(self) -> None:
        view = lineage_map(graph_of(*history(2)), commit(1))
        assert [row.why for row in view.rows] == ["", "it says so"]

    def test_names_come_before_what_a_narrow_pane_cuts(self) -> None:
        view = lineage_map(graph_of(*based(1)), image(10))
        for row in view.rows:
            if row.node and row.node.startswith("image:"):
                assert ("app:10" in (cut := plain(cut_line(row.line, 24)))) or "base:1" in cut

    def test_hostile_text_is_harmless(self) -> None:
        graph = graph_of(
            NodeFact(id=image(1), source=Safe("x"), seen=SEEN, label=Safe(HOSTILE)),
            edge(ids.tag("here", HOSTILE, "1"), EdgeKind.POINTS_AT, image(1), why=HOSTILE),
        )
        for row in lineage_map(graph, image(1)).rows:
            assert is_safe(plain(row.line))
            assert is_safe(row.why)

    def test_every_glyph_of_a_line_has_one_cell(self) -> None:
        for glyph, cell in GLYPHS.items():
            assert (width(glyph), len(cell), cell.isascii()) == (1, 1, True)

    def test_what_means_something_differs_in_ascii(self) -> None:
        marks = [GLYPHS[glyph] for glyph in "●○◆≡@!▸▾"]
        assert len(set(marks)) == len(marks)


class TestLimits:
    def test_no_more_nodes_than_asked_for(self) -> None:
        graph = graph_of(*history(4), *fleet([{}] * 3))
        view = lineage_map(graph, commit(1), limit=4)
        assert sum(row.node is not None for row in view.rows) == 4
        assert view.hidden > 0

    def test_no_further_than_asked_for(self) -> None:
        view = lineage_map(graph_of(*history(4)), commit(3), depth=1)
        assert [row.node for row in view.rows] == [commit(3), commit(2)]
        assert view.hidden == 1

    def test_an_open_group_of_very_many_says_how_many_it_shows(self) -> None:
        graph = graph_of(*based(400))
        key = f"group:based-on:image:above:{image(1)}"
        view = lineage_map(graph, image(1), open_groups=frozenset({key}))
        assert "400 images are based on it, 100 of them here" in row_of(view, key)
        assert view.hidden == 300

    def test_an_unknown_node_is_refused(self) -> None:
        with pytest.raises(KeyError):
            lineage_map(graph_of(), commit(1))

    def test_a_map_looks_at_what_it_draws_and_no_further(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Ten times the world around it changes nothing in the work for one image's map."""

        def looks(count: int) -> int:
            graph = graph_of(
                *based(3), *history(5), *(node(commit(n), "far") for n in range(100, 100 + count))
            )
            seen = 0
            real: Callable[..., object] = Graph.facts_of

            def counted(self: Graph, node_id: NodeId) -> object:
                nonlocal seen
                seen += 1
                return real(self, node_id)

            with monkeypatch.context() as patch:
                patch.setattr(Graph, "facts_of", counted)
                lineage_map(graph, image(10))
            return seen

        assert looks(10) == looks(1000)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    root = build(tmp_path_factory.mktemp("world") / "demo").parent
    kinds = (
        ("oci-layout", "registry", "registry"),
        ("oci-layout", "staging", "staging"),
        ("ostree", "os-repo", "os-repo"),
        ("git", "shop", "shop.git"),
    )
    specs = [SourceSpec(kind, str(root / path), name) for kind, name, path in kinds]
    graph = read_all(Reading([catalogue(audit=False).open(spec) for spec in specs]))
    assert graph.of_kind(Kind.IMAGE)
    return graph


def labelled(graph: Graph, label: str, kind: Kind = Kind.IMAGE) -> NodeId:
    return next(n for n in graph.of_kind(kind) if graph.node(n).label == label)


WEB = """
◆       tag    shop/web:1.2 in registry  named by · exact
├─◆     tag    shop/web:latest in registry  named by · exact
├─!     tag    shop/web:stable differs in staging: registry has shop/web:1.1  named by · exact
├─○     attestation SBOM 13d2fe852793  attested by · exact
│ ◆     tag    shop/web:sha256-44ad37cf065e.sig in registry  named by · exact
├─○     attestation signature 98f22f8f9e06  attested by · declared
●─┬─╮   image  shop/web:1.2 f23ef8d93b14
│ │ ▸   2 own layers, 1 shared; first 2 of 4 are base/debian:12.1
│ ├───○─╮ image  shop/api:2.0 linux/amd64 f2ced6edede1  base of · exact
│ │ ◆   │ tag    shop/web:1.3-rc1 in staging  named by · exact
│ ├─○   │ image  shop/web:1.3-rc1 825798a74ba7  base of · exact
│ ├─◆   │ tag    base/debian:12 in registry  named by · exact
│ ├─◆   │ tag    base/debian:12.1 in registry  named by · exact
│ ○     │ image  base/debian:12.1 ad62cefb5cf0  based-on · exact
│ ▸     │ 2 layers shared by 3 other images
├───○   │ git    c40d434 os: pin the kernel on the edge host  followed by · exact
○       │ git    475b6dc web: keep carts over a restart  built-from · declared
├─○     │ image  shop/api:2.0 linux/arm64 6f1c959effc3  source of · declared
○─┬─────╯ git    2492b98 Merge branch 'orders'  parent · exact
│ ○     git    155e6ab web: fix the rounding of prices with tax  parent · exact
○ │     git    1417a12 api: accept orders  parent · exact
○─╯     git    e53634c worker: send the receipts at night  parent · exact
▸       6 older, back to e6a7e9d: shop/web:1.1, 40.6, 40.7, …
"""

BASE = """
◆     tag    shop/api:2.0 in registry  named by · exact
○     index  shop/api:2.0 ba10127a254a  listed by · exact
├─○   attestation provenance 71754c2cda94  attested by · declared
○     image  shop/api:2.0 linux/amd64 f2ced6edede1  base of · exact
│ ◆   tag    shop/web:1.2 in registry  named by · exact
│ ├─◆ tag    shop/web:latest in registry  named by · exact
│ ├─! tag    shop/web:stable differs in staging: registry has shop/web:1.1  named by · exact
│ ├─○ attestation SBOM 13d2fe852793  attested by · exact
│ │ ◆ tag    shop/web:sha256-44ad37cf065e.sig in registry  named by · exact
│ ├─○ attestation signature 98f22f8f9e06  attested by · declared
├─○   image  shop/web:1.2 f23ef8d93b14  base of · exact
│ ◆   tag    shop/web:1.3-rc1 in staging  named by · exact
├─○   image  shop/web:1.3-rc1 825798a74ba7  base of · exact
├─◆   tag    base/debian:12 in registry  named by · exact
├─◆   tag    base/debian:12.1 in registry  named by · exact
●     image  base/debian:12.1 ad62cefb5cf0
▸     2 layers shared by 3 other images
"""

STABLE = """
◆       tag    shop/worker:0.9 in registry  named by · exact
○       image  shop/worker:0.9 2b8c030d7178  base of · exact
├─◆     tag    shop/web:1.1 in registry  named by · exact
├─●     tag    shop/web:stable in registry
○─┬─╮   image  shop/web:1.1 4dda92a75db0  points-at · exact
│ │ ▸   2 own layers, 2 shared; first 2 of 4 are base/debian:12.0
│ │   ◆ tag    shop/web:1.0 in registry  named by · exact
│ ├───○─╮ image  shop/web:1.0 ccaeb130b0c7  base of · exact
│ ├─◆   │ tag    base/debian:12.0 in registry  named by · exact
│ ○     │ image  base/debian:12.0 0131148c2d66  based-on · exact
│ ▸     │ 2 layers shared by 3 other images
├───○   │ git    0bc9382 web: close an open redirect  followed by · exact
├─○     │ git    e53634c worker: send the receipts at night  followed by · exact
○       │ git    37cf6c8 web: show prices with tax  built-from · declared
○       │ git    21fa19d web: add a health page at /healthz  parent · exact
├─▸     │ 7 commits were built from it: 40.1, 40.2, 40.3, …
○       │ git    470190e os: describe the edge host  parent · exact
○───────╯ git    0c8c83a web: read the port from SHOP_PORT  parent · exact
▸       2 older, back to e6a7e9d
"""

HOST = """
◆       ref    edge/x86_64/testing in os-repo  named by · exact
○─╮     commit 40.11 808db3e9093f  followed by · exact
│ │ ◆   tag    os/edge-custom:1 in registry  named by · exact
│ │ ○   image  os/edge-custom:1 731b7c4643d1  base of · exact
│ │ │ ◆ ref    docker://registry.shop.example/os/edge:stable in os-repo  named by · exact
├─│─┼─○─╮ commit 40.10 26c8caf0ce6e  base of · exact
│ │ ├─◆ │ tag    os/edge:stable in registry  named by · exact
├─│─○   │ image  os/edge:stable bfc1d3ea5952  held by · declared
│ │     ├─◆ ref    edge/x86_64/rebuild in os-repo  named by · exact
├─┼─────○ commit 40.10 d0eff00e67e6  same-tree · exact
│ │ ◆   ref    edge/current in os-repo  named by · exact
├─│─◆   ref    edge/x86_64/stable in os-repo  named by · exact
○─┤     commit 40.10 af9d58746f8a  followed by · exact
○─┤     commit 40.9 fead2aebd7f5  followed by · exact
●─┤     commit 40.8 12c1bdc98f18
│ ├─○   git    22d8bb3 web: try the new basket layout  followed by · exact
│ ○     git    c40d434 os: pin the kernel on the edge host  built-from · declared
│ │ ◆   tag    shop/web:1.2 in registry  named by · exact
│ │ ├─◆ tag    shop/web:latest in registry  named by · exact
│ │ ├─! tag    shop/web:stable differs in staging: registry has shop/web:1.1  named by · exact
│ ├─○   image  shop/web:1.2 f23ef8d93b14  source of · declared
│ ○     git    475b6dc web: keep carts over a restart  parent · exact
│ ├─○   image  shop/api:2.0 linux/amd64 f2ced6edede1  source of · declared
│ ├─○   image  shop/api:2.0 linux/arm64 6f1c959effc3  source of · declared
│ ○─╮   git    2492b98 Merge branch 'orders'  parent · exact
│ │ ○   git    155e6ab web: fix the rounding of prices with tax  parent · exact
│ ○ │   git    1417a12 api: accept orders  parent · exact
│ ▸─╯   3 older, back to 21fa19d: shop/web:1.1
○─╮     commit 40.7 7ef7a00c1e1e  parent · exact
○─┤     commit 40.6 0eeb0e3f0de1  parent · exact
○─┤     commit 40.5 fac6cc27e6ae  parent · exact
│ ○     git    470190e os: describe the edge host  built-from · declared
│ │ ◆   tag    shop/web:1.0 in registry  named by · exact
│ ├─○   image  shop/web:1.0 ccaeb130b0c7  source of · declared
│ ○     git    0c8c83a web: read the port from SHOP_PORT  parent · exact
│ ○     git    889a507 web: serve the price list over HTTP  parent · exact
│ ○     git    e6a7e9d Start the shop: one page and a price list  parent · exact
▸       5 older, back to 1a97ba382799
"""


class TestDemo:
    def test_what_is_the_web_shop_built_on(self, demo: Graph) -> None:
        assert text(lineage_map(demo, labelled(demo, "shop/web:1.2"))) == WEB.strip("\n")

    def test_what_rests_on_a_base(self, demo: Graph) -> None:
        assert text(lineage_map(demo, labelled(demo, "base/debian:12.1"))) == BASE.strip("\n")

    def test_which_tag_moved(self, demo: Graph) -> None:
        stable = ids.tag("registry", "shop/web", "stable")
        assert text(lineage_map(demo, stable)) == STABLE.strip("\n")

    def test_a_selected_tag_is_compared_with_that_of_other_sources(self, demo: Graph) -> None:
        stable = ids.tag("registry", "shop/web", "stable")
        view = lineage_map(demo, stable, sources=["staging"])
        line = plain(view.rows[view.center].line)
        assert line.endswith("shop/web:stable differs in registry: staging has shop/web:1.2")

    def test_versions_of_the_host(self, demo: Graph) -> None:
        version = labelled(demo, "40.8", Kind.COMMIT)
        assert text(lineage_map(demo, version)) == HOST.strip("\n")

    @pytest.mark.parametrize("cells", [38, 80, 120])
    def test_every_map_fits_and_is_ascii_where_asked(self, demo: Graph, cells: int) -> None:
        for node_id in sorted(demo.ids()):
            view = lineage_map(demo, node_id)
            assert view.rows[view.center].node == node_id
            for row in view.rows:
                cut = cut_line(row.line, cells)
                assert line_width(cut) <= cells
                assert len(ascii_only(plain(cut))) == line_width(cut)

    def test_every_row_but_the_middle_says_how_it_is_known(self, demo: Graph) -> None:
        for node_id in sorted(demo.ids()):
            view = lineage_map(demo, node_id)
            for number, row in enumerate(view.rows):
                assert bool(row.why) != (number == view.center)
