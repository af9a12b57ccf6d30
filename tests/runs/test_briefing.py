"""What an assistant is for one viewer on one page."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.exceptions import ImproperlyConfigured
from pydantic import BaseModel, field_validator

from chatkit_app.engine.assistant import Assistant
from chatkit_app.engine.page_tools import UNTRUSTED
from chatkit_app.engine.tools import ServerTool
from chatkit_app.engine.viewer import Viewer
from chatkit_app.models import Run, Thread
from chatkit_app.registry import assistants
from chatkit_app.runs.briefing import (
    brief,
    dependencies_for,
    page_of_run,
    tools_for,
    tools_of_run,
    viewer_of_run,
)
from tests.assistants import add, paint, whoami
from tests.history_rows import Turn, make_thread

pytestmark = pytest.mark.django_db


class Where(BaseModel):
    path: str = ""


@pytest.fixture
def desk() -> Iterator[Assistant]:
    async def instructions(viewer: Viewer, page: Where | None) -> str:
        return f"For {viewer.key} on {page}."

    desk = Assistant(
        name="desk",
        instructions=instructions,
        tools=[add],
        page=Where,
        model_name="its-own",
        max_calls=7,
        max_output_bytes=99,
    )
    yield assistants.register(desk)
    assistants.unregister("desk")


@pytest.fixture
def declare(desk: Assistant) -> Callable[..., Assistant]:
    """Declare the desk anew."""

    def declare(**changes: object) -> Assistant:
        assistants.unregister("desk")
        return assistants.register(replace(desk, **changes))  # type: ignore[arg-type]

    return declare


def run_of(owner: object, **fields: object) -> Run:
    run = Turn.begin(make_thread(owner, assistant="desk"), "Hi", depth=0).run
    Run.objects.filter(pk=run.pk).update(**fields)
    return Run.objects.select_related("thread").get(pk=run.pk)


def test_the_site_is_asked_for_this_viewer_and_page(desk: Assistant) -> None:
    visitor = uuid4()
    context = {"page": {"path": "/a/"}, "tab": "tab-1"}
    run = run_of(visitor, context=context, model_name="")
    viewer = viewer_of_run(run, run.thread)

    told = brief(run, viewer)

    assert told.instructions == f"For v:{visitor} on path='/a/'."
    assert told.page == Where(path="/a/")
    assert (told.model_name, list(told.tools)) == ("its-own", ["add"])
    assert (told.limits.calls, told.limits.output_bytes) == (7, 99)
    assert told.tab == "tab-1"
    assert str(visitor) not in told.safety_key


def test_the_runs_own_model_goes_before_the_assistants(desk: Assistant) -> None:
    run = run_of(uuid4(), model_name="another")

    assert brief(run, viewer_of_run(run, run.thread)).model_name == "another"


def test_two_tools_of_one_name_are_refused(desk: Assistant) -> None:
    twice = Assistant(name="twice", instructions="", tools=lambda _v, _p: [add, add])
    assert list(tools_for(twice, Viewer(), None).tools) == ["add"]
    other = Assistant(name="other", instructions="", tools=[add, renamed("add")])

    with pytest.raises(ImproperlyConfigured):
        tools_for(other, Viewer(), None)


def renamed(name: str) -> ServerTool:
    return replace(whoami, definition=replace(whoami.definition, name=name))


def test_the_viewer_is_who_started_the_run(desk: Assistant) -> None:
    ann = get_user_model().objects.create(username="ann")
    run = run_of(ann, started_by=ann, context={"language": "de"})

    viewer = viewer_of_run(run, run.thread)

    assert (viewer.user, viewer.visitor, viewer.language) == (ann, None, "de")


def test_a_visitor_is_remembered_though_the_thread_was_adopted(
    desk: Assistant,
) -> None:
    ann, visitor = get_user_model().objects.create(username="ann"), uuid4()
    run = run_of(ann, context={"visitor": str(visitor)})

    assert viewer_of_run(run, run.thread).visitor == visitor


@pytest.mark.parametrize("context", [{}, {"page": None}, {"page": "no object"}])
def test_a_page_that_told_nothing_is_an_empty_one(
    desk: Assistant, context: dict[str, object]
) -> None:
    assert page_of_run(run_of(uuid4(), context=context), desk) == Where()


def test_newer_code_that_cannot_read_a_runs_page_gets_none_and_the_run_goes_on(
    declare: Callable[..., Assistant], caplog: pytest.LogCaptureFixture
) -> None:
    class Newer(BaseModel):
        product: int

    run = run_of(uuid4(), context={"page": {"path": "/secret-path/"}})
    declare(page=Newer)

    told = brief(run, Viewer(visitor=uuid4()))

    assert told.page is None
    assert told.instructions.endswith(" on None.")
    [line] = caplog.messages
    assert str(run.pk) in line
    assert "secret-path" not in line


def test_a_rule_of_the_page_that_fails_does_not_fail_the_run(
    declare: Callable[..., Assistant],
) -> None:
    class Broken(Where):
        @field_validator("path")
        @classmethod
        def check(cls, path: str) -> str:
            raise RuntimeError("a bug of the site's")

    run = run_of(uuid4(), context={"page": {"path": "/"}})

    assert page_of_run(run, declare(page=Broken)) is None


# Permissions


def permitted(permission: Any) -> ServerTool:
    definition = replace(add.definition, permission=permission)
    return replace(add, definition=definition)


def offered(permission: object, viewer: Viewer) -> tuple[list[str], frozenset[str]]:
    desk = Assistant(name="any", tools=[permitted(permission), paint])
    offer = tools_for(desk, viewer, None)
    return sorted(offer.tools), offer.withheld


ALL: tuple[list[str], frozenset[str]] = (["add", "paint"], frozenset())
WITHHELD = (["paint"], frozenset({"add"}))


def user_with(*codenames: str, **fields: object) -> Viewer:
    user = get_user_model().objects.create(username="ann", **fields)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return Viewer(user=user)


def test_a_tool_is_offered_to_those_who_have_its_permission() -> None:
    assert offered("auth.change_user", user_with("change_user")) == ALL


def test_a_tool_is_withheld_from_those_who_lack_its_permission() -> None:
    assert offered("auth.change_user", user_with("view_user")) == WITHHELD


def test_whoever_is_not_logged_in_has_no_permission() -> None:
    assert offered("auth.change_user", Viewer(visitor=uuid4())) == WITHHELD


def test_a_user_who_was_deactivated_has_none() -> None:
    viewer = user_with("change_user", is_active=False)

    assert offered("auth.change_user", viewer) == WITHHELD


async def later(answer: bool) -> bool:
    return answer


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (lambda viewer: viewer.is_anonymous, ALL),
        (lambda viewer: not viewer.is_anonymous, WITHHELD),
        (lambda _viewer: later(True), ALL),
        (lambda _viewer: later(False), WITHHELD),
        (lambda _viewer: None, WITHHELD),
    ],
)
def test_a_function_may_say_who_uses_a_tool(rule: object, expected: object) -> None:
    assert offered(rule, Viewer(visitor=uuid4())) == expected


def test_a_rule_that_fails_withholds_its_tool_and_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def rule(viewer: Viewer) -> bool:
        raise RuntimeError("no connection")

    with caplog.at_level(logging.ERROR):
        assert offered(rule, Viewer(visitor=uuid4())) == WITHHELD

    assert "permission of tool add" in caplog.text


# Tools of the page's own


def stored(*names: str) -> dict[str, object]:
    return {
        "client_tools": [
            {"name": name, "description": "Mine.", "parameters": {"type": "object"}}
            for name in names
        ]
    }


def test_a_page_that_may_declares_tools_of_its_own(
    declare: Callable[..., Assistant],
) -> None:
    declare(page_tools=True)
    run = run_of(uuid4(), **stored("zoom"))

    tools = brief(run, viewer_of_run(run, run.thread)).tools

    assert sorted(tools) == ["add", "zoom"]
    assert tools["zoom"].definition.description == f"{UNTRUSTED} Mine."
    assert sorted(tools_of_run(run).tools) == ["add", "zoom"]


def test_a_name_of_the_servers_is_never_the_pages(
    declare: Callable[..., Assistant],
) -> None:
    declare(page_tools=True)
    run = run_of(uuid4(), **stored("add"))

    assert tools_of_run(run).tools == {"add": add}


def test_not_even_the_name_of_a_withheld_tool(
    declare: Callable[..., Assistant],
) -> None:
    declare(page_tools=True, tools=[permitted("auth.change_user")])
    run = run_of(uuid4(), **stored("add"))

    offer = tools_of_run(run)

    assert (offer.tools, offer.withheld) == ({}, frozenset({"add"}))


def test_nor_the_name_of_a_tool_that_only_others_get(
    declare: Callable[..., Assistant],
) -> None:
    declare(page_tools=True, tools=lambda _viewer, _page: [paint], all_tools=[add])
    run = run_of(uuid4(), **stored("add", "zoom"))

    assert sorted(tools_of_run(run).tools) == ["paint", "zoom"]


def test_an_assistant_that_allows_them_no_more_has_none(desk: Assistant) -> None:
    assert list(tools_of_run(run_of(uuid4(), **stored("zoom"))).tools) == ["add"]


# Dependencies


async def at_once(function: Callable[[], Any]) -> Any:
    return function()


async def made_by(make: object, declare: Callable[..., Assistant]) -> object:
    declare(dependencies=make)
    run = Run(thread=Thread(assistant="desk"))
    return await dependencies_for(
        run, Viewer(visitor=uuid4()), Where(path="/a/"), in_thread=at_once
    )


async def test_dependencies_are_made_of_viewer_and_page(
    declare: Callable[..., Assistant],
) -> None:
    made = await made_by(lambda viewer, page: (viewer.is_anonymous, page.path), declare)

    assert made == (True, "/a/")


async def test_dependencies_may_be_made_on_the_loop_of_the_async_tools(
    declare: Callable[..., Assistant],
) -> None:
    async def make(viewer: Viewer, page: Where) -> object:
        return asyncio.get_running_loop()

    assert await made_by(make, declare) is asyncio.get_running_loop()


async def test_an_assistant_without_dependencies_hands_none_out(
    declare: Callable[..., Assistant],
) -> None:
    assert await made_by(None, declare) is None
