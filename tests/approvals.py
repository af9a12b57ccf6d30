"""A call that waits for somebody of the staff, written straight into the tables, and its tool."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from pydantic import BaseModel, Field

from chatkit_app.engine.assistant import Assistant
from chatkit_app.engine.tools import tool
from chatkit_app.models import Interrupt, Run
from chatkit_app.registry import assistants
from tests.history_rows import Turn, make_thread

PERMISSION = "auth.change_user"


class Reason(StrEnum):
    BROKEN = "broken"
    LATE = "late"


class Address(BaseModel):
    street: str = Field(description="Street and number.")
    city: str = ""


@tool(effect="idempotent", needs_approval=True, approved_by=PERMISSION)
def refund(
    order: str, euros: int, reason: Reason = Reason.BROKEN, to: Address | None = None
) -> str:
    """Pay money back.

    Args:
        order: The order's number.
        euros: How much, in whole euros.
        reason: Why.
        to: Where the customer lives.
    """
    return f"{euros} for {order}"


@tool(needs_approval=True, approved_by=PERMISSION)
def refund_once(order: str) -> str:
    """Pay it all back, for good."""
    return order


TOOLS = {"refund": refund, "refund_once": refund_once}
INPUT = {"order": "1042", "euros": 30, "reason": "broken", "to": None}


@contextmanager
def desk() -> Iterator[Assistant]:
    """An assistant called ``desk`` that has these tools."""
    made = Assistant(name="desk", instructions="", tools=[refund, refund_once])
    try:
        yield assistants.register(made)
    finally:
        assistants.unregister("desk")


def ask_staff(
    owner: object,
    *,
    name: str = "refund",
    value: Any = None,
    message: str = "",
    **fields: Any,
) -> Interrupt:
    """An open approval in a new thread of this owner's."""
    thread = make_thread(owner, assistant="desk", title="Order 1042")
    turn = Turn.begin(thread, "I want my money back", depth=0)
    definition = TOOLS[name].definition
    call = turn.call(
        name,
        status="waiting",
        input=INPUT if value is None else value,
        effect=TOOLS[name].effect,
        schema_digest=definition.digest,
    )
    Run.objects.filter(pk=turn.run.pk).update(status="requires_action")
    values = {
        "permission": PERMISSION,
        "kind": "approval",
        "request": {"name": name, "message": message},
        "response_schema": dict(definition.input_schema),
        **fields,
    }
    return Interrupt.objects.create(
        run=turn.run, step=turn.step, tool_call=call, **values
    )


def make_staff(name: str, *permissions: str) -> Any:
    """Somebody of the staff who has these permissions, named as ``app.codename``."""
    user = get_user_model().objects.create_user(name, is_staff=True)
    for permission in permissions:
        app, _dot, codename = permission.partition(".")
        user.user_permissions.add(
            Permission.objects.get(content_type__app_label=app, codename=codename)
        )
    return user
