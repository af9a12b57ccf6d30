"""What OpenAI refuses, with its own words: fields, tools, and histories that don't hold together."""

from __future__ import annotations

import re
from collections.abc import Iterator

from openai.types.chat import completion_create_params
from openai.types.responses import response_create_params

from tests.providers.fake_openai_script import ENCRYPTED, Event, Status

RESPONSES_FIELDS = {
    *response_create_params.ResponseCreateParamsBase.__annotations__,
    "stream",
}
CHAT_FIELDS = {
    *completion_create_params.CompletionCreateParamsBase.__annotations__,
    "stream",
}
TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}", re.ASCII)
NAME_PATTERN = "^[a-zA-Z0-9_-]+$"
ITEM_FIELDS = {
    "message": {"type", "role", "content", "id", "status", "phase"},
    "function_call": {"type", "call_id", "name", "arguments", "id", "status"},
    "function_call_output": {"type", "call_id", "output", "id", "status"},
    "reasoning": {"type", "id", "summary", "content", "encrypted_content", "status"},
}
MESSAGE_FIELDS = {
    "system": {"role", "content", "name"},
    "developer": {"role", "content", "name"},
    "user": {"role", "content", "name"},
    "assistant": {"role", "content", "name", "refusal", "tool_calls"},
    "tool": {"role", "content", "tool_call_id"},
}


def refused(message: str, param: str | None = None, code: str | None = None) -> Status:
    return Status(400, code=code, message=message, param=param)


def responses_refusal(body: Event) -> Status | None:
    """The first thing that is wrong with a request to ``/responses``."""
    return next(_responses_refusals(body), None)


def chat_refusal(body: Event) -> Status | None:
    """The first thing that is wrong with a request to ``/chat/completions``."""
    return next(_chat_refusals(body), None)


def _responses_refusals(body: Event) -> Iterator[Status]:
    for name in body.keys() - RESPONSES_FIELDS:
        yield refused(f"Unknown parameter: '{name}'.", name, "unknown_parameter")
    if not isinstance(body.get("model"), str):
        yield refused("Missing required parameter: 'model'.", "model")
    if body.get("include") and str(body["model"]).startswith("gpt-4"):
        yield refused("Encrypted content is not supported with this model.", "include")
    if body.get("parallel_tool_calls") and not body.get("tools"):
        yield refused(
            "'parallel_tool_calls' is only allowed when 'tools' are specified."
        )
    if body.get("previous_response_id"):
        yield refused(
            "Previous response not found.", code="previous_response_not_found"
        )
    for number, tool in enumerate(_list(body.get("tools"))):
        yield from _tool_refusals(tool, f"tools[{number}]")
    if isinstance(body.get("input"), str):
        return
    items = _list(body.get("input"))
    if not items:
        yield refused("Missing required parameter: 'input'.", "input")
    for number, item in enumerate(items):
        yield from _item_refusals(
            item, f"input[{number}]", is_stored=body.get("store") is not False
        )
    yield from _pairing_refusals(items)
    yield from _reasoning_refusals(items)


def _list(value: object) -> list[Event]:
    return (
        [item for item in value if isinstance(item, dict)]
        if isinstance(value, list)
        else []
    )


def _item_refusals(item: Event, place: str, *, is_stored: bool) -> Iterator[Status]:
    kind = str(item.get("type", "message"))
    if kind not in ITEM_FIELDS:
        yield refused(f"Invalid value: '{kind}'.", place, "invalid_value")
        return
    for name in item.keys() - ITEM_FIELDS[kind]:
        yield refused(
            f"Unknown parameter: '{place}.{name}'.", place, "unknown_parameter"
        )
    for name in ("call_id", "name", "arguments", "output"):
        if name in ITEM_FIELDS[kind] and not isinstance(item.get(name), str):
            yield refused(f"Missing required parameter: '{place}.{name}'.", place)
    if kind == "message":
        yield from _content_refusals(item, place)
    if kind == "reasoning":
        yield from _thought_refusals(item, place, is_stored=is_stored)
    if len(str(item.get("call_id", ""))) > 64:
        yield refused(f"Invalid '{place}.call_id': string too long.", place)


def _content_refusals(item: Event, place: str) -> Iterator[Status]:
    if item.get("role") not in {"user", "assistant", "system", "developer"}:
        yield refused(
            f"Invalid value: '{item.get('role')}'.", f"{place}.role", "invalid_value"
        )
    is_said = item.get("role") == "assistant"
    wanted = {"output_text"} if is_said else {"input_text", "input_image", "input_file"}
    content = item.get("content")
    if not isinstance(content, str | list):
        yield refused(f"Invalid type for '{place}.content'.", f"{place}.content")
    for part in _list(content):
        if part.get("type") not in wanted:
            yield refused(f"Invalid value: '{part.get('type')}'.", f"{place}.content")


def _thought_refusals(item: Event, place: str, *, is_stored: bool) -> Iterator[Status]:
    if "id" not in item or "summary" not in item:
        yield refused(f"Missing required parameter: '{place}.summary'.", place)
    secret = item.get("encrypted_content")
    if secret and not str(secret).startswith(ENCRYPTED):
        message = "The encrypted content could not be verified."
        yield refused(message, code="invalid_encrypted_content")
    if not secret and not is_stored:
        words = "Items are not persisted when `store` is set to false."
        yield Status(404, message=f"Item with id '{item.get('id')}' not found. {words}")


def _pairing_refusals(items: list[Event]) -> Iterator[Status]:
    called: dict[str, int] = {}
    answered: set[str] = set()
    for item in items:
        call_id = str(item.get("call_id"))
        if item.get("type") == "function_call":
            called[call_id] = called.get(call_id, 0) + 1
        if item.get("type") == "function_call_output":
            if call_id not in called:
                words = "No tool call found for function call output with call_id"
                yield refused(f"{words} {call_id}.", "input")
            answered.add(call_id)
    for call_id in called.keys() - answered:
        yield refused(f"No tool output found for function call {call_id}.", "input")


def _reasoning_refusals(items: list[Event]) -> Iterator[Status]:
    """A reasoning item is followed by what it led to; an item with an id needs its reasoning."""
    for number, item in enumerate(items):
        following = items[number + 1] if number + 1 < len(items) else {}
        leads_on = following.get("type") in {"function_call", "reasoning"} or (
            following.get("role") == "assistant"
        )
        if item.get("type") == "reasoning" and not leads_on:
            words = (
                "of type 'reasoning' was provided without its required following item."
            )
            yield refused(f"Item '{item.get('id')}' {words}", "input")
        before = items[number - 1] if number else {}
        if str(item.get("id", "")).startswith(("fc_", "msg_")) and not before.get("id"):
            words = "was provided without its required 'reasoning' item."
            yield refused(
                f"Item '{item['id']}' of type '{item.get('type')}' {words}", "input"
            )


def _tool_refusals(tool: Event, place: str) -> Iterator[Status]:
    name = tool.get("name")
    if not isinstance(name, str) or not TOOL_NAME.fullmatch(name):
        words = (
            "string does not match pattern. Expected a string that matches the pattern"
        )
        yield refused(
            f"Invalid '{place}.name': {words} '{NAME_PATTERN}'.", f"{place}.name"
        )
    schema = tool.get("parameters")
    kind = schema.get("type") if isinstance(schema, dict) else None
    if kind != "object":
        words = f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{kind}\"'."
        yield refused(
            f"Invalid schema for function '{name}': {words}",
            code="invalid_function_parameters",
        )
    if tool.get("strict") is True:
        for words in _strict_faults(schema):
            yield refused(
                f"Invalid schema for function '{name}': {words}",
                code="invalid_function_parameters",
            )
    if any(_bare_arrays(schema)):
        words = "array schema missing items."
        yield refused(
            f"Invalid schema for function '{name}': {words}",
            code="invalid_function_parameters",
        )


NOT_STRICT = {"allOf", "default", "maxLength", "minLength", "oneOf", "prefixItems"}


def _strict_faults(schema: object) -> Iterator[str]:
    """What strict mode does not take, in the words of OpenAI."""
    if isinstance(schema, list):
        for part in schema:
            yield from _strict_faults(part)
    if not isinstance(schema, dict):
        return
    for word in NOT_STRICT & schema.keys():
        yield f"'{word}' is not permitted."
    if "$ref" in schema and len(schema) > 1:
        yield "$ref cannot have keywords beside it."
    if schema.get("type") == "object":
        if schema.get("additionalProperties") is not False:
            yield "'additionalProperties' is required to be supplied and to be false."
        if set(schema.get("required", ())) != set(schema.get("properties", ())):
            yield "'required' must include every key in properties."
    for key, part in schema.items():
        inner = key in ("properties", "$defs") and isinstance(part, dict)
        yield from _strict_faults(list(part.values()) if inner else part)


def _bare_arrays(schema: object) -> Iterator[bool]:
    if isinstance(schema, list):
        for part in schema:
            yield from _bare_arrays(part)
    if isinstance(schema, dict):
        yield schema.get("type") == "array" and not (
            {"items", "prefixItems"} & schema.keys()
        )
        for part in schema.values():
            yield from _bare_arrays(part)


def _chat_refusals(body: Event) -> Iterator[Status]:
    for name in body.keys() - CHAT_FIELDS:
        yield refused(f"Unrecognized request argument supplied: {name}")
    if not isinstance(body.get("model"), str):
        yield refused("you must provide a model parameter")
    if body.get("parallel_tool_calls") is not None and not body.get("tools"):
        yield refused(
            "'parallel_tool_calls' is only allowed when 'tools' are specified."
        )
    for number, tool in enumerate(_list(body.get("tools"))):
        function = tool.get("function")
        yield from _tool_refusals(
            function if isinstance(function, dict) else {}, f"tools[{number}].function"
        )
    messages = _list(body.get("messages"))
    if not messages:
        yield refused("[] is too short - 'messages'", "messages", "empty_array")
    for number, message in enumerate(messages):
        yield from _message_refusals(message, f"messages.{number}")
    yield from _order_refusals(messages)


def _message_refusals(message: Event, place: str) -> Iterator[Status]:
    role = str(message.get("role"))
    if role not in MESSAGE_FIELDS:
        yield refused(f"'{role}' is not one of the roles - '{place}.role'", place)
        return
    for name in message.keys() - MESSAGE_FIELDS[role]:
        words = f"Additional properties are not allowed ('{name}' was unexpected)"
        yield refused(f"{words} - '{place}'", place)
    if message.get("tool_calls") == []:
        yield refused(f"[] is too short - '{place}.tool_calls'", place)
    if not isinstance(message.get("content"), str | list) and not message.get(
        "tool_calls"
    ):
        yield refused(
            "Invalid value for 'content': expected a string, got null.", place
        )
    for call in _list(message.get("tool_calls")):
        function = call.get("function")
        whole = isinstance(function, dict) and isinstance(
            function.get("arguments"), str
        )
        if call.get("type") != "function" or not call.get("id") or not whole:
            yield refused(f"Invalid tool call - '{place}.tool_calls'", place)


def _order_refusals(messages: list[Event]) -> Iterator[Status]:
    """Tool messages answer the calls directly before them, each of them once."""
    open_ids: set[str] = set()
    end: Event = {"role": "end"}
    for message in [*messages, end]:
        if message["role"] == "tool":
            call_id = str(message.get("tool_call_id"))
            if call_id not in open_ids:
                words = "messages with role 'tool' must be a response to a preceeding message"
                yield refused(
                    f"Invalid parameter: {words} with 'tool_calls'.", "messages"
                )
            open_ids.discard(call_id)
            continue
        if open_ids:
            words = "An assistant message with 'tool_calls' must be followed by tool messages"
            missing = f"The following tool_call_ids did not have response messages: {open_ids}"
            yield refused(
                f"{words} responding to each 'tool_call_id'. {missing}", "messages"
            )
        ids = [str(call.get("id")) for call in _list(message.get("tool_calls"))]
        open_ids = set(ids)
        if len(open_ids) < len(ids):
            yield refused("Duplicate value for 'tool_call_id'.", "messages")
