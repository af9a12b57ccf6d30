from __future__ import annotations

import pytest
from django.core.files.uploadhandler import FileUploadHandler

from chatkit_app.api.uploads import Counting
from chatkit_app.exceptions import AttachmentRefused, AttachmentTooLarge


def begun(*fields: str) -> FileUploadHandler:
    counting = Counting()
    for field in fields:
        counting.new_file(field, "a.png", "image/png", None)
    return counting


def test_pieces_pass_until_there_are_too_many(settings) -> None:
    settings.CHATKIT_MAX_ATTACHMENT_BYTES = 10
    counting = begun("file")

    assert counting.receive_data_chunk(b"12345", 0) == b"12345"
    assert counting.receive_data_chunk(b"67890", 5) == b"67890"
    with pytest.raises(AttachmentTooLarge):
        counting.receive_data_chunk(b"!", 10)


def test_the_file_itself_is_made_by_the_sites_handlers() -> None:
    assert begun("file").file_complete(3) is None


@pytest.mark.parametrize("fields", [("picture",), ("file", "file")])
def test_one_file_in_its_own_field_is_let_through(fields) -> None:
    with pytest.raises(AttachmentRefused):
        begun(*fields)
