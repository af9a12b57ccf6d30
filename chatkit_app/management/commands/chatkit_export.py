"""``manage.py chatkit_export``: a thread, or all that somebody has here, as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from chatkit_app.management.commands.chatkit_erase import owner_key
from chatkit_app.models import Thread
from chatkit_app.threads.bundle import KINDS, ZIP, written
from chatkit_app.threads.erase import Owner
from chatkit_app.threads.export import Export


class Command(BaseCommand):
    """Write it down."""

    help = (
        "Writes a thread, or all threads and files of a user or a visitor, to a file."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Whose or which, as what, and where to."""
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--user", metavar="PK", help="all of this user's")
        which.add_argument(
            "--visitor", type=UUID, metavar="UUID", help="all of this visitor's"
        )
        which.add_argument("--thread", type=UUID, metavar="ID", help="this thread")
        parser.add_argument("--tenant", help="only in this tenant (in all)")
        parser.add_argument(
            "--as",
            dest="kind",
            choices=KINDS,
            default=KINDS[0],
            help="json, markdown, or a zip of both with the files (json)",
        )
        parser.add_argument(
            "--output",
            type=Path,
            metavar="FILE",
            help="where it is written (standard output)",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Piece by piece: it may be long."""
        pieces = written(_export(options), options["kind"])
        output: Path | None = options["output"]
        if output is not None:
            with output.open("wb") as file:
                file.writelines(pieces)
            self.stderr.write(f"Wrote {output}.")
        elif options["kind"] == ZIP:
            raise CommandError("A zip needs --output.")
        else:
            for piece in pieces:
                self.stdout.write(piece.decode(), ending="")


def _export(options: dict[str, Any]) -> Export:
    thread: UUID | None = options["thread"]
    if thread is None:
        key = owner_key(options["user"], options["visitor"])
        owner = Owner(key=key, tenant=options["tenant"])
        return Export(owner=owner, at=timezone.now())
    if not Thread.objects.filter(pk=thread).exists():
        raise CommandError(f"There is no thread {thread}.")
    return Export(threads=[thread], at=timezone.now())
