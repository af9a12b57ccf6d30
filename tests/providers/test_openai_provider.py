from __future__ import annotations

import asyncio
from typing import Any

import pytest

from chatkit_app.engine.provider import PartDelta
from chatkit_app.engine.states import FinishReason
from chatkit_app.exceptions import (
    ProviderRejected,
    ProviderUnavailable,
)
from chatkit_app.providers.openai_chat import OpenAIChatProvider
from chatkit_app.providers.openai_responses import OpenAIResponsesProvider
from chatkit_app.providers.scripted import BreakOff, Call, Say, Stall, Think
from tests.providers.asking_a_fake import BOTH, Kind, asked
from tests.providers.fake_openai import KEY, FakeOpenAI
from tests.providers.fake_openai_script import (
    ErrorEvent,
    Finish,
    Line,
    Reset,
)
from tests.providers.streams import (
    WEATHER,
    asking,
    assistant,
    call,
    result,
    results_of,
    stream,
)

pytestmark = pytest.mark.usefixtures("transport")


SHORT: dict[str, Any] = {
    "connect_timeout": 0.5,
    "first_token_timeout": 0.5,
    "next_token_timeout": 0.5,
}


@BOTH
async def test_a_text_comes_word_by_word_and_finishes_with_its_usage(
    kind: Kind,
) -> None:
    async with asked(kind, Think("Hm."), Say("Good day to you.")) as (provider, _):
        got = await stream(provider, asking("Hello"))
    assert got.texts == [("reasoning", "Hm."), ("text", "Good day to you.")]
    assert all(part.is_whole for part in got.parts)
    assert len([event for event in got.events if isinstance(event, PartDelta)]) == 5
    assert got.end.reason == FinishReason.STOP
    assert (got.end.usage.input_tokens, got.end.usage.cached_tokens) == (100, 40)
    assert (got.end.usage.output_tokens, got.end.usage.reasoning_tokens) == (5, 1)
    assert got.end.response_id
    assert got.end.model_name == "gpt-5"


@BOTH
async def test_parallel_calls_come_whole_each_with_its_own_id(kind: Kind) -> None:
    lines = (
        Call("weather", {"town": "Bern"}),
        Call("weather", {"town": "Rome"}),
        Call("now"),
    )
    async with asked(kind, *lines) as (provider, _):
        got = await stream(provider, asking("Hello", tools=(WEATHER,)))
    assert got.calls == [
        ("weather", '{"town": "Bern"}'),
        ("weather", '{"town": "Rome"}'),
        ("now", "{}"),
    ]
    assert all(part.is_whole for part in got.parts)
    assert len({part.call_id for part in got.parts}) == 3
    assert got.end.reason == FinishReason.TOOL_CALLS


@BOTH
async def test_a_run_of_several_steps_is_a_history_that_openai_accepts(
    kind: Kind,
) -> None:
    text = "think Well.\nsay Looking.\ncall weather {}\ncall weather {}\nthen\nthink So.\ncall weather {}"
    async with asked(kind, fake=FakeOpenAI()) as (provider, fake):
        first = await stream(provider, asking(text, tools=(WEATHER,)))
        parts = (*first.said(), *results_of(first, lambda _: "rain"))
        second = await stream(
            provider, asking(text, assistant(*parts), tools=(WEATHER,))
        )
        parts = (*parts, *second.said(), *results_of(second, lambda _: "snow"))
        third = await stream(
            provider, asking(text, assistant(*parts), tools=(WEATHER,))
        )
        parts = (*parts, *third.said())
        fourth = await stream(
            provider, asking(text, assistant(*parts), "Thanks", tools=(WEATHER,))
        )
    assert [len(step.calls) for step in (first, second, third, fourth)] == [2, 1, 0, 0]
    assert third.texts == [("text", "The tools answered: rain; rain; snow")]
    assert fourth.texts == [("text", "You said: Thanks")]
    assert len(fake.requests) == 4


@BOTH
async def test_a_call_without_its_result_is_refused(kind: Kind) -> None:
    history = ("Hello", assistant(call("call_1")), "And now?")
    async with asked(kind, Say("Never said")) as (provider, _):
        got = await stream(provider, asking(*history))
    assert isinstance(got.failure, ProviderRejected)


@BOTH
async def test_a_result_without_its_call_is_refused(kind: Kind) -> None:
    async with asked(kind, Say("Never said")) as (provider, _):
        got = await stream(provider, asking("Hello", assistant(result("call_1"))))
    assert isinstance(got.failure, ProviderRejected)


@BOTH
@pytest.mark.parametrize("fault", [BreakOff(), Reset(), ErrorEvent(), Stall()], ids=str)
async def test_what_came_before_a_fault_stays_and_no_finish_follows(
    kind: Kind, fault: Line
) -> None:
    async with asked(kind, Say("Good day", is_whole=False), fault, **SHORT) as (
        provider,
        _,
    ):
        got = await stream(provider, asking("Hello"))
    assert isinstance(got.failure, ProviderUnavailable)
    assert got.texts == [("text", "Good day")]
    assert got.finish is None


@BOTH
async def test_a_body_that_is_cut_where_only_its_end_would_tell_is_no_answer(
    kind: Kind,
) -> None:
    fake = FakeOpenAI(
        lambda body: (Say("Good day"), BreakOff()), is_delimited_by_close=True
    )
    async with asked(kind, fake=fake) as (provider, _):
        got = await stream(provider, asking("Hello"))
    assert isinstance(got.failure, ProviderUnavailable)


@BOTH
async def test_a_call_that_was_cut_never_counts_as_whole(kind: Kind) -> None:
    lines = (Call("weather", '{"town": ', is_whole=False), BreakOff())
    async with asked(kind, *lines) as (provider, _):
        got = await stream(provider, asking("Hello"))
    assert isinstance(got.failure, ProviderUnavailable)
    assert not got.parts[0].is_whole


@BOTH
async def test_a_call_that_the_limit_cut_stays_open_and_a_text_ends(kind: Kind) -> None:
    lines = (
        Say("I look."),
        Call("weather", '{"town": ', is_whole=False),
        Finish("length"),
    )
    async with asked(kind, *lines) as (provider, _):
        got = await stream(provider, asking("Hello"))
    assert [part.is_whole for part in got.parts] == [True, False]
    assert got.end.reason == FinishReason.LENGTH


@BOTH
async def test_a_filtered_answer_says_so(kind: Kind) -> None:
    async with asked(kind, Say("I"), Finish("content_filter")) as (provider, _):
        got = await stream(provider, asking("Hello"))
    assert got.end.reason == FinishReason.CONTENT_FILTER


@BOTH
async def test_arguments_that_are_no_json_pass_as_they_are(kind: Kind) -> None:
    async with asked(kind, Call("weather", '{"town": Bern]')) as (provider, _):
        got = await stream(provider, asking("Hello"))
    assert got.calls == [("weather", '{"town": Bern]')]
    assert got.end.reason == FinishReason.TOOL_CALLS


@BOTH
@pytest.mark.parametrize("size", [1, 3, 7])
async def test_characters_that_the_network_cuts_arrive_whole(
    kind: Kind, size: int
) -> None:
    text = "Zürich, 東京, 😀!"
    fake = FakeOpenAI(lambda body: (Say(text, pieces=tuple(text)),), bytes_a_write=size)
    async with asked(kind, fake=fake) as (provider, _):
        got = await stream(provider, asking("Hello"))
    assert got.texts == [("text", text)]


@BOTH
async def test_half_a_surrogate_pair_in_a_delta_does_not_crash(kind: Kind) -> None:
    line = Say("\ud83d\ude00\x00", pieces=("\ud83d", "\ude00", "\x00"))
    async with asked(kind, line) as (provider, _):
        got = await stream(provider, asking("Hello"))
    assert got.texts == [("text", "\ud83d\ude00\x00")]


@BOTH
async def test_half_a_surrogate_pair_in_the_history_is_replaced(kind: Kind) -> None:
    async with asked(kind, fake=FakeOpenAI()) as (provider, _):
        got = await stream(provider, asking("a\ud83d b\ud83d\ude00 c\x00"))
    assert got.texts == [("text", "You said: a\ufffd b😀 c\x00")]


@BOTH
async def test_a_huge_delta_passes(kind: Kind) -> None:
    text = "x" * 3_000_000
    async with asked(kind, Say(text, pieces=(text,))) as (provider, _):
        got = await stream(provider, asking("Hello"))
    assert got.parts[0].text == text


@BOTH
async def test_options_go_into_the_body_the_assistants_over_the_sites(
    kind: Kind,
) -> None:
    sites = {"temperature": 0.1, "top_p": 0.5}
    async with asked(kind, Say("Hi"), default_options=sites) as (provider, fake):
        await stream(provider, asking("Hello", options={"temperature": 0.9}))
    assert (fake.bodies[0]["temperature"], fake.bodies[0]["top_p"]) == (0.9, 0.5)


@BOTH
async def test_options_that_are_the_providers_own_are_an_error(kind: Kind) -> None:
    with pytest.raises(ValueError, match="stream"):
        kind(api_key=KEY, default_options={"stream": False})
    async with asked(kind, Say("Hi")) as (provider, fake):
        with pytest.raises(ValueError, match="model"):
            await stream(provider, asking("Hello", options={"model": "other"}))
    assert not fake.requests


@BOTH
async def test_the_viewers_key_goes_where_the_site_says(kind: Kind) -> None:
    async with asked(kind, Say("Hi"), safety_field="safety_identifier") as (
        provider,
        fake,
    ):
        await stream(provider, asking("Hello", safety_key="v-1"))
    assert fake.bodies[0]["safety_identifier"] == "v-1"


@BOTH
async def test_the_viewers_key_goes_to_openai_and_to_nobody_else_unasked(
    kind: Kind,
) -> None:
    async with asked(kind, Say("Hi")) as (provider, fake):
        await stream(provider, asking("Hello", safety_key="v-1"))
    assert "v-1" not in fake.requests[0].content.decode()
    assert kind(api_key=KEY)._safety_field == "safety_identifier"
    assert (
        kind(api_key=KEY, base_url="https://openai.com.evil.test/v1")._safety_field
        == ""
    )


@pytest.mark.parametrize("key", ["", " \n"])
def test_an_empty_key_is_an_error_at_once(key: str) -> None:
    with pytest.raises(ValueError, match="api_key"):
        OpenAIChatProvider(api_key=key)


@BOTH
async def test_the_line_end_that_a_file_brings_is_no_part_of_the_key(
    kind: Kind,
) -> None:
    async with asked(kind, Say("Hi"), api_key=f"{KEY}\n") as (provider, _):
        assert (await stream(provider, asking("Hello"))).finish


@BOTH
@pytest.mark.parametrize("name", ["search shop", "ümlaut", "", "x" * 65])
async def test_a_tools_name_that_openai_refuses_is_a_rejected_request(
    kind: Kind, name: str
) -> None:
    tool = type(WEATHER)(name=name, description="", parameters=WEATHER.parameters)
    async with asked(kind, Say("Hi")) as (provider, _):
        got = await stream(provider, asking("Hello", tools=(tool,)))
    assert isinstance(got.failure, ProviderRejected)


@BOTH
async def test_many_streams_at_once_do_not_mix(kind: Kind) -> None:
    async with asked(kind, fake=FakeOpenAI(delay=0.001)) as (provider, _):
        texts = [f"Number {number}" for number in range(30)]
        got = await asyncio.gather(*(stream(provider, asking(text)) for text in texts))
    assert [one.parts[0].text for one in got] == [f"You said: {text}" for text in texts]


@pytest.mark.parametrize("kind", [OpenAIChatProvider, OpenAIResponsesProvider])
def test_a_provider_says_which_files_its_model_reads(kind) -> None:
    papers = "application/pdf"

    assert {papers, "image/png"} <= kind(api_key="k").file_types
    elsewhere = kind(api_key="k", base_url="http://127.0.0.1:11434/v1")
    assert papers not in elsewhere.file_types
    assert "image/png" in elsewhere.file_types
    assert kind(api_key="k", file_types=()).file_types == frozenset()
    assert kind(api_key="k", file_types=[papers]).file_types == {papers}
