"""Databases that are text: blocks of ``Field: value`` lines with blank lines between them.

Owns how such a file becomes blocks, in time and memory that follow its length. What the fields
mean is in `dpkg` and `apk`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

MAX_BYTES: Final = 64 * 1024 * 1024
"""Longest text database read, ten times that of a desktop."""

_BLOCK: Final = re.compile(rb"(?:[^\n]++\n?+)++")


def stanzas(data: bytes, fields: re.Pattern[bytes]) -> Iterator[dict[bytes, bytes]]:
    """Yield each block as its fields: what the two groups of `fields` match, name and value.

    Of a field that stands twice the first counts.
    """
    for block in _BLOCK.finditer(data):
        found: dict[bytes, bytes] = {}
        for match in fields.finditer(data, *block.span()):
            found.setdefault(match[1], match[2])
        yield found
