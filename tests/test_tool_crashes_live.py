"""Something is asked, and then processes end: killed, told to, or simply others than those that asked."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Callable, Iterator

import pytest

from tests.answering_live import (
    REFUND,
    asked,
    over_http,
    paused,
    resolve,
    said,
    see,
    times,
    until_row,
)
from tests.live import Browser, Site, Twin, text_of

pytestmark = pytest.mark.processes

WEB_ALONE = "chatkit_app.runs.worker_runner.WorkerRunner"


@pytest.fixture
def twin() -> Iterator[Callable[..., Twin]]:
    """Starts another process of a site."""
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


async def test_killed_before_an_answer_was_committed_it_is_asked_for_again(
    site: Site,
) -> None:
    visitor, name = Browser(site).visit(), uuid.uuid4().hex
    async with visitor.page() as page:
        thread, [approval] = await paused(page, REFUND)
        answer = said(approval, "approve")
        with site.locked():
            await page.frame(
                type="resolve", id=name, thread=thread, tab=page.tab, answers=[answer]
            )
            site.kill()
    site.start()
    async with visitor.page() as page:
        await see(page, thread, "requires_action")
        still_asked = await asked(page, thread)
        accepted = await resolve(page, thread, answer, id=name)
        await page.ended("completed")
        after = await page.snapshot(thread)

    assert still_asked == [approval]
    assert accepted["type"] == "accepted"
    assert times(site, "refund", after) == [1]


async def test_killed_after_an_answer_was_committed_another_process_goes_on_with_it(
    migrated: Site, twin: Callable[..., Twin]
) -> None:
    site = Site(CHATKIT_TEST_RUNNER=WEB_ALONE).make(migrated)
    try:
        worker, visitor = twin(site, CHATKIT_TEST_RUNNER=""), Browser(site).visit()
        async with visitor.page(at=worker) as page:
            thread, [approval] = await paused(page, REFUND)
        worker.kill()
        async with visitor.page() as page:
            accepted = await resolve(page, thread, said(approval, "approve"))
            site.kill()
        worker.start()
        async with visitor.page(at=worker) as page:
            await see(page, thread, "completed")
            again = await resolve(
                page, thread, said(approval, "approve"), id=accepted["id"]
            )
            after = await page.snapshot(thread)
        begun = times(site, "refund", after)
    finally:
        site.close()

    assert accepted["type"] == "accepted"
    assert again == accepted
    assert begun == [1]
    assert text_of(after) == "Results: refunded 70"


async def test_questions_are_answered_at_another_process_than_the_one_that_asked(
    site: Site, twin: Callable[..., Twin]
) -> None:
    visitor = Browser(site).visit()
    async with visitor.page() as page:
        thread, [size] = await paused(page, "call order_shirt")
    site.kill()
    other = twin(site, server="uvicorn")
    async with visitor.page(at=other) as page:
        await see(page, thread, "requires_action")
        await resolve(page, thread, said(size, "answer", output={"size": "M"}))
        await page.event("tool_call.changed", status="queued")
        await page.event("tool_call.changed", status="waiting")
        await page.reached("requires_action")
        [address] = await asked(page, thread)
        form = {"street": "Here 1", "country": "DE"}
        await resolve(page, thread, said(address, "answer", output=form))
        await page.ended("completed")
        after = await page.snapshot(thread)

    assert (size["key"], address["key"]) == ("Size", "AddressForm")
    assert text_of(after) == "Results: M to Here 1, DE"
    assert times(site, "order_shirt", after) == [3]  # entered again with each answer


async def test_an_approval_runs_out_though_nobody_is_there(site: Site) -> None:
    visitor = Browser(site).visit()
    async with visitor.page() as page:
        thread: str = (await page.say('call hasty_refund {"amount": 7}'))["thread"]
    await until_row(site, "SELECT status FROM chatkit_app_run", "completed")
    async with visitor.page() as page:
        after = await page.snapshot(thread)

    assert "Nobody has approved this in time" in text_of(after)
    assert times(site, "hasty_refund", after) == [0]


async def test_a_deploy_does_not_disturb_an_open_approval(
    site: Site, twin: Callable[..., Twin]
) -> None:
    visitor = Browser(site).visit()
    async with visitor.page() as page:
        thread, [approval] = await paused(page, REFUND)
        site.tell()
        code = await page.closed()
        await asyncio.to_thread(site.ended, 5)
    other = twin(site)
    async with visitor.page(at=other) as page:
        await see(page, thread, "requires_action")
        still_asked = await asked(page, thread)
        await resolve(page, thread, said(approval, "approve"))
        await page.ended("completed")
        after = await page.snapshot(thread)

    assert code == 4012
    assert still_asked == [approval]
    assert times(site, "refund", after) == [1]


@pytest.mark.skipif(
    bool(os.environ.get("DATABASE_URL")) != bool(os.environ.get("REDIS_URL")),
    reason="SQLite alone, or PostgreSQL with Redis",
)
async def test_a_batch_comes_over_http_to_another_process_while_the_run_is_busy(
    site: Site, twin: Callable[..., Twin]
) -> None:
    other, visitor = twin(site), Browser(site).visit()
    visitor.get("/login/")  # which sets the cookie that a page's script sends back
    busy = 'call report {"steps": 1, "seconds": 1.5}'
    async with visitor.page() as page:
        thread: str = (await page.say(f"{REFUND}\n{busy}\n{REFUND}"))["thread"]
        await page.call_reached("running")
        found = await asked(page, thread)
        unfit = [said(found[0], "approve"), said(found[1], "edit", input={})]
        refused = await asyncio.to_thread(over_http, visitor, other, *unfit)
        answers = [said(one, "approve") for one in reversed(found)]
        taken = await asyncio.to_thread(over_http, visitor, other, *answers)
        [(status,)] = site.rows("SELECT status FROM chatkit_app_run")
        await page.ended("completed")
        after = await page.snapshot(thread)

    assert refused["code"] == "answer_invalid"
    assert {fault["interrupt"] for fault in refused["errors"]} == {found[1]["id"]}
    assert taken["interrupts"] == [one["id"] for one in reversed(found)]
    assert status == "in_progress"
    assert times(site, "refund", after) == [1, 1]
    assert text_of(after) == "Results: refunded 70 | done | refunded 70"
