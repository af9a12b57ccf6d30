"""Plans by chance: they survive their own text, and every fault has one."""

from __future__ import annotations

import pytest

from tests.faults.plan import PROVIDER_FAULTS, Plan, draw_plan
from tests.faults.telling import chance


@pytest.mark.parametrize("fault", ["", *PROVIDER_FAULTS])
def test_a_plan_is_read_back_from_its_message(fault: str) -> None:
    random = chance()
    for number in range(50):
        plan = draw_plan(f"r{number}", random, fault)

        assert Plan.read(plan.text) == plan
        assert plan.faults == ([fault] if fault else [])
        assert all(step.calls for step in plan.steps[:-1])
        assert not plan.steps[-1].calls


def test_other_text_is_no_plan() -> None:
    assert Plan.read("Hello") is None
