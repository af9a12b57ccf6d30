"""What was asked, and what happened: commands and events."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from chatkit_app.engine import states
from chatkit_app.models.base import Row, choices
from chatkit_app.models.runs import Run
from chatkit_app.models.threads import Thread


class Command(Row):
    """Something that was asked of us, and what came of it: the same id gets the same outcome."""

    thread = models.ForeignKey(
        Thread, on_delete=models.CASCADE, null=True, blank=True, related_name="commands"
    )
    tenant = models.CharField(max_length=64, blank=True, default="")
    owner_key = models.CharField(max_length=80)
    protocol = models.CharField(max_length=16)
    client_id = models.CharField(max_length=64)
    kind = models.CharField(max_length=16, choices=choices(states.CommandKind))
    run = models.ForeignKey(
        Run, on_delete=models.SET_NULL, null=True, blank=True, related_name="commands"
    )
    digest = models.CharField(max_length=64)
    outcome = models.JSONField(blank=True, default=dict)
    first_position = models.BigIntegerField(null=True, blank=True)
    last_position = models.BigIntegerField(null=True, blank=True)

    class Meta:
        verbose_name = _("command")
        verbose_name_plural = _("commands")
        constraints = [
            models.UniqueConstraint(
                name="chatkit_command_id",
                fields=["tenant", "owner_key", "protocol", "client_id"],
            )
        ]
        indexes = [
            # The limit on messages a minute counts by it.
            models.Index(
                name="chatkit_command_of_owner",
                fields=["tenant", "owner_key", "kind", "created_at"],
            ),
            models.Index(name="chatkit_command_recent", fields=["kind", "created_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.client_id}"


class Event(models.Model):
    """One committed event; ``data`` is its JSON exactly as every frame carries it.

    Text and not a JSONField: it is encoded once, never searched, and read back as it was.
    """

    id = models.BigAutoField(primary_key=True)
    # The unique (thread, position) serves as the index of thread.
    thread = models.ForeignKey(
        Thread, on_delete=models.CASCADE, related_name="events", db_index=False
    )
    position = models.BigIntegerField()
    version = models.PositiveSmallIntegerField(default=1)
    type = models.CharField(max_length=32)
    # No foreign key: it would want an index of its own, and runs go only with their thread.
    run_id = models.UUIDField(null=True, blank=True)
    data = models.TextField()
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        constraints = [
            models.UniqueConstraint(
                name="chatkit_event_position", fields=["thread", "position"]
            ),
            models.CheckConstraint(
                name="chatkit_event_position_from_one", condition=Q(position__gt=0)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.position} {self.type}"
