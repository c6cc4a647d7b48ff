"""``diff``, ``blame`` and ``bisect`` on the demo world."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.oci_layout import Layout, config_of, link, tar_of
from support.readers import HOSTILE

from treering.core.diff.compare import Part
from treering.core.gates import LEDGER

OLD, NEW = "registry/shop/web:1.1", "registry/shop/web:1.2"
STABLE, TESTING = "os-repo/edge/x86_64/stable", "os-repo/edge/x86_64/testing"


def config(demo: Path) -> tuple[str, Path]:
    return "--config", demo / "treering.toml"


class TestDiff:
    def test_two_versions_of_an_image(self, run: Any, demo: Path) -> None:
        done = run("diff", OLD, NEW, "--json", *config(demo))
        assert done.code == 1
        found = done.json
        assert found["schema"] == "treering.diff/1"
        assert found["a"] == "tag:registry/shop/web:1.1"
        assert found["equal"] is False
        assert found["summary"] == {"added": 5, "removed": 2, "modified": 6}
        changes = {file["path"]: file for file in found["files"]}
        assert list(changes) == sorted(changes)
        assert changes["/srv"]["change"] == "added"
        assert changes["/srv"]["a"] is None
        assert changes["/srv"]["b"]["type"] == "directory"
        assert changes["/usr/bin/sh"]["fields"] == ["content"]
        assert [(p["name"], p["change"]) for p in found["packages"]] == [
            ("base-files", "upgraded"),
            ("libc6", "upgraded"),
            ("openssl", "upgraded"),
        ]
        assert {c["key"] for c in found["config"]} >= {"labels.org.opencontainers.image.version"}
        assert [layer["in"] for layer in found["layers"]] == ["b"] * 4 + ["a"] * 4
        assert len(found["source"]["commits"]) == 5
        assert found["missing"] == []

    def test_backwards_upgrades_are_downgrades(self, run: Any, demo: Path) -> None:
        found = run("diff", NEW, OLD, "--json", *config(demo)).json
        assert {p["change"] for p in found["packages"]} == {"downgraded"}
        assert found["summary"] == {"added": 2, "removed": 5, "modified": 6}
        assert {c["in"] for c in found["source"]["commits"]} == {"a"}

    def test_a_thing_and_itself_by_two_names(self, run: Any, demo: Path) -> None:
        done = run("diff", NEW, "registry/shop/web:latest", "--json", *config(demo))
        assert done.code == 0
        assert done.json["equal"] is True
        assert done.json["files"] == done.json["packages"] == done.json["config"] == []

    def test_two_commits(self, run: Any, demo: Path) -> None:
        found = run("diff", STABLE, TESTING, "--json", *config(demo)).json
        assert [f["path"] for f in found["files"]] == [
            "/usr/bin/edge-agent",
            "/usr/lib/os-release",
            "/usr/lib/systemd/system/edge-agent.timer",
        ]
        assert [(p["name"], p["change"]) for p in found["packages"]] == [("edge-agent", "upgraded")]
        assert found["layers"] == []

    def test_a_rebuild_is_equal(self, run: Any, demo: Path) -> None:
        done = run("diff", "os-repo/edge/x86_64/rebuild", STABLE, *config(demo))
        assert done.code == 0
        assert "equal" in done.out

    def test_an_image_and_a_commit(self, run: Any, demo: Path) -> None:
        done = run("diff", "registry/os/edge:stable", STABLE, "--json", *config(demo))
        assert done.code == 0
        assert done.json["equal"] is True
        assert done.json["layers"] == done.json["config"] == []
        assert any("/usr/etc" in note for note in done.json["notes"])
        other = run("diff", TESTING, "registry/os/edge:stable", "--json", *config(demo))
        assert other.code == 1
        assert [f["path"] for f in other.json["files"]] == [
            "/usr/bin/edge-agent",
            "/usr/lib/os-release",
            "/usr/lib/systemd/system/edge-agent.timer",
        ]

    @pytest.mark.parametrize("part", list(Part))
    def test_only_one_part(self, run: Any, demo: Path, part: str) -> None:
        found = run("diff", OLD, NEW, "--json", "--only", part, *config(demo)).json
        filled = {p for p in ("layers", "files", "packages", "config", "source") if found[p]}
        assert filled == {part}

    def test_the_listing_has_counts_packages_and_whole_paths(self, run: Any, demo: Path) -> None:
        done = run("diff", OLD, NEW, *config(demo))
        lines = done.out.splitlines()
        assert "packages    3 upgraded" in lines
        assert "↑ libc6       2.36-9+deb12u1 → 2.36-9+deb12u4  amd64" in lines
        assert "~ /etc/shop/shop.conf  content, size" in lines
        assert "\x1b" not in done.out
        stat = run("diff", OLD, NEW, "--stat", *config(demo)).out
        assert len(stat.splitlines()) < len(lines)
        assert "libc6  " not in stat

    def test_unified_shows_lines(self, run: Any, demo: Path) -> None:
        done = run("diff", OLD, NEW, "--only", "files", "--unified", *config(demo))
        assert "--- a/etc/shop/shop.conf\n+++ b/etc/shop/shop.conf\n@@ -1,3 +1,3 @@" in done.out
        assert "\n-version = 1.1\n" in done.out
        document = run("diff", OLD, NEW, "--unified", "--json", *config(demo)).json
        content = {c["path"]: c["lines"] for c in document["content"]}
        assert "+version = 1.2" in content["/etc/shop/shop.conf"]

    def test_markdown(self, run: Any, demo: Path) -> None:
        out = run("diff", OLD, NEW, "--markdown", *config(demo)).out
        assert out.startswith("### `image shop/web:1.1 ")
        assert "| upgraded | `libc6` | `2.36-9+deb12u1` | `2.36-9+deb12u4` |" in out

    def test_ascii_terminals_get_ascii(self, run: Any, demo: Path) -> None:
        done = run("diff", OLD, NEW, *config(demo), encoding="ascii")
        assert done.code == 1
        assert done.out.isascii()

    @pytest.mark.parametrize(
        ("argv", "words"),
        [
            (["nothing-like-it", NEW], "nothing here is called"),
            ([OLD, "registry/shop/web:1.1", "--only", "fles"], "is none of"),
            (["shop/main", NEW], ""),
        ],
    )
    def test_trouble_is_2(self, run: Any, demo: Path, argv: list[str], words: str) -> None:
        done = run("diff", *argv, *config(demo))
        assert done.code == 2
        assert words in done.err

    def test_files_that_are_not_there_are_missing_and_never_equal(
        self, run: Any, demo: Path, tmp_path: Path
    ) -> None:
        file = tmp_path / "world.jsonl"
        assert run("record", file, *config(demo)).code == 0
        source = ("--source", f"recording:{file}")
        done = run("diff", OLD, NEW, "--only", "files", "--json", *source)
        assert done.code == 2
        assert done.json["equal"] is None
        assert done.json["missing"][0]["part"] == "files"
        assert "files: " in done.err
        assert run("diff", OLD, NEW, *source).code == 1
        assert run("diff", NEW, "registry/shop/web:latest", *source).code == 0

    def test_a_damaged_layer_is_named(self, run: Any, demo: Path, tmp_path: Path) -> None:
        layout = tmp_path / "registry"
        shutil.copytree(demo / "registry", layout)
        layers = run("diff", OLD, NEW, "--json", *config(demo)).json["layers"]
        graph = run("graph", "--json", *config(demo)).json
        nodes = {node["id"]: node for node in graph["nodes"]}
        (blob,) = nodes[f"layer:{layers[2]['digest']}"]["attrs"]["blobs"]
        path = layout / "blobs" / blob.replace(":", "/")
        path.chmod(0o644)
        path.write_bytes(path.read_bytes()[:-20])
        done = run("diff", OLD, NEW, "--only", "files", "--source", f"oci-layout:{layout}")
        assert done.code == 2
        assert blob in done.err.replace("/", ":")

    def test_it_is_allowed_in_audit_mode(self, run: Any, demo: Path) -> None:
        assert run("diff", OLD, NEW, *config(demo), audited=True).code == 1


def hostile_layout(path: Path) -> Path:
    """Two images whose every text is hostile: paths, links, content, settings, packages."""
    layout = Layout()
    evil = HOSTILE.replace("/", "")
    for name, more in (("a", b"1"), ("b", b"2")):
        status = f"Package: {evil}\nStatus: install ok installed\nVersion: {evil}{name}\n\n"
        tar = tar_of(
            {
                f"etc/{evil}": HOSTILE.encode() * 3 + more,
                f"only-{name}{evil}": b"",
                "link": link("link", HOSTILE + name),
                "var/lib/dpkg/status": status.replace("\nnewline", "").encode(),
            }
        )
        run = {"Env": [f"{HOSTILE}={HOSTILE}{name}"], "Labels": {HOSTILE: HOSTILE + name}}
        steps = [{"created_by": HOSTILE, "comment": HOSTILE, "created": HOSTILE}]
        config = config_of([tar], config=run, history=steps)
        layout.tag(layout.image([tar], config=config), name)
    return layout.write(path)


@pytest.mark.parametrize(
    "argv",
    [
        ["diff", "x:a", "x:b"],
        ["diff", "x:a", "x:b", "--stat", "--unified"],
        ["diff", "x:a", "x:b", "--unified", "--json"],
        ["diff", "x:a", "x:b", "--markdown"],
        ["blame", "/link", "x:b"],
        ["blame", f"/etc/{HOSTILE.replace('/', '')}", "x:b"],
        ["blame", "/link", "x:b", "--json"],
        ["blame", f"/{HOSTILE}", "x:b"],
        ["diff", HOSTILE, "x:b"],
        ["diff", "x:a", "x:b", "--only", HOSTILE],
    ],
)
def test_hostile_images_print_nothing_a_terminal_obeys(
    run: Any, tmp_path: Path, argv: list[str]
) -> None:
    layout = hostile_layout(tmp_path / "x")
    done = run(*argv, "--source", f"oci-layout:{layout}")
    assert done.code in {0, 1, 2}, done.err
    assert "bug" not in done.err
    assert not CONTROL.search(done.out), done.out
    assert not CONTROL.search(done.err), done.err
    if argv[:3] == ["diff", "x:a", "x:b"] and HOSTILE not in argv:
        assert done.code == 1
        assert "\\u{1b}" in done.out


CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


class TestBlame:
    def test_a_layer_with_the_step_that_made_it(self, run: Any, demo: Path) -> None:
        found = run("blame", "/usr/share/shop/sample.csv", NEW, "--json", *config(demo)).json
        assert found["schema"] == "treering.blame/1"
        assert found["exists"] is False
        assert [(t["what"], t["position"]) for t in found["touched"]] == [
            ("removed", 3),
            ("brought", 2),
        ]
        assert found["touched"][0]["step"] == "COPY web/ /"

    def test_a_commit_and_what_it_was_built_from(self, run: Any, demo: Path) -> None:
        out = run("blame", "/usr/bin/edge-agent", STABLE, *config(demo)).out
        assert "40.10" in out
        assert "from git:" in out

    def test_what_was_never_there(self, run: Any, demo: Path) -> None:
        done = run("blame", "/nope", NEW, *config(demo))
        assert done.code == 2
        assert "never was" in done.err
        assert run("blame", "nope", NEW, *config(demo)).code == 2


def commit(run: Any, demo: Path, version: str) -> str:
    nodes = run("graph", "--json", *config(demo)).json["nodes"]
    return next(n["id"] for n in nodes if n["kind"] == "commit" and n["label"] == version)


@pytest.fixture
def ledger() -> Iterator[None]:
    """Take out of the ledger, which is that of the process, what a test put in."""
    before = len(LEDGER.entries)
    yield
    del LEDGER.entries[before:]


@pytest.mark.usefixtures("ledger")
class TestBisect:
    BAD = "import os, sys; sys.exit(float(os.environ['TREERING_VERSION'].split('.')[1]) >= 7)"

    def test_the_first_bad_commit(self, run: Any, demo: Path) -> None:
        good = commit(run, demo, "40.3")
        command = (sys.executable, "-c", self.BAD)
        done = run("bisect", good, STABLE, *config(demo), "--", *command)
        assert done.code == 0
        assert "commit 40.7 " in done.out
        assert "is the first bad version" in done.out

    def test_json_is_alone_on_standard_output(self, run: Any, demo: Path, capfd: Any) -> None:
        good = commit(run, demo, "40.3")
        command = (sys.executable, "-c", "print('noise'); " + self.BAD)
        done = run("bisect", good, STABLE, "--json", *config(demo), "--", *command)
        assert done.json["schema"] == "treering.bisect/1"
        assert done.json["found"] == commit(run, demo, "40.7")
        assert {t["verdict"] for t in done.json["trials"]} == {"good", "bad"}
        assert capfd.readouterr().out == ""

    def test_a_word_in_braces_is_the_node_and_nothing_is_a_shell(
        self, run: Any, demo: Path, tmp_path: Path
    ) -> None:
        told = tmp_path / "told"
        code = "import sys; open(sys.argv[1], 'a').write(sys.argv[2] + sys.argv[3] + '\\n')"
        argv = (sys.executable, "-c", code, told, "{}", "$(id); `id`")
        run("bisect", "registry/shop/web:1.0", NEW, *config(demo), "--", *argv)
        first = told.read_text().splitlines()[0]
        assert first.startswith("image:sha256:")
        assert first.endswith("$(id); `id`")

    def test_all_skipped_names_the_suspects(self, run: Any, demo: Path) -> None:
        command = (sys.executable, "-c", "raise SystemExit(125)")
        good = commit(run, demo, "40.8")
        done = run("bisect", good, STABLE, *config(demo), "--", *command)
        assert done.code == 1
        assert done.out.count("commit 40.") == 2

    @pytest.mark.parametrize(
        ("ends", "command", "words"),
        [
            ((STABLE, NEW), ["true"], "only images or commits"),
            ((NEW, OLD), ["true"], "other way round"),
            ((OLD, "registry/vendor/agent:7"), ["true"], "no repository has tags of both"),
            (("registry/shop/web:1.0", NEW), ["/no/such/tool"], "cannot run"),
            (("registry/shop/web:1.0", NEW), ["sh", "-c", "exit 137"], "no verdict"),
        ],
    )
    def test_refusals_say_why(
        self, run: Any, demo: Path, ends: tuple[str, str], command: list[str], words: str
    ) -> None:
        done = run("bisect", *ends, *config(demo), "--", *command)
        assert done.code == 2
        assert words in done.err

    @pytest.mark.parametrize("audited", [True, False])
    def test_audit_mode_runs_nothing(
        self, run: Any, demo: Path, tmp_path: Path, *, audited: bool
    ) -> None:
        mode = () if audited else ("--audit",)
        argv = ("bisect", "registry/shop/web:1.0", NEW, *mode, *config(demo), "--", "touch", "x")
        before = len(LEDGER.entries)
        done = run(*argv, audited=audited)
        refused = LEDGER.entries[before:]
        assert [(e.gate, e.what, e.allowed) for e in refused] == [("bisect", "touch x", False)]
        assert done.code == 4
        assert not (tmp_path / "x").exists()


def test_the_parser_knows_the_parts() -> None:
    from treering.cli import parser

    assert tuple(Part) == parser._PARTS


def test_json_documents_are_json(run: Any, demo: Path) -> None:
    assert json.loads(run("diff", OLD, NEW, "--json", *config(demo)).out)
