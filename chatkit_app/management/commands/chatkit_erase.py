"""``manage.py chatkit_erase``: erase a thread, or all that somebody has left."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chatkit_app.models import Thread
from chatkit_app.threads.erase import Owner, erase_owner, erase_thread


class Command(BaseCommand):
    """Erase, once it is confirmed."""

    help = "Erases a thread, or all threads, files and whatever else a user or a visitor has left."

    def add_arguments(self, parser: CommandParser) -> None:
        """Whose or which, and whether to ask."""
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--user", metavar="PK", help="all of this user's")
        which.add_argument(
            "--visitor", type=UUID, metavar="UUID", help="all of this visitor's"
        )
        which.add_argument("--thread", type=UUID, metavar="ID", help="this thread")
        parser.add_argument("--tenant", help="only in this tenant (in all)")
        parser.add_argument("--yes", action="store_true", help="don't ask")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do it. What broke off is ended by the same command again."""
        if options["thread"] is not None:
            self._erase_thread(options["thread"], is_sure=options["yes"])
            return
        key = owner_key(options["user"], options["visitor"])
        owner = Owner(key=key, tenant=options["tenant"])
        count = Thread.objects.filter(owner.owned).count()
        self._ask(f"{count} threads and all else of {key}", is_sure=options["yes"])
        self.stdout.write(f"Erased {erase_owner(owner)} threads.")

    def _erase_thread(self, thread_id: UUID, *, is_sure: bool) -> None:
        if not Thread.objects.filter(pk=thread_id).exists():
            raise CommandError(f"There is no thread {thread_id}.")
        self._ask(f"thread {thread_id}", is_sure=is_sure)
        erase_thread(thread_id)
        self.stdout.write("Erased 1 thread.")

    def _ask(self, what: str, *, is_sure: bool) -> None:
        if not is_sure and input(f"Erase {what} for good? [y/N] ").lower() != "y":
            raise CommandError("Nothing was erased.")


def owner_key(user: str | None, visitor: UUID | None) -> str:
    """The key of a user or a visitor, as it stands in the tables; users may be gone by now."""
    return f"v:{visitor}" if user is None else f"u:{user}"
