"""Errors of the API: ``{code, message}`` whatever went wrong, with the code of ``exceptions``."""

from __future__ import annotations

import math
from typing import Any

from rest_framework import status
from rest_framework.exceptions import APIException, ErrorDetail, Throttled
from rest_framework.response import Response
from rest_framework.views import exception_handler

from chatkit_app.exceptions import (
    AnswerDuplicate,
    AnswerInvalid,
    AnswerLate,
    AssistantNotFound,
    AttachmentNotFound,
    AttachmentRefused,
    AttachmentTooLarge,
    AttachmentTypeRefused,
    BudgetSpent,
    CallNotFound,
    ChatKitError,
    ClaimHeld,
    CommandConflict,
    CursorNotFound,
    ForkTooLarge,
    FrameTooLarge,
    InterruptNotFound,
    InvalidCommand,
    InvalidPage,
    MessageNotFound,
    NotAllowed,
    NothingToShare,
    NotKnownHere,
    NoViewer,
    RateLimited,
    RedactionFailed,
    RunConflict,
    RunNotFound,
    ShareNotFound,
    SharingOff,
    ThreadNotFound,
    TooManyAttachments,
    TooManyShares,
)
from chatkit_app.protocols.native import faults_as_json

# The first that fits counts: a special error stands before what it is a case of.
STATUSES: dict[type[ChatKitError], int] = {
    FrameTooLarge: status.HTTP_413_REQUEST_ENTITY_TOO_LARGE,
    InvalidPage: status.HTTP_409_CONFLICT,
    InvalidCommand: status.HTTP_400_BAD_REQUEST,
    AnswerInvalid: status.HTTP_400_BAD_REQUEST,
    AttachmentTooLarge: status.HTTP_413_REQUEST_ENTITY_TOO_LARGE,
    AttachmentTypeRefused: status.HTTP_415_UNSUPPORTED_MEDIA_TYPE,
    TooManyAttachments: status.HTTP_409_CONFLICT,
    AttachmentRefused: status.HTTP_400_BAD_REQUEST,
    AttachmentNotFound: status.HTTP_404_NOT_FOUND,
    NoViewer: status.HTTP_403_FORBIDDEN,
    NotAllowed: status.HTTP_403_FORBIDDEN,
    SharingOff: status.HTTP_403_FORBIDDEN,
    ShareNotFound: status.HTTP_404_NOT_FOUND,
    NothingToShare: status.HTTP_409_CONFLICT,
    TooManyShares: status.HTTP_409_CONFLICT,
    MessageNotFound: status.HTTP_404_NOT_FOUND,
    CursorNotFound: status.HTTP_404_NOT_FOUND,
    RunNotFound: status.HTTP_404_NOT_FOUND,
    AssistantNotFound: status.HTTP_404_NOT_FOUND,
    ThreadNotFound: status.HTTP_404_NOT_FOUND,
    CallNotFound: status.HTTP_404_NOT_FOUND,
    InterruptNotFound: status.HTTP_404_NOT_FOUND,
    AnswerDuplicate: status.HTTP_409_CONFLICT,
    AnswerLate: status.HTTP_409_CONFLICT,
    ClaimHeld: status.HTTP_409_CONFLICT,
    NotKnownHere: status.HTTP_503_SERVICE_UNAVAILABLE,
    CommandConflict: status.HTTP_409_CONFLICT,
    RunConflict: status.HTTP_409_CONFLICT,
    ForkTooLarge: status.HTTP_409_CONFLICT,
    RateLimited: status.HTTP_429_TOO_MANY_REQUESTS,
    BudgetSpent: status.HTTP_429_TOO_MANY_REQUESTS,
    RedactionFailed: status.HTTP_503_SERVICE_UNAVAILABLE,
}


def answer_to(error: Exception, context: dict[str, Any]) -> Response | None:
    """The answer to an error of ours or of DRF's; None for a bug, which is a 500.

    ``context`` is DRF's (Any: its own shape).
    """
    response = exception_handler(_as_drf(error), context)
    if response is not None:
        code, message = _words(response.data)
        response.data = {"code": code, "message": message, **_more(error)}
    return response


def _as_drf(error: Exception) -> Exception:
    for ours, status_code in STATUSES.items():
        if isinstance(error, ours):
            known = _Known(str(error), error.code)
            known.status_code = status_code
            retry_after = getattr(error, "retry_after", None)
            known.wait = None if retry_after is None else math.ceil(retry_after)
            return known
    return error


class _Known(APIException):
    """An error of ours; ``wait`` are the seconds of Retry-After."""

    wait: int | None = None


def _more(error: Exception) -> dict[str, Any]:
    """What the same error has in a frame of the socket beside its code and words."""
    if isinstance(error, AnswerInvalid):
        return {"errors": faults_as_json(error)}
    if isinstance(error, RateLimited | BudgetSpent | ClaimHeld | NotKnownHere):
        return {"retryMs": round(error.retry_after * 1000)}
    if isinstance(error, Throttled):
        wait = getattr(error, "wait", None)  # seconds, where the throttle knows
        return {} if wait is None else {"retryMs": 1000 * wait}
    return {}


def _words(data: object) -> tuple[str, str]:
    """Code and message of the first detail in whatever DRF made of the error."""
    if isinstance(data, dict):
        return _words(next(iter(data.values()), ""))
    if isinstance(data, list):
        return _words(next(iter(data), ""))
    if isinstance(data, ErrorDetail):
        return str(data.code or "error"), str(data)
    return "error", str(data)
