"""From JSON Schema to TypeScript: types for what tools take and give."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]
"""JSON Schema: its keywords hold anything."""

ANYTHING = "Json"
WORDS = {
    "string": "string",
    "number": "number",
    "integer": "number",
    "boolean": "boolean",
    "null": "null",
}
RESERVED = frozenset(
    [
        "any",
        "as",
        "async",
        "await",
        "bigint",
        "boolean",
        "break",
        "case",
        "catch",
        "class",
        "const",
        "continue",
        "debugger",
        "declare",
        "default",
        "delete",
        "do",
        "else",
        "enum",
        "export",
        "extends",
        "false",
        "finally",
        "for",
        "from",
        "function",
        "if",
        "implements",
        "import",
        "in",
        "instanceof",
        "interface",
        "let",
        "module",
        "namespace",
        "never",
        "new",
        "null",
        "number",
        "object",
        "of",
        "package",
        "private",
        "protected",
        "public",
        "return",
        "static",
        "string",
        "super",
        "switch",
        "symbol",
        "this",
        "throw",
        "true",
        "try",
        "type",
        "typeof",
        "undefined",
        "unknown",
        "var",
        "void",
        "while",
        "with",
        "yield",
        "Array",
        "EventTarget",
        "HTMLElement",
        "AbortSignal",
        "Promise",
        "Record",
    ]
)
IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]*\Z", re.ASCII)


def pascal(name: str) -> str:
    """``add_to_cart`` as a type's name: ``AddToCart``."""
    words = re.split(r"[^A-Za-z0-9$]+", name)
    joined = "".join(word[:1].upper() + word[1:] for word in words)
    return joined if IDENTIFIER.match(joined) else f"_{joined}"


def comment(text: str, indent: str = "") -> list[str]:
    """A doc comment's lines; none for no text."""
    told = text.strip().replace("*/", "*\\/")
    if not told:
        return []
    lines = [line.rstrip() for line in told.splitlines()]
    if len(lines) == 1:
        return [f"{indent}/** {lines[0]} */"]
    return [f"{indent}/**", *(f"{indent} * {line}".rstrip() for line in lines), f"{indent} */"]  # fmt: skip


def literal(value: object) -> str:
    """A value as its own type."""
    if isinstance(value, list | dict) or (
        isinstance(value, float) and not value.is_integer()
    ):
        return ANYTHING if isinstance(value, list | dict) else "number"
    return json.dumps(value, ensure_ascii=False)


class Declarations:
    """Interfaces for the models that schemas name; one model, one interface, however often it is met.

    ``taken`` are names that the file has besides. Two models of one name, or one that looks another
    way when it is read than when it is written, get two names.
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = {*RESERVED, *taken}
        self._names: dict[str, str] = {}
        self._lines: dict[str, list[str]] = {}

    def lines(self) -> Iterator[str]:
        """All interfaces, by name."""
        for name in sorted(self._lines):
            yield from self._lines[name]
            yield ""

    def name(self, wanted: str, suffix: str = "") -> str:
        """A name that is free, as near to the one wanted as can be."""
        base = pascal(wanted)
        candidates = (
            base,
            *([base + suffix] if suffix else []),
            *(f"{base}{suffix}{number}" for number in range(2, 10_000)),
        )
        free = next(name for name in candidates if name not in self._taken)
        self._taken.add(free)
        return free

    def type_of(self, schema: Schema, suffix: str = "") -> str:
        """The type of a whole schema; ``suffix`` tells its models from others of the same name."""
        root = _Root(self, schema.get("$defs", {}), suffix)
        bare = {key: value for key, value in schema.items() if key != "$defs"}
        if _has_fields(bare) and bare.get("title"):
            return root.declared(bare["title"], bare)
        return root.type_of(bare)

    def interface(self, wanted: str, key: str, suffix: str) -> tuple[str, bool]:
        """The name of the model that ``key`` stands for, and whether it is new."""
        if key in self._names:
            return self._names[key], False
        self._names[key] = self.name(wanted, suffix)
        return self._names[key], True

    def declare(self, name: str, lines: list[str]) -> None:
        """Keep an interface."""
        self._lines[name] = lines


class _Root:
    """One schema and its definitions."""

    def __init__(
        self, declarations: Declarations, definitions: Schema, suffix: str
    ) -> None:
        self._declarations = declarations
        self._definitions = definitions
        self._suffix = suffix

    def type_of(self, schema: Schema | bool) -> str:
        """An expression for the type."""
        if isinstance(schema, bool):
            return ANYTHING if schema else "never"
        if "$ref" in schema:
            return self._referred(schema["$ref"])
        if "const" in schema:
            return literal(schema["const"])
        if "enum" in schema:
            return _union(literal(value) for value in schema["enum"])
        for key in ("anyOf", "oneOf"):
            if key in schema:
                return _union(self.type_of(one) for one in schema[key])
        if "allOf" in schema:
            return " & ".join(_grouped(self.type_of(one)) for one in schema["allOf"])
        return self._by_kind(schema)

    def _by_kind(self, schema: Schema) -> str:
        kind = schema.get("type")
        if isinstance(kind, list):
            return _union(self.type_of({**schema, "type": one}) for one in kind)
        if kind == "array":
            return self._array(schema)
        if kind == "object":
            return self._object(schema)
        return WORDS.get(kind or "", ANYTHING)

    def _array(self, schema: Schema) -> str:
        items = schema.get("items", True)
        if "prefixItems" not in schema:
            return f"{_grouped(self.type_of(items))}[]"
        first = [self.type_of(one) for one in schema["prefixItems"]]
        is_longer = schema.get("maxItems") != len(first) and items is not False
        rest = [f"...{_grouped(self.type_of(items))}[]"] if is_longer else []
        return f"[{', '.join([*first, *rest])}]"

    def _object(self, schema: Schema) -> str:
        if not _has_fields(schema):
            return f"{{ [key: string]: {self.type_of(schema.get('additionalProperties', True))} }}"
        inner = self._fields(schema, "")
        return f"{{ {'; '.join(line.strip() for line in inner)} }}" if inner else "{}"

    def _fields(self, schema: Schema, indent: str, *, told: bool = False) -> list[str]:
        lines: list[str] = []
        needed = schema.get("required", ())
        for name, field in schema["properties"].items():
            if told:
                lines += comment(_about(field), indent)
            key = name if IDENTIFIER.match(name) else json.dumps(name)
            # What is left out and what is undefined are one in JSON.
            kind = self.type_of(field)
            is_needed = name in needed
            lines.append(
                f"{indent}{key}: {kind}" if is_needed
                else f"{indent}{key}?: {_union([kind, 'undefined'])}"
            )  # fmt: skip
        if schema.get("additionalProperties", False) is not False:
            lines.append(f"{indent}[key: string]: unknown")
        return lines

    def _referred(self, reference: str) -> str:
        name = reference.rsplit("/", 1)[-1]
        target = self._definitions.get(name)
        return ANYTHING if target is None else self.declared(name, target)

    def declared(self, wanted: str, schema: Schema) -> str:
        """The name of a model, declared at its first use; what is no model stays where it is."""
        if not _has_fields(schema) and not self._holds_itself(schema):
            return self.type_of(schema)
        title = schema.get("title", wanted)
        name, is_new = self._declarations.interface(
            title, self._key(schema), self._suffix
        )
        if is_new:
            self._declarations.declare(name, self._lines(name, schema))
        return name

    def _lines(self, name: str, schema: Schema) -> list[str]:
        told = comment(schema.get("description", ""))
        if not _has_fields(schema):
            return [*told, f"export type {name} = {self.type_of(schema)}"]
        if not (inner := self._fields(schema, "  ", told=True)):
            return [*told, f"export type {name} = Record<string, never>"]
        return [*told, f"export interface {name} {{", *inner, "}"]

    def _holds_itself(self, schema: Schema) -> bool:
        """Is it, say, a list of lists of itself? Such a type needs a name."""
        named = {name for name, node in self._definitions.items() if node is schema}
        return bool(named & self._reached(schema))

    def _key(self, schema: Schema) -> str:
        """Tells models apart: by all that they say, and all that those say that they name."""
        reached = {name: self._definitions.get(name) for name in self._reached(schema)}
        return json.dumps([schema, reached], sort_keys=True, default=str)

    def _reached(self, schema: object) -> set[str]:
        found: set[str] = set()
        todo = list(_references(schema))
        while todo:
            name = todo.pop()
            if name not in found:
                found.add(name)
                todo += _references(self._definitions.get(name))
        return found


def _has_fields(schema: Schema) -> bool:
    return schema.get("type") == "object" and "properties" in schema


def _references(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        if isinstance(reference := value.get("$ref"), str):
            yield reference.rsplit("/", 1)[-1]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def _about(field: Schema | bool) -> str:
    """What a field's comment says: its description, and the form of its text."""
    if isinstance(field, bool):
        return ""
    forms = {
        field.get("format"),
        *(one.get("format") for one in field.get("anyOf", ())),
    }
    form = " ".join(f"Format: {one}." for one in sorted(filter(None, forms)))
    return "\n".join(filter(None, (field.get("description", ""), form)))


def _union(kinds: Iterable[str]) -> str:
    return " | ".join(dict.fromkeys(kinds)) or "never"


def _grouped(kind: str) -> str:
    """In parentheses, where what stands beside it would bind more tightly."""
    depth = 0
    quoted = False
    for before, letter in zip(" " + kind, kind, strict=False):
        quoted ^= letter == '"' and before != "\\"
        if not quoted:
            depth += (letter in "{[(") - (letter in "}])")
            if depth == 0 and letter in "|&":
                return f"({kind})"
    return kind
