"""What a form looks like: drawn here, read by strangers' browsers."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from django import forms
from django.utils import translation
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy

from chatkit_app.engine.questions import question_of
from chatkit_app.forms.question import MAX_FORM_BYTES


class AddressForm(forms.Form):
    name = forms.CharField()
    country = forms.ChoiceField(choices=[("DE", "Germany"), ("US", "USA")])
    gift = forms.BooleanField(required=False)


def answered(kind: type, answer: Any) -> Any:
    question = question_of(kind)
    return question.value(question.read(answer, None), None)


def html_of(kind: type, arguments: Any = None, initial: Any = None) -> str:
    html = question_of(kind).html(arguments, initial)
    assert html is not None
    return html


class Drawn(HTMLParser):
    """The elements of a piece of HTML with the names of their attributes, and what they say."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.said: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs) -> None:
        self.elements.append((tag, tuple(name for name, _value in attrs)))
        self.said += [value for _name, value in attrs if value]

    def handle_data(self, data) -> None:
        self.said.append(data)


PAYLOADS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onfocus='alert(1)' autofocus='",
    '" onfocus="alert(1)" autofocus="',
    "</option></select><svg onload=alert(1)>",
    "</textarea><script>alert(1)</script>",
    "</label><a href=javascript:alert(1)>x</a>",
    "javascript:alert(1)",
    "<!--",
    "]]><b>",
    "&lt;script&gt;",
    "{{ 7|add:7 }}{% debug %}",
    "\u2028\u202e<i>",
]


class OpenForm(forms.Form):
    """A form into which anybody's words find their way."""

    text = forms.CharField(required=False)
    area = forms.CharField(widget=forms.Textarea, required=False)
    hidden = forms.CharField(widget=forms.HiddenInput, required=False)
    pick = forms.ChoiceField()
    radio = forms.ChoiceField(widget=forms.RadioSelect)
    boxes = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple)
    day = forms.DateField()
    split = forms.SplitDateTimeField()
    when = forms.DateField(widget=forms.SelectDateWidget(years=[2026]))

    def __init__(self, *args: Any, word: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(word, word), (f"{word} group", [(f"{word}2", f"{word} 2")])]
        for name in ("pick", "radio", "boxes"):
            self.fields[name].choices = choices  # type: ignore[attr-defined]
        self.fields["text"].label = word
        self.fields["text"].help_text = f"Not {word}"
        self.fields["area"].widget.attrs["placeholder"] = word


def drawn_with(word: str) -> Drawn:
    names = OpenForm().fields
    return Drawn(html_of(OpenForm, {"word": word}, dict.fromkeys(names, word)))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_words_of_strangers_stay_words(payload) -> None:
    drawn = drawn_with(payload)

    assert drawn.elements == drawn_with("harmless").elements
    assert any(payload in said for said in drawn.said)


def test_a_help_text_may_be_html_where_its_author_says_so() -> None:
    class Helped(forms.Form):
        name = forms.CharField(help_text=mark_safe("<b>Now</b>"))

    assert "<b>Now</b>" in html_of(Helped)


def test_only_fields_are_drawn() -> None:
    class Dressed(forms.Form):
        name = forms.CharField()

        class Media:
            js = ["picker.js"]
            css = {"all": ["picker.css"]}

    html = html_of(Dressed)

    assert "picker" not in html
    assert {tag for tag, _names in Drawn(html).elements} == {"div", "label", "input"}


def test_two_forms_share_no_id() -> None:
    first, second = (set(re.findall(r'id="(.+?)"', html_of(AddressForm))) for _ in "ab")

    assert len(first) == 3
    assert first & second == set()


def test_a_form_is_drawn_in_the_language_that_is_active() -> None:
    class Told(forms.Form):
        day = forms.DateField(label=gettext_lazy("Monday"))

    with translation.override("de"):
        html = html_of(Told, None, {"day": "2026-11-21"})

    assert "Montag" in html
    assert 'value="21.11.2026"' in html


def test_initial_values_are_shown_and_unknown_ones_are_not() -> None:
    html = html_of(AddressForm, None, {"name": "Ann", "gift": True, "other": "Bob"})

    assert 'value="Ann"' in html
    assert re.search(r'name="gift"[^>]* checked', html)
    assert "Bob" not in html


def test_a_prefix_is_of_no_use_and_names_are_the_fields_own() -> None:
    class Prefixed(forms.Form):
        prefix = "ship"
        name = forms.CharField()

    assert 'name="name"' in html_of(Prefixed)
    assert answered(Prefixed, {"name": "Ann"}) == {"name": "Ann"}


def test_a_form_that_is_too_large_to_be_sent_is_told() -> None:
    class Huge(forms.Form):
        pick = forms.ChoiceField(choices=[(n, "x" * 1000) for n in range(200)])

    with pytest.raises(ValueError, match=f"Huge is more than {MAX_FORM_BYTES}"):
        html_of(Huge)
