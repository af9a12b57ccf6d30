"""OpenAI's Chat Completions API, which many other servers speak: vLLM, Ollama, LiteLLM, Azure …

https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain

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
from chatkit_app.providers.openai_chat_answer import NAME, ChatAnswer
from chatkit_app.providers.openai_connection import ApiKey
from chatkit_app.providers.openai_fields import Json, text_in
from chatkit_app.providers.openai_provider import OpenAIProvider, data_url


class OpenAIChatProvider(OpenAIProvider):
    """Models by Chat Completions.

    ``max_tokens`` or ``max_completion_tokens`` is the site's choice: an option as any other.
    ``sends_reasoning`` gives a model its thoughts of this turn back, in the field in which they
    came; some servers want that between tool calls (DeepSeek), others refuse it. ``sends_strict``
    has the model held to the schemas of the tools that can be strict; for a server that refuses the
    word, it is False.
    """

    name = NAME
    path = "/chat/completions"
    reserved_options = frozenset(
        {"model", "messages", "tools", "stream", "stream_options", "n"}
    )

    def __init__(
        self,
        *,
        api_key: ApiKey,
        base_url: str | None = None,
        organization: str | None = None,
        project: str | None = None,
        connect_timeout: float = 5.0,
        first_token_timeout: float = 60.0,
        next_token_timeout: float = 30.0,
        total_timeout: float = 600.0,
        default_options: Mapping[str, object] | None = None,
        safety_field: str | None = None,
        file_types: Iterable[str] | None = None,
        sends_reasoning: bool = False,
        sends_strict: bool = True,
    ) -> None:
        super().__init__(
            api_key=api_key,
            base_url=base_url,
            organization=organization,
            project=project,
            connect_timeout=connect_timeout,
            first_token_timeout=first_token_timeout,
            next_token_timeout=next_token_timeout,
            total_timeout=total_timeout,
            default_options=default_options,
            safety_field=safety_field,
            file_types=file_types,
        )
        self._sends_reasoning = sends_reasoning
        self._sends_strict = sends_strict

    def _body(self, request: ProviderRequest) -> dict[str, object]:
        body: dict[str, object] = {
            "model": request.model_name,
            "messages": self._messages(request),
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if request.tools:
            body["tools"] = [
                _tool(tool, says_strict=self._sends_strict) for tool in request.tools
            ]
        return {**body, **self._options(request)}

    def _messages(self, request: ProviderRequest) -> list[Json]:
        messages: list[Json] = []
        if request.instructions:
            messages.append({"role": "system", "content": request.instructions})
        for index, message in enumerate(request.messages):
            is_last = index == len(request.messages) - 1
            messages += _messages_of(
                message, has_reasoning=self._sends_reasoning and is_last
            )
        return messages

    def _answer_to(self, request: ProviderRequest) -> ChatAnswer:
        return ChatAnswer(request.model_name, taken_ids=_call_ids(request))


def _call_ids(request: ProviderRequest) -> set[str]:
    parts = chain.from_iterable(message.parts for message in request.messages)
    return {part.id for part in parts if isinstance(part, ToolCallPart)}


def _tool(tool: ToolSpec, *, says_strict: bool) -> Json:
    function: dict[str, object] = {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
    }
    if says_strict and tool.is_strict:  # left out, it is false
        function["strict"] = True
    return {"type": "function", "function": function}


def _messages_of(message: Message, *, has_reasoning: bool) -> Iterator[Json]:
    if message.role == Role.ASSISTANT:
        for step in _steps(message.parts):
            yield from step.messages(has_reasoning=has_reasoning)
    elif content := _content(message.parts):
        yield {"role": message.role.value, "content": content}


def _content(parts: tuple[Part, ...]) -> str | list[Json]:
    """Text as text, which every server takes; a list only where there are files."""
    if any(isinstance(part, FilePart) for part in parts):
        return [item for part in parts for item in _input(part)]
    return "\n\n".join(part.text for part in parts if isinstance(part, TextPart))


def _input(part: Part) -> Iterator[Json]:
    match part:
        case TextPart():
            yield {"type": "text", "text": part.text}
        case FilePart() if part.media_type in IMAGE_TYPES:
            yield {"type": "image_url", "image_url": {"url": data_url(part)}}
        case FilePart():
            file = {"filename": part.name, "file_data": data_url(part)}
            yield {"type": "file", "file": file}
        case _:
            pass


@dataclass(slots=True)
class _Step:
    """What one request brought, and the results of its calls."""

    texts: list[str] = field(default_factory=list)
    thoughts: dict[str, str] = field(default_factory=dict)
    calls: list[Json] = field(default_factory=list)
    results: list[Json] = field(default_factory=list)

    def add(self, part: Part) -> None:
        match part:
            case TextPart():
                self.texts.append(part.text)
            case ReasoningPart():
                data = part.provider_data
                if (
                    data
                    and data.provider == NAME
                    and (name := text_in(data.data, "field"))
                ):
                    self.thoughts[name] = self.thoughts.get(name, "") + part.text
            case ToolCallPart():
                self.calls.append(_call(part))
            case ToolResultPart():
                self.results.append(_result(part))

    def messages(self, *, has_reasoning: bool) -> Iterator[Json]:
        """The assistant's message, the results directly behind."""
        text = "\n\n".join(text for text in self.texts if text)
        if text or self.calls:
            said: dict[str, object] = {"role": "assistant", "content": text or None}
            if has_reasoning:
                said |= self.thoughts
            if self.calls:
                said["tool_calls"] = self.calls
            yield said
        yield from self.results


def _steps(parts: tuple[Part, ...]) -> Iterator[_Step]:
    """A step ends with its results: what comes behind them is the next one's."""
    step = _Step()
    for part in parts:
        if step.results and not isinstance(part, ToolResultPart):
            yield step
            step = _Step()
        step.add(part)
    yield step


def _call(part: ToolCallPart) -> Json:
    function = {"name": part.name, "arguments": part.arguments}
    return {"id": part.id, "type": "function", "function": function}


def _result(part: ToolResultPart) -> Json:
    return {"role": "tool", "tool_call_id": part.tool_call_id, "content": part.content}
