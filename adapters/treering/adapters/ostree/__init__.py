"""OSTree repositories, read natively: no library, no process, nothing written.

`Repository` (repo.py) is what other parts of treering stand on; `OstreeReader` (reader.py) turns
one into facts. Layers, each knowing only those before it: objects, content, config, refs,
metadata, summary, deltas, signatures; repo; tree, verify; reader; adapter.

Source: ostree's docs/repo.md and docs/formats.md, ostree-core.h, ostree-repo-static-delta*.
"""
