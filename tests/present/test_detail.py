"""The tabs of the right pane, on a small world, on hostile text, and on the demo world."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.readers import HOSTILE, SEEN, edge, hostile_world, node, world
from support.strategies import digest

from treering.adapters.demo.build import build
from treering.bootstrap.registry import catalogue
from treering.core import ids
from treering.core.facts import EdgeKind, Fact
from treering.core.graph import Graph
from treering.core.ids import NodeId
from treering.core.names import Names
from treering.core.ports import Document, Problem, SourceSpec
from treering.core.reading import Reading, read_all
from treering.core.text import Safe, is_safe
from treering.core.trees import ROOT, Entry, EntryType
from treering.present.detail import (
    Tab,
    config,
    document,
    evidence,
    layers,
    packages,
    summary,
    tabs,
    tree,
)
from treering.present.detail.parts import age, human, moment, wrapped
from treering.present.detail.text import dump, is_binary, lines_of
from treering.present.lines import Fold, Row, line_width, plain, width

OF_GRAPH: dict[str, Callable[..., tuple[Row, ...]]] = {
    "summary": summary.rows,
    "layers": layers.rows,
    "config": config.rows,
    "evidence": evidence.rows,
}


def graph(*facts: Fact) -> Graph:
    made = Graph()
    made.merge(facts)
    return made


def text(rows: Sequence[Row]) -> list[str]:
    return [plain(row.line).rstrip() for row in rows]


def image(number: int) -> NodeId:
    return ids.image(digest(number))


TAG = ids.tag("registry", "shop/web", "1.1")


class TestSummary:
    def test_a_tag_says_where_it_points_and_what_that_is(self) -> None:
        rows = summary.rows(graph(*world()), TAG)
        assert text(rows)[:5] == [
            "tag registry/shop/web:1.1",
            "seen by     registry",
            "points at",
            f"now         image shop/web:1.1 {digest(3)[7:19]}",
            "which is",
        ]
        assert next(row.node for row in rows if "now " in row.text) == image(3)

    def test_the_same_tag_elsewhere_with_another_digest_is_told(self) -> None:
        other = ids.tag("staging", "shop/web", "1.1")
        more = [node(other, "shop/web:1.1"), edge(other, EdgeKind.POINTS_AT, image(2))]
        same = ids.tag("mirror", "shop/web", "1.1")
        more += [node(same, "shop/web:1.1"), edge(same, EdgeKind.POINTS_AT, image(3))]
        facts = [*world(), *more]
        facts = [_from(f, "staging") if getattr(f, "id", "") == other else f for f in facts]
        facts = [_from(f, "mirror") if getattr(f, "id", "") == same else f for f in facts]
        lines = text(summary.rows(graph(*facts), TAG))
        assert f"differs in  staging/shop/web:1.1 {digest(2)[7:19]}" in lines
        assert f"same in     mirror/shop/web:1.1 {digest(3)[7:19]}" in lines

    def test_what_is_unknown_is_said(self) -> None:
        lines = text(summary.rows(graph(*world()), image(1)))
        assert "built on    unknown: no image that is read is its base" in lines
        assert "source      unknown: nothing names a git commit" in lines

    def test_what_runs_it_is_counted_however_far_away(self) -> None:
        rows = summary.rows(graph(*world()), ids.layer(digest(11)))
        assert "in all      3 images, 3 tags, 1 container" in text(rows)
        rows = summary.rows(graph(*world()), ids.layer(digest(31)))
        assert "run by      nothing that is known runs it" in text(rows)

    def test_long_lists_are_counted(self) -> None:
        base = image(99)
        facts: list[Fact] = [node(base, "base")]
        for number in range(100, 108):
            facts += [
                node(image(number), f"i{number}"),
                edge(image(number), EdgeKind.BASED_ON, base),
            ]
        assert "            … and 3 more" in text(summary.rows(graph(*facts), base))

    def test_a_host_shows_its_deployments_in_boot_order_with_their_states(self) -> None:
        host = ids.host("a")
        facts = [node(host, "a", drift=["not what the tag names"])]
        for index, checksum, flags in (
            (1, "1" * 64, {"booted": True, "pinned": True}),
            (0, "2" * 64, {"staged": True}),
        ):
            at = ids.deployment("a", "os", checksum, 0)
            facts.append(node(at, f"os/{index}", index=index, unlocked="none", **flags))
            facts += [edge(at, EdgeKind.ON, host), edge(at, EdgeKind.RUNS, ids.commit(checksum))]
        lines = text(summary.rows(graph(*facts), host))
        assert 'drift       ["not what the tag names"]' in lines
        assert lines[lines.index("deployments") :] == [
            "deployments",
            "0 deployment os/0 staged",
            "  runs      commit 222222222222 not seen",
            "1 deployment os/1 booted pinned",
            "  runs      commit 111111111111 not seen",
        ]

    @pytest.mark.parametrize(
        ("at", "said"),
        [
            ("1" * 64, "follows     r:edge, which has this digest now"),
            ("2" * 64, "follows     r:edge, which has another digest now"),
            ("", "follows     r:edge: what it has now is unknown"),
        ],
    )
    def test_a_deployment_says_whether_its_name_moved_on(self, at: str, said: str) -> None:
        deployment, ref = ids.deployment("a", "os", "1" * 64, 0), ids.ref("os-repo", "edge")
        facts: list[Fact] = [node(deployment, "os/1", origin="r:edge")]
        facts.append(edge(deployment, EdgeKind.RUNS, ids.commit("1" * 64)))
        if at:
            facts += [node(ref, "edge"), edge(ref, EdgeKind.POINTS_AT, ids.commit(at))]
        assert said in text(summary.rows(graph(*facts), deployment))

    def test_a_host_that_was_not_read_says_so(self) -> None:
        made = graph(node(ids.host("a"), "a", reachable=False, error="no route"))
        lines = text(summary.rows(made, ids.host("a")))
        assert "condition   unreachable: what is shown may be old" in lines
        assert "error       no route" in lines
        assert lines[-1] == "            none is known"

    def test_a_node_nobody_described_says_so(self) -> None:
        made = graph(edge(TAG, EdgeKind.POINTS_AT, image(5)))
        lines = text(summary.rows(made, image(5)))
        assert "condition   not seen: no source describes it, it is only mentioned" in lines

    def test_a_node_the_graph_does_not_hold_is_a_key_error(self) -> None:
        with pytest.raises(KeyError):
            summary.rows(Graph(), TAG)

    def test_where_it_is_narrow_digests_and_names_get_rows_of_their_own(self) -> None:
        lines = text(summary.rows(graph(*world()), TAG, width=30))
        at = lines.index("now")
        assert lines[at + 1] == f"  image shop/web:1.1 {digest(3)[7:19]}"
        at = lines.index("digest")
        assert "".join(line.strip() for line in lines[at + 1 : at + 4]) == digest(3)
        assert f"  {digest(3)}" in text(summary.rows(graph(*world()), TAG, width=80))

    def test_an_alias_is_followed_to_the_commit(self) -> None:
        alias, branch = ids.ref("os-repo", "now"), ids.ref("os-repo", "edge/x86_64/stable")
        made = graph(*world(), node(alias, "now"), edge(alias, EdgeKind.POINTS_AT, branch))
        lines = text(summary.rows(made, alias))
        assert lines[lines.index("which is") + 1] == "commit 40.12 000000000000"

    def test_ages_count_from_the_time_given(self) -> None:
        made = graph(node(ids.git("a" * 40), "a", time=SEEN))
        rows = summary.rows(made, ids.git("a" * 40), now=SEEN + 3 * 86400)
        assert "created     2023-11-14 22:13, 3 days ago" in text(rows)


def _from(fact: Fact, source: str) -> Fact:
    return type(fact)(
        **{name: getattr(fact, name) for name in fact.__struct_fields__} | {"source": Safe(source)}
    )


class TestLayers:
    def test_history_sizes_and_bases_stand_side_by_side(self) -> None:
        history = [
            {"created_by": "/bin/sh -c #(nop) ADD rootfs", "layer": 0},
            {"created_by": "ENV A=b", "empty": True, "layer": None},
            {"created_by": "RUN /bin/sh -c make # buildkit", "layer": 1},
        ]
        one, two = digest(11), digest(12)
        facts = [
            node(image(1), "base", layers=[one]),
            node(image(2), "app", layers=[one, two], history=history),
            node(ids.layer(one), size=2_000_000),
            node(ids.layer(two), size=1000),
            edge(image(1), EdgeKind.CONTAINS, ids.layer(one), position=0),
            edge(image(2), EdgeKind.CONTAINS, ids.layer(one), position=0),
            edge(image(2), EdgeKind.CONTAINS, ids.layer(two), position=1),
            edge(image(2), EdgeKind.BASED_ON, image(1)),
        ]
        made = graph(*facts)
        rows = layers.rows(made, image(2), width=50)
        assert text(rows) == [
            "2 layers, 2.0 MB",
            f"from image base {digest(1)[7:19]}",
            "  1   2.0 MB ADD rootfs                         +1",
            "             ENV A=b",
            f"its own image app {digest(2)[7:19]}",
            "  2   1.0 kB RUN make",
        ]
        assert [row.node for row in rows][1:3] == [image(1), ids.layer(one)]
        assert text(layers.rows(made, image(2), width=50, top_first=True))[2].endswith("RUN make")

    def test_a_layer_of_unknown_size_is_no_layer_of_size_nothing(self) -> None:
        rows = layers.rows(graph(*world()), TAG, width=40)
        assert text(rows)[0] == "3 layers, sizes unknown"
        assert text(rows)[2].startswith("  1        ? ")

    def test_the_farthest_base_that_has_a_layer_brings_it(self) -> None:
        diff_ids = [digest(n) for n in (11, 12, 13)]
        facts: list[Fact] = [node(image(n), f"i{n}", layers=diff_ids[:n]) for n in (1, 2, 3)]
        facts += [edge(image(n), EdgeKind.BASED_ON, image(n - 1)) for n in (2, 3)]
        facts += [node(ids.layer(d)) for d in diff_ids]
        lines = text(layers.rows(graph(*facts), image(3), width=60))
        assert [line for line in lines if "image i" in line] == [
            f"from image i1 {digest(1)[7:19]}",
            f"from image i2 {digest(2)[7:19]}",
            f"its own image i3 {digest(3)[7:19]}",
        ]

    def test_of_an_index_the_images_are_offered(self) -> None:
        index = ids.index(digest(9))
        facts = [
            node(index, "app"),
            *(edge(index, EdgeKind.LISTS, image(n), position=n) for n in (1, 2)),
        ]
        rows = layers.rows(graph(*facts), index)
        assert [row.node for row in rows] == [None, image(1), image(2)]


class TestConfig:
    def test_a_tag_shows_the_configuration_of_its_image(self) -> None:
        facts = [
            node(
                image(1), "app", entrypoint=["/bin/app", "a b"], env=["A=1", "B"], labels={"k": "v"}
            ),
            node(TAG, "app:1"),
            edge(TAG, EdgeKind.POINTS_AT, image(1)),
        ]
        assert text(config.rows(graph(*facts), TAG)) == [
            "behind it",
            f"image app {digest(1)[7:19]}",
            'entrypoint  /bin/app "a b"',
            "environment",
            "A           1",
            "B",
            "labels",
            "k           v",
        ]

    def test_a_value_too_long_stands_below_its_name(self) -> None:
        made = graph(node(image(1), "app", labels={"k": "word " * 20}))
        lines = text(config.rows(made, image(1), width=40))
        assert lines[1] == "k"
        assert lines[2].startswith("  word word")

    def test_nothing_is_said_to_be_nothing(self) -> None:
        made = graph(node(image(1), "app"))
        assert text(config.rows(made, image(1))) == ["            no configuration is known"]
        assert Tab.CONFIG not in tabs(made, image(1))


class TestEvidence:
    def test_every_edge_has_its_level_its_reason_and_who_gave_it(self) -> None:
        rows = evidence.rows(graph(*world()), TAG)
        assert text(rows)[:4] == [
            "came from or rests on  1 edge",
            f"exact    points-at image shop/web:1.1 {digest(3)[7:19]}",
            "  index.json names it",
            "  — registry 2023-11-14 22:13",
        ]
        assert rows[1].why == "index.json names it"
        assert rows[1].node == image(3)

    def test_sources_that_say_the_same_say_it_together(self) -> None:
        said = edge(TAG, EdgeKind.POINTS_AT, image(1), "so it is")
        lines = text(evidence.rows(graph(said, _from(said, "other")), TAG))
        assert "  — other 2023-11-14 22:13, registry 2023-11-14 22:13" in lines
        assert lines.count("  so it is") == 1

    def test_many_edges_are_counted(self) -> None:
        layer = ids.layer(digest(1))
        facts = [edge(image(n), EdgeKind.CONTAINS, layer) for n in range(evidence.MAX_EDGES + 5)]
        assert "… and 5 more" in text(evidence.rows(graph(*facts), layer))


class TestDocument:
    def test_json_is_indented_and_its_keys_stand_out(self) -> None:
        data = b'{"a":{"b":[1,"x: y"]},"c":""}'
        rows = document.rows([Document(Safe("manifest"), Safe("application/json"), data)])
        assert text(rows) == [
            "manifest  application/json  29 B",
            "{",
            '  "a": {',
            '    "b": [',
            "      1,",
            '      "x: y"',
            "    ]",
            "  },",
            '  "c": ""',
            "}",
        ]
        assert rows[2].line[1] == ('"a":', "kind")

    def test_what_is_no_json_is_shown_as_it_is_with_the_reason(self) -> None:
        rows = document.rows([Document(Safe("m"), Safe("t"), b'{"a":1,"a":2}\nx\ty')])
        assert "stands twice" in text(rows)[1] or "not JSON" in text(rows)[1]
        assert text(rows)[2:] == ['{"a":1,"a":2}', "x       y"]

    def test_bytes_are_dumped(self) -> None:
        rows = document.rows([Document(Safe("m"), Safe("t"), b"\0\1A")])
        assert text(rows)[1].split() == ["00000000", "00", "01", "41", "..A"]

    def test_without_a_document_the_facts_are_shown(self) -> None:
        lines = text(document.rows((), graph(*world()).facts_of(TAG)))
        assert lines[0] == "fact of registry  as it was told"
        assert f'  "id": "{TAG}",' in lines

    def test_a_long_document_is_cut_and_says_so(self) -> None:
        made = [Document(Safe("m"), Safe("t"), b"x\n" * 100)] * 2
        lines = text(document.rows(made, limit=50))
        assert lines[-2:] == ["… more than 50 lines", "… there is more: the list is full"]
        assert len(lines) <= 53

    def test_nothing_is_said_to_be_nothing(self) -> None:
        assert text(document.rows(())) == ["no document is stored"]

    def test_one_endless_line_is_cut(self) -> None:
        rows = document.rows([Document(Safe("m"), Safe("t"), b'{"a":"' + b"x" * 10**6 + b'"}')])
        assert max(len(line) for line in text(rows)) < 5000


def entry(path: bytes, type_: EntryType = EntryType.FILE, **more: object) -> Entry:
    return Entry(path=path, type=type_, **more)  # type: ignore[arg-type]


LISTING = {
    ROOT: [
        entry(b"/etc", EntryType.DIRECTORY, mode=0o755),
        entry(b"/usr", EntryType.DIRECTORY, mode=0o755),
        entry(b"/x", EntryType.LINK, mode=0o777, target=b"etc/a"),
    ],
    b"/etc": [
        entry(b"/etc/a", size=1500, uid=1, gid=2),
        entry(b"/etc/gone", EntryType.WHITEOUT),
        entry(b"/etc/\xff\x1b[m"),
    ],
}


class TestTree:
    def test_open_directories_show_what_stands_in_them(self) -> None:
        rows = tree.rows(LISTING, width=80)
        assert text(rows)[:4] == [
            "drwxr-xr-x 0:0                ▾ etc/",
            "-rw-r--r-- 1:2         1.5 kB     a",
            "xrw-r--r-- 0:0                    gone removes it",
            "-rw-r--r-- 0:0            0 B     \\u{dcff}\\u{1b}[m",
        ]
        assert text(rows)[-1] == "lrwxrwxrwx 0:0                  x → etc/a"
        assert [row.fold for row in rows][:2] == [Fold.OPEN, Fold.NONE]
        assert rows[-2].fold is Fold.CLOSED

    def test_a_row_gives_back_its_path_whatever_bytes_it_has(self) -> None:
        path = b"/etc/\xff\x1b[m"
        row = tree.rows(LISTING)[3]
        assert tree.path_of(row) == path
        assert row.key == tree.key_of(path)
        with pytest.raises(ValueError, match="none"):
            tree.path_of(tree.rows({})[0])

    @pytest.mark.parametrize(("cells", "start"), [(50, "-rw-r--r--   1.5 kB"), (30, "  1.5 kB")])
    def test_a_narrow_tree_leaves_columns_out(self, cells: int, start: str) -> None:
        assert text(tree.rows(LISTING, width=cells))[1].startswith(start)

    def test_text_is_numbered(self) -> None:
        rows = tree.content(entry(b"/a", size=4), b"a\n\tb")
        assert text(rows)[1:] == ["    1 a", "    2         b"]

    def test_a_binary_file_is_dumped_and_what_is_not_shown_is_told(self) -> None:
        rows = tree.content(entry(b"/a", size=5000), b"\x7fELF\0" * 200, digest=digest(1))
        assert text(rows)[0].endswith(digest(1))
        assert text(rows)[-2:] == ["… the first 512 bytes", "… 1.0 kB of 5.0 kB are shown"]

    def test_an_empty_tree_and_an_empty_file_say_so(self) -> None:
        assert text(tree.rows({})) == ["no file is in it"]
        assert text(tree.content(entry(b"/a"), b""))[1:] == ["the file is empty"]


@dataclass(frozen=True)
class Installed:
    name: str
    version: str = "1.0-1"
    arch: str = "amd64"
    manager: str = "dpkg"


class TestPackages:
    def test_columns_line_up(self) -> None:
        found = [Installed("zlib1g", "1:1.2.13"), Installed("bash"), Installed("a" * 30)]
        lines = text(packages.rows(found, width=80))
        assert lines[0] == "3 packages: 3 dpkg"
        assert len({line.index("amd64") for line in lines[1:]}) == 1
        assert [line.split()[0] for line in lines[1:]] == ["a" * 30, "bash", "zlib1g"]

    @pytest.mark.parametrize("cells", [30, 44, 64, 80])
    def test_no_row_is_wider_than_there_is_room(self, cells: int) -> None:
        found = [Installed("n" * 60, "v" * 60, "x86_64")]
        assert all(line_width(row.line) <= cells for row in packages.rows(found, width=cells)[1:])

    def test_problems_come_first(self) -> None:
        rows = packages.rows((), problems=[Problem(Safe("rpm"), Safe("is damaged"))])
        assert text(rows) == ["no package is listed", "rpm: is damaged"]


# -- parts ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_999, "1.0 MB"),
        (10**19, "10.0 EB"),
        (-1, ""),
        (True, ""),
        ("12", ""),
    ],
)
def test_sizes_are_said_in_powers_of_a_thousand(size: object, said: str) -> None:
    assert human(size) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "1970-01-01 00:00"),
        ("2026-05-01T12:00:00Z", "2026-05-01 12:00"),
        ("2026-05-01T12:00:00.123456789+02:00", "2026-05-01 10:00"),
        ("yesterday", "yesterday"),
        (10**30, "1" + "0" * 30),
        (None, ""),
        (True, ""),
    ],
)
def test_times_are_absolute_and_utc(value: object, said: str) -> None:
    assert moment(value) == said


def test_ages_have_one_unit() -> None:
    assert [age(s) for s in (5, 60, 7200, 86400, 800 * 86400, -3600)] == [
        "just now",
        "1 minute ago",
        "2 hours ago",
        "1 day ago",
        "2 years ago",
        "in the future",
    ]


@given(st.text(max_size=200), st.integers(4, 40))
def test_wrapped_pieces_fit_and_lose_nothing(value: str, cells: int) -> None:
    pieces = list(wrapped(value, cells))
    assert all(width(piece) <= cells and is_safe(piece) for piece in pieces)
    squeezed = "".join("".join(pieces).split(" "))
    assert squeezed == "".join(next(iter(wrapped(value, 10**6))).split(" "))


@given(st.binary(max_size=300))
def test_any_bytes_become_safe_lines(data: bytes) -> None:
    assert all(is_safe(line) for line in lines_of(data))
    assert all(is_safe(part) for line in dump(data) for part, _ in line)
    is_binary(data)


def test_a_character_cut_where_looking_ends_is_no_binary() -> None:
    assert not is_binary(b"a" * 8191 + "é".encode())
    assert is_binary(b"\xff\xfe")


# -- every tab, hostile and real ---------------------------------------------------------------


@pytest.mark.parametrize("tab", OF_GRAPH)
@pytest.mark.parametrize("cells", [20, 40, 80])
def test_hostile_text_stays_safe_and_keys_differ(tab: str, cells: int) -> None:
    made = graph(*hostile_world(), *world(), node(image(77), HOSTILE, env=[HOSTILE], kargs=HOSTILE))
    for at in made.ids():
        rows = OF_GRAPH[tab](made, at, width=cells)
        assert rows
        assert all(is_safe(part) for row in rows for part, _ in row.line)
        assert len({row.key for row in rows}) == len(rows)


@pytest.mark.parametrize("value", [1, "text", ["a", 1], {"a": [1]}, None, True, -1.5])
@pytest.mark.parametrize("tab", OF_GRAPH)
def test_attributes_of_any_type_are_shown(tab: str, value: object) -> None:
    keys = "labels env cmd entrypoint layers history size created os drift packages metadata state"
    keys += " verified timestamp index booted unlocked origin image reachable tags platforms kargs"
    attrs: dict[str, object] = dict.fromkeys(keys.split(), value)
    deployment = ids.deployment("a", "os", "1" * 64, 0)
    for at in (image(1), ids.host("a"), deployment, ids.container("d", "c" * 64), TAG):
        made = graph(node(at, "x", **attrs), edge(deployment, EdgeKind.ON, ids.host("a")))
        assert OF_GRAPH[tab](made, at)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    root = build(tmp_path_factory.mktemp("demo") / "demo").parent
    kinds = (("oci-layout", "registry"), ("oci-layout", "staging"), ("ostree", "os-repo"))
    opened = catalogue(audit=False)
    readers = [opened.open(SourceSpec(kind, str(root / p), p)) for kind, p in kinds]
    return read_all(Reading(readers))


class TestDemo:
    def test_a_tag_that_differs_between_two_registries(self, demo: Graph) -> None:
        at = Names(demo).resolve("registry/shop/web:stable")
        lines = text(summary.rows(demo, at, width=80))
        assert "now         image shop/web:1.1 4dda92a75db0" in lines
        assert "differs in  staging/shop/web:stable f23ef8d93b14" in lines
        assert "built on    image base/debian:12.0 0131148c2d66" in lines

    def test_layers_read_as_people_wrote_them(self, demo: Graph) -> None:
        at = Names(demo).resolve("registry/shop/web:stable")
        assert text(layers.rows(demo, at, width=40)) == [
            "4 layers, 39.0 kB",
            "from image base/debian:12.0 0131148c2d66",
            "  1  15.9 kB ADD debian-12.0-amd64.t… +3",
            "  2   6.7 kB RUN apt-get install -y…  +3",
            '             CMD ["/bin/sh"]',
            "its own image shop/web:1.1 4dda92a75db0",
            "  3   9.2 kB RUN apt-get install -y…  +2",
            "  4   7.2 kB COPY web/ /              +1",
            "             ENV SHOP_PORT=8080",
            "             USER shop",
            '             ENTRYPOINT ["/usr/bin/shop…',
        ]

    def test_every_tab_of_every_node_has_rows(self, demo: Graph) -> None:
        for at in demo.ids():
            for tab in tabs(demo, at):
                if tab.value in OF_GRAPH:
                    assert OF_GRAPH[tab.value](demo, at, width=60), (at, tab)
