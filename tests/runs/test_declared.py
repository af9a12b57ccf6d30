"""What a page tells and declares with a message: from the command to the tools and the model."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from pydantic import BaseModel, JsonValue

from chatkit_app.engine.assistant import Assistant
from chatkit_app.engine.commands import Send
from chatkit_app.engine.page_tools import PageTool
from chatkit_app.engine.tools import ToolContext, tool
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import InvalidCommand, InvalidPage
from chatkit_app.models import Command, Message, Run, Thread
from chatkit_app.registry import assistants
from chatkit_app.runs.service import handle
from tests.runs.desk import (
    a_command_id,
    a_visitor,
    answer,
    calls_of,
    cancel,
    carry,
    fresh,
    retry,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]

Declare = Callable[..., Assistant]


class Where(BaseModel):
    path: str = ""


@dataclass
class Depot:
    """What the site hands to its tools."""

    city: str


@pytest.fixture
def declare() -> Iterator[Declare]:
    """Declare the assistant ``desk``, anew if it is there."""

    def declare(**more: object) -> Assistant:
        assistants.unregister("desk")
        return assistants.register(Assistant(name="desk", **more))  # type: ignore[arg-type]

    assistants.register(Assistant(name="desk"))
    yield declare
    assistants.unregister("desk")


def send(
    viewer: Viewer,
    text: str = "say Hi.",
    *,
    page: dict[str, JsonValue] | None = None,
    tools: tuple[PageTool, ...] = (),
) -> Run:
    command = Send(
        id=a_command_id(),
        thread_id=None,
        assistant="desk",
        text=text,
        page=page or {},
        tools=tools,
        tab="tab",
    )
    return Run.objects.get(pk=handle(viewer, command)["run"])  # type: ignore[misc]


def zoom(name: str = "zoom") -> PageTool:
    return PageTool(
        name=name,
        description="Zoom the map.",
        parameters={"type": "object", "properties": {"level": {"type": "integer"}}},
    )


def assert_nothing_changed() -> None:
    for rows in (Thread, Message, Run, Command):
        assert not rows.objects.exists()


def answer_of(run: Run) -> str:
    texts = fresh(run).answer.parts.filter(kind="text").order_by("index")
    return " ".join(part.text for part in texts)


# The page


def test_tools_get_the_page_and_what_the_site_hands_them(declare: Declare) -> None:
    @tool(effect="read")
    def where(context: ToolContext[Depot]) -> str:
        return f"{context.page.path} from {context.dependencies.city}"

    @tool(effect="read")
    async def again(context: ToolContext[Depot]) -> str:
        return f"{context.page.path} from {context.dependencies.city}"

    made: list[str] = []

    def dependencies(viewer: Viewer, page: Where) -> Depot:
        made.append(page.path)
        return Depot(city="Graz")

    declare(tools=[where, again], page=Where, dependencies=dependencies)

    run = carry(send(a_visitor(), "call where\ncall again", page={"path": "/a/"}))

    assert [call.output for call in calls_of(run)] == ["/a/ from Graz"] * 2
    assert made == ["/a/"]


def test_async_dependencies_serve_too(declare: Declare) -> None:
    @tool(effect="read")
    def city(context: ToolContext[Depot]) -> str:
        return context.dependencies.city

    async def dependencies(viewer: Viewer, page: object) -> Depot:
        return Depot(city="Linz")

    declare(tools=[city], dependencies=dependencies)

    run = carry(send(a_visitor(), "call city"))

    assert [call.output for call in calls_of(run)] == ["Linz"]


def test_dependencies_may_ask_the_database(declare: Declare) -> None:
    get_user_model().objects.create(username="ann")

    @tool(effect="read")
    def count(context: ToolContext[int]) -> int:
        return context.dependencies

    declare(
        tools=[count],
        dependencies=lambda _viewer, _page: get_user_model().objects.count(),
    )

    run = carry(send(a_visitor(), "call count"))

    assert [call.output for call in calls_of(run)] == [1]


def test_dependencies_that_fail_fail_the_run(declare: Declare) -> None:
    def dependencies(viewer: Viewer, page: object) -> object:
        raise RuntimeError("secret-of-the-server")

    declare(dependencies=dependencies)

    run = carry(send(a_visitor()))

    assert (run.status, run.error_code) == ("failed", "internal")
    assert "secret" not in run.error_text


@pytest.mark.parametrize("page", [{"title": "x"}, {"path": 7}])
def test_a_page_that_was_not_declared_so_changes_nothing(
    declare: Declare, page: dict[str, JsonValue]
) -> None:
    declare(page=Where)

    with pytest.raises(InvalidPage):
        send(a_visitor(), page=page)

    assert_nothing_changed()


def test_an_assistant_that_declares_no_page_takes_none(declare: Declare) -> None:
    with pytest.raises(InvalidPage, match=r"Assistant\(page=Model\)"):
        send(a_visitor(), page={"path": "/"})

    assert_nothing_changed()


def test_a_retry_tells_the_same_page(declare: Declare) -> None:
    viewer = a_visitor()
    declare(page=Where, page_tools=True)
    run = send(viewer, page={"path": "/a/"}, tools=(zoom(),))
    cancel(viewer, run)

    again = Run.objects.get(pk=retry(viewer, run)["run"])

    assert again.context["page"] == {"path": "/a/"}
    assert [kept["name"] for kept in again.client_tools] == ["zoom"]


def test_a_deploy_between_message_and_answer_ends_no_run(
    declare: Declare, caplog: pytest.LogCaptureFixture
) -> None:
    class Newer(BaseModel):
        product: int

    @tool(effect="read")
    def page(context: ToolContext) -> str:
        return repr(context.page)

    declare(page=Where)
    run = send(a_visitor(), "call page", page={"path": "/a/"})
    declare(page=Newer, tools=[page])

    with caplog.at_level(logging.WARNING):
        run = carry(run)

    assert run.status == "completed"
    assert [call.output for call in calls_of(run)] == ["None"]
    assert "does not fit assistant 'desk' any more" in caplog.text


# Tools of the page's own


def test_a_page_runs_a_tool_that_it_has_declared(declare: Declare) -> None:
    viewer = a_visitor()
    declare(page_tools=True)
    run = carry(send(viewer, 'call zoom {"level": "far"}', tools=(zoom(),)))
    [call] = calls_of(run)
    assert (call.status, call.input) == ("waiting", {"level": "far"})

    answer(viewer, call, [{"any": ["JSON"]}])
    run = carry(run)

    assert run.status == "completed"
    assert answer_of(run) == 'Results: [{"any":["JSON"]}]'


def test_whoever_may_not_declare_tools_is_told_so(declare: Declare) -> None:
    with pytest.raises(InvalidCommand, match="page_tools=True"):
        send(a_visitor(), tools=(zoom(),))

    assert_nothing_changed()


def test_tools_that_are_too_many_change_nothing(declare: Declare) -> None:
    declare(page_tools=True)

    with pytest.raises(InvalidCommand, match="may declare 16"):
        send(a_visitor(), tools=tuple(zoom(f"zoom_{n}") for n in range(17)))

    assert_nothing_changed()


def test_a_tool_of_the_servers_is_not_replaced_by_the_pages(declare: Declare) -> None:
    @tool(effect="read")
    def price() -> str:
        return "the server's"

    declare(page_tools=True, tools=[price])

    run = carry(send(a_visitor(), "call price", tools=(zoom("price"),)))

    assert [call.output for call in calls_of(run)] == ["the server's"]


# Permissions


@tool(effect="read", permission="auth.change_user")
def refund() -> str:
    """Pay back."""
    return "paid back"


def test_a_tool_that_is_not_for_this_user_is_refused_if_called_all_the_same(
    declare: Declare,
) -> None:
    declare(tools=[refund], page_tools=True)

    run = carry(send(a_visitor(), "call refund", tools=(zoom("refund"),)))

    [call] = calls_of(run)
    assert (call.status, call.error_code) == ("failed", "not_permitted")
    assert answer_of(run).startswith("Results: Error: ")


def test_it_runs_for_whoever_has_the_permission(declare: Declare) -> None:
    declare(tools=[refund])
    ann = get_user_model().objects.create(username="ann")
    ann.user_permissions.add(Permission.objects.get(codename="change_user"))

    run = carry(send(Viewer(user=ann), "call refund"))

    assert [call.output for call in calls_of(run)] == ["paid back"]


def test_a_right_that_is_withdrawn_in_the_middle_of_a_run_is_gone_at_once(
    declare: Declare,
) -> None:
    ann = get_user_model().objects.create(username="ann")
    ann.user_permissions.add(Permission.objects.get(codename="change_user"))

    @tool(effect="read")
    def resign() -> str:
        ann.user_permissions.clear()
        return "resigned"

    declare(tools=[refund, resign])

    text = "call refund\n---\ncall resign\n---\ncall refund"
    run = carry(send(Viewer(user=ann), text))

    assert [call.error_code for call in calls_of(run)] == ["", "", "not_permitted"]


def test_a_right_that_was_withdrawn_while_the_run_waited_is_gone(
    declare: Declare,
) -> None:
    @tool(effect="read", permission="auth.change_user", name="look_up")
    def look_up() -> str:
        return "secret"

    declare(tools=[look_up], page_tools=True)
    ann = get_user_model().objects.create(username="ann")
    ann.user_permissions.add(Permission.objects.get(codename="change_user"))
    viewer = Viewer(user=ann)
    run = carry(send(viewer, "call zoom\n---\ncall look_up", tools=(zoom(),)))
    ann.user_permissions.clear()

    answer(viewer, calls_of(run)[0], {})
    run = carry(run)

    assert [call.error_code for call in calls_of(run)] == ["", "not_permitted"]
