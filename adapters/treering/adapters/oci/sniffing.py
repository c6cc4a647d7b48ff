"""Telling an archive of images from any other file, by its first members.

Owns a bounded look: at most some thousand headers, at most a mebibyte unpacked. Never raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from treering.core.errors import SourceError
from treering.core.files import bytes_of, open_file
from treering.core.layers import Chunks, Compression, decompressed, sniff
from treering.core.tar import BLOCK, CHUNK, Scanner, is_header

_MAX_HEADERS = 4096
_MAX_CHUNKS = 4
_OCI = frozenset({"oci-layout", "index.json", "blobs"})
_DOCKER = frozenset({"manifest.json", "repositories"})
_DOCKER_FILE = re.compile(r"[0-9a-f]{64}(?:/.*|\.json|\.tar)?")


def archive_kind(path: Path) -> str:
    """Return ``oci-archive``, ``docker-archive`` or "" for anything else."""
    names: list[str] = []
    try:
        with open_file(path, follow=True) as file:
            for name in islice(_names(file), _MAX_HEADERS):
                names.append(name)  # noqa: PERF402 -- what came before an error counts
    except (SourceError, OSError):
        pass  # a file cut short, or only its beginning unpacked: what was seen has to do
    if _DOCKER.intersection(names):
        return "docker-archive"
    if any(name.partition("/")[0] in _OCI for name in names):
        return "oci-archive"
    return "docker-archive" if names and all(map(_DOCKER_FILE.fullmatch, names)) else ""


def _names(file: BinaryIO) -> Iterator[str]:
    """Yield member names; of a compressed archive those near its beginning."""
    start = bytes_of(file, BLOCK, "archive")
    if sniff(start) is Compression.NONE:
        if not is_header(start):
            return
        file.seek(0)
        scanner = Scanner(file)
    else:
        chunks = decompressed(start, lambda: file.read(CHUNK))
        scanner = Scanner(Chunks(islice(chunks, _MAX_CHUNKS)), seek=False)
    for member in scanner:
        name = member.name.decode("utf-8", "surrogateescape")
        yield name.removeprefix("./").strip("/")
