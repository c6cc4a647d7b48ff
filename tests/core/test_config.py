"""The configuration says what is wrong with it, and names every source once."""

from __future__ import annotations

from pathlib import Path

import pytest

from treering.core import config
from treering.core.errors import ConfigError
from treering.core.ports import SourceSpec

KINDS = ("oci-layout", "docker", "ostree")


def load(tmp_path: Path, text: str) -> config.Config:
    path = tmp_path / "treering.toml"
    path.write_text(text)
    return config.load(path, KINDS)


def test_sources_hosts_and_stages_are_read(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        """
        [[source]]
        kind = "oci-layout"
        location = "images"
        [[source]]
        kind = "docker"
        name = "build-host"
        location = "ssh://build@host"
        [[host]]
        name = "web-01"
        address = "web-01.example"
        [[stage]]
        name = "test"
        order = 1
        at = "images/app"
        """,
    )
    assert found.sources == (
        SourceSpec("oci-layout", str(tmp_path / "images"), ""),
        SourceSpec("docker", "ssh://build@host", "build-host"),
    )
    assert found.hosts[0]["name"] == "web-01"
    assert found.stages[0]["at"] == "images/app"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[sources]]", "did you mean source?"),
        ('[[source]]\nkind = "docker"\nlocaton = ""', "did you mean location?"),
        ('[[source]]\nkind = "dokcer"', "did you mean docker?"),
        ('[[source]]\nkind = "registry"', "this version cannot read"),
        ('[source]\nkind = "docker"', "[[source]]"),
        ("[[source", "not TOML"),
        ("[[source]]\nkind = 3", "plain text"),
        ('[[source]]\nkind = "docker"\nname = "a\\u001b"', "plain text"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert words in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("text", ["a=" + "[" * 5000, "a." * 5000 + "a=1"])
def test_a_file_made_to_exhaust_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError):
        load(tmp_path, text)


@pytest.mark.parametrize("text", ["[[source]]\nkind = 'ostree'", "oci-layout:"])
def test_a_path_kind_needs_a_location(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="location"):
        load(tmp_path, text) if text.startswith("[") else config.parse_source(text, KINDS)


def test_what_may_not_be_looked_at_is_no_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_path: Path) -> object:
        raise PermissionError(13, "no")

    monkeypatch.setattr(Path, "lstat", refuse)
    assert config.find({"HOME": str(tmp_path)}, tmp_path) is None


def test_the_file_is_looked_for_where_the_contract_says(tmp_path: Path) -> None:
    (tmp_path / "cwd").mkdir()
    xdg = tmp_path / "xdg" / "treering"
    xdg.mkdir(parents=True)
    (xdg / "treering.toml").touch()
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "xdg")}
    assert config.find(environ, tmp_path / "cwd") == xdg / "treering.toml"
    (tmp_path / "cwd" / "treering.toml").touch()
    assert config.find(environ, tmp_path / "cwd") == tmp_path / "cwd" / "treering.toml"


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("oci-layout:/a/b", SourceSpec("oci-layout", "/a/b", "")),
        ("mine=ostree:repo", SourceSpec("ostree", "repo", "mine")),
        ("docker", SourceSpec("docker", "", "")),
        ("docker:unix:///run/d.sock", SourceSpec("docker", "unix:///run/d.sock", "")),
    ],
)
def test_sources_given_by_hand(text: str, spec: SourceSpec) -> None:
    assert config.parse_source(text, KINDS) == spec


@pytest.mark.parametrize("text", ["", "x:y", "oci-layout", "a/b=docker", "docker:\x1b"])
def test_bad_sources_given_by_hand(text: str) -> None:
    with pytest.raises(ConfigError):
        config.parse_source(text, KINDS)


def test_default_names_are_the_last_component_and_never_the_same() -> None:
    specs = tuple(
        SourceSpec("ostree", location, name)
        for location, name in (("/a/repo", ""), ("/b/repo/", ""), ("", ""), ("/c/x", "repo-3"))
    )
    assert [s.name for s in config.name_sources(specs)] == ["repo", "repo-2", "ostree", "repo-3"]
    with pytest.raises(ConfigError, match="two sources are called a"):
        config.name_sources((SourceSpec("docker", "", "a"), SourceSpec("git", "", "a")))
    with pytest.raises(ConfigError, match="slash"):
        config.name_sources((SourceSpec("docker", "", "a/b"),))
