"""Bad input of every kind that a tool can meet: who is told what, and that nothing else has changed.

From the outside, on sockets and over HTTP, wherever a page or a model can do it.
"""

from __future__ import annotations

import asyncio
import json
import threading
import urllib.error
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from django.db import connection, connections, transaction

from chatkit_app.engine.assistant import Assistant
from chatkit_app.engine.messages import ToolResultPart
from chatkit_app.engine.tools import tool
from chatkit_app.exceptions import AnswerDuplicate
from chatkit_app.models import Message, Part, Run
from chatkit_app.providers.scripted import Call, Say, Script, ScriptedProvider
from chatkit_app.registry import assistants
from tests.engine.drive import RememberingProvider, collect, make_loop
from tests.live import Browser, Frame, Page, calls_of, parts_of, text_of
from tests.runs.conftest import recorded  # noqa: F401 (a fixture)
from tests.runs.desk import (
    WAIT,
    a_visitor,
    answer,
    asked_of,
    assert_no_holes,
    carry,
    resolve,
    said,
    say,
    statuses_told,
    waiting_run,
)
from tests.runs.desk import calls_of as rows_of
from tests.runs.recording_runner import RecordingRunner

MEGABYTE = 1_000_000
TWO = {"text": "two"}
ROUNDS = 300
ROUNDS_ON_SQLITE = 15  # it lets one writer in at a time: there is little to find


# What the model writes


ADD = "call add "
PAINT = "call paint "


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (ADD + '{"a": 1, "b"', "not valid JSON"),
        (ADD + "null", "must be a JSON object"),
        (ADD + "[1, 2]", "must be a JSON object"),
        (ADD + '{"a": "one", "b": 2}', "a: Input should be a valid integer"),
        (ADD + '{"a": 1, "b": 2, "c": 3}', "c: Extra inputs are not permitted"),
        (PAINT + '{"colour"', "not valid JSON"),
        (PAINT + "null", "must be a JSON object"),
        (PAINT + '{"colour": 7}', "colour: Input should be a valid string"),
        (PAINT + '{"colour": "red", "x": 1}', "x: Extra inputs are not permitted"),
    ],
)
async def test_arguments_that_do_not_fit_are_the_models_to_mend(
    visitor: Browser, call: str, words: str
) -> None:
    async with visitor.page() as page:
        thread = (await page.say(call))["thread"]
        await page.ended("completed")
        snapshot = await page.snapshot(thread)

    assert words in text_of(snapshot)
    [shown] = calls_of(snapshot)
    assert (shown["status"], shown["input"]) == ("failed", None)
    assert call.endswith(shown["arguments"])
    [result] = parts_of(snapshot, "tool-result")
    assert (result["state"], result["error"]["code"]) == ("error", "invalid_arguments")


async def test_an_unknown_tool_is_answered_with_those_that_there_are(
    visitor: Browser,
) -> None:
    async with visitor.page() as page:
        thread = (await page.say("call substract {}\ncall whoami"))["thread"]
        await page.ended("completed")
        snapshot = await page.snapshot(thread)

    unknown, known = text_of(snapshot).removeprefix("Results: ").split(" | ")
    assert unknown.startswith("Error: No such tool; there are: ")
    assert known.startswith("v:")
    assert parts_of(snapshot, "tool-result")[0]["error"]["code"] == "unknown_tool"


async def test_a_megabyte_of_arguments_ends_the_run_and_not_the_thread(
    visitor: Browser,
) -> None:
    async with visitor.page() as page:
        accepted = await page.say(f"huge add {MEGABYTE}")
        run = await page.ended("failed")
        snapshot = await page.snapshot(accepted["thread"])
        await page.say("say Still here.", accepted["thread"])
        await page.ended("completed")

    assert run["errorCode"] == "provider_error"
    assert calls_of(snapshot)[0]["status"] == "cancelled"


async def test_arguments_as_long_as_they_may_be_are_told_in_few_words(
    visitor: Browser,
) -> None:
    async with visitor.page() as page:
        thread = (await page.say("huge add 200000"))["thread"]
        await page.ended("completed")
        snapshot = await page.snapshot(thread)

    assert "text: Extra inputs are not permitted" in text_of(snapshot)
    assert len(text_of(snapshot)) < 1000


async def test_calls_under_one_id_have_each_their_own_result() -> None:
    @tool
    def double(number: int) -> int:
        """Double it."""
        return 2 * number

    calls = tuple(Call("double", {"number": n}, id="same") for n in (1, 2))
    steps: Iterator[Script] = iter([calls, (Say("Done."),)])
    provider = RememberingProvider(ScriptedProvider(lambda _request: next(steps)))

    await collect(make_loop(provider, double).run())

    told = [
        part.content
        for message in provider.requests[1].messages
        for part in message.parts
        if isinstance(part, ToolResultPart)
    ]
    assert told == ["2", "4"]


# What a page answers


async def test_an_output_for_anybody_elses_call_finds_nothing(
    visitor: Browser, ann: Browser
) -> None:
    async with visitor.page() as page, ann.page() as other:
        thread, call, interrupt = await a_waiting_call(page)
        own = (await page.say("call nobody"))["thread"]
        theirs = (await other.say("call nobody"))["thread"]

        refused = [
            await other.answer(thread, call, {"text": "fox"}),
            await other.answer(theirs, call, {"text": "fox"}),
            await page.answer(own, call, {"text": "fox"}),
            await answer_it(other, thread, interrupt, {"text": "fox"}),
            await answer_it(other, theirs, interrupt, {"text": "fox"}),
            await answer_it(page, own, interrupt, {"text": "fox"}),
        ]
        assert await page.waiting_call(thread) == call

    assert [frame["code"] for frame in refused] == ["call_not_found"] * 3 + [
        "interrupt_not_found"
    ] * 3


async def test_an_output_before_the_arguments_are_whole_answers_nothing(
    visitor: Browser,
) -> None:
    async with visitor.page() as page:
        accepted = await page.say("call read_selection\nstall")
        thread = accepted["thread"]
        call = await call_that_streams(page, thread)
        refused = await page.answer(thread, call, {"text": "fox"})
        [shown] = calls_of(await page.snapshot(thread))
        await page.ask("cancel", thread=thread, run=accepted["run"])
        await page.ended("cancelled")

    assert refused["code"] == "call_not_found"
    assert (shown["status"], shown["interrupt"]) == ("streaming", None)


@pytest.mark.django_db(transaction=True)
def test_of_two_outputs_at_the_same_instant_one_is_the_calls(
    recorded: RecordingRunner,  # noqa: F811
) -> None:
    """One by the client tools' own frame, one by the frame for whatever is asked."""
    viewer = a_visitor()
    many = ROUNDS if connection.vendor == "postgresql" else ROUNDS_ON_SQLITE
    with transaction.atomic():
        asked = [waiting_run(viewer) for _ in range(many)]
    ways = [
        (
            partial(answer, viewer, call, {"text": "one"}),
            partial(resolve, viewer, said(asked_of(run)[0], "answer", output=TWO)),
        )
        for run, [call] in asked
    ]

    first, second = side_by_side(ways)

    for (run, [call]), *found in zip(asked, first, second, strict=True):
        [taken] = [n for n, one in enumerate(found) if isinstance(one, dict)]
        assert sum(isinstance(one, AnswerDuplicate) for one in found) == 1, found
        call.refresh_from_db()
        assert call.output == [{"text": "one"}, TWO][taken]
        assert Part.objects.filter(tool_call=call, kind="tool-result").count() == 1
        assert statuses_told(run) == ["queued"]
        assert_no_holes(run.thread_id)
    assert Counter(recorded.submitted) == {run.pk: 1 for run, _ in asked}


def side_by_side(
    rounds: Sequence[tuple[Callable[[], Any], Callable[[], Any]]],
) -> list[list[Any]]:
    """Two threads that stay, with a barrier before each round: what each found."""
    barrier = threading.Barrier(2)

    def play(side: int) -> list[Any]:
        found: list[Any] = []
        try:
            for ways in rounds:
                barrier.wait(WAIT)
                try:
                    found.append(ways[side]())
                except AnswerDuplicate as error:
                    found.append(error)
        finally:
            connections.close_all()
        return found

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(play, (0, 1)))


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999"])
async def test_an_output_that_is_no_number_of_jsons_is_refused_on_both_ways(
    visitor: Browser, number: str
) -> None:
    async with visitor.page() as page:
        thread, call, interrupt = await a_waiting_call(page)
        frame = {
            "type": "answer",
            "id": "its-id",
            "thread": thread,
            "toolCall": call,
            "tab": page.tab,
            "output": "@",
        }
        await page.send_text(json.dumps(frame).replace('"@"', number))
        on_the_socket = await page.outcome("its-id")
        status, over_http = post_output(visitor, interrupt, number)
        assert await page.waiting_call(thread) == call
        await page.answer(thread, call, {"text": "fox"})
        await page.ended("completed")

    assert on_the_socket["code"] == "invalid_command"
    assert (status, over_http["code"]) == (400, "invalid_command")


async def test_ten_megabytes_over_http_are_too_much_and_the_call_stays_open(
    visitor: Browser,
) -> None:
    async with visitor.page() as page:
        thread, call, interrupt = await a_waiting_call(page)
        text = json.dumps({"text": "x" * 10 * MEGABYTE})
        status, refused = await asyncio.to_thread(post_output, visitor, interrupt, text)
        assert await page.waiting_call(thread) == call
        await page.answer(thread, call, {"text": "fox"})
        await page.ended("completed")

    assert (status, refused["code"]) == (413, "frame_too_large")


async def test_what_a_row_does_not_keep_is_the_calls_error(visitor: Browser) -> None:
    async with visitor.page() as page:
        thread, _call, interrupt = await a_waiting_call(page)
        status, _ = post_output(visitor, interrupt, json.dumps({"text": "x" * 300_000}))
        await page.ended("completed")
        snapshot = await page.snapshot(thread)

    assert status == 200
    [result] = parts_of(snapshot, "tool-result")
    assert result["error"]["code"] == "output_too_large"


# What people decide


async def test_nobody_approves_without_the_permission(
    visitor: Browser, ann: Browser
) -> None:
    async with visitor.page() as page, ann.page() as other:
        thread = (await page.say('call staff_refund {"amount": 20}'))["thread"]
        interrupt = await what_is_asked(page)
        approval = {"interrupt": interrupt, "decision": "approve"}

        owner = await page.ask(
            "resolve", thread=thread, tab=page.tab, answers=[approval]
        )
        stranger = await other.ask(
            "resolve", thread=thread, tab=other.tab, answers=[approval]
        )
        over_http = post(ann, [approval])
        forged = await page.ask(
            "resolve",
            thread=thread,
            tab=page.tab,
            answers=[{**approval, "by": "staff"}],
        )
        [shown] = calls_of(await page.snapshot(thread))

    assert owner["code"] == "not_allowed"
    assert stranger["code"] == "interrupt_not_found"
    assert (over_http[0], over_http[1]["code"]) == (404, "interrupt_not_found")
    assert forged["code"] == "invalid_command"
    assert (shown["state"], shown["approval"]["approved"]) == (
        "approval-requested",
        None,
    )


async def test_edited_arguments_that_do_not_fit_change_nothing(
    visitor: Browser,
) -> None:
    async with visitor.page() as page:
        thread = (await page.say('call refund {"amount": 80}'))["thread"]
        interrupt = await what_is_asked(page)
        edited = {"amount": -1, "more": 2}
        refused = await page.ask(
            "resolve",
            thread=thread,
            tab=page.tab,
            answers=[{"interrupt": interrupt, "decision": "edit", "input": edited}],
        )
        [shown] = calls_of(await page.snapshot(thread))

    assert refused["code"] == "answer_invalid"
    assert {fault["field"] for fault in refused["errors"]} == {"amount", "more"}
    assert shown["state"] == "approval-requested"
    assert shown["editedInput"] is None


# What the tool itself does


@tool(effect="read")
def give_an_object() -> Any:
    """Return what JSON can't say."""
    return threading.Lock()


@tool(effect="read")
def give_no_number() -> Any:
    """Return a number that JSON does not know."""
    return {"of": float("nan")}


@tool(effect="read")
def give_another_type() -> int:
    """Break the promise of its annotation."""
    return "many"  # type: ignore[return-value]  # that is the test


@tool
def leave() -> str:
    """End the process."""
    raise SystemExit(3)


@tool
async def leave_soon() -> str:
    """End the process, from the loop."""
    raise SystemExit(3)


@tool(effect="read", timeout=0.1)
async def wait_for_ever() -> str:
    """Never return."""
    await asyncio.Event().wait()
    return ""


released = threading.Event()


@tool(effect="read", timeout=0.1)
def block_for_ever() -> str:
    """Never return, nor hear that nobody waits any more."""
    released.wait(60)
    return ""


BAD_TOOLS = [
    give_an_object,
    give_no_number,
    give_another_type,
    leave,
    leave_soon,
    wait_for_ever,
    block_for_ever,
]
Start = Callable[[str], Run]


@pytest.fixture
def start(recorded: RecordingRunner) -> Iterator[Start]:  # noqa: F811
    """A run of an assistant with these tools, carried to its end."""
    released.clear()
    assistants.register(Assistant(name="desk", tools=BAD_TOOLS))

    def start(text: str) -> Run:
        begun = say(a_visitor(), text, assistant="desk")
        return carry(Run.objects.get(pk=begun["run"]))

    yield start
    released.set()
    assistants.unregister("desk")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("give_an_object", "tool_failed"),
        ("give_no_number", "tool_failed"),
        ("give_another_type", "tool_failed"),
        ("leave", "tool_failed"),
        ("leave_soon", "tool_failed"),
        ("wait_for_ever", "tool_timeout"),
        ("block_for_ever", "tool_timeout"),
    ],
)
def test_what_a_tool_does_wrong_is_its_calls_error_and_the_run_goes_on(
    start: Start, name: str, code: str
) -> None:
    run = start(f"call {name}")

    [call] = rows_of(run)
    assert (run.status, call.status, call.error_code) == ("completed", "failed", code)
    assert call.output is None
    assert Message.objects.get(pk=run.answer_id).text.startswith("Results: Error: ")


# How the tests speak


async def what_is_asked(page: Page) -> str:
    """The id of what the run asks of somebody now."""
    run = await page.reached("requires_action")
    if "interrupts" in run:
        return str(run["interrupts"][0]["id"])
    changed = [
        frame["event"]["interrupt"]
        for frame in page.frames
        if frame.get("event", {}).get("type") == "tool_call.changed"
    ]
    return str(next(one for one in reversed(changed) if one)["id"])


async def a_waiting_call(page: Page) -> tuple[str, str, str]:
    """A client tool's call: its thread, its id, and the id of what is asked."""
    thread = (await page.say("call nobody"))["thread"]
    call = await page.waiting_call(thread)
    [shown] = calls_of(await page.snapshot(thread))
    return thread, call, shown["interrupt"]["id"]


async def call_that_streams(page: Page, thread: str) -> str:
    while True:
        for call in calls_of(await page.snapshot(thread)):
            return str(call["id"])
        await page.next()


async def answer_it(page: Page, thread: str, interrupt: str, output: Any) -> Frame:
    given = {"interrupt": interrupt, "decision": "answer", "output": output}
    return await page.ask("resolve", thread=thread, tab=page.tab, answers=[given])


def post_output(browser: Browser, interrupt: str, output: str) -> tuple[int, Any]:
    """Answer over HTTP with an output that is JSON text already, as bad as it may be."""
    given = {"interrupt": interrupt, "decision": "answer", "output": "@"}
    return post(browser, [given], replacing=output)


def post(
    browser: Browser, answers: list[Any], *, replacing: str = '"@"'
) -> tuple[int, Any]:
    body = json.dumps({"id": uuid.uuid4().hex, "answers": answers})
    browser.get("/login/")  # brings the CSRF token
    try:
        found = browser.post_text(
            "/chatkit/api/interrupts/", body.replace('"@"', replacing)
        )
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())
    return 200, json.loads(found)
