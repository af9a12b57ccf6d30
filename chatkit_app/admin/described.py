"""JSON as people read it: by its schema's titles and descriptions, without brackets."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from pydantic import JsonValue

from chatkit_app.admin.read_only import LONGEST, cut, pretty

Schema = Mapping[str, JsonValue]

DEEPEST = 6
"""Levels that are told in words; what lies deeper is JSON."""
REFERENCES = 20
"""Steps from one reference to the next, before it counts as a circle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A value and what it is called; either ``text`` or ``lines``."""

    label: str
    hint: str = ""
    text: str = ""
    lines: Sequence[Line] = ()


def described(value: JsonValue, schema: Schema | None) -> list[Line]:
    """An object's values in their order. Anything else, and what is too long, is one line."""
    root = schema or {}
    if not isinstance(value, dict) or len(json.dumps(value)) > LONGEST:
        text = value if isinstance(value, str) else pretty(value)
        return [Line(label="", text=cut(text))]
    return _lines(value, root, root, 1)


def _lines(
    value: Mapping[str, JsonValue], schema: Schema, root: Schema, depth: int
) -> list[Line]:
    known = properties(schema, root)
    return [
        _line(name, found, known.get(name, {}), root, depth)
        for name, found in value.items()
    ]


def _line(
    name: str, value: JsonValue, schema: Schema, root: Schema, depth: int
) -> Line:
    kind = resolved(schema, root, value)
    label, hint = title_of(name, schema), hint_of(kind)
    if isinstance(value, dict | list) and value and depth >= DEEPEST:
        return Line(label=label, hint=hint, text=pretty(value))
    if isinstance(value, dict) and value:
        return Line(label=label, hint=hint, lines=_lines(value, kind, root, depth + 1))
    if isinstance(value, list) and any(isinstance(each, dict | list) for each in value):
        items = kind.get("items")
        of_item = items if isinstance(items, dict) else {}
        lines = [
            _line(
                f"{number}.", each, {**of_item, "title": f"{number}."}, root, depth + 1
            )
            for number, each in enumerate(value, 1)
        ]
        return Line(label=label, hint=hint, lines=lines)
    return Line(label=label, hint=hint, text=_words(value))


def _words(value: JsonValue) -> str:
    if isinstance(value, list):
        return "\n".join(map(_words, value)) or "–"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if value is None or value in ("", {}):
        return "–"
    if isinstance(value, float):
        return json.dumps(value).removesuffix(".0")
    return value if isinstance(value, str) else json.dumps(value)


def properties(schema: Schema, root: Schema) -> dict[str, Schema]:
    """The schemas of an object's fields."""
    found = resolved(schema, root).get("properties")
    if not isinstance(found, dict):
        return {}
    return {name: each for name, each in found.items() if isinstance(each, dict)}


def resolved(schema: Schema, root: Schema, value: JsonValue = None) -> Schema:
    """What references and alternatives come to; of several alternatives, the value's own.

    What stands beside a reference (a field's title, its description) is kept.
    """
    found = dict(schema)
    for _step in range(REFERENCES):
        inner = _inner(found, root, value)
        if inner is None:
            return found
        rest = {
            key: each
            for key, each in found.items()
            if key not in ("$ref", "anyOf", "oneOf", "allOf")
        }
        found = {**inner, **rest}
    return {}


def _inner(schema: Schema, root: Schema, value: JsonValue) -> Schema | None:
    reference = schema.get("$ref")
    if isinstance(reference, str):
        definitions = root.get("$defs")
        name = reference.rsplit("/", 1)[-1]
        target = definitions.get(name) if isinstance(definitions, dict) else None
        return target if isinstance(target, dict) else {}
    for word in ("anyOf", "oneOf", "allOf"):
        choices = schema.get(word)
        if isinstance(choices, list):
            kinds = [each for each in choices if isinstance(each, dict)]
            return _alternative(kinds, value)
    return None


TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


def _alternative(kinds: Sequence[Schema], value: JsonValue) -> Schema:
    """The first that the value may be; without a value, the only one that isn't null."""
    real = [kind for kind in kinds if kind.get("type") != "null"]
    if len(real) == 1:
        return real[0]
    fitting = [
        kind for kind in real if type(value) in TYPES.get(str(kind.get("type")), ())
    ]
    return fitting[0] if fitting else {}


def is_nullable(schema: Schema) -> bool:
    """Is null among a field's alternatives?"""
    kinds = schema.get("anyOf")
    return isinstance(kinds, list) and {"type": "null"} in kinds


def title_of(name: str, schema: Schema) -> str:
    """What a field is called: its own title, not that of the class which it refers to; else its name."""
    title = schema.get("title")
    if isinstance(title, str) and title:
        return title
    return name.replace("_", " ").title() if schema else name


def hint_of(schema: Schema) -> str:
    """What its schema says of a field."""
    text = schema.get("description")
    return text if isinstance(text, str) else ""
