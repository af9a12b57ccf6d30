"""History as a real server tells it, beside what its sockets tell."""

from __future__ import annotations

import asyncio
import html
import urllib.request

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


async def test_history_and_the_socket_from_its_position_leave_neither_hole_nor_overlap(
    visitor: Browser,
) -> None:
    words = [f"say word{number} " for number in range(60)]
    script = "\n".join(line + "\npause 0.02" for line in words)
    async with visitor.page() as page:
        accepted = await page.say(script)
        thread = accepted["thread"]
        await page.event("part.delta")
        # Read while the answer is being written, several times: each page is a beginning.
        pages = []
        while len(pages) < 5:
            pages.append(await asyncio.to_thread(messages_of, visitor, thread))
            await page.event("part.delta")
        for told in pages:
            await joins(visitor, thread, told)
        await page.ended("completed")


async def joins(browser: Browser, thread: str, told: Frame) -> None:
    """What the page has and what the socket goes on with are, folded, what the answer is."""
    async with browser.page() as page:
        first = await page.watch(thread, epoch=told["epoch"], position=told["position"])
        assert first["type"] == "position", first
        await page.until(
            lambda f: (
                f["type"] == "event"
                and f["event"]["type"] == "run.changed"
                and f["event"]["status"] == "completed"
            )
        )
    events = [f for f in page.frames if f["type"] == "event" and f["thread"] == thread]
    places = [f["position"] for f in events]
    assert places == list(
        range(told["position"] + 1, told["position"] + 1 + len(places))
    )
    folded = fold(told["results"], [f["event"] for f in events])
    whole = messages_of(browser, thread)["results"][-1]
    assert folded == {p["partId"]: p["content"] for p in whole["parts"]}


def fold(messages: list[Frame], events: list[Frame]) -> dict[str, str]:
    """The texts of the newest answer's parts; a delta must begin where its part ends."""
    texts = {p["partId"]: p["content"] for p in messages[-1]["parts"]}
    for event in events:
        if event["type"] == "part.started":
            assert event["partId"] not in texts
            texts[event["partId"]] = ""
        elif event["type"] == "part.delta":
            assert len(texts[event["partId"]]) == event["offset"]
            texts[event["partId"]] += event["delta"]
    return texts


def delete(browser: Browser, path: str) -> None:
    token = next(c.value for c in browser._jar if c.name == "csrftoken")
    request = urllib.request.Request(  # noqa: S310 (always the site's own address)
        browser.site.url + path, headers={"X-CSRFToken": str(token)}, method="DELETE"
    )
    with browser._opener.open(request, timeout=10) as answer:
        assert answer.status == 200


async def test_whoever_watches_a_deleted_thread_is_told_and_hears_no_more(
    ann: Browser,
) -> None:
    async with ann.page() as page:
        accepted = await page.say("say Once\nstall")
        thread = accepted["thread"]
        await page.shows(thread, "Once")
        await asyncio.to_thread(delete, ann, f"/chatkit/api/threads/{thread}/")
        gone = await page.until(
            lambda f: f["type"] == "error" and f.get("thread") == thread
        )
        assert gone["code"] == "thread_not_found"
        again = await page.watch(thread, position=0)
        assert (again["type"], again["code"]) == ("error", "thread_not_found")
        known = len(page.frames)
        restored = await asyncio.to_thread(
            ann.post_json, f"/chatkit/api/threads/{thread}/restore/", {}
        )
        assert restored["run"]["status"] in ("cancelling", "cancelled")
        await page.watch(thread)
        between = [f for f in page.frames[known:] if f["type"] == "event"]
        assert between == []
