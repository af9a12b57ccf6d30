from __future__ import annotations

import pytest

from chatkit_app.engine.messages import (
    Message,
    ProviderData,
    ReasoningPart,
    TextPart,
)
from chatkit_app.engine.states import FinishReason, Role
from chatkit_app.exceptions import (
    ProviderContextExceeded,
    ProviderError,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
)
from chatkit_app.providers.openai_responses import OpenAIResponsesProvider
from chatkit_app.providers.scripted import Call, Say, Think
from tests.providers.asking_a_fake import asked
from tests.providers.fake_openai import FakeOpenAI
from tests.providers.fake_openai_script import ENCRYPTED, Event, Raw
from tests.providers.streams import (
    WEATHER,
    Streamed,
    asking,
    assistant,
    call,
    result,
    results_of,
    stream,
    user,
)

Responses = OpenAIResponsesProvider


def thought(
    secret: str = f"{ENCRYPTED}1", provider: str = "openai_responses"
) -> ReasoningPart:
    item = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [],
        "encrypted_content": secret,
    }
    return ReasoningPart(
        text="", provider_data=ProviderData(provider=provider, data={"item": item})
    )


async def items_sent(*messages: Message | str) -> list[Event]:
    """The items that leave for this transcript; the fake has found them in order."""
    async with asked(Responses, Say("Hi")) as (provider, fake):
        assert (await stream(provider, asking(*messages))).finish
    items = fake.bodies[0]["input"]
    assert isinstance(items, list)
    return items


async def read(*events: Event) -> Streamed:
    """What comes of exactly these events."""
    async with asked(Responses, Raw(events)) as (provider, _):
        return await stream(provider, asking("Hello"))


def completed(*output: Event, **fields: object) -> Event:
    response = {"id": "resp_1", "status": "completed", "output": list(output), **fields}
    return {"type": "response.completed", "response": response}


async def test_nothing_is_stored_at_the_provider() -> None:
    async with asked(Responses, Say("Hi")) as (provider, fake):
        await stream(provider, asking("Hello", instructions="Be kind."))
    assert fake.bodies[0] == {
        "model": "gpt-5",
        "instructions": "Be kind.",
        "input": [{"type": "message", "role": "user", "content": "Hello"}],
        "include": ["reasoning.encrypted_content"],
        "store": False,
        "stream": True,
    }


async def test_tools_are_offered_without_strictness_and_in_parallel() -> None:
    async with asked(Responses, Say("Hi")) as (provider, fake):
        await stream(provider, asking("Hello", tools=(WEATHER,)))
    tool = {"type": "function", "name": "weather", "description": WEATHER.description}
    assert fake.bodies[0]["tools"] == [
        tool | {"parameters": WEATHER.parameters, "strict": False}
    ]
    assert fake.bodies[0]["parallel_tool_calls"] is True


async def test_reasoning_goes_back_as_it_came_before_what_it_led_to() -> None:
    lines = (Think("Two towns.\n\nBoth then."), Call("weather"), Call("weather"))
    async with asked(Responses, *lines) as (provider, fake):
        got = await stream(provider, asking("Hello"))
        parts = (*got.said(), *results_of(got, lambda _: "rain"))
        assert (await stream(provider, asking("Hello", assistant(*parts)))).finish
    sent = fake.bodies[1]["input"]
    assert isinstance(sent, list)
    assert [item["type"] for item in sent] == [
        "message",
        "reasoning",
        "function_call",
        "function_call",
        "function_call_output",
        "function_call_output",
    ]
    assert sent[1]["encrypted_content"].startswith(ENCRYPTED)
    assert sent[1]["summary"] == [
        {"type": "summary_text", "text": "Two towns."},
        {"type": "summary_text", "text": "Both then."},
    ]


async def test_the_paragraphs_of_a_summary_are_one_reasoning() -> None:
    async with asked(Responses, Think("One.\n\nTwo.")) as (provider, _):
        got = await stream(provider, asking("Hello"))
    assert got.texts == [("reasoning", "One.\n\nTwo.")]


async def test_reasoning_without_a_summary_is_kept_for_the_model_alone() -> None:
    async with asked(Responses, Think(""), Say("Hi")) as (provider, _):
        got = await stream(provider, asking("Hello"))
    assert got.texts == [("reasoning", ""), ("text", "Hi")]
    assert got.parts[0].provider_data is not None
    assert got.parts[0].provider_data.provider == "openai_responses"


async def test_reasoning_of_another_provider_is_left_out() -> None:
    sent = await items_sent(
        "Hello", assistant(thought(provider="other"), TextPart(text="Hi")), "So?"
    )
    assert [item["type"] for item in sent] == ["message", "message", "message"]


async def test_reasoning_that_nothing_of_its_step_follows_is_left_out() -> None:
    parts = (thought(), call("call_1"), result("call_1"), thought(), TextPart(text=""))
    sent = await items_sent("Hello", assistant(*parts), "So?")
    kinds = [item["type"] for item in sent]
    assert kinds == [
        "message",
        "reasoning",
        "function_call",
        "function_call_output",
        "message",
    ]


async def test_the_phase_of_a_message_goes_back_with_it() -> None:
    async with asked(Responses, Say("Hi")) as (provider, fake):
        got = await stream(provider, asking("Hello"))
        await stream(provider, asking("Hello", assistant(*got.said()), "So?"))
    sent = fake.bodies[1]["input"]
    assert isinstance(sent, list)
    assert sent[1] == {
        "type": "message",
        "role": "assistant",
        "content": "Hi",
        "phase": "final_answer",
    }


async def test_several_texts_of_a_user_and_a_message_of_the_site_are_sent() -> None:
    texts = (TextPart(text="One"), TextPart(text="Two"))
    messages = (
        Message(role=Role.SYSTEM, parts=(TextPart(text="It is night."),)),
        Message(role=Role.USER, parts=texts),
    )
    sent = await items_sent(*messages)
    assert sent[0] == {"type": "message", "role": "system", "content": "It is night."}
    assert sent[1]["content"] == [
        {"type": "input_text", "text": "One"},
        {"type": "input_text", "text": "Two"},
    ]


async def test_a_model_without_reasoning_is_asked_for_it_only_once() -> None:
    async with asked(Responses, Say("Hi")) as (provider, fake):
        for _ in range(2):
            got = await stream(provider, asking("Hello", model_name="gpt-4.1"))
            assert got.texts == [("text", "Hi")]
        await stream(provider, asking("Hello"))
    assert ["include" in body for body in fake.bodies] == [True, False, False, True]


async def test_reasoning_that_the_provider_can_no_longer_read_is_given_up() -> None:
    history = (
        "Hello",
        assistant(thought("gBBB-of-another-key"), TextPart(text="Hi")),
        "So?",
    )
    async with asked(Responses, Say("Ha")) as (provider, fake):
        got = await stream(provider, asking(*history))
    assert got.texts == [("text", "Ha")]
    assert len(fake.bodies) == 2


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
