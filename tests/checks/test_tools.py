from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from chatkit_app import checks
from chatkit_app.engine.assistant import Assistant
from chatkit_app.engine.tools import tool, tool_definition
from tests.checks.spoiling import ids, ids_deployed, only, ours


class Thing:
    pass


class Order(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)
    thing: Thing


def pack(order: Order, size: int = 1) -> str:
    """Pack it."""
    return ""


def find(words: str) -> str:
    """Find it."""
    return ""


def count(words: str, limit: int = 5) -> str:
    """Count it."""
    return ""


def assist(*tools: Any, **options: Any) -> None:
    made = Assistant(name="shop", **{"tools": tools, **options})
    checks.tools.assistants.register(made)


def test_a_field_that_no_model_can_fill_is_named_with_its_tool(site) -> None:
    assist(tool(pack))

    found = only()

    assert found.id == "chatkit.E040"
    assert found.msg == (
        "Assistant 'shop', tool 'pack': parameter 'order.thing': Thing is nothing that JSON can"
        " carry."
    )


def test_all_that_is_wrong_is_told_at_once(site) -> None:
    assist(
        tool(pack),
        tool_definition(name="a", description="", input=int),
        tool_definition(name="b", description="", output=Thing),
    )

    assert ids() == ["chatkit.E040"] * 3
    assert [message.msg.partition(": ")[2] for message in ours()][1:] == [
        "the input must be an object (a model, a dataclass …).",
        "the output: Thing is nothing that JSON can carry.",
    ]


def test_tools_that_a_function_gives_are_looked_at_where_they_are_named(site) -> None:
    assist(tools=lambda viewer, page: [], all_tools=[tool(pack)])

    assert ids() == ["chatkit.E040"]


def test_tools_that_nobody_can_know_are_told(site) -> None:
    assist(tools=lambda viewer, page: [tool(pack)])

    assert ids() == ["chatkit.W050"]


def test_both_halves_of_a_hybrid_may_be_named(site) -> None:
    mark = tool_definition(name="mark", description="")
    assist(
        tools=lambda viewer, page: [mark],
        all_tools=[mark, mark.server(lambda _: None)],
    )

    assert ids() == []


def test_two_tools_of_one_name_may_not(site) -> None:
    two = [tool_definition(name="mark", description=words) for words in "ab"]
    assist(tools=lambda viewer, page: [two[0]], all_tools=two)

    assert ids() == ["chatkit.E041"]


def test_a_tool_that_is_not_strict_is_told_before_a_deployment(site) -> None:
    site.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    before = ids_deployed()
    assist(tool(find), tool(count))

    (found,) = checks.tools.check_strictness()

    assert ids() == []
    assert ids_deployed() == [*before, "chatkit.I060"]
    assert "count (limit: has a default)" in found.msg
    assert "find" not in found.msg
