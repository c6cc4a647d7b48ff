"""The container side of the story: base images, three generations of the web shop, and others.

Owns what the layers hold and what the labels claim.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from treering.adapters.demo import shop_source
from treering.adapters.demo.items import Item, Type, directory, file, symlink, whiteout
from treering.adapters.demo.oci import Image, Layer, layer
from treering.adapters.demo.times import day, text_of

REVISION = "org.opencontainers.image.revision"
SOURCE = "org.opencontainers.image.source"
VERSION = "org.opencontainers.image.version"
CREATED = "org.opencontainers.image.created"
TITLE = "org.opencontainers.image.title"
BASE_NAME = "org.opencontainers.image.base.name"
BASE_DIGEST = "org.opencontainers.image.base.digest"
HOST = "registry.shop.example"
STRANGER = "5eed" * 10
"""A git commit no clone here has."""

Packages = Mapping[str, str]

_DEBIAN: Packages = {
    "base-files": "12.4+deb12u1",
    "libc6": "2.36-9+deb12u1",
    "openssl": "3.0.9-1",
    "tzdata": "2023c-5",
}
_DEBIAN_1: Packages = {
    **_DEBIAN,
    "base-files": "12.4+deb12u5",
    "libc6": "2.36-9+deb12u4",
    "openssl": "3.0.13-1~deb12u1",
}
_CERTIFICATES: Packages = {"ca-certificates": "20230311"}
_RUNTIME: Packages = {"libsqlite3-0": "3.40.1-2", "python3-minimal": "3.11.2-1+b1"}


def dpkg_status(packages: Packages, architecture: str) -> Item:
    """Return the package database of dpkg with `packages` installed (deb822(5))."""
    stanzas = [
        f"Package: {name}\nStatus: install ok installed\nMaintainer: The demo <demo@shop.example>\n"
        f"Architecture: {architecture}\nVersion: {version}\nDescription: {name} of the demo\n"
        for name, version in sorted(packages.items())
    ]
    return file("var/lib/dpkg/status", "\n".join(stanzas))


def debian(point: int, time: int, architecture: str = "amd64") -> Image:
    """Return ``base/debian:12.<point>``: a root file system and certificates on it."""
    packages = _DEBIAN_1 if point else _DEBIAN
    release = f'PRETTY_NAME="Debian GNU/Linux 12"\nID=debian\nVERSION_ID="12"\nPOINT=12.{point}\n'
    root = [
        symlink("bin", "usr/bin"),
        symlink("lib", "usr/lib"),
        file("etc/debian_version", f"12.{point}\n"),
        symlink("etc/os-release", "../usr/lib/os-release"),
        file("usr/lib/os-release", release),
        file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nshop:x:1000:1000::/srv:/bin/false\n"),
        file("etc/shadow", "root:*:19000:0:99999:7:::\n", 0o640),
        file("usr/bin/sh", f"#!shell for {architecture}, 12.{point}\n", 0o755),
        file("usr/bin/su", f"#!su for {architecture}\n", 0o4755),
        file(f"usr/lib/libc-{packages['libc6']}.so", f"libc for {architecture}\n", 0o755),
        directory("tmp", 0o1777),
        directory("var/cache"),
        dpkg_status(packages, architecture),
    ]
    certificates = [
        file("etc/ssl/certs/ca-certificates.crt", "# certificates of the demo\n"),
        dpkg_status({**packages, **_CERTIFICATES}, architecture),
    ]
    install = "RUN /bin/sh -c apt-get install -y ca-certificates # buildkit"
    return Image(
        layers=(
            layer(root, f"ADD debian-12.{point}-{architecture}.tar / # buildkit", time),
            layer(certificates, install, time),
        ),
        time=time,
        settings=('CMD ["/bin/sh"]',),
        config={"Env": ["PATH=/usr/sbin:/usr/bin"], "Cmd": ["/bin/sh"]},
        labels={TITLE: "Debian 12", VERSION: f"12.{point}", CREATED: text_of(time)},
        architecture=architecture,
    )


@dataclass(frozen=True, slots=True)
class Release:
    """One build of a program of the shop: which commit, on which base."""

    version: str
    revision: str
    time: int
    base: Image
    base_name: str
    base_digest: str

    @property
    def labels(self) -> dict[str, str]:
        """What the build says about itself."""
        return {
            REVISION: self.revision,
            SOURCE: shop_source.URL,
            VERSION: self.version,
            CREATED: text_of(self.time),
        }

    @property
    def annotations(self) -> dict[str, str]:
        """What the build says about its base."""
        return {BASE_NAME: f"{HOST}/{self.base_name}", BASE_DIGEST: self.base_digest}


def _packages_of(image: Image) -> Packages:
    """Return the packages an image of Debian has, without those of programs on it."""
    version = image.all_labels[VERSION]
    return {**(_DEBIAN if version == "12.0" else _DEBIAN_1), **_CERTIFICATES}


def runtime(base: Image, time: int) -> Layer:
    """Return the layer with what the web shop needs."""
    items = [
        file("usr/lib/python3/minimal.py", "# the runtime of the demo\n"),
        file("usr/share/shop/sample.csv", "sample,1\n"),
        dpkg_status({**_packages_of(base), **_RUNTIME}, base.architecture),
    ]
    return layer(items, "RUN /bin/sh -c apt-get install -y python3-minimal # buildkit", time)


def web(release: Release, below: Layer, program: str, *, carts: bool = False) -> Image:
    """Return a build of the web shop on `below`, its runtime layer."""
    items = [
        file("usr/bin/shop", program, 0o755),
        file("etc/shop/shop.conf", f"[shop]\nversion = {release.version}\ncarts = {carts}\n"),
        file("usr/share/shop/prices.csv", "apple,3\nbread,8\n"),
    ]
    if carts:
        items += [
            directory("srv/carts", 0o750),
            symlink("etc/shop/current", "shop.conf"),
            Item("usr/bin/shopd", Type.HARDLINK, 0o755, target="usr/bin/shop"),
            whiteout("usr/share/shop/sample.csv"),
        ]
    return Image(
        layers=(below, layer(items, "COPY web/ / # buildkit", release.time)),
        time=release.time,
        settings=("ENV SHOP_PORT=8080", "USER shop", 'ENTRYPOINT ["/usr/bin/shop"]'),
        config={
            "Env": ["PATH=/usr/sbin:/usr/bin", "SHOP_PORT=8080"],
            "Entrypoint": ["/usr/bin/shop"],
            "User": "shop",
            "ExposedPorts": {"8080/tcp": {}},
        },
        labels={TITLE: "The web shop", **release.labels},
        annotations=release.annotations,
        base=release.base,
    )


def api(release: Release) -> Image:
    """Return a build of the order API for the platform of its base; its layer is zstd."""
    platform = release.base.architecture
    items = [
        file("usr/bin/orders", f"#!/bin/sh\n# for {platform}\nexec serve-orders\n", 0o755),
        file("etc/orders.conf", "[orders]\nqueue = receipts\n"),
    ]
    return Image(
        layers=(layer(items, "COPY api/ / # buildkit", release.time, "zstd"),),
        time=release.time,
        settings=('ENTRYPOINT ["/usr/bin/orders"]',),
        config={"Entrypoint": ["/usr/bin/orders"], "User": "shop"},
        labels={TITLE: "The order API", **release.labels},
        annotations=release.annotations,
        architecture=platform,
        base=release.base,
    )


def worker(base: Image, base_digest: str) -> Image:
    """Return the receipts worker, built by hand on the web shop, whose labels it inherits."""
    items = [file("usr/bin/receipts", "#!/bin/sh\nexec send-receipts\n", 0o755)]
    return Image(
        layers=(layer(items, "COPY worker/ / # buildkit", day(25), "plain"),),
        time=day(25),
        settings=('ENTRYPOINT ["/usr/bin/receipts"]',),
        config={"Entrypoint": ["/usr/bin/receipts"]},
        annotations={BASE_NAME: f"{HOST}/shop/web:1.1", BASE_DIGEST: base_digest},
        base=base,
    )


def vendor_agent() -> Image:
    """Return an image of unknown origin: its base, source and commit are nowhere to be found."""
    items = [
        file("etc/os-release", 'ID=vendor\nPRETTY_NAME="Vendor Linux"\n'),
        file("opt/agent/agent", "#!agent 7\n", 0o755),
    ]
    return Image(
        layers=(layer(items, "COPY rootfs / # buildkit", day(-40)),),
        time=day(-40),
        settings=('ENTRYPOINT ["/opt/agent/agent"]',),
        config={"Entrypoint": ["/opt/agent/agent"]},
        labels={
            TITLE: "Agent",
            VERSION: "7",
            REVISION: STRANGER,
            SOURCE: "https://git.vendor.example/agent.git",
        },
        annotations={
            BASE_NAME: "registry.vendor.example/base:2025",
            BASE_DIGEST: "sha256:" + "5eed" * 16,
        },
    )
