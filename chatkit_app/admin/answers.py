"""What somebody of the staff answers in the owner's place: a question, or a call that no page took."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from django import forms
from django.utils.translation import gettext_lazy as _
from pydantic import JsonValue

from chatkit_app.admin.arguments import ArgumentsForm
from chatkit_app.admin.decisions import frame_of_answer
from chatkit_app.engine.calls import ERROR_CHARS
from chatkit_app.engine.commands import Resolve
from chatkit_app.engine.states import DECISIONS, Decision, InterruptKind
from chatkit_app.exceptions import AnswerInvalid, InvalidCommand
from chatkit_app.models import Interrupt

ANSWERED = (InterruptKind.QUESTION, InterruptKind.CLIENT_TOOL)
"""A visitor's own approval is not among them: nobody agrees for somebody else."""


def is_answered_here(row: Interrupt) -> bool:
    """May the staff answer it, if they have the permission?"""
    return row.kind in ANSWERED and row.tool_call_id is not None


class AnswerForm(forms.Form):
    """One answer. ``submission`` names it, so that a second click is the same answer again."""

    submission = forms.RegexField(r"^[0-9a-f]{32}\Z", widget=forms.HiddenInput)
    decision = forms.ChoiceField()
    text = forms.CharField(
        required=False, max_length=ERROR_CHARS, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, row: Interrupt, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data, auto_id=False)
        self._row = row
        self._fresh = uuid4().hex
        known = DECISIONS[InterruptKind(row.kind)]
        self.fields["decision"] = forms.ChoiceField(
            choices=[(each.value, each.value) for each in known]
        )
        is_answer = data is not None and data.get("decision") == Decision.ANSWER
        self.arguments = ArgumentsForm(
            row.response_schema,
            {},
            data if is_answer else None,
            scope=f"a{row.pk.hex}-",
        )

    @property
    def is_question(self) -> bool:
        return self._row.kind == InterruptKind.QUESTION

    @property
    def next_submission(self) -> str:
        """The name for the answer that the page's next form brings."""
        is_ours = self.is_bound and "submission" not in self.errors
        return str(self.data["submission"]) if is_ours else self._fresh

    def clean(self) -> dict[str, Any]:
        """The answer's own fields are right, where there is one."""
        found = super().clean() or {}
        if "submission" in self.errors or "decision" in self.errors:
            raise forms.ValidationError(_("Please choose again what shall be done."))
        if self.arguments.is_bound and not self.arguments.is_valid():
            raise forms.ValidationError(_("The answer is not right yet."))
        return found

    def command(self) -> Resolve:
        """The answer as the owner's page would send it, read as strictly.

        Raises:
            InvalidCommand: It holds what can't be stored.
        """
        decision = self.cleaned_data["decision"]
        answer: dict[str, JsonValue] = {
            "interrupt": str(self._row.pk),
            "decision": decision,
        }
        if decision == Decision.ANSWER:
            answer["output"] = self.arguments.edited()
        if decision == Decision.FAIL:
            answer["text"] = self.cleaned_data["text"]
        return frame_of_answer(self._row, self.cleaned_data["submission"], answer)

    def refuse(self, error: AnswerInvalid | InvalidCommand) -> None:
        """Say where the tool, or the command's reader, found something wrong."""
        faults = error.errors if isinstance(error, AnswerInvalid) else ()
        for fault in faults:
            if self.arguments.is_bound:
                self.arguments.refuse(fault.field, fault.message)
        self.add_error(
            None, _("The answer is not right yet.") if faults else str(error)
        )
