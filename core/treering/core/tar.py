r"""Tar archives, read one header at a time and never extracted.

Owns how a tar stream becomes members with bounded memory: the ustar header with its prefix,
octal and base-256 numbers, GNU long names (types ``L`` and ``K``), PAX records (types ``x``,
``X`` and ``g``), and the four GNU sparse forms. Link targets are text; nothing is opened,
created or followed. Where writers disagree it follows the reader of the container engines (Go's
archive/tar), because what they would unpack is what an image holds.

Sources: POSIX.1-2017 pax, "ustar Interchange Format" and "pax Extended Header"; the GNU tar
manual, "Basic Tar Format" and "Storing Sparse Files".

>>> from io import BytesIO
>>> [member.name for member in Scanner(BytesIO(bytes(1024)))]
[]
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from enum import StrEnum
from functools import lru_cache
from typing import BinaryIO, Protocol, cast
from zlib import adler32

import msgspec

from treering.core.errors import Damaged, LimitExceeded
from treering.core.text import safe

BLOCK = 512
CHUNK = 256 * 1024
MAX_RECORD = 1024 * 1024
"""Most bytes of extension headers (long names, PAX records, sparse maps) for one member."""
MAX_GLOBALS = 4096
"""Most bytes of defaults from global PAX records: every member pays for them again."""
MAX_ENTRIES = 2_000_000
"""Most headers read from one archive, extension headers counted."""

Region = tuple[int, int]
"""A part of a sparse file that holds data: where in the file, and how many bytes."""


class Readable(Protocol):
    """Bytes to read once, front to back; fewer than asked for only at a pause or the end."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes, b"" at the end."""


class Type(StrEnum):
    """What a member is."""

    FILE = "file"
    HARDLINK = "hardlink"
    SYMLINK = "symlink"
    CHARACTER = "character"
    BLOCK = "block"
    DIRECTORY = "directory"
    FIFO = "fifo"
    UNKNOWN = "unknown"
    """A type letter no standard defines; POSIX says to treat it as a file."""


class Member(msgspec.Struct, frozen=True, gc=False):
    """One member of an archive.

    `name` and `linkname` are the bytes as stored, trailing slashes and ``./`` included. `size` is
    the length of the file in bytes once unpacked, `stored` the bytes it takes in the archive from
    `offset` on; they differ only for sparse files, whose data lies at `regions`. `mtime` counts
    nanoseconds since the epoch. `device` is major and minor number of a device node. `xattrs`
    are those of ``SCHILY.xattr`` records, the ones container tools write.
    """

    name: bytes
    type: Type
    size: int
    offset: int
    stored: int
    mode: int
    uid: int
    gid: int
    mtime: int
    linkname: bytes = b""
    device: tuple[int, int] | None = None
    xattrs: dict[bytes, bytes] = {}
    regions: tuple[Region, ...] | None = None


class Scanner:
    """The members of one archive, in order, each readable until the next is asked for.

    `file` is read from where it stands. With `seek` (default: whether the file can) bodies are
    skipped by seeking, and offsets are positions in the file; without it they count from where
    the file stood, and bodies are read and dropped. `what` names the archive in errors. `check` is
    called now and then and may raise to stop. `use_globals` lets PAX ``g`` records set defaults,
    as POSIX says; container engines ignore them.

    Raises `Damaged`, naming the byte, for a bad checksum, number, record or size and for an
    archive that ends too early; `LimitExceeded` beyond `max_entries` headers or `MAX_RECORD`.
    """

    def __init__(  # noqa: PLR0913 -- limits and hooks, all by name
        self,
        file: Readable,
        what: str = "the archive",
        *,
        seek: bool | None = None,
        max_entries: int = MAX_ENTRIES,
        use_globals: bool = True,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self.what = what
        self.ended = False
        """Whether the end-of-archive mark was seen; some writers leave it out."""
        self._file = cast("BinaryIO", file)
        can_seek: Callable[[], bool] = getattr(file, "seekable", lambda: False)
        self._seek = can_seek() if seek is None else seek
        self._at = self._file.tell() if self._seek else 0
        self._size = self._file.seek(0, 2) if self._seek else None
        self._left = self._padding = 0
        self._member: Member | None = None
        self._entries = 0
        self._max_entries = max_entries
        self._use_globals = use_globals
        self._globals: dict[bytes, bytes] = {}
        self._check = check

    def __iter__(self) -> Iterator[Member]:
        """Yield the members that follow; see the class for what it raises."""
        extra = _Extra()
        while (block := self._header()) is not None:
            if block[_FLAG] in _EXTENSIONS:
                self._extend(block, extra)
                continue
            self._member = self._begin(block, extra)
            yield self._member
            self._finish()
            extra = _Extra()
        if extra.spent:
            raise self._damaged("an extension header belongs to no member")

    def chunks(self) -> Iterator[bytes]:
        """Yield what is stored of the current member, in chunks of at most 256 KiB."""
        while self._left:
            self._check()
            data = self._take(min(self._left, CHUNK))
            self._left -= len(data)
            yield data

    def content(self) -> Iterator[bytes]:
        """Yield the current member as it is once unpacked: holes of sparse files are zeros.

        A hole costs no archive bytes: a caller that reads on must mind `Member.size`.
        """
        member = self._member
        if member is None or member.regions is None:
            yield from self.chunks()
            return
        at = 0
        for start, length in member.regions:
            yield from self._zeros(start - at)
            at = start + length
            while length:
                self._check()
                data = self._take(min(length, CHUNK))
                self._left -= len(data)
                length -= len(data)  # noqa: PLW2901 -- counts down
                yield data
        yield from self._zeros(member.size - at)

    def _zeros(self, count: int) -> Iterator[bytes]:
        while count:
            self._check()
            data = _ZEROS[: min(count, CHUNK)]
            count -= len(data)
            yield data

    # -- headers -------------------------------------------------------------------------

    def _header(self) -> bytes | None:
        """Return the next header block with a right checksum, or None at the end."""
        block = self._take(BLOCK, at_end=True)
        if not block:
            return None
        if block == _END:
            after = self._take(BLOCK, at_end=True)
            if after and after != _END:
                raise self._damaged("a lone block of zeros", BLOCK * 2)
            self.ended = True
            return None
        self._entries += 1
        if self._entries > self._max_entries:
            raise LimitExceeded(f"{self.what} has more than {self._max_entries} entries")
        if self._entries % 256 == 0:
            self._check()
        # Each half sums to less than the modulus of adler32, whose low word is one more.
        total = (adler32(block[:256]) & 0xFFFF) + (adler32(block[256:]) & 0xFFFF) - 2
        stored = self._number(block[148:156])
        total += 8 * 32 - sum(block[148:156])
        if stored != total and stored != total - 256 * _high(block):
            raise self._damaged("not a tar header: the checksum is wrong", BLOCK)
        return block

    def _begin(self, block: bytes, extra: _Extra) -> Member:
        """Make the member that `block` and the extension headers before it describe."""
        name, mode, uid, gid, size, mtime, flag, link, magic, major, minor, prefix = _FIELDS(block)
        name, link = _text(name), _text(link)
        if magic == b"ustar\0":
            prefix = _text(prefix[:131] if block[508:] == b"tar\0" else prefix)
            name = prefix + b"/" + name if prefix else name
        values = [self._number(f) for f in (size, mode, uid, gid, mtime)]
        values[4] *= _NANO
        pax = self._merged(extra.pax)
        xattrs: dict[bytes, bytes] = {}
        if pax:
            name, link, xattrs = self._apply(pax, name, link, values)
        name = name if extra.name is None else extra.name
        link = link if extra.link is None else extra.link
        kind = _TYPES.get(flag, Type.UNKNOWN)
        if flag == b"\0" and name.endswith(b"/"):
            kind = Type.DIRECTORY
        if values[0] < 0:
            raise self._damaged("a negative size", BLOCK)
        body = values[0] if kind in _WITH_BODY else 0
        self._left, self._padding = body, -body % BLOCK
        self._expect(body + self._padding, name)
        size_, regions = body, None
        if kind is Type.FILE and (flag == b"S" or _SPARSE_MAP in pax or _SPARSE_MAJOR in pax):
            name, size_, regions = self._sparse(block, flag, pax, name, extra)
        return Member(
            name=name,
            type=kind,
            size=size_,
            offset=self._at,
            stored=self._left,
            mode=values[1],
            uid=values[2],
            gid=values[3],
            mtime=values[4],
            linkname=link if kind in _LINKS else b"",
            device=(self._number(major), self._number(minor)) if kind in _DEVICES else None,
            xattrs=xattrs,
            regions=regions,
        )

    def _apply(
        self, pax: dict[bytes, bytes], name: bytes, link: bytes, values: list[int]
    ) -> tuple[bytes, bytes, dict[bytes, bytes]]:
        """Return name, link target and extended attributes; put PAX numbers into `values`."""
        for at, key in ((0, b"size"), (2, b"uid"), (3, b"gid")):
            if key in pax:
                values[at] = self._decimal(pax[key], key)
        if b"mtime" in pax:
            values[4] = self._nanoseconds(pax[b"mtime"])
        cut = len(_XATTR)
        xattrs = {key[cut:]: value for key, value in pax.items() if key.startswith(_XATTR)}
        return pax.get(b"path", name), pax.get(b"linkpath", link), xattrs

    def _extend(self, block: bytes, extra: _Extra) -> None:
        """Read an extension header: a long name, a long link target, or PAX records."""
        size = self._number(block[124:136])
        if size < 0:
            raise self._damaged("a negative size", BLOCK)
        extra.spent += size + BLOCK
        if extra.spent > MAX_RECORD:
            raise LimitExceeded(
                f"{self.what}: headers of more than {MAX_RECORD} bytes for a member"
            )
        data = self._take(size)
        self._skip(-size % BLOCK)
        flag = block[_FLAG]
        if flag == _LONG_NAME:
            extra.name = _text(data)
        elif flag == _LONG_LINK:
            extra.link = _text(data)
        elif flag == _GLOBAL:
            self._set_globals(self._records(data))
            extra.spent -= size + BLOCK
        else:
            extra.pax = self._records(data)

    def _set_globals(self, records: dict[bytes, bytes]) -> None:
        """Keep defaults for later members: of what is read at all, what several can share."""
        for key, value in records.items():
            if self._use_globals and (key in _SHARED or key.startswith(_XATTR)):
                self._globals[key] = value
        if sum(len(k) + len(v) for k, v in self._globals.items()) > MAX_GLOBALS:
            raise LimitExceeded(f"{self.what}: more than {MAX_GLOBALS} bytes of global headers")

    def _merged(self, pax: dict[bytes, bytes]) -> dict[bytes, bytes]:
        """Lay a member's records over the global ones; an empty value takes a default back."""
        if not pax and not self._globals:
            return pax
        return {k: v for k, v in {**self._globals, **pax}.items() if v or k.startswith(_XATTR)}

    def _records(self, data: bytes) -> dict[bytes, bytes]:
        """Split PAX records, lines of ``<length> <key>=<value>``; the last of a key counts."""
        records: dict[bytes, bytes] = {}
        sparse: list[bytes] = []
        at = 0
        while at < len(data):
            space = data.find(b" ", at, at + 20)
            digits = data[at:space] if space > at else b""
            end = at + int(digits) if digits.isdigit() else 0
            record = data[space + 1 : end]
            key, equals, value = record[:-1].partition(b"=")
            if not (end <= len(data) and record.endswith(b"\n") and key and equals):
                raise self._damaged("a PAX record is malformed")
            if key in _NO_NUL and b"\0" in value:
                raise self._damaged("a PAX name holds a NUL byte")
            if key in _SPARSE_PAIR:
                if (key == _SPARSE_PAIR[0]) != (len(sparse) % 2 == 0):
                    raise self._damaged("a sparse map is out of order")
                sparse.append(value)
            else:
                records[key] = value
            at = end
        if sparse:
            records[_SPARSE_MAP] = b",".join(sparse)
        return records

    # -- sparse files --------------------------------------------------------------------

    def _sparse(
        self, block: bytes, flag: bytes, pax: dict[bytes, bytes], name: bytes, extra: _Extra
    ) -> tuple[bytes, int, tuple[Region, ...] | None]:
        """Return name, size and data regions of a sparse file in any of the four forms."""
        if flag == b"S":
            size, numbers = self._number(block[483:495]), self._old_map(block, extra)
            self._expect(self._left + self._padding, name)
        elif _SPARSE_MAP in pax:
            size = self._decimal(pax.get(b"GNU.sparse.size", b""), b"GNU.sparse.size")
            numbers = [self._decimal(n, _SPARSE_MAP) for n in pax[_SPARSE_MAP].split(b",")]
        elif pax.get(_SPARSE_MAJOR) == b"1" and pax.get(b"GNU.sparse.minor") == b"0":
            size = self._decimal(pax.get(b"GNU.sparse.realsize", b""), b"GNU.sparse.realsize")
            numbers = self._map_in_body(extra)
        else:
            return name, self._left, None
        return pax.get(b"GNU.sparse.name", name), size, self._regions(numbers, size)

    def _old_map(self, block: bytes, extra: _Extra) -> list[int]:
        """Read the map of an old GNU sparse header and the blocks that continue it."""
        numbers: list[int] = []
        table, more = block[386:482], block[482]
        while True:
            for at in range(0, len(table), 12):
                if table[at - at % 24] == 0:
                    break
                numbers.append(self._number(table[at : at + 12]))
            if not more:
                return numbers
            extra.spent += BLOCK
            if extra.spent > MAX_RECORD:
                raise LimitExceeded(f"{self.what}: a sparse map of more than {MAX_RECORD} bytes")
            block = self._take(BLOCK)
            table, more = block[:504], block[504]

    def _map_in_body(self, extra: _Extra) -> list[int]:
        """Read the decimal lines that stand before the data of a PAX 1.0 sparse file."""
        lines: list[bytes] = []
        text, wanted = b"", 1
        while len(lines) < wanted:
            extra.spent += BLOCK
            if extra.spent > MAX_RECORD:
                raise LimitExceeded(f"{self.what}: a sparse map of more than {MAX_RECORD} bytes")
            if self._left < BLOCK:
                raise self._damaged("a sparse map is cut short")
            *whole, text = (text + self._take(BLOCK)).split(b"\n")
            self._left -= BLOCK
            lines += whole
            wanted = 1 + 2 * self._decimal(lines[0], b"a sparse map") if lines else 1
        return [self._decimal(line, b"a sparse map") for line in lines[1:wanted]]

    def _regions(self, numbers: list[int], size: int) -> tuple[Region, ...]:
        """Check a sparse map: in order, inside the file, and as long as what is stored."""
        if len(numbers) % 2:
            raise self._damaged("a sparse map is out of order")
        regions, at = [], 0
        for start, length in zip(numbers[::2], numbers[1::2], strict=True):
            if start < at or length < 0:
                raise self._damaged("a sparse map is out of order")
            at = start + length
            if length:
                regions.append((start, length))
        if at > size or sum(length for _, length in regions) != self._left:
            raise self._damaged("a sparse map does not fit its file")
        return tuple(regions)

    # -- numbers -------------------------------------------------------------------------

    def _number(self, field: bytes) -> int:
        """Read a header's number. Raises `Damaged`."""
        number = _number_in(field)
        if number is None:
            shown = safe(field.strip(b" \0"), 24)
            raise self._damaged(f"not an octal number: {shown}", BLOCK)
        return number

    def _decimal(self, text: bytes, key: bytes) -> int:
        digits = text.removeprefix(b"-")
        if not digits.isdigit() or len(digits) > _MAX_DIGITS:
            raise self._damaged(f"{safe(key, 40)} is not a number: {safe(text, 24)}")
        return int(text)

    def _nanoseconds(self, text: bytes) -> int:
        """Read a PAX time, decimal seconds with a fraction, cut to nanoseconds."""
        whole, _, fraction = text.partition(b".")
        value = abs(self._decimal(whole if whole not in {b"", b"-"} else whole + b"0", b"mtime"))
        value *= _NANO
        if fraction:
            value += self._decimal(fraction[:9].ljust(9, b"0"), b"mtime")
        return -value if text.startswith(b"-") else value

    # -- bytes ---------------------------------------------------------------------------

    def _take(self, count: int, *, at_end: bool = False) -> bytes:
        """Return exactly `count` bytes, or b"" where the archive ends and `at_end` allows it."""
        if self._seek:
            self._file.seek(self._at)
        data = self._file.read(count)
        if len(data) < count and (data or not at_end):
            pieces = [data]
            missing = count - len(data)
            while missing and (data := self._file.read(missing)):
                pieces.append(data)
                missing -= len(data)
            data = b"".join(pieces)
        self._at += len(data)
        if len(data) < count and (data or not at_end):
            raise self._damaged("the archive ends too early")
        return data

    def _skip(self, count: int) -> None:
        if self._seek:
            self._at += count
            return
        while count:
            self._check()
            count -= len(self._take(min(count, CHUNK)))

    def _finish(self) -> None:
        """Go to the next header."""
        self._skip(self._left + self._padding)
        self._left = self._padding = 0

    def _expect(self, count: int, name: bytes) -> None:
        """Raise `Damaged` where the file is known to end before `count` more bytes."""
        if self._size is not None and self._at + count > self._size:
            raise Damaged(
                f"{self.what} ends at byte {self._size}, {self._at + count - self._size} bytes "
                f"before the end of {safe(name, 200)}"
            )

    def _damaged(self, why: str, back: int = 0) -> Damaged:
        return Damaged(f"{self.what}: {why}, at byte {self._at - back}")


class _Extra:
    """What the extension headers before a member say about it."""

    __slots__ = ("link", "name", "pax", "spent")

    def __init__(self) -> None:
        self.name: bytes | None = None
        self.link: bytes | None = None
        self.pax: dict[bytes, bytes] = {}
        self.spent = 0


def is_header(block: bytes) -> bool:
    """Tell whether `block`, 512 bytes, is a tar header with a right checksum."""
    if len(block) != BLOCK or block == _END:
        return False
    text = block[148:156].strip(b" \0")
    total = sum(block) - sum(block[148:156]) + 8 * 32
    try:
        return text.isdigit() and int(text, 8) in {total, total - 256 * _high(block)}
    except ValueError:
        return False


@lru_cache(maxsize=8192)
def _number_in(field: bytes) -> int | None:
    """Read octal digits with blanks around them, or base-256 with a sign; None for neither.

    Remembered, because modes, owners and times are the same in most headers.
    """
    if field[0] & 0x80:
        bits = 8 * len(field) - 1
        value = int.from_bytes(field, "big") & ((1 << bits) - 1)
        return value - (1 << bits) if value >> (bits - 1) else value
    text = field.strip(b" \0")
    if b"\0" in text:
        text = text.partition(b"\0")[0].rstrip(b" ")
    try:
        if text:
            return int(text, 8) if text.isdigit() else None
        return 0  # noqa: TRY300 -- a blank field
    except ValueError:
        return None


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _high(block: bytes) -> int:
    """Count the bytes old writers summed as negative numbers."""
    return sum(byte >> 7 for byte in block[:148] + block[156:])


# name, mode, uid, gid, size, mtime, type, link, magic, device numbers, prefix; 100 bytes in all
# for the checksum, version and user and group names are passed over.
_FIELDS = struct.Struct("100s8s8s8s12s12s8xc100s6s2x32x32x8s8s155s12x").unpack
_FLAG = 156
_END = bytes(BLOCK)
_ZEROS = bytes(CHUNK)
_NANO = 1_000_000_000
_MAX_DIGITS = 20
_LONG_NAME, _LONG_LINK, _GLOBAL = b"LKg"
_EXTENSIONS = frozenset(b"LKgxX")
_XATTR = b"SCHILY.xattr."
_SPARSE_MAP, _SPARSE_MAJOR = b"GNU.sparse.map", b"GNU.sparse.major"
_SPARSE_PAIR = (b"GNU.sparse.offset", b"GNU.sparse.numbytes")
_SHARED = frozenset({b"uid", b"gid", b"mtime"})
_NO_NUL = frozenset({b"path", b"linkpath", b"GNU.sparse.name"})
_TYPES = {
    b"\0": Type.FILE,
    b"0": Type.FILE,
    b"7": Type.FILE,
    b"S": Type.FILE,
    b"1": Type.HARDLINK,
    b"2": Type.SYMLINK,
    b"3": Type.CHARACTER,
    b"4": Type.BLOCK,
    b"5": Type.DIRECTORY,
    b"6": Type.FIFO,
}
_WITH_BODY = frozenset({Type.FILE, Type.UNKNOWN})
_LINKS = frozenset({Type.HARDLINK, Type.SYMLINK})
_DEVICES = frozenset({Type.CHARACTER, Type.BLOCK})
