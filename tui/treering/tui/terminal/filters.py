"""The last thing that happens to a line before it leaves: ASCII, and no colour.

Owns the filters that make a whole screen plain, Textual's own borders and bars included.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter, Monochrome, NoColor

from treering.present.glyphs import ascii_only


class AsciiGlyphs(LineFilter):
    """Every segment in ASCII, as wide as it was."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """Return the segments in ASCII."""
        return [s if s.control or s.text.isascii() else _in_ascii(s) for s in segments]


class Colourless(LineFilter):
    """Every segment without a colour; bold, dim, underline and reverse stay.

    What had a ground of its own is reversed: a scroll bar and a selection are nothing else.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """Return the segments in the terminal's default colours."""
        return [
            Segment(text, style and _without_colour(style), control)
            for text, style, control in segments
        ]


def line_filters(own: Sequence[LineFilter], *, ascii_glyphs: bool, mono: bool) -> list[LineFilter]:
    """Return the filters of the application, given Textual's `own`.

    Textual's filters for ``NO_COLOR`` go: one paints shades of grey, and a theme that was asked
    for by name goes before ``NO_COLOR`` (no-color.org).
    """
    kept = [f for f in own if not isinstance(f, Monochrome | NoColor)]
    return [*kept, *([_COLOURLESS] if mono else []), *([_ASCII] if ascii_glyphs else [])]


_COLOURLESS, _ASCII = Colourless(), AsciiGlyphs()
"""One of each: strips remember by filter what came out of them."""


def _in_ascii(segment: Segment) -> Segment:
    style: Style | None = segment.style
    return Segment(ascii_only(segment.text), style)


@lru_cache(maxsize=1024)
def _without_colour(style: Style) -> Style:
    ground = style.bgcolor
    plain = style.without_color
    return plain if ground is None or ground.is_default else plain + Style(reverse=True)
