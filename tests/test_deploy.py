"""Processes that are told to end: their pages and their runs are at home elsewhere at once."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, closing
from uuid import UUID

import pytest

from chatkit_app.runs.draining import TOGETHER_SECONDS
from tests.live import Browser, Page, Site, Twin, text_of

CLOSED = 1.0  # seconds until a page knows
GONE = 2.0  # seconds until the process is no more
HURRY = TOGETHER_SECONDS + 0.05
SERVERS = pytest.mark.parametrize("server", ["daphne", "uvicorn"])
LONG = "0.05"  # seconds a word: an answer that a signal finds in its middle
WORDS = " ".join(f"w{n}" for n in range(200))

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(
        bool(os.environ.get("DATABASE_URL")) != bool(os.environ.get("REDIS_URL")),
        reason="SQLite alone, or PostgreSQL with Redis",
    ),
]


@pytest.fixture
def sites(
    migrated: Site, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Site]]:
    """Makes a site with the server of the test's choice."""
    made: list[Site] = []

    def make(server: str, **environment: str) -> Site:
        site = Site(
            server=server,
            **{
                "CHATKIT_LEASE_SECONDS": "30",  # so that nothing goes on because a lease ran out
                "CHATKIT_TEST_DELAY": LONG,
                **environment,
            },
        )
        made.append(site)
        return site.make(migrated)

    try:
        yield make
    finally:
        for site in made:
            site.close()


@pytest.fixture
def twin() -> Iterator[Callable[..., Twin]]:
    made: list[Twin] = []

    def make(site: Site, **options: str) -> Twin:
        made.append(site.beside(**options))
        made[-1].start()
        return made[-1]

    try:
        yield make
    finally:
        for process in made:
            process.close()


def runs(site: Site, *columns: str) -> list[tuple[object, ...]]:
    """The runs, the newest first."""
    names = ", ".join(columns)
    return site.rows(f"SELECT {names} FROM chatkit_app_run ORDER BY created_at DESC")  # noqa: S608 (own names)


async def in_the_middle(page: Page) -> str:
    """An answer that has begun and will go on for a while: its thread."""
    thread: str = (await page.say(f"say {WORDS}"))["thread"]
    for _ in range(5):
        await page.event("part.delta")
    return thread


def cursor(page: Page, thread: str) -> dict[str, object]:
    """Where the page stands."""
    seen = [f for f in page.frames if f.get("thread") == thread]
    reset = next(f for f in seen if f["type"] == "reset")
    last = max(
        f["position"] for f in seen if "position" in f and f["type"] != "accepted"
    )
    return {"epoch": reset["epoch"], "position": last}


async def ends(site: Site, since: float) -> int:
    code = await asyncio.to_thread(site.ended, GONE + 5)
    assert time.monotonic() - since < GONE
    return code


async def is_told_to_restart(page: Page, since: float) -> None:
    assert await page.closed() == 4012
    assert time.monotonic() - since < CLOSED


@SERVERS
async def test_told_to_end_in_the_middle_of_an_answer_another_process_says_the_rest(
    sites: Callable[..., Site], twin: Callable[..., Twin], server: str
) -> None:
    site = sites(server)
    other = twin(site, CHATKIT_TEST_DELAY="0")
    visitor = Browser(site).visit()
    async with visitor.page(at=other), visitor.page() as page:
        thread = await in_the_middle(page)
        site.tell()
        since = time.monotonic()
        await is_told_to_restart(page, since)
        await ends(site, since)
        stands = cursor(page, thread)
    async with visitor.page(at=other) as page:
        answer = await page.watch(thread, **stands)
        await page.ended("completed")
        took = time.monotonic() - since
        after = await page.snapshot(thread)
        rest = [f["position"] for f in page.frames if f["type"] == "event"]

    assert answer["type"] == "position"
    first = int(str(stands["position"])) + 1
    assert rest == list(range(first, first + len(rest)))
    assert text_of(after) == WORDS
    assert runs(site, "takeovers", "attempt") == [(0, 2)]
    assert took < 15  # far below the lease: it was handed over


async def test_the_run_that_is_let_go_is_nobodys_and_has_not_crashed(
    sites: Callable[..., Site],
) -> None:
    site = sites("uvicorn")
    async with Browser(site).visit().page() as page:
        await in_the_middle(page)
        site.tell(signal.SIGINT)
        since = time.monotonic()
        await is_told_to_restart(page, since)
        await ends(site, since)

    found = runs(site, "status", "owner", "lease_until", "takeovers")
    assert found == [("in_progress", None, None, 0)]


@pytest.mark.parametrize("delay", [0.0, 0.05, 0.1])
async def test_told_to_end_right_after_a_page_has_come_daphne_still_ends_in_order(
    sites: Callable[..., Site], delay: float
) -> None:
    """Left to itself it stumbles over the young socket, and cancels nothing."""
    site = sites("daphne")
    async with Browser(site).visit().page() as page:
        await in_the_middle(page)
        async with Browser(site).visit().page() as young:
            await asyncio.sleep(delay)  # the moment is the test's subject
            site.tell()
            since = time.monotonic()
            codes = {await page.closed(), await young.closed()}
            await ends(site, since)

    assert codes == {4012}
    assert runs(site, "owner") == [(None,)]


@SERVERS
async def test_a_page_that_does_not_read_keeps_no_process_alive(
    sites: Callable[..., Site], server: str
) -> None:
    site = sites(server, CHATKIT_TEST_DELAY="0")
    visitor = Browser(site).visit()
    with closing(socket.socket()) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", site.port))
        deaf.sendall(
            (
                "GET /chatkit/ws/ HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
                f"Connection: Upgrade\r\nOrigin: {site.url}\r\nCookie: {visitor.cookie}\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                "Sec-WebSocket-Version: 13\r\n\r\n"
            ).encode()
        )
        async with visitor.page() as page:
            for _ in range(3):
                await page.say("say " + "x" * 20_000)
                await page.ended("completed")
            site.tell()
            since = time.monotonic()
            await is_told_to_restart(page, since)
            await ends(site, since)


@pytest.mark.parametrize(
    ("server", "tool", "becomes"),
    [
        ("daphne", "pay", "whether it took effect is unknown"),
        ("uvicorn", "book", "Results: booked"),
    ],
)
async def test_a_tool_that_does_not_return_keeps_no_process_alive(
    sites: Callable[..., Site],
    twin: Callable[..., Twin],
    server: str,
    tool: str,
    becomes: str,
) -> None:
    site = sites(server, CHATKIT_TEST_DELAY="0")
    other = twin(site)
    visitor = Browser(site).visit()
    async with visitor.page(at=other) as stays, visitor.page() as page:
        thread = (await page.say(f'call {tool} {{"seconds": 3}}'))["thread"]
        await page.call_reached("running")
        while not site.ledger.exists():  # noqa: ASYNC110 (another process writes it)
            await asyncio.sleep(0.01)
        site.tell()
        since = time.monotonic()
        await is_told_to_restart(page, since)
        await ends(site, since)
        await stays.watch(thread)
        stays._seen = 0
        await stays.ended("completed")
        after = await stays.snapshot(thread)

    assert becomes in text_of(after)


@SERVERS
async def test_a_tool_that_is_about_to_return_is_waited_for(
    sites: Callable[..., Site], twin: Callable[..., Twin], server: str
) -> None:
    site = sites(server, CHATKIT_TEST_DELAY="0")
    other = twin(site)
    visitor = Browser(site).visit()
    async with visitor.page(at=other) as stays, visitor.page() as page:
        thread = (await page.say('call pay {"seconds": 0.3}'))["thread"]
        await page.call_reached("running")
        site.tell()
        since = time.monotonic()
        await is_told_to_restart(page, since)
        await ends(site, since)
        await stays.watch(thread)
        stays._seen = 0
        await stays.ended("completed")
        after = await stays.snapshot(thread)

    assert text_of(after) == "Results: paid"
    assert len(site.ledger.read_text().splitlines()) == 1


@SERVERS
async def test_a_second_signal_ends_it_at_once(
    sites: Callable[..., Site], server: str
) -> None:
    site = sites(server, CHATKIT_TEST_DELAY="0")
    async with Browser(site).visit().page() as page:
        await page.say('call pay {"seconds": 30}')
        await page.call_reached("running")
        site.tell()
        await is_told_to_restart(page, time.monotonic())
        await asyncio.sleep(HURRY)  # sooner it would be an echo
        site.tell()
        since = time.monotonic()
        code = await ends(site, since)
        took = time.monotonic() - since

    assert code == -signal.SIGTERM
    assert took < 0.5


@SERVERS
async def test_a_signal_and_its_echo_are_one(
    sites: Callable[..., Site], server: str
) -> None:
    site = sites(server, CHATKIT_TEST_DELAY="0")
    async with Browser(site).visit().page() as page:
        thread = (await page.say("say One two\nstall"))["thread"]
        await page.shows(thread, "One two")
        site.tell()
        site.tell()  # what a parent hands on that its group has heard already
        await is_told_to_restart(page, time.monotonic())
        await ends(site, time.monotonic())

    assert site.rows("SELECT status, owner FROM chatkit_app_run") == [
        ("in_progress", None)
    ]


@SERVERS
async def test_a_run_that_waits_for_its_page_does_not_notice(
    sites: Callable[..., Site], twin: Callable[..., Twin], server: str
) -> None:
    site = sites(server, CHATKIT_TEST_DELAY="0")
    other = twin(site)
    visitor = Browser(site).visit()
    async with visitor.page(tab="tab") as page:
        thread = (await page.say("call read_selection"))["thread"]
        call = await page.waiting_call(thread)
        await page.reached("requires_action")
        await page.claim(thread, call)
        before = runs(site, "status", "attempt", "batch", "takeovers")
        site.tell()
        since = time.monotonic()
        await is_told_to_restart(page, since)
        await ends(site, since)
    after = runs(site, "status", "attempt", "batch", "takeovers")
    held = site.rows("SELECT claimed_by FROM chatkit_app_interrupt")
    async with visitor.page(at=other, tab="tab") as page:
        await page.watch(thread)
        accepted = await page.answer(thread, call, {"text": "fox"})
        await page.ended("completed")
        said = text_of(await page.snapshot(thread))

    assert before == after
    assert held == [("tab",)]
    assert accepted["type"] == "accepted"
    assert said == 'Results: {"text":"fox"}'


@SERVERS
async def test_a_command_at_the_last_moment_is_done_and_accepted_or_not_at_all(
    sites: Callable[..., Site], twin: Callable[..., Twin], server: str
) -> None:
    site = sites(server, CHATKIT_TEST_DELAY="0")
    other = twin(site, CHATKIT_TEST_DELAY="0")
    visitors = [Browser(site).visit() for _ in range(6)]
    asked = {"type": "send", "assistant": "test", "text": "say Hi.", "tab": "tab"}
    async with AsyncExitStack() as stack:
        pages = [await stack.enter_async_context(v.page()) for v in visitors]
        await asyncio.gather(*(page.frame(**asked, id="same") for page in pages[:3]))
        site.tell()
        await asyncio.gather(
            *(page.frame(**asked, id="same") for page in pages[3:]),
            return_exceptions=True,
        )
        codes = {await page.closed() for page in pages}
    accepted = [any(f["type"] == "accepted" for f in page.frames) for page in pages]
    known = runs(site, "id")
    async with AsyncExitStack() as stack:
        pages = [await stack.enter_async_context(v.page(at=other)) for v in visitors]
        again = [await page.ask(**asked, id="same") for page in pages]
        for page, answer in zip(pages, again, strict=True):
            await page.watch(answer["thread"])
            page._seen = 0
            await page.ended("completed")

    assert codes == {4012}
    assert sum(accepted) <= len(known)
    assert {answer["type"] for answer in again} == {"accepted"}
    assert len(runs(site, "id")) == len(visitors)


@SERVERS
async def test_a_database_that_is_away_keeps_no_process_alive(
    sites: Callable[..., Site], server: str
) -> None:
    site = sites(server)
    async with Browser(site).visit().page() as page:
        await in_the_middle(page)
        with site.locked():
            site.tell()
            since = time.monotonic()
            await is_told_to_restart(page, since)
            await ends(site, since)

    assert runs(site, "status", "attempt") == [("in_progress", 1)]


async def test_an_old_process_survives_a_bell_that_it_does_not_know(
    sites: Callable[..., Site], twin: Callable[..., Twin]
) -> None:
    """A new version may put anything beside what an old one knows, but for the message's type."""
    if not os.environ.get("REDIS_URL"):
        pytest.skip("bells ring between processes through Redis")
    site = sites("daphne", CHATKIT_TEST_DELAY="0")
    async with Browser(site).visit().page() as page:
        thread = (await page.say("say Before."))["thread"]
        await page.ended("completed")
        await asyncio.to_thread(site.shell, STRANGE_BELLS.format(thread=UUID(thread)))
        page._seen = len(page.frames)
        await page.say("say After.", thread)
        await page.ended("completed")
        said = text_of(await page.snapshot(thread))

    assert said == "After."
    assert "The channel layer failed" not in site.log.read_text()


STRANGE_BELLS = """
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
layer = get_channel_layer()
for told in ({{}}, {{"thread": 7}}, {{"thread": "?"}}, {{"run": None}}, {{"news": [1]}},
             {{"thread": "{thread}", "position": "far"}}):
    for group in ("chatkit.runs", "chatkit.{thread}".replace("-", "")):
        async_to_sync(layer.group_send)(group, {{"type": "chatkit.bell", **told}})
        async_to_sync(layer.group_send)(group, {{"type": "chatkit.newer", **told}})
"""
