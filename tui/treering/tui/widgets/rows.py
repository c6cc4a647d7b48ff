"""A list of rows that come and go, with the cursor held by key, and search in their text.

Owns which row is which: what arrives above the cursor does not move it off its row. Rows are
`present.lines.Row`; `RowList` keeps them and `LineList` draws them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from treering.core.ids import NodeId
from treering.core.text import safe
from treering.present.lines import Line, Row, cut_line
from treering.tui.widgets.lines import LineList


class RowList(LineList):
    """Rows of the map, of a detail tab or of a menu."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 -- Textual's own name for it
        super().__init__(id=id)
        self._rows: Sequence[Row] = ()
        self._search: re.Pattern[str] | None = None
        self._marked: frozenset[NodeId] = frozenset()

    @property
    def rows(self) -> Sequence[Row]:
        """The rows shown."""
        return self._rows

    @property
    def row(self) -> Row | None:
        """The row under the cursor."""
        return self._rows[self.cursor] if self.cursor < len(self._rows) else None

    def show_rows(
        self, rows: Sequence[Row], *, key: str | None = None, fresh: bool = False
    ) -> None:
        """Show `rows`, the cursor on the row called `key`, or on the one it is on now.

        `fresh` rows are about something else: the view begins at their top.
        """
        if not fresh and self.row is not None and key is None:
            key = self.row.key
        self._rows = rows
        at = None if key is None else next((i for i, r in enumerate(rows) if r.key == key), None)
        if fresh:
            self._shift = 0
            self.set_reactive(LineList.cursor, 0)
            self.scroll_to(y=0, animate=False, immediate=True, force=True)
        self.show(len(rows), lambda row, _width: rows[row].line, at)

    def mark(self, marked: frozenset[NodeId]) -> None:
        """Show which nodes are marked."""
        if marked != self._marked:
            changed = marked ^ self._marked
            self._marked = marked
            for number, row in enumerate(self._rows):
                if row.node in changed:
                    self.refresh_row(number)

    # -- searching -----------------------------------------------------------------------

    @property
    def searching(self) -> bool:
        """Tell whether something is searched for."""
        return self._search is not None

    def search(self, pattern: re.Pattern[str] | None) -> None:
        """Show where `pattern` stands in the rows."""
        if pattern is not self._search:
            self._search = pattern
            self.refresh()

    def next_match(self, step: int) -> bool:
        """Go to the next row that matches, or the one before; tell whether there is one."""
        if self._search is None or not self._rows:
            return False
        count = len(self._rows)
        for away in range(1, count + 1):
            row = (self.cursor + step * away) % count
            if self._search.search(self._rows[row].text):
                self.cursor = row
                return True
        return False

    def line_of(self, row: int, width: int) -> Line:
        """Return the line with what was searched for standing out."""
        line = super().line_of(row, width)
        if self._rows[row].node in self._marked:
            line = ((safe("*"), "accent"), *line)
        if self._search is not None:
            line = highlighted(line, self._search)
        return cut_line(line, width)


def highlighted(line: Line, pattern: re.Pattern[str]) -> Line:
    """Return a line in which what matches has the style ``match``."""
    spans = []
    for text, style in line:
        at = 0
        for found in pattern.finditer(text):
            if found.end() > found.start():
                spans.append((safe(text[at : found.start()]), style))
                spans.append((safe(found.group()), "match"))
                at = found.end()
        spans.append((safe(text[at:]), style))
    return tuple((text, style) for text, style in spans if text)
