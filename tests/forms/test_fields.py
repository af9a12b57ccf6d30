from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django import forms
from django.db import models
from django.utils import translation
from django.utils.translation import gettext_lazy

from chatkit_app.forms.fields import LISTED, obstacle, plain, schema_of_form
from project.shop.models import Product


class Size(models.TextChoices):
    SMALL = "s", "Small"
    LARGE = "l", "Large"


def property_of(field: forms.Field, **words: Any) -> Any:
    """The schema of a form's only field."""

    class Only(forms.Form):
        only = field

    schema: Any = schema_of_form("Only", Only(**words))
    found = schema["properties"]["only"]
    assert found.pop("title") == (field.label or "Only")
    return found


def one_of(*pairs: tuple[object, str]) -> list[dict[str, object]]:
    return [{"const": value, "title": label} for value, label in pairs]


@pytest.mark.parametrize(
    ("field", "schema"),
    [
        (forms.CharField(max_length=9), {"minLength": 1, "maxLength": 9}),
        (forms.CharField(required=False), {}),
        (forms.EmailField(), {"format": "email", "maxLength": 320}),
        (forms.URLField(assume_scheme="https"), {"format": "uri-reference"}),
        (forms.SlugField(), {"pattern": "^[-a-zA-Z0-9_]+$"}),
        (forms.SlugField(allow_unicode=True), {}),
        (forms.RegexField(r"^\d{5}$"), {"pattern": r"^\d{5}$"}),
        (forms.RegexField(r"^(?P<zip>\d+)\Z"), {}),
        (forms.UUIDField(), {"format": "uuid"}),
        (forms.GenericIPAddressField(required=False), {}),
        (forms.JSONField(), {"contentMediaType": "application/json"}),
        (forms.DateField(), {"format": "date"}),
        (forms.DateTimeField(), {"format": "date-time"}),
        (forms.SplitDateTimeField(), {"format": "date-time"}),
        (forms.TimeField(), {"format": "time"}),
        (forms.DurationField(), {"format": "duration"}),
    ],
)
def test_texts_have_their_formats_and_lengths(field, schema) -> None:
    found = property_of(field)

    assert found.pop("type") == "string"
    if not isinstance(field, forms.GenericIPAddressField):
        assert found == schema


@pytest.mark.parametrize(
    ("field", "schema"),
    [
        (
            forms.IntegerField(min_value=1, max_value=lambda: 9),
            {"type": "integer", "minimum": 1, "maximum": 9},
        ),
        (
            forms.IntegerField(min_value=0, step_size=5),
            {"type": "integer", "minimum": 0, "multipleOf": 5},
        ),
        (
            forms.IntegerField(min_value=1, step_size=5),
            {"type": "integer", "minimum": 1},
        ),
        (forms.FloatField(max_value=0.5), {"type": "number", "maximum": 0.5}),
        (
            forms.DecimalField(min_value=Decimal("0.01")),
            {"type": "number", "minimum": 0.01},
        ),
        (forms.BooleanField(), {"type": "boolean", "const": True}),
        (forms.BooleanField(required=False), {"type": "boolean"}),
        (forms.NullBooleanField(), {"type": ["boolean", "null"]}),
    ],
)
def test_numbers_have_their_bounds_and_a_box_that_must_be_ticked_says_so(
    field, schema
) -> None:
    assert property_of(field) == schema


def test_choices_have_their_labels_and_groups_are_opened() -> None:
    field = forms.ChoiceField(
        choices=[("", "–"), ("a", "A"), ("More", [(2, "Two"), (True, "Yes")])]
    )

    assert property_of(field)["oneOf"] == one_of(
        ("a", "A"), (2, "Two"), ("True", "Yes")
    )


def test_an_empty_choice_is_offered_where_nothing_is_an_answer() -> None:
    field = forms.ChoiceField(choices=[(None, "–"), ("a", "A")], required=False)

    assert property_of(field)["oneOf"] == one_of(("", "–"), ("a", "A"))


def test_the_members_of_an_enum_are_choices_by_their_values() -> None:
    field = forms.TypedChoiceField(choices=Size, coerce=Size)

    assert property_of(field)["oneOf"] == one_of(("s", "Small"), ("l", "Large"))


def test_several_choices_are_a_list() -> None:
    field = forms.MultipleChoiceField(choices=[("a", "A")])

    assert property_of(field) == {
        "type": "array",
        "items": {"oneOf": one_of(("a", "A"))},
        "uniqueItems": True,
        "minItems": 1,
    }


@pytest.mark.parametrize(("count", "is_listed"), [(LISTED, True), (LISTED + 1, False)])
def test_very_many_choices_are_not_listed(count, is_listed) -> None:
    field = forms.ChoiceField(choices=[(str(n), f"No. {n}") for n in range(count)])

    assert ("oneOf" in property_of(field)) is is_listed


@pytest.mark.django_db
def test_rows_are_choices_by_their_keys() -> None:
    Product.objects.all().delete()
    Product.objects.create(id="lamp", name="Lamp", room="living", price=9)
    rows = Product.objects.all()

    one = property_of(forms.ModelChoiceField(rows))
    several = property_of(forms.ModelMultipleChoiceField(rows, required=False))

    assert one["oneOf"] == one_of(("lamp", "Lamp"))
    assert several["items"] == {"oneOf": one_of(("lamp", "Lamp"))}


class Parcel(forms.Form):
    name = forms.CharField(label="Your name", help_text="As on the door.")
    gift = forms.BooleanField(required=False, initial=True)
    code = forms.CharField(widget=forms.HiddenInput, initial="x1")
    price = forms.DecimalField(disabled=True, initial=Decimal("9.50"))
    day = forms.DateField(initial=lambda: datetime.date(2026, 11, 21))


def test_a_form_is_an_object_with_what_it_requires() -> None:
    schema = schema_of_form("Parcel", Parcel())

    assert schema["type"] == "object"
    assert schema["title"] == "Parcel"
    assert schema["required"] == ["name", "code", "day"]


def test_fields_have_labels_helps_and_defaults() -> None:
    found: Any = schema_of_form("Parcel", Parcel())["properties"]

    assert found["name"]["title"] == "Your name"
    assert found["name"]["description"] == "As on the door."
    assert found["gift"]["default"] is True
    assert found["code"]["default"] == "x1"
    assert found["day"]["default"] == "2026-11-21"
    assert found["price"]["readOnly"] is True


def test_labels_are_in_the_language_that_is_active() -> None:
    class Told(forms.Form):
        day = forms.DateField(label=gettext_lazy("Monday"))

    with translation.override("de"):
        schema: Any = schema_of_form("Told", Told())

    assert schema["properties"]["day"]["title"] == "Montag"


class TwoTexts(forms.MultiValueField):
    def compress(self, data_list: Any) -> Any:
        return data_list


class PhotoInput(forms.ClearableFileInput):
    pass


@pytest.mark.parametrize(
    "field",
    [
        forms.FileField(),
        forms.ImageField(),
        forms.CharField(widget=PhotoInput),
        forms.CharField(widget=forms.PasswordInput),
        TwoTexts(fields=[forms.CharField(), forms.CharField()]),
    ],
)
def test_a_field_whose_value_should_not_cross_can_not_be_asked(field) -> None:
    assert obstacle(field) != ""


@pytest.mark.parametrize(
    "field",
    [
        forms.CharField(),
        forms.SplitDateTimeField(),
        forms.DateField(widget=forms.SelectDateWidget),
        forms.ComboField(fields=[forms.CharField(), forms.EmailField()]),
    ],
)
def test_all_others_can(field) -> None:
    assert obstacle(field) == ""


@pytest.mark.parametrize(
    ("value", "json"),
    [
        (Decimal("1.5"), 1.5),
        (Decimal("NaN"), None),
        (datetime.time(9, 30), "09:30:00"),
        (datetime.timedelta(days=1), "P1DT00H00M00S"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Product(id="lamp"), "lamp"),
        ((1, "a"), [1, "a"]),
        (gettext_lazy("Monday"), "Monday"),
    ],
)
def test_values_of_pythons_become_json(value, json) -> None:
    with translation.override("en"):
        assert plain(value) == json
