"""What the screen looks like, at 80x24 and wide, in each of its states.

The README shows some of these pictures; every one belongs to a test here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from support.baselines import BASELINES
from support.readers import failing, hanging, hostile_world, partial, reading, world
from support.screens import DARK, app, demo_app, screen, settled, until
from textual.pilot import Pilot

from treering.adapters.demo.build import build
from treering.core.settings import ScreenConfig

SIZES = [(80, 24), (120, 40)]
Compare = Callable[..., bool]
Before = Callable[[Pilot[Any]], Awaitable[None]]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the demo world."""
    return build(tmp_path_factory.mktemp("world") / "demo").parent


def pressing(*keys: str, box: bool = False) -> Before:
    """Settle, press keys, and settle after each; a `box` is given a moment to fill."""

    async def before(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        for key in keys:
            await pilot.press(key)
            if pilot.app.screen is screen(pilot):
                await settled(pilot)
        if box:
            await until(pilot, lambda: pilot.app.screen is not screen(pilot), "a box")
            await settled(pilot)

    return before


TO_WEB = ("slash", *"web:1.2", "enter", "j")
"""Keys that lead to a tag of the demo world with much to see."""


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40"])
class TestDemo:
    """The demo world, place by place and tab by tab."""

    @pytest.fixture(autouse=True)
    def _demo(self, demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.open = lambda **options: demo_app(demo, monkeypatch, **options)

    def compare(self, snap_compare: Compare, size: tuple[int, int], *keys: str, **how: Any) -> bool:
        before = pressing(*keys, box=how.pop("box", False))
        return snap_compare(self.open(**how), terminal_size=size, run_before=before)

    def test_images(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        assert self.compare(snap_compare, size, *TO_WEB, "escape")

    def test_map(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        assert self.compare(snap_compare, size, *TO_WEB, "enter", "plus")

    def test_refs(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        assert self.compare(snap_compare, size, "4", "j", "j", "j", "l", "j")

    def test_sources(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        assert self.compare(snap_compare, size, "6", "l", "j")

    def test_hosts(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        assert self.compare(snap_compare, size, "1")

    @pytest.mark.parametrize(
        ("tab", "steps"),
        [("layers", 1), ("tree", 2), ("packages", 3), ("config", 4), ("evidence", 5)],
    )
    def test_tab(self, snap_compare: Compare, size: tuple[int, int], tab: str, steps: int) -> None:
        keys = [*TO_WEB, *["right_square_bracket"] * steps]
        it = self.open()
        before = pressing(*keys, "tab", "tab")

        async def checked(pilot: Pilot[Any]) -> None:
            await before(pilot)
            assert screen(pilot).detail._shown.tab == tab  # type: ignore[union-attr]

        assert snap_compare(it, terminal_size=size, run_before=checked)

    def test_document(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        assert self.compare(snap_compare, size, *TO_WEB, "Y")

    def test_file(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        async def before(pilot: Pilot[Any]) -> None:
            await pressing(*TO_WEB, "right_square_bracket", "right_square_bracket")(pilot)
            await pilot.press("tab", "tab")
            lines = screen(pilot).detail.lines
            for name in ("etc/", "debian_version"):
                at = next(n for n, r in enumerate(lines.rows) if name in r.text)
                lines.cursor = at
                await pilot.press("enter")
                await settled(pilot)

        assert snap_compare(self.open(), terminal_size=size, run_before=before)

    def test_used_by(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        keys = ("slash", *"debian:12.1", "enter", "j", "u")
        assert self.compare(snap_compare, size, *keys, box=True)

    def test_actions(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        assert self.compare(snap_compare, size, *TO_WEB, "x", box=True)

    def test_copy(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        assert self.compare(snap_compare, size, *TO_WEB, "y", box=True)

    def test_palette(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        async def before(pilot: Pilot[Any]) -> None:
            await settled(pilot)
            await pilot.press("colon", *"stable")
            await until(pilot, lambda: bool(pilot.app.screen._offered), "names")  # type: ignore[attr-defined]

        assert snap_compare(self.open(), terminal_size=size, run_before=before)

    def test_help(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        assert self.compare(snap_compare, size, "question_mark", box=True)

    def test_marks_and_base(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        async def before(pilot: Pilot[Any]) -> None:
            await pressing("j", "space", "space", "W")(pilot)
            await until(pilot, lambda: bool(screen(pilot).base_name), "the name of the base")

        assert snap_compare(self.open(), terminal_size=size, run_before=before)

    def test_filter(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        assert self.compare(snap_compare, size, "slash", *"~shpweb")

    @pytest.mark.parametrize("theme", ["treering-light", "colourblind", "ansi", "mono"])
    def test_theme(self, snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
        look = ScreenConfig(theme=theme, glyphs="unicode", link="fast")
        assert self.compare(snap_compare, size, *TO_WEB, "enter", screen=look)

    def test_ascii(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        look = ScreenConfig(theme="mono", glyphs="ascii", link="fast")
        assert self.compare(snap_compare, size, *TO_WEB, "enter", screen=look)


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40"])
class TestStates:
    """A small world in every state a screen can be in."""

    def test_audit(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        it = app(reading(*world()), audit=True)
        assert snap_compare(it, terminal_size=size, run_before=pressing("x", box=True))

    def test_empty(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        assert snap_compare(app(), terminal_size=size, run_before=settled)

    def test_loading(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        async def filled(pilot: Pilot[Any]) -> None:
            await pilot.pause()
            desk = screen(pilot)
            await until(
                pilot, lambda: desk.detail.lines.count > 0 and desk.map.count > 0, "the first rows"
            )

        it = app(reading(*world()), hanging())
        assert snap_compare(it, terminal_size=size, run_before=filled)

    def test_failed(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        it = app(failing(), partial(*world()))
        before = pressing("exclamation_mark", box=True)
        assert snap_compare(it, terminal_size=size, run_before=before)

    def test_no_files(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        async def before(pilot: Pilot[Any]) -> None:
            await pressing("3", "j")(pilot)
            from treering.present.detail import Tab

            screen(pilot).show_tab(Tab.TREE)
            await settled(pilot)

        assert snap_compare(app(reading(*world())), terminal_size=size, run_before=before)

    def test_hostile(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        it = app(reading(*hostile_world()))
        assert snap_compare(it, terminal_size=size, run_before=settled)


def test_tiny(snap_compare: Compare) -> None:
    it = app(reading(*world()), screen=DARK)
    assert snap_compare(it, terminal_size=(40, 12), run_before=pressing("j", "tab"))


def test_every_picture_belongs_to_a_test(request: pytest.FixtureRequest) -> None:
    tests = set()
    for item in request.session.items:
        if "snap_compare" in getattr(item, "fixturenames", ()):
            owner = (
                item.parent.name + "." if item.parent is not item.getparent(pytest.Module) else ""
            )  # type: ignore[union-attr]
            tests.add(f"{item.path.stem}/{owner}{item.name}")
    if tests:
        pictures = {str(p.relative_to(BASELINES).with_suffix("")) for p in BASELINES.rglob("*.svg")}
        assert pictures == tests
