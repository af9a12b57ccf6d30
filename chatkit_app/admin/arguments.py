"""A form for a tool's arguments, made of its input schema. What it holds is checked by the tool."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from pydantic import JsonValue

from chatkit_app.admin.described import (
    Schema,
    hint_of,
    is_nullable,
    properties,
    resolved,
    title_of,
)
from chatkit_app.admin.read_only import pretty
from chatkit_app.engine.schema import load_json
from chatkit_app.exceptions import ToolError

WHOLE = "arguments"
"""The one field of a form whose schema names no fields."""
LONG = 60
"""Characters from which a text is edited in several lines."""


class JsonField(forms.CharField):
    """JSON as text, by the letter; of one of these types, where some are named."""

    default_error_messages = {
        "json": _("This is not JSON."),
        "kind": _("Enter a number."),
    }

    def __init__(self, *, kinds: tuple[type, ...] = (), **options: Any) -> None:
        self.kinds = kinds
        super().__init__(**options)

    def to_python(self, value: Any) -> Any:
        """The value; an empty text is ``""``.

        Raises:
            ValidationError: It is no JSON, or of another type.
        """
        text = str(super().to_python(value) or "")
        if not text:
            return ""
        try:
            found = load_json(text)
        except ToolError as error:
            word = "kind" if self.kinds else "json"
            raise ValidationError(self.error_messages[word], word) from error
        if self.kinds and type(found) not in self.kinds:
            raise ValidationError(self.error_messages["kind"], "kind")
        return found

    def prepare_value(self, value: Any) -> Any:
        """Values are shown as JSON; what was typed stays as it was typed."""
        if value is None:
            return ""
        return value if isinstance(value, str) else pretty(value)

    def validate(self, value: Any) -> None:
        """False, 0 and [] are values; only nothing is none."""
        if self.required and value == "":
            raise ValidationError(self.error_messages["required"], "required")

    def run_validators(self, value: Any) -> None:
        """The JSON has been read; a NUL in it is the command's to refuse."""


class ArgumentsForm(forms.Form):
    """Fields for the arguments that a schema describes; ``edited`` is what a person made of them.

    ``scope`` begins the ids of the fields' elements: a page may hold several such forms.
    """

    def __init__(
        self,
        schema: Schema | None,
        value: JsonValue,
        data: Any = None,
        scope: str = "",
    ) -> None:
        super().__init__(data, prefix="input", auto_id=f"{scope}%s")
        self._schema = schema or {}
        self._value = value
        known = properties(self._schema, self._schema)
        self._is_whole = not known or not isinstance(value, dict)
        if self._is_whole:
            self.fields[WHOLE] = JsonField(
                label=_("Arguments"), initial=pretty(value), widget=_area(10)
            )
            return
        assert isinstance(value, dict)  # noqa: S101 (for the types)
        for name, kind in known.items():
            self.fields[name] = self._field(name, kind, value)

    def _field(
        self, name: str, schema: Schema, value: Mapping[str, JsonValue]
    ) -> forms.Field:
        initial = value.get(name, schema.get("default"))
        kind = resolved(schema, self._schema, initial)
        required = resolved(self._schema, self._schema).get("required")
        is_required = isinstance(required, list) and name in required
        field = _make(kind, initial, is_required and not is_nullable(schema))
        field.label, field.help_text = title_of(name, schema), hint_of(kind)
        return field

    def edited(self) -> JsonValue:
        """The arguments with what was changed; fields that the schema does not name stay."""
        if self._is_whole:
            whole: JsonValue = self.cleaned_data[WHOLE]
            return whole
        assert isinstance(self._value, dict)  # noqa: S101 (for the types)
        found = dict(self._value)
        for name, field in self.fields.items():
            self._take(found, name, field)
        return found

    def _take(self, found: dict[str, JsonValue], name: str, field: forms.Field) -> None:
        value = self.cleaned_data[name]
        if _is_same(value, field.initial):
            return
        if isinstance(field, forms.ChoiceField) and value != "":
            value = json.loads(value)
        if value != "":
            found[name] = value
        elif is_nullable(properties(self._schema, self._schema)[name]):
            found[name] = None
        elif isinstance(field, _Text):
            found[name] = ""
        else:
            found.pop(name, None)

    def refuse(self, place: str, message: str) -> None:
        """Say at a field what is wrong with it; ``place`` is dotted, its first word the field's."""
        name, _dot, rest = place.partition(".")
        if self._is_whole and place:
            name, rest = WHOLE, place
        text = f"{rest}: {message}" if rest else message
        self.add_error(name if name in self.fields else None, text)


def _is_same(value: object, initial: object) -> bool:
    """Is it what was there before? Browsers write the ends of lines in their own way."""
    if isinstance(value, str) and isinstance(initial, str):
        return _lines(value) == _lines(initial)
    if value == "" and initial is None:
        return True
    if isinstance(initial, str):
        return pretty(value) == initial
    return type(value) is type(initial) and value == initial


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _area(rows: int) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows, "class": "chatkit-wide"})


def _make(kind: Schema, initial: JsonValue, is_required: bool) -> forms.Field:
    options: dict[str, Any] = {"required": is_required, "initial": initial}
    choices = kind.get("enum")
    if isinstance(choices, list) and choices:
        return _choice(choices, options)
    make = MAKERS.get(str(kind.get("type")), _json)
    return make(kind, options)


def _choice(choices: list[JsonValue], options: dict[str, Any]) -> forms.Field:
    """Values of any type, as JSON; none of them is ``""``."""
    shown = [
        (json.dumps(each), each if isinstance(each, str) else json.dumps(each))
        for each in choices
    ]
    initial = options["initial"]
    if initial is not None:
        options["initial"] = json.dumps(initial)
    none = [] if options["required"] else [("", "–")]
    return forms.ChoiceField(choices=[*none, *shown], **options)


def _text(kind: Schema, options: dict[str, Any]) -> forms.Field:
    initial = options["initial"]
    if initial is not None and not isinstance(initial, str):
        return _json(kind, options)
    # An empty text is a text; whether this tool takes it is its own to say.
    options["required"] = False
    is_long = len(initial or "") > LONG or "\n" in (initial or "")
    widget: forms.Widget = _area(4) if is_long else forms.TextInput()
    if kind.get("format") == "date" and not is_long:
        widget = forms.TextInput(attrs={"type": "date"})
    return _Text(strip=False, widget=widget, **options)


class _Text(forms.CharField):
    """Text; a browser's ends of lines are made plain."""

    def to_python(self, value: Any) -> Any:
        found = super().to_python(value)
        return _lines(found) if isinstance(found, str) else found


def _number(kind: Schema, options: dict[str, Any]) -> forms.Field:
    kinds = (int,) if kind.get("type") == "integer" else (int, float)
    widget = forms.TextInput(attrs={"inputmode": "decimal"})
    return JsonField(kinds=kinds, widget=widget, **options)


def _boolean(kind: Schema, options: dict[str, Any]) -> forms.Field:
    if options["initial"] is None and not options["required"]:
        return _choice([True, False], options)
    return forms.BooleanField(required=False, initial=options["initial"])


def _json(kind: Schema, options: dict[str, Any]) -> forms.Field:
    if options["initial"] is not None:
        text = pretty(options["initial"])
        options["initial"] = text
    rows = min(12, str(options["initial"] or "").count("\n") + 2)
    return JsonField(widget=_area(rows), **options)


MAKERS: Mapping[str, Callable[[Schema, dict[str, Any]], forms.Field]] = {
    "string": _text,
    "integer": _number,
    "number": _number,
    "boolean": _boolean,
}
