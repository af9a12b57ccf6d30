"""What is said of one method of one address in the API's schema, and the schemas that many of them use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chatkit_app.api.queries import MAX_ROWS, MAX_TEXT

Schema = dict[str, Any]
"""A JSON Schema, as OpenAPI has it."""

PLAIN = "^[^\\u0000]*$"
TEXT: Schema = {"type": "string", "maxLength": MAX_TEXT, "pattern": PLAIN}
ID: Schema = {"type": "string", "format": "uuid"}
TIME: Schema = {"type": "string", "format": "date-time"}
FLAG: Schema = {"type": "string", "enum": ["true", "false"]}
SIZE: Schema = {"type": "integer", "minimum": 1, "maximum": MAX_ROWS}
CURSOR: Schema = {"type": "string", "maxLength": 300, "pattern": "^[A-Za-z0-9_.:-]+$"}
TOKEN: Schema = {"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"}
BINARY: Schema = {"type": "string", "format": "binary"}
EXPORTED: Mapping[str, Schema] = {
    "application/json": {"type": "object"},
    "text/markdown": {"type": "string"},
}
FILE: Schema = {
    "type": "object",
    "properties": {"file": BINARY},
    "required": ["file"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one address. ``answers``: by status a shape, schemas by media type, or None.

    ``errors`` are the statuses beside those that every address may answer with.
    """

    name: str
    summary: str
    query: Mapping[str, tuple[Schema, str]] = field(default_factory=dict)
    body: type | Schema | None = None
    media_type: str = "application/json"
    needs_body: bool = True
    answers: Mapping[int, Any] = field(default_factory=dict)
    errors: tuple[int, ...] = ()


PAGE: Mapping[str, tuple[Schema, str]] = {
    "cursor": (
        CURSOR,
        "From `next` or `previous` of the same list with the same filters.",
    ),
    "page_size": (SIZE, "Rows of a page; more than 100 are 100."),
}
