"""The tools of a site's assistants, written down for others: as TypeScript, as OpenAPI."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from chatkit_app.engine.schema import dump_json, dumped_schema
from chatkit_app.engine.states import Executor
from chatkit_app.engine.tools import Tool
from chatkit_app.engine.typescript import Declarations, comment, pascal

HEAD = """\
// Written by `manage.py chatkit_types` from the tools of this site's assistants. Not to be edited:
// write it again when a tool has changed, and let `--check` say so where the code is tested.
"""
ELEMENT = """\
declare global {
  interface HTMLElementTagNameMap {
    "chatkit-thread": ChatElement<AllTools>
  }
}
"""
NAMES = re.compile(r"^(?:export )?(?:interface|type) (\w+)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenTool:
    """A tool as it is written down. ``answer`` is None where it runs on the server alone."""

    name: str
    description: str
    loose_because: str
    arguments: Mapping[str, JsonValue]  # what the model writes
    input: Mapping[str, JsonValue]  # the same, as it is then stored and shown
    output: Mapping[str, JsonValue]
    answer: Mapping[str, JsonValue] | None

    @property
    def key(self) -> str:
        """The same for the same tool, whichever assistants have it."""
        given = None if self.answer is None else dict(self.answer)
        return dump_json(
            [self.name, self.description, dict(self.input), dict(self.output), given]
        )


Written = Mapping[str, Sequence[WrittenTool]]
"""Each assistant's tools, in the order of their names."""


def written(assistants: Mapping[str, Sequence[Tool]]) -> Written:
    """What there is to write down of these assistants' tools."""
    return {
        name: sorted(_merged(tools), key=lambda tool: (tool.name, tool.key))
        for name, tools in sorted(assistants.items())
    }


def _merged(tools: Sequence[Tool]) -> Iterator[WrittenTool]:
    """Both halves of a hybrid are one tool, which a page may answer."""
    in_pages = {
        id(tool.definition) for tool in tools if tool.executor is Executor.CLIENT
    }
    for definition in {id(tool.definition): tool.definition for tool in tools}.values():
        yield WrittenTool(
            name=definition.name,
            description=definition.description,
            loose_because=definition.loose_because,
            arguments=definition.input_schema,
            input=dumped_schema(definition.input),
            output=dumped_schema(definition.output),
            answer=definition.answer_schema if id(definition) in in_pages else None,
        )


# --- TypeScript -----------------------------------------------------------------------------


def typescript(assistants: Written, general: str, *, is_whole: bool) -> str:
    """One ``.d.ts``; ``general`` is the text of ``typed.d.ts``.

    ``is_whole``: these are all of the site's assistants, so ``<chatkit-thread>`` can be typed.
    """
    declarations = Declarations(taken={*NAMES.findall(general), *_own(assistants)})
    names: dict[str, str] = {}
    tools = [
        line
        for tool in {tool.key: tool for tools in assistants.values() for tool in tools}.values()
        for line in _tool(tool, declarations, names)
    ]  # fmt: skip
    maps = [line for name in assistants for line in _map(name, assistants, names)]
    together = _together(assistants, names)
    parts = [
        HEAD,
        *declarations.lines(),
        *tools,
        *maps,
        *together,
        *([ELEMENT] if is_whole else []),
        general,
    ]
    return "\n".join(parts).rstrip() + "\n"


def _own(assistants: Written) -> Iterator[str]:
    yield from ("AllTools", "Assistants", "ToolName")
    for name in assistants:
        for kind in ("Tools", "Part", "Message", "Client", "Element"):
            yield f"{pascal(name)}{kind}"


def _tool(
    tool: WrittenTool, declarations: Declarations, names: dict[str, str]
) -> Iterator[str]:
    name = names[tool.key] = declarations.name(f"{pascal(tool.name)}Tool")
    loose = f"Not strict: {tool.loose_because}." if tool.loose_because else ""
    yield from comment("\n\n".join(filter(None, (tool.description, loose))))
    yield f"export interface {name} {{"
    yield f"  input: {declarations.type_of(tool.input, 'Input')}"
    yield f"  output: {declarations.type_of(tool.output, 'Output')}"
    given = tool.answer
    answer = "never" if given is None else declarations.type_of(given, "Answer")
    yield f"  answer: {answer}"
    yield "}"
    yield ""


def _map(name: str, assistants: Written, names: dict[str, str]) -> Iterator[str]:
    prefix = pascal(name)
    yield f"/** The tools of the assistant {json.dumps(name)}. */"
    yield f"export type {prefix}Tools = {{"
    for tool in assistants[name]:
        yield f"  {_key(tool.name)}: {names[tool.key]}"
    yield "}"
    for kind in ("Part", "Message"):
        yield f"export type {prefix}{kind} = {kind}<{prefix}Tools>"
    for kind in ("Client", "Element"):
        yield f"export type {prefix}{kind} = Chat{kind}<{prefix}Tools>"
    yield ""


def _together(assistants: Written, names: dict[str, str]) -> Iterator[str]:
    yield "/** The tools of each assistant. */"
    yield "export type Assistants = {"
    for name in assistants:
        yield f"  {_key(name)}: {pascal(name)}Tools"
    yield "}"
    by_name: dict[str, dict[str, None]] = {}
    for tools in assistants.values():
        for tool in tools:
            by_name.setdefault(tool.name, {})[names[tool.key]] = None
    yield "/** All tools of all assistants. */"
    yield "export type AllTools = {"
    for name, kinds in sorted(by_name.items()):
        yield f"  {_key(name)}: {' | '.join(kinds)}"
    yield "}"
    yield "export type ToolName = keyof AllTools"
    yield ""


def _key(name: str) -> str:
    return name if name.isidentifier() else json.dumps(name)


# --- OpenAPI --------------------------------------------------------------------------------


def openapi(assistants: Written) -> dict[str, JsonValue]:
    """The tools' schemas as components of OpenAPI 3.1: of each its input, output and answer."""
    schemas: dict[str, JsonValue] = {}
    for assistant, tools in assistants.items():
        for tool in tools:
            for kind, schema in (
                ("input", tool.arguments),
                ("output", tool.output),
                ("answer", tool.answer),
            ):
                if schema is not None:
                    schemas |= _components(f"{assistant}.{tool.name}.{kind}", schema)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tools", "version": "1"},
        "paths": {},
        "components": {"schemas": dict(sorted(schemas.items()))},
    }


def _components(name: str, schema: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """A schema and its definitions, side by side."""
    definitions = schema.get("$defs", {})
    bare = {key: value for key, value in schema.items() if key != "$defs"}
    inner = definitions if isinstance(definitions, dict) else {}
    return {name: _moved(bare, name)} | {
        f"{name}.{_component(key)}": _moved(node, name) for key, node in inner.items()
    }


def _moved(value: JsonValue, name: str) -> JsonValue:
    """With references to where the definitions now are."""
    if isinstance(value, dict):
        return {key: _moved(inner, name) for key, inner in value.items()}
    if isinstance(value, list):
        return [_moved(inner, name) for inner in value]
    if isinstance(value, str) and value.startswith("#/$defs/"):
        key = value.removeprefix("#/$defs/")
        return f"#/components/schemas/{name}.{_component(key)}"
    return value


def _component(key: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", key)
