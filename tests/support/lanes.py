"""A drawing with lanes, read as an eye reads it: it sees glyphs and knows nothing of lanes."""

from __future__ import annotations

from collections.abc import Sequence

UP = set("│├┤┼╯╰┴")
DOWN = set("│├┤┼╮╭┬")
LEFT = set("─┤┼╯┴╮┬")
RIGHT = set("─├┼╰┴╭┬")


class Drawing:
    """Rows of glyphs, each with one of `marks` where its node is."""

    def __init__(self, rows: Sequence[str], marks: str) -> None:
        self.rows = rows
        self.nodes = [min(row.index(mark) for mark in marks if mark in row) for row in rows]

    def at(self, row: int, column: int) -> str:
        line = self.rows[row] if row < len(self.rows) else ""
        return line[column] if 0 <= column < len(line) else " "

    def _is_node(self, row: int, column: int) -> bool:
        return row < len(self.rows) and self.nodes[row] == column

    def edges(self) -> list[set[int]]:
        return [self._from(row) for row in range(len(self.rows))]

    def _from(self, row: int) -> set[int]:
        column = self.nodes[row]
        ties = [*self._sideways(row, -1), *self._sideways(row, +1)]
        found = {self._down(row, tie) for tie in ties if self.at(row, tie) in DOWN}
        tied_left = self.at(row, column - 1) == "─"
        below = self.at(row + 1, column)
        if not tied_left and (below in UP or self._is_node(row + 1, column)):
            found.add(self._down(row, column))
        return found

    def _sideways(self, row: int, step: int) -> list[int]:
        """Return the columns a node is tied to on one side; a lane only crossed is none."""
        towards, onwards = (RIGHT, LEFT) if step < 0 else (LEFT, RIGHT)
        found = []
        column = self.nodes[row] + step
        while self.at(row, column) in {"─"} | towards or self._is_crossed(row, column):
            glyph = self.at(row, column)
            if glyph not in "─│":
                found.append(column)
                if glyph not in onwards:
                    break
            column += step
        return found

    def _is_crossed(self, row: int, column: int) -> bool:
        return (
            self.at(row, column) == "│"
            and self.at(row, column - 1) == "─"
            and self.at(row, column + 1) == "─"
        )

    def _down(self, row: int, column: int) -> int:
        """Follow a lane down to the node it leads to."""
        while True:
            row += 1
            glyph = self.at(row, column)
            if self._is_node(row, column):
                return row
            assert glyph in UP, f"a lane breaks off in row {row}, cell {column}"
            if glyph not in DOWN:
                assert glyph in LEFT | RIGHT
                return row
