"""Both providers against a mock that others wrote: CopilotKit's aimock, an npm package."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatkit_app.engine.states import FinishReason
from chatkit_app.exceptions import ProviderRateLimited, ProviderUnavailable
from tests.providers.asking_a_fake import BOTH, Kind
from tests.providers.streams import WEATHER, asking, assistant, results_of, stream

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "node_modules/@copilotkit/aimock/dist/cli.js"
SECONDS_TO_START = 30
FIXTURES = [
    {
        "match": {"userMessage": "weather", "hasToolResult": True},
        "response": {
            "content": "Rain in Bern, sun in Rome.",
            "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
        },
    },
    {
        "match": {"userMessage": "weather"},
        "response": {
            "reasoning": "Two towns.",
            "toolCalls": [
                {"name": "weather", "arguments": {"town": "Bern"}},
                {"name": "weather", "arguments": {"town": "Rome"}},
            ],
        },
    },
    {
        "match": {"userMessage": "busy"},
        "response": {
            "error": {"message": "Slow down.", "type": "rate_limit_error"},
            "status": 429,
        },
    },
    {
        "match": {"userMessage": "cut"},
        "response": {"content": "A b c " * 50},
        "truncateAfterChunks": 3,
    },
]

pytestmark = pytest.mark.node


@pytest.fixture
async def base_url(tmp_path: Path) -> AsyncIterator[str]:
    node = shutil.which("node")
    if node is None or not PROGRAM.exists():
        what = "NOT TESTED against aimock: Node or @copilotkit/aimock is missing (npm install)."
        if os.environ.get("CI"):
            pytest.fail(what)
        pytest.skip(what)
    (tmp_path / "fixtures.json").write_text(json.dumps({"fixtures": FIXTURES}))
    program = await asyncio.create_subprocess_exec(
        *(node, str(PROGRAM), "--port", "0", "--fixtures", str(tmp_path), "--strict"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(SECONDS_TO_START):
            yield await _address(program) + "/v1"
    finally:
        program.kill()
        await program.wait()


async def _address(program: asyncio.subprocess.Process) -> str:
    assert program.stdout
    while line := (await program.stdout.readline()).decode():
        if match := re.search(r"http://127\.0\.0\.1:\d+", line):
            return match[0]
    raise AssertionError("aimock ended before it listened")


@BOTH
async def test_parallel_calls_and_their_results_make_an_answer(
    kind: Kind, base_url: str
) -> None:
    provider = kind(api_key="sk-test", base_url=base_url)
    request = asking("What is the weather?", tools=(WEATHER,))
    first = await stream(provider, request)
    parts = (*first.said(), *results_of(first, lambda _: "rain"))
    messages = (*request.messages, assistant(*parts))
    second = await stream(provider, asking(*messages, tools=(WEATHER,)))
    await provider.aclose()
    assert first.texts[0] == ("reasoning", "Two towns.")
    assert first.calls == [
        ("weather", '{"town":"Bern"}'),
        ("weather", '{"town":"Rome"}'),
    ]
    assert first.end.reason == FinishReason.TOOL_CALLS
    assert second.texts[-1] == ("text", "Rain in Bern, sun in Rome.")
    assert second.end.reason == FinishReason.STOP
    assert (second.end.usage.input_tokens, second.end.usage.output_tokens) == (11, 7)


@BOTH
async def test_its_429_asks_for_a_pause(kind: Kind, base_url: str) -> None:
    provider = kind(api_key="sk-test", base_url=base_url)
    got = await stream(provider, asking("busy"))
    await provider.aclose()
    assert isinstance(got.failure, ProviderRateLimited)


@BOTH
async def test_its_broken_stream_is_no_answer(kind: Kind, base_url: str) -> None:
    provider = kind(api_key="sk-test", base_url=base_url)
    got = await stream(provider, asking("cut"))
    await provider.aclose()
    assert isinstance(got.failure, ProviderUnavailable)
    assert got.finish is None
