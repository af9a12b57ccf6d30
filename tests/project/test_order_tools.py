from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from pydantic import ValidationError

from chatkit_app.engine.approvals import Allow, Ask, Deny, Verdict
from chatkit_app.engine.context import Answered, Suspended
from chatkit_app.engine.tools import ServerTool
from chatkit_app.exceptions import ToolCancelled, ToolError
from project.shop import order_tools
from project.shop.forms import DeliveryForm
from project.shop.models import Order, OrderStatus, Refund, Statement
from tests.project.conftest import Run, call_with, context_of


def words(run: Run, *asked: Any, **arguments: object) -> str:
    with pytest.raises(ToolError) as refused:
        run(*asked, **arguments)
    return str(refused.value)


def verdict(tool: ServerTool, user: User | None, **arguments: object) -> Verdict:
    """What the tool's rule says of a call."""
    definition = tool.definition
    value = definition.input.validate_python(arguments)
    found: Verdict = definition.needs_approval(value, user, context_of(user))  # type: ignore[operator, assignment]  # a sync rule
    return found


# --- looking up ----------------------------------------------------------------------------


def test_customers_are_told_their_own_orders(run: Run, ada: User) -> None:
    order: Any = run(order_tools.order_status, ada, number="1042")

    assert (order["number"], order["status"]) == (1042, "Shipped")
    assert order["lines"] == ["1 × Clay teapot", "4 × Stoneware mug"]
    assert order["total"] == "120.00"


ALL = [
    (order_tools.order_status, {}),
    (order_tools.cancel_order, {}),
    (order_tools.change_delivery, {}),
    (order_tools.refund_order, {"amount": 5, "reason": "torn"}),
]


@pytest.mark.parametrize(("tool", "more"), ALL)
def test_a_foreign_order_is_as_good_as_a_missing_one(
    run: Run, ada: User, tool: ServerTool, more: dict[str, object]
) -> None:
    foreign = words(run, tool, ada, number="1043", **more)
    missing = words(run, tool, ada, number="9999", **more)

    assert foreign == missing


@pytest.mark.parametrize(("tool", "more"), ALL)
def test_nobody_is_told_an_order_without_logging_in(
    run: Run, tool: ServerTool, more: dict[str, object]
) -> None:
    assert words(run, tool, None, number="1042", **more).startswith("Not logged in.")


@pytest.mark.parametrize(
    "number", ["", "1042; drop", "1" * 10, "-1", "\uff11\uff10\uff14\uff12"]
)
def test_an_order_number_that_is_none_is_refused_before_the_tool_runs(
    run: Run, ada: User, number: str
) -> None:
    with pytest.raises(ValidationError):
        run(order_tools.order_status, ada, number=number)


# --- cancelling ----------------------------------------------------------------------------


def test_customers_are_asked_before_their_order_is_cancelled(ada: User) -> None:
    said = verdict(order_tools.cancel_order, ada, number="1045")

    assert said == Ask("Cancel order 1045 (2 × Linen cushion, €84.00)?")


@pytest.mark.parametrize("number", ["1042", "1043", "9999"])
def test_nobody_is_asked_for_what_can_not_be_cancelled(ada: User, number: str) -> None:
    assert isinstance(verdict(order_tools.cancel_order, ada, number=number), Deny)


def test_an_order_is_cancelled_and_stays_so(run: Run, ada: User) -> None:
    run(order_tools.cancel_order, ada, number="1045")

    order: Any = run(order_tools.cancel_order, ada, number="1045")

    assert (order["status"], order["expected_on"]) == ("Cancelled", None)
    assert Order.objects.get(number=1045).status == OrderStatus.CANCELLED


def test_what_was_changed_to_a_shipped_order_is_refused(run: Run, ada: User) -> None:
    """Whoever approves may edit the number: the tool itself looks again."""
    assert "is shipped" in words(run, order_tools.cancel_order, ada, number="1042")
    assert Order.objects.get(number=1042).status == OrderStatus.SHIPPED


# --- refunds -------------------------------------------------------------------------------


def refund_verdict(user: User, amount: float, number: str = "1042") -> Verdict:
    return verdict(
        order_tools.refund_order, user, number=number, amount=amount, reason="torn"
    )


@pytest.mark.parametrize("amount", [0.01, 20])
def test_small_sums_go_at_once(ada: User, amount: float) -> None:
    assert refund_verdict(ada, amount) == Allow()


def test_large_sums_wait_for_the_staff(ada: User) -> None:
    said = refund_verdict(ada, 60)

    assert said == Ask("Refund Ada €60.00 of the €120.00 of order 1042?")
    assert order_tools.refund_order.definition.approved_by == "shop.approve_refund"


def test_many_small_sums_are_a_large_one(run: Run, ada: User) -> None:
    run(order_tools.refund_order, ada, number="1042", amount=15, reason="torn")

    assert isinstance(refund_verdict(ada, 15), Ask)


@pytest.mark.parametrize(
    ("number", "amount"), [("1042", 120.01), ("1045", 5), ("1043", 5)]
)
def test_what_was_not_paid_is_never_given_back(
    ada: User, number: str, amount: float
) -> None:
    assert isinstance(refund_verdict(ada, amount, number), Deny)


def test_a_refund_of_a_cancelled_order_is_refused(run: Run, ada: User) -> None:
    run(order_tools.cancel_order, ada, number="1045")

    assert isinstance(refund_verdict(ada, 5, "1045"), Deny)


def test_an_edited_sum_is_looked_at_again(run: Run, ada: User) -> None:
    said = words(
        run, order_tools.refund_order, ada, number="1042", amount=500, reason="torn"
    )

    assert said == "Of order 1042 at most €120.00 can be refunded."
    assert not Refund.objects.exists()


def test_a_call_that_is_repeated_refunds_once(ada: User) -> None:
    context = context_of(ada, tool_call_id=uuid4())
    refund = {"number": "1042", "amount": 110, "reason": "torn"}
    call_with(context, order_tools.refund_order, **refund)

    made: Any = call_with(context, order_tools.refund_order, **refund)

    assert made["refunded"] == "110.00"
    assert [refund.amount for refund in Refund.objects.all()] == [Decimal(110)]


@pytest.mark.parametrize(
    ("username", "may"), [("kim", True), ("admin", True), ("ada", False)]
)
def test_the_staff_of_the_demo_may_approve_refunds(
    shop: None, username: str, may: bool
) -> None:
    user = User.objects.get(username=username)

    assert user.has_perm(order_tools.APPROVES_REFUNDS) is may


# --- deliveries ----------------------------------------------------------------------------


def next_day(weekday: int) -> date:
    """The next such day that is not today; 6 is Sunday."""
    day = date.today() + timedelta(days=1)  # noqa: DTZ011 (the tests' time zone is the machine's)
    while day.weekday() != weekday:
        day += timedelta(days=1)
    return day


def delivery(day: date, **more: str) -> dict[str, str]:
    chosen = {"street": "Elm Street 3", "town": "Bath", "time": "evening"}
    return {**chosen, "day": day.isoformat(), **more}


def test_the_visitor_is_asked_with_what_is_known(ada: User) -> None:
    with pytest.raises(Suspended) as left:
        call_with(context_of(ada), order_tools.change_delivery, number="1046")

    initial: Any = left.value.asked.initial
    assert (initial["street"], initial["time"]) == ("Rose Lane 4", "morning")
    form = DeliveryForm(initial=initial)
    assert form.as_p()


def test_an_order_comes_where_and_when_it_was_chosen(ada: User) -> None:
    day = next_day(2)
    form = DeliveryForm(delivery(day))
    assert form.is_valid()
    read = Answered(question="DeliveryForm", is_read=True, value=form.cleaned_data)
    answers = {"DeliveryForm": read}

    chosen: Any = call_with(
        context_of(ada, answers=answers), order_tools.change_delivery, number="1046"
    )

    assert chosen["is_changed"]
    order = Order.objects.get(number=1046)
    assert (order.street, order.expected_on) == ("Elm Street 3", day)
    assert order.get_delivery_time_display() == "In the evening"


def test_who_skips_the_form_gets_the_order_as_before(ada: User) -> None:
    before = Order.objects.get(number=1046)
    answers = {"DeliveryForm": Answered(is_skipped=True)}

    chosen: Any = call_with(
        context_of(ada, answers=answers), order_tools.change_delivery, number="1046"
    )

    assert not chosen["is_changed"]
    assert Order.objects.get(number=1046).expected_on == before.expected_on


def test_nobody_is_asked_about_an_order_that_has_left(run: Run, ada: User) -> None:
    assert "is shipped" in words(run, order_tools.change_delivery, ada, number="1042")


def test_what_the_form_begins_with_is_a_day_on_which_somebody_delivers(
    ada: User,
) -> None:
    Order.objects.filter(number=1046).update(expected_on=next_day(6))

    with pytest.raises(Suspended) as left:
        call_with(context_of(ada), order_tools.change_delivery, number="1046")

    initial: Any = left.value.asked.initial
    assert DeliveryForm(initial).is_valid()


@pytest.mark.parametrize(
    ("day", "problem"),
    [
        (date(2020, 1, 1), "too early"),
        (date.today(), "too early"),  # noqa: DTZ011 (as above)
        (next_day(6), "Sunday"),
        (next_day(2) + timedelta(days=70), "too far ahead"),
    ],
)
def test_a_day_on_which_nobody_comes_is_refused(day: date, problem: str) -> None:
    form = DeliveryForm(delivery(day))

    assert problem in form.errors["day"][0]
    assert list(form.errors) == ["day"]


# --- statements ----------------------------------------------------------------------------


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_tools, "STATEMENT_SECONDS", 0)


def test_a_statement_is_written_once_for_each_year(
    run: Run, ada: User, at_once: None
) -> None:
    year = Order.objects.get(number=1042).placed_on.year
    run(order_tools.yearly_statement, ada, year=year)

    made: Any = run(order_tools.yearly_statement, ada, year=year)

    assert made["path"] == f"/statements/{year}/"
    kept = Statement.objects.get(customer=ada)
    assert "1042," in kept.text
    assert "1043," not in kept.text


def test_what_was_cancelled_is_not_in_the_sum(
    run: Run, ada: User, at_once: None
) -> None:
    year = Order.objects.get(number=1045).placed_on.year
    before: Any = run(order_tools.yearly_statement, ada, year=year)
    run(order_tools.cancel_order, ada, number="1045")

    after: Any = run(order_tools.yearly_statement, ada, year=year)

    assert Decimal(before["total"]) - Decimal(after["total"]) == 84
    assert before["orders"] == after["orders"]


def test_a_visitor_gets_no_statement(run: Run, at_once: None) -> None:
    assert words(run, order_tools.yearly_statement, None).startswith("Not logged in.")


def test_a_statement_for_which_nobody_waits_is_not_written(ada: User) -> None:
    context = context_of(ada, cancelled=lambda: True)

    with pytest.raises(ToolCancelled):
        call_with(context, order_tools.yearly_statement)

    assert not Statement.objects.exists()
