"""The calls of a step and what comes of them, as values."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from pydantic import JsonValue

from chatkit_app.engine.assembler import sound, sound_json
from chatkit_app.engine.messages import ToolResultPart
from chatkit_app.engine.schema import dump_json
from chatkit_app.engine.states import ToolCallStatus

UNKNOWN_OUTCOME = "outcome_unknown"
"""The error's code of a call that may have taken effect, and may not."""

ERROR_CHARS = 2000
NO_RESULT = "there is no result; the call was not finished."


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of a finished step.

    ``result`` is there if it has one already (the run comes back to the step's other calls).
    ``result_index`` is the place of its result's part: reserved when the step ended, since a page and
    the server may come with theirs at once. ``is_asked``: a page has been asked for it already;
    ``is_cut``: the provider stopped before the arguments were whole.
    """

    tool_call_id: UUID
    provider_call_id: str
    name: str
    arguments: str
    result_index: int
    is_asked: bool = False
    is_cut: bool = False
    result: ToolResultPart | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of a call: for the row, and in words for the model."""

    status: ToolCallStatus
    output: JsonValue = None
    error_code: str | None = None
    error_text: str | None = None

    @property
    def content(self) -> str:
        """What the model reads."""
        if self.status is not ToolCallStatus.COMPLETED:
            return f"Error: {self.error_text or NO_RESULT}"
        return self.output if isinstance(self.output, str) else dump_json(self.output)


def failed(code: str, text: str) -> Result:
    """A call that did not succeed, with the words for the model."""
    return Result(
        status=ToolCallStatus.FAILED,
        error_code=code,
        error_text=sound(text)[:ERROR_CHARS],
    )


def completed(output: JsonValue, *, max_bytes: int) -> Result:
    """A call that succeeded, unless its output is too large to keep."""
    size = len(dump_json(output).encode("utf-8", "replace"))
    if size > max_bytes:
        return failed(
            "output_too_large", f"The tool's output has {size} bytes, over {max_bytes}."
        )
    return Result(status=ToolCallStatus.COMPLETED, output=sound_json(output))


def result_part(provider_call_id: str, name: str, result: Result) -> ToolResultPart:
    """The result as a part of the answer, under the provider's own id of the call."""
    return ToolResultPart(
        tool_call_id=provider_call_id,
        name=name,
        content=result.content,
        is_error=result.status is not ToolCallStatus.COMPLETED,
    )
