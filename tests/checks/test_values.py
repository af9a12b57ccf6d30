from __future__ import annotations

import pytest

from chatkit_app.checks.values import WORDS, types_of_settings
from tests.checks.spoiling import ids, only, ours

COUNTS = [name for name, type_ in types_of_settings() if type_ == "int"]
TIMES = [name for name, type_ in types_of_settings() if type_ == "float"]


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("value", [0, -1, 1.5, "10", None, True])
def test_a_count_or_size_is_a_whole_number_from_one_on(site, name, value) -> None:
    setattr(site, f"CHATKIT_{name}", value)

    assert ids() == ["chatkit.E007"]
    assert name in ours()[0].msg


@pytest.mark.parametrize("name", COUNTS + TIMES)
def test_a_whole_number_serves_every_number(site, name) -> None:
    site.CHATKIT_HEARTBEAT_SECONDS = 0.3  # beside a lease of 1
    setattr(site, f"CHATKIT_{name}", 1)

    assert ids() == []


@pytest.mark.parametrize("name", TIMES)
@pytest.mark.parametrize(
    "value", [0, -0.5, float("nan"), float("inf"), "10", None, True]
)
def test_a_time_is_seconds_above_zero(site, name, value) -> None:
    setattr(site, f"CHATKIT_{name}", value)

    assert ids() == ["chatkit.E008"]
    assert name in ours()[0].msg


def test_every_setting_has_a_type_that_is_checked() -> None:
    others = {
        name for name, type_ in types_of_settings() if type_ not in ("int", "float")
    }

    assert others - set(WORDS) == {
        "ACCESS_POLICY",
        "ALLOWED_ORIGINS",
        "ATTACHMENT_STORAGE",
        "ATTACHMENT_TYPES",
        "BROWSABLE_API",
        "BUDGETS",
        "PRICES",
        "PROVIDERS",
        "REDACTOR",
        "RETENTION_DAYS",
        "RUNNER",
        "SHARING",
        "THROTTLES",
        "TITLES",
    }


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("void", []),
        ("keep", []),
        ("Void", ["chatkit.E025"]),
        (None, ["chatkit.E025"]),
        (True, ["chatkit.E025"]),
    ],
)
def test_a_broken_step_is_taken_back_or_kept(site, word, expected) -> None:
    site.CHATKIT_BROKEN_STEP = word

    assert ids() == expected


def test_a_misspelt_setting_is_told_what_was_meant(site) -> None:
    site.CHATKIT_MAX_FRAME_BYTE = 10

    assert ids() == ["chatkit.W009"]
    assert "CHATKIT_MAX_FRAME_BYTES" in str(ours()[0].hint)


@pytest.mark.parametrize(
    ("lease", "heartbeat", "expected"),
    [
        (10, 3, []),
        (10, 5, []),
        (10, 5.1, ["chatkit.W027"]),
        (10, 9.9, ["chatkit.W027"]),
        (10, 10, ["chatkit.E026"]),
        (10, 60, ["chatkit.E026"]),
    ],
)
def test_a_lease_outlives_a_heartbeat_that_comes_late(
    site, lease, heartbeat, expected
) -> None:
    site.CHATKIT_LEASE_SECONDS = lease
    site.CHATKIT_HEARTBEAT_SECONDS = heartbeat

    assert ids() == expected


def test_the_hint_about_a_lease_names_a_heartbeat_that_passes(site) -> None:
    site.CHATKIT_LEASE_SECONDS, site.CHATKIT_HEARTBEAT_SECONDS = 6, 20

    assert "2" in str(only().hint)

    site.CHATKIT_HEARTBEAT_SECONDS = 2
    assert ids() == []


@pytest.mark.parametrize(
    ("size", "expected"), [(1_000_000, []), (1_000_001, ["chatkit.E055"])]
)
def test_an_output_that_a_row_keeps_can_be_sent(site, size, expected) -> None:
    site.CHATKIT_MAX_OUTPUT_BYTES = size

    assert ids() == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, []),
        ({"threads": None, "commands": 0.5, "usage": 400}, []),
        ({"thread": 30}, ["chatkit.E070"]),
        ({"threads": 0}, ["chatkit.E070"]),
        ({"threads": "30", "commands": True}, ["chatkit.E070", "chatkit.E070"]),
        (30, ["chatkit.E070"]),
        (None, ["chatkit.E070"]),
    ],
)
def test_a_retention_is_days_of_something_that_is_kept(site, given, expected) -> None:
    site.CHATKIT_RETENTION_DAYS = given

    assert ids() == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, []),
        ({"read": "10/second", "send": ""}, []),
        ({"read": "10/fortnight"}, ["chatkit.E083"]),
        ({"read": None}, ["chatkit.E083"]),
        ({"reed": "10/day"}, ["chatkit.E083"]),
        ("10/day", ["chatkit.E083"]),
    ],
)
def test_what_a_viewer_may_ask_is_a_rate_by_scope(site, given, expected) -> None:
    site.CHATKIT_THROTTLES = given

    assert ids() == expected
