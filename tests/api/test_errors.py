from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework.exceptions import (
    AuthenticationFailed,
    NotAuthenticated,
    Throttled,
    ValidationError,
)

from chatkit_app.api.errors import answer_to
from chatkit_app.exceptions import FrameTooLarge, InvalidCommand, ThreadNotFound


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (InvalidCommand("No."), 400, "invalid_command"),
        (FrameTooLarge("No."), 400, "frame_too_large"),
        (ThreadNotFound("No."), 404, "thread_not_found"),
        (Http404("No."), 404, "not_found"),
        (PermissionDenied("No."), 403, "permission_denied"),
        (NotAuthenticated("No."), 401, "not_authenticated"),
        (AuthenticationFailed("No."), 401, "authentication_failed"),
        (ValidationError({"before": ["No."]}), 400, "invalid"),
    ],
)
def test_every_error_becomes_a_code_and_a_message(error, status, code) -> None:
    answer = answer_to(error, {})

    assert answer is not None
    assert (answer.status_code, answer.data) == (
        status,
        {"code": code, "message": "No."},
    )


def test_a_throttled_request_is_told_when_to_come_again() -> None:
    answer = answer_to(Throttled(wait=7), {})

    assert answer is not None
    assert answer.data["code"] == "throttled"
    assert answer.headers["Retry-After"] == "7"


def test_a_bug_is_left_to_the_site() -> None:
    assert answer_to(ZeroDivisionError("a secret"), {}) is None
