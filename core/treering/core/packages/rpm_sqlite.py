"""The SQLite form of rpm's database, read from memory.

Owns opening a database nobody vouches for: SQLite gets a copy in memory, may look at one table,
and is stopped when it works longer than a database of that size can ask for.

Source: rpm's manual, "Package Database"; SQLite's "Database File Format", section 1.3.3, and
"Defense Against The Dark Arts".
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import closing
from itertools import count
from typing import Final

from treering.core.errors import Damaged, LimitExceeded, NotRecognised
from treering.core.packages.model import Package
from treering.core.packages.rpm_header import package_of
from treering.core.ports import ReadContext

MAX_BYTES: Final = 512 * 1024 * 1024
"""Longest database read; about twice of it is held in memory for a moment."""
MAX_HEADER: Final = 64 * 1024 * 1024
"""Longest header of one package read."""

_VERSIONS: Final = slice(18, 20)
_ROLLBACK: Final = b"\1\1"
_EVERY: Final = 10_000
_MAX_CALLS: Final = 1_000
"""Steps of SQLite's machine, in `_EVERY`, before it is stopped: 50 for each package allowed."""
_TABLE: Final = "SELECT type FROM sqlite_master WHERE name = 'Packages'"
_ROWS: Final = (
    "SELECT length(blob), CASE WHEN typeof(blob) = 'blob' AND length(blob) <= ? THEN blob END "
    "FROM Packages"
)
_TABLES: Final = frozenset({"sqlite_master", "Packages"})
_FUNCTIONS: Final = frozenset({"length", "typeof"})


def packages_in(data: bytearray, context: ReadContext) -> Generator[Package]:
    """Yield the packages of a database, whose bytes are changed and let go of.

    Raises `Damaged` and `LimitExceeded`, after what could be read; `Cancelled`.
    """
    size = len(data)
    try:
        with closing(_open(data)) as database:
            data.clear()
            _restrain(database, size, context)
            yield from _packages(database, size)
    except (sqlite3.Error, MemoryError) as error:
        context.check()
        raise Damaged(f"SQLite says: {error}") from error
    except UnicodeError as error:
        # SQLite's own message quotes the database, whose names may be no text.
        raise Damaged("SQLite finds its schema damaged") from error


def _open(data: bytearray) -> sqlite3.Connection:
    """Return a connection to a copy of `data` in memory.

    Raises `NotRecognised`, `sqlite3.Error`.
    """
    # A database with a write-ahead log has versions 2 here, and cannot be opened without files.
    data[_VERSIONS] = _ROLLBACK
    if not hasattr(sqlite3.Connection, "deserialize"):
        raise NotRecognised("the SQLite of this Python reads no database from memory")
    database = sqlite3.connect(":memory:", isolation_level=None)
    try:
        database.deserialize(data)
    except BaseException:
        database.close()
        raise
    return database


def _restrain(database: sqlite3.Connection, size: int, context: ReadContext) -> None:
    """Leave the database nothing but reading one table, for a bounded time."""
    calls = count(1)
    database.text_factory = bytes
    # No value of a sound database is longer than its file.
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, size)
    for pragma in ("trusted_schema = OFF", "cell_size_check = ON", "query_only = ON"):
        database.execute(f"PRAGMA {pragma}")
    database.set_authorizer(_allowed)
    database.set_progress_handler(lambda: next(calls) > _MAX_CALLS or context.cancelled(), _EVERY)


def _allowed(action: int, first: str | None, second: str | None, *_where: str | None) -> int:
    """Say what a statement may do; also what views and computed columns would make it do."""
    if (
        action == sqlite3.SQLITE_SELECT
        or (action == sqlite3.SQLITE_READ and first in _TABLES)
        or (action == sqlite3.SQLITE_FUNCTION and second in _FUNCTIONS)
    ):
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def _packages(database: sqlite3.Connection, size: int) -> Generator[Package]:
    """Yield the packages of the table. Raises `sqlite3.Error`, `Damaged`, `LimitExceeded`."""
    table = database.execute(_TABLE).fetchone()
    if table is None or table[0] != b"table":
        raise Damaged("it has no table of packages")
    spent = wrong = 0
    first = ""
    for length, blob in database.execute(_ROWS, (MAX_HEADER,)):
        spent += len(blob or b"")
        # Rows of a sound database share no bytes.
        if spent > size:
            raise LimitExceeded(f"its packages have more bytes than the {size} of the file")
        try:
            package = _package(length, blob)
        except Damaged as error:
            wrong += 1
            first = first or error.message
        else:
            if package is not None:
                yield package
    if wrong:
        raise Damaged(f"{wrong} of its packages cannot be read; the first: {first}")


def _package(length: int | None, blob: bytes | None) -> Package | None:
    if blob is None:
        raise Damaged(f"a header of {length or 0} bytes; at most {MAX_HEADER} are read")
    return package_of(blob)
