"""What is being done: runs, their steps and calls, and what they ask of the outside."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from chatkit_app.engine import states
from chatkit_app.models.base import Row, choices, one_of
from chatkit_app.models.threads import Message, Thread

ACTIVE = Q(status__in=one_of(states.ACTIVE_RUN_STATUSES))


class Run(Row):
    """One answer in the making, with its pauses.

    While it is in progress a process holds it: ``owner``, ``attempt`` and ``lease_until``. Every
    write for it moves ``batch`` on by one under that fence, so that a process which has lost it
    can't write, and a commit of unknown outcome can be repeated.

    ``cost`` is that of its steps, as far as they were counted and their price is known; None where
    none is. ``counted_at``: when it was counted as a message (``runs/usage.py``). ``tallied_at``: when
    its end went into ``Tally``. ``copy_of``: the run of a thread that was forked, of which this one is
    the record in the fork; it has cost nothing, and is counted nowhere.
    """

    # The index of a thread's newest run serves as that of thread.
    thread = models.ForeignKey(
        Thread, on_delete=models.CASCADE, related_name="runs", db_index=False
    )
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
    cost = models.DecimalField(max_digits=18, decimal_places=8, null=True, blank=True)
    counted_at = models.DateTimeField(null=True, blank=True)
    tallied_at = models.DateTimeField(null=True, blank=True)
    copy_of = models.UUIDField(null=True, blank=True)

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
        # Whole ones: SQLite does not know a partial index again where the query's values are bound.
        indexes = [
            models.Index(
                name="chatkit_run_ready",
                fields=["status", "ready_at"],
            ),
            models.Index(
                name="chatkit_run_lease",
                fields=["status", "lease_until"],
            ),
            # A thread's newest run, as lists and snapshots ask for it.
            models.Index(
                name="chatkit_run_newest", fields=["thread", "created_at", "id"]
            ),
            # Few: NULL is compared with nothing that is bound, so that SQLite knows it again.
            models.Index(
                name="chatkit_run_uncounted",
                fields=["created_at"],
                condition=Q(counted_at__isnull=True),
            ),
            models.Index(
                name="chatkit_run_untallied",
                fields=["finished_at"],
                condition=Q(tallied_at__isnull=True, finished_at__isnull=False),
            ),
            # The inspector's lists, newest first.
            models.Index(name="chatkit_run_recent", fields=["created_at", "id"]),
            models.Index(
                name="chatkit_run_status", fields=["status", "created_at", "id"]
            ),
            models.Index(name="chatkit_run_cost", fields=["cost"]),
        ]

    def __str__(self) -> str:
        return f"{self.status} {self.id}"


class Step(Row):
    """One request to the provider within a run.

    ``cost`` is None where no price is known. ``counted_at``: when it went into ``Usage``, once.
    """

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
    retry_at = models.DateTimeField(null=True, blank=True)
    counted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("step")
        verbose_name_plural = _("steps")
        constraints = [
            models.UniqueConstraint(
                name="chatkit_step_index", fields=["run", "index", "attempt"]
            )
        ]
        indexes = [
            # The inspector's list of what was expensive.
            models.Index(name="chatkit_step_input", fields=["input_tokens"]),
            models.Index(
                name="chatkit_step_uncounted",
                fields=["created_at"],
                condition=Q(counted_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.index}.{self.attempt}"


class ToolCall(Row):
    """One call of a tool: a row with a state machine that only the server moves.

    ``job_owner`` is who works on it, where it is a job. ``job_until`` is that of a job of our own
    workers: from then on another process may take it.
    """

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
    job_owner = models.UUIDField(null=True, blank=True)
    job_until = models.DateTimeField(null=True, blank=True)
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
            ),
            models.Index(name="chatkit_tool_call_job", fields=["status", "job_until"]),
            models.Index(
                name="chatkit_tool_call_name", fields=["name", "status", "created_at"]
            ),
            # The inspector's lists, newest first.
            models.Index(name="chatkit_tool_call_recent", fields=["created_at", "id"]),
            models.Index(
                name="chatkit_tool_call_status", fields=["status", "created_at", "id"]
            ),
            models.Index(
                name="chatkit_tool_call_tool", fields=["name", "created_at", "id"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.status}"


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
                name="chatkit_interrupt_claim",
                fields=["status", "claim_until"],
            ),
            models.Index(
                name="chatkit_interrupt_permission",
                fields=["permission"],
                condition=Q(status="open"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.status}"
