"""What somebody of the staff decides on an approval: the form they fill, and the command it becomes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from django import forms
from django.utils.translation import gettext_lazy as _
from pydantic import JsonValue

from chatkit_app.admin.arguments import ArgumentsForm
from chatkit_app.engine.calls import ERROR_CHARS
from chatkit_app.engine.commands import Resolve
from chatkit_app.engine.states import DECISIONS, Decision, Effect, InterruptKind
from chatkit_app.exceptions import AnswerInvalid, InvalidCommand
from chatkit_app.models import Interrupt
from chatkit_app.protocols import native

LARGEST = 1_048_576
"""Bytes of a decision as JSON; Django refuses larger forms before."""
RUNS_THE_TOOL = (Decision.APPROVE, Decision.EDIT)


class DecisionForm(forms.Form):
    """One decision. ``submission`` names it, so that a second click is the same decision again."""

    submission = forms.RegexField(r"^[0-9a-f]{32}\Z", widget=forms.HiddenInput)
    decision = forms.ChoiceField(
        choices=[(each.value, each.value) for each in DECISIONS[InterruptKind.APPROVAL]]
    )
    confirmed = forms.BooleanField(
        required=False, label=_("I have checked it: this is done once and for all.")
    )
    text = forms.CharField(
        required=False, max_length=ERROR_CHARS, widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, row: Interrupt, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data, auto_id=False)
        self._row = row
        self._fresh = uuid4().hex
        call = row.tool_call
        self.is_once = call is not None and call.effect == Effect.ONCE
        is_edit = data is not None and data.get("decision") == Decision.EDIT
        self.arguments = ArgumentsForm(
            row.response_schema,
            call.input if call else None,
            data if is_edit else None,
            scope=f"a{row.pk.hex}-",
        )

    def clean_text(self) -> str:
        """Lines end as everywhere but in browsers' forms."""
        return str(self.cleaned_data["text"]).replace("\r\n", "\n")

    def clean(self) -> dict[str, Any]:
        """What each decision needs is there."""
        found = super().clean() or {}
        if "submission" in self.errors or "decision" in self.errors:
            raise forms.ValidationError(_("Please choose again what shall be done."))
        decision = found.get("decision")
        if decision == Decision.RESPOND and not found.get("text"):
            self.add_error("text", _("What shall the assistant be told?"))
        if decision in RUNS_THE_TOOL and self.is_once and not found.get("confirmed"):
            self.add_error("confirmed", _("Please confirm that you have checked it."))
        if self.arguments.is_bound and not self.arguments.is_valid():
            raise forms.ValidationError(_("The arguments are not right yet."))
        return found

    @property
    def decided(self) -> str:
        """The decision that was posted, if it is one."""
        posted = str(self.data.get("decision") or "") if self.is_bound else ""
        return posted if posted in DECISIONS[InterruptKind.APPROVAL] else ""

    @property
    def next_submission(self) -> str:
        """The name for the decision that the page's next form brings."""
        is_ours = self.is_bound and "submission" not in self.errors
        return str(self.data["submission"]) if is_ours else self._fresh

    def command(self) -> Resolve:
        """The decision as whoever is asked in a page would send it, read as strictly.

        Raises:
            InvalidCommand: It holds what can't be stored.
        """
        return frame_of_answer(
            self._row, self.cleaned_data["submission"], self._answer()
        )

    def _answer(self) -> dict[str, JsonValue]:
        decision = self.cleaned_data["decision"]
        answer: dict[str, JsonValue] = {
            "interrupt": str(self._row.pk),
            "decision": decision,
        }
        if decision == Decision.EDIT:
            answer["input"] = self.arguments.edited()
        if decision in (Decision.DENY, Decision.RESPOND):
            answer["text"] = self.cleaned_data["text"]
        return answer

    def refuse(self, error: AnswerInvalid | InvalidCommand) -> None:
        """Say where the tool, or the command's reader, found something wrong."""
        faults = error.errors if isinstance(error, AnswerInvalid) else ()
        for fault in faults:
            if self.arguments.is_bound:
                self.arguments.refuse(fault.field, fault.message)
            else:
                self.add_error(None, fault.message)
        text = _("The arguments are not right yet.") if faults else str(error)
        self.add_error(None, text)


def frame_of_answer(
    row: Interrupt, submission: str, answer: dict[str, JsonValue]
) -> Resolve:
    """The command that a page's frame with this answer would be.

    Raises:
        InvalidCommand: It holds what can't be stored.
    """
    frame: dict[str, JsonValue] = {
        "type": "resolve",
        "id": submission,
        "thread": str(row.run.thread_id),
        "tab": "admin",
        "answers": [answer],
    }
    read = native.frame_of(native.read_object(json.dumps(frame), max_bytes=LARGEST))
    if not isinstance(read, native.ResolveFrame):
        raise InvalidCommand("This is no decision.")
    return read.command()
