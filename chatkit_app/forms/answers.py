"""Answers to a form, from a page (texts, as ``FormData`` has them) or a program (JSON's own types).

Both become what a browser would have posted, so that the form's widgets read it as ever. That, with
the language and the time zone in which it was read, is stored: the same form reads it in the same way
again, whatever is active in the tool's process.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.forms.fields import BaseTemporalField
from django.forms.utils import to_current_timezone
from django.utils import dateparse, formats, timezone, translation
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext
from pydantic import JsonValue

from chatkit_app.engine.schema import dump_json
from chatkit_app.exceptions import Fault, QuestionInvalid

Posted = dict[str, list[str]]
"""Texts by the names of the inputs."""

PARSERS: tuple[tuple[type, Callable[[str], Any]], ...] = (
    (forms.DateTimeField, dateparse.parse_datetime),
    (forms.SplitDateTimeField, dateparse.parse_datetime),
    (forms.DateField, dateparse.parse_date),
    (forms.TimeField, dateparse.parse_time),
    (forms.DurationField, dateparse.parse_duration),
)


def posted(
    fields: Mapping[str, forms.Field], answer: Mapping[str, JsonValue]
) -> Posted:
    """The answer as a browser would post it; what belongs to no field is left out, as Django does.

    Raises:
        QuestionInvalid: A value is of a shape that no input gives.
    """
    found: Posted = {}
    faults: list[Fault] = []
    for key, value in answer.items():
        name = _owner(fields, key)
        try:
            if name == key:
                found.update(_inputs(name, fields[name], value))
            elif name:  # one of the inputs of a field that has several
                found[key] = [_text(fields[name], item) for item in _items(value)]
        except TypeError:
            message = gettext("Enter a valid value.")
            faults.append(Fault(field=name, message=message))
    if faults:
        raise QuestionInvalid("The answer does not fit.", errors=faults)
    return found


def _owner(fields: Mapping[str, forms.Field], key: str) -> str:
    if key in fields:
        return key
    return next((name for name in fields if key.startswith(f"{name}_")), "")


def _inputs(name: str, field: forms.Field, value: JsonValue) -> Posted:
    if field.disabled:
        return {}
    if isinstance(field.widget, forms.SplitDateTimeWidget):
        return _split(name, field, value)
    items = [value] if isinstance(field, forms.JSONField) else _items(value)
    if len(items) > 1 and _takes_one(field.widget):
        raise TypeError
    texts = [_text(field, item) for item in items if item is not None]
    return {name: texts} if texts else {}


def _items(value: JsonValue) -> list[JsonValue]:
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def _takes_one(widget: forms.Widget) -> bool:
    """Does it read one text, so that all others would be lost silently?"""
    return type(widget).value_from_datadict is forms.Widget.value_from_datadict


def _split(name: str, field: forms.Field, value: JsonValue) -> Posted:
    """A date and a time, of one moment."""
    if value is None:
        return {}
    if not isinstance(value, str):
        raise TypeError
    moment = _parsed(field, value)
    pieces = [value]
    if isinstance(moment, datetime.datetime):
        pieces = [moment.date().isoformat(), moment.time().isoformat()]
    subfields = getattr(field, "fields", ())
    return {
        f"{name}_{number}": [_in_its_format(subfield, piece)]
        for number, (piece, subfield) in enumerate(zip(pieces, subfields, strict=False))
    }


def _text(field: forms.Field, value: JsonValue) -> str:
    if isinstance(value, str):
        return _in_its_format(field, value)
    if isinstance(field, forms.JSONField):
        return dump_json(value)
    if isinstance(value, list | dict) or value is None:
        raise TypeError
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if field.localize and not isinstance(value, bool):
        return str(formats.localize_input(value))
    return str(value)


def _in_its_format(field: forms.Field, text: str) -> str:
    """ISO 8601 is what a schema's reader sends, and a field with formats of its own may refuse it."""
    if not isinstance(field, BaseTemporalField):
        return text
    try:
        field.to_python(text)
    except ValidationError:
        found = _parsed(field, text)
        own = next(iter(field.input_formats or ()), "")
        return found.strftime(own) if found and own else text
    return text


def _parsed(field: forms.Field, text: str) -> Any:
    """What the text says of time, moments in the time zone that is active; None if it says nothing."""
    for kind, parse in PARSERS:
        if isinstance(field, kind):
            try:
                found = parse(text)
                is_moment = isinstance(found, datetime.datetime)
                return to_current_timezone(found) if is_moment else found
            except (ValueError, OverflowError):  # the 31st of February, the year 0
                return None
    return None


def initial_of(
    fields: Mapping[str, forms.Field], initial: JsonValue
) -> dict[str, object]:
    """JSON as the fields' initial values: times become Python's, which widgets can take apart."""
    given = initial if isinstance(initial, dict) else {}
    found = {
        name: _initial(fields[name], value)
        for name, value in given.items()
        if name in fields
    }
    return {name: value for name, value in found.items() if value is not None}


def _initial(field: forms.Field, value: JsonValue) -> object:
    moment = _parsed(field, value) if isinstance(value, str) else None
    if moment is None and isinstance(field, forms.SplitDateTimeField):
        return None  # its widget takes apart what it is given, whatever that is
    return value if moment is None else moment


def stored_form(found: Posted) -> JsonValue:
    """What is stored of an answer: ``{"data", "language", "timezone"}``."""
    return {
        "data": {name: [*texts] for name, texts in found.items()},
        "language": translation.get_language(),
        "timezone": getattr(timezone.get_current_timezone(), "key", None),
    }


@contextmanager
def as_stored(stored: JsonValue) -> Iterator[MultiValueDict[str, Any]]:
    """The posted data, while the language and the time zone of the answer are active.

    Raises:
        QuestionInvalid: It is nothing that ``stored_form`` made.
    """
    match stored:
        case {"data": dict(data), "language": language, "timezone": zone}:
            with ExitStack() as stack:
                stack.enter_context(
                    translation.override(str(language) if language else None)
                )
                if zone:
                    stack.enter_context(timezone.override(ZoneInfo(str(zone))))
                yield MultiValueDict(
                    {
                        name: texts
                        for name, texts in data.items()
                        if isinstance(texts, list)
                    }
                )
        case _:
            raise QuestionInvalid("This was stored as the answer to something else.")
