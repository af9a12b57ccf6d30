"""With a redactor nothing is kept of a card number: the whole database is searched for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from pydantic import BaseModel

from chatkit_app.engine.assistant import Assistant
from chatkit_app.engine.calls import Result, failed
from chatkit_app.engine.commands import Edit, Send
from chatkit_app.engine.events import EffectTold, ToolCallProgressed
from chatkit_app.engine.provider import ProviderRequest
from chatkit_app.engine.states import ToolCallStatus
from chatkit_app.engine.tools import ToolContext, tool, tool_definition
from chatkit_app.exceptions import RedactionFailed, ToolError
from chatkit_app.models import Command, Event, Message, Run, Step, Thread
from chatkit_app.providers.scripted import (
    Call,
    Line,
    Say,
    Script,
    ScriptedProvider,
    Think,
)
from chatkit_app.registry import assistants, providers
from chatkit_app.runs.redacting import (
    redacted,
    redacted_news,
    redacted_or,
    redacted_result,
)
from chatkit_app.runs.service import handle
from tests.assistants import spelled_out
from tests.runs.desk import (
    a_command_id,
    a_visitor,
    answer,
    asked_of,
    calls_of,
    carry,
    resolve,
    retry,
    said,
    say,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]

CARD = "5500000000000004"
SPACED = "5500 0000 0000 0004"

HELD = "<card>"
"""The model says the card's number here: what the visitor says is redacted before."""

got: list[str] = []


def leaking(request: ProviderRequest) -> Script:
    return tuple(_filled(line) for line in spelled_out(request))


def _filled(line: Line) -> Line:
    match line:
        case Say(text) | Think(text):
            return replace(line, text=text.replace(HELD, SPACED))
        case Call(arguments=str() as arguments):
            return replace(line, arguments=arguments.replace(HELD, SPACED))
        case _:
            return line


def make_provider() -> ScriptedProvider:
    return ScriptedProvider(leaking)


class Number(BaseModel):
    number: str


class Where(BaseModel):
    path: str = ""


@tool(effect="read")
def echo(context: ToolContext, text: str) -> str:
    """Tell what it was given, in all ways that a tool has."""
    got.append(text)
    context.progress(0.5, f"half of {CARD}")
    context.notice(f"note {CARD}", title=CARD)
    context.effect("show", {"card": CARD})
    context.preliminary({"card": CARD})
    return f"{text} and {CARD}"


@tool(effect="read")
def refuse(text: str) -> str:
    """Fail with what it was given."""
    raise ToolError(f"No such card: {text} {CARD}")


@tool(effect="read", questions=[Number])
def ask_number(context: ToolContext) -> str:
    """Ask for the card."""
    found = context.ask(Number, f"Is it {CARD}?", arguments={"known": CARD})
    got.append(found.number)
    return str(found.number)


@tool(needs_approval=True)
def charge(text: str) -> str:
    """Needs somebody's approval."""
    got.append(text)
    return text


in_page = tool_definition(name="in_page", description="Ask the page.", output=str)


class Broken:
    """Fails in the middle of a stream."""

    def __init__(self) -> None:
        self._has_begun = False

    def feed(self, text: str) -> str:
        if "now" in text and self._has_begun:
            raise RuntimeError(text)
        self._has_begun = True
        return text

    def close(self) -> str:
        return ""


class NeverWorks:
    def __init__(self) -> None:
        raise RuntimeError("no")


@pytest.fixture(autouse=True)
def desk(settings) -> Iterator[None]:
    settings.CHATKIT_REDACTOR = "chatkit_app.redactors.RegexRedactor"
    settings.CHATKIT_PROVIDERS = {
        "default": {"BACKEND": "tests.runs.test_redacting.make_provider"}
    }
    providers.clear()
    got.clear()
    assistants.register(
        Assistant(
            name="desk",
            tools=[echo, refuse, ask_number, charge, in_page],
            page=Where,
            max_steps=9,
        )
    )
    yield
    assistants.unregister("desk")
    providers.clear()


def started(viewer: Any, text: str, thread: Any = None) -> Run:
    command = Send(
        id=a_command_id(),
        thread_id=thread,
        assistant="desk",
        text=text,
        page={"path": f"/pay/{CARD}/"},
        tab="tab",
    )
    return carry(Run.objects.get(pk=handle(viewer, command)["run"]))


def everything() -> str:
    """Each value of each row of ours, as text."""
    found: list[str] = []
    for model in apps.get_app_config("chatkit_app").get_models():
        for row in model._default_manager.values():
            found += [
                f"{model.__name__}.{name}={value!r}" for name, value in row.items()
            ]
    return "\n".join(found)


def assert_nothing_kept() -> None:
    kept = [
        line
        for line in everything().splitlines()
        if CARD in line or SPACED in line or "0000 0004" in line
    ]
    assert kept == []


def test_nothing_of_a_whole_conversation_is_kept() -> None:
    viewer = a_visitor()
    call = json.dumps({"text": f"card {HELD}"})
    number = '{"text": 5500000000000004}'
    hidden = '{"text": "550000000000000\\u0034"}'
    run = started(
        viewer,
        f"think It is {HELD}.\nsay Your card {HELD} or {SPACED} is known.\ncall echo {call}\n"
        f"call refuse {call}\ncall echo {number}\ncall echo {hidden}\n---\n"
        f"call in_page\ncall ask_number\ncall charge {call}\ncall charge {call}\n"
        f"call charge {call}",
    )
    assert run.status == "requires_action"
    thread = run.thread_id
    assert_nothing_kept()

    answer(viewer, next(c for c in calls_of(run) if c.name == "in_page"), SPACED)
    edited, denied, responded, question = sorted(
        (row for row in asked_of(run) if row.status == "open"),
        key=lambda row: (row.kind == "question", str(row.tool_call_id)),
    )
    resolve(viewer, said(edited, "edit", input={"text": f"now {CARD}"}), thread=thread)
    resolve(viewer, said(denied, "deny", text=f"not {CARD}"), thread=thread)
    resolve(viewer, said(responded, "respond", text=f"take {CARD}"), thread=thread)
    resolve(viewer, said(question, "answer", output={"number": CARD}), thread=thread)
    run = carry(run)

    assert run.status == "completed"
    assert got
    assert all(CARD not in text and SPACED not in text for text in got)
    assert "[card]" in Message.objects.get(pk=run.answer_id).text

    failing = started(viewer, f"say Half of {HELD}\nfail rejected", thread)
    again = carry(Run.objects.get(pk=retry(viewer, failing)["run"]))
    edit = Edit(
        id=a_command_id(),
        thread_id=thread,
        message_id=again.prompt_id,
        text=f"say No, {SPACED}.",
    )
    last = carry(Run.objects.get(pk=handle(viewer, edit)["run"]))
    assert Message.objects.get(pk=last.answer_id).text == "No, [card]."
    assert Thread.objects.get().title
    assert_nothing_kept()


def test_an_address_is_taken_out_of_a_stream_of_words() -> None:
    run = started(a_visitor(), "say Write to ann@example.org or call.")

    assert Message.objects.get(pk=run.answer_id).text == "Write to [e-mail] or call."
    deltas = Event.objects.filter(type="part.delta").order_by("position")
    told = "".join(json.loads(event.data)["delta"] for event in deltas)
    assert told == "Write to [e-mail] or call."


def test_what_the_same_command_says_again_is_known_again() -> None:
    viewer = a_visitor()
    name = a_command_id()

    first = say(viewer, f"say {CARD}", name=name, assistant="desk")

    assert say(viewer, f"say {CARD}", name=name, assistant="desk") == first
    assert Run.objects.count() == 1


def test_a_redactor_that_fails_in_the_middle_ends_the_run_and_keeps_nothing_more(
    settings,
) -> None:
    viewer = a_visitor()
    run = Run.objects.get(
        pk=say(viewer, "say One two now three.", assistant="desk")["run"]
    )
    settings.CHATKIT_REDACTOR = "tests.runs.test_redacting.Broken"

    run = carry(run)

    assert (run.status, run.error_code) == ("failed", "redaction_failed")
    assert Message.objects.get(pk=run.answer_id).text == "One two"
    assert "now" not in "".join(
        Event.objects.filter(type="part.delta").values_list("data", flat=True)
    )
    assert Step.objects.get(run=run).status == "failed"


def test_a_redactor_that_never_works_lets_no_message_in(settings) -> None:
    settings.CHATKIT_REDACTOR = "tests.runs.test_redacting.NeverWorks"

    with pytest.raises(RedactionFailed):
        say(a_visitor(), "say Hi.", assistant="desk")
    assert (Thread.objects.count(), Command.objects.count()) == (0, 0)


def test_one_that_can_not_be_imported_lets_no_message_in(settings) -> None:
    settings.CHATKIT_REDACTOR = "nowhere.Redactor"

    with pytest.raises(ImproperlyConfigured):
        say(a_visitor(), "say Hi.", assistant="desk")
    assert not Thread.objects.exists()


def test_what_jobs_and_errors_say_is_checked_or_left_out(settings) -> None:
    done = Result(status=ToolCallStatus.COMPLETED, output=CARD)
    news = [
        ToolCallProgressed(tool_call_id="1", text=CARD),
        EffectTold(tool_call_id="1", name="show", data=CARD),
    ]
    assert redacted_result(done).output == "[card]"
    assert CARD not in str(redacted_news(news))
    assert redacted_or(f"No {CARD}", "failed") == "No [card]"

    settings.CHATKIT_REDACTOR = "tests.runs.test_redacting.NeverWorks"

    assert redacted_result(done) == failed(
        "redaction_failed", "What was said could not be checked, so it was not kept."
    )
    assert redacted_news(news) == []
    assert redacted_or(f"No {CARD}", "failed") == "failed"


def test_without_a_redactor_a_command_stays_as_it_is(settings) -> None:
    settings.CHATKIT_REDACTOR = ""
    command = Send(id="1", thread_id=uuid4(), assistant="desk", text=CARD, page={})

    assert redacted(command) is command


def test_the_search_finds_what_is_kept(settings) -> None:
    settings.CHATKIT_REDACTOR = ""
    started(a_visitor(), f"say {HELD}")

    assert SPACED in everything()
