from __future__ import annotations

from typing import Any

import pytest
from django import forms
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st

from chatkit_app.exceptions import QuestionInvalid
from chatkit_app.forms.answers import as_stored, initial_of, posted, stored_form


def texts(field: forms.Field, value: Any) -> Any:
    """What is posted of a form's only field."""
    return posted({"only": field}, {"only": value})


CHOICES = [("1", "One"), ("2", "Two")]


@pytest.mark.parametrize(
    ("field", "value", "found"),
    [
        (forms.CharField(), "Elm", ["Elm"]),
        (forms.CharField(), ["Elm"], ["Elm"]),
        (forms.CharField(), 3, ["3"]),
        (forms.IntegerField(), 3.0, ["3"]),
        (forms.FloatField(), 0.1, ["0.1"]),
        (forms.BooleanField(), True, ["True"]),
        (forms.BooleanField(), "on", ["on"]),
        (forms.MultipleChoiceField(choices=CHOICES), [1, "2"], ["1", "2"]),
        (forms.MultipleChoiceField(choices=CHOICES), "2", ["2"]),
        (forms.JSONField(), {"a": [1]}, ['{"a":[1]}']),
        (forms.JSONField(), [1, 2], ["[1,2]"]),
        (forms.DateField(), "2026-11-21", ["2026-11-21"]),
        (forms.DateField(input_formats=["%d/%m/%y"]), "2026-11-21", ["21/11/26"]),
        (forms.DateField(input_formats=["%d/%m/%y"]), "21/11/26", ["21/11/26"]),
        (forms.DateField(input_formats=["%d/%m/%y"]), "2026-02-31", ["2026-02-31"]),
        (forms.TimeField(), "10:30:00Z", ["10:30:00"]),
        (
            forms.DateTimeField(input_formats=["%d/%m/%y %H:%M"]),
            "2026-11-21T10:00:00Z",
            ["2026-11-21T10:00:00Z"],
        ),
    ],
)
def test_a_value_is_posted_as_its_input_would(field, value, found) -> None:
    assert texts(field, value) == {"only": found}


@pytest.mark.parametrize("value", [None, []])
def test_nothing_is_posted_as_nothing(value) -> None:
    assert texts(forms.CharField(), value) == {}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (forms.CharField(), ["a", "b"]),
        (forms.CharField(), {"a": "b"}),
        (forms.CharField(), [["a"]]),
        (forms.MultipleChoiceField(choices=CHOICES), [{"a": 1}]),
        (forms.SplitDateTimeField(), ["2026-11-21"]),
    ],
)
def test_a_shape_that_no_input_gives_is_told_at_its_field(field, value) -> None:
    with pytest.raises(QuestionInvalid) as caught:
        texts(field, value)

    assert [fault.field for fault in caught.value.errors] == ["only"]


def test_a_moment_is_taken_apart_in_the_time_zone_that_is_active() -> None:
    with timezone.override("Europe/Berlin"):
        found = texts(forms.SplitDateTimeField(), "2026-11-21T10:00:00Z")

    assert found == {"only_0": ["2026-11-21"], "only_1": ["11:00:00"]}


@pytest.mark.parametrize("text", ["soon", "2026-02-31T10:00Z", "0001-01-01T00:00Z"])
def test_a_moment_that_is_none_is_left_to_the_form(text) -> None:
    with timezone.override("America/Chicago"):
        assert texts(forms.SplitDateTimeField(), text) == {"only_0": [text]}


def test_the_inputs_of_a_field_that_has_several_are_taken_as_they_are() -> None:
    fields = {"day": forms.DateField(widget=forms.SelectDateWidget)}
    answer: Any = {"day_day": "21", "day_month": 11, "day_year": ["2026"]}

    assert posted(fields, answer) == {
        "day_day": ["21"],
        "day_month": ["11"],
        "day_year": ["2026"],
    }


def test_what_belongs_to_no_field_and_what_may_not_be_changed_is_left_out() -> None:
    fields = {"name": forms.CharField(), "price": forms.CharField(disabled=True)}

    found = posted(fields, {"name": "Ann", "price": "0", "csrfmiddlewaretoken": "x"})

    assert found == {"name": ["Ann"]}


def test_a_number_of_jsons_survives_a_language_that_writes_it_otherwise(
    settings,
) -> None:
    settings.USE_THOUSAND_SEPARATOR = True
    field = forms.FloatField(localize=True)

    with translation.override("de"):
        [text] = texts(field, 1.234)["only"]
        again = field.clean(text)

    assert again == 1.234


def test_initial_times_become_pythons_and_the_rest_stays() -> None:
    fields = {"day": forms.DateField(), "name": forms.CharField()}

    found = initial_of(fields, {"day": "2026-11-21", "name": "2026-11-21", "other": 1})

    assert repr(found["day"]) == "datetime.date(2026, 11, 21)"
    assert found["name"] == "2026-11-21"
    assert "other" not in found
    assert initial_of(fields, ["day"]) == {}


def test_what_is_stored_brings_back_the_language_and_the_time_zone() -> None:
    with translation.override("de"), timezone.override("Asia/Tokyo"):
        stored = stored_form({"only": ["1"]})

    with translation.override("fr"):
        with as_stored(stored) as data:
            within = translation.get_language(), timezone.get_current_timezone_name()
        after = translation.get_language()

    assert within == ("de", "Asia/Tokyo")
    assert after == "fr"
    assert data.getlist("only") == ["1"]


@pytest.mark.parametrize("stored", [None, [], {"size": 3}, {"data": 1}])
def test_what_was_stored_for_something_else_is_refused(stored) -> None:
    with pytest.raises(QuestionInvalid), as_stored(stored):
        pass


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
JSON: st.SearchStrategy[Any] = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)
FIELDS = {
    "text": forms.CharField(),
    "day": forms.DateField(input_formats=["%d/%m/%Y"]),
    "moment": forms.SplitDateTimeField(),
    "many": forms.MultipleChoiceField(choices=CHOICES),
    "json": forms.JSONField(),
    "price": forms.DecimalField(localize=True),
}


@given(st.dictionaries(st.sampled_from(sorted(FIELDS)), JSON))
def test_any_json_is_posted_as_texts_or_refused(answer) -> None:
    try:
        found = posted(FIELDS, answer)
    except QuestionInvalid:
        return

    assert all(isinstance(text, str) for texts in found.values() for text in texts)
