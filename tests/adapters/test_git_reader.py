"""The git reader against repositories written with pygit2 and by hand."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from hashlib import sha1
from pathlib import Path

import pygit2
import pytest
from support.contract import FixedClock, ReaderContract

from treering.adapters.git import history as history_module
from treering.adapters.git.adapter import ADAPTERS
from treering.adapters.git.reader import GitReader
from treering.core import ids
from treering.core.errors import Damaged, NotPermitted, NotRecognised, Unreachable
from treering.core.facts import EdgeFact, EdgeKind, Fact, Level, NodeFact
from treering.core.graph import Graph
from treering.core.ports import ReadContext, SourceSpec

START = 1_600_000_000


class Repo:
    """A repository being written, one empty-tree commit at a time."""

    def __init__(self, path: Path, *, bare: bool = False) -> None:
        self.path = path
        self.git = pygit2.init_repository(str(path), bare=bare, initial_head="main")
        self.tree = self.git.TreeBuilder().write()
        self.directory = Path(self.git.path)

    def commit(self, message: str, *parents: str, at: int = 0, name: str = "Ann Author") -> str:
        who = pygit2.Signature(name, "ann@example.org", START + at, 60)
        made = self.git.create_commit(None, who, who, message, self.tree, list(parents))
        return str(made)

    def ref(self, name: str, target: str) -> None:
        self.git.create_reference(name, target, force=True)

    def tag(self, name: str, target: str, at: int = 0) -> str:
        who = pygit2.Signature("Rel", "rel@example.org", START + at, 0)
        kind = pygit2.enums.ObjectType.COMMIT
        return str(self.git.create_tag(name, target, kind, who, f"release {name}"))

    def raw(self, kind: str, data: bytes) -> str:
        """Write a loose object as it is, whatever it holds; return its id."""
        whole = f"{kind} {len(data)}\0".encode() + data
        oid = sha1(whole, usedforsecurity=False).hexdigest()
        self.loose(oid, zlib.compress(whole))
        return oid

    def loose(self, oid: str, stored: bytes) -> None:
        path = self.directory / "objects" / oid[:2] / oid[2:]
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_bytes(stored)


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path / "clone")


def line(repo: Repo, count: int) -> list[str]:
    """Write `count` commits in a row with main at the last; return their ids, oldest first."""
    made: list[str] = []
    for number in range(count):
        made.append(repo.commit(f"commit {number}\n", *made[-1:], at=number * 10))
    repo.ref("refs/heads/main", made[-1])
    return made


def read(repo: Repo | Path) -> tuple[dict[str, NodeFact], list[EdgeFact], ReadContext]:
    path = repo if isinstance(repo, Path) else repo.path
    context = ReadContext(clock=FixedClock())
    facts = list(GitReader(str(path), "clone").read(context))
    return nodes_of(facts), [f for f in facts if isinstance(f, EdgeFact)], context


def nodes_of(facts: list[Fact]) -> dict[str, NodeFact]:
    return {ids.content_of(f.id): f for f in facts if isinstance(f, NodeFact)}


class TestGitContract(ReaderContract):
    @pytest.fixture
    def reader(self, repo: Repo) -> Iterator[GitReader]:
        first, second = line(repo, 2)
        side = repo.commit("side \x1b]52;c;AAAA\x07 \u202e\n", first, at=15)
        merge = repo.commit("merge\n", second, side, at=30)
        repo.ref("refs/heads/main", merge)
        repo.tag("v1", second)
        reader = GitReader(str(repo.path), "clone")
        yield reader
        reader.close()

    @pytest.fixture
    def missing(self, tmp_path: Path) -> GitReader:
        return GitReader(str(tmp_path / "nowhere"), "nowhere")


def test_reads_commits_newest_first_with_names_and_parents(repo: Repo) -> None:
    first, second, third = line(repo, 3)
    repo.tag("v1", second)
    repo.ref("refs/tags/plain", second)
    repo.ref("refs/remotes/origin/main", second)
    nodes, edges, context = read(repo)
    assert list(nodes) == [third, second, first]
    assert nodes[second].attrs == {
        "subject": "commit 1",
        "author": "Ann Author <ann@example.org>",
        "time": START + 10,
        "tags": ["plain", "v1"],
        "branches": ["origin/main"],
    }
    assert nodes[third].label == f"{third[:7]} commit 2"
    assert nodes[third].attrs["branches"] == ["main"]
    assert [(e.start, e.end) for e in edges] == [
        (ids.git(third), ids.git(second)),
        (ids.git(second), ids.git(first)),
    ]
    assert all(e.kind is EdgeKind.PARENT and e.level is Level.EXACT for e in edges)
    assert context.problems == []


def test_a_merge_says_which_parent_is_which(repo: Repo) -> None:
    a, b = line(repo, 2)
    repo.ref("refs/heads/main", repo.commit("merge", b, a, at=99))
    _, edges, _ = read(repo)
    assert [e.why for e in edges[:2]] == [
        "the commit object names it as parent 1 of 2",
        "the commit object names it as parent 2 of 2",
    ]


@pytest.mark.parametrize("bare", [False, True])
def test_an_empty_repository_has_no_facts_and_no_problem(tmp_path: Path, bare: bool) -> None:
    nodes, edges, context = read(Repo(tmp_path / "new", bare=bare))
    assert (nodes, edges, context.problems) == ({}, [], [])


def test_bare_repository_unborn_branch_and_detached_head(tmp_path: Path) -> None:
    repo = Repo(tmp_path / "store.git", bare=True)
    made = repo.commit("only", at=1)
    repo.ref("refs/heads/other", made)
    nodes, _, context = read(repo)
    assert list(nodes) == [made]
    assert context.problems == []
    alone = repo.commit("alone", at=2)
    (repo.directory / "HEAD").write_text(alone + "\n")
    nodes, _, _ = read(repo)
    assert nodes[alone].attrs["branches"] == ["HEAD"]


def test_packed_refs_and_linked_worktrees(repo: Repo, tmp_path: Path) -> None:
    first, second = line(repo, 2)
    (repo.directory / "packed-refs").write_text(
        f"# pack-refs with: peeled fully-peeled sorted \n{first} refs/heads/old\n"
        f"{first} refs/heads/main\n"
    )
    repo.git.add_worktree("side", str(tmp_path / "side"))
    nodes, _, context = read(tmp_path / "side")
    assert set(nodes) == {first, second}
    assert nodes[first].attrs["branches"] == ["old"]
    assert nodes[second].attrs["branches"] == ["main", "side"]
    assert context.problems == []


def test_objects_borrowed_through_alternates_are_found(repo: Repo, tmp_path: Path) -> None:
    made = line(repo, 2)
    other = Repo(tmp_path / "borrower")
    alternates = other.directory / "objects/info/alternates"
    lines = b"# comment\n%sobjects\n../nothing\n/\xff\n"
    alternates.write_bytes(lines % os.fsencode(f"{repo.directory}/"))
    (other.directory / "refs/heads/main").write_text(made[-1] + "\n")
    nodes, _, context = read(other)
    assert list(nodes) == made[::-1]
    assert context.problems == []


def test_objects_in_packs_are_found_and_checked(repo: Repo) -> None:
    made = line(repo, 5)
    repo.git.pack()
    for path in (repo.directory / "objects").glob("??/*"):
        path.unlink()
    nodes, _, context = read(repo)
    assert list(nodes) == made[::-1]
    assert context.problems == []
    pack = next((repo.directory / "objects/pack").glob("*.pack"))
    pack.chmod(0o644)
    data = bytearray(pack.read_bytes())
    for at in range(12, len(data) - 20):
        data[at] ^= 0xFF
    pack.write_bytes(data)
    nodes, _, context = read(repo)
    assert nodes == {}
    assert [p.subject for p in context.problems][:1] == ["refs/heads/main"]


def test_the_edge_of_a_shallow_clone_is_no_problem(repo: Repo) -> None:
    first, second, third = line(repo, 3)
    (repo.directory / "objects" / first[:2] / first[2:]).unlink()
    nodes, edges, context = read(repo)
    assert [p.subject for p in context.problems] == [f"git:{first}"]
    (repo.directory / "shallow").write_text(second + "\n")
    nodes, edges, context = read(repo)
    assert set(nodes) == {second, third}
    assert (ids.git(second), ids.git(first)) in {(e.start, e.end) for e in edges}
    assert context.problems == []


def test_broken_references_are_problems_and_the_rest_is_read(repo: Repo) -> None:
    made = line(repo, 2)
    heads = repo.directory / "refs/heads"
    (heads / "garbage").write_text("hello")
    (heads / "empty").write_text("")
    (heads / "missing").write_text("1" * 40 + "\n")
    (heads / "unborn").write_text("ref: refs/heads/nowhere\n")
    (heads / "round").write_text("ref: refs/heads/round\n")
    (heads / "held.lock").write_text("")
    os.mkfifo(heads / "pipe")
    (heads / "link").symlink_to("/etc/passwd")
    (repo.directory / "packed-refs").write_text(f"rubbish\n{made[0]} refs/tags/good\n")
    nodes, _, context = read(repo)
    assert list(nodes) == made[::-1]
    assert nodes[made[0]].attrs["tags"] == ["good"]
    assert {str(p.subject) for p in context.problems} == {
        "packed-refs",
        *(f"refs/heads/{n}" for n in ("garbage", "empty", "missing", "pipe", "link")),
    }
    assert all(p.why for p in context.problems)


def test_references_at_other_things_than_commits_are_left_out(repo: Repo) -> None:
    (made,) = line(repo, 1)
    blob = str(repo.git.create_blob(b"x" * 10))
    repo.ref("refs/tags/blob", blob)
    nodes, _, context = read(repo)
    assert nodes[made].attrs["tags"] == []
    assert context.problems == []


def test_a_tag_of_a_tag_names_the_commit(repo: Repo) -> None:
    (made,) = line(repo, 1)
    inner = repo.tag("inner", made)
    data = f"object {inner}\ntype tag\ntag outer\ntagger R <r@x> 5 +0000\n\nouter\n".encode()
    repo.ref("refs/tags/outer", repo.raw("tag", data))
    nodes, _, _ = read(repo)
    assert nodes[made].attrs["tags"] == ["inner", "outer"]


DAMAGE = {
    "cut short": lambda raw: raw[: len(raw) // 2],
    "empty": lambda _raw: b"",
    "not zlib": lambda _raw: b"garbage",
    "another object": lambda raw: zlib.compress(
        zlib.decompress(raw).replace(b"commit 1", b"commit 9")
    ),
    "no header": lambda _raw: zlib.compress(b"commit"),
    "wrong size": lambda raw: zlib.compress(zlib.decompress(raw) + b"more"),
    "claims to be huge": lambda _raw: zlib.compress(b"commit 99999999999\0" + b" " * 100),
    "not a commit": lambda _raw: zlib.compress(b"commit 5\0hello"),
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_commit_is_named_and_the_rest_is_read(repo: Repo, kind: str) -> None:
    first, second, third = line(repo, 3)
    repo.ref("refs/heads/below", first)
    path = repo.directory / "objects" / second[:2] / second[2:]
    repo.loose(second, DAMAGE[kind](path.read_bytes()))
    nodes, edges, context = read(repo)
    assert set(nodes) == {third, first}
    assert [str(p.subject) for p in context.problems] == [f"git:{second}"]
    assert second in context.problems[0].why
    assert (ids.git(third), ids.git(second)) in {(e.start, e.end) for e in edges}


def test_odd_but_valid_commits_are_read(repo: Repo) -> None:
    tree = f"tree {repo.tree}\n".encode()
    odd = {
        "no committer": (tree + b"author A <a@b> 1 +0000\n\nx", {"subject": "x"}),
        "latin": (
            tree
            + b"author J\xf6rg <j@x> 1 +0000\ncommitter C <c> 7 +0000\nencoding latin1\n\n\xfc",
            {"subject": "ü", "author": "Jörg <j@x>", "time": 7},
        ),
        "unknown encoding": (
            tree
            + b"author \xff <> 1 +0000\ncommitter C <c> -7 +0000\nencoding no\n\n\n\na\nb \n\nc",
            {"subject": "a b", "author": "\\u{dcff}", "time": -7},
        ),
        "no message": (tree + b"author A <a> 1\ncommitter C <c> 9", {"subject": "", "time": 9}),
    }
    made = {}
    for name, (data, _) in odd.items():
        made[name] = repo.raw("commit", data)
        repo.ref(f"refs/heads/{name.replace(' ', '-')}", made[name])
    nodes, _, context = read(repo)
    assert context.problems == []
    for name, (_, wanted) in odd.items():
        assert wanted.items() <= nodes[made[name]].attrs.items(), name
    assert "time" not in nodes[made["no committer"]].attrs


def test_at_most_the_newest_commits_are_read(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_module, "MAX_COMMITS", 3)
    made = line(repo, 6)
    repo.tag("old", made[0])
    reader = GitReader(str(repo.path), "clone")
    context = ReadContext(clock=FixedClock())
    assert list(nodes_of(list(reader.read(context)))) == made[:2:-1]
    found = nodes_of(list(reader.look_up([ids.git(made[1])], context)))
    assert found[made[1]].attrs["describe"] == f"old-1-g{made[1][:7]}"
    assert "in_tags" not in found[made[1]].attrs
    assert context.problems == []


def test_look_up_adds_the_description_and_replaces_what_read_said(repo: Repo) -> None:
    made = line(repo, 4)
    repo.tag("v1", made[1])
    repo.tag("v2", made[3])
    repo.ref("refs/heads/release", made[2])
    reader, context = GitReader(str(repo.path), "clone"), ReadContext(clock=FixedClock())
    facts = list(reader.read(context))
    wanted = [ids.git(made[2]), ids.git("f" * 40), ids.layer(ids.digest_of(b"x"))]
    looked_up = list(reader.look_up(wanted, context))
    graph = Graph()
    graph.merge(looked_up + facts)
    attrs = graph.attrs(ids.git(made[2]))
    assert attrs == {
        **nodes_of(facts)[made[2]].attrs,
        "describe": f"v1-1-g{made[2][:7]}",
        "in_tags": ["v2"],
        "in_tags_count": 1,
        "in_branches": ["release", "main"],
        "in_branches_count": 2,
    }
    assert not graph.knows(ids.git("f" * 40))
    again = list(reader.look_up(wanted, context))
    assert again[0].seen > looked_up[0].seen > facts[0].seen
    assert context.problems == []


def test_look_up_works_before_read_and_after_close(repo: Repo) -> None:
    made = line(repo, 2)
    reader, context = GitReader(str(repo.path), "clone"), ReadContext(clock=FixedClock())
    assert made[0] in nodes_of(list(reader.look_up([ids.git(made[0])], context)))
    reader.close()
    assert made[0] in nodes_of(list(reader.look_up([ids.git(made[0])], context)))
    assert list(reader.look_up([ids.layer(ids.digest_of(b"x"))], context)) == []


@pytest.mark.parametrize("packed", [False, True])
def test_shortened_ids_are_resolved_when_one_commit_fits(repo: Repo, packed: bool) -> None:
    made = line(repo, 30)
    blob = str(repo.git.create_blob(b"no commit"))
    if packed:
        repo.git.pack()
        for path in (repo.directory / "objects").glob("??/*"):
            path.unlink()
    reader, context = GitReader(str(repo.path), "clone"), ReadContext(clock=FixedClock())
    assert reader.resolve_short(made[3][:7]) == made[3]
    assert reader.resolve_short(made[3]) == made[3]
    assert reader.resolve_short(blob[:12]) is None
    for bad in ("", "abc", "zzzzzzz", "0" * 39, "../../..", "A" * 7, "f" * 41):
        assert reader.resolve_short(bad) is None
    found = list(reader.look_up([ids.NodeId(f"git:{made[3][:8]}")], context))
    assert found[0].id == ids.git(made[3])  # type: ignore[union-attr]


def test_an_ambiguous_short_id_is_resolved_to_nothing(repo: Repo) -> None:
    starts: dict[str, str] = {}
    for number in range(5000):
        made = repo.commit(f"try {number}")
        other = starts.setdefault(made[:4], made)
        if other != made:
            break
    else:
        pytest.fail("no two of 5,000 commits began alike")
    repo.ref("refs/heads/a", made)
    reader = GitReader(str(repo.path), "clone")
    assert reader.resolve_short(made[:4]) is None
    assert reader.resolve_short(made) == made
    repo.git.pack()
    for path in (repo.directory / "objects").glob("??/*"):
        path.unlink()
    assert reader.resolve_short(made[:4]) is None


def test_what_is_no_repository_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "plain").mkdir()
    for name in ("file", "plain"):
        with pytest.raises(NotRecognised, match=name):
            read(tmp_path / name)
    with pytest.raises(Unreachable, match="nowhere"):
        read(tmp_path / "nowhere")


@pytest.mark.timeout(20)
def test_a_pipe_where_git_reads_is_refused(repo: Repo) -> None:
    (repo.directory / "config").unlink()
    os.mkfifo(repo.directory / "config")
    with pytest.raises(NotRecognised, match="config"):
        read(repo)


def test_formats_libgit2_does_not_read_are_refused_clearly(repo: Repo) -> None:
    config = repo.directory / "config"
    plain = config.read_text().replace("repositoryformatversion = 0", "repositoryformatversion = 1")
    config.write_text(plain + "[extensions]\n\tobjectformat = sha256\n")
    with pytest.raises(NotRecognised, match=r"sha256.*sha1"):
        read(repo)
    config.write_text(plain + "[extensions]\n\trefstorage = reftable\n")
    with pytest.raises(NotRecognised, match="refstorage"):
        read(repo)
    config.write_text("[[[\n")
    with pytest.raises(Damaged, match="config"):
        read(repo)


def test_a_repository_of_another_user_is_not_permitted(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str) -> None:
        raise pygit2.GitError(f"{path}: repository path '{path}' is not owned by current user")

    monkeypatch.setattr(pygit2, "Repository", refuse)
    for audit, offered in ((False, True), (True, False)):
        with pytest.raises(NotPermitted) as caught:
            list(GitReader(str(repo.path), "clone", audit).read(ReadContext()))
        assert "not owned" in caught.value.message
        assert ("safe.directory" in caught.value.hint) is offered
        assert "owner" in caught.value.hint


def test_the_adapter_recognises_opens_and_examines(repo: Repo, tmp_path: Path) -> None:
    (adapter,) = ADAPTERS
    assert adapter.recognise(repo.path)
    assert adapter.recognise(repo.directory)
    assert not adapter.recognise(tmp_path)
    assert not adapter.recognise(tmp_path / "nowhere")
    assert adapter.discover({}) == ()
    reader = adapter.open(SourceSpec("git", str(repo.path), "clone"), True)
    assert (reader.kind, reader.name, reader.location) == ("git", "clone", str(repo.path))
    (check,) = adapter.doctor()
    assert check.ok
    assert pygit2.__version__ in check.detail
    assert pygit2.LIBGIT2_VERSION in check.detail
