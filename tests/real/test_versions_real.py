"""The orders of versions against dpkg and rpm themselves."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator

import pytest
from support.tools import need

from treering.core.packages import Manager
from treering.core.packages.versions import compare

pytestmark = pytest.mark.real

SEED = 20260501
OF_DPKG = ["0", "00", "1", "9", "10", "a", "Z", "rc", ".", "+", "~", "-", "~~", ".0"]
OF_RPM = ["0", "00", "1", "9", "10", "a", "Z", "rc", ".", "_", "~", "^", "..", ".0", "+"]


def pairs(parts: list[str], count: int) -> Iterator[tuple[str, str]]:
    """Yield pairs of versions that begin alike, as those of one package do."""
    chance = random.Random(SEED)  # noqa: S311 -- the same pairs each time
    for _ in range(count):
        start = "".join(chance.choices(parts, k=chance.randrange(4)))
        yield (one(chance, start, parts), one(chance, start, parts))


def one(chance: random.Random, start: str, parts: list[str]) -> str:
    epoch = chance.choice(["", "", "", "0:", "1:", "01:"])
    end = "".join(chance.choices(parts, k=chance.randrange(4)))
    release = "".join(chance.choices([p for p in parts if p != "-"], k=chance.randrange(1, 4)))
    upstream = f"{epoch}1{start}{end}"
    # A hyphen at the end would begin a revision that is not there, which dpkg refuses.
    released = chance.random() < 0.8 or upstream.endswith("-")
    return f"{upstream}-{release}" if released else upstream


def test_dpkg_orders_as_dpkg() -> None:
    tool = need("dpkg")

    def holds(a: str, relation: str, b: str) -> bool:
        argv = [tool, "--compare-versions", a, relation, b]
        done = subprocess.run(argv, check=False, capture_output=True, timeout=60)
        assert done.returncode in {0, 1}, done.stderr
        assert not done.stderr, (a, b, done.stderr)
        return done.returncode == 0

    seen = set()
    for a, b in pairs(OF_DPKG, 400):
        expected = -1 if holds(a, "lt", b) else 1 if holds(a, "gt", b) else 0
        assert compare(Manager.DPKG, a, b) == expected, (a, b)
        seen.add(expected)
    assert seen == {-1, 0, 1}


def test_rpm_orders_as_rpm() -> None:
    tool = need("rpm")
    made = [pair for pair in pairs(OF_RPM, 2000) if all("-" in version for version in pair)]
    calls = "".join(f'print(rpm.vercmp("{a}", "{b}") .. " ")' for a, b in made)
    argv = [tool, "--eval", f"%{{lua:{calls}}}"]
    done = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=60)
    expected = [int(word) for word in done.stdout.split()]
    assert len(expected) == len(made) > 1000
    for (a, b), order in zip(made, expected, strict=True):
        assert compare(Manager.RPM, a, b) == order, (a, b)
    assert set(expected) == {-1, 0, 1}
