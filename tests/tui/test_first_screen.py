"""What the screen looks like, at 80x24 and wide, in each of its states."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.baselines import BASELINES
from support.readers import failing, hanging, hostile_world, partial, reading, world
from support.screens import app, settled
from textual.pilot import Pilot

from treering.adapters.demo.build import build
from treering.bootstrap.registry import catalogue
from treering.core.ports import SourceSpec

SIZES = [(80, 24), (120, 40)]
Compare = Callable[..., bool]


async def _filled(pilot: Pilot[Any]) -> None:
    """Wait for the rows of the source that answers, while another does not."""
    for _ in range(400):
        screen = pilot.app.screen
        if screen._rows and screen._lineage:  # type: ignore[attr-defined]
            await pilot.pause()
            return
        await pilot.pause(0.02)
    pytest.fail("nothing came")


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40"])
class TestFirstScreen:
    def test_world(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        async def before(pilot: Pilot[Any]) -> None:
            await settled(pilot)
            await pilot.press("enter", "j", "j", "w")

        assert snap_compare(app(reading(*world())), terminal_size=size, run_before=before)

    def test_demo(
        self,
        snap_compare: Compare,
        size: tuple[int, int],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.chdir(build(tmp_path / "demo").parent)
        kinds = (
            ("oci-layout", "registry"),
            ("oci-layout", "staging"),
            ("ostree", "os-repo"),
            ("git", "shop.git"),
        )
        readers = [catalogue(audit=False).open(SourceSpec(k, p, p)) for k, p in kinds]

        async def before(pilot: Pilot[Any]) -> None:
            await settled(pilot)
            await pilot.press("slash", *"web:1.2", "enter")
            await settled(pilot)
            await pilot.press("enter", *"jjj", "w")

        assert snap_compare(app(*readers), terminal_size=size, run_before=before)

    def test_audit(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        it = app(reading(*world()), audit=True)
        assert snap_compare(it, terminal_size=size, run_before=settled)

    def test_empty(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        assert snap_compare(app(), terminal_size=size, run_before=settled)

    def test_loading(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        it = app(reading(*world()), hanging())
        assert snap_compare(it, terminal_size=size, run_before=_filled)

    def test_failed(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        it = app(failing(), partial(*world()))
        assert snap_compare(it, terminal_size=size, run_before=settled)

    def test_hostile(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        it = app(reading(*hostile_world()))
        assert snap_compare(it, terminal_size=size, run_before=settled)

    def test_help(self, snap_compare: Compare, size: tuple[int, int]) -> None:
        async def before(pilot: Pilot[Any]) -> None:
            await settled(pilot)
            await pilot.press("question_mark")

        assert snap_compare(app(reading(*world())), terminal_size=size, run_before=before)


def test_every_picture_belongs_to_a_test(request: pytest.FixtureRequest) -> None:
    tests = {
        f"{item.path.stem}/TestFirstScreen.{item.name}"
        for item in request.session.items
        if "snap_compare" in getattr(item, "fixturenames", ())
    }
    if tests:
        pictures = {str(p.relative_to(BASELINES).with_suffix("")) for p in BASELINES.rglob("*.svg")}
        assert pictures == tests
