"""The tab `packages`: what is installed in a version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from treering.present.lines import Row


class Package(Protocol):
    """What a row needs of a package."""

    @property
    def manager(self) -> str:
        """Who installed it: dpkg, rpm, apk."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def version(self) -> str:
        """Its version as the package manager writes it."""

    @property
    def arch(self) -> str:
        """What it was built for; "" where managers do not say."""


def rows(packages: Sequence[Package], *, width: int = 80) -> tuple[Row, ...]:
    """Return packages by name, in aligned columns."""
    raise NotImplementedError
