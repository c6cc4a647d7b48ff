"""Trees as the real tools have them: images unpacked by umoci, commits listed by ostree."""

from __future__ import annotations

import io
import os
import random
import stat
import subprocess
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from real.engines import Daemon
from support.oci_layout import Layout, config_of, digest, docker_files, dump, tar_of
from support.opener_contract import listing
from support.tools import need, need_root

from treering.adapters.engines.reader import EngineReader
from treering.adapters.oci.reader import OciReader
from treering.adapters.ostree.reader import OstreeReader
from treering.core import ids
from treering.core.facts import NodeFact
from treering.core.gates import Ledger
from treering.core.ids import Digest, NodeId
from treering.core.ports import ReadContext, SourceSpec, Tree
from treering.core.trees import Entry, EntryType

pytestmark = pytest.mark.real

IMAGES = int(os.environ.get("TREERING_TREE_IMAGES", "12"))
_TYPES = {
    stat.S_IFDIR: EntryType.DIRECTORY,
    stat.S_IFREG: EntryType.FILE,
    stat.S_IFLNK: EntryType.LINK,
    stat.S_IFCHR: EntryType.CHARACTER,
    stat.S_IFBLK: EntryType.BLOCK,
    stat.S_IFIFO: EntryType.FIFO,
}


def run(*argv: str | Path) -> bytes:
    done = subprocess.run(
        [need(str(argv[0])), *map(str, argv[1:])],
        check=False,
        capture_output=True,
        timeout=120,
        env={**os.environ, "BUILDAH_ISOLATION": "chroot", "TZ": "UTC"},
    )
    assert done.returncode == 0, (argv, done.stderr.decode())
    return done.stdout


def unpacked(layout: Path, tag: str, place: Path) -> Path:
    run("umoci", "unpack", "--image", f"{layout}:{tag}", place)
    return place / "rootfs"


def described(root: Path) -> dict[str, tuple[Any, ...]]:
    """What stands below a directory, by path: all that a tree says, and who shares an inode."""
    found: dict[str, tuple[Any, ...]] = {}
    inodes: dict[int, list[str]] = {}
    paths = [root, *(Path(at) / name for at, ds, fs in os.walk(root) for name in ds + fs)]
    for path in paths:
        status = path.lstat()
        name = "/" + str(path.relative_to(root)).removeprefix(".")
        kind = _TYPES[stat.S_IFMT(status.st_mode)]
        regular = kind is EntryType.FILE
        if regular and status.st_nlink > 1:
            inodes.setdefault(status.st_ino, []).append(name)
        device = None
        if kind in {EntryType.CHARACTER, EntryType.BLOCK}:
            device = (os.major(status.st_rdev), os.minor(status.st_rdev))
        found[name] = (
            kind,
            None if kind is EntryType.LINK else status.st_mode & 0o7777,
            status.st_uid,
            status.st_gid,
            status.st_size if regular else 0,
            os.fsencode(path.readlink()) if kind is EntryType.LINK else b"",
            device,
            sha256(path.read_bytes()).hexdigest() if regular else "",
        )
    groups = {frozenset(names) for names in inodes.values()}
    return found | {"hard links": tuple(sorted(map(sorted, groups)))}


def told(tree: Tree) -> dict[str, tuple[Any, ...]]:
    """The same of an opened tree, every file's content read."""
    found: dict[str, tuple[Any, ...]] = {}
    inodes: dict[object, list[str]] = {}
    for path, entry in listing(tree).items():
        regular = entry.type is EntryType.FILE
        if regular and entry.held:
            inodes.setdefault(entry.held, []).append(path)
        found[path] = (
            entry.type,
            None if entry.type is EntryType.LINK else entry.mode,
            entry.uid,
            entry.gid,
            entry.size,
            entry.target,
            entry.device,
            _hash(tree, entry) if regular else "",
        )
    groups = [sorted(names) for names in inodes.values() if len(names) > 1]
    return found | {"hard links": tuple(sorted(groups))}


def _hash(tree: Tree, entry: Entry) -> str:
    data = tree.read(entry.path, entry.size + 1)
    found = sha256(data).hexdigest()
    assert entry.digest in {None, f"sha256:{found}"}
    return found


def same(tree: Tree, root: Path) -> None:
    ours, theirs = told(tree), described(root)
    assert sorted(ours) == sorted(theirs)
    for path, said in theirs.items():
        assert ours[path] == said, path


def only_image(path: Path, kind: str = "oci-layout") -> tuple[OciReader, NodeId]:
    reader = OciReader(kind, str(path), "src")
    (node,) = [
        fact.id
        for fact in reader.read(ReadContext())
        if isinstance(fact, NodeFact) and fact.id.startswith("image:")
    ]
    return reader, node


# -- built by buildah --------------------------------------------------------------------


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image of three layers, each made by changing the one before in place."""
    need_root()
    place = tmp_path_factory.mktemp("built")
    buildah = ["buildah", "--storage-driver", "vfs", "--root", place / "root"]
    buildah += ["--runroot", place / "run"]

    def build(*argv: str | Path) -> str:
        return run(*buildah, *argv).decode().strip()

    container = build("from", "scratch")
    for number, change in enumerate((first, second, third)):
        change(Path(build("mount", container)))
        build("umount", container)
        build("commit", "--format", "oci", container, f"localhost/app:{number}")
        build("rm", container)
        container = build("from", "--pull-never", f"localhost/app:{number}")
    build("push", "localhost/app:2", f"oci:{place / 'layout'}:app")
    return place / "layout"


def first(root: Path) -> None:
    for name in ("etc", "usr/bin", "srv/data/deep", "turns/into"):
        (root / name).mkdir(parents=True)
    (root / "etc/passwd").write_text("root:x:0:0\n" * 20)
    (root / "etc/shadow").write_text("secret")
    (root / "etc/shadow").chmod(0o600)
    os.chown(root / "etc/shadow", 12, 34)
    (root / "usr/bin/tool").write_bytes(os.urandom(300_000))
    (root / "usr/bin/tool").chmod(0o4755)
    os.link(root / "usr/bin/tool", root / "usr/bin/alias")
    (root / "usr/bin/sh").symlink_to("tool")
    (root / "srv/data/deep/x").write_text("x")
    (root / "turns/into/file").write_text("below")
    (root / "a-file").write_text("becomes a directory")
    os.mkfifo(root / "srv/pipe")
    os.mknod(root / "srv/null", stat.S_IFCHR | 0o666, os.makedev(1, 3))


def second(root: Path) -> None:
    (root / "etc/shadow").unlink()
    (root / "usr/bin/tool").unlink()
    (root / "usr/bin/tool").write_text("new tool")
    (root / "srv/data/deep/x").unlink()
    (root / "srv/data/deep").rmdir()
    (root / "srv/data/deep").mkdir()
    (root / "srv/data/deep/y").write_text("y")
    (root / "turns/into/file").unlink()
    (root / "turns/into").rmdir()
    (root / "turns/into").symlink_to("/etc")
    (root / "a-file").unlink()
    (root / "a-file").mkdir()
    (root / "a-file/in it").write_text("now")
    (root / "etc").chmod(0o700)


def third(root: Path) -> None:
    (root / "usr/bin/alias").unlink()
    os.link(root / "usr/bin/tool", root / "usr/bin/tool2")
    os.chown(root / "etc/passwd", 1000, 1000)
    (root / "turns/into").unlink()
    (root / "caf\u00e9\n\x1b[31m").write_text("odd name")


def test_an_image_built_by_buildah_is_as_umoci_unpacks_it(built: Path, tmp_path: Path) -> None:
    reader, node = only_image(built)
    root = unpacked(built, "app", tmp_path / "bundle")
    same(reader.open_tree(node, ReadContext()), root)


@pytest.mark.parametrize("form", ["oci-archive", "docker-archive"])
def test_archives_by_skopeo_hold_the_same_tree(built: Path, tmp_path: Path, form: str) -> None:
    root = unpacked(built, "app", tmp_path / "bundle")
    suffix = ":app:1" if form == "docker-archive" else ""
    run("skopeo", "copy", f"oci:{built}:app", f"{form}:{tmp_path / 'a.tar'}{suffix}")
    reader, node = only_image(tmp_path / "a.tar", form)
    same(reader.open_tree(node, ReadContext()), root)


# -- layers made at random ---------------------------------------------------------------


@dataclass
class Maker:
    """Writes layers that a tool could have written, and keeps what they add up to."""

    chance: random.Random
    plainly: bool = False
    """Whether to write only what engines take: no path twice, no link to another layer's file."""
    types: dict[str, str] = field(default_factory=lambda: {"": "dir"})

    def layer(self) -> bytes:
        out = io.BytesIO()
        self.fresh: dict[str, str] = {}
        self.plain: set[str] = set()
        self.marked: set[str] = set()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for _ in range(self.chance.randrange(1, 14)):
                self.step(archive)
        return out.getvalue()

    def step(self, archive: tarfile.TarFile) -> None:
        above = self.chance.choice([p for p, kind in self.types.items() if kind == "dir"])
        if above.count("/") > 3:
            return
        path = f"{above}/{self.chance.choice('abcd')}"
        what = self.chance.choice(
            ["dir", "dir", "file", "file", "link", "hard", "gone", "gone", "opaque", "dev"]
        )
        if what == "gone":
            self.gone(archive, path)
        elif what == "opaque":
            self.opaque(archive, above)
        else:
            self.put(archive, path, what)

    def put(self, archive: tarfile.TarFile, path: str, what: str) -> None:
        info = tarfile.TarInfo(path.lstrip("/"))
        info.uid, info.gid = self.chance.randrange(9), self.chance.randrange(9)
        info.mode = self.chance.choice([0o600, 0o644, 0o755, 0o4711, 0o1777])
        data = b""
        if self.plainly and path in self.fresh:
            return
        if what != "dir":
            self.plain.add(path)
        elif path in self.plain:
            return  # engines would then merge it with a directory below, umoci would not
        if what == "dir":
            info.type = tarfile.DIRTYPE
        elif what == "file":
            data = self.chance.randbytes(self.chance.choice([0, 1, 600, 70_000]))
            info.size = len(data)
        elif what == "link":
            info.type, info.linkname = tarfile.SYMTYPE, self.chance.choice(["x", "/a", "../b"])
        elif what == "dev":
            info.type, info.devmajor, info.devminor = tarfile.CHRTYPE, 1, 3
        else:
            files = [
                p
                for p, kind in self.types.items()
                if kind == "file" and p != path and not p.startswith(f"{path}/")
                if p in self.fresh or not self.plainly
            ]
            if not files:
                return
            info.type, info.linkname = tarfile.LNKTYPE, self.chance.choice(files).lstrip("/")
            what = "file"
        archive.addfile(info, io.BytesIO(data))
        if not (what == "dir" and self.types.get(path) == "dir"):
            self.drop(path, set())
        self.types[path] = self.fresh[path] = what

    def gone(self, archive: tarfile.TarFile, path: str) -> None:
        if self.plainly and any(p.startswith(path) for p in self.marked):
            return
        self.marked.add(path)
        if path not in self.types or any(p == path or p.startswith(f"{path}/") for p in self.fresh):
            return
        above, _, name = path.rpartition("/")
        archive.addfile(tarfile.TarInfo(f"{above}/.wh.{name}".lstrip("/")))
        self.drop(path, set())

    def opaque(self, archive: tarfile.TarFile, path: str) -> None:
        if path == "" or (self.plainly and path in self.marked):
            return
        self.marked.add(path)
        archive.addfile(tarfile.TarInfo(f"{path}/.wh..wh..opq".lstrip("/")))
        kept = {p for p in self.fresh if p.startswith(f"{path}/")}
        kept |= {p for p in self.types if any(k.startswith(f"{p}/") for k in kept)}
        self.drop(path, {path, *kept})

    def drop(self, path: str, kept: set[str]) -> None:
        for known in list(self.types):
            if (known == path or known.startswith(f"{path}/")) and known not in kept:
                del self.types[known]


def layout_of(path: Path, tars: Iterable[bytes], how: str) -> Path:
    layout = Layout()
    layout.tag(layout.image(list(tars), how), "app")
    return layout.write(path)


@pytest.mark.parametrize("seed", range(IMAGES))
def test_random_images_are_as_umoci_unpacks_them(seed: int, tmp_path: Path) -> None:
    need_root()
    chance = random.Random(seed)  # noqa: S311 -- the same images each time
    maker = Maker(chance)
    tars = [maker.layer() for _ in range(chance.randrange(1, 5))]
    # umoci knows no zstd
    layout = layout_of(tmp_path / "layout", tars, chance.choice(["gzip", "none"]))
    root = unpacked(layout, "app", tmp_path / "bundle")
    reader, node = only_image(layout)
    tree = reader.open_tree(node, ReadContext())
    tree.entry(b"/")
    ours, theirs = told(tree), described(root)
    del ours["/"], theirs["/"]  # no layer lists the root; umoci makes it in its own way
    assert ours == theirs


def test_one_docker_archive_of_random_layers(tmp_path: Path) -> None:
    need_root()
    maker = Maker(random.Random(4711))  # noqa: S311 -- likewise
    tars = [maker.layer() for _ in range(4)]
    layout = layout_of(tmp_path / "layout", tars, "gzip")
    (tmp_path / "d.tar").write_bytes(tar_of(docker_files(tars, ["app:1"])))
    reader = OciReader("docker-archive", str(tmp_path / "d.tar"), "src")
    node = ids.image(Digest(digest(dump(config_of(tars)))))
    found = told(reader.open_tree(node, ReadContext()))
    expected = described(unpacked(layout, "app", tmp_path / "bundle"))
    del found["/"], expected["/"]
    assert found == expected


# -- commits -----------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["archive", "bare", "bare-user"])
def test_a_commit_is_as_ostree_lists_it(tmp_path: Path, mode: str) -> None:
    need_root()
    source, repo = tmp_path / "source", tmp_path / "repo"
    source.mkdir()
    first(source)
    (source / "srv/pipe").unlink()
    (source / "srv/null").unlink()
    os.setxattr(source / "etc/passwd", "user.note", b"a\0b")
    run("ostree", "init", f"--repo={repo}", f"--mode={mode}")
    run("ostree", "commit", f"--repo={repo}", "-b", "os", f"--tree=dir={source}", "-s", "First")
    commit = run("ostree", "rev-parse", f"--repo={repo}", "os").decode().strip()
    reader = OstreeReader(SourceSpec("ostree", str(repo), "repo"))
    tree = reader.open_tree(ids.commit(commit), ReadContext())
    listed = run("ostree", "ls", f"--repo={repo}", "-R", "-C", "-X", "os").decode().splitlines()
    ours = {line_of(tree, entry) for entry in tree.entries()}
    assert ours == {" ".join(line.split()) for line in listed}
    for entry in tree.entries():
        if entry.type is EntryType.FILE:
            said = run("ostree", "cat", f"--repo={repo}", "os", os.fsdecode(entry.path))
            assert tree.read(entry.path, entry.size + 1) == said
    shown = run("ostree", "show", f"--repo={repo}", "os").decode()
    document = reader.documents(ids.commit(commit), ReadContext())[0].data.decode()
    for line in shown.splitlines():
        assert line in document.splitlines()


def line_of(tree: Tree, entry: Entry) -> str:
    """An entry as ``ostree ls -C -X`` writes it, blanks made one."""
    digest_ = tree.subtree(entry.path)
    assert digest_ is not None
    letter = {EntryType.DIRECTORY: "d", EntryType.FILE: "-", EntryType.LINK: "l"}[entry.type]
    path = entry.path.decode()
    checksums = digest_.removeprefix("sha256:")
    if entry.type is EntryType.DIRECTORY:
        place = tree._find(entry.path)  # type: ignore[attr-defined]
        checksums = f"{place.tree} {place.meta}"
    if entry.type is EntryType.LINK:
        path += f" -> {entry.target.decode()}"
    pairs = ", ".join(f"(b'{key.decode()}', {_gvariant(value)})" for key, value in entry.xattrs)
    notes = f"{{ [{pairs}] }}" if pairs else "{ @a(ayay) [] }"
    numbers = f"{letter}{entry.mode:05o} {entry.uid} {entry.gid} {entry.size}"
    return f"{numbers} {checksums} {notes} {path}"


def _gvariant(value: bytes) -> str:
    """A byte string with a NUL in it, as GVariant's text form has it."""
    return "[byte " + ", ".join(f"0x{byte:02x}" for byte in value) + "]"


# -- engines -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["docker", "podman"])
def test_an_engines_images_and_containers(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    daemon: Daemon = request.getfixturevalue("dockerd" if kind == "docker" else "podman")
    maker = Maker(random.Random(7), plainly=True)  # noqa: S311 -- the same image each time
    tars = [maker.layer() for _ in range(4)]
    (tmp_path / "d.tar").write_bytes(tar_of(docker_files(tars, ["made:1"])))
    daemon.cli("load", "-i", str(tmp_path / "d.tar"))
    reader = EngineReader(kind, daemon.socket, "box", ledger=Ledger())
    node = ids.image(Digest(digest(dump(config_of(tars)))))
    layout = layout_of(tmp_path / "layout", tars, "gzip")
    stored = OciReader("oci-layout", str(layout), "src").open_tree(node, ReadContext())
    assert told(reader.open_tree(node, ReadContext())) == told(stored)
    assert reader.documents(node, ReadContext())[0].data.startswith(b"{")

    container = daemon.cli("create", "base:1").splitlines()[-1]
    node = ids.container("box", container)
    tree = reader.open_tree(node, ReadContext())
    daemon.cli("export", "-o", str(tmp_path / "c.tar"), container)
    with tarfile.open(tmp_path / "c.tar") as archive:
        for member in archive:
            entry = tree.entry(b"/" + os.fsencode(member.name.strip("/")))
            owner = (member.mode & 0o7777, member.uid, member.gid)
            assert (entry.mode, entry.uid, entry.gid) == owner
            assert entry.target == (os.fsencode(member.linkname) if member.issym() else b"")
            assert entry.size == (member.size if member.isreg() else 0)
    busybox = Path(need("busybox")).read_bytes()
    assert tree.read(b"/bin/busybox", len(busybox) + 1) == busybox
    assert container.encode() in reader.documents(node, ReadContext())[0].data
    reader.close()
    daemon.remove_containers()
