"""The orders of versions: what the specifications say, and that they are orders at all."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treering.core.packages import Manager
from treering.core.packages.versions import compare, key
from treering.core.packages.versions.parts import MAX_VERSION

VERSIONS = st.text(alphabet="0019aAbz.+~^-_:r", max_size=12) | st.text(max_size=6)
MANAGERS = st.sampled_from(list(Manager))

RISING: list[tuple[Manager, list[str]]] = [
    (Manager.DPKG, ["~~", "~~a", "~", "", "a", "+"]),
    (Manager.DPKG, ["1.0~beta1~svn1245", "1.0~beta1", "1.0", "1.0a", "1.0+b1", "1.0.1"]),
    (Manager.DPKG, ["1.2-0ubuntu1", "1.2-1~bpo12+1", "1.2-1", "1.2-1+deb12u1", "1.2-1.1"]),
    (Manager.DPKG, ["9.9", "1:0.1", "2:0"]),
    (Manager.DPKG, ["1.9", "1.10", "1.100"]),
    (Manager.RPM, ["1.0~rc1-1", "1.0-1", "1.0-1.1", "1.0-2", "1.0.1-1", "1:0.5-1"]),
    (Manager.RPM, ["1.0~rc1^git1-1", "1.0~rc1.1-1", "1.0-1", "1.0^git1-1", "1.0.a-1", "1.0.1-1"]),
    (Manager.RPM, ["5.14.0-9.el9", "5.14.0-70.el9", "5.14.0-70.13.1.el9_0"]),
    (Manager.APK, ["1.0_alpha", "1.0_alpha2", "1.0_beta", "1.0_pre", "1.0_rc1", "1.0", "1.0-r1"]),
    (Manager.APK, ["1.2-r9", "1.2-r10", "1.2_git20240101", "1.2_p1", "1.2a", "1.2.0", "1.2.1"]),
    (Manager.APK, ["1.01", "1.1", "1.9", "1.10"]),
    (Manager.APK, ["1.2~00ab", "1.2~01aa-r1"]),
]


@pytest.mark.parametrize(("manager", "rising"), RISING)
def test_what_the_specifications_order(manager: Manager, rising: list[str]) -> None:
    for older, newer in pairwise(rising):
        assert compare(manager, older, newer) == -1, (older, newer)
        assert compare(manager, newer, older) == 1


@pytest.mark.parametrize(
    ("manager", "a", "b"),
    [
        (Manager.DPKG, "1.0", "1.00"),
        (Manager.DPKG, "1.0", "0:1.0-0"),
        (Manager.DPKG, "1.0a", "1.0a0"),
        (Manager.DPKG, "", "0"),
        (Manager.RPM, "1.0-1", "0:1_0-01"),
        (Manager.RPM, "1a-1", "1.a-1"),
        (Manager.APK, "01.2", "1.2"),
    ],
)
def test_versions_that_are_the_same_and_written_differently(
    manager: Manager, a: str, b: str
) -> None:
    assert compare(manager, a, b) == 0


@given(MANAGERS, VERSIONS, VERSIONS, VERSIONS)
def test_every_text_has_one_place(manager: Manager, a: str, b: str, c: str) -> None:
    assert compare(manager, a, a) == 0
    assert compare(manager, a, b) == -compare(manager, b, a)
    if compare(manager, a, b) <= 0 and compare(manager, b, c) <= 0:
        assert compare(manager, a, c) <= 0


@pytest.mark.parametrize("manager", list(Manager))
def test_a_version_of_a_million_digits_costs_no_more_than_reading_it(manager: Manager) -> None:
    # Python refuses to make a number of so many digits; a regular expression that went back
    # would not end.
    for text in ("9" * 1_000_000, "1" + ".1" * 500_000, "1" + "_" * 1_000_000, "-" * 1_000_000):
        assert compare(manager, text, text + "1") != 0
        assert len(str(key(manager, text))) < len(text) + 100 * MAX_VERSION
