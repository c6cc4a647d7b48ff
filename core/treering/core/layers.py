"""Layers as streams: decompressed and hashed in one pass, with bounded memory.

Owns compression (gzip and zstd, told by their first bytes as the container engines do, since
media types are often wrong) and the two digests of a layer: that of the stored bytes and the
diff id, that of the bytes unpacked (image-spec, config.md, Layer DiffID). Never holds more than
a few chunks, never writes. What is inside the tar is for `treering.core.tar`.
"""

from __future__ import annotations

import hashlib
import queue
import sys
import threading
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, Protocol, cast

from treering.core.errors import Damaged, LimitExceeded, SourceError
from treering.core.ids import Digest
from treering.core.tar import CHUNK, Readable
from treering.core.text import safe

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

try:
    from isal import igzip_lib
except ImportError:  # no wheel for this machine: the standard library is slower and as right
    igzip_lib = None  # type: ignore[assignment]

MAX_WINDOW_LOG = 27
"""Largest zstd window accepted, 128 MiB: what ``zstd -d`` accepts unasked."""
MAX_RATIO = 100
SPARE = 8 * 1024 * 1024
"""A layer may unpack to `MAX_RATIO` times its stored size plus `SPARE` bytes; see `cap_for`."""


class Compression(StrEnum):
    """How a layer is stored."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"


@dataclass(frozen=True, slots=True)
class Hashed:
    """What one pass over a layer found.

    `digest` and `size` are of the stored bytes. `diff_id` and `unpacked` are of the bytes
    unpacked; `diff_id` is None when unpacking failed, and `fault` then says why. `capped` is true
    when it only went past the cap.
    """

    digest: Digest
    size: int
    diff_id: Digest | None
    unpacked: int
    compression: Compression = Compression.NONE
    fault: str = ""
    capped: bool = False


def sniff(start: bytes) -> Compression:
    """Return the compression that begins with these bytes (RFC 1952, 2.3.1; RFC 8878, 3.1)."""
    if start[:2] == b"\x1f\x8b":
        return Compression.GZIP
    if start[:4] == b"\x28\xb5\x2f\xfd":
        return Compression.ZSTD
    if start[1:4] == b"\x2a\x4d\x18" and 0x50 <= start[0] <= 0x5F:  # noqa: PLR2004 -- RFC 8878
        return Compression.ZSTD
    return Compression.NONE


def cap_for(stored: int) -> int:
    """Return how many bytes a layer of `stored` bytes may unpack to while it is hashed.

    Real layers unpack to two to five times their size; a bomb reaches a thousand times (gzip)
    or any number (zstd). What passes the cap is reported and left unverified.
    """
    return stored * MAX_RATIO + SPARE


class Chunks:
    """A file made of chunks: turns an iterable of bytes into something to `read` from."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = b""
        self._at = 0

    def read(self, size: int = -1, /) -> bytes:
        """Return `size` bytes, fewer only at the end; everything that is left for -1."""
        end = self._at + size
        if size >= 0 and end <= len(self._rest):
            data = self._rest[self._at : end]
            self._at = end
            return data
        pieces, have = [self._rest[self._at :]], len(self._rest) - self._at
        self._rest, self._at = b"", 0
        for chunk in self._chunks:
            pieces.append(chunk)
            have += len(chunk)
            if 0 <= size <= have:
                break
        if 0 <= size < have:
            last = pieces.pop()
            self._at = len(last) - (have - size)
            self._rest = last
            pieces.append(last[: self._at])
        return b"".join(pieces)


class LayerStream:
    """A layer as it is unpacked, hashed both ways while it is read.

    `file` gives the stored bytes; `cap` bounds the unpacked ones; `check` is called for each
    chunk and may raise to stop; `algorithm` is that of the stored bytes' digest. With `ahead` the
    file is read and unpacked on a thread of its own, a few chunks ahead of the reader. `read`
    raises `Damaged` for bytes that cannot be unpacked and `LimitExceeded` above `cap`.
    """

    def __init__(
        self,
        file: Readable,
        *,
        cap: int,
        check: Callable[[], None] = lambda: None,
        algorithm: str = "sha256",
        ahead: bool = False,
    ) -> None:
        self.compression = Compression.NONE
        self._ahead = ahead
        self._file = file
        self._check = check
        self._cap = cap
        self._algorithm = algorithm
        self._stored = hashlib.new(algorithm)
        self._unpacked = hashlib.sha256()
        self._size = self._length = 0
        self._fault = ""
        self._chunks = self._unpack()
        self._reader = Chunks(self._chunks)

    def read(self, size: int = -1, /) -> bytes:
        """Return `size` unpacked bytes, fewer only at the end."""
        return self._reader.read(size)

    def finish(self) -> Hashed:
        """Read what is left and return what the whole layer hashes to."""
        try:
            for _ in self._chunks:
                pass
        except SourceError as error:
            self._fault = self._fault or error.message
        while self._raw():
            pass
        diff_id = None if self._fault else Digest("sha256:" + self._unpacked.hexdigest())
        stored = Digest(f"{self._algorithm}:{self._stored.hexdigest()}")
        return Hashed(
            digest=stored,
            size=self._size,
            diff_id=diff_id,
            unpacked=self._length,
            compression=self.compression,
            fault=self._fault,
            capped=self._length > self._cap,
        )

    def close(self) -> None:
        """Give up what was not read; the thread that reads ahead ends. `finish` does it too."""
        self._chunks.close()

    def _raw(self) -> bytes:
        self._check()
        data = self._file.read(CHUNK)
        self._stored.update(data)
        self._size += len(data)
        return data

    def _unpack(self) -> Generator[bytes, None, None]:
        start = more = self._raw()
        while more and len(start) < _MAGIC:
            more = self._raw()
            start += more
        self.compression = sniff(start)
        try:
            unpacked = decompressed(start, self._raw)
            with closing(ahead_of(unpacked) if self._ahead else unpacked) as chunks:
                for chunk in chunks:
                    self._check()
                    self._length += len(chunk)
                    if self._length > self._cap:
                        raise LimitExceeded(f"it unpacks to more than {self._cap} bytes")
                    self._unpacked.update(chunk)
                    yield chunk
        except SourceError as error:
            self._fault = error.message
            raise


def ahead_of(chunks: Iterator[bytes]) -> Generator[bytes, None, None]:
    """Yield `chunks`, taken on another thread, at most `_AHEAD` of them before they are wanted.

    What that raises is raised here, in its place. The thread ends when the generator is closed.
    """
    ready: queue.Queue[bytes | BaseException | None] = queue.Queue(_AHEAD)
    stop = threading.Event()

    def put(item: bytes | BaseException | None) -> bool:
        while not stop.is_set():
            try:
                ready.put(item, timeout=_PATIENCE)
            except queue.Full:
                continue
            return True
        return False

    def take() -> None:
        try:
            for chunk in chunks:
                if not put(chunk):
                    return
            put(None)
        except BaseException as error:  # noqa: BLE001 -- it is raised where it is waited for
            put(error)

    thread = threading.Thread(target=take, name="unpack", daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
        thread.join()


def hash_layer(
    file: Readable,
    *,
    cap: int,
    check: Callable[[], None] = lambda: None,
    algorithm: str = "sha256",
) -> Hashed:
    """Read a layer to its end and return its digests; arguments as for `LayerStream`."""
    return LayerStream(file, cap=cap, check=check, algorithm=algorithm).finish()


class _Decoder(Protocol):
    eof: bool
    needs_input: bool
    unused_data: bytes

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def decompressed(start: bytes, more: Callable[[], bytes]) -> Generator[bytes, None, None]:
    """Yield chunks of what `start` and the results of `more()` unpack to, until `more` is empty.

    Several gzip members or zstd frames in a row are one stream, as estargz, zstd:chunked and
    pigz write them; skippable frames and zeros after a gzip stream hold nothing. Raises `Damaged`.
    """
    kind = sniff(start)
    if kind is Compression.NONE:
        while start:
            yield start
            start = more()
        return
    data = start
    while data:
        decoder = _DECODERS[kind]()
        data = yield from _one_stream(decoder, data, more, kind)
        while not data.strip(b"\0") and (data := more()):
            pass
        data = data.lstrip(b"\0")


def _one_stream(
    decoder: _Decoder, data: bytes, more: Callable[[], bytes], kind: Compression
) -> Generator[bytes, None, bytes]:
    """Yield what one gzip member or zstd frame holds; return the bytes after it."""
    ended = False
    while True:
        try:
            out = decoder.decompress(data, CHUNK)
        except _ERRORS as error:
            raise Damaged(f"its {kind} stream is damaged: {safe(str(error), 200)}") from error
        if out:
            yield out
        if decoder.eof:
            return decoder.unused_data
        if ended and not out:
            raise Damaged(f"its {kind} stream ends too early")
        data = b""
        if decoder.needs_input and not ended:
            data = more()
            ended = not data


class _Zlib:
    """The standard library's gzip reader in the shape of the others."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(zlib.MAX_WBITS | 16)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


def _zstd() -> Any:
    limit: dict[int, int] = {zstd.DecompressionParameter.window_log_max: MAX_WINDOW_LOG}
    return zstd.ZstdDecompressor(options=limit)


_MAGIC = 4
_AHEAD = 8
_PATIENCE = 0.05
_ERRORS: tuple[type[Exception], ...] = (zlib.error, zstd.ZstdError, MemoryError)
_DECODERS: dict[Compression, Callable[[], Any]] = {
    Compression.GZIP: _Zlib,
    Compression.ZSTD: _zstd,
}
if igzip_lib is not None:
    _ERRORS = (*_ERRORS, cast("type[Exception]", igzip_lib.IsalError))
    _DECODERS[Compression.GZIP] = partial(igzip_lib.IgzipDecompressor, flag=igzip_lib.DECOMP_GZIP)
