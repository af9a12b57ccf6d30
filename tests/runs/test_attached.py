from __future__ import annotations

from uuid import uuid4

import pytest

from chatkit_app.models import Attachment
from chatkit_app.runs.attached import read_attachment
from tests.uploads import PNG, attachment_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)


def test_the_bytes_are_those_of_the_upload() -> None:
    assert read_attachment(str(attachment_of(uuid4()).pk)) == PNG


def test_what_is_gone_is_none() -> None:
    row = attachment_of(uuid4())
    row.file.storage.delete(row.file.name)

    assert read_attachment(str(row.pk)) is None
    assert read_attachment(str(uuid4())) is None
    assert read_attachment("") is None


def test_a_storage_that_fails_ends_nothing(monkeypatch, caplog) -> None:
    row = attachment_of(uuid4())

    def away(name: str, mode: str = "rb") -> None:
        raise ConnectionError("secret-of-the-storage")

    monkeypatch.setattr(Attachment._meta.get_field("file").storage, "open", away)

    assert read_attachment(str(row.pk)) is None
    assert "secret" not in caplog.text
