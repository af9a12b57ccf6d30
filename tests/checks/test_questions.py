from __future__ import annotations

from typing import Any

import pytest
from django import forms
from pydantic import BaseModel

from chatkit_app import checks
from chatkit_app.engine.assistant import Assistant
from chatkit_app.engine.tools import tool
from project.shop.models import Product
from tests.checks.spoiling import ids, ours


class Size(BaseModel):
    centimetres: int


class AddressForm(forms.Form):
    name = forms.CharField()

    def __init__(self, *args: Any, country: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)


class ProductForm(forms.ModelForm):
    class Meta:
        model = Product
        fields = ["name"]


class PhotoForm(forms.Form):
    photo = forms.ImageField()


class TwoTexts(forms.MultiValueField):
    def compress(self, data_list: Any) -> Any:
        return data_list


class PairForm(forms.Form):
    pair = TwoTexts(fields=[forms.CharField(), forms.CharField()])


class NeedyForm(forms.Form):
    def __init__(self, country: str, data: Any = None) -> None:
        super().__init__(data)


class DeafForm(forms.Form):
    def __init__(self) -> None:
        super().__init__()


class SecretForm(forms.Form):
    word = forms.CharField(widget=forms.PasswordInput)


class Strange:
    pass


def ask(*kinds: Any) -> None:
    @tool(effect="read", questions=kinds)
    def ship(number: str) -> str:
        """Ship an order."""
        return number

    checks.assistants.assistants.register(Assistant(name="shop", tools=[ship]))


def test_questions_that_can_be_asked_pass(site) -> None:
    ask(Size, AddressForm, ProductForm)

    assert ids() == []


@pytest.mark.parametrize(
    ("kind", "id_", "words"),
    [
        (Strange, "chatkit.E045", ["Strange"]),
        ("Size", "chatkit.E045", ["'Size'"]),
        (PhotoForm, "chatkit.E046", ["PhotoForm", "'photo'"]),
        (PairForm, "chatkit.E046", ["PairForm", "'pair'"]),
        (NeedyForm, "chatkit.E047", ["NeedyForm", "country"]),
        (DeafForm, "chatkit.E047", ["DeafForm", "data="]),
        (forms.ModelForm, "chatkit.E047", ["ModelForm", "Meta.model"]),
        (SecretForm, "chatkit.E046", ["SecretForm", "'word'"]),
    ],
)
def test_a_question_that_can_not_be_asked_is_named_with_its_tool(
    site, kind, id_, words
) -> None:
    ask(kind)

    [message] = ours()

    assert message.id == id_
    assert all(word in message.msg for word in ["'shop'", "'ship'", *words])


def test_the_tools_that_a_function_gives_are_not_asked_for(site) -> None:
    def tools_of(_viewer, _page):
        raise AssertionError("A check has neither viewer nor page.")

    checks.assistants.assistants.register(Assistant(name="shop", tools=tools_of))

    assert ids() == ["chatkit.W050"]
