from __future__ import annotations

import asyncio
import gc
import socket
import time
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from openai import DefaultAsyncHttpxClient

from chatkit_app.engine.provider import PartDelta, StepFinished
from chatkit_app.engine.states import FinishReason
from chatkit_app.exceptions import (
    ProviderContextExceeded,
    ProviderError,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
)
from chatkit_app.providers import openai_connection
from chatkit_app.providers.openai_chat import OpenAIChatProvider
from chatkit_app.providers.openai_responses import OpenAIResponsesProvider
from chatkit_app.providers.scripted import BreakOff, Call, Pause, Say, Stall, Think
from tests.providers.asking_a_fake import Kind, asked
from tests.providers.fake_openai import KEY, FakeOpenAI
from tests.providers.fake_openai_script import (
    ErrorEvent,
    Finish,
    Line,
    Raw,
    Reset,
    Script,
    Status,
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

BOTH = pytest.mark.parametrize("kind", [OpenAIResponsesProvider, OpenAIChatProvider])
SHORT: dict[str, Any] = {
    "connect_timeout": 0.3,
    "first_token_timeout": 0.3,
    "next_token_timeout": 0.3,
}
TINY: dict[str, dict[str, Any]] = {
    name: {name: 0.2}
    for name in ("first_token_timeout", "next_token_timeout", "total_timeout")
}


@pytest.fixture(params=["aiohttp", "httpx2"], autouse=True)
def transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "httpx2":
        monkeypatch.setattr(
            openai_connection, "DefaultAioHttpClient", DefaultAsyncHttpxClient
        )


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
@pytest.mark.parametrize(
    ("line", "error"),
    [
        (Status(401, "invalid_api_key"), ProviderRejected),
        (Status(403), ProviderRejected),
        (Status(404, "model_not_found"), ProviderRejected),
        (Status(400, "invalid_value"), ProviderRejected),
        (Status(422), ProviderRejected),
        (Status(429, "rate_limit_exceeded"), ProviderRateLimited),
        (Status(429, "insufficient_quota"), ProviderRejected),
        (Status(400, "context_length_exceeded"), ProviderContextExceeded),
        (
            Status(400, None, "This model's maximum context length is 4096."),
            ProviderContextExceeded,
        ),
        (Status(413), ProviderContextExceeded),
        (Status(408), ProviderUnavailable),
        (Status(500), ProviderUnavailable),
        (Status(503), ProviderUnavailable),
        (ErrorEvent("server_error"), ProviderUnavailable),
        (ErrorEvent("rate_limit_exceeded"), ProviderRateLimited),
        (ErrorEvent("insufficient_quota"), ProviderRejected),
        (ErrorEvent("context_length_exceeded"), ProviderContextExceeded),
        (ErrorEvent("invalid_prompt"), ProviderRejected),
        (BreakOff(), ProviderUnavailable),
        (Reset(), ProviderUnavailable),
        (Raw(('{"type": "broken', "[DONE]")), ProviderUnavailable),
        (Raw(("[]", "null", "1", '"text"')), ProviderUnavailable),
    ],
    ids=str,
)
async def test_each_failure_of_the_server_has_its_error(
    kind: Kind, line: Line, error: type[ProviderError]
) -> None:
    async with asked(kind, line) as (provider, _):
        got = await stream(provider, asking("Hello"))
    assert type(got.failure) is error


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
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "-3"}, 0),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "soon"}, None),
        ({"retry-after-ms": "250", "Retry-After": "7"}, 0.25),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
    ],
    ids=str,
)
async def test_the_wish_of_the_server_when_to_come_back_is_kept(
    kind: Kind, headers: dict[str, str], seconds: float | None
) -> None:
    async with asked(kind, Status(429, headers=headers)) as (provider, _):
        got = await stream(provider, asking("Hello"))
    assert got.failure.retry_after == seconds


@BOTH
async def test_a_date_in_retry_after_is_seconds_from_now(kind: Kind) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    async with asked(kind, Status(503, headers={"Retry-After": date})) as (provider, _):
        got = await stream(provider, asking("Hello"))
    assert 50 < (got.failure.retry_after or 0) <= 60


@BOTH
async def test_a_refusal_is_asked_once_and_tells_neither_key_nor_content(
    kind: Kind,
) -> None:
    async with asked(kind, Say("Never said"), api_key="sk-wrong-key") as (
        provider,
        fake,
    ):
        got = await stream(provider, asking("My secret"))
    assert len(fake.requests) == 1
    assert "sk-wrong-key" in str(got.failure.__cause__)
    assert "sk-wrong-key" not in f"{got.failure!r} {provider._connection!r}"


@BOTH
async def test_nobody_listening_is_an_unavailable_provider(kind: Kind) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/v1"
        provider = kind(api_key=KEY, base_url=url)
        got = await stream(provider, asking("Hello"))
        await provider.aclose()
    assert isinstance(got.failure, ProviderUnavailable)


@BOTH
async def test_a_server_that_speaks_no_http_is_an_unavailable_provider(
    kind: Kind,
) -> None:
    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(babble, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        provider = kind(api_key=KEY, base_url=url)
        got = await stream(provider, asking("Hello"))
        await provider.aclose()
    assert isinstance(got.failure, ProviderUnavailable)


@BOTH
@pytest.mark.parametrize("name", ["first_token_timeout", "total_timeout"])
async def test_a_stall_before_the_first_token_ends(kind: Kind, name: str) -> None:
    async with asked(kind, Stall(), **TINY[name]) as (provider, fake):
        began = time.monotonic()
        got = await stream(provider, asking("Hello"))
        assert isinstance(got.failure, ProviderUnavailable)
        assert 0.15 < time.monotonic() - began < 2
        await asyncio.wait_for(fake.disconnected.wait(), 2)


@BOTH
@pytest.mark.parametrize("name", ["next_token_timeout", "total_timeout"])
async def test_a_stall_between_tokens_ends(kind: Kind, name: str) -> None:
    async with asked(kind, Say("Hi", is_whole=False), Stall(), **TINY[name]) as (
        provider,
        fake,
    ):
        began = time.monotonic()
        got = await stream(provider, asking("Hello"))
        assert got.texts == [("text", "Hi")]
        assert isinstance(got.failure, ProviderUnavailable)
        assert 0.15 < time.monotonic() - began < 2
        await asyncio.wait_for(fake.disconnected.wait(), 2)


@BOTH
async def test_the_time_that_the_reader_takes_for_itself_is_no_stall(
    kind: Kind,
) -> None:
    lines = (Say("Good day to you"),)
    async with asked(kind, *lines, next_token_timeout=0.2, first_token_timeout=0.2) as (
        provider,
        _,
    ):
        events = []
        async for event in provider.stream(asking("Hello")):
            events.append(event)
            await asyncio.sleep(0.25)  # a slow reader is what this is about
    assert isinstance(events[-1], StepFinished)


@BOTH
async def test_closing_the_stream_closes_the_connection_at_once(kind: Kind) -> None:
    async with asked(kind, Say("Hello", is_whole=False), Stall()) as (provider, fake):
        events = provider.stream(asking("Hello"))
        assert isinstance(events, AsyncGenerator)
        async for event in events:
            if isinstance(event, PartDelta):
                break
        assert not fake.disconnected.is_set()
        await events.aclose()
        await asyncio.wait_for(fake.disconnected.wait(), 1)


@BOTH
async def test_cancelling_the_reader_closes_the_connection_at_once(kind: Kind) -> None:
    async with asked(kind, Stall()) as (provider, fake):
        task = asyncio.create_task(stream(provider, asking("Hello")))
        await asyncio.wait_for(fake.streaming.wait(), 2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(fake.disconnected.wait(), 1)


@BOTH
async def test_one_connection_serves_one_step_after_the_other(kind: Kind) -> None:
    async with asked(kind, Say("Hello"), Call("now")) as (provider, fake):
        for _ in range(3):
            got = await stream(provider, asking("Hello"))
            assert got.finish
    assert len(fake.requests) == 3
    assert fake.connections == 1


@BOTH
async def test_equal_providers_share_a_client_and_others_do_not(kind: Kind) -> None:
    async with asked(kind, Say("Hello")) as (provider, fake):
        twin = kind(api_key=KEY, base_url=fake.base_url)
        other = kind(api_key="sk-other", base_url=fake.base_url)
        assert twin._connection.client() is provider._connection.client()
        assert other._connection.client() is not provider._connection.client()
        await other.aclose()


@BOTH
def test_each_event_loop_has_its_own_client_and_that_of_a_closed_loop_is_forgotten(
    kind: Kind,
) -> None:
    async def ask() -> object:
        async with asked(kind, Say("Hello")) as (provider, _):
            await stream(provider, asking("Hello"))
            return provider._connection.client()

    with asyncio.Runner() as runner:
        first = runner.run(ask())
    with asyncio.Runner() as runner:
        assert runner.run(ask()) is not first
    gc.collect()
    assert not [place for place in openai_connection._clients if place[0].is_closed()]


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


@BOTH
async def test_a_key_may_be_a_function_that_is_asked_for_each_request(
    kind: Kind,
) -> None:
    keys = iter(["sk-old", KEY])

    async def key() -> str:
        return next(keys)

    async with asked(kind, Say("Hi"), api_key=key) as (provider, _):
        assert isinstance(
            (await stream(provider, asking("Hello"))).failure, ProviderRejected
        )
        assert (await stream(provider, asking("Hello"))).finish


@BOTH
async def test_a_key_that_cannot_be_had_is_an_unavailable_provider(kind: Kind) -> None:
    def key() -> str:
        raise OSError("the vault is shut")

    async with asked(kind, Say("Hi"), api_key=key) as (provider, fake):
        got = await stream(provider, asking("Hello"))
    assert isinstance(got.failure, ProviderUnavailable)
    assert not fake.requests


def test_an_empty_key_is_an_error_at_once() -> None:
    with pytest.raises(ValueError, match="api_key"):
        OpenAIChatProvider(api_key="")


@BOTH
async def test_organisation_and_project_are_named(kind: Kind) -> None:
    async with asked(kind, Say("Hi"), organization="org-1", project="proj-1") as (
        provider,
        fake,
    ):
        await stream(provider, asking("Hello"))
    headers = fake.requests[0].headers
    assert (headers["openai-organization"], headers["openai-project"]) == (
        "org-1",
        "proj-1",
    )
    assert headers["content-type"] == "application/json"


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


@BOTH
async def test_a_finish_is_believed_though_the_connection_hangs_behind_it(
    kind: Kind,
) -> None:
    chat: Script = (
        Raw(
            (
                {
                    "id": "1",
                    "choices": [
                        {
                            "index": 0,
                            "delta": {"content": "Hi"},
                            "finish_reason": "stop",
                        }
                    ],
                },
            )
        ),
        Stall(),
    )
    responses: Script = (
        Raw(
            (
                {
                    "type": "response.completed",
                    "response": {"id": "1", "status": "completed"},
                },
            )
        ),
        Stall(),
    )
    script = chat if kind is OpenAIChatProvider else responses
    async with asked(kind, *script) as (provider, _):
        got = await stream(provider, asking("Hello"))
    assert got.end.reason == FinishReason.STOP


@BOTH
async def test_a_pause_within_the_limits_is_no_stall(kind: Kind) -> None:
    async with asked(
        kind, Pause(0.1), Say("Hi"), Pause(0.1), Say("there"), **SHORT
    ) as (provider, _):
        got = await stream(provider, asking("Hello"))
    assert "".join(part.text for part in got.parts) == "Hithere"
