"""The calls of a step and what comes of them, as values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from pydantic import JsonValue

from chatkit_app.engine.assembler import sound, sound_json
from chatkit_app.engine.context import Answered
from chatkit_app.engine.limits import TOLD_BYTES, cut_for_model
from chatkit_app.engine.messages import ToolResultPart
from chatkit_app.engine.schema import dump_json
from chatkit_app.engine.states import ToolCallStatus

UNKNOWN_OUTCOME = "outcome_unknown"
"""The error's code of a call that may have taken effect, and may not."""

ERROR_CHARS = 2000
EDITED = "Before this ran, a person changed the arguments to {arguments}. The result:\n"
UNRUN = "A person changed the arguments to {arguments}, and with them it was not run.\n"
EDITED_CHARS = 2000
"""What of the changed arguments the model is told beside the result."""
NEVER_RAN = frozenset({"denied", "not_permitted", "invalid_arguments", "unknown_tool"})
NO_RESULT = "there is no result; the call was not finished."


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of a finished step.

    ``result`` is there if it has one already (the run comes back to the step's other calls).
    ``result_index`` is the place of its result's part: reserved when the step ended, since a page and
    the server may come with theirs at once. ``is_asked``: the outside has been asked for it already,
    and has not answered; ``is_cut``: the provider stopped before the arguments were whole.
    ``is_handed_over``: its job was about to be handed over when the run's process died.
    ``has_begun``: its function was entered before, so nobody is asked again whether it may run.
    ``is_approved``: a person lets it run, with ``edited_input`` if they have changed the arguments.
    ``answers`` are those to the questions that its tool has asked so far, by key.
    """

    tool_call_id: UUID
    provider_call_id: str
    name: str
    arguments: str
    result_index: int
    is_asked: bool = False
    is_cut: bool = False
    is_handed_over: bool = False
    has_begun: bool = False
    is_approved: bool = False
    edited_input: JsonValue = None
    answers: Mapping[str, Answered] = field(default_factory=dict)
    result: ToolResultPart | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of a call: for the row, and in words for the model.

    ``edited_input``: what a person made of the arguments before they let it run.
    """

    status: ToolCallStatus
    output: JsonValue = None
    error_code: str | None = None
    error_text: str | None = None
    edited_input: JsonValue = None

    @property
    def content(self) -> str:
        """What the model reads."""
        if self.status is not ToolCallStatus.COMPLETED:
            return self._after_edit(f"Error: {self.error_text or NO_RESULT}")
        is_text = isinstance(self.output, str)
        return self._after_edit(str(self.output) if is_text else told_json(self.output))

    def _after_edit(self, content: str) -> str:
        """The model must know that not its own arguments have led to this."""
        if self.edited_input is None:
            return content
        arguments = told_json(self.edited_input)
        if len(arguments) > EDITED_CHARS:
            arguments = arguments[:EDITED_CHARS] + "…"
        words = UNRUN if self.error_code in NEVER_RAN else EDITED
        return words.format(arguments=arguments) + content


def told_json(value: JsonValue) -> str:
    """JSON as the model reads it: in one order of keys, since PostgreSQL keeps none.

    What it is told in a later run, by another process, must be what it was told at first.
    """
    return json.dumps(
        value,
        ensure_ascii=False,
        separators=(",", ":"),
        allow_nan=False,
        sort_keys=True,
    )


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


def result_part(
    provider_call_id: str, name: str, result: Result, *, max_bytes: int = TOLD_BYTES
) -> ToolResultPart:
    """The result as a part of the answer, under the provider's own id of the call.

    The model is told ``max_bytes`` of it.
    """
    return ToolResultPart(
        tool_call_id=provider_call_id,
        name=name,
        content=cut_for_model(result.content, max_bytes),
        is_error=result.status is not ToolCallStatus.COMPLETED,
    )
