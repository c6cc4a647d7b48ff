"""What the composition root needs to know of layouts and archives, without importing them.

Owns the three kinds, how their files are recognised, and the doctor's rows. Imports nothing
heavy; the reader is imported when a source is opened.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

from treering.core.ports import Adapter, Check, Reader, SourceSpec
from treering.core.text import safe

_NAMES = (".tar", ".tar.gz", ".tgz", ".tar.zst", ".tzst", ".oci")


def _open(spec: SourceSpec, audit: bool) -> Reader:  # noqa: FBT001 -- the shape of the port
    """Return the reader of a layout or archive."""
    from treering.adapters.oci.reader import OciReader  # noqa: PLC0415 -- codecs only when read
    from treering.core.layerindex import usual_index  # noqa: PLC0415 -- as above

    index = usual_index(os.environ, audit=audit)
    return OciReader(spec.kind, spec.location, spec.name, audit, index)


def _is_layout(path: Path) -> bool:
    """Tell whether `path` is a layout directory."""
    try:
        return path.is_dir() and (path / "oci-layout").is_file()
    except OSError:
        return False


def _holds(kind: str) -> Callable[[Path], bool]:
    """Return what tells whether a path is an archive that holds `kind`."""

    def recognise(path: Path) -> bool:
        try:
            if not path.name.endswith(_NAMES) or not stat.S_ISREG(path.stat().st_mode):
                return False
        except OSError:
            return False
        from treering.adapters.oci.sniffing import archive_kind  # noqa: PLC0415 -- as above

        return archive_kind(path) == kind

    return recognise


def _doctor() -> Sequence[Check]:
    """Tell which decompressors are there."""
    isal = find_spec("isal") is not None
    zstd = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    try:
        found = find_spec(zstd) is not None
    except ModuleNotFoundError:
        found = False
    fast = "gzip layers are read by isal" if isal else "gzip layers are read by zlib, at half speed"
    return (
        Check(safe("gzip layers"), ok=True, detail=safe(fast)),
        Check(
            safe("zstd layers"),
            ok=found,
            detail=safe(f"read by {zstd}" if found else f"{zstd} is not installed"),
        ),
    )


ADAPTERS: tuple[Adapter, ...] = (
    Adapter(
        kind="oci-layout",
        summary="a directory of images in OCI layout",
        open=_open,
        recognise=_is_layout,
        doctor=_doctor,
    ),
    Adapter(
        kind="oci-archive",
        summary="a tar archive of an OCI layout",
        open=_open,
        recognise=_holds("oci-archive"),
    ),
    Adapter(
        kind="docker-archive",
        summary="a tar archive as docker save writes it",
        open=_open,
        recognise=_holds("docker-archive"),
    ),
)
