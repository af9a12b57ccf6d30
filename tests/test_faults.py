"""``kill -9`` at the moments that hurt: nothing is lost, nothing is done twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.live import Browser, Page, Site, calls_of, text_of


@pytest.fixture
def restarted(site: Site) -> Restart:
    return Restart(site)


class Restart:
    """A visitor of a site that is killed under them."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.visitor = Browser(site).visit()

    def kill(self) -> None:
        self.site.kill()
        self.site.start()

    async def say(self, text: str) -> str:
        """Send a message and leave: the thread."""
        async with self.visitor.page() as page:
            thread: str = (await page.say(text))["thread"]
            return thread

    async def see(self, thread: str, *statuses: str) -> Page:
        """A page that watches the thread until its run is there."""
        page = self.visitor.page()
        await page.__aenter__()
        await page.watch(thread)
        page._seen = 0
        await page.reached(*statuses)
        return page


def lines(ledger: Path) -> list[str]:
    return ledger.read_text().splitlines() if ledger.exists() else []


async def until_lines(page: Page, ledger: Path, count: int) -> None:
    """The tool has begun, as its ledger says."""
    while len(lines(ledger)) < count:
        await page.next()


async def test_killed_in_the_middle_of_an_answer_it_is_taken_back_and_asked_again(
    restarted: Restart,
) -> None:
    async with restarted.visitor.page() as page:
        thread = (await page.say("say One two\nstall 1 first\nsay three"))["thread"]
        await page.shows(thread, "One two")
    restarted.kill()
    page = await restarted.see(thread, "completed")
    whole = await page.snapshot(thread)
    await page.__aexit__(None, None, None)

    assert text_of(whole) == "One twothree"
    assert whole["messages"][-1]["status"] == "complete"


async def test_killed_in_the_middle_of_an_answer_where_nothing_is_taken_back_it_is_marked(
    migrated: Site,
) -> None:
    site = Site(CHATKIT_BROKEN_STEP="keep")
    try:
        await answer_that_is_kept(Restart(site.make(migrated)))
    finally:
        site.close()


async def answer_that_is_kept(restarted: Restart) -> None:
    async with restarted.visitor.page() as page:
        thread = (await page.say("say One two\nstall"))["thread"]
        await page.shows(thread, "One two")
    restarted.kill()
    page = await restarted.see(thread, "failed")
    broken = await page.snapshot(thread)
    await page.say("say Next.", thread)
    await page.ended("completed")
    after = await page.snapshot(thread)
    await page.__aexit__(None, None, None)

    assert broken["run"]["errorCode"] == "run_interrupted"
    assert text_of(broken) == "One two"
    assert broken["messages"][-1]["status"] == "interrupted"
    assert text_of(after) == "Next."


async def test_killed_while_a_client_tool_is_open_it_is_answered_once_and_the_run_goes_on(
    restarted: Restart,
) -> None:
    async with restarted.visitor.page() as page:
        thread = (await page.say("call read_selection"))["thread"]
        call = await page.waiting_call(thread)
        await page.reached("requires_action")
    restarted.kill()
    page = await restarted.see(thread, "requires_action")
    assert await page.waiting_call(thread) == call
    first = await page.answer(thread, call, {"text": "fox"})
    second = await page.answer(thread, call, {"text": "hen"})
    await page.ended("completed")
    after = await page.snapshot(thread)
    await page.__aexit__(None, None, None)

    assert (first["type"], second["code"]) == ("accepted", "answer_duplicate")
    assert text_of(after) == 'Results: {"text":"fox"}'


async def test_killed_in_a_tool_that_must_run_once_its_outcome_is_unknown(
    restarted: Restart,
) -> None:
    async with restarted.visitor.page() as page:
        thread = (await page.say('call pay {"seconds": 60}'))["thread"]
        await until_lines(page, restarted.site.ledger, 1)
    restarted.kill()
    page = await restarted.see(thread, "completed")
    after = await page.snapshot(thread)
    await page.__aexit__(None, None, None)

    assert len(lines(restarted.site.ledger)) == 1
    assert "whether it took effect is unknown" in text_of(after)


async def test_killed_in_a_tool_that_may_be_repeated_it_runs_again_under_its_id(
    restarted: Restart,
) -> None:
    async with restarted.visitor.page() as page:
        thread = (await page.say('call book {"seconds": 3}'))["thread"]
        await until_lines(page, restarted.site.ledger, 1)
    restarted.kill()
    page = await restarted.see(thread, "completed")
    after = await page.snapshot(thread)
    await page.__aexit__(None, None, None)

    begun = lines(restarted.site.ledger)
    assert len(begun) == 2
    assert set(begun) == {f"book {calls_of(after)[0]['id']}"}
    assert text_of(after) == "Results: booked"


async def test_killed_right_after_an_answer_was_accepted_the_run_goes_on(
    restarted: Restart,
) -> None:
    async with restarted.visitor.page() as page:
        thread = (await page.say("call read_selection\n---\npause 1\nsay Done."))[
            "thread"
        ]
        call = await page.waiting_call(thread)
        await page.reached("requires_action")
        await page.answer(thread, call, {"text": "fox"})
        restarted.site.kill()
    restarted.site.start()
    page = await restarted.see(thread, "completed")
    after = await page.snapshot(thread)
    await page.__aexit__(None, None, None)

    assert calls_of(after)[0]["output"] == {"text": "fox"}
    assert text_of(after) == "Done."


async def test_killed_right_after_a_message_was_accepted_it_is_answered(
    restarted: Restart,
) -> None:
    async with restarted.visitor.page() as page:
        thread = (await page.say("pause 1\nsay Hello."))["thread"]
        restarted.site.kill()
    restarted.site.start()
    page = await restarted.see(thread, "completed")
    after = await page.snapshot(thread)
    await page.__aexit__(None, None, None)

    assert after["messages"][0]["parts"][0]["content"] == "pause 1\nsay Hello."
    assert text_of(after) == "Hello."


async def test_a_page_that_was_there_before_the_crash_gets_exactly_the_rest(
    restarted: Restart,
) -> None:
    async with restarted.visitor.page() as page:
        thread = (await page.say("say One two\nstall 1 cursor"))["thread"]
        await page.shows(thread, "One two")
        page._seen = 0
        reset = await page.until(lambda frame: frame["type"] == "reset")
        seen = [
            reset["position"],
            *(f["position"] for f in page.frames if f["type"] == "event"),
        ]
    restarted.kill()
    async with restarted.visitor.page() as page:
        answer = await page.watch(thread, epoch=reset["epoch"], position=seen[-1])
        await page.ended("completed")
        rest = [frame["position"] for frame in page.frames if frame["type"] == "event"]

    assert answer["type"] == "position"
    assert rest == list(range(seen[-1] + 1, seen[-1] + 1 + len(rest)))
