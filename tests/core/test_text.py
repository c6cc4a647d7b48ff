"""Safe text shows what could act or hide, drops nothing and changes nothing twice."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treering.core.text import is_safe, one_line, safe


@given(st.text())
def test_safe_twice_is_safe_once(text: str) -> None:
    assert safe(safe(text)) == safe(text)


@given(st.text(max_size=200))
def test_nothing_is_dropped(text: str) -> None:
    shown = safe(text)
    for char in text:
        assert char in shown or f"\\u{{{ord(char):x}}}" in shown


@given(st.text())
def test_what_comes_out_is_printable(text: str) -> None:
    shown = safe(text)
    assert shown.isprintable()
    assert all(unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"} for c in shown)


@given(st.binary())
def test_any_bytes_can_be_shown(data: bytes) -> None:
    assert is_safe(safe(data))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", "\\u{1b}[31mred"),
        ("\x9b31m", "\\u{9b}31m"),
        ("a\nb\tc\r", "a\\u{a}b\\u{9}c\\u{d}"),
        ("\u202eevil", "\\u{202e}evil"),
        ("zero\u200bwidth", "zero\\u{200b}width"),
        ("\u3164\u2800\u115f\u034f", "\\u{3164}\\u{2800}\\u{115f}\\u{34f}"),
        ("e\u0301\u0301\u0301\u0301", "e\u0301\u0301\\u{301}\\u{301}"),
        ("[@click=app.quit]x[/]", "[@click=app.quit]x[/]"),
        ("grün 東京 עברית", "grün 東京 עברית"),
        ("\udcff", "\\u{dcff}"),
        ("tag\U000e0041", "tag\\u{e0041}"),
    ],
)
def test_examples(text: str, shown: str) -> None:
    assert safe(text) == shown


def test_a_long_text_says_what_was_cut_and_stays_so() -> None:
    shown = safe("x" * 100, limit=10)
    assert shown == "x" * 10 + "…(+90 characters)"
    assert safe(shown, limit=10) == shown


def test_one_line_is_the_first_that_says_something() -> None:
    assert one_line("\n\n  RUN make \x07\nmore") == "RUN make \\u{7}"
    assert one_line("") == ""
