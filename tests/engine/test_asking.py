"""One step, asked until there is a whole answer: when, how often, and what everybody sees of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatkit_app.engine import events
from chatkit_app.engine.asking import Asking, Retries
from chatkit_app.engine.provider import (
    PartDelta,
    PartEnded,
    PartStarted,
    ProviderEvent,
    StepFinished,
    Usage,
)
from chatkit_app.engine.states import FinishReason, PartKind
from chatkit_app.exceptions import (
    ProviderContextExceeded,
    ProviderError,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
)
from tests.engine.drive import collect, ids, only

SHOWN = (PartStarted(key="t", kind=PartKind.TEXT), PartDelta(key="t", delta="Half"))
WHOLE = (
    PartStarted(key="t", kind=PartKind.TEXT),
    PartDelta(key="t", delta="Whole."),
    PartEnded(key="t"),
    StepFinished(reason=FinishReason.STOP, usage=Usage(output_tokens=2**40)),
)
AWAY = ProviderUnavailable("Away.")
Attempt = tuple[ProviderEvent | ProviderError, ...]


class Model:
    """Answers each request with the next of these attempts; remembers how long it was left alone."""

    def __init__(self, *attempts: Attempt) -> None:
        self.attempts = list(attempts)
        self.pauses: list[float] = []

    async def ask(self) -> AsyncGenerator[ProviderEvent]:
        for found in self.attempts.pop(0):
            if isinstance(found, ProviderError):
                raise found
            yield found

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)


def asking(model: Model, **more: object) -> Asking:
    values = {
        "run_id": UUID(int=1),
        "message_id": UUID(int=2),
        "index": 3,
        "next_index": 7,
        "provider_name": "model",
        "model_name": "m-1",
        "ask": model.ask,
        "new_id": ids(100),
        "sleep": model.sleep,
        "now": lambda: datetime.now(UTC),
        "retries": Retries(tries=4, first=1.0, longest=4.0),
    }
    return Asking(**values | more)


async def asked(model: Model, **more: object) -> list[events.AnyEvent]:
    return await collect(asking(model, **more).run())


async def failed(model: Model, **more: object) -> tuple[list, ProviderError]:
    found: list = []
    with pytest.raises(ProviderError) as raised:
        await collect(asking(model, **more).run(), found)
    return found, raised.value


async def test_a_whole_answer_is_asked_for_once() -> None:
    model = Model(WHOLE)

    found = await asked(model)

    assert [event.type for event in found] == [
        "step.started",
        "part.started",
        "part.delta",
        "part.ended",
        "step.finished",
    ]
    assert (found[0].index, found[0].attempt, model.pauses) == (3, 1, [])
    assert found[-1].output_tokens == 2**31 - 1  # as far as a column can hold it


@pytest.mark.parametrize("before", [(), SHOWN], ids=["nothing shown", "half shown"])
async def test_a_broken_attempt_is_void_and_asked_again_and_everybody_sees_it(
    before: Attempt,
) -> None:
    model = Model((*before, AWAY), (*before, AWAY), WHOLE)
    began = datetime.now(UTC)

    found = await asked(model)

    begun = list(only(found, events.StepStarted))
    voided = list(only(found, events.StepVoided))
    assert [(event.index, event.attempt) for event in begun] == [(3, 1), (3, 2), (3, 3)]
    assert [event.step_id for event in voided] == [event.step_id for event in begun[:2]]
    assert {event.error_code for event in voided} == {"provider_unavailable"}
    assert all(event.retry_at >= began for event in voided)
    assert next(only(found, events.StepFinished)).step_id == begun[2].step_id


async def test_the_parts_of_a_new_attempt_have_places_and_ids_of_their_own() -> None:
    model = Model((*SHOWN, AWAY), (*SHOWN, AWAY), WHOLE)

    parts = list(only(await asked(model), events.PartStarted))

    assert [part.index for part in parts] == [7, 8, 9]
    assert len({part.part_id for part in parts}) == 3


@pytest.mark.parametrize(
    "error",
    [
        ProviderRejected("No."),
        ProviderContextExceeded("Too long."),
        ProviderError("?"),
    ],
)
async def test_a_refusal_is_final(error: ProviderError) -> None:
    model = Model((error,), WHOLE)

    found, raised = await failed(model)

    assert raised is error
    assert list(only(found, events.StepVoided)) == []
    assert model.attempts == [WHOLE]


async def test_the_number_of_tries_is_bounded_and_the_last_one_stays() -> None:
    model = Model(*[(*SHOWN, AWAY)] * 4, WHOLE)

    found, raised = await failed(model)

    assert raised is AWAY
    assert len(list(only(found, events.StepStarted))) == 4
    assert len(list(only(found, events.StepVoided))) == 3
    assert model.attempts == [WHOLE]


async def test_a_stream_that_ends_without_a_finish_is_asked_again() -> None:
    model = Model(WHOLE[:-1], WHOLE)

    found = await asked(model)

    assert next(only(found, events.StepVoided)).error_code == "provider_unavailable"
    assert len(list(only(found, events.StepFinished))) == 1


async def test_where_nothing_is_taken_back_only_silence_is_asked_again() -> None:
    keeping = replace(Retries(), takes_back=False)
    silent, shown = Model((AWAY,), WHOLE), Model((*SHOWN, AWAY), WHOLE)

    found = await asked(silent, retries=keeping)
    _, raised = await failed(shown, retries=keeping)

    assert len(list(only(found, events.StepVoided))) == 1
    assert raised is AWAY


async def test_the_pauses_grow_and_are_not_the_same_for_all() -> None:
    tries = Retries(tries=9, first=1.0, longest=4.0)
    model = Model(*[(AWAY,)] * 8, WHOLE)

    await asked(model, retries=tries)

    longest = [1, 2, 4, 4, 4, 4, 4, 4]
    assert all(
        most / 2 <= pause <= most
        for pause, most in zip(model.pauses, longest, strict=True)
    )
    assert len(set(model.pauses)) == 8


async def test_a_provider_that_names_its_pause_gets_it() -> None:
    model = Model((ProviderRateLimited("Wait.", retry_after=17.0),), WHOLE)
    began = datetime.now(UTC)

    found = await asked(model)

    assert 17.0 < model.pauses[0] <= 18.0
    voided = next(only(found, events.StepVoided))
    assert voided.error_code == "provider_rate_limited"
    assert voided.retry_at >= began + timedelta(seconds=17)


async def test_a_pause_that_nobody_would_wait_for_ends_the_run() -> None:
    error = ProviderRateLimited("Tomorrow.", retry_after=86_400.0)
    model = Model((error,), WHOLE)

    _, raised = await failed(model)

    assert raised is error
    assert model.pauses == []


async def test_attempts_go_on_where_another_process_has_left_off() -> None:
    found = await asked(Model((AWAY,), WHOLE), attempt=3)

    assert [event.attempt for event in only(found, events.StepStarted)] == [3, 4]


@given(st.integers(1, 50), st.floats(0, 120) | st.none(), st.booleans())
def test_a_pause_is_bounded(tried: int, wish: float | None, has_shown: bool) -> None:
    retries = Retries(tries=100)
    pause = retries.pause(
        ProviderUnavailable("", retry_after=wish), tried, has_shown=has_shown
    )

    assert pause is not None
    assert (wish or 0) < pause <= (wish or 0) + retries.longest


def test_pauses_double() -> None:
    retries = Retries(first=1.0, longest=64.0, tries=100)
    most = [
        max(retries.pause(AWAY, tried, has_shown=False) or 0 for _ in range(200))
        for tried in range(1, 7)
    ]

    assert all(later > earlier * 1.5 for earlier, later in pairwise(most))
