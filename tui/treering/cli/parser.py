"""The arguments of every command, and nothing they do.

Owns names, help texts and defaults. Importing it imports no library that reads or draws.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from treering.cli.version import VERSION
from treering.core.text import safe

_EPILOG = """\
A NODE is an id (image:sha256:…), 7 or more digits of a digest or checksum, or
SOURCE/NAME: registry/shop/web:1.2, os-repo/edge/x86_64/stable, docker/web-1.

Exit codes: 0 done, 1 different or a gate failed, 2 usage, name or input,
3 a source could not be read (the rest was), 4 refused, 5 outcome unknown.
"""


class _Parser(argparse.ArgumentParser):
    """A parser that repeats what was typed only as safe text."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and end with 2."""
        super().error(safe(message))


def build(
    kinds: Sequence[str], *, audit: bool, complete_node: Callable[..., list[str]] | None = None
) -> argparse.ArgumentParser:
    """Return the parser of ``treering``, or of ``treering-audit``.

    `complete_node` is what a shell's completion asks for names of nodes.
    """
    parser = _Parser(
        prog="treering-audit" if audit else "treering",
        description="Reads the rings of images and host trees: where a thing came from, and what "
        "came of it. Without a command it opens the screen.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"treering {VERSION}")
    parser.add_argument("--audit", action="store_true", help="read everything, change nothing")
    _add_sources(parser, kinds, default=None)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")

    def command(name: str, text: str, *, json: bool = True) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        added.add_argument(
            "--audit", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS
        )
        _add_sources(added, kinds, default=argparse.SUPPRESS)
        if json:
            added.add_argument("--json", action="store_true", help="print a JSON document")
        return added

    _add_commands(command, complete_node)
    return parser


def _add_commands(
    command: Callable[..., argparse.ArgumentParser],
    complete_node: Callable[..., list[str]] | None,
) -> None:
    demo = command("demo", "make a small true-to-life world and open it")
    demo.add_argument("--dir", type=Path, metavar="D", help="where (default: the user's cache)")
    demo.add_argument(
        "--build-only", action="store_true", help="print the path of its treering.toml"
    )

    graph = command("graph", "the whole graph")
    graph.add_argument("--format", choices=("json", "dot", "mermaid"), help="as a document")

    find = command("find", "nodes by id, digest prefix, tag, name or label")
    find.add_argument("text", metavar="TEXT")

    lineage = command("lineage", "where NODE came from (--up) and what came of it (--down)")
    node = lineage.add_argument("node", metavar="NODE")
    # The hook of argcomplete.
    node.completer = complete_node  # type: ignore[attr-defined]
    way = lineage.add_mutually_exclusive_group()
    way.add_argument("--up", action="store_true", help="only what it came from or rests on")
    way.add_argument("--down", action="store_true", help="only what came of it: the blast radius")
    lineage.add_argument("--depth", type=_depth, metavar="N", help="no further than N edges")
    lineage.add_argument("--why", action="store_true", help="show the evidence of every edge")
    lineage.add_argument(
        "--all", action="store_true", help="do not fold long chains and many layers"
    )

    view = command("view", "what the screen shows of NODE: its map, and one tab of the detail")
    shown = view.add_argument("node", metavar="NODE", help="or a link copied on the screen")
    shown.completer = complete_node  # type: ignore[attr-defined]
    view.add_argument("--tab", choices=_TABS, help="default: summary")
    view.add_argument("--path", metavar="P", help="of a directory or file, for the tab tree")
    view.add_argument("--width", type=_width, metavar="N", help="cut lines at N columns")

    keys = command("keys", "every command of the screen, and its keys")
    keys.add_argument("--preset", choices=("default", "k9s", "lazygit"))

    _add_comparing(command, complete_node)

    record = command("record", "write what the sources say to a file")
    record.add_argument("file", type=Path, metavar="FILE")

    replay = command("replay", "open a recording, read-only")
    replay.add_argument("file", type=Path, metavar="FILE")

    command("doctor", "what can be read here, and what is in the way")

    completion = command("completion", "print the completion script of a shell", json=False)
    completion.add_argument("shell", choices=("bash", "zsh", "fish"))


def _add_comparing(
    command: Callable[..., argparse.ArgumentParser],
    complete_node: Callable[..., list[str]] | None,
) -> None:
    diff = command("diff", "what differs between A and B; exit 0 equal, 1 different, 2 trouble")
    for name in ("a", "b"):
        node = diff.add_argument(name, metavar=name.upper(), help="a NODE")
        node.completer = complete_node  # type: ignore[attr-defined]
    diff.add_argument(
        "--only", type=_parts, metavar="PARTS", help=f"compare only these: {','.join(_PARTS)}"
    )
    diff.add_argument("--mtime", action="store_true", help="times of files count, too")
    diff.add_argument("--unified", action="store_true", help="with the lines of text that differ")
    form = diff.add_mutually_exclusive_group()
    form.add_argument("--stat", action="store_true", help="counts only, files by directory")
    form.add_argument("--markdown", action="store_true", help="for the description of a change")
    diff.add_argument("--no-pager", action="store_true", help="print long output as it is")

    blame = command("blame", "which layer or commit brought PATH to NODE, or changed it last")
    blame.add_argument("path", metavar="PATH", help="an absolute path in the files of NODE")
    node = blame.add_argument("node", metavar="NODE")
    node.completer = complete_node  # type: ignore[attr-defined]

    bisect = command(
        "bisect",
        "find the first bad version between GOOD and BAD. CMD is run for each version tried: "
        "exit 0 says good, 125 cannot tell, 1-127 bad. It finds the version in TREERING_NODE and "
        "TREERING_VERSION; an argument {} is replaced by the first",
    )
    for name in ("good", "bad"):
        node = bisect.add_argument(name, metavar=name.upper(), help="a NODE")
        node.completer = complete_node  # type: ignore[attr-defined]
    bisect.add_argument("cmd", nargs="+", metavar="CMD", help="after --, run without a shell")


def _add_sources(
    parser: argparse.ArgumentParser, kinds: Sequence[str], default: str | None
) -> None:
    group = parser.add_argument_group("sources")
    group.add_argument(
        "--source",
        action="append",
        metavar="[NAME=]KIND:LOCATION",
        default=default,
        help="read this source only; may be given more than once. Kinds: " + ", ".join(kinds),
    )
    group.add_argument(
        "--config", type=Path, metavar="FILE", default=default, help="read the sources FILE names"
    )
    group.add_argument(
        "--timeout",
        type=_seconds,
        metavar="SECONDS",
        default=default,
        help="give a source up after so much silence (default 30)",
    )


_TABS = ("summary", "layers", "tree", "packages", "config", "evidence", "document")
_NARROWEST, _WIDEST = 20, 10_000
_PARTS = ("layers", "files", "packages", "config", "source")


def _parts(text: str) -> tuple[str, ...]:
    parts = tuple(filter(None, text.split(",")))
    unknown = [part for part in parts if part not in _PARTS]
    if unknown or not parts:
        what = safe(",".join(unknown) or text, 80)
        raise argparse.ArgumentTypeError(f"{what} is none of {', '.join(_PARTS)}")
    return parts


def _width(text: str) -> int:
    if not (text.isdecimal() and text.isascii() and _NARROWEST <= int(text) <= _WIDEST):
        raise argparse.ArgumentTypeError(f"must be a number of columns from {_NARROWEST} on")
    return int(text)


def _depth(text: str) -> int:
    if not (text.isdecimal() and text.isascii()):
        raise argparse.ArgumentTypeError(f"{safe(text, 40)} is not a number of edges")
    return int(text)


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{safe(text, 40)} is not a number") from error
    if not 0 < number < 86_400:  # noqa: PLR2004 -- a day
        raise argparse.ArgumentTypeError("must be more than 0 and less than a day")
    return number
