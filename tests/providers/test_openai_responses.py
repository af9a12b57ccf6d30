from __future__ import annotations

from dataclasses import replace

from chatkit_app.engine.messages import (
    FilePart,
    Message,
    ProviderData,
    ReasoningPart,
    TextPart,
)
from chatkit_app.engine.states import Role
from chatkit_app.providers.openai_responses import OpenAIResponsesProvider
from chatkit_app.providers.scripted import Call, Say, Think
from tests.providers.asking_a_fake import asked
from tests.providers.fake_openai_script import ENCRYPTED, Event
from tests.providers.streams import (
    STRICT_WEATHER,
    WEATHER,
    asking,
    assistant,
    call,
    result,
    results_of,
    stream,
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


async def test_a_tool_that_can_be_strict_is() -> None:
    async with asked(Responses, Say("Hi")) as (provider, fake):
        await stream(
            provider,
            asking("Hello", tools=(STRICT_WEATHER, replace(WEATHER, name="news"))),
        )
    tools = fake.bodies[0]["tools"]
    assert [(tool["name"], tool["strict"]) for tool in tools] == [
        ("weather", True),
        ("news", False),
    ]


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


async def test_pictures_and_papers_are_handed_over_between_the_words() -> None:
    picture = FilePart(name="a.png", media_type="image/png", size=3, data="UE5H")
    paper = FilePart(name="b.pdf", media_type="application/pdf", size=3, data="UERG")
    parts = (TextPart(text="Look"), picture, TextPart(text="[file …]"), paper)

    [item] = await items_sent(Message(role=Role.USER, parts=parts))

    assert item["content"] == [
        {"type": "input_text", "text": "Look"},
        {
            "type": "input_image",
            "image_url": "data:image/png;base64,UE5H",
            "detail": "auto",
        },
        {"type": "input_text", "text": "[file …]"},
        {
            "type": "input_file",
            "filename": "b.pdf",
            "file_data": "data:application/pdf;base64,UERG",
        },
    ]


async def test_a_picture_needs_no_words() -> None:
    picture = FilePart(name="a.png", media_type="image/png", size=3, data="UE5H")

    [item] = await items_sent(Message(role=Role.USER, parts=(picture,)))

    assert [part["type"] for part in item["content"]] == ["input_image"]
