"""Layer streams: decompression and both digests, in bounded memory."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import struct
import sys
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.oci_layout import digest, packed, tar_of

from treering.core import layers
from treering.core.errors import Cancelled, Damaged, LimitExceeded
from treering.core.layers import (
    Chunks,
    Compression,
    LayerStream,
    cap_for,
    hash_layer,
    sniff,
)
from treering.core.tar import Scanner

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

BIG = 10**12
DATA = os.urandom(3000) + b"a" * 700_000
SKIPPABLE = struct.pack("<II", 0x184D2A50, 5) + b"hello"

STORED = {
    "plain": DATA,
    "gzip": packed(DATA, "gzip"),
    "two gzip members": gzip.compress(DATA[:100]) + gzip.compress(DATA[100:]),
    "gzip and zeros": packed(DATA, "gzip") + bytes(700),
    "zstd": packed(DATA, "zstd"),
    "zstd:chunked": packed(DATA, "zstd") + SKIPPABLE,
    "zstd frames": SKIPPABLE + zstd.compress(DATA[:50]) + zstd.compress(DATA[50:]),
}


class Slow:
    """A file that gives a few bytes at a time."""

    def __init__(self, data: bytes, piece: int) -> None:
        self._file = io.BytesIO(data)
        self._piece = piece

    def read(self, size: int, /) -> bytes:
        return self._file.read(min(size, self._piece))


@pytest.fixture(params=["isal", "zlib"], autouse=True)
def gzip_reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "zlib":
        monkeypatch.setitem(layers._DECODERS, Compression.GZIP, layers._Zlib)


@pytest.mark.parametrize("name", list(STORED))
@pytest.mark.parametrize("piece", [1, 7, 65_536])
def test_both_digests_in_one_pass(name: str, piece: int) -> None:
    found = hash_layer(Slow(STORED[name], piece), cap=BIG)
    assert found.fault == ""
    assert found.diff_id == digest(DATA)
    assert found.unpacked == len(DATA)
    assert found.digest == digest(STORED[name])
    assert found.size == len(STORED[name])


def test_other_digest_algorithms_of_the_stored_bytes() -> None:
    found = hash_layer(io.BytesIO(STORED["gzip"]), cap=BIG, algorithm="sha512")
    assert found.digest == "sha512:" + hashlib.sha512(STORED["gzip"]).hexdigest()
    assert found.diff_id == digest(DATA)


@pytest.mark.parametrize("name", ["gzip", "zstd", "two gzip members", "zstd frames"])
def test_streams_cut_short_or_followed_by_noise(name: str) -> None:
    data = STORED[name]
    for harmed in (data[:-1], data[: len(data) // 2], data[:9], data + b"not a gzip member"):
        found = hash_layer(io.BytesIO(harmed), cap=BIG)
        assert found.diff_id is None
        assert "stream" in found.fault
        assert found.digest == digest(harmed)


@pytest.mark.parametrize("at", [-1, -5])
def test_checksums_at_the_end_of_gzip_are_checked(at: int) -> None:
    harmed = bytearray(STORED["gzip"])
    harmed[at] ^= 1
    assert "damaged" in hash_layer(io.BytesIO(bytes(harmed)), cap=BIG).fault


@given(st.binary(max_size=300), st.sampled_from([b"", b"\x1f\x8b\x08\x00", b"\x28\xb5\x2f\xfd"]))
def test_noise_is_a_fault_or_a_plain_layer(noise: bytes, start: bytes) -> None:
    found = hash_layer(io.BytesIO(start + noise), cap=BIG)
    assert found.digest == digest(start + noise)
    assert (found.diff_id is None) == bool(found.fault)


def test_the_cap_stops_unpacking_and_the_stored_bytes_are_hashed_all_the_same() -> None:
    for how in ("gzip", "zstd"):
        data = packed(bytes(50 * 2**20), how)
        tracemalloc.start()
        found = hash_layer(io.BytesIO(data), cap=2**20)
        assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
        tracemalloc.stop()
        assert found.capped
        assert found.diff_id is None
        assert found.unpacked < 2 * 2**20
        assert found.digest == digest(data)


def test_a_zstd_window_beyond_the_limit_is_refused() -> None:
    options = {zstd.CompressionParameter.window_log: 28}
    packer = zstd.ZstdCompressor(options=options)
    data = packer.compress(b"x" * 1000) + packer.flush()
    assert "zstd stream is damaged" in hash_layer(io.BytesIO(data), cap=BIG).fault


def test_caps_leave_room_for_real_layers() -> None:
    assert cap_for(0) >= 10_240
    assert cap_for(100 * 2**20) > 2**30


def test_a_layer_can_be_scanned_while_it_is_hashed() -> None:
    tar = tar_of({"a": b"x" * 5000, "b": b"y"})
    for how in ("gzip", "zstd", "none"):
        stream = LayerStream(io.BytesIO(packed(tar, how)), cap=BIG)
        scanner = Scanner(stream)
        assert [(m.name, b"".join(scanner.chunks())) for m in scanner] == [
            (b"a", b"x" * 5000),
            (b"b", b"y"),
        ]
        assert stream.finish().diff_id == digest(tar)


def test_scanning_a_damaged_layer_raises() -> None:
    stream = LayerStream(io.BytesIO(packed(DATA, "gzip")[:-9]), cap=BIG)
    with pytest.raises(Damaged, match="too early"):
        stream.read()
    stream = LayerStream(io.BytesIO(packed(DATA, "gzip")), cap=1000)
    with pytest.raises(LimitExceeded, match="1000 bytes"):
        stream.read()
    assert stream.finish().digest == digest(packed(DATA, "gzip"))


def test_hashing_can_be_stopped() -> None:
    def stop() -> None:
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        hash_layer(io.BytesIO(DATA), cap=BIG, check=stop)


def test_compressions_are_told_by_their_first_bytes() -> None:
    assert sniff(packed(b"", "gzip")) is Compression.GZIP
    assert sniff(packed(b"", "zstd")) is Compression.ZSTD
    assert sniff(SKIPPABLE) is Compression.ZSTD
    assert sniff(b"") is Compression.NONE
    assert sniff(zlib.compress(b"")) is Compression.NONE


@given(st.lists(st.binary(max_size=40)), st.lists(st.integers(0, 60)))
def test_chunks_read_like_a_file(chunks: list[bytes], sizes: list[int]) -> None:
    file, same = Chunks(chunks), io.BytesIO(b"".join(chunks))
    for size in sizes:
        assert file.read(size) == same.read(size)
    assert file.read() == same.read()
