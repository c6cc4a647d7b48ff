"""Every command of the table does what it says, on the demo world."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support.screens import DARK, demo_app, lines, screen, settled, shown, until
from textual.pilot import Pilot

from treering.adapters.demo.build import build
from treering.core import ids
from treering.core.ids import Kind, kind_of
from treering.core.settings import ScreenConfig
from treering.present.commands import BY_ID, COMMANDS
from treering.present.detail import Tab
from treering.present.places import Place
from treering.tui.screens import Chooser

WEB = ids.tag("registry", "shop/web", "1.2")
DEBIAN = ids.tag("registry", "base/debian", "12.1")


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("world") / "demo").parent


@pytest.fixture
async def pilot(demo: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pilot[Any]]:
    async with demo_app(demo, monkeypatch).run_test(size=(140, 40)) as driven:
        await settled(driven)
        screen(driven).go_to(WEB)
        await settled(driven)
        yield driven


async def box(pilot: Pilot[Any]) -> Chooser:
    """Wait for a box over the screen."""
    await until(pilot, lambda: isinstance(pilot.app.screen, Chooser), "a box")
    found = pilot.app.screen
    assert isinstance(found, Chooser)
    return found


async def test_came_from_lists_the_origins_and_goes_there(pilot: Pilot[Any]) -> None:
    await pilot.press("J")
    await settled(pilot)
    image = screen(pilot).view.node
    assert image is not None
    assert kind_of(image) is Kind.IMAGE
    await pilot.press("J")
    found = await box(pilot)
    assert "base/debian:12.1" in lines(found._lines)[0]
    await pilot.press("enter")
    await settled(pilot)
    assert any("base/debian:12.1" in row.text for row in screen(pilot).detail.lines.rows)
    await pilot.press("minus", "minus")
    await settled(pilot)
    assert screen(pilot).view.node == WEB


async def test_used_by_is_the_blast_radius(pilot: Pilot[Any]) -> None:
    screen(pilot).go_to(DEBIAN)
    await settled(pilot)
    await pilot.press("u")
    found = await box(pilot)
    text = "\n".join(lines(found._lines))
    for name in ("shop/web:1.2", "shop/api", "os/edge"):
        assert name in text or name == "os/edge"
    assert "image" in found._title
    await pilot.press("slash", *"shop/api:2.0", "enter")
    await settled(pilot)
    assert "shop/api" in str(screen(pilot).detail.border_title)


async def test_the_map_goes_where_enter_is_pressed_and_shift_m_centres(pilot: Pilot[Any]) -> None:
    desk = screen(pilot)
    await pilot.press("tab")
    at = next(n for n, r in enumerate(desk.map.rows) if r.text.find("base/debian:12.1 ") > 0)
    desk.map.cursor = at
    await settled(pilot)
    node = desk.map.rows[at].node
    assert desk.detail.node == node
    assert desk.view.node == WEB
    await pilot.press("M")
    await settled(pilot)
    assert desk.view.node == node


async def test_groups_of_the_map_open_and_close(pilot: Pilot[Any]) -> None:
    desk = screen(pilot)
    await pilot.press("tab")
    at = next(n for n, r in enumerate(desk.map.rows) if r.key.startswith("group:"))
    before = len(desk.map.rows)
    desk.map.cursor = at
    key = desk.map.rows[at].key
    await pilot.press("enter")
    await settled(pilot)
    assert len(desk.map.rows) > before
    assert desk.map.row is not None
    assert desk.map.row.key == key
    await pilot.press("enter")
    await settled(pilot)
    assert len(desk.map.rows) == before


async def test_every_tab_shows_something(pilot: Pilot[Any]) -> None:
    seen = {}
    for _ in Tab:
        await settled(pilot)
        desk = screen(pilot)
        assert desk.detail._shown is not None
        seen[desk.detail._shown.tab] = "\n".join(lines(desk.detail.lines))
        await pilot.press("right_square_bracket")
    assert set(seen) == set(Tab)
    assert "base/debian:12.1" in seen[Tab.SUMMARY]
    assert "COPY" in seen[Tab.LAYERS] or "RUN" in seen[Tab.LAYERS]
    assert "etc/" in seen[Tab.TREE]
    assert "openssl" in seen[Tab.PACKAGES]
    assert "PATH" in seen[Tab.CONFIG]
    assert "exact" in seen[Tab.EVIDENCE]
    assert "schemaVersion" in seen[Tab.DOCUMENT]


async def test_a_tree_can_be_walked_and_a_file_read(pilot: Pilot[Any]) -> None:
    desk = screen(pilot)
    desk.show_tab(Tab.TREE)
    await settled(pilot)
    desk.focus_pane("rows")
    rows = desk.detail.lines

    async def enter(name: str) -> None:
        rows.cursor = next(n for n, r in enumerate(rows.rows) if name in r.text)
        await pilot.press("enter")
        await settled(pilot)

    await enter("etc/")
    assert any("debian_version" in line for line in lines(rows))
    await enter("debian_version")
    assert any("12" in line for line in lines(rows))
    await pilot.press("escape")
    await settled(pilot)
    assert rows.row is not None
    assert "debian_version" in rows.row.text
    await enter("os-release")  # a link to a file in another directory
    assert any("PRETTY_NAME" in line or "Debian" in line for line in lines(rows))
    await pilot.press("escape")
    await enter("etc/")
    assert not any("debian_version" in line for line in lines(rows))


async def test_the_tree_of_a_commit_opens_too(pilot: Pilot[Any]) -> None:
    desk = screen(pilot)
    desk.go_to(ids.ref("os-repo", "edge/x86_64/stable"), tab=Tab.TREE)
    await settled(pilot)
    assert any("usr/" in line for line in lines(desk.detail.lines))


async def test_the_document_is_what_the_layout_stores(pilot: Pilot[Any]) -> None:
    await pilot.press("Y")
    await settled(pilot)
    text = "\n".join(lines(screen(pilot).detail.lines))
    assert '"mediaType"' in text
    assert screen(pilot).focused is screen(pilot).detail.lines


async def test_copies_are_offered_by_letter(
    pilot: Pilot[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[str] = []
    monkeypatch.setattr(pilot.app, "put_on_clipboard", lambda text: copied.append(text) or "")
    await pilot.press("y")
    await box(pilot)
    await pilot.press("r")
    await pilot.pause()
    await pilot.press("c")
    await until(pilot, lambda: len(copied) > 1, "the name")
    assert copied[0].startswith("shop/web@sha256:")
    assert copied[1] == "registry/shop/web:1.2"
    assert f"copied {copied[1]}" in shown(pilot)


async def test_what_cannot_be_copied_is_shown_instead(pilot: Pilot[Any]) -> None:
    await pilot.press("c")
    found = await box(pilot)
    assert "not copied" in found._title
    assert lines(found._lines) == ["registry/shop/web:1.2"]


async def test_a_link_leads_a_colleague_to_the_same_view(pilot: Pilot[Any]) -> None:
    from treering.present.links import link

    desk = screen(pilot)
    desk.show_tab(Tab.CONFIG)
    await settled(pilot)
    text = link(desk.view, DEBIAN)
    await pilot.press("minus")
    desk.action_place("refs")
    desk.show_tab(Tab.SUMMARY)
    await settled(pilot)
    desk.give(f"go {text}")
    await until(pilot, lambda: desk.view.node == WEB, "the node of the link")
    await settled(pilot)
    assert desk.view.place is Place.IMAGES
    assert desk.detail.tab is Tab.CONFIG
    assert desk.base == DEBIAN


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("go nowhere/at/all", "nothing here is called"),
        ("go web?tab=none", "no tab is called"),
        ("export pdf", "export as one of"),
        ("theme plaid", "there is no theme plaid"),
        ("frobnicate", "there is no"),
    ],
)
async def test_what_is_typed_wrong_says_so(pilot: Pilot[Any], typed: str, said: str) -> None:
    screen(pilot).give(typed)
    await until(pilot, lambda: said in shown(pilot), said)


async def test_marks(pilot: Pilot[Any]) -> None:
    desk = screen(pilot)
    desk.focus_pane("places")
    await pilot.press("home", "j", "space", "space")
    assert len(desk.marks) == 2
    assert "2 marked" in shown(pilot)
    await pilot.press("v", "j", "j", "v")
    assert len(desk.marks) >= 4
    await pilot.press("ctrl+backslash")
    assert not desk.marks
    await pilot.press("v", "escape", "ctrl+a")
    assert desk.marks == frozenset(desk.places.shown_nodes())


async def test_the_diff_base_stands_in_the_top_line(pilot: Pilot[Any]) -> None:
    desk = screen(pilot)
    await pilot.press("W")
    await until(pilot, lambda: "base registry/shop/web:1.2" in shown(pilot), "the base")
    await pilot.press("W")
    assert desk.base is None
    assert "base registry" not in shown(pilot).splitlines()[0]


async def test_export_writes_and_never_overwrites(pilot: Pilot[Any], tmp_path: Path) -> None:
    desk = screen(pilot)
    for form, ending in (("text", "txt"), ("json", "json"), ("svg", "svg")):
        path = tmp_path / f"view.{ending}"
        desk.give(f"export {form} {path}")
        assert path.stat().st_size
        assert "wrote" in shown_after(desk)
        before = path.read_bytes()
        desk.give(f"export {form} {path}")
        assert "not written" in shown_after(desk)
        assert path.read_bytes() == before
    document = json.loads((tmp_path / "view.json").read_text())
    assert document["schema"] == "treering.view/1"
    assert document["node"] == WEB
    assert "shop/web:1.2" in (tmp_path / "view.txt").read_text()


def shown_after(desk: Any) -> str:
    return str(desk._said)


async def test_the_palette_offers_names_and_commands(pilot: Pilot[Any]) -> None:
    await pilot.press("colon", *"debian:12.0")
    found = await box(pilot)
    await until(pilot, lambda: bool(found._offered), "names")
    await pilot.press("enter")
    await settled(pilot)
    assert "debian:12.0" in str(screen(pilot).detail.border_title)
    await pilot.press("colon", *"refs", "enter")
    await settled(pilot)
    assert screen(pilot).view.place is Place.REFS


async def test_the_menu_says_what_is_impossible_and_why(pilot: Pilot[Any]) -> None:
    await pilot.press("x")
    found = await box(pilot)
    text = "\n".join(lines(found._lines))
    assert "promote to a stage" in text
    assert "not in this version" in text
    await pilot.press("P")
    assert pilot.app.screen is found  # what is refused does not close the box
    await pilot.press("escape")
    await pilot.press("P")
    assert "promote to a stage: not in this version" in shown(pilot)


async def test_a_box_that_is_left_twice_is_left_once(pilot: Pilot[Any]) -> None:
    await pilot.press("x")
    found = await box(pilot)
    found.action_close()
    found.action_close()
    await pilot.pause()
    assert pilot.app.screen is screen(pilot)
    assert pilot.app._exception is None


async def test_zoom(pilot: Pilot[Any]) -> None:
    desk = screen(pilot)
    desk.focus_pane("map")
    normal = desk.map.size.width
    await pilot.press("plus")
    await pilot.pause()
    assert desk.map.size.width > normal
    await pilot.press("plus")
    await pilot.pause()
    assert not desk.places.display
    assert desk.map.size.width > 130
    await pilot.press("escape")
    await pilot.pause()
    assert desk.map.size.width == normal


async def test_the_log_tells_what_was_asked(pilot: Pilot[Any]) -> None:
    await pilot.press("at")
    found = await box(pilot)
    assert "changed: nothing" in found._title


async def test_no_command_of_the_table_breaks_anything(pilot: Pilot[Any]) -> None:
    panes = ("places", "map", "rows")
    for number, command in enumerate(COMMANDS):
        if command.id in {"quit", "quit.now", "suspend"}:
            continue
        screen(pilot).focus_pane(panes[number % len(panes)])
        for key in command.keys[:1]:
            await pilot.press(key)
            while pilot.app.screen is not screen(pilot):
                await pilot.press("escape")
                await pilot.pause()
        await pilot.press("escape")


@pytest.mark.parametrize("preset", ["k9s", "lazygit"])
async def test_presets_change_the_keys(
    demo: Path, monkeypatch: pytest.MonkeyPatch, preset: str
) -> None:
    look = ScreenConfig(theme="treering-dark", link="fast", keys=preset)
    async with demo_app(demo, monkeypatch, screen=look).run_test(size=(120, 30)) as driven:
        await settled(driven)
        desk = screen(driven)
        desk.focus_pane("places")
        await driven.press("G" if preset == "k9s" else "greater_than_sign")
        assert desk.places.cursor == desk.places.count - 1
        await driven.press("g" if preset == "k9s" else "less_than_sign")
        assert desk.places.cursor == 0


async def test_a_key_of_ones_own(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    look = ScreenConfig(
        theme="treering-dark", link="fast", remap=(("place.refs", "f"), ("list.down", "e"))
    )
    async with demo_app(demo, monkeypatch, screen=look).run_test(size=(120, 30)) as driven:
        await settled(driven)
        await driven.press("f")
        assert screen(driven).view.place is Place.REFS
        before = screen(driven).places.cursor
        await driven.press("e")
        assert screen(driven).places.cursor == before + 1
        await driven.press("j", "4")
        assert screen(driven).places.cursor == before + 1


async def test_audit_mode_refuses_what_writes(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with demo_app(demo, monkeypatch, audit=True, screen=DARK).run_test() as driven:
        await settled(driven)
        assert "AUDIT" in shown(driven).splitlines()[0]
        for name in ("promote", "rollback", "pin"):
            assert BY_ID[name].writes
            await driven.press(*BY_ID[name].keys[:1])
            assert "audit mode reads only" in shown(driven)


async def test_a_new_user_finds_the_three_answers(
    demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The walk of the README: what is it built on, what rests on that, which tag moved?"""
    async with demo_app(demo, monkeypatch).run_test(size=(80, 24)) as driven:
        await settled(driven)
        desk = screen(driven)
        await driven.press("slash", *"web:1.2", "enter", "j")
        await settled(driven)
        assert "base/debian:12.1" in "\n".join(r.text for r in desk.map.rows)
        await driven.press("J", "J")
        found = await box(driven)
        assert "based-on image base/debian:12.1" in lines(found._lines)[0]
        await driven.press("enter")
        await settled(driven)
        await driven.press("u")
        found = await box(driven)
        users = "\n".join(lines(found._lines))
        assert "shop/web:1.3-rc1" in users
        assert "shop/api:2.0" in users
        await driven.press("escape", "escape", "3", "escape")
        await settled(driven)
        moved = [line for line in lines(desk.places) if "differs" in line and "stable" in line]
        assert len(moved) == 2  # registry and staging disagree about stable
