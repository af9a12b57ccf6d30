"""From what goes wrong at an OpenAI-like server to our errors.

The texts are for people and hold nothing of the vendor's message, which may quote the key or the
thread. The vendor's error is chained.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from openai import APIConnectionError, APIError, APIStatusError

from chatkit_app.exceptions import (
    ProviderContextExceeded,
    ProviderError,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
)

QUOTA_CODES = frozenset(
    {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"}
)
RATE_CODES = frozenset({"rate_limit_exceeded", "rate_limit_error", "429"})
CONTEXT_CODES = frozenset({"context_length_exceeded", "exceed_context_size_error"})
REFUSING_CODES = re.compile(
    r"invalid_|unsupported_|model_not_found|.*_policy|.*_policy_violation|image_|4\d\d$"
)
PASSING_STATUSES = frozenset({408, 409, 425})  # 4xx, but asking again may help
CONTEXT_WORDS = re.compile(
    r"context (length|window|size)|contextwindowexceeded", re.IGNORECASE
)
SAFE_CODE = re.compile(r"[a-z][a-z_]{2,48}", re.ASCII)
REFUSALS = {
    401: "The provider refused the key.",
    403: "The provider refused access.",
    404: "The provider does not know this model or this address.",
}


def provider_error(error: Exception) -> ProviderError:
    """What an error of the SDK, its transport or its decoding means to a run."""
    match error:
        case APIStatusError():
            return _of_status(error)
        case APIConnectionError():
            return ProviderUnavailable("The connection to the provider failed.")
        case APIError():
            return error_of_code(_code(error), error.message)
        case _:
            return ProviderUnavailable("The provider's answer could not be read.")


def error_of_code(code: str, message: str) -> ProviderError:
    """The meaning of an error that came inside a stream. ``message`` is only looked at."""
    if code in CONTEXT_CODES or CONTEXT_WORDS.search(message):
        return _context_exceeded()
    if code in QUOTA_CODES:
        return _quota_exceeded()
    if code in RATE_CODES:
        return ProviderRateLimited("The provider asks for a pause.")
    if REFUSING_CODES.match(code):
        return ProviderRejected(_with_code("The provider refused the request", code))
    return ProviderUnavailable(_with_code("The provider failed in its answer", code))


def _of_status(error: APIStatusError) -> ProviderError:
    status, code = error.status_code, _code(error)
    if status == 429:
        return _of_429(error, code)
    if status >= 500 or status in PASSING_STATUSES:
        return ProviderUnavailable(
            f"The provider is not available (HTTP {status}).",
            retry_after=retry_after(error.response.headers),
        )
    if status == 413 or code in CONTEXT_CODES or _speaks_of_context(error):
        return _context_exceeded()
    if code in QUOTA_CODES:
        return _quota_exceeded()
    return ProviderRejected(
        REFUSALS.get(status) or _with_code("The provider refused the request", code)
    )


def _of_429(error: APIStatusError, code: str) -> ProviderError:
    if code in QUOTA_CODES or error.type in QUOTA_CODES:
        return _quota_exceeded()
    return ProviderRateLimited(
        "The provider asks for a pause.",
        retry_after=retry_after(error.response.headers),
    )


def _speaks_of_context(error: APIStatusError) -> bool:
    return error.status_code in (400, 422) and bool(CONTEXT_WORDS.search(error.message))


def _context_exceeded() -> ProviderError:
    return ProviderContextExceeded("The thread is too long for the model.")


def _quota_exceeded() -> ProviderError:
    return ProviderRejected("The quota at the provider is used up.")


def _code(error: APIError) -> str:
    return str(error.code or error.type or "")


def _with_code(text: str, code: str) -> str:
    return f"{text} ({code})." if SAFE_CODE.fullmatch(code) else f"{text}."


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from ``retry-after-ms`` or ``Retry-After`` (seconds or a date)."""
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    seconds = _number(value)
    return seconds if seconds is not None or value is None else _until(value)


def _number(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return max(number, 0.0) if math.isfinite(number) else None


def _until(date: str) -> float | None:
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - datetime.now(UTC)).total_seconds(), 0.0)
