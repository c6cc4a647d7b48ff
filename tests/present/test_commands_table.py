"""The table of commands, its presets, and keys of one's own."""

from __future__ import annotations

from collections import Counter

import pytest

from treering.core.errors import ConfigError
from treering.present.commands import (
    BY_ID,
    COMMANDS,
    FOOTER,
    PRESETS,
    as_json,
    keyed,
    keys_of,
    refusal,
    spoken,
    written,
)

HARMLESS = ("d", "ctrl+d", "ctrl+k", "ctrl+l", "s", "r")
"""Keys that mean opposite things across tools; none of them may change anything."""


@pytest.mark.parametrize("preset", PRESETS)
def test_no_key_means_two_things(preset: str) -> None:
    counts = Counter(key for command in keyed(preset, {}) for key in command.keys)
    assert [key for key, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("preset", PRESETS)
def test_no_key_that_other_tools_use_otherwise_writes(preset: str) -> None:
    assert not [c.id for c in keyed(preset, {}) if c.writes and set(c.keys) & set(HARMLESS)]


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_keeps_a_way_to_move_to_help_and_out(preset: str) -> None:
    commands = {c.id: c for c in keyed(preset, {})}
    for name in ("list.down", "list.up", "go", "escape", "help", "quit", "palette", "filter"):
        assert commands[name].keys, name


def test_presets_and_footer_name_commands_that_exist() -> None:
    assert {name for preset in PRESETS.values() for name in preset} <= set(BY_ID)
    assert set(FOOTER) <= set(BY_ID)
    assert len(BY_ID) == len(COMMANDS)


def test_a_key_of_ones_own_leaves_the_command_it_had() -> None:
    commands = {c.id: c for c in keyed("default", {"mark": "x, ctrl+t", "help": ""})}
    assert commands["mark"].keys == ("x", "ctrl+t")
    assert commands["menu"].keys == ()
    assert commands["help"].keys == ()


def test_keys_may_be_written_as_signs() -> None:
    commands = {c.id: c for c in keyed("default", {"filter": "?"})}
    assert commands["filter"].keys == ("question_mark",)
    assert all(spoken(written(key)) == key for c in COMMANDS for key in c.keys)


@pytest.mark.parametrize(
    ("preset", "given", "said"),
    [
        ("emacs", {}, "no preset"),
        ("default", {"fly": "f"}, "no command 'fly'"),
        ("default", {"mark": "f", "menu": "f"}, "f is given to mark and to menu"),
    ],
)
def test_what_cannot_be_bound_says_so(preset: str, given: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        keyed(preset, given)


def test_audit_mode_refuses_what_writes_before_anything_else() -> None:
    for command in COMMANDS:
        refused = refusal(command, audit=True)
        assert ("audit" in refused) == command.writes
        assert refusal(command, audit=False) == command.absent


def test_the_json_has_every_command_with_its_keys_as_written() -> None:
    table = {row["id"]: row for row in as_json(COMMANDS)}
    assert table["filter"]["keys"] == ["/"]
    assert table["promote"]["writes"] is True
    assert len(table) == len(COMMANDS)
    assert keys_of(BY_ID["tab.next"]) == "]"
