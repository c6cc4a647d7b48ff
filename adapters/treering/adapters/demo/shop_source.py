"""The git side of the story: the repository ``shop.git``.

Owns who committed what and when. Each change is put on top of the one before it.
"""

from __future__ import annotations

from dataclasses import dataclass

from treering.adapters.demo.git import GitRepository, Person
from treering.adapters.demo.times import day

MIRA = Person("Mira Holm", "mira@shop.example")
JONAS = Person("Jonas Ek", "jonas@shop.example")
TOVE = Person("Tove Lind", "tove@shop.example")

URL = "https://git.shop.example/shop.git"


def web(version: str, body: str) -> str:
    """Return the program of the web shop."""
    return f'#!/bin/sh\n# The web shop.\nVERSION={version}\n{body}\nexec serve "$@"\n'


@dataclass(frozen=True, slots=True)
class Change:
    """One commit of the story; `after` names the ones before it, the last one when empty."""

    name: str
    who: Person
    time: int
    message: str
    files: dict[str, str | None]
    after: tuple[str, ...] = ()


CHANGES = (
    Change(
        "start",
        MIRA,
        day(0),
        "Start the shop: one page and a price list",
        {"README.md": "The shop.\n", "web/prices.csv": "apple,3\nbread,8\n"},
    ),
    Change(
        "serve",
        MIRA,
        day(1),
        "web: serve the price list over HTTP",
        {"web/shop": web("0.9", "PORT=80"), "web/Containerfile": "FROM base/debian:12\n"},
    ),
    Change(
        "port",
        JONAS,
        day(3),
        "web: read the port from SHOP_PORT\n\nThe cluster does not let us listen on 80.",
        {"web/shop": web("1.0", "PORT=${SHOP_PORT:-8080}")},
    ),
    Change(
        "os",
        TOVE,
        day(8),
        "os: describe the edge host",
        {"os/edge.yaml": "ref: edge/x86_64/stable\npackages: [kernel, podman, edge-agent]\n"},
    ),
    Change(
        "health",
        JONAS,
        day(12),
        "web: add a health page at /healthz",
        {"web/shop": web("1.0", "PORT=${SHOP_PORT:-8080}\nHEALTH=/healthz")},
    ),
    Change(
        "tax",
        MIRA,
        day(20),
        "web: show prices with tax",
        {"web/shop": web("1.1", "PORT=${SHOP_PORT:-8080}\nHEALTH=/healthz\nTAX=25")},
    ),
    Change(
        "worker",
        TOVE,
        day(24),
        "worker: send the receipts at night",
        {"worker/receipts": "#!/bin/sh\nexec send-receipts\n"},
    ),
    Change(
        "rounding",
        JONAS,
        day(27),
        "web: fix the rounding of prices with tax",
        {"web/shop": web("1.1.1", "PORT=${SHOP_PORT:-8080}\nHEALTH=/healthz\nTAX=25\nROUND=up")},
    ),
    Change(
        "orders",
        TOVE,
        day(26),
        "api: accept orders",
        {"api/orders": "#!/bin/sh\nexec serve-orders\n"},
        after=("worker",),
    ),
    Change("merge", MIRA, day(30), "Merge branch 'orders'", {}, after=("rounding", "orders")),
    Change(
        "carts",
        MIRA,
        day(40),
        "web: keep carts over a restart",
        {"web/shop": web("1.2", "PORT=${SHOP_PORT:-8080}\nHEALTH=/healthz\nTAX=25\nCARTS=disk")},
    ),
    Change(
        "kernel",
        TOVE,
        day(44),
        "os: pin the kernel on the edge host\n\n6.8.5 loses the serial console; stay on 6.8.4.",
        {"os/edge.yaml": "ref: edge/x86_64/stable\npackages: [kernel-6.8.4, podman, edge-agent]\n"},
    ),
    Change(
        "basket",
        JONAS,
        day(52),
        "web: try the new basket layout",
        {"web/shop": web("1.3", "PORT=${SHOP_PORT:-8080}\nHEALTH=/healthz\nTAX=25\nBASKET=new")},
    ),
    Change(
        "redirect",
        JONAS,
        day(53),
        "web: close an open redirect",
        {
            "web/shop": web(
                "1.1.2", "PORT=${SHOP_PORT:-8080}\nHEALTH=/healthz\nTAX=25\nREDIRECT=own"
            )
        },
        after=("tax",),
    ),
)

TAGS = {"v1.0": "port", "v1.1": "tax", "v1.2": "carts"}
BRANCHES = {"main": "basket", "orders": "orders", "hotfix-1.1": "redirect"}


def write(repository: GitRepository) -> dict[str, str]:
    """Write the repository and return the commit id of each change by its name."""
    commits: dict[str, str] = {}
    states: dict[str, dict[str, str]] = {}
    last = ""
    for change in CHANGES:
        after = change.after or ((last,) if last else ())
        files: dict[str, str | None] = {}
        for name in reversed(after):
            files |= states[name]
        files |= change.files
        states[change.name] = {path: text for path, text in files.items() if text is not None}
        commits[change.name] = repository.commit(
            states[change.name],
            [commits[name] for name in after],
            change.who,
            change.time,
            change.message,
        )
        last = change.name
    for tag, name in TAGS.items():
        when = next(c.time for c in CHANGES if c.name == name) + 3600
        repository.tag(tag, commits[name], MIRA, when, f"Release {tag.removeprefix('v')}")
    for branch, name in BRANCHES.items():
        repository.branch(branch, commits[name])
    repository.finish()
    return commits
