"""Frames: what is written on one grid gives the next, and costs little."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from support.emulator import Emulator, Look, Shown

from treering.tui.painting import cells, frames, moves, pens, runs, shifts, widths
from treering.tui.painting.cells import SECOND_HALF, UNKNOWN, Cells, Grid
from treering.tui.painting.pens import PLAIN, Pen
from treering.tui.painting.terminal import PLAINEST, Terminal

FULL = Terminal(scrolls=True, erases=True, erases_in_colour=True)
DARK, LIGHT = "48;2;18;18;18", "48;2;1;120;212"
PENS = (
    PLAIN,
    Pen((), "38;2;224;224;224", DARK),
    Pen(("1",), "38;2;224;224;224", LIGHT),
    Pen(("1", "2"), "31", ""),
    Pen(("4",), "", DARK),
    Pen(("7", "3"), "38;5;200", "48;5;17"),
    Pen(("5", "53"), "97", "107"),
    Pen((), "32", DARK, "\x1b]8;id=1;https://example.test\x1b\\"),
)
WHOLE = ("a", "b", " ", "é", "─", "漢", "e\u0301", "한")
UNSURE = ("😀", "❤\ufe0f", "ก", "👩\u200d🚀")

terminals = st.builds(Terminal, st.booleans(), st.booleans(), st.booleans())


def written(text: Iterable[str], pen: Pen) -> Cells:
    """Cells of characters, each with what combines with it."""
    characters: list[str] = []
    for whole in text:
        characters += [whole, *[SECOND_HALF] * (cell_len(whole) - 1)]
    looks = tuple(pens.blank(pen) if c == " " else pen for c in characters)
    return Cells(tuple(characters), looks)


def lines(*texts: str, pen: Pen = PLAIN, width: int | None = None) -> Grid:
    wide = width or max(map(cell_len, texts))
    blank = Grid(wide, (cells.filled(wide, pen=pens.blank(pen)),) * len(texts))
    return blank.painted({y: [(0, written(t, pen))] for y, t in enumerate(texts)})


@st.composite
def grids(draw: Any, width: int, height: int, alphabet: tuple[str, ...] = WHOLE) -> Grid:
    grid = Grid(width, (cells.filled(width),) * height)
    rows = draw(st.dictionaries(st.integers(0, height - 1), pieces(width, alphabet)))
    return grid.painted(rows)


def pieces(width: int, alphabet: tuple[str, ...] = WHOLE) -> st.SearchStrategy[Any]:
    text = st.lists(st.sampled_from(alphabet), min_size=1, max_size=10)
    spaces = st.integers(1, 20).map(lambda n: " " * n)
    cells_of = st.builds(written, st.one_of(text, spaces), st.sampled_from(PENS))
    return st.lists(st.tuples(st.integers(-3, width), cells_of), max_size=4)


@st.composite
def pairs(draw: Any, alphabet: tuple[str, ...] = WHOLE) -> tuple[Grid, Grid]:
    """Two grids: strangers, or the second a scrolled and repainted first."""
    width, height = draw(st.integers(1, 30)), draw(st.integers(1, 9))
    old = draw(grids(width, height, alphabet))
    if draw(st.booleans()):
        return old, draw(grids(width, height, alphabet))
    new = old
    if height > 1:
        top = draw(st.integers(0, height - 2))
        bottom = draw(st.integers(top + 2, height))
        by = draw(st.integers(1 - (bottom - top), bottom - top - 1))
        new = shifts.shifted(old, shifts.Shift(top, bottom, by), PLAIN) if by else old
    over = st.dictionaries(st.integers(0, height - 1), pieces(width, alphabet), max_size=4)
    return old, new.painted(draw(over))


def shown(grid: Grid) -> list[list[Shown]]:
    return [
        [
            Shown(c, Look(frozenset(p.attributes), p.foreground, p.background, p.link)).seen()
            for c, p in zip(*row, strict=True)
        ]
        for row in grid.rows
    ]


def emulator(grid: Grid, terminal: Terminal = FULL, **kwargs: Any) -> Emulator:
    """A terminal that shows a grid."""
    screen = Emulator(grid.width, grid.height, terminal.erases_in_colour, **kwargs)
    screen.rows = shown(grid)
    return screen


def bands(grid: Grid) -> list[tuple[int, int]]:
    return [(0, grid.width), (0, max(1, grid.width // 2)), (grid.width // 2, grid.width)]


@given(pairs(), terminals)
@settings(max_examples=200, deadline=None)
def test_what_is_written_on_one_grid_gives_the_other(
    pair: tuple[Grid, Grid], terminal: Terminal
) -> None:
    old, new = pair
    screen = emulator(old, terminal)
    screen.feed(frames.frame(old, new, terminal, bands(old)))
    assert screen.seen() == shown(new)
    assert screen.look == Look()


@given(pairs((*WHOLE, *UNSURE)), st.sampled_from([1, 2]))
@settings(max_examples=150, deadline=None)
def test_a_terminal_that_disagrees_on_widths_spoils_only_the_characters_in_question(
    pair: tuple[Grid, Grid], width: int
) -> None:
    def measure(character: str) -> int:
        sure = character in widths.CERTAIN or "\u0300" <= character < "\u0370"
        joins = character in {"\u200d", "\ufe0f"}
        return cell_len(character) if sure else 0 if joins else width

    old, new = pair
    screen = Emulator(old.width, old.height, measure=measure)
    screen.feed(frames.frame(cells.unknown(old.width, old.height), old, FULL))
    screen.feed(frames.frame(old, new, FULL, bands(old)))
    for seen, wanted, row in zip(screen.seen(), shown(new), new.rows, strict=True):
        for x, cell in enumerate(wanted):
            doubted = any(widths.unsure(c) for c in _around(row.characters, x))
            assert doubted or seen[x] == cell


def _around(characters: tuple[str, ...], x: int) -> list[str]:
    """The character that owns a cell, and the one after: it may have been written over this."""
    while x and characters[x] == SECOND_HALF:
        x -= 1
    return [characters[x], *characters[x + 1 : x + 3]]


@given(pairs())
@settings(max_examples=100, deadline=None)
def test_nothing_is_written_where_nothing_differs(pair: tuple[Grid, Grid]) -> None:
    assert not frames.frame(pair[0], pair[0], FULL, bands(pair[0]))


@given(pairs())
@settings(max_examples=100, deadline=None)
def test_looking_for_a_scroll_never_costs_bytes(pair: tuple[Grid, Grid]) -> None:
    old, new = pair
    without = frames.frame(old, new, FULL)
    assert len(frames.frame(old, new, FULL, bands(old)).encode()) <= len(without.encode())


@given(pairs((*WHOLE, *UNSURE)), st.data())
@settings(max_examples=100, deadline=None)
def test_unknown_cells_are_written_when_painted_and_left_alone_till_then(
    pair: tuple[Grid, Grid], data: st.DataObject
) -> None:
    old, _ = pair
    nothing = cells.unknown(old.width, old.height)
    rows = data.draw(
        st.dictionaries(st.integers(0, old.height - 1), pieces(old.width, (*WHOLE, *UNSURE)))
    )
    new = nothing.painted(rows)
    screen = emulator(old)
    text = frames.frame(nothing, new, FULL, bands(old))
    assert UNKNOWN not in text
    if any(widths.unsure(c) for row in new.rows for c in row.characters if c != UNKNOWN):
        return
    screen.feed(text)
    for y, row in enumerate(new.rows):
        for x, character in enumerate(row.characters):
            if character != UNKNOWN:
                assert screen.seen()[y][x] == shown(new)[y][x]
            elif screen.rows[y][x].character != "\ufffd":
                assert screen.seen()[y][x] == shown(old)[y][x]


@given(st.sampled_from(PENS), st.sampled_from(PENS))
@example(Pen(("1", "2")), Pen(("2",)))
def test_a_change_of_pen_is_right_and_no_longer_than_saying_all(old: Pen, new: Pen) -> None:
    screen = Emulator(2, 1)
    for pen in (old, new):
        screen.feed(pens.change(PLAIN if pen is old else old, pen))
        assert screen.look == Look(frozenset(pen.attributes), *pen[1:])
    whole = pens.change(PLAIN, new)
    assert len(pens.change(old, new)) <= len(whole) + len("\x1b]8;;\x1b\\") + len("0;m\x1b[")


def rows_of(first: int, count: int) -> list[str]:
    return [f"│ image sha256:{n * 7919:08x} app {n:4} │" for n in range(first, first + count)]


def test_a_scrolled_list_costs_its_new_line() -> None:
    frame_of = "╭" + "─" * 34 + "╮"
    old = lines(frame_of, *rows_of(0, 30), frame_of, pen=PENS[1])
    new = lines(frame_of, *rows_of(1, 30), frame_of, pen=PENS[1])
    text = frames.frame(old, new, FULL, [(0, old.width)])
    assert "\x1b[2;31r\x1b[S\x1b[r" in text
    assert len(text.encode()) < 130
    assert len(frames.frame(old, new, PLAINEST).encode()) > 400


def test_a_pane_scrolled_beside_one_that_stands_still_may_be_written_instead() -> None:
    still = [sha256(b"%d" % n).hexdigest() for n in range(30)]
    old = lines(*[a + b for a, b in zip(rows_of(0, 30), still, strict=True)])
    new = lines(*[a + b for a, b in zip(rows_of(1, 30), still, strict=True)])
    left = len(rows_of(0, 1)[0])
    with_band = frames.frame(old, new, FULL, [(0, left)])
    assert "\x1b[S" not in with_band
    assert with_band == frames.frame(old, new, FULL)


def test_a_moved_cursor_is_no_scroll() -> None:
    old, new = lines(*rows_of(0, 30)), lines(*rows_of(0, 30))
    new = new.painted({4: [(0, written(rows_of(4, 1)[0], PENS[2]))]})
    text = frames.frame(old, new, FULL, [(0, old.width)])
    assert text.count("\x1b[5H") == 1
    assert "r" not in text.split("app")[0]


@pytest.mark.parametrize(
    ("terminal", "expected"),
    [
        (FULL, f"\x1b[H\x1b[{DARK}m\x1b[20X\x1b[21Gabc\x1b[K\x1b[m"),
        (PLAINEST, f"\x1b[H\x1b[{DARK}m{' ' * 20}abc{' ' * 17}\x1b[m"),
    ],
)
def test_blanks_are_erased_where_the_terminal_erases_in_colour(
    terminal: Terminal, expected: str
) -> None:
    pen = Pen((), "", DARK)
    new = lines(" " * 20 + "abc" + " " * 17, pen=pen)
    assert frames.frame(lines("x" * 40), new, terminal) == expected


def test_differences_of_a_wide_character_are_whole() -> None:
    old, new = lines("漢字x").rows[0], lines("漢宇x").rows[0]
    assert runs.differences(old, new) == [(2, 4)]
    assert runs.differences(lines("ab漢").rows[0], lines("漢cd").rows[0]) == [(0, 4)]


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        ((0, 0), (0, 0), ""),
        ((None, None), (0, 0), "\x1b[H"),
        ((5, 3), (0, 3), "\r"),
        ((5, 3), (0, 4), "\r\n"),
        ((5, 3), (0, 5), "\x1b[6H"),
        ((None, 3), (7, 3), "\x1b[8G"),
        ((5, 3), (5, 9), "\x1b[10d"),
        ((5, 3), (3, 3), "\b\b"),
        ((50, 3), (40, 3), "\x1b[41G"),
        ((50, 3), (58, 3), "\x1b[8C"),
        ((50, 3), (70, 9), "\x1b[10;71H"),
    ],
)
def test_the_cursor_takes_the_shortest_way(
    start: tuple[int | None, int | None], end: tuple[int, int], text: str
) -> None:
    assert moves.move(*start, *end) == text


def test_erasing_never_leaves_half_a_wide_character() -> None:
    old, new = lines("x" * 20 + "漢字" + "y"), lines(" " * 21 + "漢字")
    screen = emulator(old)
    text = frames.frame(old, new, FULL)
    screen.feed(text)
    assert "\x1b[20X" in text
    assert screen.seen() == shown(new)
