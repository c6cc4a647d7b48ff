"""What layers hold, remembered on disk: read once, never again.

Owns one SQLite file in the cache directory, in it for each diff id the changes of that layer with
the digest of every file's content. A diff id is the digest of all a layer holds, so what was
found once stays right wherever the layer lies. Only layers that were read whole and verified are
put in, by the caller.

It is a cache, so nothing here raises: what cannot be read is not known, what cannot be written is
not kept, a damaged file is removed and begun again. Several processes may use it at a time. The
file keeps a plain rollback journal: a write-ahead log would have to be written by readers too,
and in audit mode (`writes` false) nothing is.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final
from urllib.parse import quote

import msgspec

from treering.core.ids import Digest
from treering.core.trees import Entry

VERSION: Final = 1
"""Of the tables and of `Entry`; another version's file is not looked at."""
MAX_BYTES: Final = 512 * 1024 * 1024
"""Most bytes of layers kept; those not used for longest go first."""
_PAGE: Final = 4096
_SPARE_PAGES: Final = 2048
_PIECE: Final = 5000
"""Entries in one row, so that no value is large."""
_WAIT: Final = 5.0
"""Seconds to wait for another process that writes."""
_LATELY: Final = 3600
_TABLES: Final = f"""
PRAGMA auto_vacuum = FULL;
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS layers (
    diff_id TEXT PRIMARY KEY, size INTEGER NOT NULL, used INTEGER NOT NULL,
    notes BLOB NOT NULL, digest BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS pieces (
    diff_id TEXT NOT NULL, number INTEGER NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (diff_id, number)
);
PRAGMA user_version = {VERSION};
COMMIT;
"""


@dataclass(frozen=True, slots=True)
class Indexed:
    """A layer as it was found when it was read: its changes, and what was made of odd names."""

    changes: tuple[Entry, ...]
    notes: tuple[str, ...] = ()


class LayerIndex:
    """The index in the file `path`. Cheap to make; the file is opened for each call.

    Without `writes` nothing is written, not even a lock file. `limit` bounds the bytes of layers
    kept. `now` is the time in seconds, by which the least recently used are told. May be used
    from several threads.
    """

    def __init__(
        self,
        path: Path,
        *,
        writes: bool = True,
        limit: int = MAX_BYTES,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.path = path
        self._writes = writes
        self._limit = limit
        self._now = now

    def get(self, diff_id: Digest) -> Indexed | None:
        """Return what a layer holds, None where that is not known."""
        try:
            with self._opened() as database:
                return self._get(database, diff_id)
        except sqlite3.Error as error:
            self._recover(error)
        except (OSError, msgspec.MsgspecError, _DamagedRow):
            self._forget(diff_id)
        return None

    def put(self, diff_id: Digest, changes: Sequence[Entry], notes: Sequence[str] = ()) -> None:
        """Keep what a verified layer holds, unless it is known or too large to be kept."""
        if not self._writes:
            return
        starts = range(0, len(changes), _PIECE)
        pieces = [_ENCODER.encode(changes[at : at + _PIECE]) for at in starts]
        said = _ENCODER.encode(list(notes))
        size = len(said) + sum(map(len, pieces))
        if size > self._limit:
            return
        row = (diff_id, size, int(self._now()), said, _digest(said, pieces))
        for _attempt in range(2):
            try:
                with self._opened() as database:
                    self._put(database, row, pieces)
            except sqlite3.Error as error:
                if not self._recover(error):
                    return
            except OSError:
                return
            else:
                return

    def size(self) -> int:
        """Return how many bytes of layers are kept."""
        with suppress(sqlite3.Error, OSError), self._opened() as database:
            return _total(database)
        return 0

    # -- inside --------------------------------------------------------------------------

    def _get(self, database: sqlite3.Connection, diff_id: Digest) -> Indexed | None:
        database.execute("BEGIN")
        row = database.execute(
            "SELECT notes, digest, used FROM layers WHERE diff_id = ?", (diff_id,)
        ).fetchone()
        if row is None:
            return None
        notes, digest, used = row
        pieces = [
            data
            for (data,) in database.execute(
                "SELECT data FROM pieces WHERE diff_id = ? ORDER BY number", (diff_id,)
            )
        ]
        database.execute("COMMIT")
        if not all(isinstance(data, bytes) for data in (notes, digest, *pieces)):
            raise _DamagedRow
        if _digest(notes, pieces) != digest:
            raise _DamagedRow
        changes = tuple(entry for data in pieces for entry in _ENTRIES.decode(data))
        now = int(self._now())
        if self._writes and abs(now - used) > _LATELY:
            with suppress(sqlite3.Error):  # being used last is worth no more than a try
                database.execute("UPDATE layers SET used = ? WHERE diff_id = ?", (now, diff_id))
        return Indexed(changes, tuple(_NOTES.decode(notes)))

    def _put(
        self, database: sqlite3.Connection, row: tuple[object, ...], pieces: Sequence[bytes]
    ) -> None:
        diff_id, size = str(row[0]), int(str(row[1]))
        database.execute("BEGIN IMMEDIATE")
        try:
            known = database.execute("SELECT 1 FROM layers WHERE diff_id = ?", (diff_id,))
            if known.fetchone() is None:
                self._make_room(database, size)
                database.execute("INSERT INTO layers VALUES (?, ?, ?, ?, ?)", row)
                database.executemany(
                    "INSERT OR REPLACE INTO pieces VALUES (?, ?, ?)",
                    [(diff_id, number, data) for number, data in enumerate(pieces)],
                )
            database.execute("COMMIT")
        except sqlite3.Error:
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise

    def _make_room(self, database: sqlite3.Connection, size: int) -> None:
        """Drop the layers used least recently until so many bytes more fit."""
        over = _total(database) + size - self._limit
        rows = database.execute("SELECT diff_id, size FROM layers ORDER BY used, diff_id")
        for diff_id, freed in rows.fetchall():
            if over <= 0:
                return
            _drop(database, diff_id)
            over -= freed

    def _forget(self, diff_id: Digest) -> None:
        """Drop a layer whose rows are not what was written."""
        if self._writes:
            with suppress(sqlite3.Error, OSError), self._opened() as database:
                database.execute("BEGIN IMMEDIATE")
                _drop(database, diff_id)
                database.execute("COMMIT")

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """Open the file; without `writes` one that is there. Raises `sqlite3.Error`, `OSError`."""
        if self._writes:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self.path.exists():
                os.close(os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        mode = "rw" if self._writes else "ro"
        where = f"file:{quote(os.fsencode(self.path.absolute()))}?mode={mode}"
        connection = sqlite3.connect(where, _WAIT, isolation_level=None, uri=True)
        with closing(connection) as database:
            version = database.execute("PRAGMA user_version").fetchone()[0]
            if version != VERSION:
                self._begin(database, version)
            if self._writes:
                pages = self._limit // _PAGE * 5 // 4 + _SPARE_PAGES
                database.execute(f"PRAGMA max_page_count = {pages}")
                database.execute("PRAGMA synchronous = NORMAL")
            yield database

    def _begin(self, database: sqlite3.Connection, version: int) -> None:
        """Make the tables in an empty file. Raises for a file that is another's."""
        if version or not self._writes:
            raise sqlite3.DatabaseError(_OTHER)
        database.executescript(_TABLES)

    def _recover(self, error: sqlite3.Error) -> bool:
        """Remove a damaged file, so that it is begun again; tell whether that was done."""
        damaged = isinstance(error, sqlite3.DatabaseError) and (
            not isinstance(error, sqlite3.OperationalError) or _lacks_table(error)
        )
        if not (self._writes and damaged):
            return False
        for name in (self.path, self.path.with_name(self.path.name + "-journal")):
            with suppress(OSError):
                name.unlink()
        return True


def usual_index(environ: Mapping[str, str], *, audit: bool) -> LayerIndex | None:
    """Return the index in the user's cache directory, None where there is none.

    In audit mode it is only read.
    """
    cache = environ.get("XDG_CACHE_HOME", "")
    home = environ.get("HOME", "")
    if not cache.startswith("/") and not home.startswith("/"):
        return None
    root = Path(cache) if cache.startswith("/") else Path(home) / ".cache"
    return LayerIndex(root / "treering" / f"layers-{VERSION}.sqlite3", writes=not audit)


class _DamagedRow(Exception):
    """A row is not what was written."""


_OTHER: Final = "the file holds something else"
_ENCODER: Final = msgspec.msgpack.Encoder()
_ENTRIES: Final = msgspec.msgpack.Decoder(list[Entry])
_NOTES: Final = msgspec.msgpack.Decoder(list[str])


def _digest(notes: bytes, pieces: Sequence[bytes]) -> bytes:
    found = sha256(notes)
    for data in pieces:
        found.update(b"%d:" % len(data))
        found.update(data)
    return found.digest()


def _total(database: sqlite3.Connection) -> int:
    return int(database.execute("SELECT coalesce(sum(size), 0) FROM layers").fetchone()[0])


def _drop(database: sqlite3.Connection, diff_id: str) -> None:
    database.execute("DELETE FROM pieces WHERE diff_id = ?", (diff_id,))
    database.execute("DELETE FROM layers WHERE diff_id = ?", (diff_id,))


def _lacks_table(error: sqlite3.Error) -> bool:
    return "no such table" in str(error) or "no such column" in str(error)
