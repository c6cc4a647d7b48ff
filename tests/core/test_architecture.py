"""The house keeps its arrows, and the contracts that say so bite."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOTS = ("core", "adapters", "tui")
MODULES = [path for root in ROOTS for path in (ROOT / root).rglob("*.py")]


def lint(directory: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter over a copy of the source roots."""
    program = (
        "import sys; sys.path[:0] = ['core', 'adapters', 'tui'];"
        "from importlinter.cli import lint_imports; sys.exit(lint_imports())"
    )
    return subprocess.run(
        [sys.executable, "-P", "-S", "-c", f"import sys; sys.path += {sys.path!r}; {program}"],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for root in ROOTS:
        shutil.copytree(ROOT / root, tmp_path / root, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_no_source_root_claims_the_namespace() -> None:
    assert [root for root in ROOTS if (ROOT / root / "treering" / "__init__.py").exists()] == []


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("core/treering/core/ids.py", "import treering.adapters.git"),
        ("core/treering/core/ids.py", "import subprocess"),
        ("core/treering/core/ids.py", "import textual"),
        ("tui/treering/tui/app.py", "import treering.adapters.oci"),
        ("tui/treering/present/lines.py", "import textual"),
        ("tui/treering/cli/output.py", "import treering.adapters.oci"),
        ("tui/treering/cli/output.py", "import treering.tui.app"),
        ("adapters/treering/adapters/oci/__init__.py", "import treering.adapters.git"),
        ("adapters/treering/adapters/oci/__init__.py", "import treering.cli"),
        ("tui/treering/bootstrap/registry.py", "import treering.adapters.demo"),
        ("adapters/treering/adapters/git/reader.py", "import treering.adapters.git.mutator"),
    ],
)
def test_a_wrong_import_breaks_a_contract(copy: Path, module: str, line: str) -> None:
    (copy / "adapters/treering/adapters/git/mutator.py").write_text('"""A mutator."""\n')
    path = copy / module
    path.write_text(f"{path.read_text()}\n{line}\n")
    done = lint(copy)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "BROKEN" in done.stdout


def test_the_contracts_are_kept_and_name_every_adapter(copy: Path) -> None:
    done = lint(copy)
    assert done.returncode == 0, done.stdout + done.stderr
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (apart,) = [c for c in contracts["contracts"] if "never each other" in c["name"]]
    adapters = {
        f"treering.adapters.{p.parent.name}"
        for p in (ROOT / "adapters/treering/adapters").glob("*/__init__.py")
    }
    assert set(apart["modules"]) == adapters


def test_packages_of_adapters_import_nothing() -> None:
    """import-linter draws no arrow from a module to the package it is in; there is none to draw."""
    for path in (ROOT / "adapters/treering/adapters").rglob("__init__.py"):
        imports = [
            node
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, (ast.Import, ast.ImportFrom))
        ]
        assert imports == [], path


def loaded_after(program: str) -> set[str]:
    """Return the modules a fresh interpreter has loaded after running `program`."""
    code = f"import json, sys\n{program}\nprint(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stderr.splitlines()[-1]))


HEAVY = {"textual", "docker", "networkx", "pygit2", "rich", "requests"}


@pytest.mark.parametrize("option", ["--version", "--help"])
@pytest.mark.parametrize("entry", ["main", "audit"])
def test_asking_for_help_loads_nothing_heavy(option: str, entry: str) -> None:
    program = (
        f"from treering.bootstrap.{entry} import main\n"
        f"try:\n    main([{option!r}])\nexcept SystemExit as e:\n    assert not e.code"
    )
    assert loaded_after(program) & HEAVY == set()


def test_listing_kinds_loads_no_adapter() -> None:
    program = (
        "from treering.bootstrap.registry import catalogue\nprint(catalogue(audit=False).kinds)"
    )
    assert not {m for m in loaded_after(program) if m.startswith("treering.adapters.")}


def test_audit_mode_has_loaded_nothing_that_writes(tmp_path: Path) -> None:
    program = (
        "import os\n"
        f"os.chdir({str(tmp_path)!r})\n"
        "from treering.bootstrap.audit import main\n"
        f"main(['doctor', '--json', '--source', 'git:{ROOT}'])"
    )
    loaded = loaded_after(program)
    assert "treering.adapters.git.reader" in loaded
    assert not {m for m in loaded if "mutator" in m or m.startswith("treering.adapters.demo")}


FORBIDDEN_CALLS = {
    "extractall": "nothing is extracted from archives",
    "from_markup": "markup is never parsed from data",
    "escape": "escaping markup is no defence",
    "system": "no shell",
    "popen": "no shell",
}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_module_does_what_is_never_done(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            function = node.func
            name = function.attr if isinstance(function, ast.Attribute) else ""
            name = "" if ast.unparse(function) == "re.escape" else name
            assert name not in FORBIDDEN_CALLS, f"{path}:{node.lineno}: {FORBIDDEN_CALLS[name]}"
            for keyword in node.keywords:
                if keyword.arg == "shell":
                    starts = getattr(keyword.value, "value", None) is True
                    assert not starts, f"{path}:{node.lineno}: no shell"
                if keyword.arg == "markup" and isinstance(keyword.value, ast.Constant):
                    assert keyword.value.value is False, f"{path}:{node.lineno}"


def test_safe_text_is_made_in_one_place() -> None:
    """``Safe(...)`` elsewhere may only wrap text written in the program itself."""
    for path in MODULES:
        if path.name == "text.py" and path.parent.name == "core":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Safe":
                assert isinstance(node.args[0], ast.Constant), f"{path}:{node.lineno}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_module_says_what_it_owns(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text())) or not path.read_text().strip()
