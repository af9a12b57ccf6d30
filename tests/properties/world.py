"""What the machine's rules share: two threads, what is known of each, and what must always be true."""

from __future__ import annotations

import asyncio
import json
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from unittest import mock
from uuid import UUID, uuid4

from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connection
from hypothesis.stateful import RuleBasedStateMachine, invariant

from chatkit_app.conf import settings
from chatkit_app.engine.commands import Command
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import ChatKitError
from chatkit_app.log import append as append_module
from chatkit_app.log.batches import RunLog
from chatkit_app.log.ring import ring
from chatkit_app.log.snapshot import take_snapshot
from chatkit_app.models import Event, Interrupt, Part, Run, Thread
from chatkit_app.runs.runner import runner
from chatkit_app.runs.service import handle
from tests.log.telling import Page, comparable
from tests.properties import rows
from tests.properties.fake_time import FakeTime
from tests.properties.listening import Listener, differences, page_of
from tests.properties.story import ENDED, CallTold, RunTold, Story
from tests.runs.desk import a_command_id, a_visitor, say

TABS = ("tab", "second", "third")
"""The first one sends the messages."""


HELD = ("in_progress", "cancelling")
"""A run's statuses while a process carries it."""


NEED_APPROVAL = ("refund", "staff_refund", "erase_notes")
"""Tools that somebody has to approve."""


@dataclass
class Asked:
    """What the machine knows of an interrupt."""

    id: str
    call: str
    kind: str
    created_at: datetime
    key: str = ""  # of a question
    is_staffs: bool = False
    status: str = "open"
    decision: str = ""
    row: tuple[Any, ...] | None = None  # once it is answered
    claimed_by: str = ""
    claim_until: datetime | None = None
    strikes: int = 0


@dataclass
class Holding:
    """A claim of a run that succeeded once; it may have been lost since."""

    run: str
    log: RunLog
    told_to_cancel: int = 0
    begun: set[tuple[str, int]] = field(default_factory=set)
    """Calls, with how often a person had sent them back."""


@dataclass
class Place:
    """One thread, and what is known of it."""

    id: UUID
    story: Story = field(default_factory=Story)
    page: Page = field(default_factory=Page)
    log: dict[int, str] = field(default_factory=dict)
    times: dict[int, datetime] = field(default_factory=dict)
    position: int = 0
    floor: int = 0
    snapshots: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    listeners: list[Listener] = field(default_factory=list)


class Elsewhere:
    """The ring as another process's commits leave it: it hears of them only by the doorbell."""

    def __init__(self) -> None:
        self.is_elsewhere = False

    def add(self, thread: UUID, first: int, frames: list[str]) -> None:
        assert not connection.in_atomic_block, "published before it was committed"
        if not self.is_elsewhere:
            ring.add(thread, first, frames)


class World(RuleBasedStateMachine):
    """State, and what holds after every step. The rules are in the classes beside this one."""

    def __init__(self) -> None:
        super().__init__()
        self.time = FakeTime()
        self.elsewhere = Elsewhere()
        self.viewer, self.stranger = a_visitor(), a_visitor()
        self.staff = a_member_of_staff()
        self.holdings: list[Holding] = []
        self.holder: dict[str, Holding] = {}
        self.lease: dict[str, datetime] = {}
        self.queued_at: dict[str, datetime] = {}
        self.effects: dict[str, str] = {}
        self.asked: dict[str, Asked] = {}
        self.done: list[tuple[Command, dict[str, Any]]] = []
        self.submitted: list[UUID] = []
        self.loop = asyncio.new_event_loop()
        self.stack = ExitStack()
        self.stack.enter_context(self.time.patched())
        self.stack.enter_context(
            mock.patch.object(append_module, "ring", self.elsewhere)
        )
        self.stack.enter_context(mock.patch.object(runner, "submit", self._submitted))
        self.places: list[Place] = []

    def begin(self, broken_step: str) -> None:
        """Two threads with a message each."""
        self.stack.enter_context(
            mock.patch.object(
                django_settings, "CHATKIT_BROKEN_STEP", broken_step, create=True
            )
        )
        for _ in range(2):
            command_id = a_command_id()
            found = say(self.viewer, "say Hi.", name=command_id, tab=TABS[0])
            self.places.append(Place(UUID(found["thread"])))
        self.submitted.clear()
        self.look()

    def _submitted(self, run: UUID) -> None:
        assert not connection.in_atomic_block, "submitted before it was committed"
        self.submitted.append(run)

    def teardown(self) -> None:
        try:
            self.look()
            for place in self.places:
                self.follow(place)
                self.check_log(place)
        finally:
            for place in self.places:
                for listener in place.listeners:
                    listener.leave()
            self.loop.close()
            self.stack.close()
            Thread.objects.filter(pk__in=[place.id for place in self.places]).delete()
            self.staff.user.delete()

    # What the rules need.

    def run_told(self, run: str) -> tuple[Place, RunTold]:
        [place] = [place for place in self.places if run in place.story.runs]
        return place, place.story.runs[run]

    def runs(self, *statuses: str) -> list[tuple[Place, RunTold]]:
        return [
            (place, run)
            for place in self.places
            for run in place.story.runs.values()
            if run.status in statuses
        ]

    def ask(self, command: Command, viewer: Any = None) -> dict[str, Any] | str:
        """The outcome, or the code of the refusal, which has changed nothing."""
        before = {place.id: place.position for place in self.places}
        self.submitted.clear()
        try:
            return handle(viewer or self.viewer, command)
        except ChatKitError as error:
            self.look()
            for place in self.places:
                assert place.position == before[place.id], "a refusal has left events"
            assert not self.submitted
            return error.code

    def held_by(self, run: RunTold) -> Holding | None:
        """Who may write for the run."""
        return self.holder.get(run.id) if run.status in HELD else None

    # What is read, and what holds.

    def look(self) -> None:
        """Read what is new in the logs; then an instant passes."""
        found = rows.standings([place.id for place in self.places])
        for place in self.places:
            position, floor = found[place.id]
            if position != place.position:
                self._look_at(place)
            assert (position, floor) == (place.position, place.floor)
        self.time.pass_()

    def _look_at(self, place: Place) -> None:
        found = Event.objects.filter(thread=place.id, position__gt=place.position)
        for row in found.order_by("position"):
            assert row.position == place.position + 1, "a hole in the log"
            place.position = row.position
            place.log[row.position], place.times[row.position] = row.data, row.at
            event = json.loads(row.data)
            place.story.apply(event, str(row.run_id) if row.run_id else None)
            place.page.apply(json.loads(row.data))
            self._note(event)

    def _note(self, event: dict[str, Any]) -> None:
        """What no other process is told: since when a run is queued, what a page was asked."""
        if event["type"] == "run.changed" and event["status"] == "queued":
            self.queued_at[event["runId"]] = self.time.now
        if event["type"] == "tool_call.changed":
            self._note_call(event)
        if event["type"] == "tool_call.ended":
            for asked in self.asked_of(event["toolCallId"]):
                if asked.status == "open":
                    asked.status = "cancelled"

    def _note_call(self, event: dict[str, Any]) -> None:
        call, told = self.call_told(event["toolCallId"]), event["interrupt"]
        if told is not None:
            self.asked[told["id"]] = Asked(
                told["id"],
                call.id,
                told["kind"],
                self.time.now,
                key=told["key"],
                is_staffs=told["approver"] == "staff",
            )
        is_begun = call.status == "running" or call.executor == "client"
        if is_begun and call.name in NEED_APPROVAL and not _asks_approval(told):
            assert call.approval is not None, "begun, and nobody was asked"

    def asked_of(self, call: str) -> list[Asked]:
        return [asked for asked in self.asked.values() if asked.call == call]

    def call_told(self, call_id: str) -> CallTold:
        [call] = [
            p.story.calls[call_id] for p in self.places if call_id in p.story.calls
        ]
        return call

    @invariant()
    def the_rows_are_what_was_told(self) -> None:
        if not self.places:
            return
        self.look()
        found = rows.extents([place.id for place in self.places])
        for place in self.places:
            count = place.position - place.floor
            expected = (count, place.floor + 1, place.position) if count else None
            assert found.get(place.id) == expected
        self._check_runs()
        self._check_calls()

    def _check_runs(self) -> None:
        told = {id_: run for p in self.places for id_, run in p.story.runs.items()}
        held = {
            id_: (holding.log.owner, holding.log.attempt, holding.log.batch)
            for id_, run in told.items()
            if (holding := self.held_by(run))
        }
        found = Run.objects.filter(thread__in=[place.id for place in self.places])
        columns = ("pk", "status", "lease_until", "owner", "attempt", "batch")
        seen = set()
        for pk, status, lease, owner, *fence in found.values_list(*columns):
            id_ = str(pk)
            seen.add(id_)
            assert status == told[id_].status
            if id_ in held:
                assert (owner, *fence) == held[id_]
                assert lease == self.lease[id_]
            else:
                assert (owner, lease) == (None, None)
        assert seen == told.keys()

    def _check_calls(self) -> None:
        calls = [c for place in self.places for c in place.story.calls.values()]
        runs = [UUID(run) for place in self.places for run in place.story.runs]
        expected = {call.id: (call.status, call.starts) for call in calls}
        assert rows.calls(runs) == expected
        for call in calls:
            is_once = self.effects.get(call.id) == "once"
            assert call.starts <= 1 or not is_once, "begun twice"
        known = {
            asked.id: (asked.status, asked.decision) for asked in self.asked.values()
        }
        assert rows.interrupts(runs) == known

    # What holds too, and takes longer to see.

    def check_log(self, place: Place) -> None:
        """No row has changed, and the rows of calls, of results and of interrupts agree."""
        found = Event.objects.filter(thread=place.id).values_list("position", "data")
        assert dict(found) == {
            position: data
            for position, data in place.log.items()
            if position > place.floor
        }
        results = Part.objects.filter(
            message__thread=place.id, kind="tool-result"
        ).values_list("tool_call", flat=True)
        settled = [
            call.id
            for call in place.story.calls.values()
            if call.status in ENDED and call.content is not None
        ]
        assert sorted(map(str, results)) == sorted(settled)
        asked = Interrupt.objects.filter(run__thread=place.id)
        open_ones = [str(one.tool_call_id) for one in asked.filter(status="open")]
        waiting = [c.id for c in place.story.calls.values() if c.status == "waiting"]
        assert sorted(open_ones) == sorted(waiting)
        for row in asked.filter(status="answered"):
            assert answer_of(row) == self.asked[str(row.pk)].row, "an answer changed"

    def follow(self, place: Place) -> None:
        """Every listener gets exactly the rest, and shows what the whole log tells."""
        if place.position > ring.last(place.id):
            ring.ring(place.id)  # which the doorbell's poll does within a second
        for listener in place.listeners:
            listener.catch_up(place.log, place.position, place.floor)
            assert not differences(listener.page.shown(), place.page.shown())

    def compare_snapshot(self, place: Place) -> None:
        """It is what its events tell, from the beginning and from any earlier snapshot."""
        snapshot = take_snapshot(place.id)
        assert snapshot.position == place.position
        content = comparable(snapshot.content)
        assert not differences(content, place.page.shown())
        for position, earlier in place.snapshots[-3:]:
            page = page_of(earlier)
            for next_one in range(position + 1, snapshot.position + 1):
                page.apply(json.loads(place.log[next_one]))
            assert not differences(content, page.shown())
        place.snapshots.append((snapshot.position, snapshot.content))

    def lease_ends(self) -> datetime:
        return self.time.later(settings.LEASE_SECONDS)


def _asks_approval(told: dict[str, Any] | None) -> bool:
    return told is not None and told["kind"] == "approval"


def answer_of(row: Interrupt) -> tuple[Any, ...]:
    """All that an answer leaves; it never changes."""
    said = (row.decision, row.answer, row.answered_by_id)
    return (*said, row.answered_at, row.submission_id, row.answer_digest)


def a_member_of_staff() -> Viewer:
    """Somebody who may approve what customers can't."""
    user = get_user_model().objects.create_user(uuid4().hex[:30], is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="change_group"))
    return Viewer(user=get_user_model().objects.get(pk=user.pk))
