"""The diff on the screen: two marked things, or a base and what is under the cursor."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support.readers import world
from support.screens import demo_app, lines, screen, settled, shown, until
from textual.pilot import Pilot

from treering.adapters.demo.build import build
from treering.core import ids
from treering.core.graph import Graph
from treering.present.diff import Section
from treering.tui.comparing import DiffScreen
from treering.tui.sharing import shared

OLD, NEW = (ids.tag("registry", "shop/web", name) for name in ("1.1", "1.2"))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("world") / "demo").parent


@pytest.fixture
async def pilot(demo: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pilot[Any]]:
    async with demo_app(demo, monkeypatch).run_test(size=(100, 30)) as driven:
        await settled(driven)
        yield driven


async def opened(pilot: Pilot[Any]) -> DiffScreen:
    await until(pilot, lambda: isinstance(pilot.app.screen, DiffScreen), "the diff")
    found = pilot.app.screen
    assert isinstance(found, DiffScreen)
    await until(pilot, lambda: found.settled and found.found is not None, "the comparison")
    return found


async def test_two_marks_are_compared_the_older_first(pilot: Pilot[Any]) -> None:
    screen(pilot).set_marks(frozenset({NEW, OLD}))
    await pilot.press("d")
    found = await opened(pilot)
    assert (found.pair.a, found.pair.b) == (OLD, NEW)
    assert found.found is not None
    assert found.found.equal is False
    text = shown(pilot)
    assert "summary" in text
    assert "packages" in text
    seen = {}
    for _ in Section:
        seen[found.section] = "\n".join(lines(found._lines))
        await pilot.press("right_square_bracket")
    assert "openssl" in seen[Section.PACKAGES]
    assert "web:" in seen[Section.SOURCE]
    await pilot.press("q")
    await pilot.pause()
    assert pilot.app.screen is screen(pilot)


async def test_a_base_and_what_is_under_the_cursor(pilot: Pilot[Any]) -> None:
    desk = screen(pilot)
    desk.go_to(NEW)
    await settled(pilot)
    desk.set_base(OLD)
    await pilot.press("d")
    found = await opened(pilot)
    assert (found.pair.a, found.pair.b) == (OLD, NEW)


async def test_the_content_of_a_changed_file(pilot: Pilot[Any]) -> None:
    screen(pilot).set_marks(frozenset({NEW, OLD}))
    await pilot.press("d")
    found = await opened(pilot)
    while found.section is not Section.FILES:
        await pilot.press("right_square_bracket")
    rows = found._lines
    at = next(n for n, r in enumerate(rows.rows) if "status" in r.text and not r.fold)
    key = rows.rows[at].key
    rows.cursor = at
    await pilot.press("enter")
    await until(pilot, lambda: found.settled, "the content")
    text = "\n".join(lines(rows))
    assert "modified" in text
    assert any(line.startswith("+") for line in lines(rows))
    await pilot.press("escape")
    await pilot.pause()
    assert rows.row is not None
    assert rows.row.key == key


async def test_directories_of_the_tree_fold(pilot: Pilot[Any]) -> None:
    screen(pilot).set_marks(frozenset({NEW, OLD}))
    await pilot.press("d")
    found = await opened(pilot)
    while found.section is not Section.FILES:
        await pilot.press("right_square_bracket")
    before = found._lines.count
    found._lines.cursor = next(n for n, r in enumerate(found._lines.rows) if r.fold)
    await pilot.press("enter")
    assert found._lines.count < before
    await pilot.press("enter")
    assert found._lines.count == before


async def test_search_in_a_diff(pilot: Pilot[Any]) -> None:
    screen(pilot).set_marks(frozenset({NEW, OLD}))
    await pilot.press("d")
    found = await opened(pilot)
    await pilot.press("slash", *"packages", "enter")
    assert found._lines.row is not None
    assert "packages" in found._lines.row.text
    await pilot.press("escape")
    assert pilot.app.screen is found
    await pilot.press("escape")
    await pilot.pause()
    assert pilot.app.screen is screen(pilot)


async def test_an_image_against_a_commit(pilot: Pilot[Any]) -> None:
    tree = ids.ref("os-repo", "edge/x86_64/stable")
    screen(pilot).set_marks(frozenset({NEW, tree}))
    await pilot.press("d")
    found = await opened(pilot)
    assert found.found is not None
    assert found.found.equal is False


async def test_what_cannot_be_compared_says_so(pilot: Pilot[Any]) -> None:
    await pilot.press("d")
    assert "mark two things" in shown(pilot)


def test_a_lent_graph_can_be_asked_while_it_changes() -> None:
    graph, turn = Graph(), threading.RLock()
    lent, stop = shared(graph, turn), threading.Event()
    wrong: list[Exception] = []

    def ask() -> None:
        while not stop.is_set():
            try:
                for node in lent.ids():
                    list(lent.neighbours(node, out=True))
                    lent.edges_from(node)
                    assert node in lent
            except Exception as error:  # noqa: BLE001 -- whatever it is, it is wrong
                wrong.append(error)
                return

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    facts = world()
    for _ in range(20):
        for fact in facts:
            with turn:
                graph.merge([fact])
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong
