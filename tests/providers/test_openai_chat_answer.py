from __future__ import annotations

import pytest

from chatkit_app.engine.messages import Message, ProviderData
from chatkit_app.engine.states import FinishReason
from chatkit_app.exceptions import ProviderUnavailable
from chatkit_app.providers.openai_chat import OpenAIChatProvider
from tests.providers.asking_a_fake import asked
from tests.providers.fake_openai import FakeOpenAI
from tests.providers.fake_openai_script import Event, Raw
from tests.providers.streams import (
    Streamed,
    asking,
    assistant,
    call,
    result,
    stream,
)

Chat = OpenAIChatProvider


def chunk(
    delta: Event | None = None, finish: str | None = None, **fields: object
) -> Event:
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish}
    return {"id": "c-1", "model": "gpt-5", "choices": [choice], **fields}


def said(**delta: object) -> Event:
    """A delta of a tool call; ``name`` and ``arguments`` go into its function."""
    function = {key: delta.pop(key) for key in ("name", "arguments") if key in delta}
    return chunk({"tool_calls": [delta | {"function": function}]})


async def read(
    *events: Event | str, messages: tuple[Message | str, ...] = ("Hello",)
) -> Streamed:
    """What comes of exactly these chunks."""
    fake = FakeOpenAI(lambda body: (Raw(events),), is_loose=True)
    async with asked(Chat, fake=fake) as (provider, _):
        return await stream(provider, asking(*messages))


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
async def test_reasoning_of_compatible_servers_is_shown_as_such(name: str) -> None:
    got = await read(
        chunk({name: "Let me "}),
        chunk({name: "think.", "content": ""}),
        chunk({"content": "Hi", name: None}),
        chunk({}, "stop"),
    )
    assert got.texts == [("reasoning", "Let me think."), ("text", "Hi")]
    assert got.parts[0].provider_data == ProviderData(
        provider="openai_chat", data={"field": name}
    )


async def test_reasoning_that_comes_under_both_names_is_read_once() -> None:
    got = await read(
        chunk({"reasoning": "Hm.", "reasoning_content": "Hm."}), chunk({}, "stop")
    )
    assert got.texts == [("reasoning", "Hm.")]


CALLS: dict[str, tuple[Event, ...]] = {
    "as openai does it": (
        said(index=0, id="a", name="one", arguments=""),
        said(index=1, id="b", name="two", arguments=""),
        said(index=0, arguments='{"x"'),
        said(index=1, arguments='{"y"'),
        said(index=0, arguments=": 1}"),
        said(index=1, arguments=": 2}"),
    ),
    "whole calls without an index": (
        said(id="a", name="one", arguments='{"x": 1}'),
        said(id="b", name="two", arguments='{"y": 2}'),
    ),
    "no index, the id in each delta": (
        said(id="a", name="one", arguments='{"x"'),
        said(id="a", arguments=": 1}"),
        said(id="b", name="two", arguments='{"y"'),
        said(id="b", arguments=": 2}"),
    ),
    "no index, ids that alternate": (
        said(id="a", name="one", arguments='{"x"'),
        said(id="b", name="two", arguments='{"y"'),
        said(id="a", arguments=": 1}"),
        said(id="b", arguments=": 2}"),
    ),
    "neither index nor id": (
        said(name="one", arguments='{"x"'),
        said(arguments=": 1}"),
        said(name="two", arguments='{"y": 2}'),
    ),
    "one index for all": (
        said(index=0, id="a", name="one", arguments='{"x": 1}'),
        said(index=0, id="b", name="two", arguments='{"y": 2}'),
    ),
    "one index and one id for all": (
        said(index=0, id="call_0", name="one", arguments='{"x": 1}'),
        said(index=0, id="call_0", name="two", arguments='{"y": 2}'),
    ),
    "the same id for two indexes": (
        said(index=0, id="call_0", name="one", arguments='{"x": 1}'),
        said(index=1, id="call_0", name="two", arguments='{"y": 2}'),
    ),
    "id and name in each delta": (
        said(index=0, id="a", name="one", arguments='{"x"'),
        said(index=0, id="a", name="one", arguments=": 1}"),
        said(index=1, id="b", name="two", arguments='{"y"'),
        said(index=1, id="b", name="two", arguments=": 2}"),
    ),
    "empty ids and names, null arguments": (
        said(index=0, id="a", name="one", arguments=None),
        said(index=0, id="", name="", arguments='{"x": 1}'),
        said(index=1, id=None, name="two", arguments=""),
        said(index=1, id=None, name=None, arguments='{"y": 2}'),
    ),
    "the name late": (
        said(index=0, id="a", arguments='{"x"'),
        said(index=0, name="one", arguments=": 1}"),
        said(index=1, id="b", name="two", arguments='{"y": 2}'),
    ),
    "arguments as an object": (
        said(index=0, id="a", name="one", arguments={"x": 1}),
        said(index=1, id="b", name="two", arguments={"y": 2}),
    ),
}


@pytest.mark.parametrize("how", CALLS)
@pytest.mark.parametrize("finish", ["tool_calls", "stop", "function_call"])
async def test_two_calls_are_two_calls_however_a_server_sends_them(
    how: str, finish: str
) -> None:
    got = await read(*CALLS[how], chunk({}, finish), "[DONE]")
    assert got.calls == [("one", '{"x": 1}'), ("two", '{"y": 2}')]
    assert all(part.is_whole for part in got.parts)
    assert len({part.call_id for part in got.parts}) == 2
    assert all(part.call_id for part in got.parts)
    assert got.end.reason == FinishReason.TOOL_CALLS


async def test_the_same_tool_twice_under_one_id_and_index_is_two_calls() -> None:
    got = await read(
        said(index=0, id="call_0", name="one", arguments='{"x": 1}'),
        said(index=0, id="call_0", name="one", arguments='{"x": 2}'),
        chunk({}, "stop"),
    )
    assert got.calls == [("one", '{"x": 1}'), ("one", '{"x": 2}')]


async def test_an_id_that_the_transcript_knows_is_not_used_again() -> None:
    history = ("Hello", assistant(call("call_0"), result("call_0")))
    got = await read(
        said(index=0, id="call_0", name="weather", arguments="{}"),
        chunk({}, "tool_calls"),
        messages=history,
    )
    assert got.parts[0].call_id not in {"", "call_0"}


async def test_a_call_without_arguments_has_an_empty_object() -> None:
    got = await read(said(index=0, id="a", name="now"), chunk({}, "tool_calls"))
    assert got.calls == [("now", "{}")]


async def test_a_call_without_a_name_is_no_answer() -> None:
    got = await read(said(index=0, id="a", arguments="{}"), chunk({}, "tool_calls"))
    assert isinstance(got.failure, ProviderUnavailable)


async def test_a_whole_call_before_the_cut_ends_and_the_cut_one_stays_open() -> None:
    got = await read(
        said(index=0, id="a", name="one", arguments='{"x": 1}'),
        said(index=1, id="b", name="two", arguments='{"y'),
        chunk({}, "length"),
    )
    assert [part.is_whole for part in got.parts] == [True, False]
    assert got.end.reason == FinishReason.LENGTH


async def test_a_text_after_calls_is_a_part_of_its_own() -> None:
    got = await read(
        chunk({"content": "One"}),
        said(index=0, id="a", name="now", arguments="{}"),
        chunk({"content": "Two"}),
        chunk({}, "tool_calls"),
    )
    assert got.texts == [("text", "One"), ("tool-call", "{}"), ("text", "Two")]


async def test_usage_comes_behind_the_finish_without_choices() -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 5, "prompt_tokens_details": None}
    got = await read(
        chunk({"content": "Hi"}, usage=None),
        chunk({}, "stop"),
        {"id": "c-1", "choices": [], "usage": usage},
    )
    assert (got.end.usage.input_tokens, got.end.usage.output_tokens) == (7, 5)


async def test_a_stream_with_done_but_without_a_finish_is_no_answer() -> None:
    got = await read(chunk({"content": "Hi"}), "[DONE]")
    assert isinstance(got.failure, ProviderUnavailable)
    assert got.texts == [("text", "Hi")]


async def test_text_behind_the_finish_is_still_part_of_the_answer() -> None:
    got = await read(chunk({"content": "Hi"}, "stop"), chunk({"content": "!"}))
    assert got.texts == [("text", "Hi!")]


async def test_a_finish_that_says_error_is_no_answer() -> None:
    got = await read(chunk({"content": "Hi"}), chunk({}, "error"))
    assert isinstance(got.failure, ProviderUnavailable)


async def test_a_refusal_of_the_model_and_a_list_of_texts_are_text() -> None:
    parts = [{"type": "text", "text": "Hi"}, {"type": "text", "text": "."}]
    got = await read(
        chunk({"refusal": "I can't. "}), chunk({"content": parts}), chunk({}, "stop")
    )
    assert got.texts == [("text", "I can't. Hi.")]


async def test_chunks_with_fields_of_other_types_are_passed_over() -> None:
    got = await read(
        {"choices": None},
        {
            "choices": [
                None,
                {"delta": None},
                {"delta": {"tool_calls": None, "content": 7}},
            ]
        },
        {"choices": [{"index": 1, "delta": {"content": "another choice"}}]},
        chunk({"content": "Hi", "tool_calls": []}),
        chunk({}, "stop", usage=[]),
    )
    assert got.texts == [("text", "Hi")]
