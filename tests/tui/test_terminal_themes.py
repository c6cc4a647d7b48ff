"""Every theme is legible, has every style, and says without colour what colour says."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult
from textual.color import Color
from textual.theme import Theme
from textual.widgets import Static

from treering.core.settings import ANSI_COLOURS, THEMES, ThemeConfig
from treering.present.lines import STYLES
from treering.tui.terminal import themes
from treering.tui.terminal.themes import CONTRAST, contrast

WRITTEN = (
    ThemeConfig("low", primary="#333", foreground="#222", success="#050505", error="#100000"),
    ThemeConfig("grey", background="#777777", surface="#777777", panel="#777777"),
    ThemeConfig("paper", dark=False, primary="#ffff00", warning="#ffffee"),
)
OWN = {theme.name: theme for theme in themes.themes(WRITTEN)}
COLOURED = [name for name, theme in OWN.items() if not theme.ansi]
GROUNDS = ("background", "surface", "panel", "tree-cursor-away-bg")
TEXTS = (
    *(f"tree-{name}" for name in STYLES),
    "foreground",
    "foreground-muted",
    "tree-cursor-away-fg",
    "text-primary",
    "text-accent",
    "text-success",
    "text-warning",
    "text-error",
)
PAIRS = (
    ("tree-cursor-fg", "tree-cursor-bg"),
    ("block-cursor-foreground", "block-cursor-background"),
    ("footer-key-foreground", "footer-background"),
    ("footer-description-foreground", "footer-background"),
    ("input-cursor-foreground", "input-cursor-background"),
    ("input-selection-foreground", "input-selection-background"),
)


def on(variables: dict[str, str], text: str, ground: str) -> float:
    under = Color.parse(variables[ground])
    return contrast(under + Color.parse(variables[text]), under)


def test_the_themes_are_those_the_configuration_knows() -> None:
    assert tuple(theme.name for theme in themes.themes()) == THEMES


@pytest.mark.parametrize("name", COLOURED)
def test_text_is_legible_on_every_ground(name: str) -> None:
    variables = OWN[name].to_color_system().generate() | OWN[name].variables
    pairs = [(text, ground) for text in TEXTS for ground in GROUNDS] + list(PAIRS)
    poor = {pair: round(on(variables, *pair), 2) for pair in pairs if on(variables, *pair) < 4.5}
    assert not poor
    assert CONTRAST == 4.5


def test_contrast_is_that_of_the_definition() -> None:
    assert contrast(Color.parse("#000"), Color.parse("#fff")) == pytest.approx(21)
    assert contrast(Color.parse("#777"), Color.parse("#fff")) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", OWN.values(), ids=OWN)
def test_every_theme_has_every_variable(theme: Theme) -> None:
    rows = {name for name in themes.variable_defaults() if name.startswith("tree-")}
    assert len(rows) == 2 * len(STYLES) + 6
    assert set(theme.variables) >= rows


@pytest.mark.parametrize("name", ["ansi", "mono"])
def test_themes_of_the_palette_use_nothing_else(name: str) -> None:
    theme = OWN[name]
    named = [v for k, v in theme.variables.items() if not k.endswith("style")]
    base = [theme.primary, theme.secondary, theme.accent, theme.foreground, theme.background]
    base += [theme.surface, theme.panel, theme.success, theme.warning, theme.error]
    assert set(named) | set(base) <= set(ANSI_COLOURS)


def test_mono_has_no_colour_and_tells_states_apart() -> None:
    theme = OWN["mono"]
    rows = {k: v for k, v in theme.variables.items() if k.startswith("tree-")}
    colours = {v for k, v in rows.items() if not k.endswith("style")}
    assert colours == {"ansi_default"} == {theme.primary, theme.error, theme.accent}
    marks = {name: theme.variables[f"tree-{name}-style"] for name in STYLES}
    for group in (("good", "warn", "bad"), ("added", "removed", "modified")):
        assert len({marks[name] for name in group}) == len(group)
    assert all(marks[f"lane{a}"] != marks[f"lane{b}"] for a, b in pairwise(range(6)))


# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
SIGHT = {
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


def seen(colour: str, sight: str) -> tuple[float, float, float]:
    """Return a colour in CIE Lab as a person with that sight sees it."""
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in Color.parse(colour).normalized
    ]
    red, green, blue = (
        min(1.0, max(0.0, sum(a * b for a, b in zip(row, linear, strict=True))))
        for row in SIGHT[sight]
    )
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089
    fx, fy, fz = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def apart(one: str, other: str, sight: str) -> float:
    pairs = zip(seen(one, sight), seen(other, sight), strict=True)
    return float(sum((a - b) ** 2 for a, b in pairs) ** 0.5)


@pytest.mark.parametrize("sight", SIGHT)
def test_states_stay_apart_for_the_colour_blind(sight: str) -> None:
    variables = OWN["colourblind"].variables
    for group in (("good", "warn", "bad"), ("added", "removed", "modified")):
        for one, other in combinations(group, 2):
            found = apart(variables[f"tree-{one}"], variables[f"tree-{other}"], sight)
            assert found > 25, (one, other, found)
    lanes = [variables[f"tree-lane{n}"] for n in range(6)]
    assert all(apart(a, b, sight) > 15 for a, b in pairwise(lanes))


def test_the_same_measure_finds_red_on_green_wanting() -> None:
    assert apart("#7fc97f", "#f59088", "deuteranopia") < 25


class Rows(Static):
    COMPONENT_CLASSES = {f"lines--{n}" for n in (*STYLES, "cursor", "cursor-away")}  # noqa: RUF012
    DEFAULT_CSS = f"Rows {{ {themes.row_css()} }}"


class Bare(App[None]):
    """Nothing but the themes, plugged as the application plugs them."""

    def __init__(self, name: str) -> None:
        super().__init__()
        themes.plug(self, WRITTEN, name)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return themes.variable_defaults()

    def compose(self) -> ComposeResult:
        yield Rows("x")


@given(st.tuples(*(st.integers(0, 255),) * 3), st.tuples(*(st.integers(0, 255),) * 3))
def test_any_colour_can_be_made_legible_on_any_ground(
    text: tuple[int, int, int], ground: tuple[int, int, int]
) -> None:
    under = Color(*ground)
    found = themes.legible(Color(*text), [under])
    assert contrast(Color.parse(found.hex), under) >= CONTRAST
    if contrast(Color(*text), under) >= CONTRAST:
        assert found == Color(*text)


async def test_only_themes_that_were_looked_at_can_be_chosen() -> None:
    assert set(Bare("mono").available_themes) == set(OWN)


@pytest.mark.parametrize("name", OWN)
async def test_themes_change_while_it_runs(name: str) -> None:
    app = Bare("treering-dark")
    async with app.run_test() as pilot:
        app.theme = name
        await pilot.pause()
        good = app.query_one(Rows).get_component_rich_style("lines--good", partial=True)
        wanted = Color.parse(OWN[name].variables["tree-good"]).rich_color
        assert (good.color.name == "default") if name == "mono" else (good.color == wanted)


@pytest.mark.parametrize("name", OWN)
async def test_every_style_can_be_drawn_in_every_theme(name: str) -> None:
    app = Bare(name)
    async with app.run_test():
        rows = app.query_one(Rows)
        for style in (*STYLES, "cursor", "cursor-away"):
            assert rows.get_component_rich_style(f"lines--{style}", partial=True)
        cursor = rows.get_component_rich_style("lines--cursor", partial=True)
        away = rows.get_component_rich_style("lines--cursor-away", partial=True)
        assert cursor != away
        if name in {"ansi", "mono"}:
            assert cursor.reverse
