"""Random GVariant types and values, for hypothesis and for seeded comparison with GLib."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import strategies as st

from treering.core.gvariant import Just, Variant

RANGES = {
    "y": (0, 2**8 - 1),
    "n": (-(2**15), 2**15 - 1),
    "q": (0, 2**16 - 1),
    "i": (-(2**31), 2**31 - 1),
    "u": (0, 2**32 - 1),
    "x": (-(2**63), 2**63 - 1),
    "t": (0, 2**64 - 1),
    "h": (-(2**31), 2**31 - 1),
}
BASIC = "ybnqiuxthdsog"
TEXTS = ["", "a", "stable", "os/x86_64/stable", "ünï", "\U0001f332", "x" * 300, "\u202e\x1b[31m"]
PATHS = ["/", "/a", "/org/example/Thing_1"]
SIGNATURES = ["", "s", "a{sv}", "(ii)as", "ayv"]


def random_type(rng: random.Random, depth: int = 3) -> str:
    """Return a random definite type with containers nested at most `depth` deep."""
    shape = rng.random()
    if depth == 0 or shape < 0.4:
        return rng.choice(BASIC) if depth == 0 or shape < 0.33 else "v"
    if shape < 0.55:
        return "a" + random_type(rng, depth - 1)
    if shape < 0.65:
        return "m" + random_type(rng, depth - 1)
    if shape < 0.8:
        return "a{" + rng.choice(BASIC) + random_type(rng, depth - 1) + "}"
    members = (random_type(rng, depth - 1) for _ in range(rng.randint(0, 4)))
    return "(" + "".join(members) + ")"


def random_value(rng: random.Random, kind: str, depth: int = 3) -> Any:
    """Return a random value of `kind`, in treering's mapping; `depth` bounds variants."""
    code = kind[0]
    if code in RANGES:
        low, high = RANGES[code]
        return rng.choice([low, high, 0, 1, rng.randint(low, high)])
    if code in "bdsog":
        return _random_leaf(rng, code)
    if code == "v":
        inner = random_type(rng, depth - 1) if depth > 0 else "s"
        return Variant(inner, random_value(rng, inner, depth - 1))
    if code == "m":
        return _random_maybe(rng, kind[1:], depth)
    return _random_container(rng, kind, depth)


def _random_container(rng: random.Random, kind: str, depth: int) -> Any:
    if kind[0] in "({":
        return tuple(random_value(rng, m, depth) for m in members_of(kind))
    count = rng.choice([0, 1, 2, 3, rng.randint(0, 12)])
    if kind[1] == "y":
        return rng.randbytes(rng.choice([0, 32, count, 300]))
    items = [random_value(rng, kind[1:], depth) for _ in range(count)]
    return dict(items) if kind[1] == "{" else items


def members_of(kind: str) -> list[str]:
    """Return the member types of a tuple or dict entry."""
    out, position = [], 1
    while position < len(kind) - 1:
        end = _type_end(kind, position)
        out.append(kind[position:end])
        position = end
    return out


def _random_leaf(rng: random.Random, code: str) -> Any:
    if code == "b":
        return rng.random() < 0.5
    if code == "d":
        return rng.choice([0.0, 1.5, -2.25, 1e300, float("inf"), rng.uniform(-1, 1)])
    return rng.choice({"s": TEXTS, "o": PATHS, "g": SIGNATURES}[code])


def _random_maybe(rng: random.Random, element: str, depth: int) -> Any:
    if rng.random() < 0.4:
        return None
    value = random_value(rng, element, depth)
    return Just(value) if element[0] == "m" else value


def _type_end(kind: str, position: int) -> int:
    while kind[position] in "am":
        position += 1
    level = 0
    while True:
        level += (kind[position] in "({") - (kind[position] in ")}")
        position += 1
        if level == 0:
            return position


@st.composite
def _types(draw: st.DrawFn) -> str:
    return random_type(random.Random(draw(st.integers(0, 2**32))))  # noqa: S311 -- test data


TYPES = _types()
"""Random types."""


@st.composite
def typed_values(draw: st.DrawFn) -> tuple[str, Any]:
    """Draw a random type and a value of it."""
    rng = random.Random(draw(st.integers(0, 2**48)))  # noqa: S311 -- test data
    kind = random_type(rng)
    return kind, random_value(rng, kind)
