"""History entries consume layers as the image specification says."""

from __future__ import annotations

import pytest

from treering.core.steps import assign, words


def test_empty_entries_take_no_layer() -> None:
    history = [
        {"created_by": "ADD"},
        {"created_by": "ENV", "empty_layer": True},
        {"created_by": "RUN"},
    ]
    assert [s.layer for s in assign(history, 2)] == [0, None, 1]


def test_more_entries_than_layers_are_surplus_and_fewer_are_fine() -> None:
    assert [s.surplus for s in assign([{}, {}], 1)] == [False, True]
    assert assign([], 3) == ()


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ('/bin/sh -c #(nop)  CMD ["bash"]', 'CMD ["bash"]'),
        ("/bin/sh -c apt-get update", "RUN apt-get update"),
        ("RUN make # buildkit", "RUN make"),
        ("COPY \x1b[31m", "COPY \\u{1b}[31m"),
    ],
)
def test_commands_read_as_people_wrote_them(raw: str, shown: str) -> None:
    assert words(raw) == shown
