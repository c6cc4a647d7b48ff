"""Links: a view as text and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treering.core import ids
from treering.core.errors import UsageError
from treering.core.ids import NodeId
from treering.present.detail import Tab
from treering.present.links import View, link, parse
from treering.present.places import Place


@given(
    st.sampled_from(Place),
    st.sampled_from(Tab),
    st.text(max_size=40).map(lambda name: ids.tag("src", name or "x", "1")),
    st.text(alphabet=st.characters(codec="utf-8"), max_size=40),
)
def test_a_link_leads_back(place: Place, tab: Tab, node: NodeId, path: str) -> None:
    target = parse(link(View(place, node, tab, path), base=node))
    assert (target.place, target.tab, target.path) == (place, tab, path)
    assert (target.name, target.base) == (node, node)


def test_a_link_reads_as_one_would_write_it() -> None:
    view = View(Place.REFS, ids.ref("repo", "os/stable"), Tab.TREE, "/etc/os-release")
    assert link(view) == "ref:repo/os/stable?place=refs&tab=tree&path=/etc/os-release"


def test_a_plain_name_is_a_target_too() -> None:
    assert parse(" layout/app:1.2 ").name == "layout/app:1.2"


@pytest.mark.parametrize("text", ["a?tab=none", "a?place=x", "a?colour=red", "a" * 10_000])
def test_what_is_no_link_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse(text)
