"""The fake refuses what OpenAI refuses: otherwise the tests that lean on it prove nothing."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import cast

import pytest

from chatkit_app.providers.openai_chat import OpenAIChatProvider
from chatkit_app.providers.openai_responses import OpenAIResponsesProvider
from tests.providers.fake_openai_refusals import chat_refusal, responses_refusal
from tests.providers.fake_openai_script import Event
from tests.providers.streams import asking, stream

USER = {"role": "user", "content": "Hello"}
CALL = {"type": "function_call", "call_id": "c1", "name": "now", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "noon"}
THOUGHT = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [],
    "encrypted_content": "gAAAA-1",
}
TOOL_CALL = {
    "id": "c1",
    "type": "function",
    "function": {"name": "now", "arguments": "{}"},
}
CALLING = {"role": "assistant", "content": None, "tool_calls": [TOOL_CALL]}
TOOL = {"role": "tool", "tool_call_id": "c1", "content": "noon"}
SCHEMA = {"type": "object", "properties": {"days": {"type": "array"}}}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"input": [USER, CALL]}, "No tool output found for function call c1."),
        (
            {"input": [USER, OUTPUT]},
            "No tool call found for function call output with call_id c1.",
        ),
        ({"input": [USER, THOUGHT]}, "without its required following item"),
        ({"input": [THOUGHT, USER]}, "without its required following item"),
        (
            {"input": [USER, CALL | {"id": "fc_1"}, OUTPUT]},
            "without its required 'reasoning' item",
        ),
        ({"input": [USER, CALL | {"arguments": {}}, OUTPUT]}, "arguments"),
        ({"input": [USER | {"mood": "good"}]}, "Unknown parameter: 'input[0].mood'."),
        ({"input": []}, "Missing required parameter: 'input'."),
        ({"messages": [USER]}, "Unknown parameter: 'messages'."),
        ({"parallel_tool_calls": True}, "only allowed when 'tools'"),
        (
            {"model": "gpt-4.1", "include": ["reasoning.encrypted_content"]},
            "not supported",
        ),
        (
            {"tools": [{"name": "a b", "parameters": {"type": "object"}}]},
            "does not match pattern",
        ),
        (
            {
                "tools": [
                    {"name": "a", "parameters": {"type": "object"}, "strict": True}
                ]
            },
            "'additionalProperties' is required",
        ),
        (
            {"tools": [{"name": "a", "parameters": {"type": "string"}}]},
            'type: "object"',
        ),
        (
            {"tools": [{"name": "a", "parameters": SCHEMA}]},
            "array schema missing items",
        ),
        (
            {"input": [THOUGHT | {"encrypted_content": "x"}, CALL, OUTPUT]},
            "could not be verified",
        ),
        ({"input": [THOUGHT | {"encrypted_content": None}, CALL, OUTPUT]}, "not found"),
    ],
    ids=str,
)
def test_responses_are_refused_in_the_words_of_openai(
    fields: Event, words: str
) -> None:
    body: Event = {"model": "gpt-5", "input": [USER], "store": False, "stream": True}
    assert responses_refusal(body) is None
    refusal = responses_refusal(body | fields)
    assert refusal
    assert words in refusal.message


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([USER, CALLING], "did not have response messages: {'c1'}"),
        ([USER, CALLING, USER, TOOL], "did not have response messages"),
        ([USER, TOOL], "must be a response to a preceeding message"),
        ([USER, CALLING, TOOL, TOOL], "must be a response to a preceeding message"),
        ([USER, {"role": "assistant", "content": None}], "expected a string, got null"),
        ([USER, {"role": "assistant", "content": "", "tool_calls": []}], "too short"),
        ([USER | {"reasoning_content": "Hm."}], "was unexpected"),
        ([{"role": "boss", "content": "Hello"}], "boss"),
        ([], "too short"),
    ],
    ids=str,
)
def test_completions_are_refused_in_the_words_of_openai(
    messages: list[Event], words: str
) -> None:
    assert chat_refusal({"model": "gpt-5", "messages": [USER, CALLING, TOOL]}) is None
    refusal = chat_refusal({"model": "gpt-5", "messages": messages})
    assert refusal
    assert words in refusal.message


async def test_it_is_a_program_that_both_providers_can_ask() -> None:
    command = (
        sys.executable,
        "-m",
        "tests.providers.fake_openai",
        "--port",
        "0",
        "--delay",
        "0",
    )
    program = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE
    )
    assert program.stdout
    try:
        line = (await asyncio.wait_for(program.stdout.readline(), 20)).decode()
        url = next(word for word in line.split() if word.startswith("http"))
        for kind in (OpenAIResponsesProvider, OpenAIChatProvider):
            provider = kind(api_key="sk-test", base_url=url)
            got = await stream(
                provider, asking(f"call now {json.dumps({'a': 1})}\ncall then {{}}")
            )
            await provider.aclose()
            assert got.calls == [("now", '{"a": 1}'), ("then", "{}")]
    finally:
        program.terminate()
        await program.wait()
    assert cast("int", program.returncode) != 0
