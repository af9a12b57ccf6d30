"""What the scripted provider can do with orders: as wishes.py, most of it asks somebody."""

from __future__ import annotations

from chatkit_app.providers.scripted import Call
from project.shop.order_tools import (
    ChosenDelivery,
    FoundOrder,
    MadeRefund,
    MadeStatement,
)
from project.shop.wishes import Asked, Wish

AS_YOU_ASKED = "as you have asked the assistant"
"""The reason of a refund for which none was said."""


def order(number: str) -> Wish:
    """Tell how far an order is."""

    def wish(asked: Asked) -> str:
        found = asked.ask(Call("order_status", {"number": number}), FoundOrder)
        lines = ", ".join(found.lines)
        when = (
            f" It is expected on {found.expected_on:%d %B}."
            if found.expected_on and found.status != "Delivered"
            else ""
        )
        back = f" €{found.refunded} of it were refunded." if found.refunded else ""
        status = f"Order **{found.number}** is **{found.status.lower()}**"
        return f"{status}: {lines}.{when}{back}"

    return wish


def cancel(number: str) -> Wish:
    """Cancel an order, when the visitor approves it."""

    def wish(asked: Asked) -> str:
        found = asked.ask(Call("cancel_order", {"number": number}), FoundOrder)
        return f"Order **{found.number}** is cancelled: {', '.join(found.lines)}."

    return wish


def refund(number: str, amount: float, reason: str) -> Wish:
    """Give money back, when the staff approve it."""
    arguments = {"number": number, "amount": amount, "reason": reason or AS_YOU_ASKED}

    def wish(asked: Asked) -> str:
        made = asked.ask(Call("refund_order", arguments), MadeRefund)
        more = f", €{made.refunded} by now" if made.refunded > made.amount else ""
        return (
            f"**€{made.amount}** of order {made.number} are refunded{more}. (This is a demo: the "
            "sum is noted, no money moves.)"
        )

    return wish


def change_delivery(number: str) -> Wish:
    """Choose where and when an order comes; the tool asks."""

    def wish(asked: Asked) -> str:
        call = Call("change_delivery", {"number": number})
        chosen = asked.ask(call, ChosenDelivery)
        when = (
            f"on {chosen.expected_on:%A, %d %B}" if chosen.expected_on else "some day"
        )
        if not chosen.is_changed:
            return f"All right, order {chosen.number} comes as before, {when}."
        return (
            f"Order **{chosen.number}** comes **{when}**, {chosen.time.lower()}, to "
            f"{chosen.deliver_to}."
        )

    return wish


def statement(year: int | None) -> Wish:
    """Let a statement be written, in the background."""
    arguments = {"year": year} if year else {}

    def wish(asked: Asked) -> str:
        made = asked.ask(Call("yearly_statement", arguments), MadeStatement)
        back = f", of which €{made.refunded} were refunded" if made.refunded else ""
        return (
            f"Your statement for **{made.year}** is written: {made.orders} orders, "
            f"€{made.total}{back}. It can be downloaded on the page of your orders."
        )

    return wish


def ask_for_number(_asked: Asked) -> str:
    """What is said of orders without the number of one."""
    return (
        "Of which order? Please say its number, and for a refund how many euros: for example "
        "*cancel order 1045*, or *refund €15 of order 1042*."
    )
