"""Long output on a terminal goes through a pager: no shell, and only where that is wanted."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support.ptys import Terminal

from treering.cli.processes import LESS, pager
from treering.core.errors import UsageError

DIFF = ["diff", "registry/shop/web:1.1", "registry/shop/web:1.2"]


def test_pager_is_an_argument_list() -> None:
    assert pager({}, audit=False) == LESS
    assert pager({"PAGER": "most -s '$(id)'"}, audit=False) == ["most", "-s", "$(id)"]
    assert pager({"PAGER": ""}, audit=False) == []
    assert pager({"PAGER": "cat"}, audit=False) == ()
    with pytest.raises(UsageError, match="open quote"):
        pager({"PAGER": "less '"}, audit=False)


def test_in_audit_mode_it_is_less_whatever_is_asked() -> None:
    assert pager({"PAGER": "sh -c id"}, audit=True) == LESS


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """A pager that writes down how it was called and what it was given."""
    script = tmp_path / "my pager"
    script.write_text(
        f"#!{sys.executable}\nimport sys\n"
        "given = sys.stdin.read()\n"
        f"open({str(tmp_path / 'told')!r}, 'w').write(repr(sys.argv[1:]) + given)\n"
        "print('PAGED')\n"
    )
    script.chmod(0o755)
    return tmp_path / "told"


def shown(demo: Path, told: Path, *more: str, **environ: str) -> bytes:
    asked = {"PAGER": f"'{told.parent / 'my pager'}' -x", **environ}
    config = ["--config", str(demo / "treering.toml")]
    argv = [sys.executable, "-m", "treering.cli", *DIFF, *more, *config]
    terminal = Terminal(argv, told.parent, **asked)
    terminal.read(60, until=b"PAGED" if not more and "PAGER" not in environ else b"\0")
    terminal.wait()
    return terminal.read(0.2)


def test_long_output_is_paged_with_its_colours(demo: Path, told: Path) -> None:
    assert b"PAGED" in shown(demo, told)
    given = told.read_text()
    assert given.startswith("['-x']")
    assert "\x1b[32m" in given
    assert "/var/lib/dpkg/status" in given


@pytest.mark.parametrize("more", [["--no-pager"], ["--json"], ["--markdown"], ["--only=packages"]])
def test_what_is_short_or_for_machines_is_not(demo: Path, told: Path, more: list[str]) -> None:
    assert b"openssl" in shown(demo, told, *more)
    assert not told.exists()


def test_a_pager_that_is_not_there_leaves_the_output(demo: Path, told: Path) -> None:
    out = shown(demo, told, PAGER="/no/such/pager")
    assert b"no pager" in out
    assert b"/var/lib/dpkg/status" in out
