"""What a run is to be: the visitor's message carries it, the fake model reads it there.

A step says ``size`` tokens and then makes its calls; the last step makes none. Token ``i`` of step
``s``, said in the model's ``a``-th attempt at it, is ``key.s.i~a``: whatever is lost, repeated,
swapped or mixed of two attempts shows in the text itself.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from random import Random
from typing import Self

JOBS = ("dig", "haul")
"""Background tools: no run's process does their work."""
SERVER_TOOLS = ("once", "idempotent", "read", *JOBS)
ASKING_TOOLS = ("pay", "wonder")
"""Server tools that need a person: ``pay`` an approval, ``wonder`` two answers."""
CLIENT_TOOLS = ("look", "touch", "sign")
"""``sign`` is a page's, once somebody has approved it."""
APPROVED_TOOLS = ("pay", "sign")
ONCE_TOOLS = ("once", "pay", "dig")

BEFORE_TOKENS = ("429", "429_after", "500", "refuse", "400", "401")
"""Faults instead of an answer."""
IN_STREAM = ("reset", "stall", "cut", "error_event")
"""Faults after some tokens."""
ODD = ("bad_json", "unknown_tool", "duplicate_ids", "empty", "huge", "tiny")
"""Answers that are whole, but not what one expects."""
PROVIDER_FAULTS = (*BEFORE_TOKENS, *IN_STREAM, *ODD)
WITH_CALLS = ("bad_json", "unknown_tool", "duplicate_ids")
"""Faults of steps that call something."""
FINAL_FAULTS = ("400", "401")
"""Nobody may ask again after these."""
HUGE = 1500
"""Tokens of an answer that comes in one chunk."""
TINY = 700
"""Tokens of an answer of which every three characters are a chunk."""

MARK = "plan "
TOKEN = re.compile(r"(\w+)\.(\d+)\.(\d+)~(\d+) ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of a tool: how long it works, in seconds."""

    tool: str
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong at the provider, in the first ``times`` attempts, at token ``at``."""

    kind: str
    at: int = 0
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One request to the model."""

    size: int
    delay: float
    calls: tuple[Call, ...] = ()
    fault: Fault | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A whole run. ``key`` is its name in texts and ledgers."""

    key: str
    steps: tuple[Step, ...] = field(default_factory=tuple)

    @property
    def text(self) -> str:
        """The visitor's message."""
        return MARK + json.dumps(asdict(self), separators=(",", ":"))

    @property
    def is_refused(self) -> bool:
        """Does the provider refuse it for good?"""
        return any(s.fault and s.fault.kind in FINAL_FAULTS for s in self.steps)

    @property
    def faults(self) -> list[str]:
        """The kinds of what goes wrong at the provider."""
        return [step.fault.kind for step in self.steps if step.fault]

    @property
    def seconds(self) -> float:
        """About how long it takes if nobody disturbs it."""
        return sum(
            step.size * step.delay + max((c.seconds for c in step.calls), default=0.0)
            for step in self.steps
        )

    @classmethod
    def read(cls, text: str) -> Self | None:
        """The plan in a message, None if it holds none."""
        if not text.startswith(MARK):
            return None
        data = json.loads(text[len(MARK) :])
        return cls(key=data["key"], steps=tuple(map(_step, data["steps"])))


def _step(data: dict) -> Step:
    fault = data["fault"]
    return Step(
        size=data["size"],
        delay=data["delay"],
        calls=tuple(Call(**call) for call in data["calls"]),
        fault=Fault(**fault) if fault else None,
    )


def token(key: str, step: int, index: int, attempt: int) -> str:
    """A piece of text that says what it is."""
    return f"{key}.{step}.{index}~{attempt} "


def draw_plan(key: str, random: Random, fault: str = "") -> Plan:
    """A plan by chance: one to four steps, tools of all kinds; with this fault somewhere."""
    needs_calls = fault in WITH_CALLS
    counts = (1, 1, 2, 3) if needs_calls else (0, 1, 1, 2, 3)
    steps = [_draw_step(random) for _ in range(random.choice(counts))]
    size = random.choice((random.randint(10, 60), random.randint(60, 250)))
    steps.append(Step(size=size, delay=_delay(random)))
    if fault:
        at = random.randrange(len(steps) - needs_calls)
        at = len(steps) - 1 if fault == "empty" else at
        steps[at] = _with_fault(steps[at], fault, random)
    return Plan(key=key, steps=tuple(steps))


def _delay(random: Random) -> float:
    return random.choice((0.005, 0.02, 0.04))


def _draw_step(random: Random) -> Step:
    people = [*ASKING_TOOLS, *APPROVED_TOOLS]
    tools = [*SERVER_TOOLS, *SERVER_TOOLS[:3], *CLIENT_TOOLS, "look", *people]
    if random.random() < 0.2:
        tools = people  # several things are asked at once
    calls = tuple(
        Call(tool=random.choice(tools), seconds=round(random.uniform(0, 1.2), 2))
        for _ in range(random.choice((1, 1, 2, 3)))
    )
    return Step(size=random.randint(0, 40), delay=_delay(random), calls=calls)


def _with_fault(step: Step, kind: str, random: Random) -> Step:
    size, delay = step.size, step.delay
    if kind == "empty":
        return Step(size=0, delay=0.0, fault=Fault(kind=kind))
    if kind in IN_STREAM:
        size = max(size, 5)
    elif kind == "huge":
        size = HUGE
    elif kind == "tiny":
        size, delay = TINY, 0.0
    times = 1 if kind in ODD else random.choice((1, 1, 1, 2, 9))
    fault = Fault(kind=kind, at=random.randint(1, max(1, size - 1)), times=times)
    return Step(size=size, delay=delay, calls=step.calls, fault=fault)
