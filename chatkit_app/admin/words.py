"""States and errors as the staff say them."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

RUNS: dict[str, str | Promise] = {
    "queued": _("waits for its turn"),
    "in_progress": _("is being answered"),
    "requires_action": _("waits for somebody"),
    "cancelling": _("is being cancelled"),
    "completed": _("answered"),
    "failed": _("failed"),
    "cancelled": _("cancelled"),
}
CALLS: dict[str, str | Promise] = {
    "streaming": _("is being written"),
    "queued": _("waits for its turn"),
    "running": _("running"),
    "waiting": _("waits for somebody"),
    "completed": _("done"),
    "failed": _("failed"),
    "cancelled": _("cancelled"),
}
ERRORS: dict[str, str | Promise] = {
    "provider_error": _("The model's service failed."),
    "provider_rate_limited": _("The model's service had too much to do."),
    "provider_unavailable": _("The model's service was not there."),
    "provider_rejected": _("The model's service refused the request."),
    "provider_context_exceeded": _("The thread was too long for the model."),
    "step_limit_exceeded": _("It took more steps than allowed."),
    "call_limit_exceeded": _("It called tools more often than allowed."),
    "token_limit_exceeded": _("It took more tokens than allowed."),
    "time_limit_exceeded": _("It took longer than allowed."),
    "budget_spent": _("The budget was used up."),
    "redaction_failed": _("What must not be kept could not be taken out."),
    "run_interrupted": _("The server stopped in the middle, too often."),
    "run_error": _("Something went wrong on the server."),
    "tool_error": _("The tool failed."),
    "tool_cancelled": _("The tool was cancelled."),
    "tool_timeout": _("The tool took too long."),
}


def badge(
    status: str, words: Mapping[str, str | Promise], code: str = ""
) -> SafeString:
    """A state in a word, with its error in words and by its code; both of unknown ones as they are."""
    told = format_html(
        '<span class="chatkit-badge chatkit-is-{}">{}</span>',
        status,
        words.get(status, status),
    )
    if not code:
        return told
    return format_html(
        '{} <span class="chatkit-code">{}<code>{}</code></span>',
        told,
        ERRORS.get(code, ""),
        code,
    )
