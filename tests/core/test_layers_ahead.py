"""Layers unpacked ahead of their reader: the same bytes, the same errors, and no thread left."""

from __future__ import annotations

import gzip
import io
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.oci_layout import packed, tar_of

from treering.core.errors import Cancelled, Damaged
from treering.core.layers import LayerStream, ahead_of
from treering.core.scanning import scan

TAR = tar_of({f"f{n}": bytes([n]) * 40_000 for n in range(50)})


def unpackers() -> int:
    return sum(thread.name == "unpack" for thread in threading.enumerate())


@pytest.mark.parametrize("how", ["none", "gzip", "zstd"])
def test_it_changes_nothing(how: str) -> None:
    data = packed(TAR, how)
    plain, ahead = (scan(io.BytesIO(data), "x", cap=1 << 30, ahead=on) for on in (False, True))
    assert plain == ahead
    assert len(plain.changes) == 50
    assert unpackers() == 0


@given(st.binary(max_size=100), st.integers(0, 300))
def test_nor_where_it_is_damaged(junk: bytes, at: int) -> None:
    data = gzip.compress(TAR, 1, mtime=0)
    data = data[:at] + junk + data[at + len(junk) : 9000]
    plain, ahead = (scan(io.BytesIO(data), "x", cap=1 << 30, ahead=on) for on in (False, True))
    assert (plain.changes, plain.hashed) == (ahead.changes, ahead.hashed)
    assert str(plain.failure) == str(ahead.failure)
    assert unpackers() == 0


def test_nor_beyond_the_cap() -> None:
    data = packed(TAR, "gzip")
    plain, ahead = (scan(io.BytesIO(data), "x", cap=100_000, ahead=on) for on in (False, True))
    assert plain.hashed == ahead.hashed
    assert ahead.hashed.capped


def test_it_can_be_stopped() -> None:
    left = 3

    def check() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        scan(io.BytesIO(packed(TAR, "gzip")), "x", cap=1 << 30, check=check, ahead=True)
    assert unpackers() == 0


def test_a_stream_given_up_leaves_no_thread() -> None:
    stream = LayerStream(io.BytesIO(packed(bytes(50_000_000), "gzip")), cap=1 << 30, ahead=True)
    assert len(stream.read(10)) == 10
    assert unpackers() == 1
    stream.close()
    assert unpackers() == 0


def test_no_more_is_taken_than_a_few_chunks() -> None:
    taken = 0

    def chunks() -> Iterator[bytes]:
        nonlocal taken
        for _ in range(1000):
            taken += 1
            yield b"x"

    ahead = ahead_of(chunks())
    next(ahead)
    deadline = time.monotonic() + 0.3
    while time.monotonic() < deadline and taken < 20:
        time.sleep(0.01)
    assert taken <= 12
    assert sum(map(len, ahead)) == 999


def test_errors_come_in_their_place() -> None:
    def chunks() -> Iterator[bytes]:
        yield b"1"
        raise Damaged("broken")

    ahead = ahead_of(chunks())
    assert next(ahead) == b"1"
    with pytest.raises(Damaged, match="broken"):
        next(ahead)
    ahead.close()
    assert unpackers() == 0
