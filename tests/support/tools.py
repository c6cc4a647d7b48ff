"""Finding the real tools that tests in ``tests/real`` compare treering with."""

from __future__ import annotations

import os
import shutil

import pytest


def need(tool: str) -> str:
    """Return the path of a tool; without it, skip, or fail where CI says it must be there."""
    found = shutil.which(tool, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if found is None:
        absent(f"{tool} is not installed; `make test` as root installs it")
    return found


def need_root() -> None:
    """Require root, as engines with their own data directories need it here."""
    if os.geteuid() != 0:
        absent("needs root to start an engine")


def absent(why: str) -> None:
    """Skip the test, or fail it in CI."""
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)
