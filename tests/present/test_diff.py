"""A comparison as rows, lines and Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.readers import HOSTILE
from support.strategies import digest

from treering.core import ids
from treering.core.diff.compare import ALL, Comparison, Missing, Part
from treering.core.diff.config import ConfigChange
from treering.core.diff.layers import LayerRow, Where
from treering.core.diff.model import Change, ChangeType, Field, FileDiff
from treering.core.diff.packages import PackageChange, PackageChangeType
from treering.core.diff.sides import Side
from treering.core.diff.source import SourceCommit, SourceDiff
from treering.core.packages import Manager
from treering.core.text import is_safe, safe
from treering.core.trees import Entry, EntryType
from treering.present.detail.tree import path_of
from treering.present.diff import Section, files, listing, markdown, rows, sections, words
from treering.present.lines import STYLES, Fold, Row, line_width, plain

A, B = ids.image(digest(1)), ids.image(digest(2))


def side(number: int, label: str = "web") -> Side:
    node = ids.image(digest(number))
    return Side(node, None, node, safe(f"{label}:{number}"))


def entry(path: str, size: int = 1, kind: EntryType = EntryType.FILE) -> Entry:
    return Entry(path=path.encode(), type=kind, size=size)


def added(path: str, kind: EntryType = EntryType.FILE) -> Change:
    return Change(path.encode(), ChangeType.ADDED, (), None, entry(path, 10, kind))


def removed(path: str, kind: EntryType = EntryType.FILE) -> Change:
    return Change(path.encode(), ChangeType.REMOVED, (), entry(path, 10, kind), None)


def modified(path: str, *fields: Field) -> Change:
    known = fields or (Field.CONTENT, Field.SIZE)
    return Change(path.encode(), ChangeType.MODIFIED, known, entry(path, 10), entry(path, 12))


def package(name: str, change: str, a: str | None, b: str | None) -> PackageChange:
    versions = [None if v is None else safe(v) for v in (a, b)]
    return PackageChange(
        Manager.DPKG, safe(name), safe("amd64"), PackageChangeType(change), *versions
    )


def comparison(label: str = "web", text: str = "value") -> Comparison:
    commits = (
        SourceCommit(ids.git("3" * 40), safe(text), safe("Mira <m@x>"), 1_700_000_000.0),
        SourceCommit(ids.git("2" * 40), safe("lost one"), safe("Jonas"), None, lost=True),
    )
    return Comparison(
        side(1, label),
        side(2, label),
        ALL,
        (
            LayerRow(digest(11), Where.BOTH, 5_000, 0),
            LayerRow(digest(12), Where.B, 1_500_000, 1),
            LayerRow(digest(13), Where.A, None, 1),
        ),
        FileDiff(
            (
                added("/etc/new"),
                modified("/etc/shop.conf"),
                removed("/opt/old", EntryType.DIRECTORY),
                removed("/opt/old/x"),
                modified(f"/usr/bin/{text.replace('/', '')}", Field.MODE),
            )
        ),
        (
            package("aaa", "removed", "1", None),
            package(text, "upgraded", "3.0.9", "3.0.13"),
            package("zzz", "upgraded", "1", "2"),
        ),
        (ConfigChange(safe(f"labels.{text}"), text, None), ConfigChange(safe("cmd"), ["a b"], [])),
        SourceDiff(ids.git("1" * 40), ids.git("3" * 40), commits, 2),
        frozenset(),
        (Missing(Part.FILES, safe(text)),),
        (safe(text),),
    )


def text(made: Sequence[Row]) -> list[str]:
    return [plain(row.line).rstrip() for row in made]


class TestWords:
    def test_each_part_in_one_sentence(self) -> None:
        found = comparison()
        assert {part.value: words.part(found, part) for part in Part} == {
            "layers": "1 new, 1 gone, 1 shared, 1.5 MB to pull",
            "files": "1 added, 2 removed (in 1 tree), 2 modified, -6 B",
            "packages": "2 upgraded, 1 removed",
            "config": "2 settings",
            "source": "1 new commit, 1 commit lost, 2 more",
        }

    def test_equal_missing_and_inapplicable_are_told_apart(self) -> None:
        found = Comparison(
            side(1), side(1), ALL,
            inapplicable=frozenset({Part.LAYERS}),
            missing=(Missing(Part.FILES, safe("gone")),),
        )  # fmt: skip
        assert words.part(found, Part.LAYERS) == words.NOT_APPLICABLE
        assert words.part(found, Part.FILES) == words.UNKNOWN
        assert words.part(found, Part.CONFIG) == words.SAME
        assert words.verdict(found) == "unknown"


class TestRows:
    def test_sections_are_those_with_something_to_show(self) -> None:
        assert sections(comparison()) == tuple(Section)
        equal = Comparison(side(1), side(1), ALL, missing=(Missing(Part.FILES, safe("x")),))
        assert sections(equal) == (Section.SUMMARY, Section.FILES)

    def test_the_summary_names_both_sides_and_what_is_missing(self) -> None:
        made = text(rows(comparison(), Section.SUMMARY))
        assert made[0].startswith("from        image web:1 ")
        assert made[1].startswith("to          image web:2 ")
        assert made[2].split() == ["different"]
        assert "packages    2 upgraded, 1 removed" in made
        assert "what is missing" in made

    def test_upgrades_come_first(self) -> None:
        made = text(rows(comparison(), Section.PACKAGES))
        assert made[1:] == [
            "↑ value     3.0.9 → 3.0.13  amd64",
            "↑ zzz       1 → 2  amd64",
            "- aaa       1  amd64",
        ]

    def test_settings_layers_and_commits(self) -> None:
        assert text(rows(comparison(), Section.CONFIG))[1:] == [
            "labels.value", "  - value", "cmd", '  - ["a b"]', "  + []",
        ]  # fmt: skip
        layers = rows(comparison(), Section.LAYERS)
        assert [line[:16] for line in text(layers)[1:]] == [
            "    1    5.0 kB ", "+   2    1.5 MB ", "-   2         ? ",
        ]  # fmt: skip
        assert layers[2].node == ids.layer(digest(12))
        source = text(rows(comparison(), Section.SOURCE))
        assert source[3] == "+ 3333333 2023-11-14 value  Mira"
        assert source[4] == "- 2222222 lost one  Jonas"
        assert source[5].strip() == "… and 2 more"

    @pytest.mark.parametrize("width", [20, 44, 80, 200])
    @pytest.mark.parametrize("hostile", [False, True])
    def test_rows_of_all_sections_are_safe_styled_and_have_keys_of_their_own(
        self, width: int, *, hostile: bool
    ) -> None:
        found = comparison(HOSTILE, HOSTILE) if hostile else comparison()
        for section in Section:
            made = rows(found, section, width=width)
            assert len({row.key for row in made}) == len(made)
            for row in made:
                assert is_safe(row.text)
                assert {style for _, style in row.line} <= {"", *STYLES}


class TestFiles:
    CHANGES = (
        modified("/etc/a.conf"),
        added("/opt/x/y", EntryType.DIRECTORY),
        added("/opt/x/y/z"),
        removed("/usr/lib/systemd/system/a.service"),
        added("/usr/lib/systemd/system/b.service"),
    )

    def test_a_tree_with_counts_in_which_lone_directories_share_a_row(self) -> None:
        made = text(files.rows(files.tree_of(self.CHANGES), width=80))
        assert made == [
            "  ▾ etc/  ~1",
            "~     a.conf  content, size  +2 B",
            "  ▾ opt/x/  +2",
            "+   ▾ y/  +1",
            "+       z  10 B",
            "  ▾ usr/lib/systemd/system/  +1  -1",
            "-     a.service  10 B",
            "+     b.service  10 B",
        ]

    def test_what_is_folded_shows_its_counts_and_can_be_opened_by_its_key(self) -> None:
        tree = files.tree_of(self.CHANGES)
        folded = files.rows(tree, frozenset())
        assert [row.fold for row in folded] == [Fold.CLOSED] * 3
        paths = [path_of(row) for row in folded]
        assert paths == [b"/etc", b"/opt/x", b"/usr/lib/systemd/system"]
        assert len(files.rows(tree, frozenset(paths[2:]))) == 5

    def test_a_file_that_became_a_directory_is_both(self) -> None:
        was = Change(
            b"/a", ChangeType.MODIFIED, (Field.TYPE,),
            entry("/a"), entry("/a", 0, EntryType.DIRECTORY),
        )  # fmt: skip
        back = Change(
            b"/b", ChangeType.MODIFIED, (Field.TYPE,),
            entry("/b", 0, EntryType.DIRECTORY), entry("/b"),
        )  # fmt: skip
        tree = files.tree_of((was, added("/a/x"), back, removed("/b/x")))
        assert [line.split()[0] for line in text(files.rows(tree))] == ["~", "+", "~", "-"]

    def test_few_rows_open_first(self) -> None:
        changes = [added(f"/d{n:03}/f{m:03}") for n in range(50) for m in range(50)]
        tree = files.tree_of(changes)
        assert len(files.rows(tree, files.first_opened(tree, 100))) == 50
        assert len(files.rows(tree, files.first_opened(tree, 10_000))) == 2550

    @given(st.lists(st.text("ab/", min_size=1, max_size=8), max_size=20))
    def test_every_change_is_counted_once_and_drawn_once(self, names: list[str]) -> None:
        paths = sorted({b"/" + b"/".join(filter(None, n.encode().split(b"/"))) for n in names})
        changes = [
            Change(path, ChangeType.ADDED, (), None, Entry(path=path, type=EntryType.FILE))
            for path in paths
            if path != b"/"
        ]
        tree = files.tree_of(changes)
        assert tree.counts[ChangeType.ADDED] == len(changes)
        drawn = [row for row in files.rows(tree) if row.line[0][0] == "+ "]
        assert sorted(path_of(row) for row in drawn) == [change.path for change in changes]


class TestLines:
    def test_counts_only(self) -> None:
        made = [plain(line).rstrip() for line in listing.lines(comparison(), 80, stat=True)]
        assert "- aaa" not in "\n".join(made)
        assert "  ▾ etc/  +1  ~1" in made

    def test_paths_stand_whole_and_last(self) -> None:
        made = [plain(line).rstrip() for line in listing.lines(comparison(), 30)]
        assert made[-5:] == [
            "+ /etc/new",
            "~ /etc/shop.conf  content, size",
            "- /opt/old/",
            "- /opt/old/x",
            "~ /usr/bin/value  mode",
        ]
        assert all(line_width(line) >= 0 for line in listing.lines(comparison(), 30))

    def test_everything_is_safe(self) -> None:
        for line in listing.lines(comparison(HOSTILE, HOSTILE), 80):
            assert all(is_safe(part) for part, _ in line)


class TestMarkdown:
    def test_a_table_of_counts_and_one_of_packages(self) -> None:
        made = list(markdown.lines(comparison()))
        assert made[0].startswith("### `image web:1 ")
        assert made[0].endswith(": different")
        assert "| packages | 2 upgraded, 1 removed |" in made
        assert "| upgraded | `value` | `3.0.9` | `3.0.13` |" in made
        assert "- removed `/opt/old`" in made

    def test_long_lists_are_folded_and_cut(self) -> None:
        changes = tuple(added(f"/f{n:04}") for n in range(markdown.MAX_ROWS + 7))
        found = Comparison(side(1), side(2), ALL, files=FileDiff(changes))
        made = list(markdown.lines(found))
        assert any(line.startswith("<details>") for line in made)
        assert made.count(safe("</details>")) == 1
        assert "… and 7 more" in made
        assert sum(line.startswith("- added") for line in made) == markdown.MAX_ROWS

    @pytest.mark.parametrize("hostile", [HOSTILE, "`` | <img src=x> | **b**", "|", "`", "a|b`c``"])
    def test_hostile_text_stays_in_code_spans(self, hostile: str) -> None:
        for line in markdown.lines(comparison(hostile, hostile)):
            assert is_safe(line)
            outside = re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", line)
            for mark in ("<img", "**b**", "[/]", "`", "\\u{"):
                assert mark not in outside, line
            if line.startswith("| ") and "---" not in line:
                columns = len(re.findall(r"(?<!\\)\|", line)) - 1
                assert columns in {2, 3, 4}, line
