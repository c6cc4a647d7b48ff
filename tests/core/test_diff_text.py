"""Content line by line: what `diff -u` says, on any lines, and hostile files at a bounded cost."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from support.package_trees import tree_of
from support.readers import HOSTILE

from treering.core.diff import text
from treering.core.diff.text import Mark, TextDiff, TextLine, text_diffs, unified
from treering.core.diff.trees import diff_trees
from treering.core.ports import ReadContext
from treering.core.text import is_safe

LINES = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\n", b"d\n"]), max_size=30)


def diff(a: dict[str, bytes | str], b: dict[str, bytes | str]) -> list[TextDiff]:
    context = ReadContext()
    ours, theirs = tree_of(a), tree_of(b)
    return list(text_diffs(ours, theirs, diff_trees(ours, theirs, context), context))


def shown(lines: Sequence[TextLine]) -> list[str]:
    return [line.mark.value + line.text for line in lines]


def applied(a: Sequence[bytes], lines: Sequence[TextLine]) -> list[bytes]:
    """What patch(1) would make of `a`."""
    made: list[bytes] = []
    at = 0
    for line in lines:
        if line.mark is Mark.HUNK:
            numbers, _, count = line.text.split(" ")[0].removeprefix("-").partition(",")
            start = int(numbers) - (count != "0")
            made += a[at:start]
            at = start
        elif line.mark is Mark.ADDED:
            made.append(line.text.encode() + b"\n")
        else:
            assert a[at] == line.text.encode() + b"\n"
            made += a[at : at + 1] if line.mark is Mark.SAME else []
            at += 1
    return [*made, *a[at:]]


@given(LINES, LINES)
def test_the_diff_applied_to_a_gives_b(a: list[bytes], b: list[bytes]) -> None:
    lines = list(unified(a, b))
    assert applied(a, lines) == b
    assert bool(lines) == (a != b)


@given(LINES, LINES)
def test_beyond_the_cap_it_still_is_a_diff(a: list[bytes], b: list[bytes]) -> None:
    old, text.MAX_PRODUCT = text.MAX_PRODUCT, -1
    try:
        assert applied(a, list(unified(a, b))) == b
    finally:
        text.MAX_PRODUCT = old


def test_it_looks_as_diff_writes_it() -> None:
    a = [b"%d\n" % n for n in range(1, 21)]
    b = [*a[:9], b"ten\n", *a[10:19], b"20"]
    assert shown(list(unified(a, b))) == [
        "@@ -7,7 +7,7 @@", " 7", " 8", " 9", "-10", "+ten", " 11", " 12", " 13",
        "@@ -17,4 +17,4 @@", " 17", " 18", " 19", "-20", "+20", "\\ No newline at end of file",
    ]  # fmt: skip
    assert shown(list(unified([], [b"x\n"]))) == ["@@ -0,0 +1 @@", "+x"]


def test_files_links_and_what_is_no_text() -> None:
    a: dict[str, bytes | str] = {"/bin": b"\0\1", "/conf": b"a\n", "/gone": b"x\n", "/link": "one"}
    b: dict[str, bytes | str] = {"/bin": b"\0\2", "/conf": b"b\n", "/link": "two", "/new": b""}
    found = {d.change.path: d for d in diff(a, b)}
    assert shown(found[b"/conf"].lines) == ["@@ -1 +1 @@", "-a", "+b"]
    assert shown(found[b"/link"].lines) == ["@@ -1 +1 @@", "--> one", "+-> two"]
    assert shown(found[b"/gone"].lines) == ["@@ -1 +0,0 @@", "-x"]
    assert found[b"/new"].lines == ()
    assert found[b"/bin"].why == "binary"
    before, after = found[b"/bin"].a, found[b"/bin"].b
    assert before is not None
    assert after is not None
    assert before.digest != after.digest


def test_large_files_and_many_files_are_named_and_not_read() -> None:
    large = b"x" * (text.MAX_FILE + 1)
    (found,) = diff({"/large": b""}, {"/large": large})
    assert "larger than" in found.why
    many: dict[str, bytes | str] = {f"/{n:04}": b"x\n" for n in range(text.MAX_FILES + 3)}
    assert sum("only 500" in d.why for d in diff({}, many)) == 3


class Slow:
    """A clock on which every look takes ten seconds."""

    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        self.at += 10
        return self.at


def test_reading_ends_when_its_time_is_over() -> None:
    ours, theirs = tree_of({}), tree_of({f"/{n}": b"x\n" for n in range(9)})
    changes = list(diff_trees(ours, theirs, ReadContext()))
    found = list(text_diffs(ours, theirs, changes, ReadContext(Slow())))
    assert ["seconds are over" in d.why for d in found] == [False] * 3 + [True] * 6


def test_tabs_and_spaces_do_not_look_the_same() -> None:
    lines = shown(list(unified([b"a\tb\n"], [b"a       b\n"])))
    assert lines[1:] == ["-a→      b", "+a       b"]


def test_lines_that_have_nothing_in_common_are_replaced_not_matched() -> None:
    a = [b"%d\n" % (n % 50) for n in range(5000)]
    b = [b"%d\n" % (n * 7 % 50) for n in range(5000)]
    lines = list(unified([b"a\n", *a], [b"b\n", *b]))
    assert applied([b"a\n", *a], lines) == [b"b\n", *b]


def test_hostile_lines_are_safe() -> None:
    found = diff({"/x": b""}, {"/x": HOSTILE.encode() + b"\n\xff\x9b31m"})
    assert all(is_safe(line.text) for d in found for line in d.lines)
    assert found[0].lines
