"""GVariant against GLib itself, through the system's Python with PyGObject."""

from __future__ import annotations

import json
import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.gvariants import members_of, random_type, random_value
from support.tools import absent

from treering.core.errors import Damaged
from treering.core.gvariant import Just, Variant, decode, encode

pytestmark = pytest.mark.real

PYTHON = "/usr/bin/python3"
ORACLE = Path(__file__).parents[1] / "support" / "glib_oracle.py"
COUNT = int(os.environ.get("TREERING_GLIB_VARIANTS", "4000"))
Ask = Any


@pytest.fixture(scope="module")
def glib() -> Iterator[Ask]:
    """A function that asks GLib."""
    probe = [PYTHON, "-c", "import gi; gi.require_version('GLib', '2.0')"]
    if (
        not Path(PYTHON).exists()
        or subprocess.run(probe, check=False, capture_output=True).returncode
    ):
        absent("the system's Python has no PyGObject; `make test` as root installs it")
    with subprocess.Popen(
        [PYTHON, str(ORACLE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        to, back = process.stdin, process.stdout

        def ask(kind: str, data: bytes, **more: Any) -> dict[str, Any]:
            print(json.dumps({"type": kind, "hex": data.hex(), **more}), file=to, flush=True)
            said: dict[str, Any] = json.loads(back.readline())
            return said

        yield ask
        to.close()


def portable(kind: str, value: Any) -> Any:  # noqa: PLR0911 -- a case for each kind of type
    """Return a value in the form GLib's side uses too."""
    code = kind[0]
    if code == "d":
        return value.hex()
    if code == "v":
        return {"type": value.type, "value": portable(value.type, value.value)}
    if kind == "ay":
        return value.hex()
    if code == "m":
        inner = value.value if isinstance(value, Just) else value
        return [] if value is None else [portable(kind[1:], inner)]
    if code == "a":
        items = value.items() if isinstance(value, dict) else value
        return [portable(kind[1:], item) for item in items]
    if code in "({":
        return [portable(k, v) for k, v in zip(members_of(kind), value, strict=True)]
    return value


def samples(seed: int) -> Iterator[tuple[random.Random, str, Any]]:
    for number in range(COUNT):
        rng = random.Random(f"{seed} {number}")  # noqa: S311 -- test data
        kind = random_type(rng, 4)
        yield rng, kind, random_value(rng, kind, 3)


def test_both_write_and_read_the_same(glib: Ask) -> None:
    for _rng, kind, value in samples(1):
        data = encode(kind, value)
        form = portable(kind, value)
        said = glib(kind, data, build=form)
        assert said["hex"] == data.hex(), (kind, value)
        assert said["normal"], (kind, value)
        assert said["value"] == form, (kind, value)
        assert decode(kind, data) == value, (kind, value)
        swapped = bytes.fromhex(said["swapped"])
        assert encode(kind, value, order="big") == swapped, (kind, value)
        assert decode(kind, swapped, order="big") == value, (kind, value)


def altered(rng: random.Random, data: bytes) -> bytes:
    """Return `data` with a few bytes changed, added, dropped or repeated."""
    out = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        at = rng.randint(0, len(out))
        match rng.randint(0, 5):
            case 0:
                out[at:at] = rng.randbytes(rng.randint(1, 9))
            case 1:
                del out[at : at + rng.randint(1, 9)]
            case 2:
                out[at:at] = out[: rng.randint(0, 40)]
            case _ if out:
                out[at % len(out)] = rng.choice([0, 1, rng.randint(0, 255), len(out) % 256])
    return bytes(out)


def test_both_refuse_the_same(glib: Ask) -> None:
    verdicts = {True: 0, False: 0}
    for rng, kind, value in samples(2):
        data = altered(rng, encode(kind, value)) if rng.random() < 0.8 else rng.randbytes(20)
        said = glib(kind, data)
        if said["normal"]:
            assert portable(kind, decode(kind, data)) == said["value"], (kind, data.hex())
        else:
            with pytest.raises(Damaged):
                print(kind, data.hex(), decode(kind, data))
        verdicts[said["normal"]] += 1
    assert min(verdicts.values()) > COUNT // 50, verdicts


def test_the_first_of_two_equal_keys_counts_in_glib_too(glib: Ask) -> None:
    data = encode("a{sv}", [("k", Variant("u", 1)), ("k", Variant("u", 2))])
    said = glib("a{sv}", data)
    assert said["normal"]
    assert said["value"] == portable("a{sv}", decode("a{sv}", data))
