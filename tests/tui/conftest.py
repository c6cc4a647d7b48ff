"""Baselines of the snapshot tests live under screenshots/, where the README shows them."""

from __future__ import annotations

from typing import Any

import pytest_textual_snapshot
from support.baselines import BASELINES


class Baselines(pytest_textual_snapshot.SVGImageExtension):
    """SVG files, a folder for each test module."""

    @classmethod
    def dirname(cls, *, test_location: Any) -> str:
        return str(BASELINES / test_location.basename)


pytest_textual_snapshot.SVGImageExtension = Baselines
