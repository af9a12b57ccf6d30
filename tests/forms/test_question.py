from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy
from hypothesis import given
from hypothesis import strategies as st

from chatkit_app.db import in_thread
from chatkit_app.engine.calls import Call
from chatkit_app.engine.context import Answered
from chatkit_app.engine.questions import MAX_ANSWER_BYTES, question_of
from chatkit_app.engine.tools import ServerTool, ToolContext, tool
from chatkit_app.exceptions import QuestionInvalid
from chatkit_app.forms.question import form_question
from project.shop.models import Product
from tests.engine.drive import call, collect, make_calls, unhurried


class AddressForm(forms.Form):
    name = forms.CharField(max_length=40)
    country = forms.ChoiceField(choices=[("DE", "Germany"), ("US", "USA")])
    zip_code = forms.RegexField(r"^\d{5}$", required=False)
    since = forms.DateField(required=False)
    gift = forms.BooleanField(required=False)

    def __init__(self, *args: Any, country: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if country:
            self.fields["country"].initial = country
            self.fields["zip_code"].required = True

    def clean(self) -> None:
        if self.cleaned_data.get("name") == "Nobody":
            raise ValidationError(gettext_lazy("Enter a valid value."))


class ProductForm(forms.ModelForm):
    class Meta:
        model = Product
        fields = ["id", "name", "room", "description", "price"]


class BasketForm(forms.Form):
    one = forms.ModelChoiceField(Product.objects.all())
    several = forms.ModelMultipleChoiceField(Product.objects.all())


ADDRESS: dict[str, Any] = {"name": "Ann", "country": "DE"}


def answered(
    kind: type, answer: Any, arguments: dict[str, Any] | None = None
) -> dict[str, Any]:
    """What the tool gets, after a journey through a row."""
    question = question_of(kind)
    stored = json.loads(json.dumps(question.read(answer, arguments)))
    value: dict[str, Any] = question.value(stored, arguments)
    return value


def faults(
    kind: type, answer: Any, arguments: dict[str, Any] | None = None
) -> list[tuple[str, str]]:
    with pytest.raises(QuestionInvalid) as caught:
        question_of(kind).read(answer, arguments)
    return [(fault.field, fault.message) for fault in caught.value.errors]


def test_the_app_makes_forms_askable() -> None:
    assert question_of(AddressForm).name == "AddressForm"


@pytest.mark.parametrize("kind", [dict, Product])
def test_what_is_no_form_is_left_to_others(kind) -> None:
    assert form_question(kind) is None


@pytest.mark.parametrize(
    "answer",
    [
        {**ADDRESS, "since": "2026-11-21", "gift": "on", "zip_code": ""},
        {**ADDRESS, "since": ["2026-11-21"], "gift": ["on"]},
        {**ADDRESS, "since": "2026-11-21", "gift": True, "zip_code": None},
    ],
)
def test_a_page_and_a_program_answer_alike(answer) -> None:
    assert answered(AddressForm, answer) == {
        "name": "Ann",
        "country": "DE",
        "zip_code": "",
        "since": date(2026, 11, 21),
        "gift": True,
    }


@pytest.mark.parametrize("gift", [False, None, "false"])
def test_a_box_that_is_not_ticked_is_false(gift) -> None:
    assert answered(AddressForm, {**ADDRESS, "gift": gift})["gift"] is False


def test_every_field_tells_what_is_wrong_with_it_in_the_active_language() -> None:
    with translation.override("de"):
        found = faults(AddressForm, {"country": "FR", "zip_code": "1"})

    assert ("name", "Dieses Feld ist zwingend erforderlich.") in found
    assert {field for field, _message in found} == {"name", "country", "zip_code"}


def test_what_is_wrong_with_the_whole_form_is_told_of_no_field() -> None:
    with translation.override("en"):
        found = faults(AddressForm, {**ADDRESS, "name": "Nobody"})

    assert found == [("", "Enter a valid value.")]


def test_arguments_make_the_form() -> None:
    question = question_of(AddressForm)
    schema = question.schema({"country": "US"})

    assert "zip_code" in schema["required"]  # type: ignore[operator]
    assert '<option value="US" selected>' in str(question.html({"country": "US"}, None))
    assert faults(AddressForm, ADDRESS, {"country": "US"})[0][0] == "zip_code"


def test_the_answer_is_read_as_it_was_given_whatever_is_active_in_the_tools_process() -> (
    None
):
    class Moment(forms.Form):
        at = forms.DateTimeField()
        price = forms.DecimalField(localize=True)

    question = question_of(Moment)
    with translation.override("de"), timezone.override("Asia/Tokyo"):
        stored = question.read({"at": "03.02.2026 09:00", "price": "1,5"}, None)
    with translation.override("en"), timezone.override("UTC"):
        value = question.value(stored, None)

    assert value["at"] == datetime(2026, 2, 3, 0, 0, tzinfo=UTC)
    assert str(value["price"]) == "1.5"


def test_an_answer_that_fits_no_longer_is_told() -> None:
    class Short(forms.Form):
        name = forms.CharField(max_length=2)

    stored = question_of(AddressForm).read(ADDRESS, None)

    with pytest.raises(QuestionInvalid) as caught:
        question_of(Short).value(stored, None)

    assert [fault.field for fault in caught.value.errors] == ["name"]


@pytest.mark.parametrize("answer", [None, [], "yes", {"name": "x" * MAX_ANSWER_BYTES}])
def test_what_is_no_answer_at_all_is_refused(answer) -> None:
    assert [field for field, _message in faults(AddressForm, answer)] == [""]


def test_ten_thousand_brackets_are_refused() -> None:
    class Free(forms.Form):
        data = forms.JSONField()

    with pytest.raises(QuestionInvalid):
        question_of(Free).read({"data": "[" * 60_000}, None)


@pytest.fixture
def lamp(db) -> Product:
    Product.objects.all().delete()
    return Product.objects.create(id="lamp", name="Lamp", room="living", price=9)


def test_rows_come_back_as_rows_that_have_been_read(lamp) -> None:
    value = answered(BasketForm, {"one": "lamp", "several": ["lamp"]})

    with CaptureQueriesContext(connection) as queries:
        assert value["one"] == lamp
        assert list(value["several"]) == [lamp]
    assert len(queries) == 0


def test_a_row_that_is_gone_is_told(lamp) -> None:
    stored = question_of(BasketForm).read({"one": "lamp", "several": ["lamp"]}, None)
    lamp.delete()

    with pytest.raises(QuestionInvalid):
        question_of(BasketForm).value(stored, None)


def test_a_models_form_is_validated_and_never_saved(lamp) -> None:
    answer = {
        "id": "lamp",
        "name": "L",
        "room": "living",
        "description": "d",
        "price": 3,
    }

    assert [field for field, _message in faults(ProductForm, answer)] == ["id"]
    assert answered(ProductForm, {**answer, "id": "desk"})["name"] == "L"
    assert Product.objects.count() == 1


async def settled(asking: ServerTool, asked: Call) -> Any:
    calls = make_calls(asking)
    calls.in_thread = in_thread
    return (await collect(calls.run([asked])))[-1]


async def entered_again(
    asking: ServerTool, answer: Any, *, then: Callable[[], object] = lambda: None
) -> Any:
    """The last event of a tool that asks, is answered, and is entered again."""
    asked = await settled(asking, call(asking.name))
    assert asked.interrupt.form is not None
    read = question_of(BasketForm).read
    stored = await in_thread(lambda: read(answer, None))
    await in_thread(then)
    given = Answered(answer=stored, question=asked.request["question"])
    again = replace(call(asking.name), answers={asked.interrupt.key: given})
    return await settled(asking, again)


@pytest.fixture
def basket(transactional_db) -> dict[str, Any]:
    Product.objects.all().delete()
    Product.objects.create(id="lamp", name="Lamp", room="living", price=9)
    return {"one": "lamp", "several": ["lamp"]}


async def test_an_async_tool_gets_rows_though_it_must_not_ask_for_them(basket) -> None:
    @tool(effect="read", questions=[BasketForm])
    async def count(context: ToolContext) -> list[str]:
        found = context.ask(BasketForm, "Which ones?")
        return [found["one"].name, *(row.name for row in found["several"])]

    assert (await entered_again(count, basket)).output == ["Lamp", "Lamp"]


async def test_an_async_tool_is_told_that_an_answer_fits_no_longer(basket) -> None:
    @tool(effect="read", questions=[BasketForm])
    async def forgive(context: ToolContext) -> str:
        try:
            return str(context.ask(BasketForm))
        except QuestionInvalid as error:
            return error.code

    found = await entered_again(forgive, basket, then=Product.objects.all().delete)

    assert found.output == "answer_invalid"


class Everything(forms.Form):
    text = forms.CharField()
    pick = forms.TypedChoiceField(choices=[(1, "One"), (2, "Two")], coerce=int)
    many = forms.MultipleChoiceField(choices=[("a", "A"), ("b", "B")])
    whole = forms.IntegerField(localize=True)
    price = forms.DecimalField(localize=True)
    part = forms.FloatField(localize=True)
    yes = forms.BooleanField()
    maybe = forms.NullBooleanField()
    day = forms.DateField()
    when = forms.DateField(widget=forms.SelectDateWidget)
    own = forms.DateField(input_formats=["%d/%m/%y"])
    at = forms.DateTimeField()
    split = forms.SplitDateTimeField()
    time = forms.TimeField()
    long = forms.DurationField()
    key = forms.UUIDField()
    data = forms.JSONField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.required = False
            for inner in getattr(field, "fields", ()):
                inner.required = False


LIKELY = st.sampled_from(
    [
        "2026-11-21",
        "21.11.2026",
        "2026-11-21T10:00:00Z",
        "0001-01-01T00:00Z",
        "9999-12-31",
        "10:30",
        "P1D",
        "1.234",
        "1,5",
        "1e999",
        "on",
        "true",
        "a",
        "",
        "\x00",
        "[1]",
        "NaN",
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | LIKELY
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)
NAMES = st.sampled_from([*Everything.base_fields, "split_0", "split_1", "when_day"])


@unhurried
@given(st.dictionaries(NAMES, VALUES, max_size=4), st.sampled_from(["de", "en", "fr"]))
def test_any_answer_is_refused_or_reads_the_same_everywhere(answer, language) -> None:
    question = question_of(Everything)
    try:
        with translation.override(language), timezone.override("Asia/Tokyo"):
            stored = question.read(answer, None)
            here = question.value(stored, None)
    except QuestionInvalid:
        return

    with translation.override("pt-br"), timezone.override("America/Chicago"):
        there = question.value(json.loads(json.dumps(stored)), None)

    assert repr(there) == repr(here)


def test_a_field_that_the_constructor_adds_and_nobody_could_answer_is_named() -> None:
    class Sneaky(forms.Form):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.fields["photo"] = forms.ImageField()

    for ask in (
        lambda: question_of(Sneaky).schema(None),
        lambda: question_of(Sneaky).html(None, None),
        lambda: question_of(Sneaky).read({}, None),
    ):
        with pytest.raises(TypeError, match=r"Sneaky\.photo"):
            ask()


def test_arguments_that_the_form_does_not_take_are_a_programmers_error() -> None:
    with pytest.raises(TypeError, match="planet"):
        question_of(AddressForm).schema({"planet": "Mars"})
