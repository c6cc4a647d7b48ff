"""Driving the first screen: moving, jumping, filtering, leaving."""

from __future__ import annotations

import time
from typing import Any

import pytest
from support.readers import (
    ScriptedReader,
    failing,
    hanging,
    hostile_world,
    image,
    node,
    partial,
    reading,
    world,
)
from support.screens import app, settled
from support.strategies import digest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from treering.core import ids
from treering.core.text import is_safe
from treering.tui.screen import MainScreen
from treering.tui.widgets.lines import LineList


def pane(pilot: Pilot[Any], name: str) -> LineList:
    return pilot.app.screen.query_one(f"#{name}", LineList)


def lines(pilot: Pilot[Any], name: str) -> list[str]:
    found = pane(pilot, name)
    return ["".join(text for text, _ in found._draw(row, 200)) for row in range(found.count)]


def screen(pilot: Pilot[Any]) -> MainScreen:
    assert isinstance(pilot.app.screen, MainScreen)
    return pilot.app.screen


async def test_the_three_panes_show_one_graph() -> None:
    async with app(reading(*world())).run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        assert any("registry ok" in line for line in lines(pilot, "sources"))
        names = lines(pilot, "nodes")
        assert names[0].split() == ["tag", "registry/shop/web:1.0"]
        text = "\n".join(lines(pilot, "lineage"))
        assert "points-at image shop/web:1.0" in text
        assert "based-on image debian:12" in text


async def test_moving_shows_the_lineage_of_what_is_under_the_cursor() -> None:
    async with app(reading(*world())).run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("j", "j")
        assert pane(pilot, "nodes").cursor == 2
        await settled(pilot)
        assert "registry/shop/web:latest" in lines(pilot, "lineage")[1]
        await pilot.press("G")
        assert pane(pilot, "nodes").cursor == len(lines(pilot, "nodes")) - 1
        await pilot.press("g", "k")
        assert pane(pilot, "nodes").cursor == 0


async def test_enter_goes_to_a_node_and_minus_comes_back() -> None:
    async with app(reading(*world())).run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("enter", "j", "j", "enter")
        await settled(pilot)
        assert screen(pilot)._selected == ids.image(digest(2))
        assert lines(pilot, "lineage")[1].startswith("image shop/web:1.0")
        await pilot.press("-")
        await settled(pilot)
        assert screen(pilot)._selected == ids.tag("registry", "shop/web", "1.0")


async def test_the_filter_narrows_and_escape_widens() -> None:
    async with app(reading(*world())).run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        everything = pane(pilot, "nodes").count
        await pilot.press("slash", *"latest", "enter")
        assert [line.split()[1] for line in lines(pilot, "nodes")] == ["registry/shop/web:latest"]
        await pilot.press("escape")
        assert pane(pilot, "nodes").count == everything
        assert pilot.app.screen.query_one("#filter", Input).value == ""


async def test_going_to_a_node_the_filter_hides_shows_its_lineage() -> None:
    async with app(reading(*world())).run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("slash", *"web:1.0", "enter")
        await settled(pilot)
        await pilot.press("enter", "j", "j", "j", "enter")
        await settled(pilot)
        assert screen(pilot)._selected == ids.image(digest(1))
        assert lines(pilot, "lineage")[1].startswith("image debian:12")


async def test_a_source_that_fails_says_why_and_the_rest_is_there() -> None:
    readers = (reading(*world()), failing(), partial(*image(7, "x", [71])))
    async with app(*readers).run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        text = "\n".join(lines(pilot, "sources"))
        assert "✓ registry ok" in text
        assert "✗ docker failed" in text
        assert "! archive partial" in text
        await pilot.press("shift+tab", "j")
        await settled(pilot)
        detail = str(pilot.app.screen.query_one("#detail", Static).render())
        assert "permission denied" in detail
        assert "join the group docker" in detail


async def test_it_fills_while_a_source_hangs_and_q_leaves_at_once() -> None:
    application = app(reading(*world()), hanging())
    async with application.run_test(size=(120, 40)) as pilot:
        for _ in range(200):
            await pilot.pause(0.02)
            if pane(pilot, "nodes").count:
                break
        assert pane(pilot, "nodes").count
        assert "reading" in "\n".join(lines(pilot, "sources"))
        began = time.monotonic()
        await pilot.press("q")
        assert time.monotonic() - began < 2
    assert application.return_value == 0


async def test_what_arrives_later_does_not_move_the_cursor_off_its_node() -> None:
    import threading

    more = threading.Event()
    early = node(ids.tag("registry", "m", "1"), "m:1")
    late = [node(ids.tag("registry", "a", str(n)), f"a:{n}") for n in range(50)]

    def script(_context: object) -> Any:
        yield early
        time.sleep(0.2)  # what came is sent on with the next fact after a tenth of a second
        yield early
        more.wait(10)
        yield from late

    async with app(ScriptedReader("registry", script)).run_test(size=(120, 40)) as pilot:
        for _ in range(200):
            await pilot.pause(0.02)
            if pane(pilot, "nodes").count == 1:
                break
        assert screen(pilot)._selected == early.id
        await pilot.press("enter", "j", "tab", "tab")
        more.set()
        await settled(pilot)
        nodes = pane(pilot, "nodes")
        assert nodes.count == 51
        assert "m:1" in lines(pilot, "nodes")[nodes.cursor]
        assert screen(pilot)._selected == early.id


async def test_evidence_can_be_read() -> None:
    async with app(reading(*world())).run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("enter", "j", "j", "w")
        await settled(pilot)
        why = pilot.app.screen.query_one("#why", Static)
        assert why.display
        assert "index.json names it" in str(why.render())


async def test_hostile_text_is_shown_and_does_nothing() -> None:
    async with app(reading(*hostile_world())).run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        for name in ("nodes", "lineage"):
            for line in lines(pilot, name):
                assert is_safe(line)
        for row in range(pane(pilot, "nodes").count):
            await pilot.click("#nodes", offset=(20, row + 1))
        assert "[@click=app.bell]click[/]" in "\n".join(lines(pilot, "nodes"))
        for strip in pilot.app.screen._compositor.render_strips():
            assert all(segment.text.isprintable() for segment in strip)


async def test_help_lists_every_key() -> None:
    async with app(reading(*world())).run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("question_mark")
        await pilot.pause()
        text = str(pilot.app.screen.query_one("#help Static", Static).render())
        for word in ("quit", "filter", "half a page down", "evidence"):
            assert word in text
        await pilot.press("q")
        await pilot.pause()
        assert isinstance(pilot.app.screen, MainScreen)


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (300, 100)])
async def test_any_size(size: tuple[int, int]) -> None:
    async with app(reading(*world())).run_test(size=size) as pilot:
        await settled(pilot)
        await pilot.resize_terminal(61, 17)
        await pilot.press("j", "tab", "j")
        await pilot.pause()


async def test_reading_again_marks_what_vanished() -> None:
    facts = world()

    def script(_context: object) -> Any:
        return iter([_at(f) for f in facts])

    def _at(fact: Any) -> Any:
        import msgspec

        return msgspec.structs.replace(fact, seen=application.session.reading.clock.now())

    application = app(ScriptedReader("registry", script))
    async with application.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        application.session.reading.clock.time += 10  # type: ignore[attr-defined]
        facts = [f for f in facts if "latest" not in repr(f)]
        await pilot.press("ctrl+r")
        for _ in range(200):
            await pilot.pause(0.02)
            if any("gone" in line for line in lines(pilot, "nodes")):
                break
        (gone,) = [line for line in lines(pilot, "nodes") if "gone" in line]
        assert "latest" in gone
