"""The adapter for OSTree repositories: opening, recognising, finding, examining.

Owns no reading. Imports nothing heavy.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from treering.adapters.ostree.config import read_config
from treering.adapters.ostree.repo import SYSTEM_REPOSITORIES, find
from treering.core.errors import SourceError
from treering.core.ports import Adapter, Check, Reader, SourceSpec
from treering.core.text import safe


def open_reader(spec: SourceSpec, audit: bool) -> Reader:  # noqa: ARG001, FBT001 -- the port's shape; all of it only reads
    """Return a reader for a repository; touches nothing yet."""
    from treering.adapters.ostree.reader import OstreeReader  # noqa: PLC0415 -- when first used

    return OstreeReader(spec)


def recognise(path: Path) -> bool:
    """Tell whether `path`, or ``repo`` or ``ostree/repo`` in it, is an OSTree repository."""
    root = find(path)
    if root is None:
        return False
    try:
        read_config(root / "config")
    except SourceError:
        return False
    return True


def discover(environ: Mapping[str, str]) -> Sequence[SourceSpec]:  # noqa: ARG001 -- the port's shape
    """Return this system's own repository, when it is booted from one."""
    found: dict[str, SourceSpec] = {}
    for place in SYSTEM_REPOSITORIES:
        if recognise(Path(place)):
            found.setdefault(os.path.realpath(place), SourceSpec("ostree", place))
    return tuple(found.values())


def doctor() -> Sequence[Check]:
    """Return a row about the `ostree` tool, which is not needed: reading is native."""
    tool = shutil.which("ostree")
    detail = f"found at {tool}" if tool else "not installed"
    return (Check(safe("ostree tool"), None, safe(f"{detail}; not needed, reading is native")),)


ADAPTERS = (
    Adapter(
        kind="ostree",
        summary="OSTree repositories, read natively in every mode",
        open=open_reader,
        recognise=recognise,
        discover=discover,
        doctor=doctor,
    ),
)
