"""What an assistant is for one viewer on one page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured

from chatkit_app.engine.assistant import Assistant
from chatkit_app.engine.viewer import Viewer
from chatkit_app.models import Run
from chatkit_app.registry import assistants
from chatkit_app.runs.briefing import brief, page_of_run, tools_for, viewer_of_run
from tests.assistants import add, whoami
from tests.history_rows import Turn, make_thread

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Iterator[Assistant]:
    async def instructions(viewer: Viewer, page: object) -> str:
        return f"For {viewer.key} on {page}."

    desk = Assistant(
        name="desk", instructions=instructions, tools=[add], model_name="its-own"
    )
    yield assistants.register(desk)
    assistants.unregister("desk")


def run_of(owner: object, **fields: object) -> Run:
    run = Turn.begin(make_thread(owner, assistant="desk"), "Hi", depth=0).run
    Run.objects.filter(pk=run.pk).update(**fields)
    return Run.objects.select_related("thread").get(pk=run.pk)


def test_the_site_is_asked_for_this_viewer_and_page(desk: Assistant) -> None:
    visitor = uuid4()
    run = run_of(visitor, context={"page": {"path": "/a/"}}, model_name="")
    viewer = viewer_of_run(run, run.thread)

    told = brief(run, viewer)

    assert told.instructions == f"For v:{visitor} on {{'path': '/a/'}}."
    assert (told.model_name, list(told.tools)) == ("its-own", ["add"])
    assert str(visitor) not in told.safety_key


def test_the_runs_own_model_goes_before_the_assistants(desk: Assistant) -> None:
    run = run_of(uuid4(), model_name="another")

    assert brief(run, viewer_of_run(run, run.thread)).model_name == "another"


def test_two_tools_of_one_name_are_refused(desk: Assistant) -> None:
    twice = Assistant(name="twice", instructions="", tools=lambda _v, _p: [add, add])
    assert list(tools_for(twice, Viewer(), {})) == ["add"]
    other = Assistant(name="other", instructions="", tools=[add, renamed("add")])

    with pytest.raises(ImproperlyConfigured):
        tools_for(other, Viewer(), {})


def renamed(name: str):
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
    assert page_of_run(run_of(uuid4(), context=context)) == {}
