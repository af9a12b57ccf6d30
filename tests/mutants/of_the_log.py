"""Faults in the log, in what is read from it, and in what a provider is asked."""

from __future__ import annotations

from tests.mutants.mutant import MACHINE, Mutant, change

LOG = (
    Mutant(
        name="no-fence",
        why="A process that was paused and comes back writes for a run that it has lost.",
        changes=(
            change(
                "log/statements.py",
                "WHERE r.id = v.run AND r.owner = v.owner AND r.attempt = v.attempt",
                "WHERE r.id = v.run",
            ),
        ),
        tests=(MACHINE,),
    ),
    Mutant(
        name="no-attempt",
        why="The same process writes for its own earlier attempt.",
        changes=(
            change("log/statements.py", " AND r.attempt = v.attempt", ""),
            change(
                "log/statements.py",
                " AND r.batch = v.batch - 1",
                " AND r.batch < v.batch",
            ),
        ),
        tests=(MACHINE,),
    ),
    Mutant(
        name="no-batch",
        why="A commit whose outcome was never heard is written a second time.",
        changes=(
            change("log/statements.py", " AND r.batch = v.batch - 1", ""),
            change("log/batches.py", "if is_committed(batch.fence):", "if False:"),
        ),
        tests=(MACHINE,),
    ),
    Mutant(
        name="id-as-cursor",
        why="A cursor counts rows of all threads instead of this one's positions.",
        changes=(change("log/snapshot.py", "position__gt=after", "pk__gt=after"),),
        tests=("tests/runs/test_subscription.py", MACHINE),
    ),
    Mutant(
        name="publish-before-commit",
        why="A page is shown what a rollback takes back.",
        changes=(
            change(
                "log/append.py",
                "transaction.on_commit(lambda: publish(thread, first, events, texts))",
                "publish(thread, first, events, texts)",
            ),
        ),
        tests=("tests/log/test_append.py", MACHINE),
    ),
    Mutant(
        name="writer-publishes-before-commit",
        why="The writer shows tokens that are not committed yet.",
        changes=(
            change(
                "log/batches.py",
                "    for thread, first, events, texts in written:\n"
                "        publish(thread, first, events, texts)\n",
                "        for thread, first, events, texts in written:\n"
                "            publish(thread, first, events, texts)\n",
            ),
        ),
        tests=("tests/log/test_batches.py", MACHINE),
    ),
    Mutant(
        name="acknowledgement-ignored",
        why="A page that reads nothing is sent more and more.",
        changes=(
            change(
                "runs/subscription.py",
                "is_behind = self._position - self._acknowledged >= WINDOW",
                "is_behind = False",
            ),
        ),
        tests=("tests/runs/test_subscription.py",),
    ),
    Mutant(
        name="lease-not-renewed",
        why="A process that writes loses its run all the same.",
        changes=(
            change(
                "log/statements.py",
                "SET batch = v.batch, lease_until = {lease_until}",
                "SET batch = v.batch, lease_until = COALESCE(lease_until, {lease_until})",
            ),
        ),
        tests=("tests/log/test_statements.py", MACHINE),
    ),
    Mutant(
        name="void-shown",
        why="A page that reloads shows what the others have taken back.",
        changes=(
            change(
                "log/snapshot.py",
                'Q(step__isnull=True) | ~Q(step__status="void")',
                "Q()",
            ),
        ),
        tests=("tests/log/test_snapshot.py", MACHINE),
    ),
    Mutant(
        name="snapshot-without-its-position",
        why="A snapshot is sent under the position that the page had asked from.",
        changes=(
            change(
                "runs/subscription.py",
                "self._position = self._acknowledged = snapshot.position",
                "self._acknowledged = self._position",
            ),
        ),
        tests=("tests/runs/test_subscription.py", MACHINE),
    ),
    Mutant(
        name="torn-snapshot",
        why="A snapshot holds what was committed after the position that it names.",
        changes=(
            change(
                "log/snapshot.py",
                "    with one_moment():\n        thread = Thread",
                "    if True:\n        thread = Thread",
            ),
        ),
        tests=("tests/log/test_snapshot.py",),
    ),
    Mutant(
        name="gap-in-the-ring",
        why="Frames that another process has committed are passed over.",
        changes=(change("log/ring.py", "if watched.last != first - 1:", "if False:"),),
        tests=("tests/log/test_ring.py", MACHINE),
    ),
    Mutant(
        name="retry-on-refusal",
        why="A key that was refused is tried again and again.",
        changes=(
            change(
                "engine/asking.py",
                "if not error.retryable or tried >= self.tries",
                "if tried >= self.tries",
            ),
        ),
        tests=("tests/engine/test_asking.py",),
    ),
    Mutant(
        name="missing-finish",
        why="A stream that was cut off counts as a whole answer.",
        changes=(
            change(
                "engine/asking.py",
                'raise ProviderUnavailable("The provider\'s stream ended without a finish.")',
                'finished = StepFinished(reason="stop")',
            ),
        ),
        tests=("tests/engine/test_asking.py", "tests/engine/test_loop.py"),
    ),
    Mutant(
        name="pruned-while-active",
        why="The text of an answer that is being written goes with its deltas.",
        changes=(
            change(
                "log/fold.py",
                "if Run.objects.filter(thread=thread, status__in=ACTIVE_RUN_STATUSES).exists():",
                "if False:",
            ),
        ),
        tests=("tests/log/test_fold.py", MACHINE),
    ),
    Mutant(
        name="epoch-ignored",
        why="A cursor in one history is taken for a place in another one.",
        changes=(change("runs/subscription.py", "and epoch == known.epoch", ""),),
        tests=("tests/runs/test_subscription.py",),
    ),
    Mutant(
        name="floor-ignored",
        why="A page whose next events were pruned goes on with a hole.",
        changes=(
            change(
                "runs/subscription.py",
                "and known.floor <= position <= known.position",
                "and 0 <= position <= known.position",
            ),
            change(
                "runs/subscription.py",
                "if rows and rows[0][0] != self._position + 1:",
                "if False:",
            ),
        ),
        tests=("tests/runs/test_subscription.py",),
    ),
)
