"""``demo``, ``record``, ``replay``, ``doctor``, ``completion``, and audit mode."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


def without_times(document: Any) -> Any:
    return {
        "nodes": document["nodes"],
        "edges": document["edges"],
    }


def test_demo_prints_where_it_built(run: Any, tmp_path: Path) -> None:
    done = run("demo", "--build-only", "--dir", tmp_path / "d")
    assert done.code == 0
    assert done.out == f"{tmp_path / 'd' / 'treering.toml'}\n"
    assert Path(done.out.strip()).is_file()
    again = run("demo", "--build-only", "--dir", tmp_path / "d", "--json")
    assert again.json == {"schema": "treering.demo/1", "config": done.out.strip()}


def test_demo_goes_to_the_cache_and_says_so_without_a_home(
    run: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert run("demo").out == f"{tmp_path / 'cache/treering/demo/treering.toml'}\n"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("HOME")
    done = run("demo")
    assert done.code == 2
    assert "--dir" in done.err


def test_demo_does_not_touch_a_directory_of_ones_own(run: Any, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    done = run("demo", "--build-only", "--dir", mine)
    assert done.code == 2
    assert [p.name for p in mine.iterdir()] == ["thesis.txt"]


def test_a_recording_replays_to_the_same_graph(run: Any, demo: Path, tmp_path: Path) -> None:
    config = ("--config", demo / "treering.toml")
    file = tmp_path / "world.jsonl"
    done = run("record", file, "--json", *config)
    assert done.code == 0
    assert done.json["schema"] == "treering.record/1"
    assert done.json["facts"] > 100
    replayed = run("replay", file, "--json")
    assert replayed.code == 0
    assert replayed.json["schema"] == "treering.replay/1"
    original = run("graph", "--json", *config)
    assert without_times(replayed.json) == without_times(original.json)
    assert "NODES" in run("replay", file).out
    as_source = run("graph", "--json", "--source", f"recording:{file}")
    assert without_times(as_source.json) == without_times(original.json)


def test_a_partial_reading_is_recorded_and_said_again_at_replay(
    run: Any, demo: Path, tmp_path: Path
) -> None:
    file = tmp_path / "world.jsonl"
    sources = ("--source", f"ostree:{demo / 'os-repo'}", "--source", "oci-layout:none")
    assert run("record", file, *sources).code == 3
    done = run("replay", file, "--json")
    assert done.code == 3
    assert "was failed when recorded" in done.err


def test_recording_to_nowhere_changes_nothing(run: Any, demo: Path, tmp_path: Path) -> None:
    done = run("record", tmp_path / "no" / "file", "--source", f"ostree:{demo / 'os-repo'}")
    assert done.code == 2
    assert "cannot write the recording" in done.err


@pytest.mark.parametrize("content", ["", "nonsense\n", "\x7fELF"])
def test_replaying_what_is_no_recording(run: Any, tmp_path: Path, content: str) -> None:
    (tmp_path / "x").write_text(content)
    done = run("replay", tmp_path / "x")
    assert done.code == 3
    assert "not a treering recording" in done.err


def test_doctor_has_a_row_for_every_adapter_and_source(run: Any, demo: Path) -> None:
    done = run("doctor", "--json", "--config", demo / "treering.toml")
    assert done.code == 0
    rows = {check["name"]: check for check in done.json["checks"]}
    for kind in ("oci-layout", "docker-archive", "docker", "podman", "ostree", "git", "recording"):
        assert kind in rows
    assert "look up" in rows["source shop"]["detail"]
    assert rows["gates"]["ok"] is True
    table = run("doctor", "--config", demo / "treering.toml").out
    assert table.startswith("CHECK")


def test_doctor_without_sources_is_no_failure(run: Any) -> None:
    done = run("doctor")
    assert done.code == 0
    assert "no source found" in done.err


def test_doctor_fails_with_a_source_that_cannot_be_read(run: Any) -> None:
    done = run("doctor", "--source", "docker:/nowhere/docker.sock", "--json")
    assert done.code == 3
    assert "/nowhere/docker.sock" in done.out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(run: Any, shell: str) -> None:
    done = run("completion", shell)
    assert done.code == 0
    assert "treering" in done.out
    assert "_ARGCOMPLETE" in done.out


@pytest.mark.parametrize("audited", [True, False])
def test_audit_mode_reads_and_refuses_to_write(
    run: Any, demo: Path, tmp_path: Path, audited: bool
) -> None:
    mode = () if audited else ("--audit",)
    config = ("--config", demo / "treering.toml")
    assert run("graph", "--json", *mode, *config, audited=audited).code == 0
    assert run("doctor", "--json", *mode, *config, audited=audited).json["audit"] is True
    for argv in (["demo", "--dir", "d"], ["record", "f"]):
        done = run(*argv, *mode, *config, audited=audited)
        assert done.code == 4
        assert "audit mode" in done.err
    assert sorted(p.name for p in tmp_path.iterdir()) == []


def completions(line: str, cwd: Path, **environ: str) -> list[str]:
    """Ask as the script of bash does, and return what is offered."""
    import os
    import subprocess
    import sys

    asked = {
        **os.environ,
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(cwd / "offered"),
        "_ARGCOMPLETE_IFS": "\n",
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
        "COMP_TYPE": "9",
        **environ,
    }
    program = "from treering.bootstrap.main import program; program()"
    subprocess.run([sys.executable, "-c", program], cwd=cwd, env=asked, check=False)
    offered = (cwd / "offered").read_text() if (cwd / "offered").exists() else ""
    return [word.strip() for word in offered.split("\n") if word]


def test_a_shell_completes_commands_options_and_nodes(demo: Path, tmp_path: Path) -> None:
    assert "lineage" in completions("treering lin", tmp_path)
    assert "--format" in completions("treering graph --fo", tmp_path)
    (tmp_path / "treering.toml").write_text(
        f'[[source]]\nkind = "oci-layout"\nname = "registry"\nlocation = "{demo / "registry"}"\n'
    )
    offered = completions("treering lineage registry/shop/web", tmp_path, _ARGCOMPLETE_DFS="")
    assert any("1.2" in word for word in offered), offered
