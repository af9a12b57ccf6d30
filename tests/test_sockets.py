"""Large threads, and pages that don't read: a socket opens what there is and costs what it may."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, cast
from uuid import uuid4

import pytest
from autobahn.exception import Disconnected

from chatkit_app.consumers import ChatKitConsumer
from chatkit_app.protocols.native import MAX_SENT_BYTES
from chatkit_app.runs.subscription import Subscription
from tests.live import Browser, Page, Site, text_of

MAKE_LARGE = """
from uuid import UUID
from tests.history_rows import Turn, make_thread
for _ in range(18):
    thread = make_thread(UUID("{visitor}"), assistant="test")
    turn = Turn.begin(thread, "Why?", depth=0)
    for _ in range(8):
        turn.say("x" * 30_000)
    turn.end()
    print(thread.pk)
"""


async def large_threads(page: Page) -> list[str]:
    """A page's own threads whose snapshots have a quarter of a megabyte each."""
    hello = await page.until(lambda frame: frame["type"] == "hello")
    visitor = hello["viewer"].removeprefix("v:")
    return page.browser.site.shell(MAKE_LARGE.format(visitor=visitor)).split()


@pytest.mark.parametrize(
    ("text", "times"), [("x" * 31_000, 18), ("漢" * 9000, 10), ("\\" * 31_000, 6)]
)
async def test_a_thread_of_long_messages_opens(
    visitor: Browser, text: str, times: int
) -> None:
    thread = None
    for _ in range(times):
        async with visitor.page() as page:
            thread = (await page.say(f"say {text}", thread))["thread"]
            await page.watch(thread)
            page._seen = 0  # the snapshot may tell the end already
            await page.ended("completed")
    async with visitor.page() as page:
        reset = await page.watch(str(thread))

    assert reset["type"] == "reset"
    assert reset["snapshot"]["earlier"] is True
    assert text_of(reset["snapshot"]) == text
    assert len(json.dumps(reset, ensure_ascii=False).encode()) < MAX_SENT_BYTES


async def test_an_answer_in_one_huge_piece_arrives_in_small_ones(
    visitor: Browser,
) -> None:
    async with visitor.page() as page:
        accepted = await page.say("say " + "漢" * 4000 + "👋" * 2000)
        await page.ended("completed")
        snapshot = await page.snapshot(accepted["thread"])

    assert text_of(snapshot) == "漢" * 4000 + "👋" * 2000


async def test_a_page_that_takes_snapshots_without_reading_them_is_too_slow(
    visitor: Browser,
) -> None:
    async with visitor.page() as page:
        for thread in await large_threads(page):
            await page.frame(type="subscribe", thread=thread)
            if (await next_of(page, thread)) is None:
                break
            await page.frame(type="unsubscribe", thread=thread)
        assert await page.closed() == 4008


async def test_a_page_that_acknowledges_them_may_have_as_many_as_it_likes(
    visitor: Browser,
) -> None:
    async with visitor.page() as page:
        for thread in await large_threads(page):
            reset = await page.watch(thread)
            await page.frame(
                type="acknowledge", thread=thread, position=reset["position"]
            )
            await page.frame(type="unsubscribe", thread=thread)
            await asyncio.sleep(0.1)  # or these were too many frames in a second
        accepted = await page.say("say Still here.")
        await page.ended("completed")

    assert accepted["type"] == "accepted"


async def next_of(page: Page, thread: str) -> dict[str, Any] | None:
    """What answers a subscribe; None where the socket was closed instead."""
    try:
        return await page.until(lambda frame: frame.get("thread") == thread)
    except Exception:  # noqa: BLE001 (the code of the close is looked at afterwards)
        return None


async def test_a_page_that_subscribes_again_and_again_is_stopped(
    visitor: Browser,
) -> None:
    async with visitor.page() as page:
        accepted = await page.say("say Hello.")
        await page.ended("completed")
        for _ in range(12):
            await page.frame(type="subscribe", thread=accepted["thread"])
        assert await page.closed() == 4429


async def test_ten_threads_may_be_watched_at_once(visitor: Browser) -> None:
    async with visitor.page() as page:
        threads = (await large_threads(page))[:10]
    async with visitor.page() as page:
        for thread in threads:
            await page.frame(type="subscribe", thread=thread)
        for _ in threads:
            await page.until(lambda frame: frame["type"] == "reset")

    found = {frame["thread"] for frame in page.frames if frame["type"] == "reset"}
    assert found == set(threads)


async def test_a_page_that_vanishes_in_the_middle_is_no_fault_of_ours(
    visitor: Browser, shared_site: Site
) -> None:
    async with visitor.page() as page:
        accepted = await page.say("say One\npause 1\nsay " + "word " * 200)
        await page.reached("in_progress")
        page._socket.transport.abort()
    async with visitor.page() as page:
        await page.watch(accepted["thread"])
        await page.ended("completed")

    assert "can't be sent" not in shared_site.log.read_text()


class OneFrame:
    """Gives one frame, as a subscription does."""

    thread = uuid4()

    def __init__(self, frame: str) -> None:
        self._frame = frame

    async def frames(self, _epoch: None, _position: None) -> AsyncIterator[str]:
        yield self._frame


class FailingSocket(ChatKitConsumer):
    """A socket whose server raises when it is to send."""

    def __init__(self, error: Exception | None) -> None:
        super().__init__()
        self._is_closed = False
        self.closes: list[int | None] = []
        self.sent: list[str | None] = []
        self._error = error

    async def send(
        self, text_data: str | None = None, *_: object, **__: object
    ) -> None:
        if self._error is not None:
            raise self._error
        self.sent.append(text_data)

    async def close(self, code: int | None = None, reason: str | None = None) -> None:
        self.closes.append(code)


def of_uvicorn() -> Exception:
    """Its error, as far as it is known without it."""
    kind = type(
        "ClientDisconnected", (OSError,), {"__module__": "uvicorn.protocols.utils"}
    )
    return cast("Exception", kind())


@pytest.mark.parametrize(
    ("error", "closes"),
    [
        (Disconnected(), []),
        (of_uvicorn(), []),
        (TimeoutError(), [4008]),
        (RuntimeError("something of ours"), [4500]),
    ],
)
async def test_only_a_page_that_has_gone_is_passed_over_in_silence(
    error: Exception, closes: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    consumer = FailingSocket(error)

    await consumer._pump(cast("Subscription", OneFrame("{}")), None, None)

    assert consumer.closes == closes
    assert ("can't be sent" in caplog.text) is (closes == [4500])


async def test_a_frame_that_no_server_would_send_is_not_tried(
    caplog: pytest.LogCaptureFixture,
) -> None:
    consumer = FailingSocket(None)
    outsized = cast("Subscription", OneFrame("漢" * (MAX_SENT_BYTES // 3 + 1)))

    await consumer._pump(outsized, None, None)

    assert (consumer.sent, consumer.closes) == ([], [4500])
    assert "FrameOutsized" in caplog.text
