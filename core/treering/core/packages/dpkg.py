"""dpkg: the packages of Debian and what is made of it.

Owns where the database stands and which of its packages are installed. It is one file, ``status``,
or one for each package in ``status.d`` (distroless images); hosts that are replaced as a whole
keep it under ``/usr``, because ``/var`` outlives a version.

Source: dpkg(1), "Package states"; deb-control(5); dpkg-query(1), ``source:Package``.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from functools import partial
from typing import Final

from treering.core.errors import Damaged
from treering.core.packages.listing import Listing, field_of, number_of
from treering.core.packages.model import Manager, Package
from treering.core.packages.stanzas import MAX_BYTES, stanzas
from treering.core.trees import Entry

PLACES: Final = (
    b"/usr/lib/sysimage/dpkg",
    b"/usr/share/dpkg/database",
    b"/usr/lib/dpkg-db",
    b"/usr/lib/dpkg",
    b"/var/lib/dpkg",
)
"""Where the database may stand; the first that lists packages counts."""
MAX_PART_BYTES: Final = 1024 * 1024
"""Longest file of ``status.d`` read."""

_FIELDS: Final = re.compile(
    rb"^(Package|Status|Version|Architecture|Source|Installed-Size):[ \t]*+([^\n]*+)$",
    re.MULTILINE,
)
_INSTALLED: Final = b" installed"
_KIBIBYTE: Final = 1024


def read(listing: Listing) -> None:
    """Add the installed packages. Raises `Full` and `Cancelled`."""
    counts = None
    for place in PLACES:
        status = place + b"/status"
        if counts is None:
            counts = place if _read_place(listing, place) else None
        elif (other := listing.unread(status)) is not None:
            listing.note(f"{_shown(other)} is not read; the database in {_shown(counts)} counts")


def _read_place(listing: Listing, place: bytes) -> bool:
    """Read ``status`` and ``status.d`` of one place; return whether they list anything."""
    whole = partial(_packages, listing, limit=MAX_BYTES)
    found = listing.database(Manager.DPKG, place + b"/status", whole)
    part = partial(_packages, listing, limit=MAX_PART_BYTES, alone=True)
    for path in listing.children(place + b"/status.d"):
        if not path.endswith(b".md5sums"):
            found |= listing.database(Manager.DPKG, path, part)
    return found


def _packages(
    listing: Listing, entry: Entry, *, limit: int, alone: bool = False
) -> Generator[Package]:
    """Yield the installed packages of a file. Raises `SourceError`.

    A file that stands `alone` for its package may leave out that it is installed.
    """
    incomplete = 0
    for fields in stanzas(listing.content(entry, limit), _FIELDS):
        status = fields.get(b"Status", _INSTALLED if alone else b"").rstrip()
        if status and not status.endswith(_INSTALLED):
            continue
        name, version = field_of(fields.get(b"Package", b"")), fields.get(b"Version", b"")
        if not (status and name and version.strip()):
            incomplete += 1
            continue
        size = number_of(fields.get(b"Installed-Size", b""))
        source = fields.get(b"Source", b"").partition(b"(")[0]
        yield Package(
            Manager.DPKG,
            name,
            field_of(version),
            field_of(fields.get(b"Architecture", b"")),
            field_of(source) or name,
            None if size is None else size * _KIBIBYTE,
        )
    if incomplete:
        raise Damaged(f"{incomplete} of its entries have no name, version or status")


def _shown(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")
