from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatkit_app.providers.openai_fields import (
    encoded,
    is_whole_object,
    number_in,
    object_in,
    objects_in,
    text_in,
)

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
    ),
)


@given(ANYTHING)
def test_whatever_a_vendor_sends_is_read_as_the_type_that_was_asked_for(
    value: object,
) -> None:
    data = {"key": value}
    assert isinstance(text_in(data, "key"), str)
    assert 0 <= number_in(data, "key") < 2**31
    assert isinstance(object_in(data, "key"), dict)
    assert all(isinstance(item, dict) for item in objects_in(data, "key"))


def test_what_is_missing_is_empty() -> None:
    assert (text_in({}, "a"), number_in({}, "a"), object_in({}, "a")) == ("", 0, {})
    assert list(objects_in({}, "a")) == []


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_can_be_sent(text: str) -> None:
    back = json.loads(encoded({"text": text}))["text"]
    assert back == text.encode("utf-16-le", "surrogatepass").decode(
        "utf-16-le", "replace"
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_json_has_no_word_for_is_an_error(value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        encoded({"temperature": value})


@pytest.mark.parametrize(
    ("text", "is_whole"),
    [
        ("{}", True),
        ('{"a": [1]} ', True),
        ("", False),
        ('{"a"', False),
        ("[]", False),
        ("7", False),
    ],
)
def test_only_a_complete_object_is_whole(text: str, is_whole: bool) -> None:
    assert is_whole_object(text) is is_whole
