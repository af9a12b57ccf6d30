"""History as a real server tells it, beside what its sockets tell."""

from __future__ import annotations

import html

from tests.live import Browser, Frame


def messages_of(browser: Browser, thread: str) -> Frame:
    found: Frame = browser.get_json(f"/chatkit/api/threads/{thread}/messages/")
    return found


async def test_history_and_snapshot_tell_the_same_of_a_finished_answer(
    visitor: Browser,
) -> None:
    async with visitor.page() as page:
        accepted = await page.say('think Hm.\ncall add {"a": 1, "b": 2}\ncall boom')
        await page.ended("completed")
        snapshot = await page.snapshot(accepted["thread"])

    told = messages_of(visitor, accepted["thread"])

    assert told["results"] == snapshot["messages"]
    assert (told["earlier"], told["later"]) == (False, False)


async def test_history_and_snapshot_tell_the_same_of_a_call_that_waits(
    visitor: Browser,
) -> None:
    async with visitor.page() as page:
        accepted = await page.say("say One moment.\ncall read_selection")
        await page.reached("requires_action")
        call = await page.waiting_call(accepted["thread"])
        await page.claim(accepted["thread"], call)
        snapshot = await page.snapshot(accepted["thread"])
        told = messages_of(visitor, accepted["thread"])

    assert told["results"] == snapshot["messages"]


async def test_an_answer_that_is_being_written_is_told_as_far_as_it_is(
    visitor: Browser,
) -> None:
    async with visitor.page() as page:
        accepted = await page.say("say Once upon a time\nstall")
        await page.shows(accepted["thread"], "Once upon a time")
        told = messages_of(visitor, accepted["thread"])

    answer = told["results"][-1]
    assert answer["status"] == "open"
    assert "".join(part["content"] for part in answer["parts"]) == "Once upon a time"


async def test_a_thread_is_listed_from_its_first_message_on(visitor: Browser) -> None:
    async with visitor.page() as page:
        accepted = await page.say("say Hello.")
        await page.ended("completed")

    listed = visitor.get_json("/chatkit/api/threads/?assistant=test")["results"]

    assert [thread["id"] for thread in listed] == [accepted["thread"]]


async def test_a_timeline_tells_what_a_real_run_has_left(
    visitor: Browser, shared_site
) -> None:
    async with visitor.page() as page:
        accepted = await page.say('call add {"a": 20, "b": 22}\ncall boom')
        await page.ended("completed")
    staff = Browser(shared_site).log_in("admin")

    body = html.unescape(
        staff.get(f"/admin/chatkit_app/thread/{accepted['thread']}/change/")
    )

    for words in ('"total": 42', "boom", "completed", "Results:", "Step 2"):
        assert words in body
    assert "secret-of-the-server" not in body
