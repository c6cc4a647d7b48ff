"""What GLib makes of GVariant data: a process of the system's Python, asked line by line.

Run by the system's interpreter, which has PyGObject; it must not import anything of treering.
Each line in is ``{"type", "hex", "build"}``: whether the bytes are in normal form, which value
they hold, and how GLib would write the value ``build`` itself, are answered in one line out.
Values cross as JSON in the form `portable` of test_gvariant_glib.py makes.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import gi

gi.require_version("GLib", "2.0")
from gi.repository import GLib  # noqa: E402 -- the version comes first

SIMPLE = {
    "b": ("new_boolean", "get_boolean"),
    "y": ("new_byte", "get_byte"),
    "n": ("new_int16", "get_int16"),
    "q": ("new_uint16", "get_uint16"),
    "i": ("new_int32", "get_int32"),
    "u": ("new_uint32", "get_uint32"),
    "x": ("new_int64", "get_int64"),
    "t": ("new_uint64", "get_uint64"),
    "h": ("new_handle", "get_handle"),
    "d": ("new_double", "get_double"),
    "s": ("new_string", "get_string"),
    "o": ("new_object_path", "get_string"),
    "g": ("new_signature", "get_string"),
}


def value_of(variant: Any) -> Any:
    kind = variant.get_type_string()
    if kind in SIMPLE:
        value = getattr(variant, SIMPLE[kind][1])()
        return value.hex() if kind == "d" else value
    if kind == "v":
        inner = variant.get_variant()
        return {"type": inner.get_type_string(), "value": value_of(inner)}
    if kind == "ay":
        return bytes(variant.get_data_as_bytes().get_data() or b"").hex()
    children = [value_of(variant.get_child_value(n)) for n in range(variant.n_children())]
    if kind.startswith("a{"):
        first: dict[str, Any] = {}
        for key, value in children:
            first.setdefault(json.dumps(key), [key, value])
        return list(first.values())
    return children


def build(kind: str, value: Any) -> Any:  # noqa: PLR0911 -- a case for each kind of type
    code = kind[0]
    if code in SIMPLE:
        return getattr(GLib.Variant, SIMPLE[code][0])(
            float.fromhex(value) if code == "d" else value
        )
    if code == "v":
        return GLib.Variant.new_variant(build(value["type"], value["value"]))
    if kind == "ay":
        data = GLib.Bytes.new(bytes.fromhex(value))
        return GLib.Variant.new_from_bytes(GLib.VariantType(kind), data, True)
    if code in "am":
        element = GLib.VariantType(kind[1:])
        children = [build(kind[1:], v) for v in value]
        if code == "a":
            return GLib.Variant.new_array(element, children)
        return GLib.Variant.new_maybe(element, children[0] if children else None)
    kinds = members(kind)
    children = [build(k, v) for k, v in zip(kinds, value, strict=True)]
    if code == "{":
        return GLib.Variant.new_dict_entry(*children)
    return GLib.Variant.new_tuple(*children)


def members(kind: str) -> list[str]:
    rest, found = kind[1:-1], []
    while rest:
        end = next(n for n in range(1, len(rest) + 1) if GLib.VariantType.string_is_valid(rest[:n]))
        found.append(rest[:end])
        rest = rest[end:]
    return found


def answer(question: dict[str, Any]) -> dict[str, Any]:
    kind = GLib.VariantType(question["type"])
    data = GLib.Bytes.new(bytes.fromhex(question["hex"]))
    variant = GLib.Variant.new_from_bytes(kind, data, False)
    normal = variant.is_normal_form()
    said: dict[str, Any] = {"normal": normal}
    if normal:
        said["value"] = value_of(variant)
        swapped = variant.byteswap().get_data_as_bytes().get_data()
        said["swapped"] = bytes(swapped or b"").hex()
    if "build" in question:
        written = build(question["type"], question["build"]).get_data_as_bytes().get_data()
        said["hex"] = bytes(written or b"").hex()
    return said


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
