"""What is measured: each scenario asks one target and gives its figures."""

from __future__ import annotations

import asyncio
import math
import statistics
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import pairwise

from benchmarks.pages import Page
from benchmarks.servers import Server, cpu_seconds
from benchmarks.tokens import Answer

Figures = dict[str, float]
MS = 1e6
ASKED_ON_A_PAGE = 5
"""Questions after which a new page and thread are taken: no long history is measured here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much of each; and how often everything but the paced streams is done before it counts."""

    warm_ups: int
    questions: int
    calls: int
    streams: int
    seconds: float
    rate: float
    bursts: int
    burst: int


@dataclass(frozen=True, slots=True)
class Target:
    """Who is measured."""

    name: str
    server: Server
    page: Callable[[], Page]


async def first_token(target: Target, sizes: Sizes) -> Figures:
    """Short answers, one at a time: a provider that answers at once."""
    answers, cpu = await _one_by_one(target, "burst 1", sizes.questions)
    waits = [(a.received[0] - a.asked_at) / MS for a in answers]
    added = [(a.received[0] - a.sent[0]) / MS for a in answers]
    return {
        "first token after the question, p50 ms": statistics.median(waits),
        "first token after the question, p99 ms": high(waits),
        "first token after the provider's, p50 ms": statistics.median(added),
        "first token after the provider's, p99 ms": high(added),
        "a short answer, CPU ms": 1000 * cpu / len(answers),
    }


async def tool_round(target: Target, sizes: Sizes) -> Figures:
    """A client tool: from the call that is seen to the next token."""
    answers, cpu = await _one_by_one(target, "call", sizes.calls)
    waits = [(a.received[0] - a.shown_at) / MS for a in answers]
    return {
        "client tool, call shown to next token, p50 ms": statistics.median(waits),
        "client tool, call shown to next token, p99 ms": high(waits),
        "an answer with a client tool, CPU ms": 1000 * cpu / len(answers),
    }


async def _one_by_one(
    target: Target, text: str, count: int
) -> tuple[list[Answer], float]:
    answers: list[Answer] = []
    cpu = 0.0
    while len(answers) < count:
        async with target.page() as page:
            for _ in range(min(ASKED_ON_A_PAGE, count - len(answers))):
                before = cpu_seconds(target.server.pid)
                answers.append(await page.ask(text))
                cpu += cpu_seconds(target.server.pid) - before
                answers[-1].check(1)
            await page.check_kept(answers[-1])
    return answers, cpu


async def paced(target: Target, sizes: Sizes) -> Figures:
    """Several streams at a model's pace."""
    count = round(sizes.rate * sizes.seconds)
    spacing = 1 / sizes.rate / sizes.streams  # they don't speak in chorus

    async def ask(page: Page, number: int) -> Answer:
        await asyncio.sleep(number * spacing)
        return await page.ask(f"paced {count} {sizes.rate}")

    answers, cpu = await _together(target, sizes.streams, ask)
    for answer in answers:
        answer.check(count)
    late = [
        (received - sent) / MS
        for answer in answers
        for sent, received in zip(answer.sent, answer.received, strict=True)
    ]
    return {
        "paced, lateness of a token, p50 ms": statistics.median(late),
        "paced, lateness of a token, p99 ms": high(late),
        "paced, longest gap, ms": max(map(_longest_gap, answers)),
        "paced, CPU us a token": 1e6 * cpu / len(late),
    }


async def burst(target: Target, sizes: Sizes) -> Figures:
    """Answers as fast as they come."""

    async def ask(page: Page, _: int) -> Answer:
        return await page.ask(f"burst {sizes.burst}")

    answers: list[Answer] = []
    cpu = 0.0
    for _ in range(sizes.bursts):
        found, used = await _together(target, 1, ask)
        answers += found
        cpu += used
    for answer in answers:
        answer.check(sizes.burst)
    tokens = sizes.burst * sizes.bursts
    took = sum(a.received[-1] - a.sent[0] for a in answers)
    return {
        "burst, CPU us a token": 1e6 * cpu / tokens,
        "burst, time us a token": took / 1000 / tokens,
    }


async def _together(
    target: Target, count: int, ask: Callable[[Page, int], Awaitable[Answer]]
) -> tuple[list[Answer], float]:
    """Ask on so many pages at once; the answers, and what the server computed meanwhile."""
    async with AsyncExitStack() as stack:
        pages = [await stack.enter_async_context(target.page()) for _ in range(count)]
        before = cpu_seconds(target.server.pid)
        answers = await asyncio.gather(
            *(ask(page, number) for number, page in enumerate(pages))
        )
        cpu = cpu_seconds(target.server.pid) - before
        for page, answer in zip(pages, answers, strict=True):
            await page.check_kept(answer)
    return answers, cpu


def _longest_gap(answer: Answer) -> float:
    return max((b - a for a, b in pairwise(answer.received)), default=0) / MS


def high(values: Sequence[float]) -> float:
    """The 99th percentile: of fewer than a hundred values the largest."""
    return sorted(values)[math.ceil(0.99 * len(values)) - 1]


SCENARIOS = (first_token, tool_round, paced, burst)
