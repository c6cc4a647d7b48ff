"""Plain dirtrees: whatever the quick reader returns, the general decoder returns too."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from treering.adapters.ostree.dirtrees import plain_dirtree
from treering.adapters.ostree.objects import DIRTREE_TYPE, any_dirtree, parse_dirtree
from treering.core.errors import Damaged
from treering.core.gvariant import encode

CSUM = bytes(range(32))
names = st.text(st.sampled_from("ab.é/\0-"), max_size=3) | st.sampled_from(
    ["x" * 150, "x" * 186, "x" * 187, "x" * 218, "x" * 219, "x" * 220, "x" * 256]
)
checksums = st.binary(min_size=32, max_size=32) | st.sampled_from([CSUM, bytes(32), b"short"])
files = st.lists(st.tuples(names, checksums), max_size=8)
directories = st.lists(st.tuples(names, checksums, checksums), max_size=4)


def agrees(data: bytes) -> bool:
    """Check the quick reader; tell whether it was it that read."""
    quick = plain_dirtree(data)
    if quick is None:
        return False
    found = any_dirtree(data)
    assert quick == (found.files, found.dirs)
    assert parse_dirtree(data) == found
    return True


@given(files, directories, st.booleans())
def test_what_it_reads_is_right(
    listed: list[tuple[str, bytes]], below: list[tuple[str, bytes, bytes]], tidy: bool
) -> None:
    if tidy:
        listed = sorted({name: (name, at) for name, at in listed if "\0" not in name}.values())
        below = sorted({d[0]: d for d in below if "\0" not in d[0]}.values())
    try:
        data = encode(DIRTREE_TYPE, (listed, below))
    except (ValueError, Damaged):
        return
    agrees(data)


@given(st.integers(0, 400), st.integers(0, 60), st.data())
def test_damage_is_left_to_the_general_reader(many: int, below: int, data: st.DataObject) -> None:
    tree = (
        [(f"f{n:05}", CSUM) for n in range(many)],
        [(f"d{n:05}", CSUM, CSUM) for n in range(below)],
    )
    whole = encode(DIRTREE_TYPE, tree)
    assert agrees(whole)
    at = data.draw(st.integers(0, len(whole) - 1))
    agrees(whole[:at] + bytes([data.draw(st.integers(0, 255))]) + whole[at + 1 :])
    agrees(whole[:at])
    agrees(whole[:at] + whole[at + 1 :])


def test_usual_directories_are_read_quickly() -> None:
    for many in (0, 1, 7, 8, 1000, 5000):
        assert agrees(encode(DIRTREE_TYPE, ([(f"{n:05}", CSUM) for n in range(many)], [])))
        assert agrees(encode(DIRTREE_TYPE, ([], [(f"{n:05}", CSUM, CSUM) for n in range(many)])))


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    agrees(data)
