"""``blame`` and ``bisect``: what brought a path, and which version is the first bad one."""

from __future__ import annotations

import argparse
from contextlib import closing
from typing import Any

from treering.cli import processes, sources, waiting
from treering.cli.output import Output
from treering.cli.wiring import Wiring
from treering.core import history, ids
from treering.core.bisection import Bisection, Verdict, verdict_of
from treering.core.blame import Blame, Touched, blame, normal_path
from treering.core.diff.sides import sides
from treering.core.errors import Exit
from treering.core.graph import Graph
from treering.core.history import History
from treering.core.ids import NodeId
from treering.core.names import Names
from treering.core.shelf import Shelf
from treering.core.text import safe
from treering.present.detail.parts import moment


def trace(arguments: argparse.Namespace, wiring: Wiring) -> int:
    """Print which layers or which commit touched a path, the last first (``blame``)."""
    output = Output()
    path = normal_path(arguments.path)
    read, found = sources.read(arguments, wiring, output, keep_open=True)
    with closing(found), waiting.shown(found.clock, "looking") as context:
        node = Names(read).resolve(arguments.node)
        traced = blame(read, Shelf(found.readers), path, node, context)
    if arguments.json:
        output.json(_blame_json(traced, node))
    else:
        _print_blame(read, traced, output)
    for note in (*traced.notes, *context.notes):
        output.note(f"treering: {note}")
    return sources.exit_code(found)


def _blame_json(traced: Blame, node: NodeId) -> dict[str, Any]:
    return {
        "schema": "treering.blame/1",
        "path": safe(traced.path),
        "node": node,
        "version": traced.version,
        "exists": traced.exists,
        "whole": traced.whole,
        "touched": [
            {
                "by": touched.by,
                "what": touched.what.value,
                "position": touched.position,
                "step": touched.step or None,
                "created": touched.created or None,
                "source": touched.source,
            }
            for touched in traced.touched
        ],
        "notes": list(traced.notes),
    }


def _print_blame(read: Graph, traced: Blame, output: Output) -> None:
    if not traced.exists:
        output.line(f"{safe(traced.path)} is not there any more")
    rows = [("WHAT", "BY", "LAYER", "MADE", "STEP")]
    rows += [_blame_row(read, touched) for touched in traced.touched]
    output.table(rows, ("bold", "cyan"))


def _blame_row(read: Graph, touched: Touched) -> tuple[str, str, str, str, str]:
    position = "" if touched.position is None else str(touched.position + 1)
    created = touched.created
    made = moment(float(created)) if created.isdecimal() else moment(created)
    step = touched.step
    if touched.source is not None:
        step = safe(f"{step} (from {ids.short(touched.source)})")
    version = read.node(touched.by).label if ids.kind_of(touched.by) is ids.Kind.COMMIT else ""
    by = f"{version} {ids.short(touched.by).replace('sha256:', '')}".strip()
    return (touched.what.value, by, position, made, step)


# -- bisect ----------------------------------------------------------------------------------


def bisect(arguments: argparse.Namespace, wiring: Wiring) -> int:
    """Run a command on versions between a good and a bad one until the first bad one is known."""
    output = Output()
    read, _ = sources.read(arguments, wiring, output)
    names = Names(read)
    both = sides(read, names.resolve(arguments.good), names.resolve(arguments.bad))
    line = history.between(read, both.a.version, both.b.version)
    if line.aside:
        output.note(f"treering: {line.aside} versions on branches beside are left out")
    state, trials = _search(read, line, arguments.cmd, output, audit=wiring.audit)
    if arguments.json:
        output.json(_bisect_json(state, line, trials))
    elif state.found is not None:
        output.line(f"{_called(read, state.found)} is the first bad version")
        before = ids.short(line.versions[state.good])
        output.note(f"treering: what changed: treering diff {before} {ids.short(state.found)}")
    else:
        output.line("every version left was skipped; the first bad one is one of")
        output.lines(f"  {_called(read, node)}" for node in state.suspects)
    return Exit.DONE if state.found is not None else Exit.DIFFERENT


_Trials = list[tuple[NodeId, Verdict, int]]


def _search(
    read: Graph, line: History, command: list[str], output: Output, *, audit: bool
) -> tuple[Bisection, _Trials]:
    state, trials = Bisection(line.versions), []
    while state.found is None and (at := state.next) is not None:
        node = line.versions[at]
        output.note(f"treering: trying {_called(read, node)}, {len(state.suspects)} suspects")
        argv = [node if word == "{}" else word for word in command]
        environ = {"TREERING_NODE": node, "TREERING_VERSION": read.node(node).label}
        code = processes.run(argv, environ, audit=audit)
        verdict = verdict_of(code)
        output.note(f"treering: {verdict.value}")
        trials.append((node, verdict, code))
        state = state.tried(at, verdict)
    return state, trials


def _called(read: Graph, node: NodeId) -> str:
    return f"{ids.kind_of(node).value} {read.node(node).label} {ids.short(ids.content_of(node))}"


def _bisect_json(state: Bisection, line: History, trials: _Trials) -> dict[str, Any]:
    return {
        "schema": "treering.bisect/1",
        "good": line.versions[0],
        "bad": line.versions[-1],
        "order": line.how,
        "versions": list(line.versions),
        "trials": [{"node": n, "verdict": v.value, "exit": code} for n, v, code in trials],
        "found": state.found,
        "suspects": list(state.suspects),
    }
