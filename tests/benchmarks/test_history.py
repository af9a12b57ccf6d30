from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from benchmarks.history import COMMON, YEAR, fill
from benchmarks.pouring import plain
from chatkit_app.models import Feedback, Message, Part, Run, Step, Thread, ToolCall

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.django_db
def test_a_year_is_filled_with_so_many_messages() -> None:
    told = fill(1000, now=NOW)

    assert Message.objects.count() == Part.objects.count() == 1000
    assert Run.objects.count() == Step.objects.count() == 500
    assert Message.objects.filter(thread=told.long_thread).count() == 100
    assert Message.objects.filter(thread=told.short_thread).count() == 10
    assert 0 < ToolCall.objects.count() < 500
    assert 0 < Feedback.objects.count() < 100
    newest, oldest = Thread.objects.latest("created_at"), Thread.objects.earliest("id")
    assert newest.pk == told.long_thread
    assert NOW - YEAR <= oldest.created_at < NOW - YEAR + timedelta(days=10)
    assert Message.objects.filter(text__contains=COMMON).exists()


@pytest.mark.django_db
def test_what_was_poured_is_what_the_models_say() -> None:
    fill(100, now=NOW)

    for model in (Thread, Message, Run, Step, Part, ToolCall, Feedback):
        for row in model.objects.all()[:20]:
            row.full_clean(validate_unique=False, validate_constraints=False)
    connection.check_constraints()
    run = Run.objects.first()
    assert run.context == {}
    assert run.answer.parent == run.prompt


def test_moments_are_told_in_utc() -> None:
    assert plain(NOW) == "2026-11-21 12:00:00.000000"
    assert plain("x") == "x"
