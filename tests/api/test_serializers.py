from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from rest_framework.fields import DateTimeField
from rest_framework.settings import api_settings

from chatkit_app.api.serializers import moment_as_json, thread_as_json
from chatkit_app.models import Run, Thread


@pytest.fixture
def other_formats(settings):
    settings.REST_FRAMEWORK = {"DATETIME_FORMAT": "%d.%m.%y"}
    settings.TIME_ZONE = "Asia/Tokyo"
    assert api_settings.DATETIME_FORMAT == "%d.%m.%y"


def test_the_times_do_not_follow_the_sites_formats(other_formats) -> None:
    at = datetime(2026, 3, 1, 21, tzinfo=ZoneInfo("Asia/Tokyo"))
    thread = Thread(assistant="shop", created_at=at, last_activity_at=at)

    told = thread_as_json(thread, None)

    assert told["createdAt"] == told["lastActivityAt"] == "2026-03-01T12:00:00Z"
    assert DateTimeField().to_representation(at.astimezone(UTC)) == "01.03.26"


def test_what_has_no_time_has_none() -> None:
    assert moment_as_json(None) is None


def test_nothing_but_the_promised_fields_is_told() -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    thread = Thread(
        assistant="shop",
        owner_key="u:1",
        metadata={"a": 1},
        created_at=at,
        last_activity_at=at,
    )

    told = thread_as_json(thread, Run(status="failed", error_code="boom"))

    assert list(told) == [
        "id",
        "assistant",
        "title",
        "status",
        "createdAt",
        "lastActivityAt",
        "unread",
        "pinned",
        "metadata",
        "run",
    ]
    assert list(told["run"]) == ["id", "status", "errorCode"]
