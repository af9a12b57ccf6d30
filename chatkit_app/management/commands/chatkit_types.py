"""``manage.py chatkit_types``: the assistants' tools as TypeScript or OpenAPI."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

import chatkit_app
from chatkit_app.engine.tool_types import openapi, typescript, written
from chatkit_app.engine.tools import Tool
from chatkit_app.registry import UnknownAssistant, assistants

GENERAL = Path(chatkit_app.__file__).parent / "static" / "chatkit_app" / "typed.d.ts"
MOST_LINES = 40
"""Of what differs."""


class Command(BaseCommand):
    """Write down what the tools take and give."""

    help = "Writes TypeScript types (or OpenAPI schemas) of the assistants' tools."

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to, what of, and whether it is only looked at."""
        parser.add_argument(
            "--output",
            type=Path,
            metavar="FILE",
            help="where it is written (standard output)",
        )
        parser.add_argument(
            "--check",
            action="store_true",
            help="write nothing; fail if FILE is not what would be written",
        )
        parser.add_argument(
            "--assistant",
            nargs="+",
            action="extend",
            metavar="NAME",
            help="only these assistants (all)",
        )
        parser.add_argument(
            "--openapi",
            action="store_true",
            help="the schemas as components of OpenAPI 3.1, as JSON",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Write it, or compare it."""
        output: Path | None = options["output"]
        if options["check"] and output is None:
            raise CommandError("--check needs --output: the file to look at.")
        text = _text(options["assistant"] or (), is_openapi=options["openapi"])
        if output is None:
            self.stdout.write(text, ending="")
        elif options["check"]:
            _compare(output, text)
            self.stdout.write(f"{output} is up to date.")
        else:
            output.write_text(text, encoding="utf-8", newline="\n")
            self.stdout.write(f"Wrote {output}.")


def _text(wanted: Sequence[str], *, is_openapi: bool) -> str:
    found = written({name: _tools_of(name) for name in wanted or assistants.names()})
    if not found:
        raise CommandError(
            "There is no assistant: an app's assistants.py registers it."
        )
    if is_openapi:
        return json.dumps(openapi(found), indent=2, ensure_ascii=False) + "\n"
    general = GENERAL.read_text(encoding="utf-8")
    return typescript(found, general, is_whole=not wanted)


def _tools_of(name: str) -> Sequence[Tool]:
    try:
        tools = assistants.get(name).known_tools
    except UnknownAssistant as error:
        raise CommandError(str(error)) from error
    if tools is None:
        raise CommandError(
            f"Assistant {name!r} chooses its tools by a function. Name all that it may give in"
            " all_tools= of the assistant, so that they can be written down."
        )
    faults = [
        f"{tool.definition.name}: {fault}"
        for tool in tools
        for fault in tool.definition.faults
    ]
    if faults:
        raise CommandError(f"Assistant {name!r}: " + "; ".join(faults))
    return tools


def _compare(file: Path, text: str) -> None:
    try:
        there = file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise CommandError(
            f"{file} does not exist. Write it without --check."
        ) from error
    if there == text:
        return
    lines = difflib.unified_diff(
        there.splitlines(), text.splitlines(), str(file), "as it should be", lineterm=""
    )
    told = "\n".join(list(lines)[:MOST_LINES])
    raise CommandError(f"{file} is out of date. Write it anew without --check.\n{told}")
