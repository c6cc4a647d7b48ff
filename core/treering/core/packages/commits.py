"""The package list a composed OSTree commit carries (``rpmostree.rpmdb.pkglist``).

Owns what its rows mean. It names the packages without opening the tree; it has no sizes and no
sources. Source: rpm-ostree's rpmostree-core.cxx; the rows are GVariant ``a(sssss)``: name, epoch
as text, version, release, architecture.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from treering.core.packages.listing import MAX_PACKAGES, field_of
from treering.core.packages.model import Manager, Package, PackageList
from treering.core.packages.rpm_header import full_version
from treering.core.ports import Problem
from treering.core.text import safe

ATTRIBUTE: Final = "packages"
"""The attribute of a commit: the rows, or only how many there are."""
_COLUMNS: Final = 5


def packages_of_attributes(attrs: Mapping[str, Any]) -> PackageList | None:
    """Return the package list in the attributes of a commit, None where they only count it."""
    rows = attrs.get(ATTRIBUTE)
    return packages_listed(rows) if isinstance(rows, (list, tuple)) else None


def packages_listed(rows: Iterable[Sequence[Any]]) -> PackageList:
    """Return the packages of the rows of a list; rows that are none become one problem."""
    packages: set[Package] = set()
    wrong = 0
    problems = []
    for row in rows:
        package = _package(row)
        if package is None:
            wrong += 1
        elif len(packages) >= MAX_PACKAGES:
            problems.append(f"more than {MAX_PACKAGES} packages; the rest is not listed")
            break
        else:
            packages.add(package)
    if wrong:
        problems.append(f"{wrong} of its rows are not name, epoch, version, release, architecture")
    return PackageList(
        tuple(sorted(packages)),
        (Manager.RPM,),
        tuple(Problem(safe("the package list of the commit"), safe(why)) for why in problems),
    )


def _package(row: Any) -> Package | None:
    if not isinstance(row, (list, tuple)) or len(row) != _COLUMNS:
        return None
    if not all(isinstance(column, str) for column in row):
        return None
    name, epoch, version, release, arch = row
    if not (name and version and release):
        return None
    return Package(
        Manager.RPM,
        field_of(_bytes(name)),
        full_version(epoch, version, release),
        field_of(_bytes(arch)),
    )


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
