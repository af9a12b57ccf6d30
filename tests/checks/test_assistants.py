from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from chatkit_app import checks
from chatkit_app.engine.assistant import Assistant
from chatkit_app.engine.tools import ServerTool, tool, tool_definition
from tests.checks.spoiling import ids, only


class ShopPage(BaseModel):
    path: str = ""


@tool
def order_status(number: str) -> str:
    """Where an order is."""
    return number


def plain_function() -> None:
    pass


def pay_back() -> str:
    return "paid back"


found_in_page = tool_definition(name="order_status", description="The same name.")


def assist(*tools: object, provider: str = "default") -> None:
    checks.assistants.assistants.register(
        Assistant(name="shop", tools=tools, provider=provider)  # type: ignore[arg-type]
    )


def test_an_assistant_speaks_to_a_provider_that_is_declared(site) -> None:
    assist(provider="other")

    assert ids() == ["chatkit.E010"]


def test_a_function_that_nobody_made_a_tool_is_told(site) -> None:
    assist(order_status, plain_function)

    assert ids() == ["chatkit.E011"]


def test_a_job_is_a_tool(site) -> None:
    assist(found_in_page.job(lambda _input: None))

    assert ids() == []


def test_two_tools_of_an_assistant_have_two_names(site) -> None:
    assist(order_status, found_in_page)

    assert ids() == ["chatkit.E012"]


def assist_with(**fields: object) -> None:
    checks.assistants.assistants.register(
        Assistant(name="shop", **fields)  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    "limits",
    [
        {"max_steps": 0},
        {"max_steps": None},
        {"max_calls": -1},
        {"max_calls": 1.5},
        {"max_tokens": True},
        {"max_tokens": "1000"},
        {"max_seconds": 0},
        {"max_seconds": float("nan")},
        {"max_seconds": "60"},
        {"max_output_bytes": 0},
        {"max_output_bytes": None},
        {"history_tokens": 0},
    ],
)
def test_a_limit_that_means_nothing_is_told(site, limits) -> None:
    assist_with(**limits)

    assert ids() == ["chatkit.E051"]
    assert next(iter(limits)) in only().msg


def test_limits_that_mean_something_are_fine(site) -> None:
    assist_with(max_calls=1, max_tokens=10, max_seconds=0.5, max_output_bytes=1)

    assert ids() == []


@pytest.mark.parametrize("page", [dict, "ShopPage", ShopPage()])
def test_what_a_page_tells_is_declared_by_a_model(site, page) -> None:
    assist_with(page=page)

    assert ids() == ["chatkit.E052"]


def test_dependencies_are_made_by_a_function(site) -> None:
    assist_with(page=ShopPage, dependencies={"warehouse": "Graz"})

    assert ids() == ["chatkit.E053"]


@pytest.mark.parametrize(
    "options",
    [
        {"permission": "shop.aprove_refund"},
        {"approved_by": "shop.aprove_refund", "needs_approval": True},
    ],
)
def test_a_permission_that_no_model_has_is_told_with_its_tool(site, options) -> None:
    assist(allowed(**options))

    assert ids() == ["chatkit.W056"]
    assert "'pay_back'" in only().msg
    assert f"{next(iter(options))} of" in only().msg
    assert "'shop.aprove_refund'" in only().msg
    assert "shop.approve_refund" in str(only().hint)


def test_so_is_that_of_a_tool_that_a_function_may_give(site) -> None:
    assist_with(
        tools=lambda _viewer, _page: [], all_tools=[allowed(permission="shop.refunds")]
    )

    assert ids() == ["chatkit.W056"]


@pytest.mark.parametrize(
    "permission", ["shop.view_order", "shop.approve_refund", "auth.change_user"]
)
def test_a_permission_that_a_model_has_is_fine(site, permission) -> None:
    assist(allowed(approved_by=permission, needs_approval=True))

    assert ids() == []


def test_a_permission_is_djangos_or_a_function(site) -> None:
    assist(
        allowed(permission="shop.change_order"),
        allowed(name="other", permission=lambda viewer: not viewer.is_anonymous),
    )

    assert ids() == []


def allowed(**options: Any) -> ServerTool:
    return tool(**options)(pay_back)


def test_tools_that_a_function_gives_are_not_asked_for(site) -> None:
    def tools_of(_viewer, _page):
        raise AssertionError("A check has neither viewer nor page.")

    checks.assistants.assistants.register(
        Assistant(name="shop", tools=tools_of, all_tools=[order_status])
    )

    assert ids() == []
