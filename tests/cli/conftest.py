"""The demo world, built once, and a way to run the command line in process."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from treering.bootstrap import audit, main


@dataclass(frozen=True)
class Done:
    """What one run printed and returned."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Done]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the demo world."""
    return main.build_demo(tmp_path_factory.mktemp("world") / "demo").parent


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run ``treering`` with arguments, in an empty directory, without a terminal."""
    monkeypatch.chdir(tmp_path)
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "CONTAINER_HOST", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    def runner(*argv: object, audited: bool = False, encoding: str = "utf-8") -> Done:
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding, write_through=True) for _ in "12")
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        try:
            entry = audit.main if audited else main.main
            code = entry([str(a) for a in argv])
        except SystemExit as left:
            code = int(left.code or 0)
        finally:
            monkeypatch.setattr(sys, "stdout", sys.__stdout__)
            monkeypatch.setattr(sys, "stderr", sys.__stderr__)
        texts = [s.buffer.getvalue().decode(encoding) for s in (out, err)]  # type: ignore[attr-defined]
        return Done(code, *texts)

    return runner
