"""Foreign JSON is bounded in size, depth and numbers, and says what is wrong with it."""

from __future__ import annotations

import contextlib
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from treering.core.documents import parse_as, parse_json
from treering.core.errors import Damaged, LimitExceeded, TreeringError

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(values)
def test_json_reads_as_python_reads_it(value: object) -> None:
    data = json.dumps(value).encode()
    assert parse_json(data, "it") == json.loads(data)


@given(st.binary(max_size=300))
def test_any_bytes_end_in_a_value_or_a_clear_error(data: bytes) -> None:
    with contextlib.suppress(TreeringError):
        parse_json(data, "it")


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (b'{"a": 1, "a": 2}', Damaged, "twice"),
        (b"[" * 100_000 + b"]" * 100_000, LimitExceeded, "deeper"),
        (b'{"a":' * 100_000, LimitExceeded, "deeper"),
        (b"[NaN]", Damaged, "NaN"),
        (b"[Infinity]", Damaged, "Infinity"),
        (b"9" * 5000, Damaged, "5000 digits"),
        (b"\xff", Damaged, "UTF-8"),
        (b"{", Damaged, "JSON"),
        (b"", Damaged, "JSON"),
        (b" " * 5_000_000, LimitExceeded, "5000000"),
    ],
)
def test_bad_documents(data: bytes, error: type[TreeringError], words: str) -> None:
    with pytest.raises(error) as caught:
        parse_json(data, "config.json")
    assert "config.json" in str(caught.value)
    assert words in str(caught.value)


def test_brackets_in_strings_are_no_depth() -> None:
    assert parse_json(json.dumps(["[" * 1000, '"{']).encode(), "it") == ["[" * 1000, '"{']


def test_a_field_of_the_wrong_type_is_named() -> None:
    class Model(msgspec.Struct):
        size: int

    with pytest.raises(Damaged, match="size"):
        parse_as(b'{"size": "x"}', Model, "it")
