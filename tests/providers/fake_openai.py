"""A server that speaks OpenAI's Responses and Chat Completions, and refuses what they refuse.

In a test: ``async with FakeOpenAI(rule) as fake``. As a program, with a simple model that does
what it is told (see ``fake_openai_model``)::

    python -m tests.providers.fake_openai --port 9100 --delay 0.03
    OPENAI_BASE_URL=http://127.0.0.1:9100/v1 OPENAI_API_KEY=sk-test …
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import struct
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from chatkit_app.providers.scripted import BreakOff, Pause, Stall
from tests.providers.fake_openai_chat import ChatChunks
from tests.providers.fake_openai_model import SimpleModel
from tests.providers.fake_openai_refusals import (
    chat_refusal,
    refused,
    responses_refusal,
)
from tests.providers.fake_openai_responses import ResponseEvents
from tests.providers.fake_openai_script import Data, Event, Reset, Script, Status

KEY = "sk-test"
CONTEXT_CHARACTERS = 2_000_000
Rule = Callable[[Event], Script]


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came. Header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    content: bytes

    @property
    def body(self) -> Event:
        body = json.loads(self.content or b"{}")
        assert isinstance(body, dict)
        return body


class Broken(Exception):
    """The connection is to be closed without another word."""


@dataclass(slots=True)
class FakeOpenAI:
    """Plays ``rule(body)`` for each request that is in order.

    ``delay`` is seconds between events; ``bytes_a_write`` cuts the stream for the network, in the
    middle of characters too; ``is_loose`` lets everything pass, as compatible servers do.
    ``is_delimited_by_close`` sends no lengths: the body ends with the connection, as behind old
    proxies. ``disconnected`` is set when a client leaves in the middle of an answer.
    """

    rule: Rule = field(default_factory=SimpleModel)
    key: str = KEY
    delay: float = 0.0
    bytes_a_write: int = 0
    is_loose: bool = False
    is_delimited_by_close: bool = False
    requests: list[Received] = field(default_factory=list)
    connections: int = 0
    streaming: asyncio.Event = field(default_factory=asyncio.Event)
    disconnected: asyncio.Event = field(default_factory=asyncio.Event)
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self, port: int = 0) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", port)

    @property
    def base_url(self) -> str:
        assert self._server
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"

    @property
    def bodies(self) -> list[Event]:
        return [request.body for request in self.requests]

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        assert self._server
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        with suppress(
            Broken, ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError
        ):
            while True:
                await self._answer(await _receive(reader), reader, writer)
        writer.close()

    async def _answer(
        self,
        request: Received,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.requests.append(request)
        status, script = self._judge(request)
        if status is None and isinstance(script[0] if script else None, Status):
            status = script[0]  # type: ignore[assignment]  # the line above has looked
        if status is not None:
            writer.write(_refusal(status))
            await writer.drain()
            return
        is_chat = request.path.endswith("/chat/completions")
        play = (ChatChunks if is_chat else ResponseEvents)(request.body, script).play()
        await self._stream(play, reader, writer)

    def _judge(self, request: Received) -> tuple[Status | None, Script]:
        if request.headers.get("authorization") != f"Bearer {self.key}":
            given = request.headers.get("authorization", "")
            message = f"Incorrect API key provided: {given}."
            return Status(401, "invalid_api_key", message), ()
        paths = {
            "/v1/responses": responses_refusal,
            "/v1/chat/completions": chat_refusal,
        }
        if request.method != "POST" or request.path not in paths:
            return Status(
                404, None, f"Invalid URL ({request.method} {request.path})"
            ), ()
        try:
            body = request.body
        except ValueError:
            return refused("We could not parse the JSON body of your request."), ()
        if len(request.content) > CONTEXT_CHARACTERS:
            message = "Your input exceeds the context window of this model."
            return refused(message, "input", "context_length_exceeded"), ()
        if not self.is_loose and (refusal := paths[request.path](body)):
            return refusal, ()
        if body.get("stream") is not True:
            return refused("This fake only streams.", "stream"), ()
        return None, self.rule(body)

    async def _stream(
        self,
        play: Iterator[Data],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        how = (
            "Connection: close"
            if self.is_delimited_by_close
            else "Transfer-Encoding: chunked"
        )
        writer.write(
            f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n{how}\r\n\r\n".encode()
        )
        sending = asyncio.create_task(self._send(play, writer))
        leaving = asyncio.create_task(reader.read(1))
        self.streaming.set()
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not sending.done():
                self.disconnected.set()
                raise Broken
            await sending
        finally:
            for task in (sending, leaving):
                task.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)
        if self.is_delimited_by_close:
            raise Broken

    async def _send(self, play: Iterator[Data], writer: asyncio.StreamWriter) -> None:
        for data in play:
            match data:
                case Pause(seconds):
                    await asyncio.sleep(seconds)
                case Stall():
                    await asyncio.Event().wait()
                case BreakOff():
                    break
                case Reset():
                    _reset(writer)
                    raise Broken
                case _:
                    await self._write(_event(data), writer)
        if not self.is_delimited_by_close:
            writer.write(b"0\r\n\r\n")
        await writer.drain()

    async def _write(self, content: bytes, writer: asyncio.StreamWriter) -> None:
        size = self.bytes_a_write or len(content)
        for start in range(0, len(content), size):
            piece = content[start : start + size]
            if not self.is_delimited_by_close:
                piece = b"%x\r\n%s\r\n" % (len(piece), piece)
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0 if start else self.delay)


def _event(data: Event | str) -> bytes:
    if isinstance(data, str):
        return f"data: {data}\n\n".encode()
    # ASCII only where it must: half a surrogate pair has no UTF-8
    try:
        text = json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        text = json.dumps(data).encode()
    name = (
        f"event: {data['type']}\n".encode()
        if isinstance(data.get("type"), str)
        else b""
    )
    return name + b"data: " + text + b"\n\n"


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def _refusal(status: Status) -> bytes:
    kind = "invalid_request_error" if status.status < 500 else "server_error"
    error = {
        "message": status.message,
        "type": kind,
        "param": status.param,
        "code": status.code,
    }
    content = json.dumps({"error": error}).encode()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(content))}
    lines = [f"{name}: {value}" for name, value in (headers | status.headers).items()]
    return (
        "\r\n".join([f"HTTP/1.1 {status.status} Refused", *lines, "", ""]).encode()
        + content
    )


async def _receive(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip().split("\r\n")
    method, path, _ = first.split(" ", 2)
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    content = await reader.readexactly(int(headers.get("content-length", 0)))
    return Received(method, path.partition("?")[0], headers, content)


async def serve(port: int, key: str, delay: float) -> None:
    fake = FakeOpenAI(key=key, delay=delay)
    await fake.start(port)
    where = f"A fake OpenAI with a simple model: {fake.base_url} (key: {key})"
    sys.stdout.write(where + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9100)
    parser.add_argument("--key", default=KEY)
    parser.add_argument(
        "--delay", type=float, default=0.03, help="seconds between events"
    )
    options = parser.parse_args()
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(options.port, options.key, options.delay))
