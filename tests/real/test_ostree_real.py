"""The native reader against the real `ostree` tool, on repositories that tool made."""

from __future__ import annotations

import os
import random
import re
import shutil
import stat
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest
from support.contract import FixedClock
from support.tools import absent, need

from treering.adapters.ostree.reader import OstreeReader
from treering.adapters.ostree.repo import Repository
from treering.adapters.ostree.tree import list_tree
from treering.core import ids
from treering.core.errors import Damaged, UnknownName
from treering.core.graph import Graph
from treering.core.gvariant import encode
from treering.core.ports import ReadContext, SourceSpec

pytestmark = pytest.mark.real

MODES = ("archive", "bare", "bare-user", "bare-user-only")
TREES = int(os.environ.get("TREERING_OSTREE_TREES", "20"))
REF = "os/x86_64/stable"


class Tool:
    """The `ostree` tool on one repository."""

    def __init__(self, path: Path, mode: str = "archive") -> None:
        self.path = path
        self.mode = mode
        self.argv = [need("ostree"), f"--repo={path}"]
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("OSTREE")}
        self.env["HOME"] = str(path.parent)
        if not path.exists():
            self("init", f"--mode={mode}")

    def run(self, *argv: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [*self.argv, *argv], check=False, capture_output=True, env=self.env, timeout=120
        )

    def raw(self, *argv: str) -> bytes:
        done = self.run(*argv)
        assert done.returncode == 0, (argv, done.stderr.decode())
        return done.stdout

    def __call__(self, *argv: str) -> str:
        return self.raw(*argv).decode().rstrip("\n")

    def commit(self, tree: Path, *argv: str, ref: str = REF) -> str:
        canonical = ("--canonical-permissions",) if self.mode == "bare-user-only" else ()
        return self("commit", "-b", ref, f"--tree=dir={tree}", *canonical, *argv)

    def open(self) -> Repository:
        return Repository.open(self.path)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A directory with a file, a link, and something below."""
    top = tmp_path / "tree"
    (top / "usr" / "bin").mkdir(parents=True)
    (top / "empty").mkdir()
    (top / "usr" / "bin" / "sh").write_bytes(b"#!\n")
    (top / "usr" / "bin" / "sh").chmod(0o4755)
    (top / "usr" / "link").symlink_to("bin/sh")
    return top


@pytest.fixture
def archive(tmp_path: Path) -> Tool:
    return Tool(tmp_path / "repo")


def read(path: Path) -> tuple[Graph, ReadContext]:
    context = ReadContext(clock=FixedClock())
    graph = Graph()
    graph.merge(OstreeReader(SourceSpec("ostree", str(path), "repo")).read(context))
    return graph, context


def listing(repository: Repository, name: str) -> bytes:
    """Return a tree as `ostree ls -R -C` prints it."""
    lines = []
    for e in list_tree(repository, name):
        checksums = f"{e.checksum} {e.meta}" if e.meta else e.checksum
        mode = f"{e.kind}{stat.S_IMODE(e.mode):05o} {e.uid} {e.gid} {e.size:6d}"
        arrow = f" -> {e.target}" if e.target else ""
        lines.append(f"{mode} {checksums} ".encode() + e.path + arrow.encode() + b"\n")
    return b"".join(lines)


# -- trees in every mode -------------------------------------------------------------------

NAMES = [
    "a",
    "b.txt",
    "-rf",
    "...",
    " ",
    "\u00fc\u00f1",
    "\U0001f332",
    "x" * 255,
    "tab\there",
    "\x1b[31m",
    "\u202e",
]


def grow(rng: random.Random, top: Path, depth: int = 3) -> None:
    """Fill `top` with random files, links and directories."""
    for name in rng.sample(NAMES, rng.randint(0, len(NAMES))):
        path = top / name
        kind = rng.random()
        if kind < 0.4 and depth and len(str(path)) < 1500:
            path.mkdir()
            grow(rng, path, depth - 1)
            path.chmod(rng.choice([0o755, 0o700, 0o2775, 0o1777]))
        elif kind < 0.55:
            path.symlink_to(rng.choice(["a", "../b", "/etc/passwd", "\u00fc", "x" * 300]))
        else:
            path.write_bytes(rng.randbytes(rng.choice([0, 1, 100, 5000, 70_000])))
            path.chmod(rng.choice([0o644, 0o755, 0o600, 0o4755, 0o000]))
            decorate(rng, path)


def decorate(rng: random.Random, path: Path) -> None:
    """Give some files attributes and, as root, other owners."""
    if rng.random() < 0.3:
        for name in rng.sample(["user.b", "user.a", "user.z\u00fc"], rng.randint(1, 3)):
            os.setxattr(path, name, rng.randbytes(rng.choice([0, 1, 200])))
    if rng.random() < 0.3 and os.geteuid() == 0:
        mode = path.stat().st_mode
        os.chown(path, rng.randint(0, 70_000), rng.randint(0, 70_000))
        path.chmod(stat.S_IMODE(mode))


@pytest.mark.parametrize("seed", range(TREES))
def test_random_trees_are_listed_and_verified_alike(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 -- test data
    top = tmp_path / "tree"
    top.mkdir()
    grow(rng, top)
    mode = MODES[seed % len(MODES)]
    if mode == "bare" and os.geteuid():
        absent("bare repositories of files of others need root")
    tool = Tool(tmp_path / "repo", mode)
    name = tool.commit(top)
    repository = tool.open()
    assert listing(repository, name) == tool.raw("ls", "-R", "-C", name)
    for entry in list_tree(repository, name):
        if entry.meta is None:
            repository.verify_content(entry.checksum)
    graph, context = read(tool.path)
    assert context.problems == []
    assert graph.attrs(ids.commit(name))["verified"] == "tree"
    show = tool("show", name)
    assert f"ContentChecksum:  {graph.attrs(ids.commit(name))['content']}" in show
    if mode != "archive":
        return
    split = as_split_xattrs(tool, name, tmp_path / "split")
    if os.geteuid() == 0:
        assert listing(split, name) == tool.raw("ls", "-R", "-C", name)
        for entry in list_tree(split, name):
            if entry.meta is None:
                split.verify_content(entry.checksum)


def as_split_xattrs(tool: Tool, name: str, path: Path) -> Repository:
    """Return a bare-split-xattrs copy of an archive, as an encapsulated image holds it.

    The tool itself writes that mode only half (its own fsck refuses it).
    """
    shutil.copytree(tool.path, path)
    config = path / "config"
    config.write_text(config.read_text().replace("archive-z2", "bare-split-xattrs"))
    source = tool.open()
    for entry in list_tree(source, name):
        if entry.meta is not None or os.geteuid():
            continue
        file = path / "objects" / entry.checksum[:2] / f"{entry.checksum[2:]}.file"
        if file.is_symlink() or file.exists():
            continue
        if entry.target:
            file.symlink_to(entry.target)
        else:
            file.write_bytes(b"".join(source.read_content(entry.checksum)))
        os.chown(file, entry.uid, entry.gid, follow_symlinks=False)
        if not entry.target:
            file.chmod(stat.S_IMODE(entry.mode))
        stored = [(n + b"\0", v) for n, v in entry.xattrs]
        beside = file.with_name(f"{file.name}-xattrs-link")
        beside.write_bytes(encode("a(ayay)", stored))
    return Repository.open(path)


@pytest.mark.parametrize("mode", MODES)
def test_what_fsck_finds_is_found(tmp_path: Path, tree: Path, mode: str) -> None:
    if mode == "bare" and os.geteuid():
        absent("bare repositories need root")
    tool = Tool(tmp_path / "repo", mode)
    good = tool.commit(tree, "--timestamp=2024-01-01T00:00:00Z")
    (tree / "usr" / "bin" / "new").write_bytes(b"new and to be damaged")
    (tree / "usr" / "bin" / "new").chmod(0o644)
    bad = tool.commit(tree, "--timestamp=2024-01-02T00:00:00Z")
    (path,) = [e for e in list_tree(tool.open(), bad) if e.path == b"/usr/bin/new"]
    suffix = "filez" if mode == "archive" else "file"
    file = tool.path / "objects" / path.checksum[:2] / f"{path.checksum[2:]}.{suffix}"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    assert tool.run("fsck").returncode != 0
    graph, context = read(tool.path)
    assert [path.checksum[2:] in p.subject for p in context.problems] == [True]
    assert "damaged" in graph.attrs(ids.commit(bad))
    assert graph.attrs(ids.commit(good))["verified"] == "tree"


# -- names ---------------------------------------------------------------------------------


def test_refs_are_those_of_the_tool(archive: Tool, tree: Path, tmp_path: Path) -> None:
    archive("config", "set", "core.collection-id", "org.example.Own")
    archive.commit(tree)
    archive.commit(tree, ref="other")
    archive("refs", "--create=latest", "--alias", REF)
    archive(
        "remote",
        "add",
        "--no-gpg-verify",
        "--collection-id=org.example.Corp",
        "corp",
        f"file://{tmp_path}",
    )
    archive("refs", "--create=corp:os/stable", REF)
    mirror = archive.path / "refs" / "mirrors" / "org.example.Other" / "os"
    mirror.mkdir(parents=True)
    (mirror / "mirrored").write_text(archive("rev-parse", REF) + "\n")
    (archive.path / "refs" / "heads" / ".rsync_info").write_text("x")
    refs = archive.open().refs()
    assert {r.name.refspec for r in refs if not r.name.mirror} == set(archive("refs").split())
    ours = {f"({r.collection}, {r.name.name})" for r in refs if r.collection and not r.alias}
    theirs = set(archive("refs", "-c").splitlines())
    assert ours == {t for t in theirs if "latest" not in t}
    aliases = {f"{r.name.refspec} -> {r.alias.refspec}" for r in refs if r.alias}
    assert aliases == {line for line in archive("refs", "-A").splitlines() if "->" in line}
    for ref in refs:
        if not ref.name.mirror:
            assert archive("rev-parse", ref.name.refspec) == ref.checksum


def test_revisions_are_those_of_the_tool(archive: Tool, tree: Path, tmp_path: Path) -> None:
    behind = Tool(tmp_path / "behind")
    hidden = behind.commit(tree, ref="hidden")
    names = [archive.commit(tree, f"--timestamp=2024-01-0{n}T00:00:00Z") for n in range(1, 6)]
    archive("config", "set", "core.parent", str(behind.path))
    archive("remote", "add", "--no-gpg-verify", "corp", f"file://{tmp_path}")
    archive("refs", "--create=corp:only/remote", names[0])
    (archive.path / "refs" / "heads" / names[0][:6]).write_text(names[1] + "\n")
    repository = archive.open()
    asked = [
        *names, *(n[:9] for n in names), *(n[:1] for n in names), *(f"{n[:9]}^" for n in names),
        REF, f"{REF}^", f"{REF}^^", f"{REF}^^^^^^", "corp:only/remote", "only/remote", "hidden",
        hidden[:8], hidden, "0" * 64, "0" * 63, "nope", "corp:nope", "nope:nope", names[0][:6],
        names[0][:12].upper(), "hidden^",
    ]  # fmt: skip
    for rev in asked:
        done = archive.run("rev-parse", rev)
        if done.returncode:
            with pytest.raises(UnknownName):
                print(rev, repository.resolve(rev))
        else:
            assert repository.resolve(rev) == done.stdout.decode().strip(), rev
    assert listing(repository, hidden) == archive.raw("ls", "-R", "-C", hidden)


# -- commits -------------------------------------------------------------------------------


def test_history_is_that_of_log(archive: Tool, tree: Path) -> None:
    for number in range(1, 8):
        (tree / "version").write_text(str(number))
        archive.commit(
            tree,
            f"--timestamp=2024-01-0{number}T01:02:03Z",
            f"--subject=Subject {number}",
            "--body=One line\n\nand more",
            f"--add-metadata-string=version=39.{number}",
            "--add-metadata=n=uint32 7",
        )
    graph, context = read(archive.path)
    assert context.problems == []
    told = []
    at = archive.open().resolve(REF)
    while graph.knows(ids.commit(at)):
        attrs = graph.attrs(ids.commit(at))
        parent = archive.open().commit(at).parent
        told.append(
            f"commit {at}\n"
            + (f"Parent:  {parent}\n" if parent else "")
            + f"ContentChecksum:  {attrs['content']}\n"
            f"Version: {attrs['version']}\n\n    {attrs['subject']}\n"
        )
        assert attrs["metadata"]["n"] == 7
        assert attrs["metadata"]["ostree.ref-binding"] == [REF]
        if parent is None:
            break
        (edge,) = graph.edges_from(ids.commit(at))
        assert edge.end == ids.commit(parent)
        at = parent
    log = re.sub(r"Date: .*\n", "", archive("log", REF))
    assert [t for t in told if t not in log] == []
    assert len(told) == log.count("commit ") == 7
    commit = archive.open().commit(archive.open().resolve(REF))
    assert commit.body == "One line\n\nand more"
    assert commit.timestamp == 1_704_589_323


def test_tombstones_partial_commits_and_pruned_history(
    archive: Tool, tree: Path, tmp_path: Path
) -> None:
    archive("config", "set", "core.tombstone-commits", "true")
    first = archive.commit(tree, "--timestamp=2024-01-01T00:00:00Z")
    second = archive.commit(tree, "--timestamp=2024-01-02T00:00:00Z")
    archive("prune", f"--delete-commit={first}")
    graph, context = read(archive.path)
    assert context.problems == []
    assert dict(graph.attrs(ids.commit(first))) == {"tombstone": True}
    assert graph.attrs(ids.commit(second))["verified"] == "tree"
    client = Tool(tmp_path / "client", "bare-user")
    client("remote", "add", "--no-gpg-verify", "corp", f"file://{archive.path}")
    client("pull", "--commit-metadata-only", "corp", REF)
    graph, context = read(client.path)
    assert context.problems == []
    assert graph.attrs(ids.commit(second))["partial"] is True
    assert not graph.knows(ids.commit(first))
    assert graph.attrs(ids.ref("repo", f"corp:{REF}"))["remote"] == "corp"


def test_summaries_are_read(archive: Tool, tree: Path) -> None:
    archive("config", "set", "core.collection-id", "org.example.Own")
    first = archive.commit(tree)
    archive("summary", "-u")
    summary = archive.open().summary()
    assert summary is not None
    shown = archive("summary", "-v")
    listed = re.findall(r"\* (?:\(.*, )?([^)\n]*)\)?\n.*\((\d+) bytes\):\n\s+(\w+)", shown)
    assert {(r.name.name, str(r.size), r.checksum) for r in summary.refs} == set(listed)
    assert summary.collection == "org.example.Own"
    assert 1_700_000_000 < summary.last_modified < 4_000_000_000
    second = archive.commit(tree)
    graph, context = read(archive.path)
    assert context.problems == []
    assert graph.attrs(ids.ref("repo", REF))["summary"] == first
    assert [e.end for e in graph.edges_from(ids.ref("repo", REF))] == [ids.commit(second)]


def test_sizes_of_commits_and_deltas(archive: Tool, tree: Path) -> None:
    (tree / "noise").write_bytes(os.urandom(200_000))
    first = archive.commit(tree, "--generate-sizes")
    (tree / "noise").write_bytes(os.urandom(300_000))
    second = archive.commit(tree, "--generate-sizes")
    archive("static-delta", "generate", f"--from={first}", f"--to={second}")
    archive("static-delta", "generate", "--empty", f"--to={second}")
    archive("static-delta", "generate", "--inline", "--empty", f"--to={first}")
    deltas = list(archive.open().deltas())
    assert len(deltas) == 3
    for delta in deltas:
        name = f"{delta.start}-{delta.target}" if delta.start else delta.target
        shown = archive.run("static-delta", "show", name).stdout.decode()
        parts = re.findall(r"PartMeta\d+: nobjects=\d+ size=(\d+) usize=(\d+)", shown)
        assert sum(int(p[0]) for p in parts) == delta.size
        assert sum(int(p[1]) for p in parts) == delta.unpacked
        assert f"Number of parts: {delta.parts}\n" in shown
    graph, context = read(archive.path)
    assert context.problems == []
    assert len(graph.attrs(ids.commit(second))["deltas"]) == 2
    for name in (first, second):
        assert graph.attrs(ids.commit(name))["sizes"] == loose_sizes(archive, name)


def loose_sizes(tool: Tool, name: str) -> dict[str, int]:
    """Return the bytes of all objects of a commit in an archive, counted one by one."""
    sizes: dict[str, tuple[int, int]] = {}
    for entry in list_tree(tool.open(), name):
        kinds = [("filez", entry.checksum)]
        if entry.meta:
            kinds = [("dirtree", entry.checksum), ("dirmeta", entry.meta)]
        for suffix, checksum in kinds:
            path = tool.path / "objects" / checksum[:2] / f"{checksum[2:]}.{suffix}"
            stored = path.stat().st_size
            whole = entry.size or len(entry.target.encode())
            sizes[path.name] = (stored, whole if suffix == "filez" else stored)
    return {
        "archived": sum(s[0] for s in sizes.values()),
        "unpacked": sum(s[1] for s in sizes.values()),
    }


def test_gpg_signatures_are_listed(archive: Tool, tree: Path, tmp_path: Path) -> None:
    gpg, conf = need("gpg"), need("gpgconf")
    home = tmp_path / "g"
    home.mkdir(mode=0o700)
    base = [gpg, "--homedir", str(home), "--batch", "--passphrase", ""]
    try:
        subprocess.run(
            [*base, "--quick-gen-key", "Tester <t@example.org>", "ed25519", "sign"],
            check=True, capture_output=True, timeout=120,
        )  # fmt: skip
        keys = subprocess.run(
            [*base, "--with-colons", "--list-keys"], check=True, capture_output=True, timeout=60
        ).stdout.decode()
        fingerprint = re.findall(r"^fpr:+([0-9A-F]+):", keys, re.MULTILINE)[0]
        name = archive.commit(tree, f"--gpg-sign={fingerprint}", f"--gpg-homedir={home}")
    finally:
        subprocess.run(
            [conf, "--homedir", str(home), "--kill", "all"], check=False, capture_output=True
        )
    graph, context = read(archive.path)
    assert context.problems == []
    attrs = graph.attrs(ids.commit(name))
    (signature,) = attrs["signatures"]
    assert signature["type"] == "gpg"
    assert signature["key"] == fingerprint.lower()
    assert signature["created"] > 1_700_000_000
    assert attrs["detached"] == ["ostree.gpgsigs"]


def test_a_valid_commit_of_a_hostile_tree_is_refused(archive: Tool, tree: Path) -> None:
    """Everything hashes and nothing is right: an entry climbs out of the tree."""
    good = archive.open().commit(archive.commit(tree))
    content = next(e.checksum for e in list_tree(archive.open(), good.checksum) if e.size)
    listed = [("../../evil", bytes.fromhex(content))]
    name = put(archive, encode("(a(say)a(sayay))", (listed, [])), "dirtree")
    ends = (bytes.fromhex(name), bytes.fromhex(good.meta))
    commit = encode("(a{sv}aya(say)sstayay)", ({}, b"", [], "evil", "", 0, *ends))
    evil = put(archive, commit, "commit")
    assert archive.run("fsck").returncode != 0
    with pytest.raises(Damaged, match="may not stand in a directory"):
        list(list_tree(archive.open(), evil))
    graph, context = read(archive.path)
    assert [name[2:] in p.subject for p in context.problems] == [True]
    assert "damaged" in graph.attrs(ids.commit(evil))
    assert graph.attrs(ids.commit(good.checksum))["verified"] == "tree"


def put(tool: Tool, data: bytes, suffix: str) -> str:
    """Write an object into a repository behind the tool's back."""
    name = sha256(data).hexdigest()
    folder = tool.path / "objects" / name[:2]
    folder.mkdir(exist_ok=True)
    (folder / f"{name[2:]}.{suffix}").write_bytes(data)
    return name
