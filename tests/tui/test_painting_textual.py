"""The private names of Textual that painting rests on, and what it does with Textual's updates.

When a test of names fails here, Textual changed: read `treering.tui.painting.hook` beside its new
source, or turn painting off by default.
"""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual import _compositor
from textual.app import App
from textual.driver import Driver
from textual.geometry import Region
from textual.strip import Strip
from textual.widgets import Static

from treering.tui.painting.hook import CellPainting, Difference, _bands, _pieces
from treering.tui.painting.pens import Pen
from treering.tui.painting.strips import Unpaintable, cells_of
from treering.tui.painting.terminal import PLAINEST, described


def console(system: str = "truecolor") -> Console:
    return Console(color_system=system, force_terminal=True, legacy_windows=False, _environ={})  # type: ignore[arg-type]


def test_textual_still_displays_through_the_method_that_is_overridden() -> None:
    assert list(inspect.signature(App._display).parameters) == ["self", "screen", "renderable"]
    source = inspect.getsource(App._display)
    for needed in ("renderable.render_segments(console)", "_begin_update", "_end_update"):
        assert needed in source
    assert "clamp_offset" in source, "the cursor is placed after each update"


def test_textual_still_has_the_updates_that_are_read() -> None:
    assert issubclass(_compositor.LayoutUpdate, _compositor.CompositorUpdate)
    layout = _compositor.LayoutUpdate([[Strip([Segment("a")])]], Region(0, 0, 1, 1))
    assert (layout.region.x, layout.region.y, len(layout.strips)) == (0, 0, 1)
    chops = _compositor.ChopsUpdate([{0: None}], [(0, 0, 1)], [[1]])
    assert (chops.chops, chops.spans, chops.chop_ends) == ([{0: None}], [(0, 0, 1)], [[1]])


def test_textual_still_tells_of_a_resumed_process_by_that_message() -> None:
    assert Driver.SignalResume.handler_name == "on_driver_signal_resume"


@pytest.mark.parametrize("system", ["standard", "256", "truecolor"])
def test_cells_look_as_textual_writes_them(system: str) -> None:
    style = Style.parse("bold underline rgb(10,20,30) on rgb(200,0,0)")
    [pen] = cells_of(Strip([Segment("x", style)]), console(system)).pens
    assert pen.attributes == ("1", "4")
    codes = ";".join([*pen.attributes, pen.foreground, pen.background])
    assert Strip([Segment("x", style)]).render(console(system)) == f"\x1b[{codes}mx\x1b[0m"


def test_a_link_is_part_of_the_look() -> None:
    style = Style(link="https://example.test")
    [pen] = cells_of(Strip([Segment("x", style)]), console()).pens
    assert pen.link.endswith(";https://example.test\x1b\\")


def test_a_space_keeps_its_background_only_unless_more_can_be_seen() -> None:
    plain, lined = Style.parse("bold red on blue"), Style.parse("underline red on blue")
    assert cells_of(Strip([Segment(" a", plain)]), console()).pens[0] == Pen(background="44")
    assert cells_of(Strip([Segment(" a", lined)]), console()).pens[0].foreground == "31"


def test_wide_and_combining_characters_take_their_cells() -> None:
    text = "\u0301a漢e\u0301❤\ufe0f👩\u200d🚀."
    characters = cells_of(Strip([Segment(text)]), console()).characters
    assert characters == ("a", "漢", "", "e\u0301", "❤\ufe0f", "", "👩\u200d🚀", "", ".")
    assert len(characters) == Strip([Segment(text)]).cell_length


@pytest.mark.parametrize(
    "segment", [Segment("\x1b[2J"), Segment("a\nb"), Segment("\x9b2J"), Segment("x", None, [])]
)
def test_what_a_terminal_would_obey_has_no_cells(segment: Segment) -> None:
    if segment.control is not None:
        segment = Segment("x", None, [(1,)])  # type: ignore[list-item]
    with pytest.raises(Unpaintable):
        cells_of(Strip([segment]), console())


def test_chops_are_cut_as_textual_cuts_them() -> None:
    chops: list[Any] = [{0: Strip([Segment("abcd")]), 4: Strip([Segment("efgh")]), 8: None}]
    update = _compositor.ChopsUpdate(chops, [(0, 1, 6)], [[4, 8, 9]])
    [(y, pieces)] = _pieces(update, console())
    assert y == 0
    assert [(x, "".join(c.characters)) for x, c in pieces] == [(0, "abcd"), (4, "ef")]


def test_a_pane_is_a_band() -> None:
    pane = Strip([Segment("x" * 10)])
    update = _compositor.LayoutUpdate([[pane, pane] for _ in range(5)], Region(0, 0, 20, 5))
    assert set(_bands(dict(_pieces(update, console())))) == {(0, 10), (10, 20)}


def test_an_unknown_terminal_is_trusted_with_nothing() -> None:
    assert described("no-such-terminal") == PLAINEST


class Screenful(CellPainting, App[None]):
    """An application whose driver says it is a terminal, and keeps what is written."""

    def compose(self) -> Any:
        yield Static("first", id="text")

    @property
    def is_headless(self) -> bool:
        return False


@pytest.fixture
def out(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    from textual.drivers.headless_driver import HeadlessDriver

    written: list[str] = []
    monkeypatch.setattr(HeadlessDriver, "write", lambda _self, data: written.append(data))
    return written


async def test_only_what_differs_is_written(out: list[str]) -> None:
    app = Screenful()
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.pause()
        out.clear()
        app.query_one("#text", Static).update("fixed")
        await pilot.pause()
        text = "".join(out)
        assert "x" in text
        assert "first" not in text
        assert len(text) < 60
        out.clear()
        app.refresh(layout=True)
        await pilot.pause()
        assert not "".join(out)


async def test_painting_off_is_textuals_own(out: list[str]) -> None:
    app = Screenful(painting=False)
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.pause()
        out.clear()
        app.refresh(layout=True)
        await pilot.pause()
        assert "first" in "".join(out)


async def test_the_environment_turns_it_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TREERING_PAINT", "stock")
    assert not Screenful().painting
    monkeypatch.setenv("TREERING_PAINT", "")
    assert Screenful().painting


@pytest.mark.parametrize("event", ["resize", "resume", "suspend"])
async def test_what_others_may_have_changed_is_written_again(out: list[str], event: str) -> None:
    from textual.events import Resize

    app = Screenful()
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.pause()
        out.clear()
        if event == "resize":
            app.post_message(Resize(app.size, app.size))
        elif event == "resume":
            app.post_message(Driver.SignalResume())
        else:
            app.forget_terminal()
        await pilot.pause()
        app.refresh(layout=True)
        await pilot.pause()
        assert "first" in "".join(out)


async def test_control_codes_go_textuals_own_way(out: list[str]) -> None:
    class Bell(Static):
        def render_line(self, y: int) -> Strip:  # noqa: ARG002
            return Strip([Segment("\x07" + "x" * 39)], 39)

    class Ringing(Screenful):
        def compose(self) -> Any:
            yield Bell()

    app = Ringing()
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.pause()
        assert "\x07xxx" in "".join(out)
        assert app._shown is None


def test_a_difference_says_when_it_was_taken() -> None:
    taken: list[bool] = []
    difference = Difference("text", lambda: taken.append(True))
    assert not taken
    assert difference.render_segments(console()) == "text"
    assert taken
