"""The configuration says what is wrong with it, and names every source once."""

from __future__ import annotations

from pathlib import Path

import pytest

from treering.core import config
from treering.core.errors import ConfigError
from treering.core.ports import SourceSpec
from treering.core.settings import ScreenConfig, ThemeConfig

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


def test_what_the_screen_should_be_is_read(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        """
        [screen]
        theme = "mine"
        glyphs = "ascii"
        link = "slow"
        mouse = false
        painting = "stock"
        keys = "k9s"
        [keys]
        "node.diff" = "d, ctrl+d"
        node.copy = "comma"
        quit = ""
        [theme.mine]
        primary = "#FFF"
        background = "#00ff7f"
        dark = false
        [theme.own-palette]
        error = "ansi_bright_red"
        """,
    )
    assert found.screen == ScreenConfig(
        theme="mine",
        glyphs="ascii",
        link="slow",
        mouse=False,
        painting="stock",
        keys="k9s",
        remap=(("node.diff", "d,ctrl+d"), ("node.copy", "comma"), ("quit", "")),
        themes=(
            ThemeConfig("mine", dark=False, primary="#FFF", background="#00ff7f"),
            ThemeConfig("own-palette", error="ansi_bright_red"),
        ),
    )
    mine, palette = found.screen.themes
    assert mine.colours() == {"primary": "#FFF", "background": "#00ff7f"}
    assert (mine.palette, palette.palette) == (False, True)


def test_a_file_without_a_word_about_the_screen_asks_for_nothing(tmp_path: Path) -> None:
    assert load(tmp_path, "").screen == ScreenConfig()
    assert config.Config().screen == ScreenConfig()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[screeen]", "did you mean screen?"),
        ("[[screen]]", "must be written [screen]"),
        ("screen = 3", "must be written [screen]"),
        ("theme = 'ansi'", "must be written [theme.NAME]"),
        ("[theme]\nansi2 = 'x'", "must be written [theme.NAME]"),
        ("[screen]\ntheem = 'ansi'", "did you mean theme?"),
        ("[screen]\ntheme = 'colorblind'", "did you mean colourblind?"),
        ("[screen]\ntheme = 3", "[screen] theme must be text"),
        ("[screen]\nglyphs = 'ascci'", "did you mean ascii?"),
        ("[screen]\nlink = 'quick'", "known: auto, fast, slow"),
        ("[screen]\nmouse = 'no'", "mouse must be true or false"),
        ("[screen]\npainting = 'cell'", "did you mean cells?"),
        ("[screen]\nkeys = 'vim'", "known: default, k9s, lazygit"),
        ("[screen]\nremap = 'x'", "unknown key 'remap'"),
        ("[screen]\nthemes = 'x'", "did you mean theme?"),
        ("[keys]\nquit = 3", "[keys] quit must be text"),
        ("[keys]\nquit = 'ctrl+'", "'ctrl+' is no key"),
        ("[keys]\nquit = 'q,,x'", "'' is no key"),
        ("[keys]\nquit = 'Ctrl-Q'", "'Ctrl-Q' is no key"),
        ('[keys]\nquit = "\\u001b"', "is no key"),
        ("[keys]\n'QUIT!' = 'q'", "is no id of a command"),
        ("[theme.ansi]", "is the name of a theme of treering"),
        ("[theme.auto]", "is the name of a theme of treering"),
        ("[theme.'a b']", "cannot be called"),
        ("[theme.x]\nprimry = '#fff'", "did you mean primary?"),
        ("[theme.x]\nprimary = 'red'", "did you mean ansi_red?"),
        ("[theme.x]\nprimary = '#ffff'", "write #rgb, #rrggbb or ansi_NAME"),
        ("[theme.x]\nprimary = 'rgb(1,2,3)'", "is no colour"),
        ("[theme.x]\nprimary = 3", "is no colour"),
        ("[theme.x]\nprimary = '$error'", "is no colour"),
        ("[theme.x]\nprimary = '#fff'\nerror = 'ansi_red'", "mixes colours"),
        ("[theme.x]\ndark = 1", "dark must be true or false"),
        ("\n".join(f"[theme.x{n}]" for n in range(65)), "more than 64 themes"),
        ("[keys]\n" + "\n".join(f"x{n} = 'a'" for n in range(1025)), "more than 1024"),
    ],
)
def test_what_is_wrong_about_the_screen_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert words in str(caught.value)


def test_settings_of_the_screen_count_wherever_the_sources_come_from(tmp_path: Path) -> None:
    own = tmp_path / "xdg" / "treering"
    own.mkdir(parents=True)
    here = tmp_path / "here"
    here.mkdir()
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "xdg")}
    assert config.load_screen(environ, here) == ScreenConfig()
    (own / "treering.toml").write_text("[screen]\ntheme = 'mono'")
    (here / "treering.toml").write_text("[[source]]\nkind = 'of a later version'")
    assert config.load_screen(environ, here).theme == "mono"
    (here / "treering.toml").write_text("[screen]\ntheme = 'ansi'")
    assert config.load_screen(environ, here).theme == "ansi"
    named = tmp_path / "named.toml"
    named.write_text("[[source]]")
    assert config.load_screen(environ, here, named).theme == "ansi"
    named.write_text("[screen]\nlink = 'slow'")
    assert config.load_screen(environ, here, named) == ScreenConfig(link="slow")
    (here / "treering.toml").write_text("[screen")
    with pytest.raises(ConfigError, match="not TOML"):
        config.load_screen(environ, here)
