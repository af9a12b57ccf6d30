"""``manage.py chatkit_prune``: throw away what has been kept for long enough. For cron."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from chatkit_app.threads.prune import due, prune


class Command(BaseCommand):
    """Throw away what is due."""

    help = "Erases what CHATKIT_RETENTION_DAYS says, and what an erase that broke off has left."

    def add_arguments(self, parser: CommandParser) -> None:
        """Whether it is only looked at."""
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="change nothing; tell how much would go",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do it, or tell."""
        if options["dry_run"]:
            for name, count in due().items():
                self._say(name, count)
        else:
            prune(self._say)

    def _say(self, name: str, count: int) -> None:
        self.stdout.write(f"{name}: {count}")
        self.stdout.flush()
