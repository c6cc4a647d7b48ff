"""The list that draws only what shows, alone: any number of rows, a line at a time."""

from __future__ import annotations

import re
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from treering.present.lines import Line, Row, span
from treering.tui.terminal import themes
from treering.tui.widgets.lines import LineList
from treering.tui.widgets.rows import RowList, highlighted

MILLION = 1_000_000


class Alone(App[None]):
    """One list and nothing else."""

    def __init__(self, widget: LineList) -> None:
        super().__init__()
        self.widget = widget
        self.drawn: list[int] = []

    def compose(self) -> ComposeResult:
        yield self.widget

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return themes.variable_defaults()

    def draw(self, row: int, _width: int) -> Line:
        self.drawn.append(row)
        return (span(f"row {row}"),)


async def filled(pilot: Pilot[Any], count: int = MILLION) -> LineList:
    app = pilot.app
    assert isinstance(app, Alone)
    app.widget.show(count, app.draw)
    app.widget.focus()
    await pilot.pause()
    app.drawn.clear()
    return app.widget


async def test_a_million_rows_are_drawn_by_drawing_those_that_show() -> None:
    app = Alone(LineList(id="list"))
    async with app.run_test(size=(40, 20)) as pilot:
        lines = await filled(pilot)
        await pilot.press("G")
        await pilot.pause()
        assert lines.cursor == MILLION - 1
        assert set(app.drawn) <= {0, *range(MILLION - 21, MILLION)}


async def test_moving_in_view_draws_two_lines() -> None:
    app = Alone(LineList(id="list"))
    async with app.run_test(size=(40, 20)) as pilot:
        await filled(pilot)
        await pilot.press("j")
        await pilot.pause()
        assert sorted(set(app.drawn)) == [0, 1]


async def test_rows_that_come_above_leave_the_cursor_on_the_screen_where_it_is() -> None:
    app = Alone(LineList(id="list"))
    async with app.run_test(size=(40, 20)) as pilot:
        lines = await filled(pilot, 100)
        lines.cursor = 50
        await pilot.pause()
        above = lines.cursor - lines.scroll_offset.y
        lines.show(130, app.draw, 80)
        await pilot.pause()
        assert lines.cursor == 80
        assert lines.cursor - lines.scroll_offset.y == above


async def test_going_to_a_row_that_shows_does_not_scroll() -> None:
    app = Alone(LineList(id="list"))
    async with app.run_test(size=(40, 20)) as pilot:
        lines = await filled(pilot, 100)
        lines.show(100, app.draw, 3, held=False)
        await pilot.pause()
        assert (lines.cursor, lines.scroll_offset.y) == (3, 0)


async def test_fewer_rows_leave_the_cursor_on_one() -> None:
    app = Alone(LineList(id="list"))
    async with app.run_test(size=(40, 20)) as pilot:
        lines = await filled(pilot, 100)
        lines.cursor = 99
        lines.show(3, app.draw)
        assert lines.cursor == 2
        lines.show(0, app.draw)
        await pilot.press("j", "k", "G", "pagedown")
        assert lines.cursor == 0


async def test_long_lines_are_seen_by_moving_to_the_right_and_back() -> None:
    rows = RowList(id="list")
    app = Alone(rows)
    async with app.run_test(size=(40, 20)) as pilot:
        rows.show_rows([Row("a", (span("x" * 30 + "東京" * 20 + "END"),))])
        rows.focus()
        for _ in range(10):
            await pilot.press("l")
        await pilot.pause()
        assert rows.render_line(0).text.endswith("END")
        assert rows.render_line(0).cell_length == 40
        for _ in range(10):
            await pilot.press("h")
        assert rows.render_line(0).text.startswith("xxx")


async def test_rows_keep_the_cursor_by_key() -> None:
    rows = RowList(id="list")
    app = Alone(rows)
    async with app.run_test(size=(40, 20)):
        rows.show_rows([Row(k, (span(k),)) for k in "abc"])
        rows.cursor = 1
        rows.show_rows([Row(k, (span(k),)) for k in "xyabc"])
        assert rows.row is not None
        assert rows.row.key == "b"
        rows.show_rows([Row(k, (span(k),)) for k in "xy"], fresh=True)
        assert rows.cursor == 0


@pytest.mark.parametrize(
    ("pattern", "found"),
    [("b", ["b"]), ("ab|c", ["ab", "c"]), ("x*", []), ("z", []), ("abc", [])],
)
def test_what_is_searched_for_stands_out_within_spans(pattern: str, found: list[str]) -> None:
    line = highlighted((span("ab"), span("c", "dim")), re.compile(pattern))
    assert [text for text, style in line if style == "match"] == found
    assert "".join(text for text, _ in line) == "abc"


async def test_a_short_list_that_grows_is_scrolled_to_its_cursor_at_once() -> None:
    app = Alone(LineList(id="list"))
    async with app.run_test(size=(40, 20)) as pilot:
        lines = await filled(pilot, 2)
        lines.cursor = 1
        await pilot.pause()
        lines.show(100, app.draw, 60)
        await pilot.pause()
        assert 0 <= lines.cursor - lines.scroll_offset.y < 20
