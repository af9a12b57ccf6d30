"""What goes wrong while a run is carried: told by its own status, or by a tool to the model."""

from __future__ import annotations

from typing import Any

from chatkit_app.exceptions.root import ChatKitError


class LeaseLost(ChatKitError):
    """Another process owns the run: whoever sees this stops writing at once."""

    code = "lease_lost"


class IllegalMove(ChatKitError):
    """Something was to get a status that does not follow from the one it has: a bug of ours."""

    code = "illegal_move"


class RunError(ChatKitError):
    """The run can't go on; its code and its message are stored on the run."""

    code = "run_error"


class ProviderError(RunError):
    """The provider did not give a whole answer.

    ``retryable`` says whether the same request may succeed later; ``retry_after`` is the
    provider's own wish in seconds, where it named one. ``usage`` is what it has counted all the same
    (``engine.provider.Usage``), where it told.
    """

    code = "provider_error"
    retryable = False

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.usage: Any = None


class ProviderRateLimited(ProviderError):
    """HTTP 429 or its likes."""

    code = "provider_rate_limited"
    retryable = True


class ProviderUnavailable(ProviderError):
    """5xx, no connection, a stall, or a stream that ended without an explicit finish."""

    code = "provider_unavailable"
    retryable = True


class ProviderRejected(ProviderError):
    """The request, the key or the model was refused: asking again gives the same."""

    code = "provider_rejected"


class ProviderContextExceeded(ProviderRejected):
    """The history does not fit into the model's context."""

    code = "provider_context_exceeded"


class StepLimitExceeded(RunError):
    """The run took more steps than its assistant allows."""

    code = "step_limit_exceeded"


class CallLimitExceeded(RunError):
    """The model wanted to call more tools in one run than its assistant allows."""

    code = "call_limit_exceeded"


class TokenLimitExceeded(RunError):
    """The run used as many tokens as its assistant allows, and was not done."""

    code = "token_limit_exceeded"


class TimeLimitExceeded(RunError):
    """The run worked for as long as its assistant allows, and was not done."""

    code = "time_limit_exceeded"


class BudgetSpent(RunError):
    """Somebody has used up what they may in a day or a month; ``retry_after`` seconds until it ends.

    The message is for the visitor, in their language.
    """

    code = "budget_spent"

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RedactionFailed(RunError):
    """The site's redactor has failed; what it was to look at is stored nowhere."""

    code = "redaction_failed"


class RunInterrupted(RunError):
    """The process that made the answer died in the middle of it."""

    code = "run_interrupted"


class ToolError(ChatKitError):
    """Raised by a tool to tell the model what went wrong: ``ToolError("No such order.")``.

    The text of every other exception goes to the log, not to the model.
    """

    code = "tool_error"


class ToolCancelled(ToolError):
    """Raised out of a tool that asks whether somebody still wants its result, and nobody does."""

    code = "tool_cancelled"
