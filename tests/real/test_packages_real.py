"""Package lists against the tools whose databases they are read from."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from support.package_trees import DirectoryTree
from support.tools import absent, need

from treering.core.packages import Manager, Package, PackageList, packages_of
from treering.core.ports import ReadContext

pytestmark = pytest.mark.real

SPECS = {
    "plain": "Version: 1.0\nRelease: 1",
    "epoch": "Version: 1.0~rc1\nRelease: 2\nEpoch: 3",
    "zero": "Version: 1.0\nRelease: 3\nEpoch: 0",
    "caret": "Version: 2^20240101git\nRelease: 1.el9\nBuildArch: noarch",
    "dashed-name-1": "Version: 7\nRelease: 4",
}


def read(root: Path) -> PackageList:
    return packages_of(DirectoryTree(root), ReadContext())


def run(*argv: str | Path) -> str:
    done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, (argv, done.stderr)
    return done.stdout


def test_dpkg_lists_what_dpkg_query_lists() -> None:
    tool = need("dpkg-query")
    if not Path("/var/lib/dpkg/status").exists():
        absent("this machine has no dpkg database")
    columns = "${db:Status-Status}|${Package}|${Version}|${Architecture}|${source:Package}"
    rows = [
        row.split("|")
        for row in run(tool, "-W", "-f", columns + "|${Installed-Size}\n").splitlines()
    ]
    installed = sorted((*row[1:5], row[5]) for row in rows if row[0] == "installed")
    found = read(Path("/"))
    mine = [p for p in found.packages if p.manager is Manager.DPKG]
    sizes = ("" if p.size is None else str(p.size // 1024) for p in mine)
    listed = sorted(
        (p.name, p.version, p.arch, p.source, size) for p, size in zip(mine, sizes, strict=True)
    )
    assert listed == installed
    assert not [p for p in found.problems if "dpkg" in p.subject]


@pytest.fixture(scope="module")
def rpm_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree whose database `rpm` wrote, of packages `rpmbuild` made."""
    build, tool = need("rpmbuild"), need("rpm")
    work = tmp_path_factory.mktemp("rpms")
    for name, fields in SPECS.items():
        spec = work / f"{name}.spec"
        spec.write_text(
            f"Name: {name}\n{fields}\nSummary: A package\nLicense: MIT\n%description\nText.\n"
            f"%install\nmkdir -p %{{buildroot}}/opt\nhead -c 5000 /dev/zero >"
            f" %{{buildroot}}/opt/{name}\n%files\n/opt/{name}\n"
        )
        run(build, "-ba", "--quiet", "--define", f"_topdir {work}", spec)
    root = work / "root"
    database = root / "usr/share/rpm"
    database.mkdir(parents=True)
    (root / "var/lib").mkdir(parents=True)
    (root / "var/lib/rpm").symlink_to("../../usr/share/rpm")
    made = sorted((work / "RPMS").rglob("*.rpm"))
    options = ("--dbpath", str(database), "--nodeps", "--noscripts", "--ignorearch")
    run(tool, *options, "--define", "_db_backend sqlite", "-i", "--justdb", *made)
    return root


def query(root: Path, form: str) -> list[list[str]]:
    database = root / "usr/share/rpm"
    text = run(need("rpm"), "-qa", "--dbpath", database, "--qf", form + "\n")
    return sorted(line.split("|") for line in text.splitlines())


def test_rpm_lists_what_rpm_lists(rpm_root: Path) -> None:
    rows = query(rpm_root, "%{NAME}|%{EVR}|%{ARCH}|%{SIZE}|%{SOURCERPM}")
    assert len(rows) == len(SPECS)
    found = read(rpm_root)
    expected = [
        # An epoch of 0 is equal to none.
        [name, version.removeprefix("0:"), arch, size, source.rsplit("-", 2)[0]]
        for name, version, arch, size, source in rows
    ]
    assert [[p.name, p.version, p.arch, str(p.size), p.source] for p in found.packages] == expected
    assert found.managers == (Manager.RPM,)
    assert not found.problems


def test_the_name_rpm_prints_is_made_of_the_fields(rpm_root: Path) -> None:
    def printed(package: Package) -> str:
        version = package.version.rpartition(":")[2]
        return f"{package.name}-{version}.{package.arch}"

    names = [row[0] for row in query(rpm_root, "%{NVRA}")]
    assert sorted(map(printed, read(rpm_root).packages)) == names


def test_a_removed_package_is_in_no_list(rpm_root: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(rpm_root, tmp_path / "root", symlinks=True))
    run(need("rpm"), "--dbpath", root / "usr/share/rpm", "-e", "--justdb", "--nodeps", "plain")
    assert sorted(p.name for p in read(root).packages) == sorted(set(SPECS) - {"plain"})
