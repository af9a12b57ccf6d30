"""The test site's tools that somebody has to approve, that ask, and that not everybody may use."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django import forms
from pydantic import BaseModel, Field

from chatkit_app.engine.approvals import Ask, Deny
from chatkit_app.engine.context import ToolContext
from chatkit_app.engine.tools import tool
from tests.ledger import ledger


class Size(BaseModel):
    """Which size of shirt."""

    size: Literal["S", "M", "L"] = Field(description="As on the label.")


class AddressForm(forms.Form):
    """Where to send it."""

    street = forms.CharField(max_length=50)
    country = forms.ChoiceField(choices=[("DE", "Germany"), ("FR", "France")])
    express = forms.BooleanField(required=False)


def refund_rule(given: Any, user: object, context: ToolContext) -> bool | Ask | Deny:
    """Small sums go, large ones don't, and what is between somebody has to approve."""
    if given.amount > 1000:
        return Deny("Nobody refunds that much.")
    return Ask(f"Refund {given.amount:g} euros?") if given.amount > 50 else False


@tool(needs_approval=refund_rule)
def refund(
    context: ToolContext, amount: Annotated[float, Field(ge=0)], note: str = ""
) -> str:
    """Give money back."""
    ledger(f"refund {context.tool_call_id}")
    return f"refunded {amount:g}"


@tool(needs_approval=True, approved_by="auth.change_group")
def staff_refund(context: ToolContext, amount: float) -> str:
    """Give money back, when somebody of the staff agrees."""
    ledger(f"staff_refund {context.tool_call_id}")
    return f"refunded {amount:g}"


@tool(needs_approval=True, patience=1.0)
def hasty_refund(context: ToolContext, amount: float) -> str:
    """Give money back, if somebody agrees at once."""
    ledger(f"hasty_refund {context.tool_call_id}")
    return f"refunded {amount:g}"


@tool(permission="auth.change_group")
def close_shop() -> str:
    """Close the shop: not for everybody."""
    return "closed"


@tool(permission="auth.change_group", needs_approval=True)
def close_shop_if_agreed() -> str:
    """Close the shop: not for everybody, and not at once."""
    return "closed"


@tool(effect="idempotent", questions=[Size, AddressForm])
def order_shirt(context: ToolContext) -> str:
    """Order a shirt: it asks for the size and the address."""
    ledger(f"order_shirt {context.tool_call_id}")
    size = context.ask(Size, "Which size?")
    address = context.ask(AddressForm, "Where to?")
    to = f"{address['street']}, {address['country']}" if address else "the shop"
    return f"{size.size if size else 'any'} to {to}"


@tool(effect="read")
def cheer(context: ToolContext) -> str:
    """Tell everything that a tool can tell of itself."""
    context.progress(0.5, "half")
    context.notice("Slow today.", "warning", "Note")
    context.preliminary("ho")
    context.effect("confetti", {"pieces": 3})
    return "hooray"


TRADING_TOOLS = [
    refund,
    staff_refund,
    hasty_refund,
    close_shop,
    close_shop_if_agreed,
    order_shirt,
    cheer,
]
