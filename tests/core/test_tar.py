"""The tar scanner against the standard library's reader, and against damage of every kind."""

from __future__ import annotations

import contextlib
import io
import tarfile
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from treering.core.errors import Cancelled, Damaged, LimitExceeded, SourceError
from treering.core.tar import BLOCK, MAX_RECORD, Member, Scanner, Type, is_header

KINDS = {
    tarfile.REGTYPE: Type.FILE,
    tarfile.LNKTYPE: Type.HARDLINK,
    tarfile.SYMTYPE: Type.SYMLINK,
    tarfile.CHRTYPE: Type.CHARACTER,
    tarfile.BLKTYPE: Type.BLOCK,
    tarfile.DIRTYPE: Type.DIRECTORY,
    tarfile.FIFOTYPE: Type.FIFO,
}


def info(name: str, data: bytes = b"", **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    for key, value in fields.items():
        setattr(member, key, value)
    return member, data


def archive(*members: tuple[tarfile.TarInfo, bytes], **options: Any) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", **options) as tar:
        for member, data in members:
            tar.addfile(member, io.BytesIO(data))
    return out.getvalue()


class Stream:
    """Bytes that arrive in odd pieces and cannot be sought."""

    def __init__(self, data: bytes, piece: int = 700) -> None:
        self.inner = io.BytesIO(data)
        self.piece = piece

    def read(self, size: int) -> bytes:
        return self.inner.read(min(size, self.piece))


def scan(data: bytes, *, stream: bool = False, **options: Any) -> list[tuple[Member, bytes]]:
    scanner = Scanner(Stream(data) if stream else io.BytesIO(data), **options)
    return [(member, b"".join(scanner.content())) for member in scanner]


def header(
    name: bytes = b"file",
    flag: bytes = b"0",
    size: bytes | int = 0,
    *,
    mtime: bytes = b"0" * 11 + b"\0",
    magic: bytes = b"ustar\x0000",
    prefix: bytes = b"",
    signed: bool = False,
    tail: bytes = b"",
) -> bytes:
    """One header block by hand, for what tarfile does not write."""
    digits = size if isinstance(size, bytes) else b"%011o\0" % size
    start = name.ljust(100, b"\0") + b"0000644\0" + b"0000001\0" + b"0000002\0" + digits + mtime
    rest = flag + bytes(100) + magic + bytes(80) + prefix.ljust(167, b"\0")
    rest = rest[: 345 - 156] + tail.ljust(167, b"\0") if tail else rest
    block = start + b" " * 8 + rest
    total = sum(block) - (256 * sum(b >> 7 for b in block) if signed else 0)
    return block[:148] + b"%06o\0 " % total + block[156:]


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % BLOCK)


def record(key: bytes, value: bytes) -> bytes:
    length = len(key) + len(value) + 3
    digits = len(str(length))
    digits = len(str(length + digits))
    return b"%d %s=%s\n" % (length + digits, key, value)


def pax(records: bytes, flag: bytes = b"x") -> bytes:
    return header(b"pax", flag, len(records)) + padded(records)


END = bytes(2 * BLOCK)

# -- the same answers as tarfile ---------------------------------------------------------

names = st.text(
    st.characters(blacklist_characters="\0/", blacklist_categories=["Cs"]), min_size=1, max_size=20
)
paths = st.one_of(
    st.lists(names, min_size=1, max_size=4).map("/".join),
    st.integers(90, 300).map(lambda n: "long/" * (n // 5) + "x"),
    st.integers(90, 300).map(lambda n: "n" * n),
).filter(lambda p: p.strip("/") == p)


@st.composite
def members(draw: st.DrawFn) -> tuple[tarfile.TarInfo, bytes]:
    kind = draw(st.sampled_from(list(KINDS)))
    data = draw(st.binary(max_size=1200)) if kind == tarfile.REGTYPE else b""
    link = draw(paths) if kind in {tarfile.LNKTYPE, tarfile.SYMTYPE} else ""
    member, data = info(draw(paths), data, type=kind, linkname=link)
    member.mode = draw(st.integers(0, 0o7777))
    member.uid = draw(st.integers(0, 2**31))
    member.gid = draw(st.integers(0, 2**21 - 1))
    member.mtime = draw(st.integers(-(2**33), 2**36))
    member.devmajor, member.devminor = draw(st.integers(0, 4095)), draw(st.integers(0, 2**20))
    return member, data


def same(ours: Member, theirs: tarfile.TarInfo) -> None:
    assert ours.name.rstrip(b"/") == theirs.name.encode("utf-8", "surrogateescape").rstrip(b"/")
    assert ours.type == KINDS[theirs.type]
    assert (ours.mode, ours.uid, ours.gid) == (theirs.mode, theirs.uid, theirs.gid)
    assert ours.mtime == int(theirs.mtime) * 10**9
    assert ours.linkname == theirs.linkname.encode("utf-8", "surrogateescape")
    if ours.type is Type.FILE:
        assert (ours.size, ours.offset) == (theirs.size, theirs.offset_data)
    if ours.device:
        assert ours.device == (theirs.devmajor, theirs.devminor)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(members(), max_size=6),
    st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
    st.booleans(),
)
def test_reads_what_tarfile_writes_and_reads(
    made: list[tuple[tarfile.TarInfo, bytes]],
    kind: int,
    stream: bool,
) -> None:
    data = archive(*made, format=kind)
    ours = scan(data, stream=stream)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        theirs = tar.getmembers()
    assert len(ours) == len(theirs) == len(made)
    for (member, content), expected, (_, written) in zip(ours, theirs, made, strict=True):
        same(member, expected)
        assert content == written


@settings(deadline=None, max_examples=200)
@given(st.lists(members(), min_size=1, max_size=3), st.data())
def test_any_flipped_bit_is_an_error_or_a_member(
    made: list[tuple[tarfile.TarInfo, bytes]], data: st.DataObject
) -> None:
    whole = bytearray(archive(*made, format=tarfile.PAX_FORMAT))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at] ^= 1 << data.draw(st.integers(0, 7))
    for stream in (False, True):
        try:
            for member, content in scan(bytes(whole), stream=stream):
                assert len(content) == member.size
        except SourceError:
            pass


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=3000), st.booleans())
def test_noise_never_escapes_the_error_tree(noise: bytes, stream: bool) -> None:
    try:
        scan(noise, stream=stream)
    except SourceError as error:
        assert "byte" in str(error)  # noqa: PT017 -- noise may also be an empty archive


@settings(deadline=None, max_examples=150)
@given(st.binary(min_size=155, max_size=155), st.binary(min_size=12, max_size=12), st.binary())
def test_hostile_fields_with_a_right_checksum(tail: bytes, size: bytes, body: bytes) -> None:
    for flag in (b"0", b"S", b"L", b"x", b"g", b"5", b"?"):
        block = header(b"n", flag, size, tail=tail)
        assert is_header(block)
        with contextlib.suppress(SourceError):
            scan(block + body, stream=True)


# -- dialects ----------------------------------------------------------------------------


def test_ustar_prefix_joins_the_name_only_with_the_posix_magic() -> None:
    posix = header(b"name", prefix=b"some/dir")
    gnu = header(b"name", prefix=b"some/dir", magic=b"ustar  \0")
    assert [m.name for m, _ in scan(posix + gnu + END)] == [b"some/dir/name", b"name"]


def test_a_star_header_has_a_shorter_prefix() -> None:
    tail = b"dir".ljust(131, b"\0") + b"00000000001 00000000002 "
    block = header(b"name", tail=tail.ljust(163, b"\0") + b"tar\0")
    assert [m.name for m, _ in scan(block + END)] == [b"dir/name"]


def test_old_archives_mark_directories_by_a_slash() -> None:
    found = scan(header(b"dir/", b"\0", magic=bytes(8)) + header(b"f", b"\0", 0) + END)
    assert [m.type for m, _ in found] == [Type.DIRECTORY, Type.FILE]


def test_names_and_links_that_are_not_utf8_stay_bytes() -> None:
    assert scan(header(b"caf\xe9") + END)[0][0].name == b"caf\xe9"


def test_checksums_of_old_writers_that_summed_signed_bytes() -> None:
    block = header(b"caf\xe9", signed=True)
    assert is_header(block)
    assert scan(block + END)[0][0].name == b"caf\xe9"


@pytest.mark.parametrize(
    ("field", "seconds"),
    [
        (b"00000000017\0", 15),
        (b"         17 ", 15),
        (b"17\0\0\0\0\0\0\0\0\0\0", 15),
        (bytes(12), 0),
        (b"\x80" + bytes(10) + b"\x05", 5),
        (b"\xff" * 11 + b"\xfb", -5),
        (b"\x80" + bytes(6) + b"\x01" + bytes(4), 2**32),
    ],
)
def test_numbers_in_every_notation(field: bytes, seconds: int) -> None:
    block = header(b"f", mtime=field)
    assert scan(block + END)[0][0].mtime == seconds * 10**9
    with tarfile.open(fileobj=io.BytesIO(block + END)) as tar:
        assert tar.getmembers()[0].mtime == seconds


def test_a_size_above_8_gib_in_base_256_is_believed_only_where_bytes_follow() -> None:
    block = header(b"f", b"0", b"\x80" + (2**40).to_bytes(11, "big"))
    with pytest.raises(Damaged, match="ends at byte 1536"):
        scan(block + END)
    scanner = Scanner(Stream(block + END))
    assert next(iter(scanner)).size == 2**40


@pytest.mark.parametrize("size", [b"\xff" * 12, b"-0000000001\0", b"0000000000x\0", b"9" * 12])
def test_sizes_that_are_none(size: bytes) -> None:
    with pytest.raises(Damaged, match="at byte 0"):
        scan(header(b"f", b"0", size) + END)


def test_types_without_a_body_ignore_their_size() -> None:
    blocks = [header(b"x%c" % flag, bytes([flag]), 512) for flag in b"123456"]
    found = scan(b"".join(blocks) + END)
    assert [m.type for m, _ in found] == list(KINDS.values())[1:]
    assert all(m.size == 0 and not content for m, content in found)


def test_unknown_types_have_a_body() -> None:
    found = scan(header(b"odd", b"Z", 3) + padded(b"abc") + header(b"next") + END)
    assert [(m.name, m.type, c) for m, c in found] == [
        (b"odd", Type.UNKNOWN, b"abc"),
        (b"next", Type.FILE, b""),
    ]


def test_pax_times_keep_nanoseconds_and_signs() -> None:
    for text, value in ((b"1.5", 1_500_000_000), (b"-1.25", -1_250_000_000), (b"3", 3 * 10**9)):
        data = pax(record(b"mtime", text)) + header(b"f") + END
        assert scan(data)[0][0].mtime == value


def test_pax_xattrs_hold_any_bytes() -> None:
    value = b"\x01\0\n=\xff"
    data = pax(record(b"SCHILY.xattr.security.capability", value)) + header(b"f") + END
    assert scan(data)[0][0].xattrs == {b"security.capability": value}


def test_a_pax_size_counts_before_the_body_is_skipped() -> None:
    """Readers that skip by the header's size see other members (CVE-2025-62518)."""
    inner = header(b"smuggled", b"0", 0)
    data = pax(record(b"size", b"512")) + header(b"f", b"0", 0) + inner + header(b"g") + END
    for stream in (False, True):
        assert [m.name for m, _ in scan(data, stream=stream)] == [b"f", b"g"]


def test_a_pax_size_of_a_member_is_not_that_of_the_record_between() -> None:
    long = header(b"././@LongLink", b"L", 5) + padded(b"name\0")
    data = pax(record(b"size", b"3")) + long + header(b"f", b"0", 0) + padded(b"abc") + END
    assert [(m.name, c) for m, c in scan(data)] == [(b"name", b"abc")]


def test_global_records_are_defaults_that_a_member_can_take_back() -> None:
    start = pax(record(b"mtime", b"7") + record(b"comment", b"c") + record(b"path", b"all"), b"g")
    data = start + header(b"a") + pax(record(b"mtime", b"")) + header(b"b") + header(b"c") + END
    assert [(m.name, m.mtime) for m, _ in scan(data)] == [
        (b"a", 7 * 10**9),
        (b"b", 0),
        (b"c", 7 * 10**9),
    ]
    assert {m.mtime for m, _ in scan(data, use_globals=False)} == {0}


def test_the_end_is_noticed_and_may_be_absent() -> None:
    for data, ended in ((header() + END, True), (header(), False), (b"", False), (END, True)):
        scanner = Scanner(io.BytesIO(data))
        assert len(list(scanner)) == (data[:1] == b"f")
        assert scanner.ended is ended


def test_a_lone_zero_block_is_damage() -> None:
    with pytest.raises(Damaged, match="lone block of zeros, at byte 512"):
        scan(header() + bytes(BLOCK) + header())


def test_offsets_count_from_where_the_file_stood() -> None:
    file = io.BytesIO(b"junk" + archive(info("f", b"abc")))
    file.seek(4)
    member = next(iter(Scanner(file)))
    assert file.getvalue()[member.offset : member.offset + 3] == b"abc"


# -- sparse files ------------------------------------------------------------------------

HOLED = bytes(1000) + b"A" * 700 + bytes(2000) + b"B" * 300 + bytes(96)
DATA = b"A" * 700 + b"B" * 300
REGIONS = ((1000, 700), (3700, 300))


def old_sparse() -> bytes:
    pairs = b"".join(b"%011o\0%011o\0" % pair for pair in (*REGIONS, (4096, 0)))
    tail = bytes(386 - 345) + pairs.ljust(96, b"\0") + b"\0" + b"%011o\0" % 4096
    return header(b"f", b"S", 1000, magic=b"ustar  \0", tail=tail) + padded(DATA)


def old_sparse_extended() -> bytes:
    parts = [(n * 10, 1) for n in range(40)]
    pairs = b"".join(b"%011o\0%011o\0" % pair for pair in parts)
    first, second, third = pairs[:96], pairs[96:600], pairs[600:]
    tail = bytes(386 - 345) + first + b"\1" + b"%011o\0" % 400
    blocks = (second + b"\1").ljust(BLOCK, b"\0") + third.ljust(BLOCK, b"\0")
    return header(b"f", b"S", 40, magic=b"ustar  \0", tail=tail) + blocks + padded(b"x" * 40)


def pax_sparse(version: str) -> bytes:
    size = record(b"GNU.sparse.size", b"4096") + record(b"GNU.sparse.numblocks", b"2")
    if version == "0.0":
        pairs = ((b"GNU.sparse.offset", 0), (b"GNU.sparse.numbytes", 1))
        lines = [record(key, b"%d" % region[at]) for region in REGIONS for key, at in pairs]
        return pax(size + b"".join(lines)) + header(b"f", b"0", 1000) + padded(DATA)
    if version == "0.1":
        listed = b",".join(b"%d,%d" % region for region in REGIONS)
        records = size + record(b"GNU.sparse.map", listed) + record(b"GNU.sparse.name", b"f")
        return pax(records) + header(b"GNUSparseFile.0/f", b"0", 1000) + padded(DATA)
    records = record(b"GNU.sparse.major", b"1") + record(b"GNU.sparse.minor", b"0")
    records += record(b"GNU.sparse.name", b"f") + record(b"GNU.sparse.realsize", b"4096")
    body = padded(b"2\n" + b"".join(b"%d\n%d\n" % region for region in REGIONS)) + DATA
    return pax(records) + header(b"GNUSparseFile.0/f", b"0", len(body)) + padded(body)


@pytest.mark.parametrize(
    "data", [old_sparse(), pax_sparse("0.0"), pax_sparse("0.1"), pax_sparse("1.0")]
)
@pytest.mark.parametrize("stream", [False, True])
def test_sparse_files_are_read_expanded(data: bytes, stream: bool) -> None:
    data += header(b"next") + END
    (member, content), (after, _) = scan(data, stream=stream)
    assert (member.name, member.size, member.stored) == (b"f", 4096, 1000)
    assert member.regions == REGIONS
    assert content == HOLED
    assert after.name == b"next"
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        theirs = tar.extractfile("f")
        assert theirs is not None
        assert theirs.read() == content


def test_a_sparse_map_that_goes_on_in_further_blocks() -> None:
    data = old_sparse_extended() + END
    (member, content), *rest = scan(data)
    assert not rest
    assert member.size == 400
    assert content == (b"x" + bytes(9)) * 40
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        theirs = tar.extractfile("f")
        assert theirs is not None
        assert theirs.read() == content


@pytest.mark.parametrize(
    "listed",
    [b"0,10,5,990", b"0,1000,9000,0", b"0,999", b"0,-1,0,1001", b"0", b"x,y", b"1,1000,0,0"],
)
def test_sparse_maps_that_lie(listed: bytes) -> None:
    records = record(b"GNU.sparse.size", b"4096") + record(b"GNU.sparse.map", listed)
    with pytest.raises(Damaged):
        scan(pax(records) + header(b"f", b"0", 1000) + padded(DATA) + END)


def test_sparse_maps_are_capped() -> None:
    records = record(b"GNU.sparse.major", b"1") + record(b"GNU.sparse.minor", b"0")
    records += record(b"GNU.sparse.realsize", b"4096")
    body = b"1000000\n" + b"0\n0\n" * 1_000_000
    with pytest.raises(LimitExceeded, match="sparse map"):
        scan(pax(records) + header(b"f", b"0", len(body)) + padded(body) + END)
    endless = header(b"f", b"S", 0, tail=bytes(41 + 96) + b"\1") + (bytes(504) + b"\1" * 8) * 3000
    with pytest.raises(LimitExceeded, match="sparse map"):
        scan(endless)


def test_a_hole_costs_no_memory() -> None:
    pairs = b"\x80" + (2**33).to_bytes(11, "big") + bytes(11) + b"\0"
    tail = bytes(41) + pairs.ljust(96, b"\0") + b"\0\x80" + (2**34).to_bytes(11, "big")
    scanner = Scanner(io.BytesIO(header(b"f", b"S", 0, tail=tail) + END))
    for member in scanner:
        assert member.size == 2**34
        assert len(next(scanner.content())) == 256 * 1024


# -- damage and limits -------------------------------------------------------------------


def whole() -> bytes:
    made = [info("dir", type=tarfile.DIRTYPE), info("n" * 120, b"x" * 700), info("last", b"y")]
    data = archive(*made, format=tarfile.PAX_FORMAT).rstrip(b"\0")
    return padded(data) + END


def cuts(data: bytes) -> Iterator[int]:
    yield from range(1, len(data))


@pytest.mark.parametrize("stream", [False, True])
def test_an_archive_cut_anywhere_is_noticed_or_lacks_its_end(stream: bool) -> None:
    data = whole()
    names = [m.name for m, _ in scan(data, stream=stream)]
    for cut in cuts(data):
        scanner = Scanner(Stream(data[:cut]) if stream else io.BytesIO(data[:cut]))
        found = []
        try:
            for member in scanner:
                found.append(member.name)
                for _ in scanner.chunks():
                    pass
        except Damaged as error:
            assert "byte" in str(error)  # noqa: PT017 -- some cuts only lose the end mark
        else:
            assert cut % BLOCK == 0
            assert not scanner.ended or found == names
        assert found == names[: len(found)]


def test_every_flipped_header_byte_is_noticed() -> None:
    data = archive(info("name", b"abc"), format=tarfile.USTAR_FORMAT)
    for at in range(BLOCK):
        for bit in (0, 3, 7):
            bad = bytearray(data)
            bad[at] ^= 1 << bit
            try:
                found = [m for m, _ in scan(bytes(bad))]
            except Damaged:
                continue
            # What is left passes the checksum: blanks of the checksum field itself.
            assert 148 <= at < 156
            assert [m.name for m in found] == [b"name"]


def test_headers_of_more_than_a_mebibyte_are_refused_before_they_are_read() -> None:
    tracemalloc.start()
    for flag in (b"L", b"K", b"x", b"g"):
        with pytest.raises(LimitExceeded, match=str(MAX_RECORD)):
            scan(header(b"h", flag, 50 * 2**20) + bytes(4096))
    assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    tracemalloc.stop()


def test_many_records_for_one_member_count_together() -> None:
    piece = header(b"././@LongLink", b"L", 300_000) + padded(b"n" * 300_000)
    with pytest.raises(LimitExceeded, match="headers of more than"):
        scan(piece * 5)


def test_global_records_cannot_pile_up() -> None:
    pieces = [pax(record(b"SCHILY.xattr.k%d" % n, b"v" * 1000), b"g") for n in range(6)]
    with pytest.raises(LimitExceeded, match="global headers"):
        scan(b"".join(pieces) + END)


def test_entries_are_capped() -> None:
    data = header(b"a") * 11 + END
    assert len(scan(data, max_entries=11)) == 11
    with pytest.raises(LimitExceeded, match="more than 10 entries"):
        scan(data, max_entries=10)
    with pytest.raises(LimitExceeded, match="more than 10 entries"):
        scan(pax(record(b"a", b"b"), b"g") * 11, max_entries=10)


@pytest.mark.parametrize(
    "records",
    [
        b"5 a=b\n",
        b"7 a=bc",
        b"x a=b\n",
        b" a=b\n",
        b"99 a=b\n",
        b"5 =bc\n",
        b"6 abc\n",
        b"0 a=b\n",
        b"1" * 40 + b" a=b\n",
        record(b"path", b"a\0b"),
        record(b"size", b"-1"),
        record(b"size", b"1_0"),
        record(b"size", b"1" * 30),
        record(b"uid", b" 5"),
        record(b"mtime", b"1.2.3"),
        record(b"mtime", b"nan"),
    ],
)
def test_pax_records_that_are_malformed(records: bytes) -> None:
    with pytest.raises(Damaged, match="at byte"):
        scan(pax(records) + header(b"f") + END)


def test_an_extension_header_without_a_member() -> None:
    with pytest.raises(Damaged, match="belongs to no member"):
        scan(pax(record(b"path", b"x")) + END)


def test_reading_can_be_stopped() -> None:
    def stop() -> None:
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        scan(archive(info("f", b"x" * 1000)), check=stop)


def test_bodies_left_unread_are_passed_over_in_a_stream() -> None:
    data = archive(info("a", b"x" * 600_000), info("b", b"y" * 10), info("c"))
    scanner = Scanner(Stream(data, 100_000))
    seen = []
    for member in scanner:
        seen.append(member.name)
        next(scanner.chunks(), None)
    assert seen == [b"a", b"b", b"c"]
