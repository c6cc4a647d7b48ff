"""The left pane: what stands where, what shows, and that nothing hostile gets through."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.readers import HOSTILE, SEEN, edge, hostile_world, node, world
from support.strategies import digest

from treering.core import ids
from treering.core.facts import EdgeFact, EdgeKind, Fact, Level, NodeFact
from treering.core.graph import Graph
from treering.core.ids import NodeId
from treering.core.ports import Problem
from treering.core.reading import SourceStatus, State
from treering.core.text import Safe, is_safe
from treering.present.lines import line_width, plain
from treering.present.places import (
    Item,
    Place,
    is_folded,
    item_line,
    matching,
    places,
    shows_below,
    visible,
)
from treering.present.places.following import reference


def graph(*facts: Fact) -> Graph:
    made = Graph()
    made.merge(facts)
    return made


def said(id_: NodeId, source: str, label: str = "", **attrs: object) -> NodeFact:
    return NodeFact(id=id_, source=Safe(source), seen=SEEN, label=Safe(label), attrs=attrs)


def tag(source: str, repository: str, name: str, image: int) -> list[Fact]:
    at = ids.tag(source, repository, name)
    facts: list[Fact] = [said(at, source, f"{repository}:{name}", repository=repository, tag=name)]
    return [*facts, edge(at, EdgeKind.POINTS_AT, ids.image(digest(image)))]


def host(name: str, tree: int, **attrs: object) -> list[Fact]:
    at = f"{tree:012x}{0:052}"
    deployment = ids.deployment(name, "os", at, 0)
    about = {"booted": True, "index": 0, "origin": "edge/stable"} | attrs
    return [
        node(ids.host(name), name),
        node(deployment, f"os/{tree}", **about),
        edge(deployment, EdgeKind.ON, ids.host(name)),
        edge(deployment, EdgeKind.RUNS, ids.commit(at)),
    ]


def drawn(items: Sequence[Item], width: int = 60, toggled: Sequence[str] = ()) -> list[str]:
    return [
        plain(item_line(items[at], width, folded=is_folded(items[at], toggled))).rstrip()
        for at in visible(items, toggled)
    ]


def named(items: Sequence[Item], name: str) -> Item:
    return next(item for item in items if item.name == name)


class TestHosts:
    def test_many_hosts_are_a_row_a_tree_and_the_odd_tree_comes_first(self) -> None:
        facts = [f for n in range(40) for f in host(f"web-{n}", 1)]
        facts += [f for n in range(40, 43) for f in host(f"web-{n}", 2)]
        found = places(graph(*facts), ())[Place.HOSTS]
        assert [(i.count, i.words) for i in found if i.depth == 0] == [
            ("3 hosts", ("differs",)),
            ("40 hosts", ()),
        ]
        assert named(found, "0" * 11 + "1").closed
        assert not named(found, "0" * 11 + "2").closed

    def test_a_host_that_is_odd_comes_before_its_like_and_its_group_says_so(self) -> None:
        facts = host("a", 1) + host("b", 1, unlocked="development") + host("c", 1)
        found = places(graph(*facts), ())[Place.HOSTS]
        assert [i.name for i in found if i.depth == 1] == ["b", "a", "c"]
        assert found[0].words == ("1 odd",)
        assert named(found, "b").words == ("unlocked",)

    def test_unlocked_none_is_not_unlocked(self) -> None:
        found = places(graph(*host("a", 1, unlocked="none")), ())[Place.HOSTS]
        assert not any(item.odd for item in found)

    def test_an_unreachable_host_without_deployments_is_shown(self) -> None:
        facts = [node(ids.host("a"), "a", reachable=False)]
        found = places(graph(*facts), ())[Place.HOSTS]
        assert drawn(found, 40) == [
            " ▾ no deployment known      1 odd 1 host",
            "     a                       unreachable",
        ]

    def test_where_none_is_booted_the_next_one_counts(self) -> None:
        facts = host("a", 1, booted=False, index=1)
        facts += host("a", 2, booted=False, index=0)
        found = places(graph(*facts), ())[Place.HOSTS]
        assert found[0].node == ids.commit(f"{2:012x}{0:052}")

    @pytest.mark.parametrize(("end", "words"), [(1, ()), (2, ("differs",))])
    def test_a_host_whose_ref_moved_on_differs(self, end: int, words: tuple[str, ...]) -> None:
        at, target = ids.ref("os-repo", "edge/stable"), ids.commit(f"{end:012x}{0:052}")
        moved = [said(at, "os-repo", "edge/stable"), edge(at, EdgeKind.POINTS_AT, target)]
        facts = [*host("a", 1, origin="remote:edge/stable"), *moved]
        assert places(graph(*facts), ())[Place.HOSTS][0].words == words

    @pytest.mark.parametrize(("end", "words"), [(1, ()), (2, ("differs",))])
    def test_a_host_whose_image_tag_moved_on_differs(
        self, end: int, words: tuple[str, ...]
    ) -> None:
        name = "ostree-unverified-registry:r.example/os/edge:stable"
        commit = ids.commit(f"{1:012x}{0:052}")
        facts = [*host("a", 1, image=name), *tag("r", "os/edge", "stable", end)]
        facts.append(edge(commit, EdgeKind.IMPORTED_FROM, ids.image(digest(1))))
        assert places(graph(*facts), ())[Place.HOSTS][0].words == words


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("ostree-unverified-registry:r.example/os/edge:stable", ("r.example/os/edge", "stable")),
        ("ostree-image-signed:docker://r.example:5000/os", ("r.example:5000/os", "latest")),
        ("quay.io/os/edge:1", ("quay.io/os/edge", "1")),
        ("fedora:fedora/x86_64/silverblue", None),
        ("remote.example:edge/x86_64/stable", None),
        ("edge/x86_64/stable", None),
        ("ostree-unverified-registry:", None),
    ],
)
def test_the_name_in_an_origin(name: str, found: tuple[str, str] | None) -> None:
    assert reference(name) == found


class TestImages:
    def test_tags_by_repository_in_natural_order_names_that_move_first(self) -> None:
        facts = [f for name in ("1.9", "1.10", "latest") for f in tag("r", "shop", name, 1)]
        found = places(graph(*facts), ())[Place.IMAGES]
        assert [item.name for item in found] == ["r/shop", "latest", "1.10", "1.9"]

    def test_the_same_tag_with_another_digest_is_told_on_both(self) -> None:
        facts = [*tag("a", "shop", "1", 1), *tag("b", "registry.example/shop", "1", 2)]
        found = places(graph(*facts), ())[Place.IMAGES]
        assert [i.name for i in found if "differs" in i.words and i.depth == 1] == ["1", "1"]

    def test_an_index_here_and_its_image_there_do_not_differ(self) -> None:
        index = ids.index(digest(9))
        at = ids.tag("a", "shop", "1")
        facts = [
            said(index, "a"),
            edge(index, EdgeKind.LISTS, ids.image(digest(1)), position=0),
            said(at, "a", repository="shop", tag="1"),
            edge(at, EdgeKind.POINTS_AT, index),
            *tag("b", "shop", "1", 1),
        ]
        found = places(graph(*facts), ())[Place.IMAGES]
        assert not any("differs" in item.words for item in found)
        assert [item.node for item in found if item.depth == 2] == [ids.image(digest(1))]

    def test_a_tag_that_moved_says_so(self) -> None:
        at = ids.tag("a", "shop", "1")
        old = EdgeFact(
            start=at,
            end=ids.image(digest(7)),
            kind=EdgeKind.POINTS_AT,
            level=Level.EXACT,
            source=Safe("a"),
            seen=SEEN,
            present=False,
        )
        found = places(graph(*tag("a", "shop", "1", 1), old), ())[Place.IMAGES]
        assert named(found, "1").words == ("moved",)

    def test_images_without_a_tag_stand_apart(self) -> None:
        facts = [*tag("a", "shop", "1", 1), said(ids.image(digest(1)), "a", "shop:1")]
        facts += [said(ids.image(digest(2)), "a", "")]
        found = places(graph(*facts), ())[Place.IMAGES]
        assert [i.name for i in found if i.depth == 0] == ["a/shop", "a: untagged"]


class TestRefs:
    def test_a_ref_lists_its_newest_commits_and_counts_the_rest(self) -> None:
        found = places(graph(*world()), ())[Place.REFS]
        assert [item.name for item in found] == [
            "registry",
            "edge/x86_64/stable",
            *(f"40.{n}" for n in range(12, 2, -1)),
            "… 2 older",
        ]

    def test_a_history_that_bites_its_tail_ends(self) -> None:
        a, b = (ids.commit(c * 64) for c in "ab")
        at = ids.ref("r", "x")
        facts = [edge(a, EdgeKind.PARENT, b), edge(b, EdgeKind.PARENT, a)]
        found = places(graph(node(at, "x"), edge(at, EdgeKind.POINTS_AT, a), *facts), ())
        assert [i.node for i in found[Place.REFS]][2:] == [a, b]

    def test_one_name_at_two_commits_in_two_sources_differs(self) -> None:
        facts: list[Fact] = []
        for source, commit in (("a", "1" * 64), ("b", "2" * 64)):
            at = ids.ref(source, "stable")
            facts += [said(at, source, "stable"), edge(at, EdgeKind.POINTS_AT, ids.commit(commit))]
        found = places(graph(*facts), ())[Place.REFS]
        assert [i.words for i in found if i.depth == 1] == [("differs",)] * 2


class TestWorkloads:
    def test_a_container_whose_tag_moved_on_differs(self) -> None:
        box = ids.container("docker", "c" * 64)
        facts = [
            *tag("docker", "shop", "1", 2),
            said(box, "docker", "web", state="running", image_ref="shop:1"),
            edge(box, EdgeKind.RUNS, ids.image(digest(1))),
        ]
        found = places(graph(*facts), ())[Place.WORKLOADS]
        assert named(found, "web").words == ("running", "differs")
        facts[-1] = edge(box, EdgeKind.RUNS, ids.image(digest(2)))
        found = places(graph(*facts), ())[Place.WORKLOADS]
        assert named(found, "web").words == ("running",)

    def test_revisions_hang_on_their_workload(self) -> None:
        work = NodeId("workload:prod/shop/Deployment/web")
        revision = NodeId("revision:prod/shop/ReplicaSet/web-1")
        facts = [
            node(work, "web"),
            node(revision, "web-1"),
            edge(revision, EdgeKind.OF, work),
            edge(revision, EdgeKind.RUNS, ids.image(digest(1))),
        ]
        found = places(graph(*facts), ())[Place.WORKLOADS]
        assert [(i.depth, i.name) for i in found][:3] == [
            (0, "prod/shop"),
            (1, "Deployment/web"),
            (2, "ReplicaSet/web-1"),
        ]


class TestStages:
    def test_stages_stand_in_their_order_with_what_they_serve(self) -> None:
        facts = [*tag("r", "shop", "1", 1), *tag("staging", "shop", "2", 2)]
        tables = [
            {"name": "prod", "order": 2, "at": "r/shop"},
            {"name": "test", "order": 1, "at": "staging/shop"},
            {"name": "lab", "order": 3, "at": "nowhere"},
        ]
        found = places(graph(*facts), (), tables)[Place.STAGES]
        assert [item.name for item in found] == [
            "test",
            "staging/shop:2",
            "prod",
            "r/shop:1",
            "lab",
        ]
        assert found[-1].words == ("serves nothing",)


class TestSources:
    def test_every_node_can_be_reached(self) -> None:
        made = graph(*world())
        found = places(made, ())[Place.SOURCES]
        assert {item.node for item in found} >= set(made.ids())

    def test_a_source_says_how_it_went(self) -> None:
        status = SourceStatus(Safe("docker"), "docker", Safe("/run"), State.FAILED)
        status.error = Safe("permission denied")
        other = SourceStatus(Safe("registry"), "oci-layout", Safe("/srv"), State.PARTIAL)
        other.problems = [Problem(Safe("blob"), Safe("is cut"))]
        found = places(graph(*world()), (status, other))[Place.SOURCES]
        assert drawn(found, 40)[0] == "   ✗ docker permission denied     failed"
        assert named(found, "registry").note == "blob: is cut"

    def test_a_node_of_two_sources_is_in_both(self) -> None:
        image = ids.image(digest(1))
        found = places(graph(said(image, "a", "x"), said(image, "b", "x")), ())[Place.SOURCES]
        assert sum(item.node == image for item in found) == 2


@pytest.mark.parametrize("place", Place)
def test_an_empty_place_says_what_would_be_there(place: Place) -> None:
    found = places(Graph(), ())[place]
    assert found[0].name.startswith("no")
    assert found[0].node is None


FACTS = [*world(), *hostile_world(), *host("a", 1), *host(HOSTILE, 2, image=HOSTILE)]


@pytest.mark.parametrize("value", [1, "text", ["a", 1], {"a": [1]}, None, True, -1.5])
def test_attributes_of_any_type_stand_somewhere(value: object) -> None:
    keys = "repository tag name alias_of internal index booted unlocked origin image version state"
    keys += " status image_ref timestamp time order partial reachable drift damaged os platform"
    attrs: dict[str, object] = dict.fromkeys(keys.split(), value)
    made = Graph()
    made.merge(FACTS)
    made.merge([said(at, "other", "x", **attrs) for at in made.ids()])
    found = places(made, (), [{"name": "s", "at": value, "order": value}])
    assert {item.node for item in found[Place.SOURCES]} >= set(made.ids())


@pytest.mark.parametrize("width", [1, 10, 30, 40, 80])
def test_hostile_text_stays_safe_and_lines_stay_within_their_width(width: int) -> None:
    for items in places(graph(*FACTS), ()).values():
        for item in items:
            for folded in (False, True):
                line = item_line(item, width, folded=folded, marked=True)
                assert all(is_safe(text) for text, _ in line)
                assert line_width(line) <= width


@pytest.mark.parametrize("place", Place)
def test_keys_are_unique_and_sizes_add_up(place: Place) -> None:
    items = places(graph(*FACTS), ())[place]
    assert len({item.key for item in items}) == len(items)
    for at, item in enumerate(items):
        below = items[at + 1 : at + 1 + item.size]
        assert len(below) == item.size
        assert all(other.depth > item.depth for other in below)
        after = items[at + 1 + item.size : at + 2 + item.size]
        assert all(other.depth <= item.depth for other in after)
        assert all(o.above == item.key for o in below if o.depth == item.depth + 1)


@st.composite
def forests(draw: st.DrawFn) -> list[Item]:
    """Draw items of any shape in preorder."""
    depths = [0]
    for _ in range(draw(st.integers(0, 25))):
        depths.append(draw(st.integers(0, depths[-1] + 1)))
    items = []
    for at, depth in enumerate(depths):
        size = 0
        while at + size + 1 < len(depths) and depths[at + size + 1] > depth:
            size += 1
        name = Safe(draw(st.sampled_from("ab")) + str(at))
        items.append(Item(name, depth, size, closed=draw(st.booleans())))
    return items


def parents(items: Sequence[Item], at: int) -> list[int]:
    return [up for up in range(at) if up + items[up].size >= at]


@given(forests(), st.sets(st.integers(0, 25)))
def test_what_shows_is_what_no_folded_item_hides(items: list[Item], flipped: set[int]) -> None:
    toggled = {items[at].key for at in flipped if at < len(items)}
    shown = visible(items, toggled)
    hidden = [at for at in range(len(items)) if at not in shown]
    folded = [is_folded(item, toggled) for item in items]
    assert all(not any(folded[up] for up in parents(items, at)) for at in shown)
    assert all(any(folded[up] for up in parents(items, at)) for at in hidden)


@given(forests())
def test_a_filter_shows_the_matches_and_what_they_hang_on(items: list[Item]) -> None:
    matches = matching(items, "A")
    assert matches == [at for at, item in enumerate(items) if item.name.startswith("a")]
    expected = {*matches, *(up for at in matches for up in parents(items, at))}
    assert visible(items, (), matches) == sorted(expected)
    assert matching(items, "a 1", matching(items, "a")) == matching(items, "a 1")
    for at in expected:
        below = any(at < other <= at + items[at].size for other in expected)
        assert shows_below(items, at, (), matches) == below


@pytest.mark.parametrize("place", Place)
@pytest.mark.parametrize(
    "word", ["web", "shop", "tag", "commit", "bold", "running", "40.1", "sha256"]
)
def test_a_filter_finds_what_the_text_of_an_item_holds(place: Place, word: str) -> None:
    items = places(graph(*FACTS), ())[place]
    assert matching(items, word) == [at for at, i in enumerate(items) if word in i.search]


def test_a_match_can_be_opened_while_the_filter_stays() -> None:
    items = [Item(Safe("shop"), 0, 2), Item(Safe("1"), 1), Item(Safe("2"), 1), Item(Safe("x"), 0)]
    matches = matching(items, "shop")
    assert visible(items, (), matches) == [0]
    assert visible(items, {items[0].key}, matches) == [0, 1, 2]
