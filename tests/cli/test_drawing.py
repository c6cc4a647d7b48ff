"""Lineage drawn as text, where it is wide or deep."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.readers import edge, image, node
from support.strategies import digest

from treering.core import ids, recording
from treering.core.facts import EdgeKind, Fact


def test_a_layer_of_many_images_shows_every_consumer(run: Any, tmp_path: Path) -> None:
    facts: list[Fact] = []
    for number in range(13):
        tag = ids.tag("registry", "app", str(number))
        facts += image(100 + number, f"app:{number}", [7, 200 + number])
        facts += [node(tag), edge(tag, EdgeKind.POINTS_AT, ids.image(digest(100 + number)))]
    path = tmp_path / "world.jsonl"
    recording.write(path, facts, (), 1.0)
    layer = ids.layer(digest(7))
    done = run("lineage", layer, "--down", "--source", f"recording:{path}")
    assert done.code == 0
    for number in range(13):
        assert f"registry/app:{number}" in done.out


def test_many_layers_are_folded_and_counted(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "world.jsonl"
    recording.write(path, image(1, "big", list(range(300, 330))), (), 1.0)
    argv = ("lineage", ids.image(digest(1)), "--up", "--source", f"recording:{path}")
    assert "20 more layers" in run(*argv).out
    assert run(*argv, "--all").out.count("contains layer") == 30


def test_down_reads_forwards(run: Any, demo: Path) -> None:
    argv = ("lineage", "registry/base/debian:12.0", "--down", "--config", demo / "treering.toml")
    out = run(*argv).out
    assert "base of image" in out
    assert "named by tag" in out
