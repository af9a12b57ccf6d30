"""Everything that can be asked of runs, and all who carry and follow them, in any order.

A Hypothesis state machine over the app's own functions, on a real database, with a clock that the
machine turns. Its rules say what must come of each thing; ``World`` says what must always hold:

- the log is 1..N without holes, and no row of it ever changes; what is shown is committed;
- a thread has one active run; an ended one has nothing open, and nothing follows its end;
- only the holder of (run, attempt) writes for it, each batch once;
- a call has one result at most, and exactly one before the model is told of it; a tool that must run
  once is begun once; one that needs an approval is never begun without it;
- an interrupt is answered once, its answer never changes, and several are answered all or none; a run
  that waits has something open, and nothing in it that could run;
- a snapshot is what the events tell; a cursor gets exactly the rest, or a reset.

``CHATKIT_HYPOTHESIS=long`` asks for many more examples.
"""

from __future__ import annotations

import os

import pytest
from django.db import connection
from hypothesis import HealthCheck, Phase
from hypothesis import settings as profile
from hypothesis.stateful import initialize, run_state_machine_as_test
from hypothesis.strategies import booleans, integers, sampled_from, tuples
from pytest_django import Settings

from tests.properties.asking import Asking
from tests.properties.carrying import OWNERS, STEPS, Carrying
from tests.properties.resolving import Resolving
from tests.properties.watching import Watching
from tests.properties.world import HELD

# Making a failure small takes minutes: whoever only asks whether there is one says "unshrunk".
SHRINKS = os.environ.get("CHATKIT_HYPOTHESIS") != "unshrunk"
LONG = os.environ.get("CHATKIT_HYPOTHESIS") == "long"
# A server's statements take longer, and what they have of their own is not this machine's to find.
QUICK = 200 if connection.vendor == "sqlite" else 30
EXAMPLES = 5000 if LONG else QUICK
LENGTH = 50 if LONG else 25


class Machine(Asking, Resolving, Carrying, Watching):
    """All rules together."""

    @initialize(
        broken_step=sampled_from(["void", "void", "keep"]),
        steps=tuples(sampled_from(STEPS), sampled_from(STEPS)),
        times=tuples(integers(0, 4), integers(0, 4)),
        is_whole=booleans(),
    )
    def begin_somewhere(
        self,
        broken_step: str,
        steps: tuple[tuple[str, ...], ...],
        times: tuple[int, ...],
        is_whole: bool,
    ) -> None:
        self.begin(broken_step)
        for place, step, count in zip(self.places, steps, times, strict=True):
            for run in place.story.active * count:
                if run.status in ("queued", *HELD):
                    self.next(run, OWNERS[0], step, is_whole=is_whole)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("recorded")
@pytest.mark.timeout(14400 if LONG else 900)
def test_whatever_is_done_in_whatever_order_the_promises_hold(
    settings: Settings,
) -> None:
    settings.CHATKIT_MESSAGES_PER_MINUTE = 100_000
    settings.CHATKIT_VISITOR_MESSAGES_PER_MINUTE = 100_000
    settings.CHATKIT_ACTIVE_RUNS_PER_VIEWER = 100
    run_state_machine_as_test(
        Machine,
        settings=profile(
            max_examples=EXAMPLES,
            stateful_step_count=LENGTH,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[phase for phase in Phase if phase is not Phase.shrink or SHRINKS],
            report_multiple_bugs=False,
        ),
    )
