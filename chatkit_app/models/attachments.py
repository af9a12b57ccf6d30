"""Files that visitors send along with a message."""

from __future__ import annotations

from django.core.files.storage import Storage, storages
from django.db import models
from django.utils.translation import gettext_lazy as _

from chatkit_app.conf import settings
from chatkit_app.engine import states
from chatkit_app.models.base import Row, choices
from chatkit_app.models.threads import Thread


def file_storage() -> Storage:
    """Where the files are kept. A function: migrations are the same whatever a site has set."""
    return storages[settings.ATTACHMENT_STORAGE]


class Attachment(Row):
    """A file and what is known of it. Until a message has taken it, it belongs to its owner alone.

    ``name`` is what the visitor's computer calls it, for people; where it is kept is ``file``, and
    nothing of the visitor's is in that.
    ``media_type`` is what its bytes look like, never what the browser said. ``size`` in bytes,
    ``sha256`` in hex. Without a thread it is thrown away at ``expires_at``.
    """

    thread = models.ForeignKey(
        Thread,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="attachments",
    )
    tenant = models.CharField(max_length=64, blank=True, default="")
    owner_key = models.CharField(max_length=80)
    external_id = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001 (null: unnamed)
    file = models.FileField(max_length=300, storage=file_storage)
    name = models.CharField(max_length=200)
    media_type = models.CharField(max_length=100)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    status = models.CharField(
        max_length=16,
        choices=choices(states.AttachmentStatus),
        default=states.AttachmentStatus.WAITING,
    )
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        constraints = [
            models.UniqueConstraint(
                name="chatkit_attachment_external_id",
                fields=["tenant", "owner_key", "external_id"],
                condition=models.Q(external_id__isnull=False),
            )
        ]
        indexes = [
            models.Index(
                name="chatkit_attachment_of_owner", fields=["tenant", "owner_key"]
            ),
            models.Index(
                name="chatkit_attachment_expiry", fields=["status", "expires_at"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.media_type} {self.id}"
