"""The git reader against the real git: the same history, and nothing run or written."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from support.contract import FixedClock
from support.tools import need, need_root

from treering.adapters.git.reader import MAX_CONTAINING, GitReader
from treering.core import ids
from treering.core.errors import NotPermitted, NotRecognised
from treering.core.facts import EdgeFact, NodeFact
from treering.core.ports import ReadContext

pytestmark = pytest.mark.real

QUIET = {
    "PATH": os.environ.get("PATH", ""),
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "Ann",
    "GIT_AUTHOR_EMAIL": "ann@example.org",
    "GIT_COMMITTER_NAME": "Ann",
    "GIT_COMMITTER_EMAIL": "ann@example.org",
    "LC_ALL": "C.UTF-8",
}


def git(path: Path, *arguments: str, stdin: str = "") -> str:
    done = subprocess.run(
        [need("git"), "-c", "safe.directory=*", "-C", str(path), *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=True,
        env=QUIET,
        timeout=60,
    )
    return done.stdout


def stream(seed: int) -> str:
    """Return a random history as git-fast-import(1) reads it: merges, tags, odd subjects."""
    chance = random.Random(seed)  # noqa: S311 -- the same histories on every run
    words = [
        "fix",
        "add ring",
        "Äpfel",
        "  spaced  ",
        "two\nlines",
        "\n\nlate",
        "a\n\nbody",
        "",
        "x" * 300,
    ]
    out, count = [], chance.randrange(1, 60)
    time = 1_500_000_000
    for mark in range(1, count + 1):
        time += chance.choice([0, 0, 1, 60]) if seed % 3 else 60
        if seed % 5 == 4:
            time += chance.choice([-500, 0, 500])
        message = chance.choice(words)
        size = len(message.encode())
        parents = chance.sample(range(1, mark), min(mark - 1, chance.choice([1, 1, 1, 1, 2, 2, 3])))
        if mark > 1 and chance.random() < 0.03:
            parents = []
        out.append(f"commit refs/heads/b{mark}\nmark :{mark}\n")
        out.append(f"author A {mark} <a@example.org> {time} +0100\n")
        out.append(f"committer C <c@example.org> {time} -0500\ndata {size}\n{message}\n")
        for number, parent in enumerate(parents):
            out.append(f"{'merge' if number else 'from'} :{parent}\n")
        out.append(f"M 644 inline f\ndata {len(str(mark))}\n{mark}\n\n")
    for number in range(chance.choice([0, 1, 3, 6, 9, 14])):
        at = chance.randrange(1, count + 1)
        if chance.random() < 0.5:
            out.append(
                f"tag a{number}\nfrom :{at}\ntagger T <t@x> {time + number} +0000\ndata 1\nx\n"
            )
        else:
            out.append(f"reset refs/tags/l{number}\nfrom :{at}\n\n")
    return "".join(out)


def make(path: Path, seed: int) -> Path:
    path.mkdir()
    git(path, "init", "-q", "--initial-branch=b1", *(["--bare"] if seed % 2 else []))
    git(path, "fast-import", "--quiet", stdin=stream(seed))
    if seed % 4 == 0:
        git(path, "gc", "-q", "--prune=now")
    if seed % 4 == 1:
        git(path, "pack-refs", "--all", "--prune")
    return path


@pytest.mark.parametrize("seed", range(16))
def test_reads_the_history_git_log_shows(tmp_path: Path, seed: int) -> None:
    path = make(tmp_path / "repo", seed)
    context = ReadContext(clock=FixedClock())
    facts = list(GitReader(str(path), "repo").read(context))
    assert context.problems == []
    shown = {}
    order = []
    form = "--format=%H%x1f%P%x1f%s%x1f%an <%ae>%x1f%ct%x1e"
    for record in git(path, "log", "--all", form).split("\x1e"):
        if record.strip():
            oid, parents, subject, author, time = record.strip("\n").split("\x1f")
            shown[oid] = (tuple(parents.split()), subject, author, int(time))
            order.append(oid)
    nodes = {ids.content_of(f.id): f for f in facts if isinstance(f, NodeFact)}
    parents_of: dict[str, list[str]] = {oid: [] for oid in nodes}
    for fact in facts:
        if isinstance(fact, EdgeFact):
            parents_of[ids.content_of(fact.start)].append(ids.content_of(fact.end))
    assert set(nodes) == set(git(path, "rev-list", "--all").split())
    for oid, node in nodes.items():
        attrs = node.attrs
        read = (tuple(parents_of[oid]), attrs["subject"], attrs["author"], attrs["time"])
        assert read == shown[oid], oid
    if len({time for *_, time in shown.values()}) == len(shown):
        assert list(nodes) == order
    assert refs_of(nodes, "tags") == refs_by_git(path, "refs/tags")
    assert refs_of(nodes, "branches") == refs_by_git(path, "refs/heads")


def refs_of(nodes: dict[str, NodeFact], what: str) -> dict[str, str]:
    return {name: oid for oid, node in nodes.items() for name in node.attrs[what]}


def refs_by_git(path: Path, space: str) -> dict[str, str]:
    form = "--format=%(refname:lstrip=2) %(objectname) %(*objectname)"
    lines = (line.split() for line in git(path, "for-each-ref", form, space).splitlines())
    return {line[0]: line[-1] for line in lines}


@pytest.mark.parametrize("seed", range(24))
def test_describes_commits_as_git_does(tmp_path: Path, seed: int) -> None:
    path = make(tmp_path / "repo", seed)
    reader, context = GitReader(str(path), "repo"), ReadContext(clock=FixedClock())
    list(reader.read(context))
    oids = git(path, "rev-list", "--all").split()
    said = git(path, "describe", "--tags", "--always", *oids).splitlines()
    found = list(reader.look_up([ids.git(o) for o in oids], context))
    nodes = {ids.content_of(f.id): f.attrs for f in found if isinstance(f, NodeFact)}
    assert {oid: nodes[oid]["describe"] for oid in oids} == dict(zip(oids, said, strict=True))
    for oid in oids[:: max(1, len(oids) // 6)]:
        for what, command in (("tags", "tag"), ("branches", "branch")):
            form = "--format=%(refname:lstrip=2)"
            contain = git(path, command, form, "--contains", oid).split()
            listed = nodes[oid][f"in_{what}"]
            assert nodes[oid][f"in_{what}_count"] == len(contain)
            assert len(listed) == min(len(contain), MAX_CONTAINING)
            assert set(listed) <= set(contain)
    for oid in oids:
        assert reader.resolve_short(oid[:10]) == oid


def test_shallow_and_worktree_clones_of_the_real_git(tmp_path: Path) -> None:
    path = make(tmp_path / "repo", 3)
    git(tmp_path, "clone", "-q", "--depth=2", "--branch=b1", f"file://{path}", "shallow")
    git(path, "worktree", "add", "-q", "--detach", str(tmp_path / "side"), "b1")
    for where in ("shallow", "side"):
        context = ReadContext(clock=FixedClock())
        facts = list(GitReader(str(tmp_path / where), where).read(context))
        found = {ids.content_of(f.id) for f in facts if isinstance(f, NodeFact)}
        assert found == set(git(tmp_path / where, "rev-list", "--all", "HEAD").split())
        assert context.problems == []


def test_sha256_repositories_are_refused_clearly(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--object-format=sha256", "new")
    with pytest.raises(NotRecognised, match="sha256"):
        list(GitReader(str(tmp_path / "new"), "new").read(ReadContext()))


def test_a_repository_of_another_user_is_not_permitted(tmp_path: Path) -> None:
    need_root()
    path = make(tmp_path / "repo", 2)
    for at in (path, *path.rglob("*")):
        os.lchown(at, 12345, 12345)
    with pytest.raises(NotPermitted, match="not owned by the current user") as caught:
        list(GitReader(str(path), "repo", audit=True).read(ReadContext()))
    assert "safe.directory" not in caught.value.hint


READ = """
import json, sys
from treering.adapters.git.reader import GitReader
from treering.core.facts import NodeFact
from treering.core.ports import ReadContext
reader, context = GitReader(sys.argv[1], "r", True), ReadContext()
nodes = [f.id for f in reader.read(context) if isinstance(f, NodeFact)]
nodes += [f.id for f in reader.look_up(nodes, context) if isinstance(f, NodeFact)]
reader.resolve_short(nodes[0][4:12])
print(json.dumps([len(nodes), [p.why for p in context.problems]]))
"""

CANARY = """#!/bin/sh
touch "$(dirname "$0")/ran"
"""

CONFIG = """
[core]
\thooksPath = {dir}
\tfsmonitor = {dir}/canary
\tpager = {dir}/canary
\teditor = {dir}/canary
\tsshCommand = {dir}/canary
\tattributesFile = {dir}/attributes
[alias]
\tlog = !{dir}/canary
[diff "x"]
\ttextconv = {dir}/canary
\tcommand = {dir}/canary
[filter "x"]
\tclean = {dir}/canary
\tsmudge = {dir}/canary
\tprocess = {dir}/canary
\trequired = true
[diff]
\texternal = {dir}/canary
[credential]
\thelper = !{dir}/canary
[gpg]
\tprogram = {dir}/canary
[uploadpack]
\tpackObjectsHook = {dir}/canary
[submodule "sub"]
\tactive = true
\turl = ext::{dir}/canary
\tupdate = !{dir}/canary
[remote "origin"]
\turl = ext::{dir}/canary
\tpromisor = true
\tpartialclonefilter = blob:none
[include]
\tpath = {dir}/included
"""


def booby_trapped(tmp_path: Path) -> tuple[Path, Path]:
    """Return a repository whose every setting that can run a program runs a canary."""
    path, traps = make(tmp_path / "repo", 8), tmp_path / "traps"
    traps.mkdir()
    hooks = ["canary", "post-index-change", "reference-transaction", "post-checkout"]
    hooks += ["fsmonitor-watchman", "pre-auto-gc", "post-merge"]
    for name in hooks:
        for at in (traps / name, path / ".git/hooks" / name):
            at.write_text(CANARY)
            at.chmod(0o755)
    (traps / "included").write_text(f"[core]\n\taskPass = {traps}/canary\n")
    (traps / "attributes").write_text("* filter=x diff=x\n")
    (path / ".gitattributes").write_text("* filter=x diff=x\n")
    (path / ".gitmodules").write_text(
        f'[submodule "sub"]\n\tpath = sub\n\turl = ext::{traps}/canary\n'
    )
    with (path / ".git/config").open("a") as file:
        file.write(CONFIG.format(dir=traps))
    return path, traps


def test_the_adapter_is_listed_without_loading_libgit2() -> None:
    script = "import sys, treering.adapters.git.adapter; sys.exit('pygit2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False, timeout=60).returncode == 0


def test_reading_runs_nothing_and_writes_nothing(tmp_path: Path) -> None:
    path, traps = booby_trapped(tmp_path)
    log = tmp_path / "strace.log"
    calls = "execve,execveat,openat,open,creat,unlink,unlinkat,rename,renameat,renameat2,mkdir,"
    calls += "mkdirat,link,linkat,symlink,symlinkat,chmod,fchmodat,truncate,utimensat,connect"
    before = state(path)
    options = ["-f", "-qq", "-o", str(log), "-e", f"trace={calls}"]
    done = subprocess.run(
        [need("strace"), *options, sys.executable, "-B", "-c", READ, str(path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env={"PATH": QUIET["PATH"], "HOME": str(tmp_path / "nohome")},
    )
    count, problems = json.loads(done.stdout)
    assert count > 1
    assert problems == []
    assert not (traps / "ran").exists()
    assert not (path / ".git/hooks/ran").exists()
    assert state(path) == before
    lines = [line.split(maxsplit=1)[1] for line in log.read_text().splitlines()]
    assert sum(line.startswith(("execve", "execveat")) for line in lines) == 1
    reads = ("execve", "openat", "open(")
    other = [line for line in lines if not line.startswith(reads) and "= -1" not in line]
    assert [line for line in other if "SIG" not in line and "exited" not in line] == []
    writing = ("O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND")
    assert [line for line in lines if any(flag in line for flag in writing)] == []


def test_the_traps_do_spring_when_git_itself_reads(tmp_path: Path) -> None:
    path, traps = booby_trapped(tmp_path)
    subprocess.run(
        [need("git"), "-C", str(path), "status"],
        check=False,
        capture_output=True,
        timeout=60,
        env=QUIET,
    )
    assert (traps / "ran").exists()


def state(path: Path) -> dict[str, tuple[int, int, int]]:
    """Return size, mode and modification time of everything below `path`."""
    found = {}
    for at in (path, *sorted(path.rglob("*"))):
        info = at.lstat()
        found[str(at)] = (info.st_size, info.st_mode, info.st_mtime_ns)
    return found
