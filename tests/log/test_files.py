from __future__ import annotations

from uuid import uuid4

from chatkit_app.log.files import content_url, file_part_as_json
from chatkit_app.models import Part


def test_a_part_tells_its_file_without_a_query() -> None:
    attachment = uuid4()
    known = {"name": "a.png", "mediaType": "image/png", "size": 3}
    part = Part(index=2, kind="file", state="complete", data=known)
    part.attachment_id = attachment

    assert file_part_as_json(part) == {
        "type": "file",
        "partId": str(part.pk),
        "index": 2,
        "stepId": None,
        "state": "complete",
        "attachmentId": str(attachment),
        **known,
        "url": f"/chatkit/api/attachments/{attachment}/content/",
    }


def test_a_file_that_is_gone_has_no_address() -> None:
    told = file_part_as_json(Part(index=0, kind="file", state="complete"))

    assert (told["attachmentId"], told["url"], told["name"]) == (None, None, "")


def test_the_address_is_below_the_mount() -> None:
    assert content_url(uuid4()).startswith("/chatkit/api/attachments/")
