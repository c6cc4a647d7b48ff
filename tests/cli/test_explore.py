"""``graph``, ``find`` and ``lineage`` on the demo world."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from treering.core.facts import EdgeKind, Level
from treering.core.ids import Kind


def config(demo: Path) -> tuple[str, Path]:
    return "--config", demo / "treering.toml"


def test_the_graph_has_the_shape_of_the_contract(run: Any, demo: Path) -> None:
    done = run("graph", "--json", *config(demo))
    assert done.code == 0
    document = done.json
    assert document["schema"] == "treering.graph/1"
    ids = {node["id"] for node in document["nodes"]}
    for node in document["nodes"]:
        assert {"id", "kind", "label", "attrs", "sources"} <= set(node)
        assert node["kind"] in set(Kind)
    for edge in document["edges"]:
        assert {"from", "to", "kind", "evidence", "why"} <= set(edge)
        assert edge["kind"] in set(EdgeKind)
        assert edge["evidence"] in set(Level)
        assert edge["why"]
        assert {edge["from"], edge["to"]} <= ids
    assert [s["name"] for s in document["sources"]] == ["registry", "staging", "os-repo", "shop"]
    for source in document["sources"]:
        assert source["state"] == "ok"
        assert source["error"] is None
        assert source["nodes"] > 0
        assert source["seconds"] >= 0


def test_format_json_is_json(run: Any, demo: Path) -> None:
    assert run("graph", "--format", "json", *config(demo)).json["schema"] == "treering.graph/1"


def test_dot_and_mermaid_name_every_node_and_edge(run: Any, demo: Path) -> None:
    document = run("graph", "--json", *config(demo)).json
    dot = run("graph", "--format", "dot", *config(demo)).out
    assert dot.startswith("digraph treering {")
    assert dot.count(" -> ") == len(document["edges"])
    assert all(f'"{node["id"]}"' in dot for node in document["nodes"])
    mermaid = run("graph", "--format", "mermaid", *config(demo)).out
    assert mermaid.startswith("flowchart LR")
    assert mermaid.count("|") == 2 * len(document["edges"])


def test_the_summary_counts(run: Any, demo: Path) -> None:
    out = run("graph", *config(demo)).out
    assert "registry  oci-layout  ok" in out
    assert "based-on" in out


@pytest.mark.parametrize("text", ["web:1.2", "WEB:1.2", "shop/web"])
def test_find_finds_parts_of_names(run: Any, demo: Path, text: str) -> None:
    done = run("find", text, "--json", *config(demo))
    assert done.code == 0
    assert done.json["schema"] == "treering.find/1"
    assert "tag:registry/shop/web:1.2" in {n["id"] for n in done.json["nodes"]}


def test_find_that_finds_nothing_says_so(run: Any, demo: Path) -> None:
    done = run("find", "no-such-thing", *config(demo))
    assert (done.code, done.out) == (0, "")
    assert "nothing here contains no-such-thing" in done.err


def test_up_tells_the_base_the_commit_and_the_layers(run: Any, demo: Path) -> None:
    done = run("lineage", "registry/shop/web:1.2", "--up", *config(demo))
    assert done.code == 0
    for words in ("points-at image", "based-on image", "base/debian:12.1", "built-from source"):
        assert words in done.out
    assert "what came of it" not in done.out


def test_down_tells_what_rests_on_a_base(run: Any, demo: Path) -> None:
    done = run("lineage", "registry/base/debian:12.1", "--down", "--json", *config(demo))
    found = {row["id"] for row in done.json["down"]}
    assert {"tag:registry/shop/web:1.2", "tag:staging/shop/web:stable"} <= found
    assert "up" not in done.json


def test_both_ways_without_an_option_and_every_edge_has_its_nodes(run: Any, demo: Path) -> None:
    document = run("lineage", "registry/shop/web:1.2", "--json", *config(demo)).json
    assert document["schema"] == "treering.lineage/1"
    nodes = {node["id"] for node in document["nodes"]}
    assert all({e["from"], e["to"]} <= nodes for e in document["edges"])
    for way in ("up", "down"):
        for number, row in enumerate(document[way]):
            assert row["parent"] is None if number == 0 else row["parent"] < number
            assert row["id"] in nodes


def test_depth_and_why(run: Any, demo: Path) -> None:
    done = run("lineage", "registry/shop/web:1.2", "--up", "--depth", "1", "--why", *config(demo))
    assert len(done.out.splitlines()) == 3
    assert "cut by --depth" in done.out
    assert "index.json" in done.out


def test_every_identity_of_an_image_is_the_same_node(run: Any, demo: Path) -> None:
    document = run("graph", "--json", *config(demo)).json
    target = next(e["to"] for e in document["edges"] if e["from"] == "tag:registry/shop/web:1.2")
    node = next(n for n in document["nodes"] if n["id"] == target)
    identities = [target, target.removeprefix("image:"), *node["attrs"]["manifests"]]
    identities += [node["attrs"]["chain"], target.removeprefix("image:sha256:")[:10]]
    for identity in identities:
        found = run("lineage", identity, "--up", "--depth", "0", "--json", *config(demo)).json
        assert found["node"] == target


def test_a_name_nobody_has_lists_near_ones(run: Any, demo: Path) -> None:
    done = run("lineage", "registry/shop/web:1.9", *config(demo))
    assert done.code == 2
    assert "registry/shop/web:1." in done.err
    assert done.out == ""


def test_a_source_given_by_hand(run: Any, demo: Path) -> None:
    done = run("graph", "--json", "--source", f"oci-layout:{demo / 'registry'}")
    assert [s["name"] for s in done.json["sources"]] == ["registry"]


def test_discovery_reads_what_stands_in_the_directory(run: Any, demo: Path, tmp_path: Path) -> None:
    for name in ("registry", "os-repo"):
        shutil.copytree(demo / name, tmp_path / name)
    done = run("graph", "--json")
    assert {"registry", "os-repo"} <= {s["name"] for s in done.json["sources"]}


def test_a_broken_source_is_named_the_rest_is_read_and_the_code_is_3(
    run: Any, demo: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    sources = ("--source", f"ostree:{demo / 'os-repo'}", "--source", "oci-layout:empty")
    done = run("graph", "--json", *sources)
    assert done.code == 3
    states = {s["name"]: s["state"] for s in done.json["sources"]}
    assert states == {"os-repo": "ok", "empty": "failed"}
    assert len(done.json["nodes"]) > 10
    assert "empty" in done.err


def test_nothing_to_read_says_what_to_do(run: Any) -> None:
    done = run("graph")
    assert done.code == 2
    assert "treering demo" in done.err


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["graph", "--source", "dokcer"], "did you mean docker?"),
        (["graph", "--config", "none.toml"], "none.toml"),
        (["graph", "--source", "registry:x"], "this version cannot read"),
        ([], "needs a terminal"),
    ],
)
def test_wrong_arguments(run: Any, argv: list[str], words: str) -> None:
    done = run(*argv)
    assert done.code == 2
    assert words in done.err


@pytest.mark.parametrize(
    "argv", [["nonsense"], ["lineage"], ["graph", "--timeout", "-1"], ["graph", "--format", "x"]]
)
def test_argparse_says_usage_and_2(run: Any, argv: list[str]) -> None:
    done = run(*argv)
    assert done.code == 2
    assert "usage: treering" in done.err
