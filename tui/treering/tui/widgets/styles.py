"""Styles of spans, as component classes that every widget of lines shares.

Owns the way from the name of a style (`present.lines.STYLES`) to a class of the style sheet and
from a line to a strip. What the classes look like is the theme's business.
"""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from treering.present.lines import STYLES, Line
from treering.tui.terminal.themes import row_css

COMPONENTS = frozenset(f"lines--{name}" for name in (*STYLES, "cursor", "cursor-away"))


def css(selector: str) -> str:
    """Return the rules for the component classes below `selector`."""
    return f"{selector} {{ {row_css()} }}"


def strip(widget: Widget, line: Line, over: Style | None = None) -> Strip:
    """Return a line as segments in the colours of `widget`, `over` laid over all of them."""
    base, over = widget.rich_style, over or Style()
    return Strip(
        Segment(text, base + _style(widget, name) + over if name else base + over)
        for text, name in line
    )


def _style(widget: Widget, name: str) -> Style:
    return widget.get_component_rich_style(f"lines--{name}", partial=True)
