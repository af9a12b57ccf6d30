"""A Django form as a question of a tool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.db.models import QuerySet
from django.utils.html import conditional_escape
from pydantic import JsonValue

from chatkit_app.engine.questions import (
    SHOWN_FAULTS,
    Arguments,
    Question,
    checked_answer,
    register_questions,
)
from chatkit_app.exceptions import Fault, QuestionInvalid
from chatkit_app.forms.answers import as_stored, initial_of, posted, stored_form
from chatkit_app.forms.fields import obstacle, schema_of_form

MAX_FORM_BYTES = 131_072
"""Of a form's HTML, which is stored with the question and sent to each page."""


def form_question(kind: type) -> Question | None:
    """The question that a form's class makes; None if it is none."""
    if issubclass(kind, forms.BaseForm):
        return FormQuestion(kind=kind, name=kind.__name__)
    return None


def register_forms() -> None:
    """Make forms askable; the app does it when it is ready."""
    register_questions(form_question)


@dataclass(frozen=True, slots=True, kw_only=True)
class FormQuestion:
    """A question whose answer is a form's ``cleaned_data``; a model's form is never saved.

    The form is made of ``arguments``, and with ``data=`` where there is an answer; nothing else is
    asked of its constructor.
    """

    kind: type[forms.BaseForm]
    name: str

    def schema(self, arguments: Arguments) -> dict[str, JsonValue]:
        return schema_of_form(self.name, self._form(arguments))

    def html(self, arguments: Arguments, initial: JsonValue) -> str:
        """The form's fields without ``<form>``, with ids that no other form of the page has.

        Raises:
            ValueError: It is too large: too many choices, mostly.
        """
        form = self._form(arguments)
        form.initial = {**form.initial, **initial_of(form.fields, initial)}
        form.auto_id = f"chatkit-{uuid4().hex[:12]}-%s"
        for field in form.fields.values():
            # Django takes these for HTML, and arguments may have brought anybody's words into them
            field.help_text = conditional_escape(field.help_text)
        html = str(form.render())
        if len(html.encode()) > MAX_FORM_BYTES:
            raise ValueError(
                f"{self.name} is more than {MAX_FORM_BYTES} bytes of HTML: offer fewer choices."
            )
        return html

    def read(self, answer: JsonValue, arguments: Arguments) -> JsonValue:
        given = checked_answer(answer)
        stored = stored_form(posted(self._form(arguments).fields, given))
        self.value(stored, arguments)
        return stored

    def value(self, stored: JsonValue, arguments: Arguments) -> dict[str, Any]:
        with as_stored(stored) as data:
            form = self._form(arguments, data=data)
            if not _is_valid(form):
                raise QuestionInvalid("The answer does not fit.", errors=_faults(form))
            for value in form.cleaned_data.values():
                if isinstance(value, QuerySet):
                    len(value)  # read here: an async tool could not
        return form.cleaned_data

    def _form(self, arguments: Arguments, **options: Any) -> forms.BaseForm:
        """A new form.

        Raises:
            TypeError: The constructor does not take the arguments, or a field can't be asked.
        """
        form = self.kind(**_keywords(arguments), **options)
        form.prefix = None  # the names in the page are the fields' own
        for name, field in form.fields.items():
            if reason := obstacle(field):
                raise TypeError(f"{self.name}.{name} can't be asked: {reason}.")
        return form


def _keywords(arguments: Arguments) -> Mapping[str, Any]:
    return {} if arguments is None else arguments


def _is_valid(form: forms.BaseForm) -> bool:
    try:
        return form.is_valid()
    except RecursionError as error:  # Django's JSONField, with ten thousand brackets
        raise QuestionInvalid("The answer is nested too deeply.") from error


def _faults(form: forms.BaseForm) -> list[Fault]:
    """Each field's errors, in the active language; those of the whole form are the field ""."""
    found = [
        Fault(
            field="" if name == NON_FIELD_ERRORS else name, message=str(each["message"])
        )
        for name, errors in form.errors.get_json_data().items()
        for each in errors
    ]
    return found[:SHOWN_FAULTS]
