"""The tab `packages`: what is installed in a version.

Owns the columns. Reads no package database.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from treering.core.ports import Problem
from treering.core.text import safe
from treering.present.lines import Row, cut_middle, pad, span
from treering.present.lines import width as cells

_MAX_ARCH, _MAX_MANAGER = 8, 5
_WIDE, _ROOMY = 64, 44
_LEAST = 10


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


def rows(
    packages: Sequence[Package],
    *,
    width: int = 80,
    problems: Sequence[Problem] = (),
    notes: Sequence[str] = (),
) -> tuple[Row, ...]:
    """Return packages by name, in aligned columns: name, version, architecture, manager.

    `problems` and `notes` are what the reading of the databases had to say; they come first. A
    narrow list leaves out the manager, then the architecture.
    """
    made = [Row("head", (span(_total(packages), "head"),))]
    made += [
        Row(f"problem {at}", (span(f"{p.subject}: {p.why}", "warn"),))
        for at, p in enumerate(problems)
    ]
    made += [Row(f"note {at}", (span(note, "dim"),)) for at, note in enumerate(notes)]
    ends = (_MAX_ARCH + 1) * (width >= _ROOMY) + (_MAX_MANAGER + 1) * (width >= _WIDE)
    longest = max((cells(p.name) for p in packages), default=0)
    versions = max((cells(p.version) for p in packages), default=0)
    name = max(_LEAST, min(longest, width - ends - 1 - min(versions, (width - ends) // 2)))
    version = max(_LEAST, min(versions, width - ends - name - 1))
    for number, package in enumerate(sorted(packages, key=_order)):
        spans = [
            (pad(cut_middle(safe(package.name), name), name), ""),
            span(" "),
            (pad(cut_middle(safe(package.version), version), version), "kind"),
        ]
        if width >= _ROOMY:
            spans.append((pad(f" {package.arch}", _MAX_ARCH + 1), "dim"))
        if width >= _WIDE:
            spans.append(span(f" {package.manager}", "dim"))
        key = f"{package.manager} {package.name} {package.arch} {package.version} {number}"
        made.append(Row(key, tuple(spans)))
    return tuple(made)


def _order(package: Package) -> tuple[str, str, str, str]:
    return (package.name, package.manager, package.arch, package.version)


def _total(packages: Sequence[Package]) -> str:
    managers = Counter(str(package.manager) for package in packages)
    if not managers:
        return "no package is listed"
    each = ", ".join(f"{managers[name]} {name}" for name in sorted(managers))
    return f"{len(packages)} packages: {each}"
