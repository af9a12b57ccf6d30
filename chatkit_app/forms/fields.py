"""What a form's fields are to somebody who has no HTML: the JSON Schema of their plain values."""

from __future__ import annotations

import datetime
import math
import uuid
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from functools import singledispatch
from itertools import islice
from typing import Any, cast

from django import forms
from django.db.models import Model
from django.utils.duration import duration_iso_string
from django.utils.functional import Promise
from pydantic import JsonValue

LISTED = 200
"""Choices that a schema names; of more it says no more than that one is a string."""

PYTHONS_OWN = ("(?P", "(?i", "(?a", "(?s", "(?x", "(?m", "(?u", "(?#", r"\A", r"\Z")
"""Of regular expressions: what other languages don't read as Python does."""

Schema = dict[str, JsonValue]


def obstacle(field: forms.Field) -> str:
    """Why this field can't be asked of somebody who is not in front of Django's page; "" if it can."""
    if isinstance(field, forms.FileField) or field.widget.needs_multipart_form:
        return "a file is no JSON"
    if isinstance(field, forms.MultiValueField) and not isinstance(
        field, forms.SplitDateTimeField
    ):
        return "it has several values and no plain one"
    if isinstance(field.widget, forms.PasswordInput):
        return "a secret would be stored as it is, and the chat shows no field for it"
    return ""


def schema_of_form(name: str, form: forms.BaseForm) -> Schema:
    """An object's schema: a property for each field, in the active language."""
    required: list[JsonValue] = [
        name
        for name, field in form.fields.items()
        if field.required and not field.disabled
    ]
    return {
        "type": "object",
        "title": name,
        "properties": {name: _property(form, name) for name in form.fields},
        "required": required,
    }


def _property(form: forms.BaseForm, name: str) -> Schema:
    field = form.fields[name]
    found = {**schema_of_field(field), "title": str(form[name].label)}
    if field.help_text:
        found["description"] = str(field.help_text)
    if field.disabled:
        found["readOnly"] = True
    default = plain(_initial(form, name))
    return found if default is None else {**found, "default": default}


def _initial(form: forms.BaseForm, name: str) -> Any:
    field = form.fields[name]
    value = form.get_initial_for_field(field, name)
    is_row = isinstance(field, forms.ModelChoiceField)
    return field.prepare_value(value) if is_row else value


def plain(value: Any) -> JsonValue:
    """A value of Python's as JSON, the way the schemas here describe it."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, Decimal | float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return duration_iso_string(value)
    if isinstance(value, Model):
        return plain(value.pk)
    if isinstance(value, Iterable) and not isinstance(value, str | Promise | Mapping):
        return [plain(item) for item in islice(value, LISTED)]
    return str(value)


@singledispatch
def schema_of_field(field: Any) -> Schema:
    """The type and the limits of a field's plain value; by the field's class."""
    return {"type": "string"}


@schema_of_field.register
def _(field: forms.CharField) -> Schema:
    least = field.min_length or (1 if field.required else None)
    return _known(type="string", minLength=least, maxLength=field.max_length)


@schema_of_field.register
def _(field: forms.EmailField) -> Schema:
    return _known(type="string", format="email", maxLength=field.max_length)


@schema_of_field.register
def _(field: forms.URLField) -> Schema:
    # "example.org" is completed by the field, so it is no "uri" yet
    return _known(type="string", format="uri-reference", maxLength=field.max_length)


@schema_of_field.register
def _(field: forms.SlugField) -> Schema:
    return _known(
        type="string",
        pattern=None if field.allow_unicode else "^[-a-zA-Z0-9_]+$",
        maxLength=field.max_length,
    )


@schema_of_field.register
def _(field: forms.RegexField) -> Schema:
    pattern = None if _is_pythons(field.regex) else field.regex.pattern
    return _known(
        type="string",
        pattern=pattern,
        minLength=field.min_length,
        maxLength=field.max_length,
    )


def _is_pythons(regex: Any) -> bool:
    has_flags = bool(
        regex.flags & ~32
    )  # 32 is re.UNICODE, which every text pattern has
    return has_flags or any(each in regex.pattern for each in PYTHONS_OWN)


@schema_of_field.register
def _(field: forms.UUIDField) -> Schema:
    return {"type": "string", "format": "uuid"}


@schema_of_field.register
def _(field: forms.JSONField) -> Schema:
    return {"type": "string", "contentMediaType": "application/json"}


@schema_of_field.register
def _(field: forms.IntegerField) -> Schema:
    return {"type": "integer", **_bounds(field)}


@schema_of_field.register(forms.FloatField)
@schema_of_field.register(forms.DecimalField)
def _(field: forms.FloatField | forms.DecimalField) -> Schema:
    return {"type": "number", **_bounds(field)}


def _bounds(field: forms.IntegerField | forms.DecimalField) -> Schema:
    least, most = _called(field.min_value), _called(field.max_value)
    # steps are counted from the least value, multiples from zero
    step = _called(field.step_size) if least in (None, 0) else None
    return _known(minimum=plain(least), maximum=plain(most), multipleOf=plain(step))


def _called(limit: Any) -> Any:
    return limit() if callable(limit) else limit


@schema_of_field.register
def _(field: forms.BooleanField) -> Schema:
    if field.required:  # Django's way to say "must be ticked"
        return {"type": "boolean", "const": True}
    return {"type": "boolean"}


@schema_of_field.register
def _(field: forms.NullBooleanField) -> Schema:
    return {"type": ["boolean", "null"]}


@schema_of_field.register
def _(field: forms.DateField) -> Schema:
    return {"type": "string", "format": "date"}


@schema_of_field.register(forms.DateTimeField)
@schema_of_field.register(forms.SplitDateTimeField)
def _(field: forms.DateTimeField | forms.SplitDateTimeField) -> Schema:
    return {"type": "string", "format": "date-time"}


@schema_of_field.register
def _(field: forms.TimeField) -> Schema:
    return {"type": "string", "format": "time"}


@schema_of_field.register
def _(field: forms.DurationField) -> Schema:
    return {"type": "string", "format": "duration"}


@schema_of_field.register(forms.ChoiceField)
@schema_of_field.register(forms.ModelChoiceField)
def _(field: forms.ChoiceField | forms.ModelChoiceField[Any]) -> Schema:
    return _one_of(field)


@schema_of_field.register(forms.MultipleChoiceField)
@schema_of_field.register(forms.ModelMultipleChoiceField)
def _(
    field: forms.MultipleChoiceField | forms.ModelMultipleChoiceField[Any],
) -> Schema:
    least = 1 if field.required else None
    return _known(type="array", items=_one_of(field), uniqueItems=True, minItems=least)


def _one_of(field: forms.ChoiceField | forms.ModelChoiceField[Any]) -> Schema:
    found = list(islice(_choices(cast("Iterable[Any]", field.choices)), LISTED + 1))
    if not found or len(found) > LISTED:
        return {"type": "string"}
    listed: list[JsonValue] = [
        {"const": value, "title": label}
        for value, label in found
        if value != "" or not field.required
    ]
    return {"oneOf": listed}


def _choices(choices: Iterable[Any]) -> Iterator[tuple[JsonValue, str]]:
    """Values with their labels; groups are opened."""
    for value, label in choices:
        if isinstance(label, list | tuple):
            yield from _choices(label)
        else:
            yield _const(value), str(label)


def _const(value: Any) -> JsonValue:
    if value is None:
        return ""  # as the page would send it
    value = getattr(value, "value", value)  # a row's, and an enum's member
    return str(value) if isinstance(value, uuid.UUID | bool) else plain(value)


def _known(**words: JsonValue) -> Schema:
    return {word: value for word, value in words.items() if value is not None}
