"""Joins say what follows from facts side by side, and how well it is known."""

from __future__ import annotations

from typing import Any

import pytest
from support.strategies import digest

from treering.core import ids
from treering.core.facts import EdgeFact, EdgeKind, Level, NodeFact
from treering.core.graph import Edge, Graph
from treering.core.ids import NodeId
from treering.core.joins import derive, wanted
from treering.core.text import Safe

S = Safe("s")
REVISION = "org.opencontainers.image.revision"
BASE = "org.opencontainers.image.base.digest"
SHA = "0123456789abcdef0123456789abcdef01234567"


def image(number: int, layers: list[int], **attrs: Any) -> NodeFact:
    attrs["layers"] = [digest(n) for n in layers]
    same = tuple(digest(n) for n in attrs.pop("same", ()))
    return NodeFact(id=ids.image(digest(number)), source=S, seen=1.0, attrs=attrs, same=same)


def step(text: str) -> dict[str, Any]:
    return {"created_by": text, "created": "", "comment": "", "author": "", "empty": False}


def node(id_: NodeId, **attrs: Any) -> NodeFact:
    return NodeFact(id=id_, source=S, seen=1.0, attrs=attrs)


def edge(start: NodeId, kind: EdgeKind, end: NodeId) -> EdgeFact:
    return EdgeFact(
        start=start, end=end, kind=kind, level=Level.EXACT, source=S, seen=1.0, why=Safe("so")
    )


def out(number: int, kind: EdgeKind, *facts: NodeFact | EdgeFact) -> list[Edge]:
    graph = Graph()
    graph.merge(facts)
    derive(graph)
    return graph.edges_from(ids.image(digest(number)), frozenset({kind}))


def bases(number: int, *facts: NodeFact) -> list[tuple[NodeId, Level]]:
    return [(e.end, e.level) for e in out(number, EdgeKind.BASED_ON, *facts)]


def img(number: int) -> NodeId:
    return ids.image(digest(number))


def test_the_base_is_the_longest_known_list_of_layers() -> None:
    found = bases(3, image(1, [10]), image(2, [10, 11]), image(3, [10, 11, 12]), image(4, [11]))
    assert found == [(img(2), Level.EXACT)]


def test_layers_in_another_order_are_no_base() -> None:
    assert bases(3, image(1, [11, 10]), image(3, [10, 11, 12])) == []


def test_recompressed_layers_change_nothing() -> None:
    assert bases(3, image(1, [10], same=(50,)), image(3, [10, 11], same=(51,)))


def test_equal_candidates_are_shown_as_a_set_and_none_is_called_exact() -> None:
    found = bases(3, image(1, [10]), image(2, [10]), image(3, [10, 11]))
    assert found == [(img(1), Level.INFERRED), (img(2), Level.INFERRED)]


def test_history_decides_between_equal_candidates() -> None:
    facts = [
        image(1, [10], history=[step("a")]),
        image(2, [10], history=[step("b")]),
        image(3, [10, 11], history=[step("b"), step("c")]),
    ]
    assert bases(3, *facts) == [(img(2), Level.INFERRED)]


def test_the_annotation_decides_between_equal_candidates() -> None:
    facts = [
        image(1, [10], same=(60,)),
        image(2, [10], same=(61,)),
        image(3, [10, 11], annotations={BASE: digest(60)}),
    ]
    assert bases(3, *facts) == [(img(1), Level.DECLARED)]


def test_configuration_decides_between_equal_candidates() -> None:
    facts = [
        image(1, [10], env=["A=1"]),
        image(2, [10], env=["B=1"]),
        image(3, [10, 11], env=["A=1", "C=1"]),
    ]
    assert bases(3, *facts) == [(img(1), Level.INFERRED)]


def test_a_child_that_only_adds_configuration_rests_on_its_parent() -> None:
    facts = [
        image(1, [10], history=[step("a")]),
        image(2, [10], history=[step("a"), step("ENV")]),
        image(3, [10], history=[step("a"), step("ENV"), step("LABEL")]),
    ]
    assert bases(3, *facts) == [(img(2), Level.INFERRED)]
    assert bases(1, *facts) == []


def test_a_declared_base_nobody_knows_is_shown_as_unknown() -> None:
    assert bases(3, image(3, [10], annotations={BASE: digest(99)})) == [(img(99), Level.DECLARED)]


@pytest.mark.parametrize("value", ["", "sha256:xyz", None, 7])
def test_an_empty_or_odd_annotation_declares_nothing(value: object) -> None:
    assert bases(3, image(3, [10], annotations={BASE: value})) == []


def test_a_declared_index_means_its_image_for_the_platform() -> None:
    index = ids.index(digest(70))
    facts = [
        image(1, [10], os="linux", architecture="amd64"),
        image(2, [20], os="linux", architecture="arm64"),
        node(index),
        edge(index, EdgeKind.LISTS, img(1)),
        edge(index, EdgeKind.LISTS, img(2)),
        image(3, [30], os="linux", architecture="arm64", annotations={BASE: digest(70)}),
    ]
    assert [e.end for e in out(3, EdgeKind.BASED_ON, *facts)] == [img(2)]


def test_proof_and_claim_of_one_base_are_one_edge() -> None:
    (found,) = out(
        3,
        EdgeKind.BASED_ON,
        image(1, [10], same=(60,)),
        image(3, [10, 11], annotations={BASE: digest(60)}),
    )
    assert found.level is Level.EXACT
    assert "declared" in found.why


def test_only_the_stage_whose_layers_are_there_is_the_base() -> None:
    statement = ids.attestation(digest(80))
    listed = {"bases": [{"uri": "x", "digest": digest(60)}, {"uri": "y", "digest": digest(61)}]}
    facts = [
        image(1, [10], same=(60,)),
        image(2, [20], same=(61,)),
        image(3, [10, 11]),
        node(statement, provenance=listed),
        edge(statement, EdgeKind.ATTESTS, img(3)),
    ]
    assert [e.end for e in out(3, EdgeKind.BASED_ON, *facts)] == [img(1)]


def sources_of(number: int, *facts: NodeFact | EdgeFact) -> list[NodeId]:
    return [e.end for e in out(number, EdgeKind.BUILT_FROM, *facts)]


def test_a_revision_label_names_the_commit() -> None:
    (found,) = out(3, EdgeKind.BUILT_FROM, image(3, [10], labels={REVISION: SHA}))
    assert (found.end, found.level) == (ids.git(SHA), Level.DECLARED)
    assert "base is not known" in found.why


def test_a_label_inherited_from_the_base_says_nothing() -> None:
    facts = [image(1, [10], labels={REVISION: SHA}), image(3, [10, 11], labels={REVISION: SHA})]
    assert sources_of(3, *facts) == []
    assert sources_of(1, *facts) == [ids.git(SHA)]


def test_a_label_that_differs_from_the_base_counts() -> None:
    facts = [
        image(1, [10], labels={REVISION: "f" * 40}),
        image(3, [10, 11], labels={REVISION: SHA}),
    ]
    assert sources_of(3, *facts) == [ids.git(SHA)]


def test_a_short_revision_needs_exactly_one_known_commit() -> None:
    it = image(3, [10], labels={"vcs-ref": SHA[:8]})
    assert sources_of(3, it) == []
    assert sources_of(3, it, node(ids.git(SHA))) == [ids.git(SHA)]
    twin = SHA[:20] + "0" * 20
    assert sources_of(3, it, node(ids.git(SHA)), node(ids.git(twin))) == []


@pytest.mark.parametrize("value", ["main", "v1.0", "", "../x", "0123456", "g" * 40, None])
def test_what_is_no_commit_makes_no_edge(value: object) -> None:
    assert sources_of(3, image(3, [10], labels={REVISION: value})) == []


def test_claims_are_what_git_is_asked_for() -> None:
    graph = Graph()
    graph.merge([image(3, [10], labels={REVISION: SHA, "vcs-ref": "abcdef0"})])
    assert wanted(graph) == [f"git:{SHA}", "git:abcdef0"]


CHECKSUM = "c" * 64


def encapsulated(number: int, *facts: NodeFact) -> list[NodeId]:
    return [e.end for e in out(number, EdgeKind.ENCAPSULATES, *facts)]


def test_a_host_image_holds_the_commit_its_label_names() -> None:
    labels = {"ostree.commit": CHECKSUM, "ostree.final-diffid": digest(11)}
    assert encapsulated(3, image(3, [10, 11], labels=labels)) == [ids.commit(CHECKSUM)]


def test_an_image_built_on_a_host_image_does_not() -> None:
    labels = {"ostree.commit": CHECKSUM, "ostree.final-diffid": digest(11)}
    assert encapsulated(3, image(3, [10, 11, 12], labels=labels)) == []


def test_commits_of_one_tree_are_joined_in_time_order() -> None:
    graph = Graph()
    for number, time in ((1, 30), (2, 10), (3, 20)):
        graph.merge([node(ids.commit(f"{number:064x}"), content="x", timestamp=time)])
    derive(graph)
    pairs = [(e.start[-1], e.end[-1]) for e in graph.edges() if e.kind is EdgeKind.SAME_TREE]
    assert pairs == [("1", "3"), ("3", "2")]


def test_deriving_twice_is_deriving_once() -> None:
    graph = Graph()
    graph.merge([image(1, [10]), image(3, [10, 11], labels={REVISION: SHA, "vcs-ref": SHA[:7]})])
    derive(graph)
    first = list(graph.edges())
    derive(graph)
    assert list(graph.edges()) == first


def test_an_edge_that_no_longer_follows_is_gone_with_what_it_mentioned() -> None:
    graph = Graph()
    graph.merge([image(3, [10], labels={REVISION: SHA})])
    derive(graph)
    assert ids.git(SHA) in graph
    graph.merge([NodeFact(id=img(3), source=S, seen=2.0, attrs={"layers": []})])
    derive(graph)
    assert ids.git(SHA) not in graph


def test_without_history_configuration_tells_what_a_child_rests_on() -> None:
    facts = [
        image(1, [10]),
        image(2, [10, 11], env=["A=1"], created="2024-01-01"),
        image(3, [10, 11], env=["A=1", "Z=1"], created="2024-01-02"),
    ]
    assert bases(3, *facts) == [(img(2), Level.INFERRED)]
    assert bases(2, *facts) == [(img(1), Level.EXACT)]


def test_of_equal_images_without_history_the_later_rests_on_the_earlier() -> None:
    facts = [image(2, [10], created="2024-01-01"), image(3, [10], created="2024-01-02")]
    assert bases(3, *facts) == [(img(2), Level.INFERRED)]
    assert bases(2, *facts) == []


def test_a_base_whose_history_is_another_is_not_called_exact() -> None:
    facts = [
        image(1, [10], history=[step("a"), step("x")]),
        image(3, [10, 11], history=[step("a"), step("b")]),
    ]
    assert bases(3, *facts) == [(img(1), Level.INFERRED)]


def test_attributes_of_odd_types_do_no_harm() -> None:
    facts = [
        image(1, [10], env=5, labels=["x"], history="no"),
        image(2, [10], env={"a": 1}),
        image(3, [10, 11], env=None, labels=7),
    ]
    assert len(bases(3, *facts)) == 2


def test_a_thousand_rebuilds_of_one_image_are_no_wall() -> None:
    import time

    rebuilt = [image(n, [10, 11], history=[step("a"), step(f"l{n}")]) for n in range(1000)]
    children = [image(n, [10, 11, n], history=[step("c")]) for n in range(2000, 3000)]
    began = time.process_time()
    bases(2000, *rebuilt, *children)
    assert time.process_time() - began < 20


def test_what_is_gone_runs_nothing() -> None:
    import msgspec

    index, box = ids.index(digest(70)), ids.container("e", "c")
    runs = edge(box, EdgeKind.RUNS, index)
    graph = Graph()
    graph.merge([image(1, [10]), node(index), edge(index, EdgeKind.LISTS, img(1)), runs])
    graph.merge([msgspec.structs.replace(runs, present=False, seen=2.0)])
    derive(graph)
    assert not [e for e in graph.edges_to(img(1)) if e.kind is EdgeKind.RUNS and not e.gone]


def test_an_index_without_the_platform_of_what_runs_it_is_only_a_guess() -> None:
    index, box = ids.index(digest(70)), ids.container("e", "c")
    graph = Graph()
    graph.merge(
        [
            image(1, [10], os="linux", architecture="amd64"),
            node(index),
            edge(index, EdgeKind.LISTS, img(1)),
            node(box, platform="linux/arm64"),
            edge(box, EdgeKind.RUNS, index),
        ]
    )
    derive(graph)
    (run,) = [e for e in graph.edges_from(box) if e.end == img(1)]
    assert run.level is Level.INFERRED
