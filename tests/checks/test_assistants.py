from __future__ import annotations

from chatkit_app import checks
from chatkit_app.engine.assistant import Assistant
from chatkit_app.engine.tools import tool, tool_definition
from tests.checks.spoiling import ids


@tool
def order_status(number: str) -> str:
    """Where an order is."""
    return number


def plain_function() -> None:
    pass


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


def test_two_tools_of_an_assistant_have_two_names(site) -> None:
    assist(order_status, found_in_page)

    assert ids() == ["chatkit.E012"]


def test_tools_that_a_function_gives_are_not_asked_for(site) -> None:
    def tools_of(_viewer, _page):
        raise AssertionError("A check has neither viewer nor page.")

    checks.assistants.assistants.register(Assistant(name="shop", tools=tools_of))

    assert ids() == []
