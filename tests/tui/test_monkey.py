"""A monkey at the keys: thousands of random keys, clicks and resizes without an exception.

`TREERING_MONKEY` sets how many; a failure names the seed.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from support.screens import demo_app, screen, settled

from treering.adapters.demo.build import build
from treering.present.commands import COMMANDS

STEPS = int(os.environ.get("TREERING_MONKEY", "400"))
LEAVING = {"q", "ctrl+c", "ctrl+z"}
KEYS = [key for c in COMMANDS for key in c.keys if key not in LEAVING] + [*"abez1.", "space"]
SIZES = ((80, 24), (120, 40), (40, 12), (300, 100), (61, 20), (20, 6), (99, 30))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("world") / "demo").parent


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", [1, 2])
async def test_a_monkey_breaks_nothing(
    demo: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, seed: int
) -> None:
    # A seeded choice of keys, nothing secret.
    monkey = random.Random(seed)  # noqa: S311
    application = demo_app(demo, monkeypatch)
    monkeypatch.chdir(demo)
    async with application.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        # What it exports goes where it does no harm.
        monkeypatch.setattr("treering.tui.taking.Path", lambda name: tmp_path / Path(name).name)
        for step in range(STEPS // 2):
            dice = monkey.random()
            if dice < 0.02:
                await pilot.resize_terminal(*monkey.choice(SIZES))
            elif dice < 0.12:
                width, height = application.size
                await pilot.click(offset=(monkey.randrange(width), monkey.randrange(height)))
            else:
                await pilot._wait_for_screen() if step % 50 == 0 else None
                application.simulate_key(monkey.choice(KEYS))
                if step % 10 == 0:
                    await pilot.pause()
            assert application._exception is None, (seed, step)
            assert application.is_running, (seed, step)
        await pilot.resize_terminal(120, 40)
        for _ in range(6):
            application.simulate_key("escape")
            await pilot.pause()
        assert screen(pilot).is_attached
