"""The host side of the story: ten versions of the edge host, and images made of them.

Owns what the trees hold and how the commits hang together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from treering.adapters.demo import host_image
from treering.adapters.demo.host_image import Encapsulated
from treering.adapters.demo.items import Item, directory, file, symlink, with_parents
from treering.adapters.demo.oci import Descriptor, Image, layer
from treering.adapters.demo.ostree import OstreeRepository, Tree, Version
from treering.adapters.demo.shop_images import BASE_DIGEST, BASE_NAME, HOST, TITLE, VERSION
from treering.adapters.demo.times import day, text_of
from treering.core.gvariant import Variant

STABLE = "edge/x86_64/stable"
TESTING = "edge/x86_64/testing"
REBUILD = "edge/x86_64/rebuild"
ALIAS = "edge/current"
COUNT = 10
IMAGE_REF = "ostree/container/image/docker_3A__2F__2F_registry_2E_shop_2E_example/os/edge_3A_stable"
"""The ref of an import of ``docker://registry.shop.example/os/edge:stable``, escaped."""

_SSH_FIXED, _NTP_GONE, _CHRONY_CAME, _HURRIED, _PINNED = 5, 4, 6, 7, 8
"""The versions from which on something is as it is now; the kernel is pinned by a git commit."""

_PROGRAMS = {
    "bash": "usr/bin/bash",
    "chrony": "usr/sbin/chronyd",
    "edge-agent": "usr/bin/edge-agent",
    "glibc": "usr/lib64/libc.so.6",
    "ntpsec": "usr/sbin/ntpd",
    "openssh-server": "usr/sbin/sshd",
    "ostree": "usr/bin/ostree",
    "podman": "usr/bin/podman",
    "systemd": "usr/lib/systemd/systemd",
}


def packages(number: int) -> dict[str, str]:
    """Return the packages of version 40.<number> with version and release."""
    kernel = "6.8.4-300.fc40" if number >= _PINNED else f"6.8.{min(number, 5)}-300.fc40"
    found = {
        "bash": "5.2.26-3.fc40",
        "edge-agent": f"1.{number}.0-1.fc40",
        "glibc": f"2.39-{2 + number // 4}.fc40",
        "kernel": kernel,
        "openssh-server": "9.6p1-1.fc40.2" if number >= _SSH_FIXED else "9.6p1-1.fc40",
        "ostree": "2024.5-1.fc40",
        "podman": f"5.{number // 3}.0-1.fc40",
        "systemd": f"255.{4 + number // 5}-1.fc40",
    }
    if number >= _CHRONY_CAME:
        found["chrony"] = "4.5-3.fc40"
    if number < _NTP_GONE:
        found["ntpsec"] = "1.2.2-8.fc40"
    return found


def tree(number: int) -> list[Item]:
    """Return the file tree of version 40.<number>."""
    installed = packages(number)
    kernel = f"usr/lib/modules/{installed['kernel']}.x86_64"
    items = [
        *(directory(d) for d in ("boot", "dev", "proc", "run", "sys", "sysroot", "var")),
        directory("tmp", 0o1777),
        symlink("bin", "usr/bin"),
        symlink("home", "var/home"),
        symlink("lib", "usr/lib"),
        symlink("ostree", "sysroot/ostree"),
        file(f"{kernel}/vmlinuz", f"kernel {installed['kernel']}\n"),
        file(f"{kernel}/initramfs.img", f"initramfs for {installed['kernel']}\n", 0o600),
        file(
            "usr/lib/os-release",
            f'ID=edge\nPRETTY_NAME="Edge host 40.{number}"\nVERSION_ID=40\n'
            f'OSTREE_VERSION="40.{number}"\n',
        ),
        file(
            "usr/etc/edge/agent.conf",
            f"[agent]\nserver = hub.shop.example\ninterval = {60 if number < _HURRIED else 30}\n",
        ),
        file("usr/etc/hostname", "edge\n"),
        file("usr/etc/shadow", "root:*:19000:0:99999:7:::\n", 0o000),
        file("usr/bin/sudo", "#!sudo\n", 0o4111),
        symlink("usr/lib/systemd/system/default.target", "multi-user.target"),
    ]
    if number > COUNT:
        items.append(file("usr/lib/systemd/system/edge-agent.timer", "[Timer]\nOnBootSec=1min\n"))
    items += [
        file(path, f"#!{name} {installed[name]}\n", 0o755)
        for name, path in _PROGRAMS.items()
        if name in installed
    ]
    return with_parents(items)


def package_list(number: int) -> Variant:
    """Return the metadata value ``rpmostree.rpmdb.pkglist``."""
    rows = []
    for name, text in sorted(packages(number).items()):
        version, release = text.split("-", 1)
        rows.append((name, "0", version, release, "x86_64"))
    return Variant("a(sssss)", rows)


def metadata(number: int, ref: str, revision: str) -> dict[str, Variant]:
    """Return the metadata of a composed commit."""
    return {
        "version": Variant("s", f"40.{number}"),
        "ostree.ref-binding": Variant("as", [ALIAS, ref] if ref == STABLE else [ref]),
        "ostree.bootable": Variant("b", True),  # noqa: FBT003 -- a GVariant boolean
        "ostree.linux": Variant("s", f"{packages(number)['kernel']}.x86_64"),
        "rpmostree.rpmdb.pkglist": package_list(number),
        "coreos-assembler.basearch": Variant("s", "x86_64"),
        "coreos-assembler.config-dirty": Variant("s", "false"),
        "coreos-assembler.config-gitrev": Variant("s", revision),
    }


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions written: checksums of the stable ones, and the tree of the last."""

    checksums: tuple[str, ...]
    last: Tree

    @property
    def newest(self) -> str:
        """The checksum of 40.10."""
        return self.checksums[-1]


def write_versions(repository: OstreeRepository, commits: Mapping[str, str]) -> Versions:
    """Write the branches of the edge host; `commits` are git commits by name."""
    first = repository.tree(tree(0))
    parent = repository.unwritten(first, _version(0, STABLE, commits, day(9), ""))
    made: list[str] = []
    last = first
    for number in range(1, COUNT + 1):
        last = repository.tree(tree(number))
        when = day(9 + 4 * number, 4)
        parent = repository.commit(last, _version(number, STABLE, commits, when, parent))
        made.append(parent)
    repository.ref(STABLE, parent)
    repository.alias(ALIAS, STABLE.removeprefix("edge/"))
    ahead = _version(COUNT + 1, TESTING, commits, day(54, 4), parent)
    repository.ref(TESTING, repository.commit(repository.tree(tree(COUNT + 1)), ahead))
    _write_rebuild(repository, last, commits)
    return Versions(tuple(made), last)


def _version(number: int, ref: str, commits: Mapping[str, str], time: int, parent: str) -> Version:
    revision = commits["kernel" if number >= _PINNED else "os"]
    return Version(f"Edge host 40.{number}", time, metadata(number, ref, revision), parent)


def _write_rebuild(repository: OstreeRepository, last: Tree, commits: Mapping[str, str]) -> None:
    """Write a commit with the tree of 40.10 whose own parent was withdrawn and deleted."""
    said = metadata(COUNT, REBUILD, commits["kernel"])
    withdrawn = Version("Edge host 40.10, withdrawn", day(50), said, "")
    gone = repository.unwritten(last, withdrawn)
    repository.tombstone(gone)
    again = Version(
        "Edge host 40.10, rebuilt from the same packages",
        day(51),
        said,
        gone,
        "Same tree, new commit.",
    )
    repository.ref(REBUILD, repository.commit(last, again))


def edge_image(repository: OstreeRepository, versions: Versions) -> Image:
    """Return ``os/edge:stable``: version 40.10 as a container image."""
    time = day(50, 4)
    commit = Encapsulated(
        versions.newest,
        versions.last,
        tree(COUNT),
        {
            "kernel": ("usr/lib/modules/",),
            "podman,edge-agent": ("usr/bin/podman", "usr/bin/edge-agent", "usr/etc/edge/"),
            "bash,glibc,openssh-server,ostree,systemd,chrony": (),
        },
        time,
    )
    layers = host_image.layers(repository, commit)
    said = {
        "containers.bootc": "1",
        "ostree.bootable": "true",
        "ostree.commit": versions.newest,
        "ostree.final-diffid": layers[-1].diff_id,
        "ostree.linux": f"{packages(COUNT)['kernel']}.x86_64",
        VERSION: f"40.{COUNT}",
    }
    return Image(
        layers=layers,
        time=time,
        config={"Cmd": ["/sbin/init"]},
        labels={TITLE: "Edge host", **said},
        annotations=said,
    )


def custom_image(base: Image, base_digest: str) -> Image:
    """Return ``os/edge-custom:1``: one more layer; it inherits the labels of its base."""
    time = day(55)
    items = [
        file("usr/bin/shop-sync", "#!/bin/sh\nexec sync-prices\n", 0o755),
        file("etc/edge/agent.conf", "[agent]\nserver = shop-7.shop.example\ninterval = 30\n"),
    ]
    return Image(
        layers=(layer(items, "COPY site/ / # buildkit", time),),
        time=time,
        annotations={BASE_NAME: f"{HOST}/os/edge:stable", BASE_DIGEST: base_digest},
        base=base,
    )


def write_import(
    repository: OstreeRepository,
    versions: Versions,
    image: Image,
    manifest: Descriptor,
    text: bytes,
) -> None:
    """Write the merge commit a host makes when it imports the image; `text` is its manifest."""
    said = {
        "version": Variant("s", f"40.{COUNT}"),
        "ostree.manifest-digest": Variant("s", manifest["digest"]),
        "ostree.manifest": Variant("s", text.decode("utf-8")),
        "ostree.container.image-config": Variant("s", image.document().decode("utf-8")),
        "ostree.importer.version": Variant("s", "0.15.3"),
    }
    merge = Version("Export of image", day(56), said, versions.newest, text_of(day(56)))
    repository.ref(IMAGE_REF, repository.commit(versions.last, merge))
