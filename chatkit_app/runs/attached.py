"""The bytes of what messages have taken, for the model."""

from __future__ import annotations

import logging

from chatkit_app.models import Attachment

logger = logging.getLogger(__name__)


def read_attachment(ref: str) -> bytes | None:
    """The file of the attachment of this id; None where the row or its file is gone. It may block."""
    if not ref:
        return None
    row = Attachment.objects.filter(pk=ref).first()
    if row is None:
        return None
    try:
        with row.file.open("rb") as file:
            found: bytes = file.read()
    except Exception as error:  # noqa: BLE001 (the storage is the site's, and its errors are)
        # The run goes on: the model is told that it can't be read.
        logger.warning(
            "The file of attachment %s can't be read: %s", row.pk, type(error).__name__
        )
        return None
    return found
