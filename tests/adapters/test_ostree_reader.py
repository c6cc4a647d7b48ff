"""The facts a repository gives."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.contract import FixedClock, ReaderContract
from support.ostree_repo import FakeRepo, packages

from treering.adapters.ostree import adapter, repo
from treering.adapters.ostree.reader import OstreeReader, _title
from treering.adapters.ostree.verify import Budget
from treering.core import ids
from treering.core.errors import NotRecognised
from treering.core.facts import EdgeFact, EdgeKind, Level, NodeFact
from treering.core.graph import Graph
from treering.core.gvariant import Variant, encode
from treering.core.ids import NodeId
from treering.core.ports import Capability, Problem, ReadContext, Reader, SourceSpec
from treering.core.text import one_line, safe

MANIFEST = "sha256:" + "5" * 64


@pytest.fixture
def fake(tmp_path: Path) -> FakeRepo:
    return FakeRepo(tmp_path / "repo")


class Seen:
    """What one read of a repository gave, as the graph has it."""

    def __init__(self, fake: FakeRepo, budget: Budget | None = None) -> None:
        spec = SourceSpec("ostree", str(fake.path), "repo")
        reader = OstreeReader(spec, budget) if budget else OstreeReader(spec)
        context = ReadContext(clock=FixedClock())
        self.facts = list(reader.read(context))
        self.problems: list[Problem] = context.problems
        self.graph = Graph()
        self.graph.merge(self.facts)

    def attrs(self, checksum: str) -> dict[str, Any]:
        return dict(self.graph.attrs(ids.commit(checksum)))

    def ref(self, name: str) -> dict[str, Any]:
        return dict(self.graph.attrs(ids.ref("repo", name)))

    def edges(self, start: NodeId) -> list[tuple[EdgeKind, str, Level]]:
        return [(e.kind, e.end, e.level) for e in self.graph.edges_from(start)]


def build(fake: FakeRepo) -> dict[str, str]:
    """Write one of everything; return the checksums by what they are."""
    tree = {"usr": {"bin": {"sh": b"#!\n", "link": "sh"}}, "motd": b"hello\x1b"}
    made = {"first": fake.commit(tree, time=1, subject="First\x1b[2J", parent="9" * 64)}
    made["second"] = fake.commit(
        {**tree, "new": b"x"},
        parent=made["first"],
        time=2,
        body="why",
        metadata={
            "version": Variant("s", "2.0"),
            "rpmostree.rpmdb.pkglist": packages("bash", "zlib"),
            "key\u202e": Variant("s", "\u202e"),
        },
        ref="os/x86_64/stable",
    )
    made["layered"] = fake.commit(
        tree,
        parent=made["second"],
        time=3,
        metadata={"rpmostree.clientlayer": Variant("b", value=True)},
        ref="ostree/0/1/0",
    )
    made["merged"] = fake.commit(
        tree,
        parent=made["second"],
        time=4,
        metadata={"ostree.manifest-digest": Variant("s", MANIFEST)},
        ref="ostree/container/image/docker_3A__2F__2F_example_2E_org/os_3A_1",
    )
    made["orphan"] = fake.commit({}, time=5)
    made["gone"] = fake.put(encode("a{sv}", {}), "tombstone-commit", "7" * 64)
    made["partial"] = fake.commit("8" * 64, time=6, ref="partial")
    (fake.path / "state" / f"{made['partial']}.commitpartial").write_text("")
    fake.ref("corp/os/x86_64/stable", made["second"], "remotes")
    fake.ref("org.example.Os/os/x86_64/stable", made["second"], "mirrors")
    fake.alias("latest", "os/x86_64/stable")
    detached = {"ostree.sign.ed25519": Variant("aay", [bytes(64)])}
    fake.put(encode("a{sv}", detached), "commitmeta", made["second"])
    fake.summary({"os/x86_64/stable": made["first"], "old": made["first"]}, {})
    return made


class TestOstreeContract(ReaderContract):
    @pytest.fixture
    def reader(self, fake: FakeRepo) -> Reader:
        build(fake)
        return OstreeReader(SourceSpec("ostree", str(fake.path), "repo"))

    @pytest.fixture
    def missing(self, tmp_path: Path) -> Reader:
        return OstreeReader(SourceSpec("ostree", str(tmp_path / "absent"), "absent"))


def test_refs_and_what_they_point_at(fake: FakeRepo) -> None:
    made = build(fake)
    seen = Seen(fake)
    assert seen.problems == []
    second = ids.commit(made["second"])
    for name in (
        "os/x86_64/stable",
        "corp:os/x86_64/stable",
        "mirrors/org.example.Os/os/x86_64/stable",
    ):
        start = ids.ref("repo", name)
        assert seen.edges(start) == [(EdgeKind.POINTS_AT, second, Level.EXACT)]
        assert seen.ref(name)["name"] == "os/x86_64/stable"
    assert seen.ref("corp:os/x86_64/stable")["remote"] == "corp"
    assert seen.ref("mirrors/org.example.Os/os/x86_64/stable")["collection"] == "org.example.Os"
    assert seen.ref("latest")["alias_of"] == "os/x86_64/stable"
    assert seen.edges(ids.ref("repo", "latest")) == [
        (EdgeKind.POINTS_AT, ids.ref("repo", "os/x86_64/stable"), Level.EXACT)
    ]
    assert seen.ref("ostree/0/1/0")["internal"] is True
    assert "internal" not in seen.ref("latest")
    image = "ostree/container/image/docker_3A__2F__2F_example_2E_org/os_3A_1"
    assert seen.graph.node(ids.ref("repo", image)).names == ("docker://example.org/os:1",)


def test_a_summary_is_a_claim(fake: FakeRepo) -> None:
    made = build(fake)
    seen = Seen(fake)
    assert seen.ref("os/x86_64/stable")["summary"] == made["first"]
    assert "summary" not in seen.ref("latest")
    assert seen.ref("old") == {"name": "old", "summary": made["first"]}
    assert seen.edges(ids.ref("repo", "old")) == [
        (EdgeKind.POINTS_AT, ids.commit(made["first"]), Level.DECLARED)
    ]


def test_commits_and_what_they_came_from(fake: FakeRepo) -> None:
    made = build(fake)
    seen = Seen(fake)
    first, second = ids.commit(made["first"]), ids.commit(made["second"])
    assert seen.edges(second) == [(EdgeKind.PARENT, first, Level.EXACT)]
    assert seen.edges(first) == [(EdgeKind.PARENT, ids.commit("9" * 64), Level.EXACT)]
    assert not seen.graph.knows(ids.commit("9" * 64)), "history pruned: mentioned, not described"
    assert seen.edges(ids.commit(made["layered"])) == [(EdgeKind.LAYERED_ON, second, Level.EXACT)]
    assert seen.edges(ids.commit(made["merged"])) == [
        (EdgeKind.IMPORTED_FROM, f"image:{MANIFEST}", Level.EXACT),
        (EdgeKind.LAYERED_ON, second, Level.EXACT),
    ]
    attrs = seen.attrs(made["second"])
    assert attrs["version"] == "2.0"
    assert attrs["packages"] == 2
    assert attrs["body"] == "why"
    assert attrs["timestamp"] == 2
    assert attrs["metadata"] == {"key\\u{202e}": "\\u{202e}"}
    assert attrs["detached"] == ["ostree.sign.ed25519"]
    assert attrs["signatures"] == [{"type": "ed25519"}]
    assert attrs["verified"] == "tree"
    assert seen.graph.node(second).label == "2.0"
    assert seen.graph.node(first).label == "First\\u{1b}[2J"


def test_commits_of_one_content_have_one_content_checksum(fake: FakeRepo) -> None:
    made = build(fake)
    seen = Seen(fake)
    assert seen.attrs(made["first"])["content"] == seen.attrs(made["layered"])["content"]
    tree, meta = fake.tree({}), fake.dirmeta()
    empty = sha256(bytes.fromhex(tree + meta)).hexdigest()
    assert seen.attrs(made["orphan"])["content"] == empty


def test_partial_and_deleted_commits(fake: FakeRepo) -> None:
    made = build(fake)
    seen = Seen(fake)
    assert seen.problems == [], "objects of a partial commit may be missing"
    assert seen.attrs(made["partial"])["partial"] is True
    assert seen.attrs(made["partial"])["verified"] == "commit"
    assert seen.attrs(made["gone"]) == {"tombstone": True}


def test_facts_stream_before_trees_are_verified(fake: FakeRepo) -> None:
    made = build(fake)
    facts = Seen(fake).facts
    nodes = [f for f in facts if isinstance(f, NodeFact) and f.id == ids.commit(made["second"])]
    assert [n.attrs["verified"] for n in nodes] == ["commit", "tree"]
    last_edge = max(n for n, f in enumerate(facts) if isinstance(f, EdgeFact))
    assert facts.index(nodes[1]) > last_edge


def test_what_was_verified_stays_verified(fake: FakeRepo) -> None:
    made = build(fake)
    reader = OstreeReader(SourceSpec("ostree", str(fake.path), "repo"))
    list(reader.read(ReadContext(clock=FixedClock())))
    again = list(reader.read(ReadContext(clock=FixedClock(1_800_000_000.0))))
    nodes = [f for f in again if isinstance(f, NodeFact) and f.id == ids.commit(made["second"])]
    assert [n.attrs["verified"] for n in nodes] == ["tree"]


def test_beyond_the_budget_only_commits_are_verified(fake: FakeRepo) -> None:
    made = build(fake)
    seen = Seen(fake, Budget(objects=0))
    assert seen.attrs(made["second"])["verified"] == "commit"
    assert seen.problems == []


def test_a_damaged_commit_is_a_red_node_and_the_rest_is_read(fake: FakeRepo) -> None:
    made = build(fake)
    path = fake.object(made["second"], "commit")
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")
    seen = Seen(fake)
    assert [p.subject for p in seen.problems] == [f"commit {made['second']}"]
    assert "hash" in seen.attrs(made["second"])["damaged"]
    assert set(seen.attrs(made["second"])) == {"damaged"}
    assert seen.attrs(made["first"])["verified"] == "tree"


@pytest.mark.parametrize("harm", ["content", "dirtree", "missing"])
def test_damage_in_a_tree_reaches_the_commit(fake: FakeRepo, harm: str) -> None:
    made = build(fake)
    sub = fake.tree({"sh": b"#!\n", "link": "sh"})
    path = fake.object(sub, "dirtree")
    if harm != "dirtree":
        path = fake.object(fake.content(b"#!\n"), "filez")
    if harm == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1] + b"\x99")
    seen = Seen(fake)
    assert len(seen.problems) == 1
    assert "/usr/bin" in seen.problems[0].why
    for name in ("first", "second", "layered", "merged"):
        attrs = seen.attrs(made[name])
        assert attrs["damaged"]
        assert attrs["verified"] == "commit"
        assert "content" not in attrs, "a damaged tree is not compared with others"
    assert seen.attrs(made["orphan"])["verified"] == "tree"


def test_a_ref_without_its_commit_is_a_problem(fake: FakeRepo) -> None:
    fake.ref("dangling", "3" * 64)
    fake.ref("deleted", "7" * 64)
    fake.put(b"", "tombstone-commit", "7" * 64)
    seen = Seen(fake)
    assert [p.subject for p in seen.problems] == ["ref dangling"]
    assert seen.edges(ids.ref("repo", "dangling"))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"garbage",
        encode("(a(s(taya{sv}))a{sv})", ([("a", (0, b"short", {}))], {})),
        encode("(a(s(taya{sv}))a{sv})", ([], {"ostree.summary.collection-id": Variant("s", "x")}))[
            :-1
        ],
    ],
)
def test_a_damaged_summary_is_a_problem(fake: FakeRepo, data: bytes) -> None:
    (fake.path / "summary").write_bytes(data)
    assert [p.subject for p in Seen(fake).problems] == ["summary"]


def test_hostile_names_in_a_summary_are_refused(fake: FakeRepo) -> None:
    good = fake.commit({})
    refs = dict.fromkeys(["../../x", "\x1b[31m", "", "ok"], good)
    listed = [("os", (0, bytes.fromhex(good), {}))]
    kind = "a{sa(s(taya{sv}))}"
    mirrored = {"org.example.Os": listed, "../evil": listed}
    fake.summary(refs, {"ostree.summary.collection-map": Variant(kind, mirrored)})
    seen = Seen(fake)
    assert {f.id for f in seen.facts if isinstance(f, NodeFact) and f.id.startswith("ref:")} == {
        "ref:repo/ok",
        "ref:repo/mirrors/org.example.Os/os",
    }
    assert len(seen.problems) == 4


def test_wrong_metadata_is_a_problem_and_not_more(fake: FakeRepo) -> None:
    name = fake.commit(
        {},
        time=2**64 - 1,
        metadata={
            "ostree.manifest-digest": Variant("s", "latest"),
            "ostree.sizes": Variant("aay", [b"x"]),
        },
    )
    fake.put(b"garbage", "commitmeta", name)
    other = fake.commit({}, time=1)
    good = encode("a{sv}", {"ostree.gpgsigs": Variant("aay", [b"abc"])})
    fake.put(good.replace(b"abc\x03", b"abc\x09"), "commitmeta", other)
    seen = Seen(fake)
    assert len(seen.problems) == 4
    assert "manifest_digest" not in seen.attrs(name)
    assert "timestamp" not in seen.attrs(name)


def test_static_deltas_are_listed_on_their_commit(fake: FakeRepo) -> None:
    first = fake.commit({}, time=1)
    name = fake.commit({}, parent=first, time=2, ref="a")
    fake.delta(name, size=100, unpacked=300)
    fake.delta(name, start=first, size=10, unpacked=30)
    (fake.path / "deltas" / "zz" / "short").mkdir(parents=True)
    seen = Seen(fake)
    assert [p.subject for p in seen.problems] == ["static delta zzshort"]
    assert sorted(seen.attrs(name)["deltas"], key=lambda d: d["size"]) == [
        {"from": first, "size": 10, "unpacked": 30, "parts": 1, "fallbacks": 0},
        {"from": None, "size": 100, "unpacked": 300, "parts": 1, "fallbacks": 0},
    ]


def test_a_pruned_repository_reads_parents_from_its_parent(tmp_path: Path) -> None:
    behind = FakeRepo(tmp_path / "behind")
    base = behind.commit({"a": b"1"}, subject="base", ref="hidden")
    fake = FakeRepo(tmp_path / "repo", config=f"parent={behind.path}\n")
    name = fake.commit({"a": b"1"}, parent=base, ref="own")
    seen = Seen(fake)
    assert seen.problems == []
    assert seen.attrs(base)["subject"] == "base"
    assert seen.attrs(name)["verified"] == "tree"
    assert not seen.graph.knows(ids.ref("repo", "hidden"))


def test_the_adapter_recognises_repositories(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own,) = adapter.ADAPTERS
    fake = FakeRepo(tmp_path / "host" / "ostree" / "repo")
    for path in (fake.path, fake.path.parent, tmp_path / "host"):
        assert own.recognise(path)
    for path in (tmp_path, fake.path / "objects", tmp_path / "absent"):
        assert not own.recognise(path)
    (fake.path / "config").write_text("[core]\n")
    assert not own.recognise(fake.path)
    with pytest.raises(NotRecognised):
        list(own.open(SourceSpec("ostree", str(fake.path), "x"), True).read(ReadContext()))
    second = FakeRepo(tmp_path / "second")
    link = tmp_path / "link"
    link.symlink_to(second.path)
    places = (str(tmp_path / "absent"), str(link), str(second.path))
    monkeypatch.setattr(adapter, "SYSTEM_REPOSITORIES", places)
    assert own.discover({}) == (SourceSpec("ostree", str(link)),)
    assert own.kind == OstreeReader.kind
    assert Capability.VERIFIES in OstreeReader.capabilities
    assert [row.ok for row in own.doctor()] == [None]


def test_commits_of_refs_come_first_and_each_commit_once(fake: FakeRepo) -> None:
    parent = ""
    for number in range(40):
        parent = fake.commit({}, parent=parent, time=number)
    fake.ref("tip", parent)
    seen = Seen(fake, Budget(objects=0))
    nodes = [f.id for f in seen.facts if isinstance(f, NodeFact) and f.id.startswith("commit:")]
    assert nodes[0] == ids.commit(parent)
    assert len(nodes) == len(set(nodes)) == 40


def test_when_the_objects_cannot_be_listed_refs_are_followed(
    fake: FakeRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = fake.commit({}, time=1)
    fake.commit({}, time=2, parent=first, ref="tip")
    monkeypatch.setattr(repo, "MAX_OBJECTS", 0)
    seen = Seen(fake)
    assert [p.subject for p in seen.problems] == ["objects"]
    assert seen.attrs(first)["verified"] == "tree"


@given(st.text(st.sampled_from(" \t\r\n\x1b\u2028\u202e\u3000aé"), max_size=12))
@example("x" * 70_000)
@example(" " * 1001 + "x")
@example("x" * 300_000)
def test_a_commit_is_called_by_the_first_line_of_its_subject(subject: str) -> None:
    assert safe(_title(subject)) == one_line(subject)


def test_layers_and_successors_are_told_apart_in_one_folder(fake: FakeRepo) -> None:
    base = fake.commit({}, time=1)
    kinds = {base: []}
    for number in range(600):
        layer = {"rpmostree.clientlayer": Variant("b", True)}
        kind = (EdgeKind.PARENT, EdgeKind.LAYERED_ON)[number % 2]
        name = fake.commit({}, time=number, parent=base, metadata=layer if number % 2 else {})
        kinds[name] = [(kind, ids.commit(base), Level.EXACT)]
    assert len({name[:2] for name in kinds}) < len(kinds) / 2
    seen = Seen(fake)
    assert {name: seen.edges(ids.commit(name)) for name in kinds} == kinds
