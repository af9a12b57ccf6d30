"""Faults in the runs: claiming, answering, cancelling, going on, and commands."""

from __future__ import annotations

from tests.mutants.mutant import MACHINE, Mutant, change

RUNS = (
    Mutant(
        name="check-then-insert",
        why="Two senders at once both see no active run, and both start one.",
        changes=(
            change(
                "migrations/0001_initial.py",
                "constraint=models.UniqueConstraint(condition=models.Q(('status__in', "
                "['queued', 'in_progress', 'requires_action', 'cancelling'])), "
                "fields=('thread',), name='chatkit_run_one_active')",
                "constraint=models.UniqueConstraint(fields=('thread', 'id'), "
                "name='chatkit_run_one_active')",
            ),
            change(
                "models/runs.py",
                'name="chatkit_run_one_active", fields=["thread"], condition=ACTIVE',
                'name="chatkit_run_one_active", fields=["thread", "id"]',
            ),
        ),
        tests=("tests/test_models.py",),
    ),
    Mutant(
        name="check-then-insert-unlocked",
        why="The same, with the locks gone that let two senders come one after the other.",
        changes=(
            change(
                "runs/superseding.py",
                "thread.position = locked(thread).position",
                "thread.position = Thread.objects.get(pk=thread.pk).position",
            ),
            change(
                "db.py",
                'if default.vendor == "postgresql":',
                "if False:",
            ),
            change(
                "migrations/0001_initial.py",
                "constraint=models.UniqueConstraint(condition=models.Q(('status__in', "
                "['queued', 'in_progress', 'requires_action', 'cancelling'])), "
                "fields=('thread',), name='chatkit_run_one_active')",
                "constraint=models.UniqueConstraint(fields=('thread', 'id'), "
                "name='chatkit_run_one_active')",
            ),
        ),
        tests=("tests/properties/test_at_once.py",),
        needs="postgres",
    ),
    Mutant(
        name="get-check-save",
        why="An answer is looked up, checked and saved, without a lock: two are accepted.",
        changes=(
            change("runs/settling.py", '.update(takeovers=F("takeovers"))', ".count()"),
        ),
        tests=("tests/properties/test_at_once.py",),
        needs="postgres",
    ),
    Mutant(
        name="count-without-lock",
        why="Two last answers at once each see the other's call open: the run is stuck.",
        changes=(
            change("runs/settling.py", '.update(takeovers=F("takeovers"))', ".count()"),
        ),
        tests=("tests/properties/test_at_once.py",),
        needs="postgres",
    ),
    Mutant(
        name="submit-before-commit",
        why="A runner looks for a run that is not there yet, and never comes again.",
        changes=(
            change(
                "runs/starting.py",
                "transaction.on_commit(lambda: runner.submit(run.pk))",
                "runner.submit(run.pk)",
            ),
        ),
        tests=("tests/runs/test_service.py", MACHINE),
    ),
    Mutant(
        name="claimed-while-held",
        why="A run is taken from a process that is alive.",
        changes=(
            change(
                "runs/claiming.py",
                "lease_until__lt=clock.now()",
                "lease_until__isnull=False",
            ),
        ),
        tests=("tests/runs/test_claiming.py", MACHINE),
    ),
    Mutant(
        name="lease-never-ends",
        why="The runs of a dead process stay its own for ever.",
        changes=(
            change(
                "runs/claiming.py",
                "lease_until__lt=clock.now()",
                "lease_until__isnull=True",
            ),
        ),
        tests=("tests/runs/test_claiming.py", MACHINE),
    ),
    Mutant(
        name="once-twice",
        why="A tool that must run once runs again after a takeover.",
        changes=(
            change(
                "runs/recovery.py",
                "*taken_back, *_end_unknown(run), run_changed(run)",
                "*taken_back, run_changed(run)",
            ),
        ),
        tests=("tests/runs/test_recovery.py", MACHINE),
    ),
    Mutant(
        name="taken-over-for-ever",
        why="A run that takes its process down is taken over again and again.",
        changes=(
            change(
                "runs/recovery.py",
                "if run.takeovers > settings.MAX_TAKEOVERS:",
                "if False:",
            ),
        ),
        tests=("tests/runs/test_recovery.py", MACHINE),
    ),
    Mutant(
        name="cancel-ignored-at-the-end",
        why="A run that somebody has stopped ends as completed.",
        changes=(
            change(
                "runs/closing.py",
                "    if run.status == RunStatus.CANCELLING:\n        status, code",
                "    if False:\n        status, code",
            ),
        ),
        tests=(MACHINE,),
    ),
    Mutant(
        name="command-twice",
        why="A message that was sent again, for its answer was lost, is there twice.",
        changes=(
            change(
                "runs/remembering.py",
                "client_id=command.id,",
                'client_id=f"{command.id[:30]}{timezone.now().timestamp()}",',
            ),
        ),
        tests=("tests/runs/test_remembering.py", "tests/runs/test_service.py", MACHINE),
    ),
    Mutant(
        name="other-command-same-id",
        why="The outcome of one command is told for another one.",
        changes=(
            change("runs/remembering.py", "if known.digest != digest:", "if False:"),
        ),
        tests=("tests/runs/test_remembering.py", MACHINE),
    ),
    Mutant(
        name="void-told",
        why="The model is told of what was taken back.",
        changes=(
            change(
                "runs/transcript.py",
                "if step is None or step.status == StepStatus.VOID:",
                "if step is None:",
            ),
        ),
        tests=("tests/runs/test_transcript.py", MACHINE),
    ),
    Mutant(
        name="answered-after-cancel",
        why="A page answers into a run that is being stopped.",
        changes=(
            change(
                "runs/resolving.py",
                "\n        or run.status == RunStatus.CANCELLING\n",
                "\n",
            ),
        ),
        tests=("tests/runs/test_resolving.py", MACHINE),
    ),
    Mutant(
        name="answered-after-close",
        why="A call that was closed gets a second result.",
        changes=(
            change(
                "runs/resolving.py",
                "row.status != InterruptStatus.OPEN\n        or is_over",
                "is_over",
            ),
        ),
        tests=("tests/runs/test_resolving.py", MACHINE),
    ),
    Mutant(
        name="claim-of-another-page",
        why="A page answers for a call that another one runs.",
        changes=(
            change(
                "runs/resolving.py",
                'if is_held and row.claimed_by not in ("", tab):',
                "if False:",
            ),
        ),
        tests=("tests/runs/test_resolving.py", MACHINE),
    ),
    Mutant(
        name="pause-without-looking",
        why="The last page has answered meanwhile: the run waits for nobody, for ever.",
        changes=(
            change(
                "runs/executor.py",
                "ToolCallStatus.WAITING in statuses\n                and ToolCallStatus.QUEUED not in statuses\n                and ",
                "",
            ),
        ),
        tests=("tests/runs/test_executor.py",),
    ),
    Mutant(
        name="begun-before-it-is-written",
        why="A tool has begun and no row says so: a takeover begins it again.",
        changes=(
            change(
                "runs/executor.py",
                "isinstance(event, events.PartDelta):",
                "isinstance(event, events.PartDelta | events.ToolCallChanged):",
            ),
            change(
                "runs/executor.py",
                "urgent=event.offset == 0",
                "urgent=False",
            ),
        ),
        tests=("tests/runs/test_executor.py",),
    ),
)
