"""What customers do with their orders: cancel, have money back, choose a delivery, get a statement."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from project.shop.models import Order, OrderStatus, Refund, Statement

OPEN = (OrderStatus.PLACED, OrderStatus.PACKED)
"""Orders that have not left the house."""

GOES_AT_ONCE = Decimal(20)
"""Euros of an order that are given back without asking anybody, all its refunds together."""

NOT_LOGGED_IN = "Not logged in. Orders are told to their customers alone."


SUNDAY = 6
"""By ``date.weekday``: nobody delivers then."""


class OrderError(Exception):
    """It can't be done with this order; the text is for the customer."""


def own(customer: Any, number: str, *, is_locked: bool = False) -> Order:
    """The customer's order. A foreign number is as good as a missing one.

    ``customer`` is the site's user, None for a visitor (Any: as in ``ToolContext.user``).

    Raises:
        OrderError: There is none, or nobody has logged in.
    """
    if customer is None:
        raise OrderError(NOT_LOGGED_IN)
    rows = Order.objects.select_for_update() if is_locked else Order.objects
    order = rows.filter(customer=customer, number=int(number.lstrip("#"))).first()
    if order is None:
        raise OrderError("There is no order of this number in this account.")
    return order


def check_open(order: Order) -> None:
    """Can it still be changed?

    Raises:
        OrderError: No more.
    """
    if order.status not in OPEN:
        raise OrderError(
            f"{order} is {order.get_status_display().lower()}: nothing of it can be changed."
        )


@transaction.atomic
def cancel(customer: Any, number: str) -> Order:
    """Cancel it; one that is cancelled stays so.

    Raises:
        OrderError: It is not theirs, or has left the house.
    """
    order = own(customer, number, is_locked=True)
    if order.status != OrderStatus.CANCELLED:
        check_open(order)
        order.status = OrderStatus.CANCELLED
        order.save(update_fields=["status"])
    return order


def check_refund(order: Order, amount: Decimal) -> None:
    """Can so much of it be given back?

    Raises:
        OrderError: It can't; at most what was paid, and nothing before it has left the house.
    """
    if order.status in OPEN:
        raise OrderError(f"{order} is not shipped yet. It can be cancelled instead.")
    if order.status == OrderStatus.CANCELLED:
        raise OrderError(f"{order} was cancelled: there is nothing to give back.")
    left = order.total - order.refunded
    if amount > left:
        raise OrderError(
            f"Of order {order.number} at most €{left:.2f} can be refunded."
        )


def goes_at_once(order: Order, amount: Decimal) -> bool:
    """Small sums need nobody's word; many small ones are a large one."""
    return order.refunded + amount <= GOES_AT_ONCE


@transaction.atomic
def refund(
    customer: Any, number: str, amount: Decimal, reason: str, *, call: UUID
) -> Refund:
    """Note that so much is given back. The same ``call`` again is the same refund.

    Raises:
        OrderError: The order is not theirs, or not so much of it can be given back.
    """
    order = own(customer, number, is_locked=True)
    made = order.refunds.filter(call=call).first()
    if made is None:
        check_refund(order, amount)
        made = order.refunds.create(amount=amount, reason=reason[:200], call=call)
    return made


@transaction.atomic
def deliver(
    customer: Any, number: str, *, street: str, town: str, day: date, time: str
) -> Order:
    """Let it come to this address on this day.

    Raises:
        OrderError: It is not theirs, or has left the house.
    """
    order = own(customer, number, is_locked=True)
    check_open(order)
    order.street, order.town, order.delivery_time = street, town, time
    order.expected_on = day
    order.save(update_fields=["street", "town", "delivery_time", "expected_on"])
    return order


def delivery_day(day: date) -> date:
    """This day, or the next one on which somebody delivers."""
    return day + timedelta(days=1) if day.weekday() == SUNDAY else day


def of_year(customer: Any, year: int) -> list[Order]:
    """The customer's orders of a year, the oldest first."""
    rows = Order.objects.filter(customer=customer, placed_on__year=year)
    return list(rows.order_by("number").prefetch_related("lines", "refunds"))


def write_statement(customer: Any, year: int) -> Statement:
    """Keep a statement of the year's orders, in place of an earlier one."""
    made, _ = Statement.objects.update_or_create(
        customer=customer, year=year, defaults={"text": _table(of_year(customer, year))}
    )
    return made


def _table(orders: list[Order]) -> str:
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(["order", "placed on", "status", "total", "refunded"])
    for order in orders:
        status = order.get_status_display()
        sums = [f"{order.total:.2f}", f"{order.refunded:.2f}"]
        table.writerow([order.number, order.placed_on, status, *sums])
    return text.getvalue()


def this_year() -> int:
    """The year by the shop's clock."""
    return timezone.localdate().year
