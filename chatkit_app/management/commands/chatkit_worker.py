"""``manage.py chatkit_worker``: a process that executes runs."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from chatkit_app.runs.worker import Worker


class Command(BaseCommand):
    """Execute runs until told to end."""

    help = "Executes the runs that are queued, and those whose process has died."

    def add_arguments(self, parser: CommandParser) -> None:
        """How many at once, how it ends, and whether it stays."""
        parser.add_argument(
            "--runs",
            type=_count,
            metavar="N",
            help="how many runs at once (CHATKIT_RUNS_PER_PROCESS)",
        )
        parser.add_argument(
            "--grace",
            type=_seconds,
            default=0.0,
            metavar="SECONDS",
            help="how long runs may go on when the worker is told to end, before others"
            " take them over (0)",
        )
        parser.add_argument(
            "--once",
            action="store_true",
            help="do what is due now, and end: for cron, where something else carries runs",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Work."""
        worker = Worker(runs=options["runs"], grace=options["grace"], say=self._say)
        if options["once"]:
            self._say(f"Carried {worker.once()} runs.")
        else:
            worker.run()

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def _count(text: str) -> int:
    if (count := int(text)) < 1:
        raise argparse.ArgumentTypeError("at least one")
    return count


def _seconds(text: str) -> float:
    if not 0 <= (seconds := float(text)) < float("inf"):
        raise argparse.ArgumentTypeError("seconds, 0 or more")
    return seconds
