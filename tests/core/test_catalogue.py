"""Which sources are read: given ones, configured ones, or what is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from treering.core.catalogue import Catalogue
from treering.core.errors import ConfigError
from treering.core.ports import Adapter, Reader, SourceSpec


def adapter(kind: str, marker: str = "") -> Adapter:
    def opened(_spec: SourceSpec, _audit: bool) -> Reader:
        raise AssertionError("not opened here")

    return Adapter(
        kind=kind,
        summary=kind,
        open=opened,
        recognise=lambda path: bool(marker) and path.is_dir() and (path / marker).exists(),
        discover=lambda environ: [SourceSpec(kind, "sock")] if environ.get(kind) else [],
    )


def broken() -> Adapter:
    raise ImportError("no such library")


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue(
        {
            "docker": lambda: adapter("docker"),
            "oci-layout": lambda: adapter("oci-layout", "oci-layout"),
            "git": lambda: adapter("git", ".git"),
            "ostree": broken,
        }
    )


def test_sources_given_by_hand_turn_everything_else_off(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    (tmp_path / "treering.toml").write_text('[[source]]\nkind = "docker"')
    specs = catalogue.specs(["oci-layout:x"], None, {"docker": "1"}, tmp_path)
    assert specs == (SourceSpec("oci-layout", str(tmp_path / "x"), "x"),)


def test_a_configuration_turns_discovery_off(catalogue: Catalogue, tmp_path: Path) -> None:
    (tmp_path / "treering.toml").write_text('[[source]]\nkind = "docker"\nname = "d"')
    assert catalogue.specs([], None, {"docker": "1"}, tmp_path) == (SourceSpec("docker", "", "d"),)


def test_discovery_finds_engines_and_what_stands_in_the_directory(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    for name, marker in (("images", "oci-layout"), ("code", ".git"), ("other", "x")):
        (tmp_path / name).mkdir()
        (tmp_path / name / marker).touch()
    specs = catalogue.specs([], None, {"docker": "1"}, tmp_path)
    assert [(s.kind, s.name) for s in specs] == [
        ("docker", "sock"),
        ("git", "code"),
        ("oci-layout", "images"),
    ]


def test_the_git_work_tree_around_the_directory_is_found(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "deep" / "er").mkdir(parents=True)
    specs = catalogue.specs([], None, {}, tmp_path / "deep" / "er")
    assert [s.location for s in specs] == [str(tmp_path)]


def test_a_broken_adapter_is_a_row_and_no_crash(catalogue: Catalogue) -> None:
    rows = {check.name: check for check in catalogue.examine()}
    assert rows["ostree"].ok is False
    assert "no such library" in rows["ostree"].detail
    with pytest.raises(ConfigError, match="no such library"):
        catalogue.adapter("ostree")


def test_listing_kinds_loads_nothing() -> None:
    assert Catalogue({"ostree": broken}).kinds == ("ostree",)
