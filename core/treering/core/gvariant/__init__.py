"""GVariant: the serialisation OSTree objects, summaries and state files are written in.

Owns turning bytes into values and back, strictly in normal form; pure, no files, no OSTree.
Values in Python: integers (``y n q i u x t h``) are `int`, ``b`` `bool`, ``d`` `float`, ``s o g``
`str`, ``ay`` `bytes`, other arrays `list`, arrays of dict entries `dict`, tuples and single dict
entries `tuple`, ``v`` a `Variant`, ``m`` None or the value (`Just` around it where the element is
itself a maybe).

Source: "GVariant specification 1.0", developer.gnome.org; GLib's gvariant-serialiser.c.
"""

from __future__ import annotations

from treering.core.gvariant.decode import count, decode, decode_raw, raw_decoder
from treering.core.gvariant.encode import encode
from treering.core.gvariant.types import MAX_DEPTH, Just, Raw, Variant

__all__ = [
    "MAX_DEPTH",
    "Just",
    "Raw",
    "Variant",
    "count",
    "decode",
    "decode_raw",
    "encode",
    "raw_decoder",
]
