"""What was said: threads, messages and their parts."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from chatkit_app.engine import states
from chatkit_app.models.base import Row, choices, new_epoch


class Thread(Row):
    """A conversation, owned by a user or by an anonymous visitor.

    ``position`` counts its events, ``floor`` is the last one that was pruned; ``revision`` counts what
    has changed of it in its owner's list. It is unread where
    ``answered_at``, when the newest answer ended or began to wait for its owner, is after ``read_at``.
    """

    assistant = models.CharField(max_length=64)
    tenant = models.CharField(max_length=64, blank=True, default="")
    # Not CASCADE: it would load everything at once and leave the files. threads/erase.py erases.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="chatkit_threads",
    )
    visitor = models.UUIDField(null=True, blank=True)
    owner_key = models.CharField(max_length=80)
    external_id = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001 (null: unnamed)
    title = models.CharField(max_length=200, blank=True, default="")
    title_source = models.CharField(
        max_length=16,
        choices=choices(states.TitleSource),
        default=states.TitleSource.MESSAGE,
    )
    titled_at = models.DateTimeField(null=True, blank=True)
    status = models.CharField(
        max_length=16,
        choices=choices(states.ThreadStatus),
        default=states.ThreadStatus.OPEN,
    )
    metadata = models.JSONField(blank=True, default=dict)
    epoch = models.CharField(max_length=16, default=new_epoch)
    position = models.BigIntegerField(default=0)
    floor = models.BigIntegerField(default=0)
    revision = models.BigIntegerField(default=0)
    last_activity_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)
    pinned_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("thread")
        verbose_name_plural = _("threads")
        # Each is an action of access.py: what the staff may do in other people's threads.
        permissions = [
            ("view_content", _("Can read what was said in threads")),
            ("answer_interrupt", _("Can answer what a thread's owner is asked")),
            ("cancel_run", _("Can cancel runs")),
            ("retry_run", _("Can have a failed answer tried again")),
            ("reply_thread", _("Can reply in threads as a person")),
            ("expire_interrupt", _("Can let what is asked expire")),
            ("export_thread", _("Can export other people's threads")),
            ("erase_thread", _("Can erase threads and what people have said")),
        ]
        constraints = [
            models.CheckConstraint(
                name="chatkit_thread_one_owner",
                condition=Q(user__isnull=True) | Q(visitor__isnull=True),
            ),
            models.UniqueConstraint(
                name="chatkit_thread_external_id",
                fields=["tenant", "owner_key", "external_id"],
                condition=Q(external_id__isnull=False, deleted_at__isnull=True),
            ),
        ]
        indexes = [
            models.Index(
                name="chatkit_thread_of_owner",
                fields=["tenant", "owner_key", "last_activity_at", "id"],
            ),
            models.Index(
                name="chatkit_thread_of_assistant",
                fields=["assistant", "last_activity_at"],
            ),
            # Few: what its owner keeps at the top of the list.
            models.Index(
                name="chatkit_thread_pinned",
                fields=["tenant", "owner_key", "last_activity_at", "id"],
                condition=Q(pinned_at__isnull=False),
            ),
            # The inspector's list, newest first.
            models.Index(
                name="chatkit_thread_recent",
                fields=["tenant", "last_activity_at", "id"],
            ),
        ]

    def __str__(self) -> str:
        """Never its title: this ends in logs that outlive an erased thread."""
        return str(self.id)

    @property
    def is_unread(self) -> bool:
        """Has an answer ended, or begun to wait for the owner, since they have read the thread?"""
        answered, read = self.answered_at, self.read_at
        return answered is not None and (read is None or answered > read)


class Message(Row):
    """One turn of one role. Of its siblings (another answer, an edit) one is shown.

    An assistant's message with an ``author`` and without a run is a member of the staff's reply.
    """

    # The index of (thread, depth, id) serves as that of thread.
    thread = models.ForeignKey(
        Thread, on_delete=models.CASCADE, related_name="messages", db_index=False
    )
    parent = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="children"
    )
    depth = models.PositiveIntegerField()
    is_shown = models.BooleanField(default=True)
    role = models.CharField(max_length=16, choices=choices(states.Role))
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    run = models.ForeignKey(
        "Run", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    client_id = models.CharField(max_length=64, null=True, blank=True)  # noqa: DJ001 (null: ours)
    status = models.CharField(max_length=16, choices=choices(states.MessageStatus))
    text = models.TextField(blank=True, default="")
    metadata = models.JSONField(blank=True, default=dict)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints = [
            models.UniqueConstraint(
                name="chatkit_message_shown",
                fields=["thread", "depth"],
                condition=Q(is_shown=True),
            ),
            models.UniqueConstraint(
                name="chatkit_message_client_id",
                fields=["thread", "client_id"],
                condition=Q(client_id__isnull=False),
            ),
        ]
        indexes = [
            # All branches page by page, and a whole thread from its end.
            models.Index(
                name="chatkit_message_in_thread", fields=["thread", "depth", "id"]
            )
        ]

    def __str__(self) -> str:
        return f"{self.role} {self.depth}"


class Part(Row):
    """A piece of a message. ``text`` is whole once the part has ended; before, it is in the log.

    ``position`` is the position as of which the row is true; ``provider_data`` goes back to the
    provider that made it and never to a browser.
    """

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="parts")
    step = models.ForeignKey(
        "Step", on_delete=models.CASCADE, null=True, blank=True, related_name="parts"
    )
    index = models.PositiveIntegerField()
    kind = models.CharField(max_length=16, choices=choices(states.PartKind))
    state = models.CharField(max_length=16, choices=choices(states.PartState))
    text = models.TextField(blank=True, default="")
    data = models.JSONField(null=True, blank=True)
    provider_data = models.JSONField(null=True, blank=True)
    tool_call = models.ForeignKey(
        "ToolCall",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="parts",
    )
    attachment = models.ForeignKey(
        "Attachment",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="parts",
    )
    position = models.BigIntegerField()

    class Meta:
        verbose_name = _("part")
        verbose_name_plural = _("parts")
        constraints = [
            models.UniqueConstraint(
                name="chatkit_part_index", fields=["message", "index"]
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.index}"
