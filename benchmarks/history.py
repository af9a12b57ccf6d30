"""A database as a year of work leaves it: threads with their messages, runs, calls and feedback."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.db.models import Model

from benchmarks.pouring import Pipe, plain
from chatkit_app.models import (
    Feedback,
    Message,
    Part,
    Run,
    Step,
    Thread,
    ToolCall,
)

BATCH = 2_000
"""Turns that are written at once."""
YEAR = timedelta(days=365)
TURNS = 5
"""Of each thread but one: that has a tenth of all messages, and is the newest."""
WORDS = [
    f"{a}{b}{c}" for a in "bdfgk" for b in ("arlo", "ine", "umat") for c in "stnrl"
]
COMMON = "order"
"""A word of every other question."""
RARE = "quixotic"
"""A word of one question in ten thousand."""
TOOLS = ("order_status", "stock_report", "refund", "highlight")

Rows = dict[type[Model], list[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What there is to look at."""

    messages: int
    long_thread: UUID
    short_thread: UUID
    user: Any


def fill(messages: int, *, now: datetime | None = None, seed: int = 1) -> History:
    """Write so many messages: the same for the same seed and moment."""
    year = _Year(random.Random(seed))  # noqa: S311 (no secret)
    now = now or datetime.now(tz=UTC)
    users = _users(max(2, messages // 1000))
    count = max(1, messages * 9 // 10 // (2 * TURNS))
    begun = [now - YEAR * (number / count) for number in range(count, 0, -1)]
    threads = [year.thread(users, at) for at in begun]
    long = year.thread(users, now - timedelta(hours=1))
    Pipe(Thread).write(year.row_of(thread) for thread in [*threads, long])
    _pour(turn for thread in threads for turn in year.turns(thread, TURNS, 10))
    _pour(year.turns(long, messages // 20, 0.05))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return History(
        messages=messages,
        long_thread=UUID(long["id"]),
        short_thread=UUID(threads[-1]["id"]),
        user=users[0],
    )


def _users(count: int) -> list[Any]:
    user = get_user_model()
    names = (f"customer{number:05}" for number in range(count))
    user._default_manager.bulk_create([user(username=name) for name in names], BATCH)
    found = user._default_manager.filter(username__startswith="customer")
    return list(found.order_by("pk"))


class _Year:
    """Makes the rows, by one source of chance."""

    def __init__(self, noise: random.Random) -> None:
        self._noise = noise

    def thread(self, users: list[Any], at: datetime) -> dict[str, Any]:
        """With the moment at which it began, which is no column's value yet."""
        user = self._noise.choice(users)
        return {
            "id": self._id(at),
            "created_at": at,
            "assistant": "shop",
            "user_id": user.pk,
            "owner_key": f"u:{user.pk}",
            "title": self._words(5),
        }

    def row_of(self, thread: dict[str, Any]) -> dict[str, Any]:
        """A thread as its table has it."""
        at = thread["created_at"]
        last = plain(at + timedelta(minutes=1))
        return {**thread, "created_at": plain(at), "last_activity_at": last}

    def turns(
        self, thread: dict[str, Any], count: int, seconds: float
    ) -> Iterator[Rows]:
        """Questions with their answers, so many seconds apart."""
        parent = None
        for number in range(count):
            at = thread["created_at"] + timedelta(seconds=number * seconds)
            rows = self._turn(thread, number * 2, at, parent)
            parent = rows[Message][1]["id"]
            yield rows

    def _turn(
        self, thread: dict[str, Any], depth: int, at: datetime, parent: str | None
    ) -> Rows:
        prompt, answer, run, step = (self._id(at) for _ in range(4))
        made = {"created_at": plain(at)}
        of_thread = {**made, "thread_id": thread["id"], "status": "complete"}
        asked, said = self._question(), self._words(40)
        ended = plain(at + timedelta(seconds=self._noise.uniform(1, 8)))
        has_failed = self._noise.random() < 0.04
        rows: Rows = {
            Message: [
                {
                    **of_thread,
                    "id": prompt,
                    "parent_id": parent,
                    "depth": depth,
                    "role": "user",
                    "text": asked,
                },
                {
                    **of_thread,
                    "id": answer,
                    "parent_id": prompt,
                    "depth": depth + 1,
                    "role": "assistant",
                    "text": said,
                },
            ],
            Run: [
                {
                    **of_thread,
                    "id": run,
                    "prompt_id": prompt,
                    "answer_id": answer,
                    "status": "failed" if has_failed else "completed",
                    "error_code": "provider_unavailable" if has_failed else "",
                    "model_name": "model-one",
                    "finished_at": ended,
                    **self._spent(),
                }
            ],
            Step: [
                {
                    **made,
                    "id": step,
                    "run_id": run,
                    "index": 0,
                    "status": "complete",
                    "provider": "openai-responses",
                    "model_name": "model-one-2026",
                    "input_tokens": self._noise.randrange(200, 4000),
                    "output_tokens": self._noise.randrange(20, 800),
                    "first_token_at": plain(at + timedelta(seconds=0.4)),
                    "finished_at": ended,
                }
            ],
            Part: [
                {**self._part(prompt, asked, at), **made},
                {**self._part(answer, said, at), **made, "step_id": step},
            ],
        }
        if self._noise.random() < 0.3:
            rows[ToolCall] = [
                {**self._call(at), **made, "run_id": run, "step_id": step}
            ]
        if self._noise.random() < 0.03:
            rows[Feedback] = [{**self._feedback(thread, answer, at), **made}]
        return rows

    def _part(self, message: str, text: str, at: datetime) -> dict[str, Any]:
        return {
            "id": self._id(at),
            "message_id": message,
            "index": 0,
            "kind": "text",
            "state": "complete",
            "text": text,
            "position": 1,
        }

    def _spent(self) -> dict[str, Any]:
        """What a run has cost, where runs know it."""
        names = {field.name for field in Run._meta.concrete_fields}
        return (
            {"cost": round(self._noise.expovariate(50), 6)} if "cost" in names else {}
        )

    def _call(self, at: datetime) -> dict[str, Any]:
        has_failed = self._noise.random() < 0.05
        seconds = self._noise.uniform(0.05, 3)
        return {
            "id": self._id(at),
            "index": 0,
            "provider_call_id": "call",
            "name": self._noise.choices(TOOLS, (60, 25, 5, 10))[0],
            "executor": "server",
            "status": "failed" if has_failed else "completed",
            "error_code": "tool_error" if has_failed else "",
            "arguments": "{}",
            "started_at": plain(at),
            "finished_at": plain(at + timedelta(seconds=seconds)),
        }

    def _feedback(
        self, thread: dict[str, Any], answer: str, at: datetime
    ) -> dict[str, Any]:
        return {
            "id": self._id(at),
            "message_id": answer,
            "owner_key": thread["owner_key"],
            "kind": "up" if self._noise.random() < 0.7 else "down",
        }

    def _words(self, count: int) -> str:
        return " ".join(self._noise.choices(WORDS, k=count))

    def _question(self) -> str:
        words = self._words(8)
        if self._noise.random() < 0.5:
            words += f" {COMMON}"
        return f"{words} {RARE}" if self._noise.random() < 0.0001 else words

    def _id(self, at: datetime) -> str:
        """A UUIDv7 of that moment, in hex."""
        bits = self._noise.getrandbits
        return (
            f"{int(at.timestamp() * 1000):012x}7{bits(12):03x}{bits(62) | 1 << 63:016x}"
        )


ORDER: tuple[type[Model], ...] = (Message, Run, Step, ToolCall, Part, Feedback)
"""Tables, each after those that it points to."""


def _pour(turns: Iterator[Rows]) -> None:
    """Write the rows table by table, many turns at once."""
    pipes = {model: Pipe(model) for model in ORDER}
    while batch := list(islice(turns, BATCH)):
        with transaction.atomic():
            for model, pipe in pipes.items():
                pipe.write(row for turn in batch for row in turn.get(model, ()))
