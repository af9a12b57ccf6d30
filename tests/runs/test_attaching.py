"""From an upload to what the model is told: a message takes a file, once."""

from __future__ import annotations

import dataclasses
import threading
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connections
from django.utils import timezone

from chatkit_app.engine.commands import Edit, Send
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import (
    AttachmentNotFound,
    ChatKitError,
    NotAllowed,
    TooManyAttachments,
)
from chatkit_app.log.snapshot import take_snapshot
from chatkit_app.models import Attachment, Command, Message, Part, Run, Thread
from chatkit_app.registry import assistants
from chatkit_app.runs.service import handle
from tests.runs.desk import a_command_id, a_visitor, carry
from tests.uploads import GOOD, PNG, attachment_of

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)


def send(
    viewer: Viewer, *files: UUID, text: str = "", thread: UUID | None = None
) -> dict[str, Any]:
    command = Send(
        id=a_command_id(),
        thread_id=thread,
        assistant="test",
        text=text,
        attachments=files,
    )
    return handle(viewer, command)


def an_upload(viewer: Viewer, name: str = "picture.png") -> UUID:
    owner: Any = viewer.user or viewer.visitor
    return attachment_of(owner, GOOD[name][0], name).pk


def answered(outcome: dict[str, Any]) -> str:
    run = carry(Run.objects.get(pk=outcome["run"]))
    assert run.status == "completed", run.error_text
    parts = Part.objects.filter(message=run.answer, kind="text").order_by("index")
    return "\n".join(part.text for part in parts)


def test_a_file_goes_with_a_message_to_the_model_and_to_the_pages() -> None:
    viewer = a_visitor()
    upload = an_upload(viewer)

    outcome = send(viewer, upload, text="say Look.")

    row = Attachment.objects.get()
    assert (row.status, row.expires_at) == ("sent", None)
    assert row.thread_id == UUID(outcome["thread"])
    [prompt, _answer] = take_snapshot(row.thread_id).content["messages"]
    file = Part.objects.get(kind="file")
    assert prompt["parts"][1] == {
        "type": "file",
        "partId": str(file.pk),
        "index": 1,
        "stepId": None,
        "state": "complete",
        "attachmentId": str(upload),
        "name": "picture.png",
        "mediaType": "image/png",
        "size": len(PNG),
        "url": f"/chatkit/api/attachments/{upload}/content/",
    }
    assert "Got picture.png, image/png" in answered(outcome)


def test_a_message_may_be_files_alone_in_their_order() -> None:
    viewer = a_visitor()
    names = ["paper.pdf", "picture.gif", "picture.png"]

    outcome = send(viewer, *(an_upload(viewer, name) for name in names))

    told = answered(outcome)
    assert [told.index(f"Got {name}") for name in names] == sorted(
        told.index(f"Got {name}") for name in names
    )
    files = Part.objects.filter(message=outcome["message"])
    assert [part.data["name"] for part in files.order_by("index")] == names


def test_a_text_is_told_as_a_text() -> None:
    viewer = a_visitor()

    told = answered(send(viewer, an_upload(viewer, "notes.txt")))

    assert '[file "notes.txt", text/plain' in told
    assert "Grüße aus Köln" in told


def test_a_file_that_the_storage_has_lost_ends_no_run() -> None:
    viewer = a_visitor()
    outcome = send(viewer, an_upload(viewer))
    row = Attachment.objects.get()
    row.file.storage.delete(row.file.name)

    told = answered(outcome)

    assert '[file "picture.png", image/png' in told
    assert "can't be read any more" in told


def test_a_file_that_was_deleted_is_still_spoken_of() -> None:
    viewer = a_visitor()
    outcome = send(viewer, an_upload(viewer))
    Attachment.objects.all().delete()

    assert "can't be read any more" in answered(outcome)
    [prompt, _answer] = take_snapshot(UUID(outcome["thread"])).content["messages"]
    [part] = prompt["parts"]
    assert (part["name"], part["url"]) == ("picture.png", None)


def test_what_goes_beyond_the_limit_is_told_in_words(settings) -> None:
    settings.CHATKIT_TOLD_ATTACHMENT_BYTES = len(PNG)
    viewer = a_visitor()

    told = answered(send(viewer, an_upload(viewer), an_upload(viewer)))

    assert told.count("Got picture.png") == 1
    assert "newer files have taken the room" in told


def refused(viewer: Viewer, *files: UUID, error: type[ChatKitError]) -> None:
    """Nothing has changed."""
    before = list(Attachment.objects.order_by("pk").values())
    counts = Message.objects.count(), Thread.objects.count(), Command.objects.count()

    with pytest.raises(error):
        send(viewer, *files, text="Hi")

    assert list(Attachment.objects.order_by("pk").values()) == before
    assert counts == (
        Message.objects.count(),
        Thread.objects.count(),
        Command.objects.count(),
    )


def test_what_is_missing_foreign_expired_or_named_twice_is_not_attached() -> None:
    viewer, other = a_visitor(), a_visitor()
    own, foreign, old = an_upload(viewer), an_upload(other), an_upload(viewer)
    Attachment.objects.filter(pk=old).update(
        expires_at=timezone.now() - timedelta(seconds=1)
    )
    for ids in ([uuid4()], [foreign], [old], [own, own], [own, foreign]):
        refused(viewer, *ids, error=AttachmentNotFound)


def test_another_tenants_file_is_not_attached() -> None:
    viewer = a_visitor()
    upload = an_upload(viewer)
    Attachment.objects.update(tenant="other")

    refused(viewer, upload, error=AttachmentNotFound)


def test_a_file_goes_with_one_message_alone() -> None:
    viewer = a_visitor()
    upload = an_upload(viewer)
    outcome = send(viewer, upload)
    carry(Run.objects.get(pk=outcome["run"]))

    refused(viewer, upload, error=AttachmentNotFound)
    with pytest.raises(AttachmentNotFound):
        send(viewer, upload, thread=UUID(outcome["thread"]))


def test_of_two_messages_at_once_one_gets_the_file() -> None:
    viewer = a_visitor()
    upload = an_upload(viewer)
    barrier = threading.Barrier(4)
    found: list[str] = []

    def try_it() -> None:
        barrier.wait()
        try:
            send(viewer, upload)
            found.append("sent")
        except ChatKitError as error:
            found.append(error.code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=try_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(found).count("sent") == 1
    assert Part.objects.filter(kind="file").count() == 1
    assert Message.objects.filter(role="user").count() == 1


def test_only_so_many_files_go_with_a_message(settings) -> None:
    settings.CHATKIT_ATTACHMENTS_PER_MESSAGE = 1
    viewer = a_visitor()

    refused(viewer, an_upload(viewer), an_upload(viewer), error=TooManyAttachments)


@pytest.mark.parametrize("takes", [False, ["application/pdf"], ["text/*"]])
def test_an_assistant_says_what_it_takes(monkeypatch, takes) -> None:
    viewer = a_visitor()
    upload = an_upload(viewer)
    test = assistants.get("test")
    taking = dataclasses.replace(test, attachments=takes)
    monkeypatch.setitem(assistants._assistants, "test", taking)

    refused(viewer, upload, error=NotAllowed)


def test_an_edited_message_may_keep_its_files() -> None:
    viewer = a_visitor()
    first = an_upload(viewer)
    outcome = send(viewer, first, text="say Look.")
    carry(Run.objects.get(pk=outcome["run"]))
    edit = Edit(
        id=a_command_id(),
        thread_id=UUID(outcome["thread"]),
        message_id=UUID(outcome["message"]),
        text="say Look again.",
        attachments=(first, an_upload(viewer, "paper.pdf")),
    )

    told = answered(handle(viewer, edit))

    assert "Got picture.png" in told
    assert "Got paper.pdf" in told
    assert Part.objects.filter(attachment=first).count() == 2
