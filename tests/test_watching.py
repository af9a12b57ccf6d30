"""Pages that watch their list of threads and what waits for them: real sockets, several processes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from chatkit_app.watching import EVERY_SECONDS
from tests.answering_live import REFUND, over_http, paused, said
from tests.live import WAIT, Browser, Frame, Page, Site, Twin

THREADS, APPROVALS = "threads.changed", "approvals.changed"
QUIET = 3 * EVERY_SECONDS
"""Seconds after which what has not come does not come."""
STAFF_REFUND = 'call staff_refund {"amount": 5}'
CHANGES = 100
RENAME = f"""
from chatkit_app.engine.viewer import Viewer
from chatkit_app.models import Thread
from chatkit_app.threads import editing
thread = Thread.objects.get(pk="{{thread}}")
viewer = Viewer(user=thread.user, visitor=thread.visitor)
for number in range({CHANGES}):
    editing.change(viewer, thread.pk, editing.Changes(title=f"Number {{{{number}}}}"))
"""


@pytest.fixture
def twin(site: Site) -> Iterator[Twin]:
    """Another process of the site."""
    other = site.beside()
    try:
        other.start()
        yield other
    finally:
        other.close()


async def watch(page: Page, *kinds: str) -> None:
    """Until nothing can be missed any more; of these kinds as well."""
    await page.frame(type="watch")
    for kind in (THREADS, *kinds):
        page._seen = 0
        await told(page, kind)


async def told(page: Page, kind: str = THREADS) -> None:
    """The next frame of this kind."""
    await page.until(lambda frame: frame["type"] == kind)


def count(page: Page, kind: str = THREADS) -> int:
    return sum(frame["type"] == kind for frame in page.frames)


async def quiet(page: Page) -> None:
    """Read on until nothing has come for a while."""
    while True:
        try:
            async with asyncio.timeout(QUIET):
                await page.next()
        except TimeoutError:
            return


async def read_on(page: Page) -> None:
    """Read for a while; a thread that is watched tells its position again and again."""
    with suppress(TimeoutError):
        async with asyncio.timeout(QUIET):
            while True:
                await page.next()


async def sees(page: Page, fits: Callable[[list[Frame]], Any]) -> list[Frame]:
    """As pages do it: read the list whenever a frame says so, until it is as expected."""
    async with asyncio.timeout(WAIT):
        while True:
            await told(page)
            found = await asyncio.to_thread(threads_of, page)
            if fits(found):
                return found


def threads_of(page: Page) -> list[Frame]:
    """The page's list, from the process that its socket is at."""
    path = "/chatkit/api/threads/"
    return list(at_process(page, page.browser.get_json, path)["results"])


def at_process(page: Page, ask: Callable[..., Any], *what: Any) -> Any:
    browser, home = page.browser, page.browser.site
    browser.site = page._site
    try:
        return ask(*what)
    finally:
        browser.site = home


def has_ended(found: list[Frame]) -> bool:
    return bool(found) and (found[0]["run"] or {}).get("status") == "completed"


async def test_another_tab_hears_of_a_new_thread_and_of_its_answer(
    visitor: Browser,
) -> None:
    async with visitor.page() as page, visitor.page() as tab:
        await watch(tab)
        accepted = await page.say("say Hello.")
        [thread] = await sees(tab, has_ended)

    assert thread["id"] == accepted["thread"]
    assert thread["unread"] is True


async def test_a_thread_that_was_read_in_one_tab_is_read_in_the_others(
    ann: Browser,
) -> None:
    async with ann.page() as page, ann.page() as tab:
        thread = (await page.say("say Hello."))["thread"]
        await page.ended("completed")
        await watch(tab, APPROVALS)
        await asyncio.to_thread(
            ann.post_json, f"/chatkit/api/threads/{thread}/read/", {}
        )
        found = await sees(
            tab,
            lambda found: not any(t["unread"] for t in found if t["id"] == thread),
        )

    assert thread in [one["id"] for one in found]


async def test_a_tab_at_another_process_hears_it_whatever_reaches_the_processes(
    site: Site, twin: Twin
) -> None:
    visitor = Browser(site).visit()
    async with visitor.page(at=twin) as tab:
        await watch(tab)
        async with visitor.page() as page:
            thread = (await page.say("say Hello."))["thread"]
        [found] = await sees(tab, has_ended)
        twin.tell()
        code = await tab.closed()
    async with visitor.page() as tab:
        await watch(tab)  # at home again; the first frame comes by itself

    assert found["id"] == thread
    assert code == 4012


async def test_of_many_changes_few_frames_tell_and_the_last_is_told(
    site: Site,
) -> None:
    visitor = Browser(site).visit()
    async with visitor.page() as page:
        thread = (await page.say("say Hello."))["thread"]
        await page.ended("completed")
        await watch(page)
        began, before = time.monotonic(), count(page)
        done = asyncio.create_task(
            asyncio.to_thread(site.shell, RENAME.format(thread=thread))
        )
        last = f"Number {CHANGES - 1}"
        await sees(page, lambda found: found[0]["title"] == last)
        seconds = time.monotonic() - began
        await done
        await read_on(page)

    # Another process, which has gone at once: perhaps it is a look that has found the last.
    assert count(page) - before <= seconds / EVERY_SECONDS + 3


async def test_nobody_else_hears_of_it(shared_site: Site, visitor: Browser) -> None:
    other = Browser(shared_site).visit()
    async with visitor.page() as page, other.page() as stranger:
        await watch(stranger)
        await watch(page)
        await page.say("say Hello.")
        await page.ended("completed")
        await told(page)
        await quiet(stranger)

    assert count(stranger) == 1
    assert count(stranger, APPROVALS) == count(page, APPROVALS) == 0


async def test_a_page_that_does_not_ask_is_told_nothing(visitor: Browser) -> None:
    async with visitor.page() as page:
        await page.say("say Hello.")
        await page.ended("completed")
        await quiet_of(page, THREADS)

    assert count(page) == 0


async def quiet_of(page: Page, kind: str) -> None:
    """Read for a while; a watched thread tells its position again and again."""
    until = time.monotonic() + QUIET
    while time.monotonic() < until:
        await page.next()
    assert kind not in {frame["type"] for frame in page.frames}


async def test_asked_twice_it_tells_once(visitor: Browser) -> None:
    async with visitor.page() as page:
        await watch(page)
        await page.frame(type="watch")
        await quiet(page)

    assert [frame["type"] for frame in page.frames] == ["hello", THREADS]


async def test_logging_in_changes_both_lists_and_the_visitors_socket_is_nobodys(
    site: Site,
) -> None:
    visitor, ann = Browser(site).visit(), Browser(site).log_in("ann")
    async with visitor.page() as before, ann.page() as elsewhere:
        thread = (await before.say("say Hello."))["thread"]
        await before.ended("completed")
        await watch(elsewhere, APPROVALS)
        await watch(before)
        already = count(before)
        await asyncio.to_thread(visitor.log_in, "ann")
        [found] = await sees(elsewhere, lambda found: len(found) == 1)
        code = await before.closed()

    assert found["id"] == thread
    assert code == 4401
    assert count(before) == already


async def test_a_socket_whose_user_has_logged_out_hears_nothing_more(
    site: Site,
) -> None:
    here, there = Browser(site).log_in("ann"), Browser(site).log_in("ann")
    async with here.page() as page, there.page() as other:
        await watch(page, APPROVALS)
        await asyncio.to_thread(here.log_out)
        await other.say("say Hello.")
        code = await page.closed()

    assert code == 4401
    assert count(page) == 1


async def test_staff_hear_of_an_approval_that_waits_and_of_its_end(site: Site) -> None:
    visitor, ann = Browser(site).visit(), Browser(site).log_in("ann")
    admin = Browser(site).log_in("admin")
    async with visitor.page() as page, admin.page() as staff, ann.page() as customer:
        await watch(staff, APPROVALS)
        await watch(customer, APPROVALS)
        _, [approval] = await paused(page, STAFF_REFUND)
        await told(staff, APPROVALS)
        waiting = await asyncio.to_thread(admin.get_json, "/chatkit/api/interrupts/")
        await asyncio.to_thread(over_http, admin, site, said(approval, "approve"))
        await told(staff, APPROVALS)
        after = await asyncio.to_thread(admin.get_json, "/chatkit/api/interrupts/")
        await quiet(customer)

    assert approval["id"] in str(waiting)
    assert approval["id"] not in str(after)
    assert count(staff) == 1  # none of the staff's own threads has changed
    assert (
        count(customer, APPROVALS) == 1
    )  # the one to begin with: nothing is theirs to decide


async def test_approvals_of_the_owners_own_ring_for_nobody_else(site: Site) -> None:
    visitor, admin = Browser(site).visit(), Browser(site).log_in("admin")
    async with visitor.page() as page, admin.page() as staff:
        await watch(staff, APPROVALS)
        await paused(page, REFUND)
        await quiet(staff)

    assert count(staff, APPROVALS) == 1
