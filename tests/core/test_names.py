"""Names resolve to one node, or say what they could mean."""

from __future__ import annotations

import pytest
from support.strategies import digest

from treering.core import ids
from treering.core.errors import AmbiguousName, UnknownName
from treering.core.facts import NodeFact
from treering.core.graph import Graph
from treering.core.ids import Digest, NodeId
from treering.core.names import Names
from treering.core.text import Safe

CONFIG = Digest("sha256:" + "ab12cd34" * 8)
MANIFEST = Digest("sha256:" + "99887766" * 8)
CHAIN = Safe("sha256:" + "55443322" * 8)
REPO_DIGEST = Safe("example.org/app@sha256:" + "77777777" * 8)
CONTAINER = "c0ffee00" * 8


@pytest.fixture
def names() -> Names:
    def node(id_: NodeId, label: str = "", **more: object) -> NodeFact:
        return NodeFact(id=id_, source=Safe("s"), seen=1.0, label=Safe(label), **more)  # type: ignore[arg-type]

    graph = Graph()
    graph.merge(
        [
            node(ids.image(CONFIG), "app", same=(MANIFEST,), names=(CHAIN, REPO_DIGEST)),
            node(ids.tag("layout", "app", "1.2")),
            node(ids.tag("layout", "", "1.3")),
            node(ids.tag("docker", "docker.io/library/nginx", "1")),
            node(ids.ref("repo", "os/x86_64/stable")),
            node(ids.container("docker", CONTAINER), "web-1"),
            node(ids.commit("ab12cd3" + "0" * 57), "40.1"),
            node(ids.commit("ab12cd3" + "1" * 57), "40.2"),
        ]
    )
    return Names(graph)


@pytest.mark.parametrize(
    "text",
    [
        f"image:{CONFIG}",
        CONFIG,
        "ab12cd34ab",
        f"image:{CONFIG[:20]}",
        MANIFEST,
        "99887766",
        f"image:{MANIFEST}",
        CHAIN,
        "5544332255",
        REPO_DIGEST,
        "7777777",
    ],
)
def test_all_identities_of_an_image_are_one_node(names: Names, text: str) -> None:
    assert names.resolve(text) == ids.image(CONFIG)


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("layout/app:1.2", ids.tag("layout", "app", "1.2")),
        ("layout/1.3", ids.tag("layout", "", "1.3")),
        ("layout:1.3", ids.tag("layout", "", "1.3")),
        ("docker/nginx:1", ids.tag("docker", "docker.io/library/nginx", "1")),
        ("docker/library/nginx:1", ids.tag("docker", "docker.io/library/nginx", "1")),
        ("repo/os/x86_64/stable", ids.ref("repo", "os/x86_64/stable")),
        ("docker/web-1", ids.container("docker", CONTAINER)),
        ("web-1", ids.container("docker", CONTAINER)),
        ("c0ffee00", ids.container("docker", CONTAINER)),
    ],
)
def test_names_people_say(names: Names, text: str, node: NodeId) -> None:
    assert names.resolve(text) == node


def test_an_ambiguous_prefix_lists_what_it_could_be(names: Names) -> None:
    with pytest.raises(AmbiguousName) as caught:
        names.resolve("ab12cd3")
    assert len(caught.value.candidates) == 3
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("text", ["nginx:2", "ab12cd", "", "image:sha256:zz", "\x1b[31m"])
def test_an_unknown_name_is_said_safely(names: Names, text: str) -> None:
    with pytest.raises(UnknownName) as caught:
        names.resolve(text)
    assert "\x1b" not in str(caught.value)


def test_a_near_name_is_offered(names: Names) -> None:
    with pytest.raises(UnknownName) as caught:
        names.resolve("repo/os/x86_64/stabel")
    assert "repo/os/x86_64/stable" in caught.value.candidates


def test_find_looks_everywhere(names: Names) -> None:
    assert list(names.find("STABLE")) == [ids.ref("repo", "os/x86_64/stable")]
    assert list(names.find("99887766")) == [ids.image(CONFIG)]
    assert list(names.find(digest(3))) == []


def test_a_real_name_counts_before_the_short_form_of_another() -> None:
    graph = Graph()
    for repository in ("app", "localhost/app"):
        tag = ids.tag("docker", repository, "1")
        graph.merge([NodeFact(id=tag, source=Safe("docker"), seen=1.0)])
    assert Names(graph).resolve("docker/app:1") == ids.tag("docker", "app", "1")


def test_a_container_called_like_a_digest_is_not_picked_silently(names: Names) -> None:
    graph = names.graph
    box = ids.container("docker", "f" * 64)
    graph.merge([NodeFact(id=box, source=Safe("s"), seen=1.0, label=Safe("ab12cd34ab"))])
    with pytest.raises(AmbiguousName):
        Names(graph).resolve("ab12cd34ab")


def test_a_layer_is_itself_though_an_image_has_the_same_chain_id() -> None:
    graph = Graph()
    fact = NodeFact(id=ids.image(CONFIG), source=Safe("s"), seen=1.0, names=(Safe(MANIFEST),))
    graph.merge([fact, NodeFact(id=ids.layer(MANIFEST), source=Safe("s"), seen=1.0)])
    assert Names(graph).resolve(MANIFEST) == ids.layer(MANIFEST)
