"""The OpenAPI document, by drf-spectacular: our views describe themselves by ``operations``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry, ResolvedComponent
from drf_spectacular.settings import spectacular_settings
from drf_spectacular.views import SpectacularAPIView
from pydantic import TypeAdapter

from chatkit_app.api.operation import ID, PLAIN, TOKEN, Operation, Schema
from chatkit_app.api.operations import CODES, EVERYWHERE, OPERATIONS, WITH_BODY
from chatkit_app.api.shapes import ErrorJson
from chatkit_app.api.versions import VERSION
from chatkit_app.protocols.native_frames import BELONGINGS, MAX_SAFE_INTEGER

JSON = "application/json"
COMPONENTS = "#/components/schemas/"
A_JSON = {"$ref": f"{COMPONENTS}JsonValue"}
SENT: Mapping[str, Schema] = {
    # pydantic's own says nothing of it
    "JsonValue": {
        "anyOf": [
            {"type": "string"},
            {"type": "number"},
            {"type": "boolean"},
            {"type": "null"},
            {"type": "array", "items": A_JSON},
            {"type": "object", "additionalProperties": A_JSON},
        ]
    },
    # each decision comes with what belongs to it alone
    "InterruptAnswerFrame": {
        "oneOf": [
            {
                "type": "object",
                "properties": {
                    "interrupt": ID,
                    "decision": {"type": "string", "enum": [str(decision)]},
                    **{
                        name: {"type": "string", "maxLength": 2000}
                        if name == "text"
                        else A_JSON
                        for name in sorted(fields)
                    },
                },
                "required": ["interrupt", "decision"],
                "additionalProperties": False,
            }
            for decision, fields in BELONGINGS.items()
        ]
    },
}
"""Components of what is sent, where the types alone say too little."""
TAG = "chatkit"
NAMED = {"token": TOKEN}
"""Parameters of paths that are no ids."""
PATH_PARAMETER = re.compile(r"\{(\w+)\}")
RATE_HEADERS = {
    "X-RateLimit-Limit": "Requests of this scope in a window of time.",
    "X-RateLimit-Remaining": "How many of them are left.",
    "X-RateLimit-Reset": "Seconds until the next window.",
}


class ChatKitSchema(AutoSchema):
    """One operation, as the table has it."""

    def get_operation(
        self,
        path: str,
        path_regex: str,
        path_prefix: str,
        method: str,
        registry: ComponentRegistry,
    ) -> Schema | None:
        """None for what the table does not have."""
        self.registry, self.path, self.method = registry, path, method.upper()
        told = OPERATIONS.get(type(self.view).__name__, {}).get(method.lower())
        if told is None:
            return None
        operation: Schema = {
            "operationId": f"chatkit_{told.name}",
            "summary": told.summary,
            "tags": [TAG],
            "parameters": [*_path_parameters(path), *_query_parameters(told)],
            "security": [*(auth for auth in self.get_auth() if auth), {}],
            "responses": self._responses(told),
        }
        if told.body is not None:
            schema = self._schema(told.body, _as_sent)
            content = {told.media_type: {"schema": schema}}
            operation["requestBody"] = {"content": content, "required": told.needs_body}
        return operation

    def _responses(self, told: Operation) -> Schema:
        found = {
            str(status): self._response(told, status, shape)
            for status, shape in told.answers.items()
        }
        more = WITH_BODY if told.body is not None else ()
        error = self._schema(ErrorJson)
        for status in (*EVERYWHERE, *more, *told.errors):
            content = {JSON: {"schema": error}}
            found[str(status)] = {"description": CODES[status], "content": content}
        return found

    def _response(self, told: Operation, status: int, shape: Any) -> Schema:
        headers = {
            name: {"schema": {"type": "integer"}, "description": words}
            for name, words in RATE_HEADERS.items()
        }
        answer: Schema = {"description": told.summary, "headers": headers}
        if isinstance(shape, Mapping):
            answer["content"] = {
                kind: {"schema": dict(schema)} for kind, schema in shape.items()
            }
        elif shape is not None:
            answer["content"] = {JSON: {"schema": self._schema(shape)}}
        return answer

    def _schema(self, shape: Any, fit: Callable[[Any], Any] | None = None) -> Schema:
        """A reference to the shape's component, which is registered with all that it refers to."""
        if isinstance(shape, dict):
            return shape
        schema = TypeAdapter(shape).json_schema(
            ref_template="#/components/schemas/{model}", by_alias=True
        )
        fit = fit or _fitting
        for name, part in schema.pop("$defs", {}).items():
            self._register(name, fit(SENT.get(name, part)))
        return self._register(str(schema.pop("title", shape.__name__)), fit(schema))

    def _register(self, name: str, schema: Schema) -> Schema:
        component = ResolvedComponent(  # type: ignore[no-untyped-call]  # drf-spectacular's own
            name=name, type=ResolvedComponent.SCHEMA, object=name, schema=schema
        )
        self.registry.register_on_missing(component)
        return {"$ref": f"#/components/schemas/{name}"}


def _path_parameters(path: str) -> list[Schema]:
    return [
        {"name": name, "in": "path", "required": True, "schema": NAMED.get(name, ID)}
        for name in PATH_PARAMETER.findall(path)
    ]


def _query_parameters(told: Operation) -> list[Schema]:
    return [
        {"name": name, "in": "query", "schema": schema, "description": words}
        for name, (schema, words) in told.query.items()
    ]


def _as_sent(schema: Any) -> Any:
    """What a client sends is held to more than its types: see ``native.read_object``."""
    return _fitting(_bounded(schema))


def _bounded(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_bounded(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: _bounded(part) for name, part in schema.items()}
    if "propertyNames" in found:
        found["propertyNames"] = {"pattern": PLAIN, **found["propertyNames"]}
    match found.get("type"):
        case "string" if not {"pattern", "format", "enum", "const"} & found.keys():
            found["pattern"] = PLAIN
        case "integer" | "number":
            bounds = {"minimum": -MAX_SAFE_INTEGER, "maximum": MAX_SAFE_INTEGER}
            found = {**bounds, **found}
        case "object" if found.get("additionalProperties") is True or (
            found.get("additionalProperties") == {"$ref": f"{COMPONENTS}JsonValue"}
        ):
            found["propertyNames"] = {"pattern": PLAIN}
    return found


def _fitting(schema: Any) -> Any:
    """JSON Schema as OpenAPI 3.0 has it, where the site's document is of that version.

    There null is no type of its own, ``const`` is not known, and that a bound is none of the numbers is
    said beside it. Titles that only repeat a name go.
    """
    if isinstance(schema, list):
        return [_fitting(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {
        name: _fitting(part)
        for name, part in schema.items()
        if name not in ("title", "default") or not isinstance(part, str | None)
    }
    if isinstance(found.get("pattern"), str):
        found["pattern"] = found["pattern"].replace("\\A", "^").replace("\\z", "$")
    if not str(spectacular_settings.OAS_VERSION).startswith("3.0"):
        return found
    if "const" in found:
        found["enum"] = [found.pop("const")]
    if "exclusiveMinimum" in found:
        found["minimum"], found["exclusiveMinimum"] = found["exclusiveMinimum"], True
    found.pop("propertyNames", None)
    return _without_null(found)


def _without_null(schema: Schema) -> Schema:
    choices = schema.get("anyOf")
    if not isinstance(choices, list) or {"type": "null"} not in choices:
        return schema
    others = [choice for choice in choices if choice != {"type": "null"}]
    rest = {name: part for name, part in schema.items() if name != "anyOf"}
    if len(others) > 1:
        return {**rest, "anyOf": others, "nullable": True}
    [only] = others
    # A reference takes nothing beside it.
    found = {"allOf": [only]} if "$ref" in only else only
    return {**rest, **found, "nullable": True}


def only_ours(endpoints: Sequence[Any], **kwargs: object) -> list[Any]:
    """The endpoints of this app, out of all that the site has."""
    return [
        endpoint
        for endpoint in endpoints
        if isinstance(getattr(endpoint[3].cls, "schema", None), ChatKitSchema)
    ]


class SchemaView(SpectacularAPIView):
    """``GET schema/``: the document of this API alone; it is in the site's own as well."""

    schema = None
    permission_classes = ()
    api_version = VERSION
    custom_settings = {
        "TITLE": "ChatKit",
        "DESCRIPTION": "Threads, messages, runs and tool calls of whoever asks.",
        "VERSION": VERSION,
        "OAS_VERSION": "3.1.0",
        "PREPROCESSING_HOOKS": ["chatkit_app.api.schema.only_ours"],
        "POSTPROCESSING_HOOKS": [],
    }
