"""Nothing leaves that no rule names, and everything that leaves is in the ledger."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treering.core.errors import Refused
from treering.core.gates import ArgvRule, Gate, HttpRule, Ledger

RULES = (
    HttpRule("GET", re.compile(r"/images/[a-z0-9]+/json")),
    HttpRule("POST", re.compile(r"/containers/[a-z0-9]+/start"), reads=False),
    ArgvRule((re.compile("git"), re.compile("log"), re.compile("--")), rest=re.compile("[a-z]+")),
    ArgvRule((re.compile("git"), re.compile("push")), reads=False),
)


def gate(*, audit: bool = False) -> tuple[Gate, Ledger]:
    ledger = Ledger()
    return Gate("test", RULES, audit=audit, ledger=ledger), ledger


def test_what_a_rule_names_passes_and_is_recorded() -> None:
    it, ledger = gate()
    it.http("GET", "/images/ab/json")
    it.argv(["git", "log", "--", "main"])
    assert [(e.what, e.allowed) for e in ledger.entries] == [
        ("GET /images/ab/json", True),
        ("git log -- main", True),
    ]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/images/ab/json/archive"),
        ("GET", "/images/../containers/json"),
        ("POST", "/images/ab/json"),
        ("get", "/images/ab/json"),
        ("GET", "/images/ab/json\n"),
    ],
)
def test_anything_else_is_refused_and_recorded(method: str, path: str) -> None:
    it, ledger = gate()
    with pytest.raises(Refused):
        it.http(method, path)
    assert not ledger.entries[-1].allowed


def test_audit_mode_lets_no_writing_rule_through() -> None:
    writing, _ = gate()
    writing.http("POST", "/containers/ab/start")
    audit, _ = gate(audit=True)
    with pytest.raises(Refused, match="audit"):
        audit.http("POST", "/containers/ab/start")
    with pytest.raises(Refused, match="audit"):
        audit.argv(["git", "push"])


@given(st.lists(st.text(max_size=8), max_size=5))
def test_no_other_process_starts(argv: list[str]) -> None:
    it, _ = gate()
    allowed = argv[:3] == ["git", "log", "--"] and all(re.fullmatch("[a-z]+", a) for a in argv[3:])
    if not allowed and argv != ["git", "push"]:
        with pytest.raises(Refused):
            it.argv(argv)


def test_a_full_ledger_counts_on() -> None:
    ledger = Ledger(limit=1)
    it = Gate("test", RULES, ledger=ledger)
    for _ in range(3):
        it.http("GET", "/images/ab/json")
    assert (len(ledger.entries), ledger.dropped) == (1, 2)
