"""A repository on disk: objects found and verified, names resolved, trees walked."""

from __future__ import annotations

import itertools
import os
from hashlib import sha256
from pathlib import Path

import pytest
from support.contract import FixedClock
from support.ostree_repo import DIRTREE, FakeRepo, packages

from treering.adapters.ostree import config as configs
from treering.adapters.ostree import content as contents
from treering.adapters.ostree import repo as repos
from treering.adapters.ostree.config import Config, Mode, read_config
from treering.adapters.ostree.objects import Checksum
from treering.adapters.ostree.refs import RefName
from treering.adapters.ostree.repo import Missing, Repository, Unread
from treering.adapters.ostree.tree import MAX_DEPTH, list_tree
from treering.adapters.ostree.verify import Budget, Root, Verdict, Verifier
from treering.core.errors import (
    AmbiguousName,
    Damaged,
    LimitExceeded,
    NotRecognised,
    SourceError,
    UnknownName,
    Unreachable,
)
from treering.core.gvariant import encode
from treering.core.ports import ReadContext

TREE = {"usr": {"bin": {"sh": b"#!\n", "link": "sh"}, "empty": {}}, "motd": b"hello"}
NONE = "0" * 64


@pytest.fixture
def fake(tmp_path: Path) -> FakeRepo:
    return FakeRepo(tmp_path / "repo")


class MemoryRepository(Repository):
    """A repository whose metadata objects are in a dictionary."""

    def __init__(self) -> None:
        super().__init__(Path("memory"), Config(Mode.ARCHIVE))
        self.blobs: dict[str, bytes] = {}

    def put(self, data: bytes) -> bytes:
        name = sha256(data)
        self.blobs[name.hexdigest()] = data
        return name.digest()

    def _read(self, name: str, suffix: str) -> bytes:
        try:
            return self.blobs[name]
        except KeyError as error:
            raise Missing(f"{name}.{suffix}") from error


def context() -> ReadContext:
    return ReadContext(clock=FixedClock())


def roots(repository: Repository, *names: str) -> list[Root]:
    commits = [repository.commit(n) for n in names]
    return [Root(c.checksum, c.tree, c.meta) for c in commits]


# -- opening -------------------------------------------------------------------------------


def test_it_is_found_where_a_host_keeps_it(tmp_path: Path) -> None:
    FakeRepo(tmp_path / "ostree" / "repo")
    assert Repository.open(tmp_path).path == tmp_path / "ostree" / "repo"
    assert Repository.open(tmp_path / "ostree").path == tmp_path / "ostree" / "repo"
    assert repos.find(tmp_path / "ostree" / "repo" / "objects") is None


def test_what_is_not_there_or_no_repository_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="nothing-here"):
        Repository.open(tmp_path / "nothing-here")
    with pytest.raises(NotRecognised, match="no OSTree repository"):
        Repository.open(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceError):
        Repository.open(tmp_path / "file")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "repo_version"),
        ("[core]\nmode=bare\n", "repo_version"),
        ("[core]\nrepo_version=2\n", "'2'"),
        ("[core]\nrepo_version=1\nmode=tape\n", "unknown mode"),
        ("[core]\nrepo_version=1\narchive=true\n", "archive=true"),
        ("repo_version=1\n", "line 1"),
        ("[core]\nrepo_version=1\nnonsense\n", "line 3"),
        ("[core\nrepo_version=1\n", "line 1"),
        ("\udcff", "UTF-8"),
    ],
)
def test_configurations_that_are_none(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "config").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(NotRecognised, match=why):
        read_config(tmp_path / "config")


def test_a_configuration_is_read(tmp_path: Path) -> None:
    (tmp_path / "config").write_text(
        "# note\n[core]\nrepo_version = 1\nmode=archive\nparent=/a\\sb\ncollection-id=org.a\n"
        '\n[remote "corp"]\nurl=https://x/?a=b\ncollection-id=org.corp\n[remote "x"]\nurl=y\n'
    )
    (tmp_path / "remotes.d").mkdir()
    (tmp_path / "remotes.d" / "a.conf").write_text('[remote "sys"]\ncollection-id=org.sys\n')
    (tmp_path / "remotes.d" / "b.conf").write_text("broken")
    (tmp_path / "remotes.d" / "c.txt").write_text('[remote "no"]\ncollection-id=org.no\n')
    assert read_config(tmp_path / "config", tmp_path / "remotes.d") == Config(
        Mode.ARCHIVE, "/a b", "org.a", {"corp": "org.corp", "sys": "org.sys"}
    )
    assert not configs._system_remotes(tmp_path / "absent")
    (tmp_path / "config").write_text("[core]\nrepo_version=1\n")
    assert read_config(tmp_path / "config") == Config(Mode.BARE)


# -- objects -------------------------------------------------------------------------------


def test_every_flipped_bit_is_detected(fake: FakeRepo) -> None:
    name = fake.commit(TREE, subject="s")
    repository = Repository.open(fake.path)
    commit = repository.commit(name)
    for checksum, suffix, read in (
        (name, "commit", repository.commit),
        (commit.tree, "dirtree", repository.dirtree),
        (commit.meta, "dirmeta", repository.dirmeta),
        (repository.dirtree(commit.tree).files[0][1].hex(), "filez", repository.verify_content),
    ):
        path = fake.object(checksum, suffix)
        whole = path.read_bytes()
        for at in range(len(whole)):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << at % 8)]) + whole[at + 1 :])
            with pytest.raises(SourceError):
                read(checksum)
        for cut in range(len(whole)):
            path.write_bytes(whole[:cut])
            with pytest.raises(SourceError):
                read(checksum)
        path.write_bytes(whole)
        read(checksum)


def test_commits_read_together_are_those_read_one_by_one(fake: FakeRepo) -> None:
    names = [fake.commit(TREE, subject=f"{n}", body="b" * n * 3000) for n in range(30)]
    broken = [fake.commit(TREE, subject=f"broken {n}") for n in range(4)]
    for name, data in zip(broken, (b"", b"x", bytes(300), bytes(1 << 15)), strict=True):
        fake.object(name, "commit").write_bytes(data)
    odd = [fake.put(data, "commit") for data in (b"", b"not a commit", bytes(64))]
    fake.object("1" * 64, "commit").mkdir(parents=True)
    fake.object("2" * 64, "commit").parent.mkdir(exist_ok=True)
    fake.object("2" * 64, "commit").symlink_to("/etc/passwd")
    os.mkfifo(fake.object("1" * 63 + "0", "commit"))
    repository = Repository.open(fake.path)
    wanted = sorted([*names, *broken, *odd, "1" * 64, "2" * 64, "1" * 63 + "0", NONE])
    found = list(repository.commits(map(Checksum, wanted)))
    assert [f.checksum for f in found] == [n for n in wanted if n != NONE]
    for one in found:
        if one.checksum in names:
            assert one == repository.commit(one.checksum)
        else:
            assert isinstance(one, Unread)
            with pytest.raises(type(one.why)) as raised:
                repository.commit(one.checksum)
            assert raised.value.args == one.why.args


def test_commits_of_parents_are_read_together_too(tmp_path: Path) -> None:
    parent, child = FakeRepo(tmp_path / "a"), FakeRepo(tmp_path / "b", config="parent=../a\n")
    names = sorted([parent.commit(TREE), child.commit(TREE, subject="here")])
    repository = Repository.open(child.path)
    assert [c.checksum for c in repository.commits(map(Checksum, names))] == names
    assert list(repository.commits([])) == []


def test_no_folder_stays_open(fake: FakeRepo) -> None:
    names = [Checksum(fake.commit(TREE, subject=f"{n}")) for n in range(20)]
    open_before = len(list(Path("/proc/self/fd").iterdir()))
    reading = Repository.open(fake.path).commits(sorted(names))
    next(reading)
    assert len(list(Path("/proc/self/fd").iterdir())) == open_before + 1
    reading.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == open_before


def test_an_object_is_missing_or_no_file(fake: FakeRepo) -> None:
    repository = Repository.open(fake.path)
    for read in (
        repository.commit,
        repository.dirtree,
        repository.dirmeta,
        repository.content,
        repository.verify_content,
    ):
        with pytest.raises(Missing, match="not in the repository"):
            read(NONE)
    for suffix in ("commit", "filez"):
        fake.object(NONE, suffix).mkdir(parents=True)
    with pytest.raises(NotRecognised):
        repository.commit(NONE)
    with pytest.raises(NotRecognised):
        repository.content(NONE)
    fake.object("1" * 64, "commit").parent.mkdir()
    fake.object("1" * 64, "commit").symlink_to("/etc/passwd")
    with pytest.raises(NotRecognised, match="link"):
        repository.commit("1" * 64)
    for read in (repository.commit, repository.content, repository.has_tombstone):
        with pytest.raises(Damaged, match="checksum"):
            read("../../../etc/passwd")


def test_objects_that_may_not_be_read_say_so(
    fake: FakeRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = fake.commit(TREE)

    def refuse(*_args: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(SourceError, match="permission denied"):
        Repository(fake.path, Config(Mode.ARCHIVE)).commit(name)


def test_objects_larger_than_the_cap_are_refused(
    fake: FakeRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = fake.commit(TREE)
    monkeypatch.setattr(repos, "MAX_METADATA", 10)
    with pytest.raises(LimitExceeded):
        Repository.open(fake.path).commit(name)


def test_compressed_content_must_be_what_its_header_says(fake: FakeRepo) -> None:
    repository = Repository.open(fake.path)
    name = fake.content(b"a" * 100)
    path = fake.object(name, "filez")
    whole = path.read_bytes()
    bomb = fake.object(fake.content(bytes(10_000_000)), "filez").read_bytes()
    header = int.from_bytes(whole[:4], "big") + 8
    for data, why in (
        (whole[:header] + bomb[header:], "more than the 100"),
        (whole[:header], "too early"),
        (whole[:header] + b"\xff" * 20, "broken"),
        (whole + b"\0", "goes on"),
        (whole + whole[header:], "goes on"),
        (whole + bytes(3 << 20), "goes on"),
        (whole[:15] + b"\x65" + whole[16:], "says 101"),
        (b"\xff" * 8, "larger"),
        (b"\0\0\0\xff\0\0\0\0", "shorter"),
        (b"\0\0\0\x01\0\0\0\1" + bytes(50), "shorter"),
        (b"", "shorter"),
    ):
        path.write_bytes(data)
        with pytest.raises((Damaged, LimitExceeded), match=why):
            repository.verify_content(name)
    path.write_bytes(whole)
    assert b"".join(repository.read_content(name)) == b"a" * 100


def test_nothing_follows_the_end_of_compressed_content(
    fake: FakeRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = Repository.open(fake.path)
    file, link = fake.content(b"a" * 100), fake.content("target")
    for name in (file, link):
        path = fake.object(name, "filez")
        whole = path.read_bytes()
        monkeypatch.setattr(contents, "_CHUNK", len(whole))
        repository.verify_content(name)
        path.write_bytes(whole + b"\0")
        with pytest.raises(Damaged, match="goes on"):
            repository.verify_content(name)
        with pytest.raises(Damaged, match="goes on"):
            list(repository.read_content(name))


def test_headers_of_neither_file_nor_link_are_damaged(fake: FakeRepo) -> None:
    repository = Repository.open(fake.path)
    for mode, target, device in (
        (0o40755, "", 0),
        (0o100644, "target", 0),
        (0o120777, "", 0),
        (0o100644, "", 5),
        (0o1100644, "", 0),
    ):
        stored = encode("(tuuuusa(ayay))", (0, 0, 0, mode, device, target, []), order="big")
        fake.put(len(stored).to_bytes(4, "big") + bytes(4) + stored, "filez", NONE)
        with pytest.raises(Damaged):
            repository.content(NONE)


def test_content_larger_than_a_chunk(fake: FakeRepo) -> None:
    data = os.urandom(3 << 20)
    name = fake.content(data)
    repository = Repository.open(fake.path)
    repository.verify_content(name)
    assert b"".join(repository.read_content(name)) == data


def test_bare_user_only_repositories(tmp_path: Path) -> None:
    fake = FakeRepo(tmp_path / "repo", "bare-user-only")
    name = fake.commit(TREE)
    repository = Repository.open(fake.path)
    found = {e.path: e for e in list_tree(repository, name)}
    assert found[b"/usr/bin/link"].target == "sh"
    assert found[b"/motd"].size == 5
    for entry in found.values():
        if entry.meta is None:
            repository.verify_content(entry.checksum)
    fake.object(found[b"/motd"].checksum, "file").chmod(0o600)
    with pytest.raises(Damaged, match="hash"):
        repository.verify_content(found[b"/motd"].checksum)
    fake.object(NONE, "file").mkdir(parents=True)
    with pytest.raises(NotRecognised):
        repository.content(NONE)


def test_bare_split_xattrs_repositories(tmp_path: Path) -> None:
    fake = FakeRepo(tmp_path / "repo", "bare-split-xattrs")
    name = fake.content(b"data")
    repository = Repository.open(fake.path)
    status = fake.object(name, "file").stat()
    assert repository.content(name).xattrs == ()
    fake.put(encode("a(ayay)", [(b"user.a\0", b"1")]), "file-xattrs-link", name)
    content = repository.content(name)
    assert content.xattrs == ((b"user.a", b"1"),)
    assert (content.uid, content.gid) == (status.st_uid, status.st_gid)
    with pytest.raises(Damaged):
        repository.verify_content(name)


def test_bare_user_repositories_copied_without_attributes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "setxattr", lambda *_args: None)
    monkeypatch.setattr(os, "listxattr", lambda *_args, **_more: [])
    fake = FakeRepo(tmp_path / "repo", "bare-user")
    name = fake.content(b"data")
    with pytest.raises(Damaged, match="content metadata is unavailable"):
        Repository.open(fake.path).content(name)


def test_parent_repositories_lend_objects_and_names(tmp_path: Path) -> None:
    parent = FakeRepo(tmp_path / "parent")
    base = parent.commit(TREE, ref="base")
    fake = FakeRepo(tmp_path / "repo", config=f"parent={parent.path}\n")
    child = fake.commit({}, parent=base, ref="child")
    repository = Repository.open(fake.path)
    assert repository.resolve("base") == base
    assert repository.resolve("child^") == base
    assert repository.resolve(base[:12]) == base
    assert [r.name.name for r in repository.refs()] == ["child"]
    assert len(list(list_tree(repository, base))) == 7
    repository.verify_content(repository.dirtree(repository.commit(base).tree).files[0][1].hex())
    assert repository.stored().commits == (child,)


def test_parents_that_cannot_be_opened_are_told(tmp_path: Path) -> None:
    told: list[str] = []
    fake = FakeRepo(tmp_path / "repo", config=f"parent={tmp_path}/absent\n")
    repository = Repository.open(fake.path, lambda what, _why: told.append(what))
    assert repository.parent is None
    assert told == [f"parent repository {tmp_path}/absent"]
    (tmp_path / "loop").mkdir()
    FakeRepo(tmp_path / "loop" / "repo", config=f"parent={tmp_path}/loop/repo\n")
    Repository.open(tmp_path / "loop" / "repo", lambda _what, why: told.append(why))
    assert "more than 8" in told[-1]


# -- names ---------------------------------------------------------------------------------


def test_refs_of_every_place(tmp_path: Path) -> None:
    fake = FakeRepo(
        tmp_path / "repo",
        config='collection-id=org.own\n[remote "corp"]\ncollection-id=org.corp\n',
    )
    name = fake.commit({}, ref="os/stable")
    fake.ref("corp/os/stable", name, "remotes")
    fake.ref("org.example.Os/os/stable", name, "mirrors")
    fake.alias("latest", "os/stable")
    fake.alias("os/newest", "../latest")
    fake.alias("far", "../remotes/corp/os/stable")
    fake.ref(".rsync_info", "x")
    told: list[tuple[str, str]] = []
    refs = Repository.open(fake.path).refs(lambda *t: told.append(t))
    assert {r.name.refspec: (r.collection, r.alias and r.alias.refspec) for r in refs} == {
        "os/stable": ("org.own", None),
        "latest": ("org.own", "os/stable"),
        "os/newest": ("org.own", "latest"),
        "far": ("org.own", "corp:os/stable"),
        "corp:os/stable": ("org.corp", None),
        "mirrors/org.example.Os/os/stable": ("org.example.Os", None),
    }
    assert {r.checksum for r in refs} == {name}
    assert told == []


def test_what_is_no_ref_is_told(fake: FakeRepo) -> None:
    fake.ref("good", fake.commit({}))
    fake.ref("short", "abc")
    fake.ref("-bad", NONE)
    fake.ref("esc\x1b[31m", NONE)
    fake.ref("big", "0" * 5000)
    fake.alias("loop", "loop")
    fake.alias("out", "/etc/passwd")
    fake.alias("up", "../../config")
    fake.alias("dangling", "nowhere")
    os.mkfifo(fake.path / "refs/heads/pipe")
    deep = fake.path / "refs/heads" / "/".join(["d"] * 70)
    deep.mkdir(parents=True)
    told: dict[str, str] = {}
    refs = Repository.open(fake.path).refs(lambda what, why: told.update({what: why}))
    assert [r.name.name for r in refs] == ["good"]
    assert {t for t in told if "/d/d" not in t} == {
        "ref short", "ref -bad", "ref esc\x1b[31m", "ref big", "ref loop", "ref out", "ref up",
        "ref dangling", "ref pipe",
    }  # fmt: skip
    assert "circle" in told["ref loop"]


def test_revisions_resolve_as_ostree_has_it(fake: FakeRepo) -> None:
    first = fake.commit({}, time=1)
    second = fake.commit({}, parent=first, time=2, ref="os/stable")
    fake.ref("corp/only/remote", first, "remotes")
    fake.ref(first[:8], second)
    repository = Repository.open(fake.path)
    assert repository.resolve(second) == second
    assert repository.resolve(NONE) == NONE
    assert repository.resolve(first[:8]) == first, "a prefix beats a ref of the same name"
    assert repository.resolve("os/stable") == second
    assert repository.resolve("os/stable^") == first
    assert repository.resolve(f"{second[:10]}^") == first
    assert repository.resolve("corp:only/remote") == first
    assert repository.resolve("only/remote") == first
    for unknown in (
        "",
        "^",
        "nope",
        "corp:nope",
        "x:y:z",
        "../../config",
        "..:heads/os/stable",
        "../..:config",
        "OS/stable",
        "a b",
    ):
        with pytest.raises(UnknownName):
            repository.resolve(unknown)
    for past in ("os/stable^^", "os/stable" + "^" * 20_000):
        with pytest.raises(UnknownName):
            repository.resolve(past)


def test_an_ambiguous_prefix_lists_its_commits(fake: FakeRepo) -> None:
    for number in range(20):
        fake.commit({}, time=number)
    repository = Repository.open(fake.path)
    names = repository.stored().commits
    assert len(names) == 20
    common = next(a[:1] for a, b in itertools.pairwise(names) if a[0] == b[0])
    with pytest.raises(AmbiguousName) as caught:
        repository.resolve(common)
    assert set(caught.value.candidates) == {n for n in names if n.startswith(common)}


def test_ref_names_print_as_refspecs() -> None:
    assert RefName("a").refspec == "a"
    assert RefName("a", remote="r").refspec == "r:a"
    assert RefName("a", mirror="org.x").refspec == "mirrors/org.x/a"


def test_packages_of_a_commit(fake: FakeRepo) -> None:
    name = fake.commit({}, metadata={"rpmostree.rpmdb.pkglist": packages("zlib", "bash")})
    found = Repository.open(fake.path).packages(name)
    assert [p.name for p in found] == ["bash", "zlib"]
    assert found[0] == ("bash", "0", "1.0", "1.fc40", "x86_64")


# -- trees ---------------------------------------------------------------------------------


def test_a_tree_is_listed_like_ls(fake: FakeRepo) -> None:
    name = fake.commit(TREE)
    found = [
        (e.kind, e.path, e.size, e.target) for e in list_tree(Repository.open(fake.path), name)
    ]
    assert found == [
        ("d", b"/", 0, ""),
        ("-", b"/motd", 5, ""),
        ("d", b"/usr", 0, ""),
        ("d", b"/usr/bin", 0, ""),
        ("l", b"/usr/bin/link", 0, "sh"),
        ("-", b"/usr/bin/sh", 3, ""),
        ("d", b"/usr/empty", 0, ""),
    ]


def deep_commit(repository: MemoryRepository, depth: int, width: int = 1) -> str:
    """Return a commit of directories nested `depth` deep, each `width` times in the one above."""
    meta = repository.put(encode("(uuua(ayay))", (0, 0, 0o40755, []), order="big"))
    tree = repository.put(encode(DIRTREE, ([], [])))
    for _ in range(depth):
        dirs = [(f"d{n}", tree, meta) for n in range(width)]
        tree = repository.put(encode(DIRTREE, ([], dirs)))
    kind = "(a{sv}aya(say)sstayay)"
    return repository.put(encode(kind, ({}, b"", [], "", "", 0, tree, meta))).hex()


def test_trees_nested_100000_deep_end_at_the_cap() -> None:
    repository = MemoryRepository()
    name = deep_commit(repository, 100_000)
    with pytest.raises(LimitExceeded, match=str(MAX_DEPTH)):
        list(list_tree(repository, name))
    caution = context()
    (verdict,) = Verifier(repository).verify(roots(repository, name), caution)
    assert verdict[1] is Verdict.DAMAGED
    assert [p.why for p in caution.problems] == [f"directories are nested deeper than {MAX_DEPTH}"]
    repository = MemoryRepository()
    assert len(list(list_tree(repository, deep_commit(repository, MAX_DEPTH - 1)))) == MAX_DEPTH


def test_trees_that_unfold_without_end_are_bounded() -> None:
    repository = MemoryRepository()
    name = deep_commit(repository, 60, width=2)
    with pytest.raises(LimitExceeded, match="entries"):
        list(list_tree(repository, name, limit=1000))
    assert list(Verifier(repository).verify(roots(repository, name), context())) == [
        (roots(repository, name)[0], Verdict.WHOLE)
    ]


def test_trees_that_hold_themselves_are_damaged(fake: FakeRepo) -> None:
    meta = bytes.fromhex(fake.dirmeta())
    circle = "c" * 64
    data = encode(DIRTREE, ([], [("again", bytes.fromhex(circle), meta)]))
    fake.put(data, "dirtree", circle)
    name = fake.commit(circle)
    repository = Repository.open(fake.path)
    with pytest.raises(Damaged, match="hash"):
        list(list_tree(repository, name))
    caution = context()
    ((_, verdict),) = Verifier(repository).verify(roots(repository, name), caution)
    assert verdict is Verdict.DAMAGED
    assert len(caution.problems) == 1


def test_damage_in_a_shared_directory_marks_each_commit_once(fake: FakeRepo) -> None:
    one = fake.commit(TREE, time=1)
    two = fake.commit({**TREE, "more": b"x"}, time=2)
    good = fake.commit({"other": b"y"}, time=3)
    fake.object(fake.content(b"#!\n"), "filez").unlink()
    repository = Repository.open(fake.path)
    caution = context()
    found = Verifier(repository).verify(roots(repository, one, good, two), caution)
    assert [v for _, v in found] == [Verdict.DAMAGED, Verdict.WHOLE, Verdict.DAMAGED]
    assert len(caution.problems) == 1
    assert "/usr/bin/sh in commit" in caution.problems[0].why


def test_the_budget_ends_verifying(fake: FakeRepo) -> None:
    names = [fake.commit({"a": bytes([n]) * 100}, time=n) for n in range(5)]
    repository = Repository.open(fake.path)
    todo = roots(repository, *names)
    assert len(list(Verifier(repository, Budget(objects=0)).verify(todo, context()))) == 0
    assert len(list(Verifier(repository, Budget(objects=3)).verify(todo, context()))) == 1
    assert len(list(Verifier(repository, Budget(content=250)).verify(todo, context()))) == 2
    assert len(list(Verifier(repository).verify(todo, context()))) == 5


def test_a_copy_without_owners_is_one_problem(tmp_path: Path) -> None:
    fake = FakeRepo(tmp_path / "repo", "bare-split-xattrs")
    name = fake.commit({n: n.encode() for n in ("a", "b", "c")})
    for path in fake.path.glob("objects/*/*.file"):
        path.chmod(0o600)
    caution = context()
    repository = Repository.open(fake.path)
    ((_, verdict),) = Verifier(repository).verify(roots(repository, name), caution)
    assert verdict is Verdict.OPEN
    assert len(caution.problems) == 1
    assert "content metadata is unavailable" in caution.problems[0].why


def test_too_many_objects_are_not_looked_through(
    fake: FakeRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.commit(TREE)
    monkeypatch.setattr(repos, "MAX_OBJECTS", 2)
    with pytest.raises(SourceError, match="more than 2"):
        Repository.open(fake.path).stored()


def test_names_of_other_things_are_no_commits(fake: FakeRepo) -> None:
    name = fake.commit({})
    fake.put(b"", "commit", "Z" * 64)
    fake.put(b"", "tombstone-commit", "1" * 64)
    (fake.path / "objects" / "00").mkdir(exist_ok=True)
    (fake.path / "objects" / "00" / "x.commit").write_text("")
    (fake.path / "objects" / "not a folder").mkdir()
    stored = Repository.open(fake.path).stored()
    assert stored.commits == (name,)
    assert stored.tombstones == (Checksum("1" * 64),)


def test_no_more_bytes_are_read_at_once_than_a_batch_may_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeRepo(tmp_path / "repo")
    names = sorted(Checksum(fake.commit({}, subject=f"s{n}")) for n in range(600))
    repository = Repository.open(fake.path)
    monkeypatch.setattr(repos, "_MAX_BATCH", 1)
    assert {len(batch) for batch in repository.commit_batches(names)} <= {0, 1}
    monkeypatch.setattr(repos, "_MAX_BATCH", 1 << 20)
    monkeypatch.setattr(repos, "_BATCH", 2)
    batches = list(repository.commit_batches(names))
    assert max(map(len, batches)) == 2
    assert [c.checksum for batch in batches for c in batch] == names
