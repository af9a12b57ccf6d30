from __future__ import annotations

import functools
from typing import Any

import pytest
from pydantic import BaseModel

from chatkit_app.engine.states import Effect
from chatkit_app.engine.tools import tool, tool_definition


class Size(BaseModel):
    centimetres: int


def rule(given: Any, user: Any, context: Any) -> bool:
    return True


class Rule:
    def __call__(self, given: Any, user: Any, context: Any) -> bool:
        return True


def refund(number: str) -> str:
    """Pay it back."""
    return number


LONG = "Size" + "x" * 61


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"approved_by": "shop.approve_refund"}, "write needs_approval=True"),
        ({"needs_approval": "yes"}, "needs_approval is 'yes'"),
        ({"needs_approval": None}, "needs_approval is None"),
        ({"needs_approval": lambda given: True}, "(input, user, context)"),
        ({"needs_approval": lambda *, given, user, context: True}, "three arguments"),
        ({"patience": float("inf")}, "patience is inf"),
        ({"patience": 0}, "patience is 0"),
        ({"deadline": float("nan")}, "deadline is nan"),
        ({"deadline": None}, "deadline is None"),
        ({"timeout": -1}, "timeout is -1"),
        ({"timeout": "60"}, "timeout is '60'"),
        ({"timeout": True}, "timeout is True"),
        ({"permission": "change_order"}, "permission is 'change_order'"),
        ({"permission": "shop."}, "permission is 'shop.'"),
        ({"permission": ".change"}, "permission is '.change'"),
        ({"permission": "shop. x"}, "permission is 'shop. x'"),
        ({"permission": 7}, "permission is 7"),
        (
            {"approved_by": "refunds", "needs_approval": True},
            "approved_by is 'refunds'",
        ),
        (
            {"approved_by": rule, "needs_approval": True},
            "approved_by is <function rule",
        ),
        ({"questions": [Size, type("Size", (BaseModel,), {})]}, "2 of the name Size"),
        ({"questions": [type(LONG, (BaseModel,), {})]}, LONG),
    ],
)
def test_an_option_that_means_nothing_is_refused_where_it_is_written(
    options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=r"^refund: ") as refused:
        tool(effect="read", **options)(refund)
    with pytest.raises(ValueError, match=r"^refund: "):
        tool_definition(name="refund", description="", **options)

    assert words in str(refused.value)


def test_all_that_is_wrong_with_a_tool_is_told_at_once() -> None:
    with pytest.raises(ValueError, match=r"asks nobody.*timeout is -1.*patience is 0"):
        tool(approved_by="shop.approve_refund", patience=0, timeout=-1)(refund)


@pytest.mark.parametrize(
    "needs_approval",
    [True, False, rule, Rule(), functools.partial(lambda *_: True), lambda *_: True],
)
def test_what_decides_about_an_approval_is_a_bool_or_takes_three_arguments(
    needs_approval: Any,
) -> None:
    made = tool(needs_approval=needs_approval, approved_by="shop.approve_refund")(
        refund
    )

    assert made.definition.needs_approval is needs_approval


def test_a_question_may_have_a_name_of_64_characters() -> None:
    kind = type(LONG[:64], (BaseModel,), {})

    assert tool(effect="read", questions=[kind])(refund).definition.questions == (kind,)


def test_options_written_once_hold_for_each_function_that_they_decorate() -> None:
    reading = tool(effect="read", deadline=5, questions=[Size])

    made = [reading(refund), reading(refund)]

    for each in made:
        assert each.effect is Effect.READ
        assert each.definition.deadline == 5
        assert each.definition.questions == (Size,)
