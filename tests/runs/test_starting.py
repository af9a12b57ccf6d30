from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from chatkit_app.engine.commands import Send
from chatkit_app.exceptions import AttachmentNotFound, InvalidCommand
from chatkit_app.log.snapshot import take_snapshot
from chatkit_app.models import Attachment, Message, Part, Run, Thread
from chatkit_app.runs.service import handle
from tests.runs.desk import (
    a_command_id,
    a_visitor,
    log_of,
    say,
    started,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]


def upload(viewer, name: str = "parcel.png") -> Attachment:
    return Attachment.objects.create(
        owner_key=viewer.key,
        file="chatkit/none",
        name=name,
        media_type="image/png",
        size=4,
        sha256="0" * 64,
        expires_at=timezone.now() + timedelta(hours=1),
    )


def send(viewer, text: str, *files: Attachment):
    command = Send(
        id=a_command_id(),
        thread_id=None,
        assistant="test",
        text=text,
        attachments=tuple(file.pk for file in files),
    )
    return handle(viewer, command)


def test_the_prompt_and_the_empty_answer_are_there_before_the_run_begins() -> None:
    run = started(a_visitor(), "say Hello.")

    prompt, answer = Message.objects.order_by("depth")
    assert (run.prompt, run.answer, answer.parent) == (prompt, answer, prompt)
    assert (prompt.status, answer.status) == ("complete", "open")
    assert (run.status, run.context["tab"]) == ("queued", "tab")
    assert Part.objects.get().text == "say Hello."


def test_a_page_is_told_of_the_run_before_its_answer() -> None:
    run = started(a_visitor(), "say Hello.")

    kinds = [json.loads(event)["type"] for event in log_of(run.thread_id)]
    assert kinds == ["message.created", "run.changed", "message.created"]


def test_files_come_with_their_message_in_the_event_and_in_the_snapshot() -> None:
    viewer = a_visitor()
    file = upload(viewer, "<b>parcel.png")

    outcome = send(viewer, "", file)

    event = json.loads(log_of(outcome["thread"], "message.created")[0])
    [told] = event["files"]
    [part] = take_snapshot(outcome["thread"]).content["messages"][0]["parts"]
    assert event["content"] == ""
    assert (told["name"], told["attachmentId"]) == ("<b>parcel.png", str(file.pk))
    assert part == {"type": "file", "stepId": None, "state": "complete", **told}
    assert Thread.objects.get().title == ""


def test_a_file_of_somebody_else_s_makes_no_message_and_no_thread() -> None:
    file = upload(a_visitor())

    with pytest.raises(AttachmentNotFound):
        send(a_visitor(), "Look:", file)
    assert (Thread.objects.count(), Run.objects.count()) == (0, 0)


def test_a_message_of_neither_text_nor_files_is_refused() -> None:
    with pytest.raises(InvalidCommand):
        say(a_visitor(), " \n ")
    assert Thread.objects.count() == 0
