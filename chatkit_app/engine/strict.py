"""OpenAI's strict mode: a tool's schema as the model is then held to it, or why it can't be.

In strict mode the model can write nothing that breaks the schema, but the schema may use only a part of
JSON Schema. Nothing is changed here that would change what the function receives: what would need that
stays as it is and is sent with ``strict: false``.

https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Schema = dict[str, Any]
"""JSON Schema: its keywords hold anything."""

KNOWN = frozenset(
    {
        *("$defs", "$ref", "additionalProperties", "anyOf", "const", "description"),
        *("enum", "exclusiveMaximum", "exclusiveMinimum", "format", "items"),
        *("maxItems", "maximum", "minItems", "minimum", "multipleOf", "pattern"),
        *("properties", "required", "title", "type"),
    }
)
FORMATS = frozenset(
    {
        *("date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6"),
        *("time", "uuid"),
    }
)
DROPPED = frozenset({"discriminator"})
"""Said by the rest of the schema as well."""

LOOK_AROUND = re.compile(r"(?<!\\)(?:\\\\)*\(\?<?[=!]")

MOST_PROPERTIES = 5000
MOST_CHOICES = 1000
MOST_CHARS = 120_000  # names and choices, together
DEEPEST = 10  # objects and arrays in each other


@dataclass(frozen=True, slots=True)
class Strictness:
    """The schema that strict mode takes, else None and the reasons, field by field."""

    schema: Schema | None
    loose_because: str = ""


def strictness_of(schema: Mapping[str, Any]) -> Strictness:
    """Can the model be held to this schema of an object?"""
    walk = _Walk(schema)
    made = walk.made()
    if walk.reasons:
        return Strictness(None, "; ".join(walk.reasons))
    return Strictness(made)


class _Walk:
    """Through all of a schema once; ``reasons`` are why it can't be strict."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self.reasons: list[str] = []
        self._root = root
        self._definitions: Mapping[str, Any] = root.get("$defs", {})
        self._properties = self._choices = self._chars = 0

    def made(self) -> Schema:
        """The schema in the form that strict mode takes."""
        made = self._node(self._root, "")
        if self._definitions:
            made["$defs"] = {
                name: self._node(node, name) for name, node in self._definitions.items()
            }
        self._chars += sum(map(len, self._definitions))
        self._measure()
        return made

    def _measure(self) -> None:
        if (
            self._properties > MOST_PROPERTIES
            or self._choices > MOST_CHOICES
            or self._chars > MOST_CHARS
        ):
            self._refuse("", "too large")
        if self._depth(self._root, ()) > DEEPEST:
            self._refuse("", f"more than {DEEPEST} levels")

    def _refuse(self, place: str, reason: str) -> None:
        self.reasons.append(f"{place or 'the input'}: {reason}")

    def _node(self, node: Mapping[str, Any], place: str) -> Schema:
        known = {
            key: value
            for key, value in node.items()
            if key not in DROPPED and key != "$defs"
        }
        if "oneOf" in known:  # which one it is, is checked where the arguments are read
            known["anyOf"] = known.pop("oneOf")
        self._look(known, place)
        if "anyOf" in known:
            known["anyOf"] = [self._node(one, place) for one in known["anyOf"]]
        if isinstance(known.get("items"), Mapping):
            known["items"] = self._node(known["items"], place)
        if known.get("type") == "object":
            known |= self._object(known, place)
        return _apart(known)

    def _look(self, node: Schema, place: str) -> None:
        for key in sorted(node.keys() - KNOWN):
            self._refuse(place, f"{key} is not supported")
        if not node.keys() & {"$ref", "anyOf", "const", "enum", "type"}:
            self._refuse(place, "may be anything")
        if node.get("type") == "array" and not node.keys() & {"items", "prefixItems"}:
            self._refuse(place, "may hold anything")
        if (form := node.get("format")) and form not in FORMATS:
            self._refuse(place, f"the format {form} is not supported")
        if LOOK_AROUND.search(node.get("pattern", "")):
            self._refuse(place, "a pattern that looks around is not supported")
        choices = node.get("enum", ())
        self._choices += len(choices)
        self._chars += sum(len(str(choice)) for choice in choices)

    def _object(self, node: Schema, place: str) -> Schema:
        properties = node.get("properties", {})
        if node.get("additionalProperties") is not False:
            self._refuse(place, "may have keys that are not declared")
        self._properties += len(properties)
        self._chars += sum(map(len, properties))
        needed = node.get("required", ())
        return {
            "properties": {
                name: self._property(
                    field, f"{place}.{name}".lstrip("."), is_needed=name in needed
                )
                for name, field in properties.items()
            },
            "required": list(properties),
            "additionalProperties": False,
        }

    def _property(
        self, node: Mapping[str, Any], place: str, *, is_needed: bool
    ) -> Schema:
        """One that may be left out is asked for all the same, where null says exactly that."""
        bare = {key: value for key, value in node.items() if key != "default"}
        says_nothing = "default" in node and node["default"] is None
        if not is_needed and not (says_nothing and self._takes_null(bare)):
            self._refuse(
                place, "has a default" if "default" in node else "may be left out"
            )
        return self._node(bare, place)

    def _takes_null(self, node: Mapping[str, Any]) -> bool:
        return "null" in (node.get("type"), *_listed(node.get("type"))) or any(
            self._takes_null(one)
            for key in ("anyOf", "oneOf")
            for one in node.get(key, ())
        )

    def _depth(self, node: Mapping[str, Any], above: tuple[str, ...]) -> int:
        """Levels of objects and arrays; what holds itself counts once."""
        if isinstance(name := node.get("$ref"), str):
            name = name.rsplit("/", 1)[-1]
            if name in above or name not in self._definitions:
                return 0
            return self._depth(self._definitions[name], (*above, name))
        inner = max((self._depth(one, above) for one in _inside(node)), default=0)
        return inner + (node.get("type") in ("object", "array"))


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _inside(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from node.get("properties", {}).values()
    for key in ("anyOf", "oneOf"):
        yield from node.get(key, ())
    if isinstance(items := node.get("items"), Mapping):
        yield items


def _apart(node: Schema) -> Schema:
    """A reference stands alone in strict mode, so words about it stand around it."""
    if "$ref" not in node or len(node) == 1:
        return node
    others = {key: value for key, value in node.items() if key != "$ref"}
    return {"anyOf": [{"$ref": node["$ref"]}], **others}
