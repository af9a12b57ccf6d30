"""OpenAI's Responses API, stateless: the whole transcript is sent with every step.

https://platform.openai.com/docs/api-reference/responses
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from openai import APIStatusError, AsyncStream

from chatkit_app.engine.files import IMAGE_TYPES
from chatkit_app.engine.messages import (
    FilePart,
    Message,
    Part,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from chatkit_app.engine.provider import ProviderRequest, ToolSpec
from chatkit_app.engine.states import Role
from chatkit_app.exceptions import ProviderRejected
from chatkit_app.providers.openai_connection import Patience
from chatkit_app.providers.openai_fields import Json, objects_in, text_in
from chatkit_app.providers.openai_provider import OpenAIProvider, data_url
from chatkit_app.providers.openai_responses_answer import NAME, ResponsesAnswer

ENCRYPTED_REASONING = "reasoning.encrypted_content"


class OpenAIResponsesProvider(OpenAIProvider):
    """Models by the Responses API. Nothing is stored at the provider.

    Reasoning goes back to the model encrypted, as it came. A model that has none refuses to be
    asked for it: it is asked again without, and that is remembered.
    """

    name = NAME
    path = "/responses"
    reserved_options = frozenset(
        {
            *("model", "instructions", "input", "tools", "stream", "store", "include"),
            *("previous_response_id", "conversation", "background"),
        }
    )

    _plain_models: frozenset[str] = frozenset()
    """Those that refused to be asked for encrypted reasoning."""

    def _body(self, request: ProviderRequest) -> dict[str, object]:
        body: dict[str, object] = {
            "model": request.model_name,
            "input": [item for message in request.messages for item in _items(message)],
            "stream": True,
            "store": False,
        }
        if request.instructions:
            body["instructions"] = request.instructions
        if request.model_name not in self._plain_models:
            body["include"] = [ENCRYPTED_REASONING]
        if request.tools:
            body["tools"] = [_tool(tool) for tool in request.tools]
            body["parallel_tool_calls"] = True
        return {**body, **self._options(request)}

    def _answer_to(self, request: ProviderRequest) -> ResponsesAnswer:
        return ResponsesAnswer(request.model_name)

    async def _open(
        self, request: ProviderRequest, patience: Patience
    ) -> AsyncStream[object]:
        body = self._body(request)
        while True:
            try:
                return await self._ask(body, patience)
            except ProviderRejected as error:
                reduced = _without_refused(body, error.__cause__)
                if reduced == body:
                    raise
                if "include" not in reduced:
                    self._plain_models |= {request.model_name}
                body = reduced


def _without_refused(
    body: dict[str, object], error: BaseException | None
) -> dict[str, object]:
    """The body without what this refusal is about, as far as it can be done without."""
    if not isinstance(error, APIStatusError):
        return body
    if error.param == "include":
        return {key: value for key, value in body.items() if key != "include"}
    if (
        error.code == "invalid_encrypted_content"
    ):  # made with another organisation's key
        items = objects_in(body, "input")
        return {
            **body,
            "input": [item for item in items if item.get("type") != "reasoning"],
        }
    return body


def _tool(tool: ToolSpec) -> Json:
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
        # Said either way: left out, the API would take it for strict and rewrite the schema.
        "strict": tool.is_strict,
    }


def _items(message: Message) -> Iterator[Json]:
    if message.role == Role.ASSISTANT:
        yield from _items_of_assistant(message)
        return
    content = _content(message.parts)
    if content:
        yield {"type": "message", "role": message.role.value, "content": content}


def _content(parts: tuple[Part, ...]) -> str | list[Json]:
    match parts:
        case (TextPart(text=text),):
            return text
        case _:
            return [item for part in parts for item in _input(part)]


def _input(part: Part) -> Iterator[Json]:
    match part:
        case TextPart():
            yield {"type": "input_text", "text": part.text}
        case FilePart() if part.media_type in IMAGE_TYPES:
            url = data_url(part)
            yield {"type": "input_image", "image_url": url, "detail": "auto"}
        case FilePart():
            data = data_url(part)
            yield {"type": "input_file", "filename": part.name, "file_data": data}
        case _:
            pass


def _items_of_assistant(message: Message) -> Iterator[Json]:
    """The items in their order, without the API's ids: with them each item needs its neighbours.

    Reasoning that nothing of its step follows is left out, since it would be refused.
    """
    thoughts: list[Json] = []
    for part in message.parts:
        match part:
            case ReasoningPart():
                thoughts += _thought(part)
            case TextPart(text=""):
                pass
            case TextPart() | ToolCallPart():
                yield from thoughts
                thoughts = []
                yield _said(part)
            case ToolResultPart():
                thoughts = []
                yield _result(part)


def _thought(part: ReasoningPart) -> Iterator[Json]:
    item = _own(part).get("item")
    if isinstance(item, Mapping) and (
        item.get("encrypted_content") or item.get("content")
    ):
        yield item


def _said(part: TextPart | ToolCallPart) -> Json:
    if isinstance(part, ToolCallPart):
        return {
            "type": "function_call",
            "call_id": part.id,
            "name": part.name,
            "arguments": part.arguments,
        }
    phase = text_in(_own(part), "phase")
    item = {"type": "message", "role": "assistant", "content": part.text}
    return {**item, "phase": phase} if phase else item


def _result(part: ToolResultPart) -> Json:
    return {
        "type": "function_call_output",
        "call_id": part.tool_call_id,
        "output": part.content,
    }


def _own(part: TextPart | ReasoningPart) -> Json:
    data = part.provider_data
    return data.data if data and data.provider == NAME else {}
