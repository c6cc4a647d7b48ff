"""The line a filter is typed into.

Owns its field. Leaving it takes effect before the next key is read.
"""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input


class FilterLine(Input):
    """Where a filter is typed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,down", "screen.keep_filter", "keep the filter", show=False)
    ]
    DEFAULT_CSS = """
    FilterLine { height: 1; border: none; padding: 0 1; background: $background; }
    FilterLine:focus { border: none; }
    """

    def __init__(self) -> None:
        super().__init__(
            placeholder="words, /pattern/, ~fuzzy; ! turns it round",
            id="filter",
            compact=True,
            select_on_focus=False,
        )
