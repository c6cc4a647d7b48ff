"""What a package and a list of packages are.

Owns the two values the rest of the house sees. A package holds safe text only and no version is
taken apart: each manager orders versions by rules of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from treering.core.ports import Problem
from treering.core.text import Safe

_NONE = Safe("")


class Manager(StrEnum):
    """The package managers whose databases are read."""

    APK = "apk"
    DPKG = "dpkg"
    RPM = "rpm"


@dataclass(frozen=True, slots=True, order=True)
class Package:
    """One installed package, ordered by manager, name, version and architecture.

    `version` is written as the manager writes it: ``1:2.3-4`` with the epoch where it is not 0.
    `source` names the source package it was built from, "" where unknown. `size` is what the
    manager says it takes once installed, in bytes; two packages may differ in it and be equal.
    """

    manager: Manager
    name: Safe
    version: Safe
    arch: Safe = _NONE
    source: Safe = _NONE
    size: int | None = field(default=None, compare=False)

    @property
    def key(self) -> tuple[Manager, Safe, Safe]:
        """What two versions of one package share; several may be installed under one key (rpm)."""
        return self.manager, self.name, self.arch


@dataclass(frozen=True, slots=True)
class PackageList:
    """The packages of one version, sorted, each once.

    `managers` are those that have a database here, read or not. `problems` say what is missing
    from the list; `notes` say what a reader of it should know.
    """

    packages: tuple[Package, ...] = ()
    managers: tuple[Manager, ...] = ()
    problems: tuple[Problem, ...] = ()
    notes: tuple[Safe, ...] = ()
