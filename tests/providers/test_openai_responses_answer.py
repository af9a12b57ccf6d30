from __future__ import annotations

import pytest

from chatkit_app.engine.states import FinishReason
from chatkit_app.exceptions import (
    ProviderContextExceeded,
    ProviderError,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
)
from chatkit_app.providers.openai_responses import OpenAIResponsesProvider
from chatkit_app.providers.scripted import Think
from tests.providers.asking_a_fake import asked
from tests.providers.fake_openai import FakeOpenAI
from tests.providers.fake_openai_script import Event, Raw
from tests.providers.streams import (
    Streamed,
    asking,
    stream,
    user,
)

Responses = OpenAIResponsesProvider


async def read(*events: Event) -> Streamed:
    """What comes of exactly these events."""
    async with asked(Responses, Raw(events)) as (provider, _):
        return await stream(provider, asking("Hello"))


def completed(*output: Event, **fields: object) -> Event:
    response = {"id": "resp_1", "status": "completed", "output": list(output), **fields}
    return {"type": "response.completed", "response": response}


async def test_the_paragraphs_of_a_summary_are_one_reasoning() -> None:
    async with asked(Responses, Think("One.\n\nTwo.")) as (provider, _):
        got = await stream(provider, asking("Hello"))
    assert got.texts == [("reasoning", "One.\n\nTwo.")]


async def test_a_refusal_of_the_model_is_text() -> None:
    item: Event = {"type": "message", "id": "msg_1", "status": "completed"}
    done = item | {"content": [{"type": "refusal", "refusal": "I can't."}]}
    got = await read(
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {
            "type": "response.refusal.delta",
            "output_index": 0,
            "content_index": 0,
            "delta": "I ",
        },
        {
            "type": "response.refusal.delta",
            "output_index": 0,
            "content_index": 0,
            "delta": "can't.",
        },
        {"type": "response.output_item.done", "output_index": 0, "item": done},
        completed(done),
    )
    assert got.texts == [("text", "I can't.")]
    assert got.end.reason == FinishReason.STOP


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("server_error", ProviderUnavailable),
        ("rate_limit_exceeded", ProviderRateLimited),
        ("invalid_prompt", ProviderRejected),
        ("bio_policy", ProviderRejected),
        ("context_length_exceeded", ProviderContextExceeded),
        (None, ProviderUnavailable),
    ],
)
async def test_a_failed_response_has_the_error_of_its_code(
    code: str | None, error: type[ProviderError]
) -> None:
    failure = {"code": code, "message": "It failed."}
    got = await read(
        {"type": "response.failed", "response": {"status": "failed", "error": failure}}
    )
    assert type(got.failure) is error


async def test_a_server_that_sends_the_whole_response_at_once_is_understood() -> None:
    got = await read(
        completed(
            {
                "type": "reasoning",
                "id": "rs_1",
                "summary": [{"type": "summary_text", "text": "Hm."}],
            },
            {"type": "message", "content": [{"type": "output_text", "text": "Hi"}]},
            {"type": "web_search_call", "id": "ws_1"},
            {
                "type": "function_call",
                "call_id": "call_1",
                "name": "now",
                "arguments": "",
            },
        )
    )
    assert got.texts == [("reasoning", "Hm."), ("text", "Hi"), ("tool-call", "{}")]
    assert all(part.is_whole for part in got.parts)
    assert got.end.reason == FinishReason.TOOL_CALLS


async def test_what_the_deltas_left_out_is_taken_from_the_whole_item() -> None:
    item: Event = {
        "type": "function_call",
        "call_id": "call_1",
        "name": "now",
        "arguments": "",
    }
    delta = "response.function_call_arguments.delta"
    got = await read(
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": delta, "output_index": 0, "delta": '{"a"'},
        {
            "type": "response.output_item.done",
            "output_index": 0,
            "item": item | {"arguments": '{"a": 1}', "status": "completed"},
        },
        completed(),
    )
    assert got.calls == [("now", '{"a": 1}')]


async def test_a_completed_response_with_a_call_that_never_ended_is_no_answer() -> None:
    item: Event = {
        "type": "function_call",
        "call_id": "call_1",
        "name": "now",
        "arguments": "",
    }
    got = await read(
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        completed(),
    )
    assert isinstance(got.failure, ProviderUnavailable)


async def test_events_that_nobody_knows_and_fields_of_other_types_are_passed_over() -> (
    None
):
    got = await read(
        {"type": "response.news", "output_index": "one"},
        {"type": 7},
        {"type": "response.output_text.delta", "output_index": 0, "delta": None},
        {"type": "response.output_text.delta", "output_index": 0, "delta": "Hi"},
        {
            "type": "response.function_call_arguments.delta",
            "output_index": 9,
            "delta": "{",
        },
        {
            "type": "response.reasoning_summary_text.delta",
            "output_index": 9,
            "delta": "x",
        },
        completed(usage={"input_tokens": "many", "input_tokens_details": None}),
    )
    assert got.texts == [("text", "Hi")]
    assert got.end.usage.input_tokens == 0


async def test_events_with_no_order_of_items_never_break_the_reader() -> None:
    async with asked(Responses, fake=FakeOpenAI()) as (provider, _):
        got = await stream(provider, asking(user("think a b\nsay c d\ncall x {}")))
    assert [part.text for part in got.parts] == ["a b", "c d", "{}"]
