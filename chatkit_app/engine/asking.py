"""Asking the model for one step: once, or as often as it takes.

The one place where a provider is asked again. What a broken attempt has said is taken back first
(``StepVoided``), so that each attempt is whole or void, and everybody sees that it is asked again.
"""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from chatkit_app.engine import events
from chatkit_app.engine.assembler import Assembler, sound
from chatkit_app.engine.provider import ProviderEvent, StepFinished, Usage
from chatkit_app.engine.redacting import NO_REDACTION, Redaction
from chatkit_app.exceptions import ProviderError, ProviderUnavailable

MOST_TOKENS = 2**31 - 1
"""The largest integer of every database's column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """How often a provider is asked for one step, and how long it is left alone. Seconds."""

    tries: int = 4
    first: float = 1.0
    """The first pause; then twice as long each time."""
    longest: float = 30.0
    longest_wish: float = 120.0
    """Beyond it a ``Retry-After`` ends the run: nobody waits so long before a page."""
    takes_back: bool = True
    """Is an attempt of which something was shown asked again, too?"""

    def pause(
        self, error: ProviderError, tried: int, *, has_shown: bool
    ) -> float | None:
        """How long to wait before the next try; None: there is none."""
        wish = error.retry_after or 0.0
        if not error.retryable or tried >= self.tries or wish > self.longest_wish:
            return None
        if has_shown and not self.takes_back:
            return None
        longest = min(self.longest, self.first * 2.0 ** (tried - 1))
        # Not less than half of it, and not all in one instant.
        return wish + longest * random.uniform(0.5, 1.0)  # noqa: S311 (spreads load, guards nothing)


@dataclass(slots=True, kw_only=True)
class Asking:
    """One step on its way. Not frozen: the attempt that succeeds is there at the end.

    ``ask`` yields the provider's events for one attempt; ``next_index`` is the place of the
    message's next part, also after attempts that came to nothing.
    """

    run_id: UUID
    message_id: UUID
    index: int
    next_index: int
    provider_name: str
    model_name: str
    ask: Callable[[], AsyncGenerator[ProviderEvent, None]]
    new_id: Callable[[], UUID]
    sleep: Callable[[float], Awaitable[None]]
    now: Callable[[], datetime]
    retries: Retries
    redaction: Redaction = NO_REDACTION
    attempt: int = 1
    step_id: UUID = field(init=False)
    assembler: Assembler = field(init=False)

    async def run(self) -> AsyncGenerator[events.AnyEvent, None]:
        """Ask until there is a whole answer.

        Raises:
            ProviderError: There is none, and asking again makes no sense.
        """
        tried = 0
        while True:
            tried += 1
            self._begin()
            try:
                async with aclosing(self._attempt()) as happening:
                    async for event in happening:
                        yield event
            except ProviderError as error:
                has_shown = bool(self.assembler.parts)
                pause = self.retries.pause(error, tried, has_shown=has_shown)
                if pause is None:
                    raise
                voided = self._voided(error, pause)
            else:
                return
            yield voided
            await self.sleep(pause)
            self.attempt += 1

    def _begin(self) -> None:
        self.step_id = self.new_id()
        self.assembler = Assembler(
            message_id=str(self.message_id),
            step_id=str(self.step_id),
            next_index=self.next_index,
            new_id=self.new_id,
            redaction=self.redaction,
        )

    async def _attempt(self) -> AsyncGenerator[events.AnyEvent, None]:
        yield events.StepStarted(
            run_id=str(self.run_id),
            step_id=str(self.step_id),
            index=self.index,
            attempt=self.attempt,
            provider=self.provider_name,
            model_name=self.model_name,
        )
        finished: StepFinished | None = None
        async with aclosing(self.ask()) as stream:
            async for found in stream:
                if isinstance(found, StepFinished):
                    finished = found
                    break
                for event in self.assembler.feed(found):
                    self.next_index = self.assembler.next_index
                    yield event
        if finished is None:
            raise ProviderUnavailable("The provider's stream ended without a finish.")
        for event in self.assembler.finish(finished.reason):
            yield event
        yield self._finished(finished)

    def _voided(self, error: ProviderError, pause: float) -> events.StepVoided:
        told = error.usage or Usage()
        return events.StepVoided(
            run_id=str(self.run_id),
            step_id=str(self.step_id),
            index=self.index,
            attempt=self.attempt,
            error_code=error.code,
            retry_at=self.now() + timedelta(seconds=pause),
            **counts_of(told),
        )

    def _finished(self, found: StepFinished) -> events.StepFinished:
        return events.StepFinished(
            run_id=str(self.run_id),
            step_id=str(self.step_id),
            finish_reason=found.reason,
            **counts_of(found.usage),
            response_id=sound(found.response_id)[:200],
            model_name=sound(found.model_name)[:200],
        )


def counts_of(usage: Usage) -> dict[str, Any]:
    """What the provider has counted, by the names of events and columns.

    Ints; Any, so that it may be spread over an event's fields.
    """
    return {
        "input_tokens": _countable(usage.input_tokens),
        "output_tokens": _countable(usage.output_tokens),
        "cached_tokens": _countable(usage.cached_tokens),
        "reasoning_tokens": _countable(usage.reasoning_tokens),
    }


def _countable(tokens: int) -> int:
    """The count as far as a column can hold it: it is the provider's word."""
    return min(max(tokens, 0), MOST_TOKENS)
