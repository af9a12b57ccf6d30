from __future__ import annotations

import pytest

from chatkit_app.engine.messages import (
    FilePart,
    Message,
    ProviderData,
    ReasoningPart,
    TextPart,
)
from chatkit_app.engine.states import Role
from chatkit_app.providers.openai_chat import OpenAIChatProvider
from chatkit_app.providers.scripted import Say
from tests.providers.asking_a_fake import asked
from tests.providers.fake_openai import FakeOpenAI
from tests.providers.fake_openai_script import Event
from tests.providers.streams import (
    STRICT_WEATHER,
    WEATHER,
    asking,
    assistant,
    call,
    result,
    stream,
)

Chat = OpenAIChatProvider


async def sent(*messages: Message | str, **fields: object) -> object:
    fake = FakeOpenAI(lambda body: (Say("Hi"),), is_loose="sends_reasoning" in fields)
    async with asked(Chat, fake=fake, **fields) as (provider, _):
        assert (await stream(provider, asking(*messages))).finish
    return fake.bodies[0]["messages"]


async def test_the_request_is_the_one_that_all_servers_understand() -> None:
    async with asked(Chat, Say("Hi")) as (provider, fake):
        await stream(
            provider, asking("Hello", instructions="Be kind.", tools=(WEATHER,))
        )
    function = {"name": "weather", "description": WEATHER.description}
    function["parameters"] = WEATHER.parameters  # type: ignore[assignment]  # JSON
    assert fake.bodies[0] == {
        "model": "gpt-5",
        "messages": [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "Hello"},
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
        "tools": [{"type": "function", "function": function}],
    }


@pytest.mark.parametrize("sends_strict", [True, False])
async def test_a_tool_is_strict_where_it_can_be_and_the_server_knows_the_word(
    sends_strict: bool,
) -> None:
    fake = FakeOpenAI(lambda body: (Say("Hi"),))
    async with asked(Chat, fake=fake, sends_strict=sends_strict) as (provider, _):
        await stream(provider, asking("Hello", tools=(STRICT_WEATHER, WEATHER)))
    functions = [tool["function"] for tool in fake.bodies[0]["tools"]]
    assert [function.get("strict") for function in functions] == [
        True if sends_strict else None,
        None,
    ]


async def test_the_steps_of_a_run_become_messages_each_with_its_results_behind() -> (
    None
):
    parts = (
        TextPart(text="I look."),
        call("a", arguments='{"town":"Bern"}'),
        call("b"),
        result("a", "rain"),
        result("b", "snow"),
        ReasoningPart(text="Hm."),
        call("c"),
        result("c", "sun"),
        TextPart(text="Sun."),
    )

    def made(call_id: str, arguments: str = "{}") -> Event:
        function = {"name": "weather", "arguments": arguments}
        return {"id": call_id, "type": "function", "function": function}

    assert await sent("Hello", assistant(*parts), "Thanks") == [
        {"role": "user", "content": "Hello"},
        {
            "role": "assistant",
            "content": "I look.",
            "tool_calls": [made("a", '{"town":"Bern"}'), made("b")],
        },
        {"role": "tool", "tool_call_id": "a", "content": "rain"},
        {"role": "tool", "tool_call_id": "b", "content": "snow"},
        {"role": "assistant", "content": None, "tool_calls": [made("c")]},
        {"role": "tool", "tool_call_id": "c", "content": "sun"},
        {"role": "assistant", "content": "Sun."},
        {"role": "user", "content": "Thanks"},
    ]


async def test_an_answer_that_said_nothing_is_left_out() -> None:
    messages = await sent(
        "Hello", assistant(ReasoningPart(text="Hm."), TextPart(text="")), "So?"
    )
    assert messages == [
        {"role": "user", "content": "Hello"},
        {"role": "user", "content": "So?"},
    ]


async def test_reasoning_goes_back_only_where_the_site_says_so_and_within_the_turn() -> (
    None
):
    data = ProviderData(provider="openai_chat", data={"field": "reasoning_content"})
    own = ReasoningPart(text="Hm.", provider_data=data)
    foreign = ReasoningPart(text="Ha.", provider_data=None)
    step = assistant(own, foreign, call("a"), result("a"))
    old = await sent("Hello", step, "So?", sends_reasoning=True)
    now = await sent("Hello", step, sends_reasoning=True)
    off = await sent("Hello", step)
    assert "Hm." not in str(old)
    assert "Hm." not in str(off)
    assert isinstance(now, list)
    assert now[1]["reasoning_content"] == "Hm."


async def test_pictures_and_papers_are_handed_over_between_the_words() -> None:
    picture = FilePart(name="a.png", media_type="image/png", size=3, data="UE5H")
    paper = FilePart(name="b.pdf", media_type="application/pdf", size=3, data="UERG")
    parts = (TextPart(text="Look"), picture, TextPart(text="[file …]"), paper)

    [message] = await sent(Message(role=Role.USER, parts=parts))

    assert message["content"] == [
        {"type": "text", "text": "Look"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,UE5H"}},
        {"type": "text", "text": "[file …]"},
        {
            "type": "file",
            "file": {
                "filename": "b.pdf",
                "file_data": "data:application/pdf;base64,UERG",
            },
        },
    ]
