"""``completion``: the script a shell needs to complete treering's commands."""

from __future__ import annotations

import argparse

from treering.cli.output import Output
from treering.cli.wiring import Wiring


def completion(arguments: argparse.Namespace, _wiring: Wiring) -> int:
    """Print the script for one shell."""
    from argcomplete.shell_integration import shellcode  # noqa: PLC0415 -- used here only

    code = shellcode(["treering", "treering-audit"], shell=arguments.shell)
    Output().lines(code.rstrip("\n").split("\n"))
    return 0
