"""Lanes: whoever follows the glyphs from row to row finds exactly the lines that were drawn."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from support.lanes import DOWN, LEFT, RIGHT, UP, Drawing

from treering.present.lanes import FAR, LINES, MOST, NODE, LaneRow, lay_out


@st.composite
def dags(draw: st.DrawFn, most: int = 14) -> list[list[int]]:
    """Return for each row the rows below that it leads to, its main line first."""
    rows = draw(st.integers(1, most))
    edges = []
    for row in range(rows):
        below = list(range(row + 1, rows))
        few = st.lists(st.sampled_from(below), max_size=4, unique=True) if below else st.just([])
        edges.append(draw(few))
    return edges


def grid(rows: Sequence[LaneRow]) -> list[str]:
    return ["".join(cell.glyph for cell in row.cells) for row in rows]


def loose_ends(rows: Sequence[str]) -> list[tuple[int, int]]:
    """Return the cells whose line upwards or downwards meets nothing."""
    ends = []
    for row, line in enumerate(rows):
        above = rows[row - 1] if row else ""
        below = rows[row + 1] if row + 1 < len(rows) else ""
        for at, glyph in enumerate(line):
            if glyph in UP and above[at : at + 1] not in DOWN | {NODE}:
                ends.append((row, at))
            if glyph in DOWN and below[at : at + 1] not in UP | {NODE}:
                ends.append((row, at))
    return ends


class TestDrawing:
    @settings(deadline=None)
    @given(dags())
    @example([[3], [3], [3], []])
    @example([[2, 1], [2], []])
    @example([[4, 1], [2, 4], [3], [4], []])
    def test_following_the_glyphs_finds_every_line_and_no_other(
        self, edges: list[list[int]]
    ) -> None:
        drawn = grid(lay_out(edges, most=1000))
        assert Drawing(drawn, NODE).edges() == [set(below) for below in edges], "\n".join(drawn)

    @settings(deadline=None)
    @given(dags())
    def test_no_line_ends_in_nothing(self, edges: list[list[int]]) -> None:
        drawn = grid(lay_out(edges, most=1000))
        assert loose_ends(drawn) == [], "\n".join(drawn)

    @settings(deadline=None)
    @given(dags())
    def test_every_row_has_its_node_where_it_says(self, edges: list[list[int]]) -> None:
        for row in lay_out(edges, most=1000):
            assert [at for at, cell in enumerate(row.cells) if cell.glyph == NODE] == [
                2 * row.column
            ]

    @settings(deadline=None)
    @given(dags())
    def test_the_same_graph_is_drawn_the_same(self, edges: list[list[int]]) -> None:
        again = [[*below[:1], *reversed(below[1:])] for below in edges]
        assert lay_out(edges) == lay_out(again)

    @settings(deadline=None)
    @given(dags(most=40), st.integers(2, MOST))
    def test_no_more_lanes_than_asked_for(self, edges: list[list[int]], most: int) -> None:
        for row in lay_out(edges, most=most):
            assert len(row.cells) <= 2 * most - 1
            assert row.cells[2 * row.column].glyph == NODE

    @settings(deadline=None)
    @given(dags())
    def test_a_lane_is_free_once_nothing_runs_in_it(self, edges: list[list[int]]) -> None:
        rows = lay_out(edges, most=1000)
        for row, drawn in enumerate(rows):
            # Lines still open below this row each lead to another row: one lane a row is enough.
            targets = {t for below in edges[: row + 1] for t in below if t > row}
            lines = sum(len(set(below)) for below in edges[: row + 1])
            going_down = sum(cell.glyph in DOWN for cell in drawn.cells)
            assert going_down <= lines
            if not targets:
                assert going_down == 0


class TestLooks:
    def test_names_hang_on_one_lane(self) -> None:
        assert grid(lay_out([[3], [3], [3], []])) == ["○", "├─○", "├─○", "○"]

    def test_a_merge_and_its_join(self) -> None:
        assert grid(lay_out([[3, 1], [2], [3], []])) == ["○─╮", "│ ○", "├─○", "○"]

    def test_what_joins_and_leads_elsewhere_too_turns_to_both_sides(self) -> None:
        assert grid(lay_out([[2], [3, 2], [], []])) == ["○", "├─○─╮", "○   │", "    ○"]

    def test_what_comes_soonest_stands_outermost(self) -> None:
        assert grid(lay_out([[3, 2, 1], [], [], []])) == ["○─┬─╮", "│ │ ○", "│ ○", "○"]

    def test_a_crossed_lane_stays_whole(self) -> None:
        assert grid(lay_out([[4, 2], [4], [3], [], []]))[1] == "├─│─○"

    def test_an_end_and_a_beginning_do_not_touch(self) -> None:
        drawn = grid(lay_out([[], [], []]))
        assert drawn == ["○", "  ○", "○"]

    def test_far_lanes_share_the_last_one(self) -> None:
        rows = lay_out([[*range(8, 0, -1)], *([] for _ in range(8))], most=4)
        assert grid(rows)[:2] == ["○─┬─┬─" + FAR, "│ │ │ ○"]

    def test_a_line_upwards_is_refused(self) -> None:
        with pytest.raises(ValueError, match="upwards"):
            lay_out([[1], [0]])

    def test_every_glyph_has_a_cell_of_ascii(self) -> None:
        for glyph, cell in LINES.items():
            assert (cell_len(glyph), len(cell), cell.isascii()) == (1, 1, True)
        assert UP | DOWN | LEFT | RIGHT | {FAR} == set(LINES)
