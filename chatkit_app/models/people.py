"""What people make of a thread: how they liked it, whom they let read it, who of the staff has looked."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from chatkit_app.engine import states
from chatkit_app.models.base import Row, choices
from chatkit_app.models.threads import Message, Thread


class Feedback(Row):
    """How an owner liked an answer: one row each, changed as they change their mind."""

    message = models.ForeignKey(
        Message, on_delete=models.CASCADE, related_name="feedback"
    )
    owner_key = models.CharField(max_length=80)
    kind = models.CharField(max_length=8, choices=choices(states.FeedbackKind))
    reasons = models.JSONField(blank=True, default=list)
    comment = models.TextField(blank=True, default="")

    class Meta:
        verbose_name = _("feedback")
        verbose_name_plural = _("feedback")
        constraints = [
            models.UniqueConstraint(
                name="chatkit_feedback_one", fields=["message", "owner_key"]
            )
        ]
        indexes = [
            models.Index(name="chatkit_feedback_kind", fields=["kind", "created_at"])
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class Share(Row):
    """A link by which anybody may read a thread up to ``message``, until it expires or is revoked.

    Whoever has the link has its token; here is only the token's SHA-256, in hex.
    """

    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, related_name="shares")
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="+")
    token_hash = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("share")
        verbose_name_plural = _("shares")
        indexes = [models.Index(name="chatkit_share_expiry", fields=["expires_at"])]

    def __str__(self) -> str:
        return str(self.id)


class AccessLog(Row):
    """Somebody of the staff has read or done something in a thread of another's; never what is in it.

    No foreign key to the thread: it outlives an erased one.
    """

    thread_id = models.UUIDField(db_index=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    action = models.CharField(max_length=32)

    class Meta:
        verbose_name = _("access")
        verbose_name_plural = _("accesses")
        indexes = [
            # What is older than its retention goes by it.
            models.Index(name="chatkit_access_recent", fields=["created_at"])
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.thread_id}"
