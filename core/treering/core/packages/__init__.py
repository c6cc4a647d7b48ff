"""Packages: what the package managers of a file tree say is installed in it.

Owns the list of dpkg, apk and rpm packages, read from their databases in a tree, and the list an
OSTree commit carries. Nothing is run and nothing is written; only the databases are read, so a
file that no manager knows is in no list. Which of two versions is newer is not decided here.

Hostile databases are expected: every read, count and offset is bounded, and a database that is
damaged is a problem of the list beside the packages of the others.
"""

from __future__ import annotations

from treering.core.packages import apk, dpkg, rpm
from treering.core.packages.commits import packages_listed, packages_of_attributes
from treering.core.packages.listing import MAX_PACKAGES, Full, Listing
from treering.core.packages.model import Manager, Package, PackageList
from treering.core.ports import ReadContext, Tree

__all__ = [
    "MAX_PACKAGES",
    "Manager",
    "Package",
    "PackageList",
    "packages_listed",
    "packages_of",
    "packages_of_attributes",
]


def packages_of(tree: Tree, context: ReadContext) -> PackageList:
    """Return the packages installed in `tree`, of every manager that has a database there.

    What could not be read is among the problems of the list, and not in `context`, which is asked
    for its cancellation only. Raises `Cancelled`.
    """
    listing = Listing(tree, context)
    try:
        for read in (apk.read, dpkg.read, rpm.read):
            context.check()
            read(listing)
    except Full as error:
        listing.problem("packages", error.message)
    return listing.result()
