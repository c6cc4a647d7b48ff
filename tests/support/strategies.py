"""Hypothesis strategies that make facts."""

from __future__ import annotations

from hypothesis import strategies as st

from treering.core import ids
from treering.core.facts import EdgeFact, EdgeKind, Fact, Level, NodeFact
from treering.core.ids import Digest, NodeId
from treering.core.text import Safe


def digest(number: int) -> Digest:
    return Digest(f"sha256:{number:064x}")


digests = st.integers(0, 7).map(digest)
node_ids: st.SearchStrategy[NodeId] = st.one_of(
    digests.map(ids.image),
    digests.map(ids.layer),
    digests.map(ids.index),
    st.sampled_from([ids.tag("a", "app", "1"), ids.tag("b", "app", "1")]),
    st.integers(0, 4).map(lambda n: ids.commit(f"{n:064x}")),
)
sources = st.sampled_from([Safe("a"), Safe("b"), Safe("c")])
times = st.integers(0, 3).map(float)
texts = st.sampled_from(["", "x", "y", "\x1b[31m", "[@click=app.bell]"])


def _image_attrs() -> st.SearchStrategy[dict[str, object]]:
    return st.fixed_dictionaries(
        {},
        optional={
            "layers": st.lists(digests, max_size=4),
            "labels": st.fixed_dictionaries(
                {},
                optional={
                    "org.opencontainers.image.revision": st.sampled_from(["a" * 40, "aaaaaaa"]),
                    "ostree.commit": st.integers(0, 4).map(lambda n: f"{n:064x}"),
                },
            ),
            "annotations": st.fixed_dictionaries(
                {}, optional={"org.opencontainers.image.base.digest": digests}
            ),
            "content": st.sampled_from(["c1", "c2"]),
            "timestamp": st.integers(0, 3),
        },
    )


node_facts = st.builds(
    NodeFact,
    id=node_ids,
    source=sources,
    seen=times,
    label=texts,
    attrs=_image_attrs(),
    same=st.lists(digests, max_size=2).map(tuple),
    names=st.lists(texts, max_size=2).map(tuple),
    present=st.booleans(),
)
edge_facts = st.builds(
    EdgeFact,
    start=node_ids,
    end=node_ids,
    kind=st.sampled_from(EdgeKind),
    level=st.sampled_from(Level),
    source=sources,
    seen=times,
    why=texts,
    position=st.none() | st.integers(0, 3),
    present=st.booleans(),
)
facts: st.SearchStrategy[Fact] = st.one_of(node_facts, edge_facts)
