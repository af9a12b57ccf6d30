"""Several tabs and several people, and what a tool asks of them."""

from __future__ import annotations

import asyncio
import uuid

from tests.answering_live import (
    REFUND,
    over_http,
    paused,
    resolve,
    said,
    see,
    times,
)
from tests.live import WAIT, Browser, Frame, Page, Site, calls_of, text_of

# -- several tabs ------------------------------------------------------------------


async def test_one_tab_approves_and_the_other_sees_it(
    shared_site: Site, visitor: Browser
) -> None:
    async with visitor.page() as first, visitor.page() as second:
        thread, [approval] = await paused(first, REFUND)
        await second.watch(thread)
        accepted = await resolve(first, thread, said(approval, "approve"))
        told = await second.event("tool_call.changed", status="queued")
        await second.ended("completed")
        after = await second.snapshot(thread)

    assert accepted["type"] == "accepted"
    assert (told["approval"]["approved"], told["interrupt"]) == (True, None)
    assert times(shared_site, "refund", after) == [1]
    assert text_of(after) == "Results: refunded 70"


async def test_the_same_answer_over_two_sockets_at_the_same_instant_is_accepted_twice(
    shared_site: Site, visitor: Browser
) -> None:
    async with visitor.page() as first, visitor.page() as second:
        thread, [approval] = await paused(first, REFUND)
        answer, name = said(approval, "approve"), uuid.uuid4().hex
        one, other = await asyncio.gather(
            resolve(first, thread, answer, id=name),
            resolve(second, thread, answer, id=name),
        )
        await first.ended("completed")
        after = await first.snapshot(thread)

    assert one["type"] == "accepted"
    assert one == other
    assert times(shared_site, "refund", after) == [1]


async def test_of_a_yes_and_a_no_at_the_same_instant_one_counts(
    shared_site: Site, visitor: Browser
) -> None:
    async with visitor.page() as first, visitor.page() as second:
        thread, [approval] = await paused(first, REFUND)
        yes, no = await asyncio.gather(
            resolve(first, thread, said(approval, "approve")),
            resolve(second, thread, said(approval, "deny", text="No.")),
        )
        await first.ended("completed")
        after = await first.snapshot(thread)

    is_approved = yes["type"] == "accepted"
    loser = no if is_approved else yes
    assert {yes["type"], no["type"]} == {"accepted", "error"}
    assert loser["code"] == "answer_duplicate"
    assert calls_of(after)[0]["approval"]["approved"] is is_approved
    assert times(shared_site, "refund", after) == [int(is_approved)]


async def test_denying_one_of_three_leaves_the_others_alone(
    shared_site: Site, visitor: Browser
) -> None:
    async with visitor.page() as page:
        thread, found = await paused(page, f"{REFUND}\n{REFUND}\n{REFUND}")
        decisions = ("approve", "deny", "approve")
        await resolve(page, thread, *map(said, found, decisions))
        await page.ended("completed")
        after = await page.snapshot(thread)

    assert times(shared_site, "refund", after) == [1, 0, 1]
    assert [call["approval"]["decision"] for call in calls_of(after)] == [*decisions]
    first, second, third = text_of(after).removeprefix("Results: ").split(" | ")
    assert (first, third) == ("refunded 70", "refunded 70")
    assert "did not allow" in second


async def test_a_new_message_supersedes_what_was_asked(
    shared_site: Site, visitor: Browser
) -> None:
    async with visitor.page() as page:
        thread, [approval] = await paused(page, REFUND)
        await page.say("say Something else.", thread)
        closed = await page.event("tool_call.ended")
        await page.ended("cancelled")
        await page.ended("completed")
        late = await resolve(page, thread, said(approval, "approve"))
        after = await page.snapshot(thread)

    assert closed["errorCode"] == "superseded"
    assert late["code"] == "answer_late"
    assert times(shared_site, "refund", after) == [0]
    assert text_of(after) == "Something else."


async def test_staff_approve_over_http_while_the_visitors_page_waits(
    shared_site: Site, visitor: Browser
) -> None:
    staff = Browser(shared_site).log_in("admin")
    async with visitor.page() as page:
        thread, [approval] = await paused(page, 'call staff_refund {"amount": 5}')
        mine = await resolve(page, thread, said(approval, "approve"))
        more = await page.ask(
            "send", assistant="test", text="say Hurry.", thread=thread, tab=page.tab
        )
        theirs = await asyncio.to_thread(
            over_http, staff, shared_site, said(approval, "edit", input={"amount": 4})
        )
        await page.ended("completed")
        after = await page.snapshot(thread)

    [call] = calls_of(after)
    assert (mine["code"], more["code"]) == ("not_allowed", "approval_pending")
    assert theirs["interrupts"] == [approval["id"]]
    assert (call["approval"]["by"], call["editedInput"]) == ("staff", {"amount": 4.0})
    assert call["input"] == {"amount": 5.0}
    assert times(shared_site, "staff_refund", after) == [1]
    assert "refunded 4" in text_of(after)


# -- client tools and the pages that run them ---------------------------------------


async def test_pages_and_server_are_asked_at_once_and_each_call_has_its_own_outcome(
    visitor: Browser,
) -> None:
    script = (
        'call read_selection\ncall add {"a": 1, "b": 2}\ncall paint {"colour": "red"}'
    )
    async with visitor.page() as page:
        thread, _ = await paused(page, f"{script}\ncall refuse\ncall nobody")
        calls = {
            c["name"]: c["id"]
            for c in calls_of(await page.snapshot(thread))
            if c["status"] == "waiting"
        }
        await page.answer(thread, calls["nobody"], {"text": "somebody"})
        await page.answer(thread, calls["paint"], error="The canvas is gone.")
        await page.answer(thread, calls["read_selection"], {"text": "fox"})
        await page.ended("completed")
        after = await page.snapshot(thread)

    assert text_of(after).removeprefix("Results: ").split(" | ") == [
        '{"text":"fox"}',
        '{"total":3}',
        "Error: The canvas is gone.",
        "Error: That is not possible on Sundays.",
        '{"text":"somebody"}',
    ]


async def test_a_page_that_navigates_away_leaves_its_call_to_the_next_one(
    visitor: Browser,
) -> None:
    async with visitor.page() as page:
        thread, _ = await paused(page, "call read_selection")
        call = await page.waiting_call(thread)
        claimed = await page.claim(thread, call)
    async with visitor.page() as after:
        await see(after, thread, "requires_action")
        mine = await claim_in_time(after, thread, call)
        await after.answer(thread, call, {"text": "from the next page"})
        await after.ended("completed")
        said_at_last = text_of(await after.snapshot(thread))

    assert (claimed["type"], mine["type"]) == ("accepted", "accepted")
    assert "from the next page" in said_at_last


async def test_a_call_of_a_page_that_has_died_silently_is_another_ones(
    visitor: Browser,
) -> None:
    async with visitor.page() as dying, visitor.page() as other:
        thread, _ = await paused(dying, "call read_selection")
        call = await dying.waiting_call(thread)
        await dying.claim(thread, call)  # and answers no ping any more
        await other.watch(thread)
        held = await other.claim(thread, call)
        await claim_in_time(other, thread, call)
        late = await dying.answer(thread, call, {"text": "after all"})
        await other.answer(thread, call, {"text": "hen"})
        await other.ended("completed")
        after = await other.snapshot(thread)

    assert (held["code"], late["code"]) == ("claim_held", "claim_held")
    assert calls_of(after)[0]["output"] == {"text": "hen"}


async def test_a_call_that_must_run_once_is_no_other_pages_and_its_outcome_is_unknown(
    visitor: Browser,
) -> None:
    async with visitor.page() as dying:
        thread, _ = await paused(dying, "call order_once")
        call = await dying.waiting_call(thread)
        await dying.claim(thread, call)
        dying._socket.transport.abort()
    async with visitor.page() as other:
        await see(other, thread, "requires_action")
        held = await other.claim(thread, call)
        closed = await other.event("tool_call.ended")
        await other.ended("completed")
        after = await other.snapshot(thread)

    assert held["code"] == "claim_held"
    assert closed["errorCode"] == "outcome_unknown"
    assert "whether it took effect is unknown" in text_of(after)


async def claim_in_time(page: Page, thread: str, call: str) -> Frame:
    """As pages do it: again, when they are told to."""
    async with asyncio.timeout(WAIT):
        while True:
            found = await page.claim(thread, call)
            if found.get("code") != "claim_held":
                return found
            await asyncio.sleep(min(0.5, found["retryMs"] / 1000))
