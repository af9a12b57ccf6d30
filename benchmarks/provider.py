"""A provider that costs next to nothing: the Responses API with ready-made JSON, in its own process.

The last message of the visitor says what to stream: ``burst 1000`` (as fast as it goes), ``paced 100
50`` (tokens, tokens a second), ``call`` (the tool ``look``, and one token when its output has come).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from benchmarks.tokens import token

TOOL = "look"
BURST = 20
"""Tokens in one write of a burst, as a fast provider's arrive."""

HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
DELTA = (
    'event: response.output_text.delta\ndata: {"type":"response.output_text.delta",'
    '"sequence_number":%d,"item_id":"msg_1","output_index":0,"content_index":0,'
    '"delta":"%s","logprobs":[],"obfuscation":"q7Zx"}\n\n'
)
USAGE = {
    "input_tokens": 10,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 10,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 20,
}
MESSAGE: dict[str, Any] = {"id": "msg_1", "type": "message", "role": "assistant"}
CALL: dict[str, Any] = {"id": "fc_1", "type": "function_call", "name": TOOL}


def event(kind: str, **fields: Any) -> bytes:
    """One server-sent event."""
    data = json.dumps({"type": f"response.{kind}", "sequence_number": 0, **fields})
    return f"event: response.{kind}\ndata: {data}\n\n".encode()


def response(status: str, output: list[dict[str, Any]]) -> dict[str, Any]:
    """The response as it stands."""
    head = {"id": "resp_1", "object": "response", "status": status, "error": None}
    lists = {"output": output, "tools": [], "tool_choice": "auto"}
    rest = {"model": "bench", "incomplete_details": None, "created_at": 0}
    usage = USAGE if status == "completed" else None
    return {**head, **lists, **rest, "parallel_tool_calls": True, "usage": usage}


CREATED = event("created", response=response("in_progress", []))


def text_head() -> bytes:
    """What comes before the deltas of a text."""
    item = MESSAGE | {"status": "in_progress", "content": []}
    part = {"type": "output_text", "annotations": [], "logprobs": [], "text": ""}
    at = {"output_index": 0, "content_index": 0, "item_id": "msg_1"}
    return (
        CREATED
        + event("output_item.added", output_index=0, item=item)
        + event("content_part.added", part=part, **at)
    )


def text_end(text: str) -> bytes:
    """What comes after the deltas of a text."""
    part = {"type": "output_text", "annotations": [], "logprobs": [], "text": text}
    item = MESSAGE | {"status": "completed", "content": [part]}
    at = {"output_index": 0, "content_index": 0, "item_id": "msg_1"}
    return (
        event("output_text.done", text=text, logprobs=[], **at)
        + event("content_part.done", part=part, **at)
        + event("output_item.done", output_index=0, item=item)
        + event("completed", response=response("completed", [item]))
    )


def call() -> bytes:
    """A whole answer that calls the tool."""
    item = CALL | {"status": "completed", "call_id": "call_1", "arguments": "{}"}
    opened = item | {"status": "in_progress", "arguments": ""}
    at = {"output_index": 0, "item_id": "fc_1"}
    return (
        CREATED
        + event("output_item.added", output_index=0, item=opened)
        + event("function_call_arguments.delta", delta="{}", **at)
        + event("function_call_arguments.done", arguments="{}", **at)
        + event("output_item.done", output_index=0, item=item)
        + event("completed", response=response("completed", [item]))
    )


def asked(body: dict[str, Any]) -> list[str]:
    """The words of what is asked: the visitor's, or what follows a tool's output."""
    last = body["input"][-1]
    if last["type"] == "function_call_output":
        return ["burst", "1"]
    return str(last["content"]).split()


def burst(count: int, said: list[str]) -> Iterator[bytes]:
    """The deltas, some a piece."""
    for start in range(0, count, BURST):
        yield "".join(
            _delta(number, said) for number in range(start, min(start + BURST, count))
        ).encode()


def _delta(number: int, said: list[str]) -> str:
    said.append(token(number))
    return DELTA % (number + 3, said[-1])


async def answer(words: list[str], writer: asyncio.StreamWriter) -> None:
    """Stream what is asked for."""
    writer.write(HEAD)
    if words[0] == "call":
        _write(writer, call())
    else:
        said: list[str] = []
        _write(writer, text_head())
        if words[0] == "burst":
            for piece in burst(int(words[1]), said):
                _write(writer, piece)
                await writer.drain()
        else:
            await _paced(int(words[1]), float(words[2]), said, writer)
        _write(writer, text_end("".join(said)))
    writer.write(b"0\r\n\r\n")
    await writer.drain()


async def _paced(
    count: int, rate: float, said: list[str], writer: asyncio.StreamWriter
) -> None:
    clock = asyncio.get_running_loop().time
    start = clock()
    for number in range(count):
        await asyncio.sleep(start + number / rate - clock())
        _write(writer, _delta(number, said).encode())


def _write(writer: asyncio.StreamWriter, content: bytes) -> None:
    writer.write(b"%x\r\n%s\r\n" % (len(content), content))


async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection, which is kept."""
    with suppress(ConnectionError, asyncio.IncompleteReadError):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = head.partition(b"content-length:")[2].split(b"\r\n")[0]
            body = json.loads(await reader.readexactly(int(length)))
            await answer(asked(body), writer)
    writer.close()


async def main() -> None:
    """Serve on a free port, which is told."""
    server = await asyncio.start_server(serve_one, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
