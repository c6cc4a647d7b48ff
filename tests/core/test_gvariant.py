"""GVariant: round trips, examples from the specification, and refusal of everything else."""

from __future__ import annotations

import contextlib
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.gvariants import TYPES, typed_values

from treering.core.errors import Damaged, LimitExceeded, TreeringError
from treering.core.gvariant import MAX_DEPTH, Just, Variant, decode, encode

EXAMPLES: list[tuple[str, Any, str]] = [
    # The worked examples of the GVariant specification, section 2.6, little-endian.
    ("s", "hello world", "68656c6c6f20776f726c6400"),
    ("ms", "hello world", "68656c6c6f20776f726c640000"),
    ("ab", [True, False, False, True, True], "0100000101"),
    ("(si)", ("foo", -1), "666f6f00ffffffff04"),
    ("a(si)", [("hi", -2), ("bye", -1)], "68690000feffffff0300000062796500ffffffff040915"),
    ("as", ["i", "can", "has", "strings?"], "690063616e0068617300737472696e67733f0002060a13"),
    ("((ys)as)", ((0x69, "can"), ["has", "strings?"]),
     "6963616e0068617300737472696e67733f00040d05"),
    ("(yy)", (0x70, 0x80), "7080"),
    ("(iy)", (96, 0x70), "6000000070000000"),
    ("a(iy)", [(96, 0x70), (648, 0xF7)], "600000007000000088020000f7000000"),
    ("a{si}", {"hi": -2, "bye": -1}, "68690000feffffff0300000062796500ffffffff040915"),
    ("()", (), "00"),
    ("as", [], ""),
    ("mi", None, ""),
    ("mmi", Just(None), "00"),
    ("v", Variant("s", "x"), "78000073"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "value", "data"), EXAMPLES)
def test_examples_of_the_specification(kind: str, value: Any, data: str) -> None:
    assert encode(kind, value).hex() == data
    assert decode(kind, bytes.fromhex(data)) == value


@given(typed_values(), st.sampled_from(["little", "big"]))
def test_what_is_written_is_read_back(typed: tuple[str, Any], order: Any) -> None:
    kind, value = typed
    assert decode(kind, encode(kind, value, order=order), order=order) == value


@given(TYPES, st.binary(max_size=200))
def test_any_bytes_are_refused_or_are_the_normal_form(kind: str, data: bytes) -> None:
    try:
        value = decode(kind, data)
    except TreeringError:
        return
    if not set("({v") & set(kind):
        assert encode(kind, value) == data
    assert decode(kind, encode(kind, value)) == value or "d" in kind or "v" in kind


@given(typed_values(), st.data())
def test_altered_bytes_never_escape_the_error_tree(typed: tuple[str, Any], draw: Any) -> None:
    kind, value = typed
    data = bytearray(encode(kind, value))
    for _ in range(draw.draw(st.integers(1, 4))):
        if data:
            data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    with contextlib.suppress(TreeringError):
        decode(kind, bytes(data))


@given(st.text(alphabet="ybnqiuxthdsogvma(){}r*?", max_size=40), st.binary(max_size=20))
def test_any_type_string_is_refused_or_read(kind: str, data: bytes) -> None:
    with contextlib.suppress(TreeringError):
        decode(kind, data)


@pytest.mark.parametrize("body", [0xFD, 0xFE, 0xFF, 0x100, 0xFFFB, 0xFFFD, 0xFFFE, 0x10000])
def test_offsets_take_the_least_width(body: int) -> None:
    value = ("x" * (body - 1), "")
    data = encode("(ss)", value)
    assert decode("(ss)", data) == value
    width = 1 if body + 2 <= 0xFF else 2 if body + 3 <= 0xFFFF else 4
    assert len(data) == body + 1 + width


def test_numbers_of_the_other_order() -> None:
    assert encode("(ut)", (7, 1), order="big").hex() == "00000007000000000000000000000001"
    assert decode("au", struct.pack(">3I", 1, 2, 3), order="big") == [1, 2, 3]
    assert encode("(yq)", (1, 2), order="big").hex() == "01000002"


@pytest.mark.parametrize(
    ("kind", "data", "why"),
    [
        ("b", "02", "neither 0 nor 1"),
        ("ab", "0002", "neither 0 nor 1"),
        ("s", "61", "NUL"),
        ("s", "", "NUL"),
        ("s", "61006200", "NUL"),
        ("s", "ff00", "UTF-8"),
        ("s", "eda08000", "UTF-8"),
        ("o", "2f2f00", "type o"),
        ("g", "6d7900", "type g"),
        ("u", "000000", "number of 3 bytes"),
        ("au", "0000000000", "multiple"),
        ("a(yy)", "000000", "multiple"),
        ("(yy)", "000000", "due"),
        ("(yu)", "0001000001000000", "padding"),
        ("()", "01", "padding"),
        ("as", "6100026200", "framing"),
        ("as", "610009", "framing"),
        ("as", "00", "NUL"),
        ("as", "61006200020400", "framing"),
        ("(ss)", "6100620003", "NUL"),
        ("(ss)", "6100620009", "order"),
        ("(si)", "666f6f00ffffffff0004", "left over"),
        ("(si)", "", "NUL"),
        ("(sysy)", "6100016200020102", "order"),
        ("ms", "610001", "zero byte"),
        ("v", "", "type"),
        ("v", "616263", "type"),
        ("v", "0000", "not a GVariant type"),
        ("v", "000061", "not a GVariant type"),
        ("v", "0000ff", "not a GVariant type"),
        ("v", "00007373", "not one GVariant type"),
        ("z", "", "not a GVariant type"),
        ("", "", "not a GVariant type"),
        ("(s", "", "not a GVariant type"),
        ("{vs}", "", "dict entry"),
        ("{s}", "", "dict entry"),
        ("a?", "", "not a GVariant type"),
    ],
)
def test_what_is_not_normal_is_damaged(kind: str, data: str, why: str) -> None:
    with pytest.raises(Damaged, match=why):
        decode(kind, bytes.fromhex(data))


def test_offsets_wider_than_needed_are_damaged() -> None:
    body = b"a" * 253 + b"\0"
    assert decode("as", body + b"\xfe") == ["a" * 253]
    with pytest.raises(Damaged, match="framing"):
        decode("as", body + struct.pack("<H", len(body)))
    with pytest.raises(Damaged, match="framing"):
        decode("(ss)", body[:-2] + b"\0\0" + struct.pack("<H", len(body) - 1))


def test_the_first_of_two_equal_keys_counts() -> None:
    data = encode("a{sv}", [("k", Variant("u", 1)), ("k", Variant("u", 2))])
    assert decode("a{sv}", data) == {"k": Variant("u", 1)}


def test_a_tuple_of_empty_members_may_be_no_bytes() -> None:
    assert decode("(ayasmi)", b"") == (b"", [], None)
    assert decode("(ayasmi)", encode("(ayasmi)", (b"", [], None))) == (b"", [], None)


def test_depth_is_capped_in_types_and_in_variants() -> None:
    deepest = "a" * (MAX_DEPTH - 1) + "s"
    assert decode(deepest, b"") == []
    with pytest.raises(LimitExceeded):
        decode("a" * 500 + "s", b"")
    with pytest.raises(LimitExceeded):
        decode("s" * 5000, b"")
    data = encode("v", Variant("y", 1))
    for _ in range(MAX_DEPTH - 1):
        data += b"\0v"
    assert isinstance(decode("v", data), Variant)
    with pytest.raises(LimitExceeded):
        decode("v", data + b"\0v" * 100_000)


def test_size_is_capped() -> None:
    with pytest.raises(LimitExceeded):
        decode("ay", bytes(101), limit=100)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("y", 256),
        ("y", "a"),
        ("b", 2),
        ("s", 1),
        ("s", "a\0b"),
        ("o", "a/b"),
        ("g", "zz"),
        ("v", "a"),
        ("ay", [1]),
        ("as", 5),
        ("(ss)", ("a",)),
        ("mmi", 1),
    ],
)
def test_values_of_another_type_are_refused(kind: str, value: Any) -> None:
    with pytest.raises(ValueError, match="not of type"):
        encode(kind, value)


def test_values_nested_too_deep_are_refused() -> None:
    value = Variant("y", 1)
    for _ in range(MAX_DEPTH + 1):
        value = Variant("v", value)
    with pytest.raises(ValueError, match="nested"):
        encode("v", value)


@settings(max_examples=20)
@given(st.lists(st.binary(max_size=40), max_size=30))
def test_arrays_of_bytes(items: list[bytes]) -> None:
    assert decode("aay", encode("aay", items)) == items
