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
from chatkit_app.exceptions import (
    AnswerDuplicate,
    AnswerInvalid,
    AnswerLate,
    ApprovalPending,
    AssistantNotFound,
    CallNotFound,
    ClaimHeld,
    CommandConflict,
    CursorNotFound,
    Fault,
    FrameTooLarge,
    InterruptNotFound,
    InvalidCommand,
    InvalidPage,
    MessageNotFound,
    NotAllowed,
    NothingToShare,
    NoViewer,
    RateLimited,
    RunNotFound,
    ShareNotFound,
    SharingOff,
    ThreadNotFound,
    TooManyShares,
)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (InvalidCommand("No."), 400, "invalid_command"),
        (FrameTooLarge("No."), 413, "frame_too_large"),
        (NoViewer("No."), 403, "no_viewer"),
        (NotAllowed("No."), 403, "not_allowed"),
        (InterruptNotFound("No."), 404, "interrupt_not_found"),
        (CallNotFound("No."), 404, "call_not_found"),
        (AnswerDuplicate("No."), 409, "answer_duplicate"),
        (AnswerLate("No."), 409, "answer_late"),
        (CommandConflict("No."), 409, "command_conflict"),
        (ApprovalPending("No."), 409, "approval_pending"),
        (ThreadNotFound("No."), 404, "thread_not_found"),
        (MessageNotFound("No."), 404, "message_not_found"),
        (RunNotFound("No."), 404, "run_not_found"),
        (AssistantNotFound("No."), 404, "assistant_not_found"),
        (CursorNotFound("No."), 404, "cursor_not_found"),
        (SharingOff("No."), 403, "sharing_off"),
        (ShareNotFound("No."), 404, "share_not_found"),
        (NothingToShare("No."), 409, "nothing_to_share"),
        (TooManyShares("No."), 409, "too_many_shares"),
        (InvalidPage("No."), 409, "invalid_page"),
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


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ClaimHeld("No.", retry_after=1.25), 409),
        (RateLimited("No.", retry_after=1.25), 429),
    ],
)
def test_what_may_be_tried_again_tells_when(error, status) -> None:
    answer = answer_to(error, {})

    assert answer is not None
    assert answer.status_code == status
    assert answer.data == {"code": error.code, "message": "No.", "retryMs": 1250}
    assert answer.headers["Retry-After"] == "2"


def test_an_answer_that_does_not_fit_tells_where() -> None:
    fault = Fault(interrupt="0192", field="lines.0.count", message="Too many.")

    answer = answer_to(AnswerInvalid("No.", errors=[fault]), {})

    assert answer is not None
    assert answer.status_code == 400
    assert answer.data == {
        "code": "answer_invalid",
        "message": "No.",
        "errors": [
            {"interrupt": "0192", "field": "lines.0.count", "message": "Too many."}
        ],
    }


def test_a_throttled_request_is_told_when_to_come_again() -> None:
    answer = answer_to(Throttled(wait=7), {})

    assert answer is not None
    assert answer.data["code"] == "throttled"
    assert answer.headers["Retry-After"] == "7"


def test_a_bug_is_left_to_the_site() -> None:
    assert answer_to(ZeroDivisionError("a secret"), {}) is None
