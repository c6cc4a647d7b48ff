"""ASCII for every glyph that is drawn, cell by cell."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual._border import BORDER_CHARS
from textual.scrollbar import ScrollBarRender

from treering.core.text import safe
from treering.present.glyphs import ASCII, ascii_only

ROOT = Path(__file__).parents[2]


def strings(value: object) -> Iterator[str]:
    """Yield the characters of nested tuples and dictionaries of text."""
    if isinstance(value, str):
        yield from value
        return
    for part in value.values() if isinstance(value, dict) else value:  # type: ignore[attr-defined]
        yield from strings(part)


def drawn() -> Iterator[str]:
    """Yield every character beyond ASCII in a text of the program."""
    for root in ("core", "tui", "adapters"):
        for path in (ROOT / root).rglob("*.py"):
            if path.name in {"glyphs.py", "text.py"}:  # text.py lists what is never drawn
                continue
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield from (
                        c for c in node.value if c.isprintable() and not c.isascii() and cell_len(c)
                    )


def test_every_glyph_becomes_one_cell_of_ascii() -> None:
    for glyph, cell in ASCII.items():
        assert cell.isascii(), glyph
        assert cell.isprintable(), glyph
        assert len(cell) == cell_len(glyph) == 1, glyph


def test_every_glyph_of_the_program_is_in_the_table() -> None:
    assert not {c for c in drawn() if c not in ASCII}


def test_every_glyph_of_borders_and_scroll_bars_is_in_the_table() -> None:
    bars = (ScrollBarRender.VERTICAL_BARS, ScrollBarRender.HORIZONTAL_BARS)
    found = {c for c in strings((BORDER_CHARS, bars)) if not c.isascii()}
    assert len(found) > 40
    assert not found - set(ASCII)


def test_marks_that_tell_states_apart_stay_apart() -> None:
    for marks in ("●○◐✓✗⚠…·→←", "▸▾●", "▶▼", "↑↓", "+-~*●○✗"):
        assert len(set(map(ascii_only, marks))) >= len(set(marks)) - marks.count("*"), marks


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("├─ a…", "+- a~"),
        ("╭─╮", "+-+"),
        ("● booted", "* booted"),
        ("naïve", "na?ve"),
        ("e\u0301", "?"),
        ("界a", "??a"),
        ("👍🏽!", "??!"),
        ("🇩🇪", "??"),
        ("\u200d", ""),
        ("", ""),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert ascii_only(text) == shown


@given(st.text())
def test_no_column_moves(text: str) -> None:
    for given_text in (text, safe(text)):
        shown = ascii_only(given_text)
        assert shown.isascii()
        if not given_text.isascii():
            assert len(shown) == cell_len(given_text)
