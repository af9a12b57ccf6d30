"""Faults in calls that wait for a job: handing over, beginning, ending, and who has them."""

from __future__ import annotations

from tests.mutants.mutant import Mutant, change

JOBS = (
    Mutant(
        name="job-waits-after-its-end",
        why="A job that was quicker than the news of it is waited for until its deadline.",
        changes=(
            change("runs/executor.py", "is_open = row.exists()", "is_open = True"),
        ),
        tests=("tests/test_jobs.py",),
    ),
    Mutant(
        name="result-of-the-handing-over",
        why="The model reads that a job could not be handed over, whose result the page shows.",
        changes=(
            change(
                "runs/executor.py",
                "self._is_overtaken = True",
                "self._is_overtaken = False",
            ),
        ),
        tests=("tests/test_jobs.py",),
    ),
    Mutant(
        name="overtaken-tool-begins",
        why="A job has done the work, and newer code's tool does it again.",
        changes=(
            change(
                "runs/executor.py",
                "return event.status is ToolCallStatus.RUNNING",
                "return False",
            ),
        ),
        tests=("tests/runs/test_jobs.py",),
    ),
    Mutant(
        name="once-handed-over-begun-here",
        why="A deploy makes a job a server tool, and what must be done once is done by both.",
        changes=(
            change(
                "engine/settling.py",
                "if call.is_handed_over and not _may_begin_again(call, tool):",
                "if False:",
            ),
        ),
        tests=("tests/engine/test_jobs.py",),
    ),
    Mutant(
        name="all-leases-kept",
        why="A job that nobody works on is kept from others as long as its process has another.",
        changes=(
            change(
                "runs/jobs.py",
                "    mine = ToolCall.objects.filter(pk=tool_call_id, job_owner=owner)\n"
                "    mine.filter(status=ToolCallStatus.WAITING).update(\n"
                "        job_until=clock.later(settings.LEASE_SECONDS)\n",
                "    mine = ToolCall.objects.filter(job_owner=owner)\n"
                "    mine.filter(status=ToolCallStatus.WAITING).update(\n"
                "        job_until=clock.later(settings.LEASE_SECONDS)\n",
            ),
        ),
        tests=("tests/runs/test_job_news.py",),
    ),
    Mutant(
        name="put-off-once-is-lost",
        why="An order service is away for a second, and the model reads that nobody knows.",
        changes=(change("runs/jobs.py", "| Q(started_at=None)", "| Q(pk=None)"),),
        tests=("tests/runs/test_jobs.py",),
    ),
    Mutant(
        name="result-tried-once",
        why="The database is away for eleven seconds, and an hour's work with it.",
        changes=(
            change(
                "runs/working_jobs.py",
                "timezone.now() < call.deadline_at:",
                "timezone.now() > call.deadline_at:",
            ),
        ),
        tests=("tests/runs/test_working_jobs.py",),
    ),
    Mutant(
        name="leaves-what-is-being-written",
        why="A process ends with a job's result in its hand, and its outcome is unknown.",
        changes=(
            change(
                "runs/working_jobs.py",
                "await asyncio.wait(ending, timeout=settings.EXIT_SECONDS)",
                "pass",
            ),
        ),
        tests=("tests/runs/test_working_jobs.py",),
    ),
    Mutant(
        name="handed-over-job-queued",
        why="A job at work finds its call in the queue, and its result is refused.",
        changes=(
            change(
                "runs/transcript.py",
                "is_handed_over=(row.status, row.executor)\n"
                "            == (ToolCallStatus.RUNNING, Executor.JOB),",
                "is_handed_over=False,",
            ),
        ),
        tests=("tests/runs/test_jobs.py",),
    ),
    Mutant(
        name="handed-over-job-unknown",
        why="A job that its queue has is given up with the run's process.",
        changes=(
            change(
                "runs/recovery.py",
                "running = running.exclude(executor=Executor.JOB)",
                "running = running.exclude(executor=Executor.CLIENT)",
            ),
        ),
        tests=("tests/runs/test_jobs.py",),
    ),
    Mutant(
        name="once-begun-twice",
        why="A queue delivers twice, and what must be done once is done twice.",
        changes=(
            change(
                "runs/jobs.py",
                "if has_begun and row.effect == Effect.ONCE:",
                "if has_begun and row.effect == Effect.READ:",
            ),
        ),
        tests=("tests/test_jobs.py",),
    ),
    Mutant(
        name="result-of-the-last-owner",
        why="A process that has lost a job gives the call its result all the same.",
        changes=(
            change(
                "runs/jobs.py",
                "owner not in (None, call.job_owner)",
                "owner == call.pk",
            ),
        ),
        tests=("tests/runs/test_jobs.py",),
    ),
    Mutant(
        name="once-claimed-again",
        why="A worker dies, and the next one does what must be done once again.",
        changes=(
            change(
                "runs/jobs.py",
                "is_harmless = ~Q(effect=Effect.ONCE)",
                "is_harmless = ~Q(effect=Effect.READ)",
            ),
        ),
        tests=("tests/runs/test_jobs.py",),
    ),
    Mutant(
        name="job-without-a-heartbeat",
        why="A job that takes longer than a lease is done by two workers.",
        changes=(
            change(
                "runs/job_news.py",
                "renew_at = now + _heartbeat()",
                "renew_at = now + 3600",
            ),
        ),
        tests=("tests/runs/test_job_news.py",),
    ),
    Mutant(
        name="jobs-in-the-tools-threads",
        why="Jobs that take an hour keep the tools of all runs waiting.",
        changes=(
            change(
                "runs/working_jobs.py",
                "self._threads = ToolThreads()",
                "self._threads = tool_threads",
            ),
            change(
                "runs/working_jobs.py",
                "import ToolThreads",
                "import ToolThreads, tool_threads",
            ),
        ),
        tests=("tests/runs/test_working_jobs.py",),
    ),
    Mutant(
        name="last-words-lost",
        why="A bar that stands at ninety per cent for ever: the last report was too early.",
        changes=(
            change(
                "engine/telling.py",
                "found = self.take(at_once=True)",
                "found = self.take()",
            ),
        ),
        tests=("tests/engine/test_telling.py",),
    ),
)
