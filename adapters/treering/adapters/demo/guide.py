"""The two texts at the top of the demo world: its configuration and its guide.

Owns their wording. Both hold for any directory the world is built in.
"""

from __future__ import annotations

CONFIG = """\
# The sources of the demo world. Locations count from this file.

[[source]]
kind = "oci-layout"
name = "registry"
location = "registry"

[[source]]
kind = "oci-layout"
name = "staging"
location = "staging"

[[source]]
kind = "ostree"
name = "os-repo"
location = "os-repo"

[[source]]
kind = "git"
name = "shop"
location = "shop.git"
"""

GUIDE = """\
# The demo world

A shop with a web shop in containers and small hosts in its branches, written by `treering demo`
in real formats: any tool that reads git, OCI layouts or OSTree repositories reads these. Nothing
here runs, and you may delete it all.

| directory | is | holds |
|---|---|---|
| `shop.git` | a bare git repository | 14 commits, tags v1.0, v1.1, v1.2 |
| `registry` | an OCI layout | base images, the web shop 1.0 to 1.2, the order API, host images |
| `staging` | an OCI layout | what is tried next: `shop/web:stable` is another image here |
| `os-repo` | an OSTree repository | versions 40.1 to 40.10 of the edge host, and one ahead |

## Questions to ask

Where does the current web shop come from, down to the commit?

    treering lineage registry/shop/web:1.2

Debian 12.0 has a bug. What still rests on it? (The web shop 1.0 and 1.1, and the worker.)

    treering lineage --down registry/base/debian:12.0

Was the worker built from v1.1, as its label says? (No: the label came with its base.)

    treering lineage registry/shop/worker:0.9

`stable` in staging and `stable` in the registry: the same?

    treering lineage --up registry/shop/web:stable
    treering lineage --up staging/shop/web:stable

Which OSTree commit is in the host image, and is the customised image that commit too?

    treering lineage registry/os/edge:stable
    treering lineage registry/os/edge-custom:1

Which two versions of the host are one tree?

    treering lineage os-repo/edge/x86_64/rebuild

Where is the vendor's agent from? (Nobody here knows its base or its commit.)

    treering lineage registry/vendor/agent:7

The same with other tools:

    git -C shop.git log --oneline --graph --all
    skopeo inspect oci:registry:shop/web:1.2
    ostree --repo=os-repo log edge/x86_64/stable
"""
