"""The tables. What a row means is written at its class; rows are changed in ``runs`` and ``threads``.

Every change of state is one conditional update in one transaction together with its event.
Lock order everywhere: command, runs by id, threads by id, tool calls, interrupts.
"""

from __future__ import annotations

import secrets
from enum import StrEnum
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from chatkit_app.engine import states


def new_id() -> UUID:
    """A UUIDv7: unguessable enough, and in the order of time for the index."""
    return uuid7()


def new_epoch() -> str:
    """Names one history of positions; another one means: what you hold is not its beginning."""
    return secrets.token_urlsafe(6)


def choices(words: type[StrEnum]) -> list[tuple[str, str]]:
    """A field's choices from one of the engine's enumerations."""
    return [(word.value, word.value.replace("_", " ")) for word in words]


def one_of(words: tuple[StrEnum, ...]) -> list[str]:
    """Plain strings, for constraints that end in a migration."""
    return [word.value for word in words]


ACTIVE = Q(status__in=one_of(states.ACTIVE_RUN_STATUSES))


class Row(models.Model):
    """What every table has."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True


class Thread(Row):
    """A conversation, owned by a user or by an anonymous visitor.

    ``position`` counts its events, ``floor`` is the last one that was pruned.
    """

    assistant = models.CharField(max_length=64)
    tenant = models.CharField(max_length=64, blank=True, default="")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="chatkit_threads",
    )
    visitor = models.UUIDField(null=True, blank=True)
    owner_key = models.CharField(max_length=80)
    external_id = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001 (null: unnamed)
    title = models.CharField(max_length=200, blank=True, default="")
    status = models.CharField(
        max_length=16,
        choices=choices(states.ThreadStatus),
        default=states.ThreadStatus.OPEN,
    )
    metadata = models.JSONField(blank=True, default=dict)
    epoch = models.CharField(max_length=16, default=new_epoch)
    position = models.BigIntegerField(default=0)
    floor = models.BigIntegerField(default=0)
    last_activity_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("thread")
        verbose_name_plural = _("threads")
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
        ]

    def __str__(self) -> str:
        return self.title or str(self.id)


class Message(Row):
    """One turn of one role. Of its siblings (another answer, an edit) one is shown."""

    thread = models.ForeignKey(
        Thread, on_delete=models.CASCADE, related_name="messages"
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

    def __str__(self) -> str:
        return f"{self.role} {self.depth}"


class Run(Row):
    """One answer in the making, with its pauses.

    While it is in progress a process holds it: ``owner``, ``attempt`` and ``lease_until``. Every
    write for it moves ``batch`` on by one under that fence, so that a process which has lost it
    can't write, and a commit of unknown outcome can be repeated.
    """

    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, related_name="runs")
    prompt = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="+")
    answer = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="+")
    status = models.CharField(
        max_length=16,
        choices=choices(states.RunStatus),
        default=states.RunStatus.QUEUED,
    )
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    context = models.JSONField(blank=True, default=dict)
    client_tools = models.JSONField(blank=True, default=list)
    model_name = models.CharField(max_length=200, blank=True, default="")
    owner = models.UUIDField(null=True, blank=True)
    attempt = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    batch = models.PositiveBigIntegerField(default=0)
    ready_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    takeovers = models.PositiveIntegerField(default=0)
    error_code = models.CharField(max_length=64, blank=True, default="")
    error_text = models.TextField(blank=True, default="")
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        constraints = [
            models.UniqueConstraint(
                name="chatkit_run_one_active", fields=["thread"], condition=ACTIVE
            ),
            models.CheckConstraint(
                name="chatkit_run_waits_without_owner",
                condition=~Q(status="requires_action") | Q(owner__isnull=True),
            ),
        ]
        indexes = [
            models.Index(
                name="chatkit_run_ready",
                fields=["status", "ready_at"],
                condition=ACTIVE,
            ),
            models.Index(
                name="chatkit_run_lease",
                fields=["status", "lease_until"],
                condition=ACTIVE,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.status} {self.id}"


class Step(Row):
    """One request to the provider within a run."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="steps")
    index = models.PositiveIntegerField()
    attempt = models.PositiveIntegerField(default=1)
    status = models.CharField(
        max_length=16,
        choices=choices(states.StepStatus),
        default=states.StepStatus.OPEN,
    )
    provider = models.CharField(max_length=64)
    model_name = models.CharField(max_length=200, blank=True, default="")
    response_id = models.CharField(max_length=200, blank=True, default="")
    finish_reason = models.CharField(max_length=32, blank=True, default="")
    input_tokens = models.PositiveIntegerField(default=0)
    cached_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    reasoning_tokens = models.PositiveIntegerField(default=0)
    cost = models.DecimalField(max_digits=14, decimal_places=8, null=True, blank=True)
    first_token_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    error_code = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        verbose_name = _("step")
        verbose_name_plural = _("steps")
        constraints = [
            models.UniqueConstraint(
                name="chatkit_step_index", fields=["run", "index", "attempt"]
            )
        ]

    def __str__(self) -> str:
        return f"{self.index}.{self.attempt}"


class ToolCall(Row):
    """One call of a tool: a row with a state machine that only the server moves."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="tool_calls")
    step = models.ForeignKey(Step, on_delete=models.CASCADE, related_name="tool_calls")
    index = models.PositiveIntegerField()
    provider_call_id = models.CharField(max_length=200)
    name = models.CharField(max_length=200)
    arguments = models.TextField(blank=True, default="")
    input = models.JSONField(null=True, blank=True)
    edited_input = models.JSONField(null=True, blank=True)
    executor = models.CharField(
        max_length=16, choices=choices(states.Executor), blank=True
    )
    effect = models.CharField(max_length=16, choices=choices(states.Effect), blank=True)
    status = models.CharField(max_length=16, choices=choices(states.ToolCallStatus))
    schema_digest = models.CharField(max_length=64, blank=True, default="")
    output = models.JSONField(null=True, blank=True)
    output_size = models.PositiveIntegerField(default=0)
    error_code = models.CharField(max_length=64, blank=True, default="")
    error_text = models.TextField(blank=True, default="")
    starts = models.PositiveIntegerField(default=0)
    progress = models.JSONField(null=True, blank=True)
    deadline_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("tool call")
        verbose_name_plural = _("tool calls")
        constraints = [
            # Not on provider_call_id: providers repeat it.
            models.UniqueConstraint(
                name="chatkit_tool_call_index", fields=["step", "index"]
            ),
            models.CheckConstraint(
                name="chatkit_tool_call_completed_without_error",
                condition=~Q(status="completed") | Q(error_code=""),
            ),
        ]
        indexes = [
            models.Index(
                name="chatkit_tool_call_deadline",
                fields=["status", "deadline_at"],
                condition=Q(status__in=one_of(states.OPEN_TOOL_CALL_STATUSES)),
            ),
            models.Index(
                name="chatkit_tool_call_name", fields=["name", "status", "created_at"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.status}"


class Part(Row):
    """A piece of a message. ``text`` is whole once the part has ended; before, it is in the log.

    ``position`` is the position as of which the row is true; ``provider_data`` goes back to the
    provider that made it and never to a browser.
    """

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="parts")
    step = models.ForeignKey(
        Step, on_delete=models.CASCADE, null=True, blank=True, related_name="parts"
    )
    index = models.PositiveIntegerField()
    kind = models.CharField(max_length=16, choices=choices(states.PartKind))
    state = models.CharField(max_length=16, choices=choices(states.PartState))
    text = models.TextField(blank=True, default="")
    data = models.JSONField(null=True, blank=True)
    provider_data = models.JSONField(null=True, blank=True)
    tool_call = models.ForeignKey(
        ToolCall, on_delete=models.CASCADE, null=True, blank=True, related_name="parts"
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


class Interrupt(Row):
    """Something asked of the outside: a client tool's output; later an approval, an answer."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="interrupts")
    step = models.ForeignKey(
        Step, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    tool_call = models.ForeignKey(
        ToolCall,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="interrupts",
    )
    kind = models.CharField(max_length=16, choices=choices(states.InterruptKind))
    key = models.CharField(max_length=64, blank=True, default="")
    status = models.CharField(
        max_length=16,
        choices=choices(states.InterruptStatus),
        default=states.InterruptStatus.OPEN,
    )
    request = models.JSONField(null=True, blank=True)
    response_schema = models.JSONField(null=True, blank=True)
    permission = models.CharField(max_length=200, blank=True, default="")
    claimed_by = models.CharField(max_length=64, blank=True, default="")
    claim_token = models.UUIDField(null=True, blank=True)
    claim_until = models.DateTimeField(null=True, blank=True)
    strikes = models.PositiveIntegerField(default=0)
    expires_at = models.DateTimeField(null=True, blank=True)
    decision = models.CharField(max_length=16, blank=True, default="")
    answer = models.JSONField(null=True, blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    answered_at = models.DateTimeField(null=True, blank=True)
    submission_id = models.CharField(max_length=64, blank=True, default="")
    answer_digest = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        verbose_name = _("interrupt")
        verbose_name_plural = _("interrupts")
        constraints = [
            models.UniqueConstraint(
                name="chatkit_interrupt_of_call",
                fields=["tool_call", "kind", "key"],
                condition=Q(tool_call__isnull=False),
            )
        ]
        indexes = [
            models.Index(
                name="chatkit_interrupt_expiry",
                fields=["status", "expires_at"],
                condition=Q(status="open"),
            ),
            models.Index(
                name="chatkit_interrupt_permission",
                fields=["permission"],
                condition=Q(status="open"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.status}"


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
            )
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
