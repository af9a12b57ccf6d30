"""What people and pages do in the live tests of tools: they see what is asked, and answer it."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import uuid
from typing import Any

from tests.live import WAIT, Browser, Frame, Page, Site, calls_of

REFUND = 'call refund {"amount": 70}'
"""What the visitor has to approve."""


async def paused(page: Page, text: str, **fields: Any) -> tuple[str, list[Frame]]:
    """Say something, until the run waits for the outside: the thread, and what is asked."""
    thread: str = (await page.say(text, **fields))["thread"]
    await page.reached("requires_action")
    return thread, await asked(page, thread)


async def asked(page: Page, thread: str) -> list[Frame]:
    found: list[Frame] = (await page.snapshot(thread))["run"]["interrupts"]
    return found


def said(interrupt: Frame, decision: str, **more: Any) -> Frame:
    return {"interrupt": interrupt["id"], "decision": decision, **more}


async def resolve(page: Page, thread: str, *answers: Frame, **more: Any) -> Frame:
    return await page.ask(
        "resolve", thread=thread, tab=page.tab, answers=list(answers), **more
    )


def over_http(browser: Browser, at: Site, *answers: Frame, name: str = "") -> Any:
    """Answer with this browser's cookies at any process; an error's status where it is refused."""
    home, browser.site = browser.site, at
    body = {"id": name or uuid.uuid4().hex, "answers": list(answers)}
    try:
        return browser.post_json("/chatkit/api/interrupts/", body)
    except urllib.error.HTTPError as error:
        return json.loads(error.read())
    finally:
        browser.site = home


async def until_row(site: Site, query: str, wanted: object) -> None:
    """Until the database says so; nobody is connected who could be told."""
    async with asyncio.timeout(WAIT):
        while site.rows(query) != [(wanted,)]:  # noqa: ASYNC110 (other processes write it)
            await asyncio.sleep(0.05)


async def see(page: Page, thread: str, *statuses: str) -> None:
    """A page that comes to a thread, until its run is there."""
    await page.watch(thread)
    page._seen = 0
    await page.reached(*statuses)


def times(site: Site, tool: str, thread_snapshot: Frame) -> list[int]:
    """How often each call of the tool has begun."""
    lines = site.ledger.read_text().splitlines() if site.ledger.exists() else []
    calls = [c["id"] for c in calls_of(thread_snapshot) if c["name"] == tool]
    return [lines.count(f"{tool} {call}") for call in calls]
