"""What the assistant can do with orders; some of it asks somebody first, or in the middle."""

from __future__ import annotations

import calendar
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any

from django.conf import settings
from django.utils import timezone
from pydantic import BaseModel, Field

from chatkit_app.engine.approvals import Allow, Ask, Deny, Verdict
from chatkit_app.engine.tools import ToolContext, tool
from chatkit_app.exceptions import ToolError
from project.shop import orders
from project.shop.forms import DeliveryForm
from project.shop.models import Order, OrderStatus
from project.shop.orders import OrderError

OrderNumber = Annotated[
    str,
    Field(
        pattern=r"^#?[0-9]{1,9}$",
        description="The order's number, such as 1042.",
    ),
]

APPROVES_REFUNDS = "shop.approve_refund"
"""Who lets large sums go."""

STATEMENT_SECONDS = 24.0 * getattr(settings, "SHOP_PACE", 1.0)
"""What writing a statement takes. Simulated: reading a few orders takes no time at all."""

LOOKS_UP_SECONDS = 0.25
"""How often simulated work asks whether anybody still waits for it."""


@contextmanager
def _told() -> Iterator[None]:
    """What is wrong with an order is told to the model."""
    try:
        yield
    except OrderError as error:
        raise ToolError(str(error)) from error


class FoundOrder(BaseModel):
    """An order, as the model reads it."""

    number: int
    status: str
    placed_on: date
    expected_on: date | None
    total: Decimal = Field(description="In euros.")
    refunded: Decimal = Field(description="In euros.")
    lines: list[str]
    deliver_to: str


def _found(order: Order) -> FoundOrder:
    is_off = order.status == OrderStatus.CANCELLED
    return FoundOrder(
        number=order.number,
        status=order.get_status_display(),
        placed_on=order.placed_on,
        expected_on=None if is_off else order.expected_on,
        total=order.total,
        refunded=order.refunded,
        lines=_lines(order),
        deliver_to=", ".join(filter(None, [order.street, order.town])),
    )


def _lines(order: Order) -> list[str]:
    return [str(line) for line in order.lines.select_related("product")]


@tool(effect="read")
def order_status(context: ToolContext, number: OrderNumber) -> FoundOrder:
    """Tell how far an order of the visitor is."""
    with _told():
        return _found(orders.own(context.user, number))


# --- approved by the visitor ---------------------------------------------------------------


def cancel_rule(given: Any, user: Any, _context: ToolContext) -> Verdict:
    """The customer is asked, unless it can't be done anyway."""
    try:
        order = orders.own(user, given.number)
        orders.check_open(order)
    except OrderError as error:
        return Deny(str(error))
    lines = ", ".join(_lines(order))
    return Ask(f"Cancel order {order.number} ({lines}, €{order.total:.2f})?")


@tool(effect="idempotent", needs_approval=cancel_rule)
def cancel_order(context: ToolContext, number: OrderNumber) -> FoundOrder:
    """Cancel an order of the visitor that is not shipped yet. They are asked to approve it."""
    with _told():
        return _found(orders.cancel(context.user, number))


# --- approved by the staff -----------------------------------------------------------------


class MadeRefund(BaseModel):
    """What was given back."""

    number: int
    amount: Decimal = Field(description="In euros.")
    refunded: Decimal = Field(description="Of the whole order by now, in euros.")
    note: str = "Simulated: the sum is noted, no money moves."


Euros = Annotated[float, Field(gt=0, le=100_000, description="How much, in euros.")]
Reason = Annotated[str, Field(min_length=1, max_length=200)]


def _cents(amount: float) -> Decimal:
    return Decimal(str(amount)).quantize(Decimal("0.01"))


def refund_rule(given: Any, user: Any, _context: ToolContext) -> Verdict:
    """Small sums go at once, larger ones when the staff say so, more than was paid never."""
    amount = _cents(given.amount)
    try:
        order = orders.own(user, given.number)
        orders.check_refund(order, amount)
    except OrderError as error:
        return Deny(str(error))
    if orders.goes_at_once(order, amount):
        return Allow()
    name = order.customer.get_short_name() or order.customer.get_username()
    return Ask(
        f"Refund {name} €{amount} of the €{order.total:.2f} of order {order.number}?"
    )


@tool(
    effect="idempotent",
    needs_approval=refund_rule,
    approved_by=APPROVES_REFUNDS,
)
def refund_order(
    context: ToolContext, number: OrderNumber, amount: Euros, reason: Reason
) -> MadeRefund:
    """Give money back for a shipped or delivered order of the visitor (simulated: it is noted).

    Up to 20 euros of an order go at once; above that somebody of the staff has to approve it.
    """
    call = context.tool_call_id
    with _told():
        made = orders.refund(context.user, number, _cents(amount), reason, call=call)
    return MadeRefund(
        number=made.order.number, amount=made.amount, refunded=made.order.refunded
    )


# --- asks in the middle --------------------------------------------------------------------


class ChosenDelivery(BaseModel):
    """Where and when the order comes; as before where the visitor did not want to choose."""

    number: int
    is_changed: bool
    deliver_to: str
    expected_on: date | None
    time: str


@tool(effect="idempotent", questions=[DeliveryForm])
def change_delivery(context: ToolContext, number: OrderNumber) -> ChosenDelivery:
    """Change where and when an order of the visitor comes. It asks them for both in a form."""
    with _told():
        order = orders.own(context.user, number)
        orders.check_open(order)
        wanted = context.ask(
            DeliveryForm,
            f"Where and when shall order {order.number} come?",
            initial=_delivery_of(order),
        )
        if wanted is not None:
            order = orders.deliver(context.user, number, **wanted)
    return ChosenDelivery(
        number=order.number,
        is_changed=wanted is not None,
        deliver_to=_found(order).deliver_to,
        expected_on=order.expected_on,
        time=order.get_delivery_time_display(),
    )


def _delivery_of(order: Order) -> dict[str, Any]:
    tomorrow = timezone.localdate() + timedelta(days=1)
    day = orders.delivery_day(max(order.expected_on or tomorrow, tomorrow))
    return {
        "street": order.street,
        "town": order.town,
        "day": day.isoformat(),
        "time": order.delivery_time,
    }


# --- outlives the run ----------------------------------------------------------------------


class MadeStatement(BaseModel):
    """A statement that can be downloaded."""

    year: int
    orders: int
    total: Decimal = Field(description="Without what was cancelled, in euros.")
    refunded: Decimal = Field(description="In euros.")
    path: str = Field(description="Its address on this site.")


@tool(background=True, effect="idempotent", deadline=600.0)
def yearly_statement(
    context: ToolContext,
    year: Annotated[int, Field(ge=2000, le=2100)] | None = None,
) -> MadeStatement:
    """Write a statement of all orders of a year, for download.

    It takes half a minute (simulated work) and goes on in the background.

    Args:
        year: This year, unless it says otherwise.
    """
    if context.user is None:
        raise ToolError(orders.NOT_LOGGED_IN)
    year = year or orders.this_year()
    for month in range(1, 13):
        name = calendar.month_name[month]
        context.progress(
            (month - 1) / 12, f"Reading the orders of {name} {year} (simulated)"
        )
        _work(context, STATEMENT_SECONDS / 12)
    found = orders.of_year(context.user, year)
    made = orders.write_statement(context.user, year)
    bought = [order for order in found if order.status != OrderStatus.CANCELLED]
    return MadeStatement(
        year=year,
        orders=len(found),
        total=sum((order.total for order in bought), Decimal(0)),
        refunded=sum((order.refunded for order in found), Decimal(0)),
        path=made.get_absolute_url(),
    )


def _work(context: ToolContext, seconds: float) -> None:
    """Spend time, as long as anybody waits for it."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        context.check_cancelled()
        time.sleep(min(left, LOOKS_UP_SECONDS))
