"""apk: the packages of Alpine and what is made of it.

Owns where the database stands and which of its lines count. A block is one package: lines of one
letter, a colon and a value, with those of its files (``F R a Z M``) among them.

Source: the apk specification, "Installed database", wiki.alpinelinux.org/wiki/Apk_spec.
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

PLACES: Final = (b"/usr/lib/apk/db/installed", b"/lib/apk/db/installed")
"""Where the database may stand: apk 3 moved it under ``/usr``."""

_FIELDS: Final = re.compile(rb"^([PVAoI]):([^\n]*+)$", re.MULTILINE)


def read(listing: Listing) -> None:
    """Add the installed packages. Raises `Full` and `Cancelled`."""
    for path in PLACES:
        listing.database(Manager.APK, path, partial(_packages, listing))


def _packages(listing: Listing, entry: Entry) -> Generator[Package]:
    """Yield the packages of a database. Raises `SourceError`."""
    incomplete = 0
    for fields in stanzas(listing.content(entry, MAX_BYTES), _FIELDS):
        name, version = field_of(fields.get(b"P", b"")), field_of(fields.get(b"V", b""))
        if not (name and version):
            incomplete += 1
            continue
        yield Package(
            Manager.APK,
            name,
            version,
            field_of(fields.get(b"A", b"")),
            field_of(fields.get(b"o", b"")),
            number_of(fields.get(b"I", b"")),
        )
    if incomplete:
        raise Damaged(f"{incomplete} of its entries have no name or version")
