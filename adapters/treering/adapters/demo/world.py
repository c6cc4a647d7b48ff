"""The story of the demo world, and its writing from beginning to end.

A shop runs a web shop in containers and small edge hosts in its branches. Everything is built
from one git repository, ``shop.git``, and nothing that was built is ever changed in place.

``shop.git``
    Fourteen commits, tags v1.0, v1.1 and v1.2, branches main, orders (merged) and hotfix-1.1.
``registry/``
    What the shop publishes. ``base/debian:12.0`` and ``12.1``; ``base/debian:12`` moved with
    them. The web shop in three generations: ``shop/web:1.0`` and ``1.1`` on Debian 12.0, ``1.2``
    on 12.1 (``latest`` is 1.2, ``stable`` still 1.1), the last one with a cosign signature and a
    bill of materials. ``shop/api:2.0`` for two platforms, with BuildKit's provenance.
    ``shop/worker:0.9`` was built by hand on ``shop/web:1.1`` and carries that image's revision
    label: a trap, for the worker was not built from that commit. ``os/edge:stable`` is OSTree
    commit 40.10 as an image; ``os/edge-custom:1`` adds a layer and inherits its labels, so it
    claims to be 40.10 and is not. ``vendor/agent:7`` names a base and a commit nobody here knows.
``staging/``
    What is tried next: ``shop/web:stable`` is 1.2 here, and ``1.3-rc1`` names its commit by a
    shortened id.
``os-repo/``
    Versions 40.1 to 40.10 of the edge host on ``edge/x86_64/stable`` (40.0 was pruned),
    ``edge/x86_64/testing`` one ahead, ``edge/current`` an alias of stable. 40.7 is the last with
    a floating kernel. ``edge/x86_64/rebuild`` has the very tree of 40.10 in another commit, and
    its parent was withdrawn: a tombstone says so. The merge commit is what a host makes of
    ``os/edge:stable`` when it pulls the image.

Owns the order things are written in, which is the order they name each other in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from treering.adapters.demo import edge_hosts, shop_images, shop_source, statements
from treering.adapters.demo.git import GitRepository
from treering.adapters.demo.guide import CONFIG, GUIDE
from treering.adapters.demo.oci import Descriptor, Image, Layout
from treering.adapters.demo.ostree import OstreeRepository
from treering.adapters.demo.shop_images import Release
from treering.adapters.demo.store import Store
from treering.adapters.demo.times import day


def write(directory: Path) -> None:
    """Write the whole world into `directory`, which must not exist. Raises `OSError`."""
    store = Store(directory)
    commits = shop_source.write(GitRepository(Store(directory / "shop.git"), "The shop"))
    repository = OstreeRepository(Store(directory / "os-repo"))
    versions = edge_hosts.write_versions(repository, commits)
    registry = Layout(Store(directory / "registry"))
    shop = _Shop(registry, commits)
    shop.write()
    edge = edge_hosts.edge_image(repository, versions)
    published = registry.image(edge)
    registry.tag("os/edge:stable", published)
    custom = edge_hosts.custom_image(edge, published["digest"])
    registry.tag("os/edge-custom:1", registry.image(custom))
    registry.tag("vendor/agent:7", registry.image(shop_images.vendor_agent()))
    registry.finish()
    shop.write_staging(Layout(Store(directory / "staging")))
    manifest = directory / "registry/blobs/sha256" / published["digest"].removeprefix("sha256:")
    edge_hosts.write_import(repository, versions, edge, published, manifest.read_bytes())
    store.put("treering.toml", CONFIG)
    store.put("README.md", GUIDE)


class _Shop:
    """The shop's own images, in the order they were built."""

    def __init__(self, layout: Layout, commits: Mapping[str, str]) -> None:
        self.layout = layout
        self.commits = commits
        self.old = shop_images.debian(0, day(-20))
        self.new = shop_images.debian(1, day(33))
        self.bases: dict[int, Descriptor] = {}
        self.web: dict[str, Image] = {}

    def write(self) -> None:
        """Write bases, web shop, API and worker."""
        for image, names in ((self.old, ("12.0",)), (self.new, ("12.1", "12"))):
            self.bases[id(image)] = self.layout.image(image)
            for name in names:
                self.layout.tag(f"base/debian:{name}", self.bases[id(image)])
        self._web()
        self._api()

    def release(self, version: str, change: str, time: int, base: Image) -> Release:
        """Return a build of `change` on one of the bases."""
        point = "12.0" if base is self.old else "12.1"
        digest = self.bases[id(base)]["digest"]
        return Release(version, self.commits[change], time, base, f"base/debian:{point}", digest)

    def _web(self) -> None:
        old, new = shop_images.runtime(self.old, day(4)), shop_images.runtime(self.new, day(41))
        builds = (
            ("1.0", "port", day(4), self.old, old),
            ("1.1", "tax", day(21), self.old, old),
            ("1.2", "carts", day(41), self.new, new),
        )
        written: dict[str, Descriptor] = {}
        for version, change, time, base, below in builds:
            release = self.release(version, change, time, base)
            program = _program(change)
            image = shop_images.web(release, below, program, carts=version == "1.2")
            self.web[version] = image
            written[version] = self.layout.image(image)
            self.layout.tag(f"shop/web:{version}", written[version])
        self.layout.tag("shop/web:stable", written["1.1"])
        self.layout.tag("shop/web:latest", written["1.2"])
        self._said_about(written["1.2"])
        worker = shop_images.worker(self.web["1.1"], written["1.1"]["digest"])
        self.layout.tag("shop/worker:0.9", self.layout.image(worker))

    def _said_about(self, image: Descriptor) -> None:
        signature = statements.signature(self.layout, image, f"{shop_images.HOST}/shop/web")
        name = image["digest"].replace(":", "-")
        self.layout.tag(f"shop/web:{name}.sig", signature)
        packages = ["libc6", "openssl", "python3-minimal"]
        self.layout.list(statements.bill_of_materials(self.layout, image, packages))

    def _api(self) -> None:
        arm = shop_images.debian(1, day(33), "arm64")
        self.bases[id(arm)] = self.layout.image(arm)
        self.layout.tag("base/debian:12.1-arm64", self.bases[id(arm)])
        manifests = []
        for base in (self.new, arm):
            image = shop_images.api(self.release("2.0", "merge", day(42), base))
            platform = {"architecture": base.architecture, "os": "linux"}
            manifests.append({**self.layout.image(image), "platform": platform})
        source = (shop_source.URL, self.commits["merge"])
        base_of = (f"{shop_images.HOST}/base/debian:12.1", self.bases[id(self.new)]["digest"])
        name = f"{shop_images.HOST}/shop/api:2.0"
        manifests.append(statements.provenance(self.layout, manifests[0], name, source, base_of))
        self.layout.tag("shop/api:2.0", self.layout.index(manifests))

    def write_staging(self, staging: Layout) -> None:
        """Write the layout in which the next versions are tried."""
        staging.tag("shop/web:stable", staging.image(self.web["1.2"]))
        release = self.release("1.3-rc1", "basket", day(53, 12), self.new)
        below = shop_images.runtime(self.new, day(41))
        candidate = shop_images.web(release, below, _program("basket"), carts=True)
        short = {shop_images.REVISION: self.commits["basket"][:10]}
        labels = {**candidate.labels, **short}
        staging.tag("shop/web:1.3-rc1", staging.image(replace(candidate, labels=labels)))
        staging.finish()


def _program(change: str) -> str:
    """Return the web shop's program as a change left it."""
    found = next(c for c in shop_source.CHANGES if c.name == change)
    return found.files["web/shop"] or ""
