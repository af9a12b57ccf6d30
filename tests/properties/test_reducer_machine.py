"""The browser's own client, on a line that loses, repeats, reorders and changes what it carries.

A Hypothesis state machine writes a thread's life with the app's event classes and plays the server
for a real ``ChatKitClient`` in Node: it answers each ``subscribe`` from its log. When all is quiet the
page must show what a plain fold of the events says, have acknowledged it, and have asked for what was
missing, and for nothing else.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections import deque
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase
from hypothesis import settings as profile
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test

from chatkit_app.protocols.native import position_frame, reset_frame
from tests.properties.reducer_asking import AskingStory

# As in test_runs_machine.py: whoever only asks whether there is a failure says "unshrunk".
SHRINKS = os.environ.get("CHATKIT_HYPOTHESIS") != "unshrunk"
LONG = os.environ.get("CHATKIT_HYPOTHESIS") == "long"
EXAMPLES = 5000 if LONG else 500
STEPS = 60
POSITION_MS = 2_000
PATIENCE_MS = 32_000
QUIET_MS = 120_000
OTHERS = str.maketrans("aß 👀漢", "bä_🙈字")
PEER = Path(__file__).parent.parent / "js" / "reducer-peer.js"

pytestmark = pytest.mark.node


class Peer:
    """A Node process with a page in it; one for all examples."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            ["node", PEER], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def do(self, *acts: list[Any]) -> dict[str, Any]:
        """Act; what the page shows then, and what it has sent meanwhile."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(acts).encode() + b"\n")
        self._process.stdin.flush()
        told: dict[str, Any] = json.loads(self._process.stdout.readline())
        return told

    def end(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


class Line(AskingStory):
    """The server's end of the line, and what happens to frames on it."""

    peer: ClassVar[Peer]

    def __init__(self) -> None:
        super().__init__()
        self.epochs = 1
        self.floor = 0
        self.tells_retry = True
        self.is_watched = False
        self.way: deque[str] = deque()  # sent and not arrived
        self.shown: dict[str, Any] = {}
        self.known = 0  # what the page says that it has
        self.untold_until = 0  # a snapshot of an older server knows nothing of retries
        self.corrupted: set[str] = set()
        self.mishaps = 0
        self.spoiled = 0  # mishaps that only a snapshot heals
        self.early = (
            0  # positions on their way: they look like answers to what is asked later
        )
        self.heard: list[Any] = []  # effects and notices, as the page was told of them
        self.snapshot_position = 0  # the newest that has come: later effects are heard
        self.begged = 0  # snapshots asked for by a page that had one
        self.has_snapshot = False
        self.page_epoch = ""
        self.opened = 0
        self.asked = 0
        self.hear(["open", self.thread])

    @property
    def head(self) -> int:
        return len(self.log)

    @property
    def epoch(self) -> str:
        return f"epoch-{self.epochs}"

    def commit(self, position: int) -> None:
        if self.is_watched:
            self.way.append(self.log[position - 1])

    def must_end(self, part: str) -> bool:
        return part in self.corrupted

    def hear(self, *acts: list[Any]) -> None:
        """Let the page act, and answer what it sends as the server would."""
        self.shown = self.peer.do(*acts)
        self.heard += self.shown["told"]
        for frame in self.shown["sent"]:
            match frame["type"]:
                case "opened":
                    self.opened += 1
                    self._forget_line()
                case "subscribe":
                    self.asked += 1
                    if "epoch" not in frame:
                        self.begged += self.has_snapshot
                        self.has_snapshot = False
                    self._answer(frame.get("epoch"), frame.get("position"))
                case "acknowledge":
                    assert frame["position"] <= self.head
                    self.known = frame["position"]

    def _answer(self, epoch: str | None, position: int | None) -> None:
        self.is_watched = True
        if epoch != self.epoch or position is None or position < self.floor:
            self.known = self.head - 1
            self.way.append(self._reset())
            return
        assert position <= self.head
        self.known = position
        self.way.append(self._position())
        self.way.extend(self.log[position:])

    def _position(self) -> str:
        return position_frame(UUID(self.thread), self.epoch, self.head)

    def _reset(self) -> str:
        snapshot = self.fold.snapshot()
        if snapshot["run"] and not self.tells_retry:
            del snapshot["run"]["retry"]
            del snapshot["run"]["interrupts"]
        return reset_frame(UUID(self.thread), self.epoch, self.head, snapshot)

    def _forget_line(self) -> None:
        self.is_watched = False
        self.way.clear()

    def arrive(self, *frames: str) -> None:
        before = self.has_snapshot, self.untold_until, self.page_epoch
        snapshot_position = self.snapshot_position
        for text in frames:
            frame = json.loads(text)
            if frame["type"] == "reset":
                run = frame["snapshot"]["run"]
                is_untold = run is not None and "retry" not in run
                self.untold_until = frame["position"] if is_untold else 0
                self.has_snapshot = True
                self.snapshot_position = max(self.snapshot_position, frame["position"])
                self.page_epoch = frame["epoch"]
        self.hear(*(["push", text] for text in frames))
        if self.shown["missed"]:  # the page has given the line up
            self.has_snapshot, self.untold_until, self.page_epoch = before
            self.snapshot_position = snapshot_position

    def has_frames(self) -> bool:
        return bool(self.way)

    @precondition(has_frames)
    @rule(count=st.integers(1, 40))
    def brings(self, count: int) -> None:
        self.arrive(*(self.way.popleft() for _ in range(min(count, len(self.way)))))

    @precondition(has_frames)
    @rule(
        fate=st.sampled_from(["lost", "last lost", "twice", "late"]),
        by=st.integers(1, 6),
    )
    def mishandles(self, fate: str, by: int) -> None:
        if fate == "last lost":
            self.way.pop()
        else:
            text = self.way.popleft()
            if fate == "late":
                self.way.insert(min(by, len(self.way)), text)
            if fate == "twice":
                return self.arrive(text, text)
        self.mishaps += 1
        return None

    @precondition(lambda self: bool(self._changeable()))
    @rule()
    def changes(self) -> None:
        """As long as before, so that numbers alone do not tell."""
        place = self._changeable()[0]
        frame = json.loads(self.way[place])
        frame["event"]["delta"] = frame["event"]["delta"].translate(OTHERS)
        self.mishaps += 1
        self.spoiled += 1
        self.corrupted.add(frame["event"]["partId"])
        self.way[place] = json.dumps(frame)

    def _changeable(self) -> list[int]:
        """Where on the way there is text of a part that will tell its digest."""
        found = []
        for place, text in enumerate(self.way):
            event = json.loads(text).get("event", {})
            delta = event.get("delta", "")
            if delta.translate(OTHERS) != delta and event["partId"] in self.texts:
                found.append(place)
        return found

    @rule(
        code=st.sampled_from([1006, 1011, 4008, 4012, 4429, 4999]), stays=st.booleans()
    )
    def is_cut(self, code: int, stays: bool) -> None:
        """For a moment, or until the machine comes to rest."""
        self._forget_line()
        self.hear(["cut", code], ["up", not stays])

    @rule(ms=st.sampled_from([0, 50, 900, 2_500, 20_000]), is_hidden=st.booleans())
    def passes(self, ms: int, is_hidden: bool) -> None:
        """A server that says nothing meanwhile is one more reason to ask."""
        if self.way or ms > POSITION_MS:
            self.mishaps += 1 + ms // 10_000
        self.hear(["hidden", is_hidden], ["pass", ms], ["wake"])

    @precondition(lambda self: self.is_watched)
    @rule()
    def tells_position(self) -> None:
        self.early += bool(self.way)
        self.way.append(self._position())

    @rule(back=st.integers(0, 5), is_erased=st.booleans(), tells=st.booleans())
    def ages(self, back: int, is_erased: bool, tells: bool) -> None:
        """The oldest events are cut; another version of the server is there; history is erased."""
        self.floor = max(self.floor, self.head - back)
        self.tells_retry = tells
        if is_erased:
            self._begin_another_epoch()

    def _begin_another_epoch(self) -> None:
        """History was erased: no cursor of before is good for anything."""
        self.epochs += 1
        self.mishaps += 1
        self.spoiled += 1
        self.known = -1
        self.floor = self.head
        self.way.clear()
        if self.is_watched:
            self.way.append(self._position())

    @rule()
    def comes_to_rest(self) -> None:
        for part in sorted(self.corrupted & set(self.texts)):
            self._end_part(part)
        self.hear(["up", True], ["hidden", False])
        # Whoever has found several texts changed waits before it asks for one more snapshot.
        least = PATIENCE_MS if self.corrupted else 0
        quiet = 0
        while quiet < least or self.way or not self._is_level():
            assert quiet < QUIET_MS, "it does not come to what the log says"
            self._bring_all()
            self.hear(["pass", POSITION_MS])
            quiet += POSITION_MS
            if self.is_watched:
                self.way.append(self._position())
                self._bring_all()
        self._check_rest()

    def teardown(self) -> None:
        self.comes_to_rest()
        asked, opened = self.asked, self.opened
        for _ in range(8):
            self.arrive(self._position())
            self.hear(["pass", POSITION_MS])
        assert (self.asked, self.opened) == (asked, opened), "nobody had to be asked"

    def _bring_all(self) -> None:
        frames = [*self.way]
        self.way.clear()
        self.arrive(*frames)

    def _is_level(self) -> bool:
        is_told = self.page_epoch == self.epoch and self.known == self.head
        return is_told and self.shown["state"] == "open"

    def _check_rest(self) -> None:
        expected = self.fold.shown()
        if expected["run"] and self.fold.retry_position <= self.untold_until:
            expected["run"]["retry"] = None
        shown = {name: self.shown[name] for name in ("thread", "messages", "run")}
        assert shown == expected
        assert self.shown["interrupts"] == self.fold.interrupts()
        self._check_heard()
        allowed = 2 * self.mishaps + self.opened + self.early
        assert self.asked <= allowed, f"asked {self.asked} times, {allowed} would do"
        assert self.begged <= 2 * self.spoiled, "a cursor would have done"
        self.corrupted.clear()
        self.mishaps = self.asked = self.opened = 0
        self.spoiled = self.begged = self.early = 0

    def _check_heard(self) -> None:
        """Effects and notices: in their order, each once, and all that came after a snapshot."""
        every = iter(telling for _, telling in self.fold.told)
        assert all(heard in every for heard in self.heard), "not in order, or not once"
        new = [
            telling
            for position, telling in self.fold.told
            if position > self.snapshot_position
        ]
        assert self.heard[len(self.heard) - len(new) :] == new


@pytest.mark.timeout(7200 if LONG else 300)
def test_whatever_the_line_does_a_page_ends_up_with_what_the_log_says() -> None:
    assert shutil.which("node"), "Node is missing"
    Line.peer = Peer()
    try:
        run_state_machine_as_test(
            Line,
            settings=profile(
                max_examples=int(os.environ.get("N", EXAMPLES)),
                stateful_step_count=STEPS,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                phases=[
                    phase for phase in Phase if phase is not Phase.shrink or SHRINKS
                ],
                report_multiple_bugs=False,
            ),
        )
    finally:
        Line.peer.end()
