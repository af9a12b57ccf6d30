"""Errors of the API: ``{code, message}`` whatever went wrong, with the code of ``exceptions``."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import APIException, ErrorDetail
from rest_framework.response import Response
from rest_framework.status import HTTP_400_BAD_REQUEST, HTTP_404_NOT_FOUND
from rest_framework.views import exception_handler

from chatkit_app.exceptions import ChatKitError, InvalidCommand, ThreadNotFound

STATUSES: dict[type[ChatKitError], int] = {
    InvalidCommand: HTTP_400_BAD_REQUEST,
    ThreadNotFound: HTTP_404_NOT_FOUND,
}


def answer_to(error: Exception, context: dict[str, Any]) -> Response | None:
    """The answer to an error of ours or of DRF's; None for a bug, which is a 500.

    ``context`` is DRF's (Any: its own shape).
    """
    response = exception_handler(_as_drf(error), context)
    if response is not None:
        code, message = _words(response.data)
        response.data = {"code": code, "message": message}
    return response


def _as_drf(error: Exception) -> Exception:
    for ours, status in STATUSES.items():
        if isinstance(error, ours):
            known = APIException(str(error), error.code)
            known.status_code = status
            return known
    return error


def _words(data: object) -> tuple[str, str]:
    """Code and message of the first detail in whatever DRF made of the error."""
    if isinstance(data, dict):
        return _words(next(iter(data.values()), ""))
    if isinstance(data, list):
        return _words(next(iter(data), ""))
    if isinstance(data, ErrorDetail):
        return str(data.code or "error"), str(data)
    return "error", str(data)
