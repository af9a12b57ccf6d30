from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model

from chatkit_app.admin.definitions import definition_of, definitions_of
from tests.approvals import ask_staff, desk, refund

pytestmark = pytest.mark.django_db


def test_a_call_is_told_by_the_definition_that_it_was_made_by() -> None:
    call = ask_staff(get_user_model().objects.create_user("anna")).tool_call
    assert call is not None

    with desk():
        known = definitions_of("desk")

    assert definition_of(call, known) is refund.definition


def test_a_definition_that_has_changed_since_tells_nothing() -> None:
    call = ask_staff(get_user_model().objects.create_user("anna")).tool_call
    assert call is not None
    call.schema_digest = "another"

    with desk():
        assert definition_of(call, definitions_of("desk")) is None


@pytest.mark.parametrize("assistant", ["gone", "test"])
def test_tools_that_would_have_to_be_asked_for_are_not(assistant) -> None:
    assert definitions_of(assistant) == {}  # "test" has a function for its tools
