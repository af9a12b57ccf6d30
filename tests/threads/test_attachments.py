from __future__ import annotations

import io
from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone

from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import (
    AttachmentNotFound,
    AttachmentRefused,
    NotAllowed,
    TooManyAttachments,
)
from chatkit_app.models import Attachment
from chatkit_app.registry import assistants
from chatkit_app.threads.adopt import adopt
from chatkit_app.threads.attachments import (
    expired,
    find,
    remove,
    take,
    taken_types,
    throw_away,
)
from tests.history_rows import make_thread
from tests.runs.desk import together
from tests.uploads import PNG, attachment_of, kept

pytestmark = pytest.mark.django_db(transaction=True)

VISITOR = uuid4()


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)


def outdate(row: Attachment) -> None:
    Attachment.objects.filter(pk=row.pk).update(
        expires_at=timezone.now() - timedelta(seconds=1)
    )


def sent(row: Attachment, thread) -> Attachment:
    row.thread, row.status, row.expires_at = thread, "sent", None
    row.save()
    return row


def test_what_nobody_has_sent_in_its_time_is_thrown_away_with_its_file() -> None:
    old, waiting = attachment_of(VISITOR), attachment_of(VISITOR)
    went = sent(attachment_of(VISITOR), make_thread(VISITOR))
    outdate(old)

    assert list(expired()) == [old]
    assert throw_away(expired()) == 1
    assert throw_away(expired()) == 0

    assert set(Attachment.objects.all()) == {waiting, went}
    assert len(kept()) == 2


def test_many_are_thrown_away_in_turns() -> None:
    for _ in range(3):
        outdate(attachment_of(VISITOR))

    assert [throw_away(expired(), limit=2) for _ in range(3)] == [2, 1, 0]
    assert kept() == []


def test_a_thread_takes_its_files_with_it() -> None:
    thread = make_thread(VISITOR)
    sent(attachment_of(VISITOR), thread)
    attachment_of(VISITOR)

    thread.delete()

    assert Attachment.objects.count() == len(kept()) == 1


def test_all_files_of_an_owner_can_be_thrown_away() -> None:
    sent(attachment_of(VISITOR), make_thread(VISITOR))
    attachment_of(VISITOR)
    other = attachment_of(uuid4())

    throw_away(Attachment.objects.filter(owner_key=f"v:{VISITOR}"))

    assert list(Attachment.objects.all()) == [other]
    assert len(kept()) == 1


def test_several_at_once_are_no_more_than_may_wait(settings) -> None:
    settings.CHATKIT_WAITING_ATTACHMENTS = 2
    viewer = Viewer(visitor=VISITOR)
    uploads = [partial(take, viewer, io.BytesIO(PNG), "a.png") for _ in range(5)]
    found = together(uploads)

    refused = [error for error in found if isinstance(error, TooManyAttachments)]
    assert len(refused) == 3, found
    assert Attachment.objects.count() == len(kept()) == 2


def test_what_is_taken_back_keeps_its_file() -> None:
    row = attachment_of(VISITOR)
    with transaction.atomic():
        row.delete()
        transaction.set_rollback(True)

    assert len(kept()) == 1


def test_a_storage_that_does_not_delete_ends_nothing(monkeypatch, caplog) -> None:
    row = attachment_of(VISITOR)

    def away(name: str) -> None:
        raise ConnectionError

    monkeypatch.setattr(row.file.storage, "delete", away)
    throw_away(Attachment.objects.all())

    assert not Attachment.objects.exists()
    assert str(row.pk) in caplog.text


def test_a_storage_may_have_names_of_its_own(monkeypatch) -> None:
    storage = Attachment._meta.get_field("file").storage
    save = storage.save
    monkeypatch.setattr(
        storage, "save", lambda name, content, **kw: save(f"{name}_other", content)
    )

    row = attachment_of(VISITOR)

    row.refresh_from_db()
    assert row.file.name.endswith("_other")
    assert row.file.read() == PNG
    row.file.close()


def test_logging_in_takes_the_files_along() -> None:
    anna = get_user_model().objects.create_user("anna")
    mine, clashing = attachment_of(VISITOR), attachment_of(VISITOR)
    Attachment.objects.filter(pk=clashing.pk).update(external_id="x")
    known = attachment_of(anna)
    Attachment.objects.filter(pk=known.pk).update(external_id="x")

    adopt(VISITOR, anna)

    viewer = Viewer(user=anna)
    assert {find(viewer, row.pk) for row in (mine, clashing)} == {mine, clashing}
    clashing.refresh_from_db()
    assert clashing.external_id is None
    with pytest.raises(AttachmentNotFound):
        find(Viewer(visitor=VISITOR), mine.pk)


def test_a_foreign_tenant_finds_nothing() -> None:
    row = attachment_of(VISITOR)

    with pytest.raises(AttachmentNotFound):
        find(Viewer(visitor=VISITOR, tenant="other"), row.pk)
    with pytest.raises(AttachmentNotFound):
        remove(Viewer(visitor=VISITOR, tenant="other"), row.pk)


def test_where_no_assistant_takes_files_none_are_taken(monkeypatch) -> None:
    monkeypatch.setattr(assistants, "_assistants", {})

    with pytest.raises(NotAllowed):
        attachment_of(VISITOR)
    assert taken_types() == []


def test_the_types_are_the_sites_and_the_assistants(settings) -> None:
    assert "application/pdf" in taken_types("test")
    settings.CHATKIT_ATTACHMENT_TYPES = ["image/png", "audio/wav"]
    assert taken_types("test") == taken_types() == ["image/png", "audio/wav"]


def test_an_empty_file_leaves_nothing() -> None:
    with pytest.raises(AttachmentRefused):
        take(Viewer(visitor=VISITOR), io.BytesIO(), "a.png")
    assert not Attachment.objects.exists()
    assert kept() == []
