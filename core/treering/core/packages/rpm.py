"""rpm: the packages of Fedora, its relatives and what is made of them.

Owns where the database stands and which of its three forms it has. The form of today, SQLite, is
read; ndb and Berkeley DB are recognised and said to be unread.

Source: rpm's manual, "Package Database"; the file formats' own magic numbers.
"""

from __future__ import annotations

from collections.abc import Generator
from functools import partial
from typing import Final

from treering.core.errors import NotRecognised
from treering.core.packages.listing import Listing
from treering.core.packages.model import Manager, Package
from treering.core.packages.rpm_sqlite import MAX_BYTES, packages_in
from treering.core.trees import Entry

PLACES: Final = (b"/usr/lib/sysimage/rpm", b"/usr/share/rpm", b"/var/lib/rpm")
"""Where the database may stand; the first that lists packages counts."""
FILES: Final = (b"rpmdb.sqlite", b"Packages.db", b"Packages")
"""What it may be called there; a database that was converted may leave its older forms."""

_HEAD: Final = 16
_BERKELEY: Final = frozenset(
    magic.to_bytes(4, order) for magic in (0x061561, 0x053162) for order in ("big", "little")
)
_NDB: Final = b"RpmP"
_SQLITE: Final = b"SQLite format 3\0"


def read(listing: Listing) -> None:
    """Add the installed packages. Raises `Full` and `Cancelled`."""
    counts = None
    for place in PLACES:
        for name in FILES:
            path = place + b"/" + name
            if counts is None:
                found = listing.database(Manager.RPM, path, partial(_packages, listing))
                counts = path if found else None
            elif not path.startswith(counts.rpartition(b"/")[0] + b"/"):
                _say_unread(listing, path, counts)


def _say_unread(listing: Listing, path: bytes, counts: bytes) -> None:
    other = listing.unread(path)
    if other is not None:
        listing.note(f"{_shown(other)} is not read; {_shown(counts)} counts")


def _packages(listing: Listing, entry: Entry) -> Generator[Package]:
    """Yield the packages of a database. Raises `SourceError`."""
    head = listing.beginning(entry, _HEAD)
    if head[:4] == _NDB:
        raise NotRecognised("an rpm database of the ndb form, which is not read")
    if head[12:16] in _BERKELEY:
        raise NotRecognised("an rpm database of the Berkeley DB form, which is not read")
    if head and head != _SQLITE:
        raise NotRecognised("no rpm database of a form that is known")
    log = listing.file(entry.path + b"-wal")
    if log is not None and log.size:
        listing.note(
            f"{_shown(log.path)} holds {log.size} bytes of changes that are not read; "
            "packages may be older here"
        )
    if head:
        yield from packages_in(bytearray(listing.content(entry, MAX_BYTES)), listing.context)


def _shown(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")
