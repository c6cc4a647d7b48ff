"""The demo world in the hands of the tools whose formats it claims to be in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.tools import need, need_root

from treering.adapters.demo.build import build
from treering.adapters.demo.edge_hosts import COUNT, IMAGE_REF, STABLE, TESTING, packages
from treering.adapters.demo.shop_source import CHANGES, TAGS

pytestmark = pytest.mark.real

BUILD = """
import sys
from pathlib import Path
from treering.adapters.demo.build import build
print(build(Path(sys.argv[1])))
"""


@pytest.fixture
def world(tmp_path: Path) -> Path:
    return build(tmp_path / "demo").parent


def run(directory: Path, tool: str, *arguments: str) -> str:
    done = subprocess.run(
        [need(tool), *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "OSTREE_SYSROOT_DEBUG": "mutable-deployments", "LC_ALL": "C.UTF-8"},
    )
    assert done.returncode == 0, f"{tool} {arguments}: {done.stdout}{done.stderr}"
    return done.stdout


def test_git_reads_and_checks_the_repository(world: Path) -> None:
    git = ("-c", "safe.directory=*", "-C", "shop.git")
    assert run(world, "git", *git, "fsck", "--full", "--strict") == ""
    assert len(run(world, "git", *git, "rev-list", "--all").split()) == len(CHANGES)
    assert run(world, "git", *git, "tag").split() == sorted(TAGS)
    run(world, "git", *git, "archive", "main")


def test_ostree_reads_and_checks_the_repository(world: Path) -> None:
    run(world, "ostree", "--repo=os-repo", "fsck", "--verify-bindings")
    refs = set(run(world, "ostree", "--repo=os-repo", "refs").split())
    assert {STABLE, TESTING, IMAGE_REF} <= refs
    assert "edge/current -> x86_64/stable" in run(world, "ostree", "--repo=os-repo", "refs", "-A")
    log = run(world, "ostree", "--repo=os-repo", "log", STABLE)
    assert log.count("\ncommit ") + 1 == COUNT
    assert "History beyond this commit not fetched" in log
    diff = run(world, "ostree", "--repo=os-repo", "diff", STABLE, TESTING).split("\n")
    assert "A    /usr/lib/systemd/system/edge-agent.timer" in diff
    rows = run(
        world,
        "ostree",
        "--repo=os-repo",
        "show",
        "--print-metadata-key=rpmostree.rpmdb.pkglist",
        STABLE,
    )
    for name, version in packages(COUNT).items():
        assert f"'{name}', '0', '{version.split('-')[0]}'" in rows


def test_ostree_deploys_a_version(world: Path, tmp_path: Path) -> None:
    need_root()
    sysroot = f"--sysroot={tmp_path / 'sysroot'}"
    (tmp_path / "sysroot").mkdir()
    run(world, "ostree", "admin", "init-fs", "--modern", str(tmp_path / "sysroot"))
    run(world, "ostree", "admin", sysroot, "os-init", "edge")
    repo = f"--repo={tmp_path / 'sysroot/ostree/repo'}"
    run(world, "ostree", repo, "pull-local", "os-repo", STABLE)
    run(world, "ostree", "admin", sysroot, "deploy", "--os=edge", STABLE)
    assert f"Version: 40.{COUNT}" in run(world, "ostree", "admin", sysroot, "status")


def test_skopeo_reads_every_image_and_all_its_digests(world: Path, tmp_path: Path) -> None:
    inspected = json.loads(run(world, "skopeo", "inspect", "oci:registry:shop/web:1.2"))
    assert inspected["Labels"]["org.opencontainers.image.version"] == "1.2"
    assert len(inspected["Layers"]) == 4
    for layout in ("registry", "staging"):
        listed = json.loads((world / layout / "index.json").read_text())["manifests"]
        names = [m["annotations"].get("org.opencontainers.image.ref.name") for m in listed]
        for number, name in enumerate(filter(None, names)):
            copied = tmp_path / f"{layout}{number}"
            run(world, "skopeo", "copy", "-q", "--all", f"oci:{layout}:{name}", f"dir:{copied}")


def test_umoci_unpacks_the_web_shop(world: Path, tmp_path: Path) -> None:
    need_root()
    stat = run(world, "umoci", "stat", "--image", "registry:shop/web:1.2")
    assert "COPY web/ / # buildkit" in stat
    run(world, "umoci", "unpack", "--image", "registry:shop/web:1.2", str(tmp_path / "web"))
    root = tmp_path / "web/rootfs"
    assert "VERSION=1.2" in (root / "usr/bin/shop").read_text()
    assert (root / "usr/bin/shop").stat().st_ino == (root / "usr/bin/shopd").stat().st_ino
    assert (root / "etc/shop/current").readlink() == Path("shop.conf")
    assert not (root / "usr/share/shop/sample.csv").exists()


def test_the_host_image_holds_the_commit(world: Path, tmp_path: Path) -> None:
    need_root()
    run(world, "umoci", "unpack", "--image", "registry:os/edge:stable", str(tmp_path / "edge"))
    root = tmp_path / "edge/rootfs"
    inside, commit = (
        f"--repo={root / 'sysroot/ostree/repo'}",
        run(world, "ostree", "--repo=os-repo", "rev-parse", STABLE).strip(),
    )
    listed = run(world, "ostree", inside, "ls", "-R", "-C", "-X", commit)
    assert listed == run(world, "ostree", "--repo=os-repo", "ls", "-R", "-C", "-X", STABLE)
    assert (root / "etc/hostname").read_text() == "edge\n"
    assert not (root / "usr/etc").exists()
    assert f"40.{COUNT}" in (root / "usr/lib/os-release").read_text()


def started(directory: Path, *before: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Build a world in a process of its own."""
    return subprocess.run(
        [*before, sys.executable, "-B", "-c", BUILD, str(directory)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, **environ},
    )


def test_every_process_builds_the_same(world: Path, tmp_path: Path) -> None:
    for seed in ("0", "7"):
        other = tmp_path / f"seed{seed}"
        done = started(other, PYTHONHASHSEED=seed, TZ="Asia/Tokyo", LC_ALL="C", PYTHONUTF8="0")
        assert done.returncode == 0, done.stderr
        assert run(tmp_path, "diff", "-r", "--no-dereference", str(world), str(other)) == ""


@pytest.mark.parametrize("at", [3, 60, 200])
def test_a_killed_build_leaves_nothing_in_place(tmp_path: Path, at: int) -> None:
    inject = f"inject=write:signal=KILL:when={at}"
    done = started(tmp_path / "demo", need("strace"), "-qq", "-o", "/dev/null", "-e", inject)
    assert done.returncode != 0
    assert not (tmp_path / "demo").exists()
    assert build(tmp_path / "demo").is_file()


def test_a_disk_that_fills_up_leaves_nothing(tmp_path: Path) -> None:
    need_root()
    script = (
        'mount -t tmpfs -o size=300k none "$1" && shift && "$@"; code=$?; ls -A "$LEFT"; exit $code'
    )
    (tmp_path / "small").mkdir()
    shell = (need("unshare"), "-m", need("sh"), "-c", script, "sh", str(tmp_path / "small"))
    done = started(tmp_path / "small/demo", *shell, LEFT=str(tmp_path / "small"))
    assert done.returncode != 0
    assert "No space left on device" in done.stderr
    assert done.stdout == ""
