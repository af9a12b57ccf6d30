from __future__ import annotations

import pytest

from chatkit_app import exceptions
from chatkit_app.admin.words import CALLS, ERRORS, RUNS, badge
from chatkit_app.engine.states import RunStatus, ToolCallStatus
from tests.admin.lists import THREADS, make_user, text_of, thread_of


def test_every_state_has_its_words() -> None:
    assert set(RUNS) == {status.value for status in RunStatus}
    assert set(CALLS) == {status.value for status in ToolCallStatus}


@pytest.mark.parametrize(
    "error",
    [
        found
        for found in vars(exceptions).values()
        if isinstance(found, type) and issubclass(found, exceptions.RunError)
    ],
)
def test_every_end_of_a_run_has_its_words(error) -> None:
    assert error.code in ERRORS


def test_an_error_is_told_in_words_and_by_its_code() -> None:
    told = badge("failed", RUNS, "provider_rejected")

    assert "refused" in told
    assert "<code>provider_rejected</code>" in told


def test_what_is_not_known_is_shown_as_it_is_and_as_text() -> None:
    assert "<b>" not in badge("<b>", RUNS, "<b>")
    assert "&lt;b&gt;" in badge("<b>", RUNS, "<b>")


@pytest.mark.django_db
def test_the_lists_speak_german_where_the_reader_does(admin_client) -> None:
    anna = make_user("anna")
    thread_of(anna, status="failed", error_code="provider_unavailable")

    text = text_of(admin_client.get(THREADS, headers={"accept-language": "de"}))

    for words in (
        "fehlgeschlagen",
        "Der Dienst des Modells war nicht erreichbar.",
        "Letzte 7 Tage",
        "Wartet auf Freigabe",
        "2 Nachrichten",
    ):
        assert words in text
