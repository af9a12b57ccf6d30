"""One run on its way: from the claim to a pause or an end, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async  # noqa: TID251 (sites use it, and so it is tested)
from django.contrib.auth import get_user_model
from django.db import InterfaceError, OperationalError
from django.utils import translation
from pydantic import BaseModel, ConfigDict, field_validator

from chatkit_app import clock, db
from chatkit_app.db import THREADS, in_thread
from chatkit_app.engine.assistant import Assistant
from chatkit_app.engine.events import (
    AnyEvent,
    MessageEnded,
    PartDelta,
    PartEnded,
    ToolCallChanged,
)
from chatkit_app.engine.tools import Tool, tool, tool_definition
from chatkit_app.engine.viewer import Viewer
from chatkit_app.log import writer as writing
from chatkit_app.log.batches import Batch
from chatkit_app.log.snapshot import take_snapshot
from chatkit_app.models import Message, Run, Step, Thread, ToolCall
from chatkit_app.registry import assistants
from chatkit_app.runs import executor as module
from chatkit_app.runs.executor import Execution
from chatkit_app.runs.transcript import load_work
from tests.history_rows import make_thread
from tests.runs.desk import (
    WAIT,
    a_visitor,
    answer,
    assert_no_holes,
    calls_of,
    cancel,
    carried,
    carry,
    fresh,
    say,
    started,
    statuses_told,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]


def test_a_run_comes_to_its_end_and_lets_go() -> None:
    run = carried(a_visitor(), "say Hello there.")

    assert (run.status, run.owner, run.lease_until) == ("completed", None, None)
    assert statuses_told(run) == ["queued", "in_progress", "completed"]
    message = Message.objects.get(pk=run.answer_id)
    assert (message.status, message.text) == ("complete", "Hello there.")
    assert_no_holes(run.thread_id)


def test_a_run_that_waits_has_no_owner() -> None:
    run = carried(a_visitor(), "call read_selection")

    assert (run.status, run.owner, run.lease_until) == ("requires_action", None, None)
    assert statuses_told(run)[-1] == "requires_action"


ASKED_AGAIN = {"provider_rate_limited", "provider_unavailable"}


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("fail rejected", "provider_rejected"),
        ("fail rate_limited", "provider_rate_limited"),
        ("break", "provider_unavailable"),
        ("fail context", "provider_context_exceeded"),
    ],
)
def test_a_provider_that_fails_fails_the_run_and_the_text_stays(
    word: str, code: str
) -> None:
    run = carried(a_visitor(), f"say Half\n{word}")

    assert (run.status, run.error_code) == ("failed", code)
    message = Message.objects.get(pk=run.answer_id)
    assert (message.status, message.text) == ("interrupted", "Half")
    *void, last = Step.objects.filter(run=run).order_by("attempt")
    assert {step.status for step in void} <= {"void"}
    assert len(void) == (3 if code in ASKED_AGAIN else 0)
    assert (last.status, last.error_code) == ("failed", code)
    assert_no_holes(run.thread_id)


def test_an_answer_that_broke_off_is_asked_again_and_only_the_whole_one_is_there() -> (
    None
):
    run = carried(a_visitor(), "think Hm.\nsay Half\nbreak 2 whole-at-last\nsay Whole.")

    assert run.status == "completed"
    assert Message.objects.get(pk=run.answer_id).text == "Half\n\nWhole."
    steps = list(Step.objects.filter(run=run).order_by("attempt"))
    assert [(step.index, step.attempt, step.status) for step in steps] == [
        (0, 1, "void"),
        (0, 2, "void"),
        (0, 3, "complete"),
    ]
    void = steps[0].parts.order_by("index")
    assert [(part.text, part.state) for part in void] == [
        ("Hm.", "complete"),
        ("Half", "complete"),
    ]
    shown = take_snapshot(run.thread_id).content["messages"][-1]["parts"]
    assert {part["stepId"] for part in shown} == {str(steps[2].pk)}
    assert_no_holes(run.thread_id)


def test_a_call_of_an_attempt_that_broke_off_is_never_made() -> None:
    run = carried(
        a_visitor(), 'call add {"a": 1, "b": 2}\nfail unavailable 1 calls-once'
    )

    assert run.status == "completed"
    [void, made] = calls_of(run)
    assert (void.status, void.error_code, void.starts) == (
        "cancelled",
        "step_voided",
        0,
    )
    assert (made.status, made.starts) == ("completed", 1)
    work = load_work(run, history_tokens=1000)
    assert [type(part).__name__ for part in work.answer] == [
        "ToolCallPart",
        "ToolResultPart",
        "TextPart",
    ]


def test_where_nothing_is_taken_back_a_broken_answer_stays(settings) -> None:
    settings.CHATKIT_BROKEN_STEP = "keep"

    kept = carried(a_visitor(), "say Half\nbreak 1 kept")
    silent = carried(a_visitor(), "fail unavailable 1 silent\nsay Whole.")

    assert (kept.status, kept.error_code) == ("failed", "provider_unavailable")
    assert Message.objects.get(pk=kept.answer_id).text == "Half"
    assert silent.status == "completed"
    assert Message.objects.get(pk=silent.answer_id).text == "Whole."


def test_a_model_that_never_stops_calling_is_stopped() -> None:
    run = carried(a_visitor(), "\n---\n".join(["call whoami"] * 8))

    assert (run.status, run.error_code) == ("failed", "step_limit_exceeded")
    assert {call.status for call in calls_of(run)} == {"completed"}


def test_an_assistant_that_only_newer_code_knows_is_left_to_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    run = started(a_visitor(), "say Hi.")
    threads = type(run.thread).objects
    threads.update(assistant="newer")

    left = carry(run).status
    threads.update(assistant="test")
    Run.objects.update(lease_until=clock.later(-1))

    assert left == "in_progress"
    assert "newer" in caplog.text
    assert carry(run).status == "completed"


def test_an_assistant_that_nobody_knows_any_more_fails_the_run_without_its_secrets() -> (
    None
):
    run = started(a_visitor(), "say Hi.")
    type(run.thread).objects.update(assistant="gone")

    for _ in range(4):
        carry(run)
        Run.objects.update(lease_until=clock.later(-1))
    done = carry(run)

    assert (done.status, done.error_code) == ("failed", "run_interrupted")
    assert "gone" not in done.error_text


def test_two_processes_that_want_one_run_carry_it_once() -> None:
    run = started(a_visitor(), "say Hi.")

    async def both() -> None:
        await asyncio.gather(*[Execution(run.pk, uuid4()).run() for _ in range(2)])

    asyncio.run(both())

    assert statuses_told(run) == ["queued", "in_progress", "completed"]
    assert fresh(run).attempt == 1


async def test_a_cancel_stops_a_model_that_has_stalled() -> None:
    viewer = a_visitor()
    run = await in_thread(started, viewer, "say Half\nstall")
    execution = Execution(run.pk, uuid4())
    task = asyncio.create_task(execution.run())
    await reached(run, Step)

    await in_thread(cancel, viewer, run)
    execution.cancel()
    async with asyncio.timeout(WAIT):
        await task

    done = await in_thread(fresh, run)
    assert done.status == "cancelled"
    told = await in_thread(statuses_told, run)
    assert told == ["queued", "in_progress", "cancelling", "cancelled"]


async def reached(run: Run, rows: type) -> None:
    """Wait until the run has a row of these."""
    async with asyncio.timeout(WAIT):
        # It happens in the writer's thread.
        while not await in_thread(rows.objects.filter(run=run).exists):  # noqa: ASYNC110
            await asyncio.sleep(0.002)


async def test_another_processs_cancel_is_heard_with_the_next_heartbeat(
    settings,
) -> None:
    settings.CHATKIT_LEASE_SECONDS = 0.15
    viewer = a_visitor()
    run = await in_thread(started, viewer, "say Half\nstall")
    task = asyncio.create_task(Execution(run.pk, uuid4()).run())
    await reached(run, Step)

    await in_thread(cancel, viewer, run)  # nobody tells the execution itself
    async with asyncio.timeout(WAIT):
        await task

    assert (await in_thread(fresh, run)).status == "cancelled"


async def test_who_loses_the_run_stops_and_leaves_it_alone(settings) -> None:
    settings.CHATKIT_LEASE_SECONDS = 0.15
    run = await in_thread(started, a_visitor(), "say Half\nstall")
    task = asyncio.create_task(Execution(run.pk, uuid4()).run())
    await reached(run, Step)

    other = uuid4()
    takeover = Run.objects.filter(pk=run.pk).update
    await in_thread(takeover, owner=other, attempt=2)
    async with asyncio.timeout(WAIT):
        await task

    now = await in_thread(fresh, run)
    assert (now.status, now.owner) == ("in_progress", other)


async def test_the_end_of_the_process_leaves_the_run_to_the_next_one() -> None:
    run = await in_thread(started, a_visitor(), "say Half\nstall")
    task = asyncio.create_task(Execution(run.pk, uuid4()).run())
    await reached(run, Step)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert (await in_thread(fresh, run)).status == "in_progress"
    assert writing.writer._logs == {}


async def test_a_page_that_answers_before_the_servers_tools_end_does_not_pause_it() -> (
    None
):
    viewer = a_visitor()
    text = 'call read_selection\ncall slow_report {"steps": 1, "seconds": 0.3}'
    run = await in_thread(started, viewer, text)
    task = asyncio.create_task(Execution(run.pk, uuid4()).run())
    async with asyncio.timeout(WAIT):
        while True:
            calls = await in_thread(calls_of, run)
            if calls and calls[0].status == "waiting":
                break
            await asyncio.sleep(0.002)

    await in_thread(answer, viewer, calls[0])
    async with asyncio.timeout(WAIT):
        await task

    assert (await in_thread(fresh, run)).status == "completed"
    assert "requires_action" not in await in_thread(statuses_told, run)


# The site's own code: its instructions, its tools and their types

Carry = Callable[..., Run]


@pytest.fixture
def carry_with() -> Iterator[Carry]:
    """Carry a run of an assistant that has these tools."""

    def carry_with(
        *tools: Tool, text: str, viewer: Viewer | None = None, **more: object
    ) -> Run:
        assistants.register(Assistant(name="desk", tools=tools, **more))  # type: ignore[arg-type]
        said = say(viewer or a_visitor(), text, assistant="desk")
        return carry(Run.objects.get(pk=said["run"]))

    yield carry_with
    assistants.unregister("desk")


class Person(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    username: str


class Owned(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    user: Person


def test_a_sync_tool_may_return_rows_a_queryset_and_lazy_relations(
    carry_with: Carry,
) -> None:
    ann = get_user_model().objects.create(username="ann")
    make_thread(ann, assistant="desk")

    @tool
    def listed() -> list[Person]:
        return list(get_user_model().objects.all())  # type: ignore[arg-type]

    @tool
    def asked() -> list[Person]:
        return get_user_model().objects.all()  # type: ignore[return-value]

    @tool
    def related() -> Owned:
        return Thread.objects.get(user=ann)  # type: ignore[return-value]

    @tool
    @sync_to_async
    def wrapped() -> list[Person]:
        return [
            Person(username="ann")
        ]  # no rows: nobody closes that thread's connection

    run = carry_with(
        listed,
        asked,
        related,
        wrapped,
        text="call listed\ncall asked\ncall related\ncall wrapped",
    )

    people = [{"username": "ann"}]
    outputs = {call.name: call.output for call in calls_of(run)}
    assert outputs["listed"] == outputs["asked"] == people
    assert outputs["related"] == {"user": people[0]}
    assert outputs["wrapped"] == people


def test_a_tools_input_may_be_checked_against_the_database(carry_with: Carry) -> None:
    get_user_model().objects.create(username="ann")

    class Known(BaseModel):
        username: str

        @field_validator("username")
        @classmethod
        def exists(cls, name: str) -> str:
            if not get_user_model().objects.filter(username=name).exists():
                raise ValueError("Nobody bears that name.")
            return name

    greet = tool_definition(name="greet", description="", input=Known, output=str)
    run = carry_with(
        greet.server(lambda known: f"Hi {known.username}"),
        text='call greet {"username": "ann"}\ncall greet {"username": "bob"}',
    )

    ann, bob = calls_of(run)
    assert (ann.status, ann.output) == ("completed", "Hi ann")
    assert bob.error_code == "invalid_arguments"
    assert "Nobody bears that name." in bob.error_text


@pytest.mark.parametrize(("language", "spoken"), [("de", "de"), ("", "en-us")])
def test_the_sites_code_speaks_the_viewers_language(
    carry_with: Carry, language: str, spoken: str
) -> None:
    heard: list[str | None] = []

    def instructions(viewer: Viewer, page: object) -> str:
        heard.append(translation.get_language())
        return ""

    @tool
    def sync_one() -> str | None:
        return translation.get_language()

    @tool
    async def async_one() -> str | None:
        await asyncio.sleep(0)
        return translation.get_language()

    run = carry_with(
        sync_one,
        async_one,
        instructions=instructions,
        viewer=Viewer(visitor=uuid4(), language=language),
        text="call sync_one\ncall async_one",
    )

    assert heard == [spoken]
    assert [call.output for call in calls_of(run)] == [spoken, spoken]


async def test_a_site_that_is_slow_to_instruct_keeps_nobody_from_the_database() -> None:
    asked, release = threading.Semaphore(0), threading.Event()

    def instructions(viewer: Viewer, page: object) -> str:
        asked.release()
        release.wait(WAIT)
        return ""

    assistants.register(Assistant(name="desk", tools=[], instructions=instructions))
    said = [
        await in_thread(say, a_visitor(), "say Hi.", assistant="desk")
        for _ in range(THREADS)
    ]
    runs = [
        asyncio.create_task(Execution(Run(pk=one["run"]).pk, uuid4()).run())
        for one in said
    ]
    try:
        async with asyncio.timeout(WAIT):
            for _ in runs:
                await asyncio.to_thread(asked.acquire)
            assert await in_thread(lambda: "quick") == "quick"
            release.set()
            await asyncio.gather(*runs)
    finally:
        release.set()
        assistants.unregister("desk")

    statuses = await in_thread(
        lambda: set(Run.objects.values_list("status", flat=True))
    )
    assert statuses == {"completed"}


async def test_a_tool_that_hears_no_cancellation_does_not_keep_a_run_from_its_end() -> (
    None
):
    begun, release = asyncio.Event(), asyncio.Event()

    @tool
    async def stubborn() -> None:
        begun.set()
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    assistants.register(Assistant(name="desk", tools=[stubborn]))
    viewer = a_visitor()
    said = await in_thread(say, viewer, "call stubborn", assistant="desk")
    run = await in_thread(Run.objects.get, pk=said["run"])
    execution = Execution(run.pk, uuid4())
    task = asyncio.create_task(execution.run())
    try:
        async with asyncio.timeout(WAIT):
            await begun.wait()
            await in_thread(cancel, viewer, run)
            execution.cancel()
            await task
        assert (await in_thread(fresh, run)).status == "cancelled"
    finally:
        release.set()
        assistants.unregister("desk")


# The database's own troubles


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_database_that_was_away_for_a_moment_fails_no_run(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    monkeypatch.setattr(db, "AGAIN_SECONDS", 0.001)
    read, tries = module.load, []

    def read_at_last(run_id: object) -> object:
        tries.append(run_id)
        if len(tries) < 3:
            raise error("the server closed the connection")
        return read(run_id)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "load", read_at_last)
    run = carried(a_visitor(), "say Hi.")

    assert (run.status, len(tries)) == ("completed", 3)


def test_a_database_that_stays_away_leaves_the_run_to_whoever_reaches_it_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(db, "PATIENCE_SECONDS", 0.0)
    read = module.load

    def never(run_id: object) -> object:
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr(module, "load", never)
    run = carried(a_visitor(), "say Hi.")
    monkeypatch.setattr(module, "load", read)
    left = run.status
    Run.objects.filter(pk=run.pk).update(lease_until=clock.later(-1))

    assert left == "in_progress"
    assert carry(run).status == "completed"


@pytest.mark.parametrize(
    ("kind", "text"), [(PartDelta, "say Half\nstall"), (PartEnded, "say Hi.")]
)
def test_what_can_t_be_written_fails_its_run(
    monkeypatch: pytest.MonkeyPatch, kind: type[AnyEvent], text: str
) -> None:
    record, odd = module.record, []

    def record_but(event: AnyEvent, position: int) -> None:
        if not odd and isinstance(event, kind):
            odd.append(event)
        if any(event is one for one in odd):  # whenever it is tried, and no other one
            raise ValueError("no column holds it")
        record(event, position)

    monkeypatch.setattr(module, "record", record_but)
    run = carried(a_visitor(), text)

    assert (run.status, run.error_code) == ("failed", "internal")
    assert statuses_told(run) == ["queued", "in_progress", "failed"]
    assert_no_holes(run.thread_id)


def test_an_end_that_can_t_be_written_is_tried_once_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    record, ends = module.record, []

    def record_at_last(event: AnyEvent, position: int) -> None:
        if isinstance(event, MessageEnded):
            ends.append(event)
            if (
                len(ends) <= 2
            ):  # the end as it was meant, and the first try of the failure
                raise ValueError("no column holds it")
        record(event, position)

    monkeypatch.setattr(module, "record", record_at_last)
    run = carried(a_visitor(), "say Hi.")

    assert (run.status, run.error_code) == ("failed", "internal")
    assert_no_holes(run.thread_id)


def test_a_tool_begins_only_once_it_is_written_that_it_does(
    carry_with: Carry, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, seen = threading.Event(), []

    @tool
    def pay() -> str:
        """Pay."""
        seen.extend(ToolCall.objects.values_list("status", "starts"))
        looked.set()
        return "paid"

    def dawdle(batches: list[Batch]) -> object:
        if any(isinstance(e, ToolCallChanged) for b in batches for e in b.events):
            looked.wait(0.3)  # a tool that does not wait for the commit begins now
        return original(batches)

    original = writing.transact
    monkeypatch.setattr(writing, "transact", dawdle)
    carry_with(pay, text="call pay")

    assert seen == [("running", 1)]
