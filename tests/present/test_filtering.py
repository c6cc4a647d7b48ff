"""Filters: what people type, and what it finds."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treering.present.filtering import parse

TEXT = "registry/shop/web:1.2\ntag:registry/shop/web:1.2\ntag\ndiffers"


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("", True),
        ("web", True),
        ("WEB shop", True),
        ("web api", False),
        ("!api", True),
        ("!web", False),
        ("~rsw12", True),
        ("~zzz", False),
        ("!~rsw12", False),
        ("1\\.[23]$", True),
        ("^differs$", True),
        ("/shop/web/", True),
        ("^shop", False),
        ("(", True),
        ("(a+)+$", True),
        ("   ", True),
    ],
)
def test_what_is_found(typed: str, found: bool) -> None:
    assert parse(typed).test(TEXT) is found


@pytest.mark.parametrize("typed", ["(", "[", "*", "a**", "(a*)*b", "(?P<x", "/(/"])
def test_what_cannot_be_used_says_why_and_hides_nothing(typed: str) -> None:
    chosen = parse(typed)
    assert chosen.error
    assert chosen.test("anything")


@given(st.text(max_size=300))
def test_anything_may_be_typed(typed: str) -> None:
    chosen = parse(typed)
    assert chosen.test(TEXT) in {True, False}


@given(st.text(alphabet="ab*+()?|.", max_size=12))
def test_no_pattern_takes_long(typed: str) -> None:
    began = time.process_time()
    parse(typed).test("a" * 60 + "\n" + "ab" * 30)
    assert time.process_time() - began < 5  # it would be hours
