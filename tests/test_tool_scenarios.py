"""What a call goes through, as its pages see it: states, what it tells, many at once, one that comes too late."""

from __future__ import annotations

from typing import Any

import pytest

from chatkit_app.models import Run
from chatkit_app.runs.transcript import load_work
from tests.live import Browser, Frame, Page, calls_of, parts_of, text_of
from tests.runs.conftest import recorded  # noqa: F401 (a fixture)
from tests.runs.desk import a_visitor, carried, say

MANY = 30  # more than a page of history has


async def test_a_call_that_is_approved_goes_through_its_states(
    visitor: Browser,
) -> None:
    async with visitor.page() as page, visitor.page() as tab:
        thread = await watched(page, tab)
        await page.say('call refund {"amount": 80}', thread)
        await page.reached("requires_action")
        [waiting] = calls_of(await page.snapshot(thread))
        asked = {"interrupt": waiting["interrupt"]["id"], "decision": "approve"}
        await page.ask("resolve", thread=thread, tab=page.tab, answers=[asked])
        await page.ended("completed")
        await tab.ended("completed")
        [settled] = calls_of(await page.snapshot(thread))

    assert (waiting["state"], waiting["waitsFor"]) == ("approval-requested", "person")
    assert waiting["approval"]["approved"] is None
    assert (settled["state"], settled["output"]) == (
        "approval-responded",
        "refunded 80",
    )
    assert settled["approval"]["approved"] is True
    assert (settled["waitsFor"], settled["interrupt"]) == (None, None)
    for seen in (page, tab):
        states = [event["state"] for event in told_of(seen, waiting["id"])]
        assert list(dict.fromkeys(filter(None, states))) == [
            "approval-requested",
            "approval-responded",
        ]


async def test_a_call_that_is_not_asked_about_stays_where_its_input_is_complete(
    visitor: Browser,
) -> None:
    async with visitor.page() as page:
        thread = await watched(page)
        await page.say('call add {"a": 1, "b": 2}', thread)
        await page.ended("completed")
        [call] = calls_of(await page.snapshot(thread))

    told = told_of(page, call["id"])
    assert [event["status"] for event in told] == ["queued", "running", "completed"]
    assert {event["state"] for event in told} <= {"input-complete", None}
    assert call["state"] == "input-complete"


async def test_what_a_tool_tells_is_in_every_tab_and_only_its_last_words_stay(
    visitor: Browser,
) -> None:
    async with visitor.page() as page, visitor.page() as tab:
        thread = await watched(page, tab)
        await page.say('call tell_all {"seconds": 1.5}', thread)
        progressed = [
            await one.event("tool_call.progressed", fraction=0.4) for one in (page, tab)
        ]
        [meanwhile] = calls_of(await page.snapshot(thread))
        await page.ended("completed")
        await tab.ended("completed")
        after = await page.snapshot(thread)

    effects = [events_of(one, "effect") for one in (page, tab)]
    assert effects[0] == effects[1]
    assert [(e["name"], e["tab"]) for e in effects[0]] == [("confetti", page.tab)]
    assert progressed[0] == progressed[1]
    assert meanwhile["progress"]["preliminary"] == {"rows": 12}
    assert meanwhile["progress"]["notice"]["level"] == "warning"
    assert calls_of(after)[0]["progress"] is None
    assert "confetti" not in str(after)


async def test_many_open_calls_of_one_step_are_answered_in_any_order(
    visitor: Browser,
) -> None:
    async with visitor.page() as page:
        thread = (await page.say("\n".join(["call nobody"] * MANY)))["thread"]
        await page.reached("requires_action")
        calls = calls_of(await page.snapshot(thread))
        for number in reversed(range(MANY)):
            taken = await page.answer(
                thread, calls[number]["id"], {"text": str(number)}
            )
            assert taken["type"] == "accepted", taken
        await page.ended("completed")
        after = await page.snapshot(thread)

    assert len(calls) == MANY
    assert text_of(after) == "Results: " + " | ".join(
        f'{{"text":"{number}"}}' for number in range(MANY)
    )
    assert {part["state"] for part in parts_of(after, "tool-result")} == {"complete"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize("call", ["nobody", 'refund {"amount": 80}', "order_shirt"])
def test_the_model_reads_that_a_new_message_came_first(call: str) -> None:
    viewer = a_visitor()
    run = carried(viewer, f"call {call}")

    said = say(viewer, "say Never mind.", run.thread_id)

    history = load_work(Run.objects.get(pk=said["run"]), history_tokens=10_000).history
    last: Any = history[-2].parts[-1]
    assert last.is_error
    assert "a new message came before it was answered" in last.content


async def watched(page: Page, *tabs: Page) -> str:
    """A thread that all these watch before anything happens in it that matters."""
    thread = str((await page.say("say Hello."))["thread"])
    await page.ended("completed")
    for tab in tabs:
        await tab.watch(thread)
    return thread


def told_of(page: Page, call: str) -> list[Frame]:
    """The events that changed or ended a call, in the order in which a page saw them."""
    found = events_of(page, "tool_call.changed", "tool_call.ended")
    return [event for event in found if event["toolCallId"] == call]


def events_of(page: Page, *kinds: str) -> list[Frame]:
    events = [frame["event"] for frame in page.frames if frame["type"] == "event"]
    return [event for event in events if event["type"] in kinds]
