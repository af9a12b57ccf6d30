"""The test site's tools that need a person, or tell the page something while they work."""

from __future__ import annotations

import time
from typing import Annotated, Any, Literal

from django import forms
from pydantic import BaseModel, Field

from chatkit_app.engine.approvals import Ask
from chatkit_app.engine.context import ToolContext
from chatkit_app.engine.tools import tool

STAFF = "auth.change_user"


def _in_words(given: Any, _user: object, _context: ToolContext) -> Ask:
    return Ask(f"Pay order {given.order} back?")


@tool(effect="idempotent", needs_approval=_in_words)
def pay_back(
    order: Annotated[str, Field(pattern=r"^\d+$")],
    euros: Annotated[int, Field(ge=1, le=50, title="Euros to pay back")],
    note: str = "",
) -> str:
    """Pay money back, when the visitor says so.

    Args:
        order: The order's number.
        euros: At most what was paid.
        note: For the customer.
    """
    return f"{euros} for {order}"


@tool(effect="idempotent", needs_approval=True, approved_by=STAFF)
def grant_discount(percent: int) -> str:
    """Grant a discount, when staff say so."""
    return f"{percent} %"


class Shirt(BaseModel):
    """What is asked about a shirt."""

    size: Literal["S", "M", "L"] = Field(title="Which size?")
    count: int = Field(ge=1, multiple_of=2, description="Only in pairs.")
    note: str | None = None
    is_gift: bool = Field(default=False, title="As a gift")
    prints: list[Literal["logo", "name"]] = []


@tool(effect="idempotent", questions=[Shirt])
def pick_shirt(context: ToolContext) -> str:
    """Order a shirt, whose size the visitor knows."""
    shirt = context.ask(Shirt, "Which shirt shall it be?", initial={"count": 2})
    if shirt is None:
        return "no shirt"
    return f"{shirt.count} x {shirt.size} {'+'.join(shirt.prints)}"


class Parcel(forms.Form):
    """Where a parcel goes; its fields are called as a form's own properties are."""

    name = forms.CharField(help_text="As on the door.")
    action = forms.ChoiceField(choices=[("send", "Send"), ("hold", "Hold")])
    colours = forms.MultipleChoiceField(
        choices=[("r", "Red"), ("g", "Green")],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )

    def clean_name(self) -> str:
        """Refuse somebody whom the page cannot know."""
        if self.cleaned_data["name"] == "Nobody":
            raise forms.ValidationError("Nobody lives there.")
        return str(self.cleaned_data["name"])


@tool(effect="idempotent", questions=[Parcel])
def send_parcel(context: ToolContext) -> str:
    """Send a parcel, to an address that the visitor knows."""
    found = context.ask(Parcel, "Where shall it go?")
    if found is None:
        return "no parcel"
    return f"{found['action']} to {found['name']}: {','.join(found['colours'])}"


@tool(effect="read")
def tell_all(context: ToolContext, seconds: float = 1.0, rows: int = 1) -> str:
    """Work for a while, and tell the page all that can be told."""
    context.effect("confetti", {"pieces": 3})
    context.notice("<b>Slow</b> [today](https://a.test)", "warning", "The archive")
    context.preliminary({"rows": 12} | {f"row_{each}": each for each in range(1, rows)})
    context.progress(0.4, "Reading orders")
    time.sleep(seconds)
    return "told"


ASKING_TOOLS = [pay_back, grant_discount, pick_shirt, send_parcel, tell_all]
