"""Themes: what the names of styles look like.

Owns treering's themes, those people write, and the variables ``$tree-…`` that every one of them
has: a colour and a text style for each name of a style, and for the row under the cursor. Text is
legible everywhere: a contrast of at least 4.5 (WCAG 2, success criterion 1.4.3) on each ground it
stands on. In the themes without colours of their own the terminal's palette decides, and text
styles tell apart what colours do elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from textual.app import App
from textual.color import BLACK, WHITE, Color
from textual.theme import Theme

from treering.core.settings import ThemeConfig
from treering.present.lines import STYLES

CONTRAST = 4.5
"""The least contrast of text on its ground."""

_DARK = {
    "primary": "#6cb0f0",
    "secondary": "#7cc5c5",
    "accent": "#f2a65a",
    "foreground": "#dde3e8",
    "background": "#101418",
    "surface": "#171c21",
    "panel": "#20272e",
    "success": "#7fc97f",
    "warning": "#e8c15a",
    "error": "#f59088",
}
_LIGHT = {
    "primary": "#1b5a9e",
    "secondary": "#0b6468",
    "accent": "#8f4700",
    "foreground": "#20262b",
    "background": "#fbfbfa",
    "surface": "#f1f2f1",
    "panel": "#e5e8ea",
    "success": "#1f6428",
    "warning": "#6f4e00",
    "error": "#a8231c",
}
# Okabe and Ito, Color Universal Design (2008): sky blue, vermilion, yellow, orange, purple,
# bluish green. Vermilion is lightened until it is legible on the panel.
_SAFE = {
    "primary": "#56b4e9",
    "secondary": "#cc79a7",
    "accent": "#e69f00",
    "foreground": "#e6e6e6",
    "background": "#000000",
    "surface": "#0c0e10",
    "panel": "#16191c",
    "success": "#56b4e9",
    "warning": "#f0e442",
    "error": "#e8702a",
}
_PALETTE = {
    "primary": "ansi_cyan",
    "secondary": "ansi_cyan",
    "accent": "ansi_magenta",
    "foreground": "ansi_default",
    "background": "ansi_default",
    "surface": "ansi_default",
    "panel": "ansi_default",
    "success": "ansi_green",
    "warning": "ansi_yellow",
    "error": "ansi_red",
}
_LANES = {
    "treering-dark": ("#6cb0f0", "#f2a65a", "#7fc97f", "#d59df0", "#e8c15a", "#7cc5c5"),
    "treering-light": ("#1b5a9e", "#8f4700", "#1f6428", "#7a2f9e", "#6f4e00", "#0b6468"),
    "colourblind": ("#56b4e9", "#e69f00", "#f0e442", "#cc79a7", "#009e73", "#e6e6e6"),
    "ansi": tuple(f"ansi_{n}" for n in ("cyan", "yellow", "green", "magenta", "red", "default")),
}
_DIM = {"treering-dark": "#96a1ab", "treering-light": "#565f67", "colourblind": "#9aa0a6"}
_CURSOR = {
    "treering-dark": ("#ffffff", "#2a5c8a"),
    "treering-light": ("#ffffff", "#1b5a9e"),
    "colourblind": ("#ffffff", "#0072b2"),
}
_BOLD = ("head", "accent", "match")
_PLAIN_MARKS = {
    "dim": "dim",
    "head": "bold underline",
    "warn": "bold",
    "bad": "bold reverse",
    "busy": "italic",
    "accent": "bold",
    "match": "bold underline",
    "added": "bold",
    "removed": "dim underline",
    "modified": "underline",
    **dict.fromkeys(("lane1", "lane3", "lane5"), "bold"),
}


def themes(written: Sequence[ThemeConfig] = ()) -> tuple[Theme, ...]:
    """Return treering's themes and those somebody wrote."""
    return (
        _coloured("treering-dark", _DARK, dark=True),
        _coloured("treering-light", _LIGHT, dark=False),
        _palette("ansi", _PALETTE, dark=True),
        _coloured("colourblind", _SAFE, dark=True),
        _mono(),
        *map(_written, written),
    )


def plug(app: App[Any], written: Sequence[ThemeConfig], name: str) -> None:
    """Give an application the themes, and switch it to the one called `name`.

    Textual's own go: on their grounds nobody has looked whether rows are legible.
    """
    own = {theme.name: theme for theme in themes(written)}
    for theme in own.values():
        app.register_theme(theme)
    app.theme = name
    for other in set(app.available_themes) - set(own):
        app.unregister_theme(other)


def variable_defaults() -> dict[str, str]:
    """Return the variables ``$tree-…`` for an application without these themes, as in tests."""
    return dict(themes()[0].variables)


def row_css(prefix: str = "lines") -> str:
    """Return the rules of a widget that draws lines, one for each name of a style.

    They go inside the widget's own block of ``DEFAULT_CSS``.
    """
    rules = [
        f"& > .{prefix}--{name} {{ color: $tree-{name}; text-style: $tree-{name}-style; }}"
        for name in STYLES
    ]
    rules += [
        f"& > .{prefix}--{name} {{ background: $tree-{name}-bg; color: $tree-{name}-fg; "
        f"text-style: $tree-{name}-style; }}"
        for name in ("cursor", "cursor-away")
    ]
    return "\n".join(rules)


def contrast(text: Color, ground: Color) -> float:
    """Return the contrast of two colours, 1 to 21, as WCAG 2 defines it."""
    one, other = sorted((_luminance(text), _luminance(ground)))
    return (other + 0.05) / (one + 0.05)


def _luminance(colour: Color) -> float:
    red, green, blue = (
        c / 12.92 if c <= _LINEAR else ((c + 0.055) / 1.055) ** 2.4 for c in colour.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


_LINEAR = 0.04045
_SIGNALS = ("primary", "secondary", "accent", "success", "warning", "error")


def legible(colour: Color, grounds: Sequence[Color]) -> Color:
    """Return `colour`, moved towards black or white until it is legible on every ground."""
    towards = max((BLACK, WHITE), key=lambda end: min(contrast(end, g) for g in grounds))
    for step in range(21):
        found = colour.blend(towards, step / 20)
        if all(contrast(found, ground) >= CONTRAST for ground in grounds):
            return found
    return towards


def _colours(base: Mapping[str, str], dim: str, lanes: Sequence[str]) -> dict[str, str]:
    """Return the colour of each style, from the colours a theme is made of."""
    return {
        "dim": dim,
        "kind": base["secondary"],
        "head": base["foreground"],
        "good": base["success"],
        "warn": base["warning"],
        "bad": base["error"],
        "busy": base["primary"],
        "accent": base["accent"],
        "match": base["warning"],
        "added": base["success"],
        "removed": base["error"],
        "modified": base["warning"],
        **{f"lane{number}": colour for number, colour in enumerate(lanes)},
    }


def _variables(
    colours: Mapping[str, str], marks: Mapping[str, str], cursor: Mapping[str, str]
) -> dict[str, str]:
    found = {f"tree-{name}": colours[name] for name in STYLES}
    found |= {f"tree-{name}-style": marks.get(name, "none") for name in STYLES}
    return found | {f"tree-cursor{name}": value for name, value in cursor.items()}


def _coloured(name: str, base: Mapping[str, str], *, dark: bool) -> Theme:
    rows = _colours(base, _DIM[name], _LANES[name])
    text, ground = _CURSOR[name]
    return _with_own_colours(name, base, rows, (text, ground), dark=dark)


def _with_own_colours(
    name: str,
    base: Mapping[str, str],
    rows: Mapping[str, str],
    cursor: tuple[str, str],
    *,
    dark: bool,
) -> Theme:
    text, ground = cursor
    row = {"-fg": text, "-bg": ground, "-style": "bold"}
    away = {"-away-fg": base["foreground"], "-away-bg": base["panel"], "-away-style": "none"}
    marks = {**dict.fromkeys(_BOLD, "bold"), "head": "bold underline"}
    variables = {
        **_variables(rows, marks, row | away),
        **{f"text-{name}": base[name] for name in _SIGNALS},
        "text-muted": rows["dim"],
        "foreground-muted": rows["dim"],
        "border": base["primary"],
        "block-cursor-foreground": text,
        "block-cursor-background": ground,
        "footer-background": base["panel"],
        "footer-foreground": base["foreground"],
        "footer-key-foreground": base["accent"],
        "footer-description-foreground": base["foreground"],
        "input-cursor-background": base["foreground"],
        "input-cursor-foreground": base["background"],
        "input-selection-background": ground,
        "input-selection-foreground": text,
        "scrollbar": rows["dim"],
    }
    return _theme(name, base, variables, dark=dark)


def _palette(name: str, base: Mapping[str, str], *, dark: bool) -> Theme:
    """Return a theme of the terminal's own colours: what they look like is not known here.

    Swapping the terminal's two default colours is the one cursor that shows in every palette, and
    the attribute "dim" the one shade.
    """
    rows = _colours(base, "ansi_default", _LANES["ansi"])
    marks = {**dict.fromkeys(_BOLD, "bold"), "head": "bold underline", "dim": "dim"}
    return _without_own_colours(name, base, _variables(rows, marks, _SWAPPED), dark=dark)


_SWAPPED = {
    "-fg": "ansi_default",
    "-bg": "ansi_default",
    "-style": "reverse",
    "-away-fg": "ansi_default",
    "-away-bg": "ansi_default",
    "-away-style": "underline",
}


_SHOWN = "ansi_cyan"
"""The ground of what only its ground shows; without colours a filter swaps text and ground."""


def _without_own_colours(
    name: str, base: Mapping[str, str], variables: Mapping[str, str], *, dark: bool
) -> Theme:
    own = {
        "ansi-background": "ansi_default",
        "ansi-foreground": "ansi_default",
        "border": base["primary"],
        "border-blurred": "ansi_default",
        "block-cursor-foreground": "ansi_default",
        "block-cursor-background": "ansi_default",
        "block-cursor-text-style": "reverse",
        "footer-key-foreground": base["accent"],
        "input-selection-background": _SHOWN,
        "input-selection-foreground": "ansi_black",
        "screen-selection-background": _SHOWN,
        "screen-selection-foreground": "ansi_black",
        "scrollbar": _SHOWN,
        "scrollbar-hover": _SHOWN,
        "scrollbar-active": _SHOWN,
        "scrollbar-background": "ansi_default",
        "scrollbar-background-hover": "ansi_default",
        "scrollbar-background-active": "ansi_default",
    }
    return _theme(name, base, {**own, **variables}, dark=dark, ansi=True)


def _theme(
    name: str,
    base: Mapping[str, str],
    variables: dict[str, str],
    *,
    dark: bool,
    ansi: bool = False,
) -> Theme:
    return Theme(
        name=name,
        primary=base["primary"],
        secondary=base["secondary"],
        accent=base["accent"],
        foreground=base["foreground"],
        background=base["background"],
        surface=base["surface"],
        panel=base["panel"],
        success=base["success"],
        warning=base["warning"],
        error=base["error"],
        dark=dark,
        ansi=ansi,
        variables=variables,
    )


def _mono() -> Theme:
    base = dict.fromkeys(_PALETTE, "ansi_default")
    rows = dict.fromkeys(STYLES, "ansi_default")
    return _without_own_colours("mono", base, _variables(rows, _PLAIN_MARKS, _SWAPPED), dark=True)


def _written(written: ThemeConfig) -> Theme:
    """Return the theme somebody wrote; text is made legible on the grounds it has."""
    if written.palette:
        return _palette(written.name, _PALETTE | written.colours(), dark=written.dark)
    base = (_DARK if written.dark else _LIGHT) | written.colours()
    grounds = [Color.parse(base[n]) for n in ("background", "surface", "panel")]
    for name in set(base) - {"background", "surface", "panel"}:
        base[name] = legible(Color.parse(base[name]), grounds).hex
    lanes = [base[n] for n in ("primary", "accent", "success", "secondary", "warning", "error")]
    dim = legible(Color.parse(base["foreground"]).blend(grounds[0], 0.4), grounds).hex
    ground = Color.parse(base["primary"])
    text = max((BLACK, WHITE), key=lambda end: contrast(end, ground)).hex
    rows = _colours(base, dim, lanes)
    return _with_own_colours(written.name, base, rows, (text, ground.hex), dark=written.dark)
