"""Driving the one screen: moving, jumping, filtering, leaving."""

from __future__ import annotations

import threading
import time
from typing import Any

import msgspec
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
from support.screens import app, lines, screen, settled, shown, until
from support.strategies import digest
from textual.pilot import Pilot

from treering.core import ids
from treering.core.text import is_safe
from treering.present.places import Place
from treering.tui.screens import Chooser
from treering.tui.widgets.filter import FilterLine

WIDE = (120, 40)
WEB_1_0 = ids.tag("registry", "shop/web", "1.0")
WEB_1_1 = ids.tag("registry", "shop/web", "1.1")


async def go(pilot: Pilot[Any], name: str) -> None:
    """Go to a name by the palette."""
    await pilot.press("colon", *name)
    await until(pilot, lambda: bool(pilot.app.screen._offered), f"names like {name}")  # type: ignore[attr-defined]
    choices = pilot.app.screen._shown  # type: ignore[attr-defined]
    at = next(n for n, c in enumerate(choices) if getattr(c.value, "name", None) is not None)
    for _ in range(at):
        await pilot.press("down")
    await pilot.press("enter")
    await pilot.pause()
    await settled(pilot)


async def test_the_three_panes_show_one_graph() -> None:
    async with app(reading(*world())).run_test(size=WIDE) as pilot:
        await settled(pilot)
        desk = screen(pilot)
        assert desk.view.place is Place.IMAGES
        assert any("shop/web" in line for line in lines(desk.places))
        assert any("debian:12" in line for line in lines(desk.map))
        assert desk.detail.lines.count


async def test_each_place_has_its_key() -> None:
    async with app(reading(*world())).run_test(size=WIDE) as pilot:
        await settled(pilot)
        for key, place in zip("123456", Place, strict=True):
            await pilot.press(key)
            await settled(pilot)
            assert screen(pilot).view.place is place
            assert screen(pilot).places._titled.startswith(f"{key} {place}")


async def test_moving_shows_the_map_of_what_is_under_the_cursor() -> None:
    async with app(reading(*world())).run_test(size=WIDE) as pilot:
        await settled(pilot)
        desk = screen(pilot)
        seen = set()
        for _ in range(desk.places.count):
            await settled(pilot)
            item = desk.places.item
            assert item is not None
            if item.node is not None:
                assert desk.view.node == item.node
                assert desk.detail.node == item.node
                assert any(r.node == item.node for r in desk.map.rows)
                seen.add(item.node)
            await pilot.press("j")
        assert {WEB_1_0, WEB_1_1} <= seen


async def test_gg_and_shift_g_go_to_the_ends_and_one_g_does_nothing() -> None:
    async with app(reading(*world())).run_test(size=WIDE) as pilot:
        await settled(pilot)
        places = screen(pilot).places
        await pilot.press("6")
        await pilot.press("G")
        assert places.cursor == places.count - 1
        await pilot.press("g")
        assert places.cursor == places.count - 1
        await pilot.press("g")
        assert places.cursor == 0
        await pilot.press("g", "j", "g")
        assert places.cursor == 1


async def test_enter_goes_to_a_node_and_minus_comes_back() -> None:
    async with app(reading(*world())).run_test(size=WIDE) as pilot:
        await settled(pilot)
        desk = screen(pilot)
        before = desk.view.node
        await pilot.press("enter")
        assert desk.focused is desk.map
        base = ids.image(digest(1))
        at = next(n for n, row in enumerate(desk.map.rows) if row.node == base)
        desk.map.cursor = at
        await pilot.press("enter")
        await settled(pilot)
        assert desk.view.node == base
        await pilot.press("minus")
        await settled(pilot)
        assert desk.view.node == before


async def test_the_filter_narrows_and_escape_widens() -> None:
    async with app(reading(*world())).run_test(size=WIDE) as pilot:
        await settled(pilot)
        places = screen(pilot).places
        everything = places.count
        await pilot.press("slash", *"latest", "enter")
        assert places.count < everything
        assert any("latest" in line for line in lines(places))
        assert places.has_focus
        await pilot.press("escape")
        assert places.count == everything
        assert screen(pilot).query_one(FilterLine).value == ""


@pytest.mark.parametrize(
    ("typed", "tags"),
    [
        ("web:1", {"1.0", "1.1"}),
        ("~wblt", {"latest"}),
        ("1\\.[01]$", {"1.0", "1.1"}),
        ("!latest", {"1.0", "1.1"}),
        ("LATEST", {"latest"}),
    ],
)
async def test_filters_may_be_words_patterns_fuzzy_and_inverse(typed: str, tags: set[str]) -> None:
    async with app(reading(*world())).run_test(size=WIDE) as pilot:
        await settled(pilot)
        desk = screen(pilot)
        await pilot.press("slash")
        desk.query_one(FilterLine).value = typed
        await pilot.press("enter")
        await settled(pilot)
        shown_tags = {n for n in desk.places.shown_nodes() if n.startswith("tag:")}
        assert {ids.tag("registry", "shop/web", tag) for tag in tags} == shown_tags


async def test_a_pattern_that_cannot_be_used_says_so_and_hides_nothing() -> None:
    async with app(reading(*world())).run_test(size=WIDE) as pilot:
        await settled(pilot)
        everything = screen(pilot).places.count
        await pilot.press("slash")
        screen(pilot).query_one(FilterLine).value = "(unclosed"
        await pilot.press("enter")
        assert screen(pilot).places.count == everything
        assert "not a pattern" in shown(pilot)


async def test_search_in_the_map_goes_from_match_to_match() -> None:
    async with app(reading(*world())).run_test(size=WIDE) as pilot:
        await settled(pilot)
        desk = screen(pilot)
        await pilot.press("enter", "slash", *"debian", "enter")
        assert desk.map.row is not None
        assert "debian" in desk.map.row.text
        await pilot.press("n")
        assert "debian" in desk.map.row.text
        await pilot.press("escape")
        assert not desk.map.searching


async def test_a_source_that_fails_says_why_and_the_rest_is_there() -> None:
    readers = (reading(*world()), failing(), partial(*image(7, "x", [71])))
    async with app(*readers).run_test(size=WIDE) as pilot:
        await settled(pilot)
        assert "1 source failed" in shown(pilot)
        await pilot.press("exclamation_mark")
        await pilot.pause()
        text = shown(pilot)
        assert "permission denied" in text
        assert "join the group docker" in text


async def test_it_fills_while_a_source_hangs_and_q_leaves_at_once() -> None:
    application = app(reading(*world()), hanging())
    async with application.run_test(size=WIDE) as pilot:
        desk = screen(pilot)
        await until(pilot, lambda: any(i.node for i in desk.places.items), "rows")
        assert "reading 1 of 2" in shown(pilot)
        began = time.monotonic()
        await pilot.press("q")
        assert time.monotonic() - began < 2
    assert application.return_value == 0


async def test_what_arrives_later_does_not_move_the_cursor_off_its_node() -> None:
    more = threading.Event()
    early = node(ids.tag("registry", "m", "1"), "m:1")
    late = [node(ids.tag("registry", "a", str(n)), f"a:{n}") for n in range(15)]

    def script(_context: object) -> Any:
        yield early
        time.sleep(0.2)  # what came is sent on with the next fact after a tenth of a second
        yield early
        more.wait(10)
        yield from late

    async with app(ScriptedReader("registry", script)).run_test(size=WIDE) as pilot:
        desk = screen(pilot)
        await until(pilot, lambda: desk.view.node == early.id, "the first tag")
        await pilot.press("k", "j")
        assert desk.places.item is not None
        assert desk.places.item.node == early.id
        more.set()
        await settled(pilot)
        assert any("15" in line or "a:" in line for line in lines(desk.places))
        assert desk.places.item.node == early.id
        assert desk.view.node == early.id


async def test_evidence_can_be_read() -> None:
    async with app(reading(*world())).run_test(size=WIDE) as pilot:
        await settled(pilot)
        desk = screen(pilot)
        await pilot.press("enter")
        at = next(n for n, row in enumerate(desk.map.rows) if row.node and row.why)
        desk.map.cursor = at
        await pilot.press("w")
        await pilot.pause()
        assert desk.map.rows[at].why[:30] in shown(pilot)


async def test_hostile_text_is_shown_and_does_nothing() -> None:
    async with app(reading(*hostile_world())).run_test(size=WIDE) as pilot:
        await settled(pilot)
        desk = screen(pilot)
        for _ in range(len(desk.detail._shown.tabs)):  # type: ignore[union-attr]
            await settled(pilot)
            for found in (desk.places, desk.map, desk.detail.lines):
                assert all(is_safe(line) for line in lines(found))
            await pilot.press("right_square_bracket")
        for place in "123456":
            await pilot.press(place)
            await settled(pilot)
            for row in range(min(10, desk.places.count)):
                await pilot.click("#places", offset=(8, row + 1))
            for strip in pilot.app.screen._compositor.render_strips():
                assert all(segment.text.isprintable() for segment in strip)
        await pilot.press("4")
        assert "[@click=app.bell]click[/]" in "\n".join(lines(desk.places))


async def test_help_lists_every_command_and_can_be_searched() -> None:
    async with app(reading(*world())).run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("question_mark")
        await pilot.pause()
        box = pilot.app.screen
        assert isinstance(box, Chooser)
        text = "\n".join(lines(box._lines))
        for word in ("quit", "filter", "half a page down", "evidence", "exact"):
            assert word in text
        await pilot.press("slash", *"half")
        await pilot.pause()
        assert len(lines(box._lines)) == 2
        await pilot.press("escape")
        await pilot.pause()
        assert pilot.app.screen is screen(pilot)


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (300, 100)])
async def test_any_size(size: tuple[int, int]) -> None:
    async with app(reading(*world())).run_test(size=size) as pilot:
        await settled(pilot)
        for width, height in ((61, 17), (40, 12), (101, 30), (300, 100), (20, 5)):
            await pilot.resize_terminal(width, height)
            await pilot.press("j", "tab", "j", "plus", "plus", "tab", "underscore")
            await pilot.pause()


async def test_reading_again_marks_what_vanished() -> None:
    facts = world()

    def script(_context: object) -> Any:
        return iter([_at(f) for f in facts])

    def _at(fact: Any) -> Any:
        return msgspec.structs.replace(fact, seen=application.desk.session.reading.clock.now())

    application = app(ScriptedReader("registry", script))
    async with application.run_test(size=WIDE) as pilot:
        await settled(pilot)
        desk = screen(pilot)
        application.desk.session.reading.clock.time += 10  # type: ignore[attr-defined]
        facts = [f for f in facts if "latest" not in repr(f)]
        await pilot.press("ctrl+r")
        await until(pilot, lambda: any("gone" in line for line in lines(desk.places)), "gone")
        (gone,) = [line for line in lines(desk.places) if "gone" in line]
        assert "latest" in gone


async def test_what_nobody_chose_is_not_remembered() -> None:
    """Sources that answer early must not leave folds and cursors behind in their places."""
    late = threading.Event()

    def script(_context: object) -> Any:
        late.wait(10)
        yield from world()

    early = ScriptedReader("git", lambda _context: iter([node(ids.git("c" * 40), "early")]))
    async with app(early, ScriptedReader("registry", script)).run_test(size=WIDE) as pilot:
        desk = screen(pilot)
        await until(pilot, lambda: desk.view.place is Place.SOURCES, "the early source")
        late.set()
        await settled(pilot)
        assert desk.view.place is Place.IMAGES
        await pilot.press("6")
        await settled(pilot)
        assert desk.places.cursor == 0
