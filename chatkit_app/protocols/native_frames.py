"""The frames that a client sends, as it must write them: read once and strictly, into commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    model_validator,
)
from pydantic.alias_generators import to_camel

from chatkit_app.engine.commands import (
    Answer,
    Cancel,
    Claim,
    Edit,
    InterruptAnswer,
    Regenerate,
    Release,
    Resolve,
    Retry,
    Send,
    Show,
)
from chatkit_app.engine.page_tools import MAX_DESCRIPTION_CHARS, MAX_TOOLS, PageTool
from chatkit_app.engine.states import Decision

MAX_SAFE_INTEGER = 2**53 - 1
MAX_ATTACHMENTS = 50
"""Files that a frame may name; a site's setting allows fewer."""


def is_plain_text(text: str) -> bool:
    """Text that every database and UTF-8 can hold."""
    return "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def _plain_text(text: str) -> str:
    if not is_plain_text(text):
        raise ValueError("NUL and lone surrogates are not allowed")
    return text


Text = Annotated[str, AfterValidator(_plain_text)]
Name = Annotated[Text, Field(min_length=1, max_length=64)]


BELONGINGS: Mapping[Decision, frozenset[str]] = {
    Decision.APPROVE: frozenset(),
    Decision.EDIT: frozenset({"input"}),
    Decision.DENY: frozenset({"text"}),
    Decision.RESPOND: frozenset({"text"}),
    Decision.ANSWER: frozenset({"output"}),
    Decision.SKIP: frozenset(),
    Decision.FAIL: frozenset({"text"}),
}


class Frame(BaseModel):
    """What all frames from a client share."""

    model_config = ConfigDict(
        alias_generator=to_camel, extra="forbid", strict=True, frozen=True
    )


class Subscribe(Frame):
    """Send me the thread from here on; without a fitting ``epoch`` and ``position``: a snapshot."""

    type: Literal["subscribe"]
    thread: Annotated[UUID, Field(strict=False)]
    epoch: Name | None = None
    position: Annotated[int, Field(ge=0, le=MAX_SAFE_INTEGER)] | None = None


class Unsubscribe(Frame):
    """No more of this thread."""

    type: Literal["unsubscribe"]
    thread: Annotated[UUID, Field(strict=False)]


class Acknowledge(Frame):
    """I have applied everything up to this position."""

    type: Literal["acknowledge"]
    thread: Annotated[UUID, Field(strict=False)]
    position: Annotated[int, Field(ge=0, le=MAX_SAFE_INTEGER)]


class Watch(Frame):
    """Tell me from now on when my list of threads changes, and what waits for my approval."""

    type: Literal["watch"]


class DeclaredTool(Frame):
    """See ``page_tools.PageTool``; ``parameters`` is a JSON Schema."""

    name: Name
    description: Annotated[Text, Field(max_length=MAX_DESCRIPTION_CHARS)] = ""
    parameters: dict[str, JsonValue]


class Said(Frame):
    """What comes with whatever a visitor says."""

    attachments: Annotated[
        list[Annotated[UUID, Field(strict=False)]], Field(max_length=MAX_ATTACHMENTS)
    ] = Field(default_factory=list)
    page: dict[str, JsonValue] = Field(default_factory=dict)
    tools: Annotated[list[DeclaredTool], Field(max_length=MAX_TOOLS)] = Field(
        default_factory=list
    )

    def declared(self) -> tuple[PageTool, ...]:
        """The tools, as values."""
        return tuple(
            PageTool(
                name=tool.name, description=tool.description, parameters=tool.parameters
            )
            for tool in self.tools
        )


class SendFrame(Said):
    """See ``commands.Send``."""

    type: Literal["send"]
    id: Name
    thread: Annotated[UUID, Field(strict=False)] | None = None
    assistant: Name
    text: Text
    tab: Name

    def command(self) -> Send:
        """The command that it stands for."""
        return Send(
            id=self.id,
            thread_id=self.thread,
            assistant=self.assistant,
            text=self.text,
            attachments=tuple(self.attachments),
            page=self.page,
            tools=self.declared(),
            tab=self.tab,
        )


class EditFrame(Said):
    """See ``commands.Edit``."""

    type: Literal["edit"]
    id: Name
    thread: Annotated[UUID, Field(strict=False)]
    message: Annotated[UUID, Field(strict=False)]
    text: Text
    tab: Name

    def command(self) -> Edit:
        """The command that it stands for."""
        return Edit(
            id=self.id,
            thread_id=self.thread,
            message_id=self.message,
            text=self.text,
            attachments=tuple(self.attachments),
            page=self.page,
            tools=self.declared(),
            tab=self.tab,
        )


class RegenerateFrame(Frame):
    """See ``commands.Regenerate``."""

    type: Literal["regenerate"]
    id: Name
    thread: Annotated[UUID, Field(strict=False)]
    message: Annotated[UUID, Field(strict=False)]
    tab: Name

    def command(self) -> Regenerate:
        """The command that it stands for."""
        return Regenerate(
            id=self.id, thread_id=self.thread, message_id=self.message, tab=self.tab
        )


class ShowFrame(Frame):
    """See ``commands.Show``."""

    type: Literal["show"]
    id: Name
    thread: Annotated[UUID, Field(strict=False)]
    message: Annotated[UUID, Field(strict=False)]

    def command(self) -> Show:
        """The command that it stands for."""
        return Show(id=self.id, thread_id=self.thread, message_id=self.message)


class RetryFrame(Frame):
    """See ``commands.Retry``."""

    type: Literal["retry"]
    id: Name
    thread: Annotated[UUID, Field(strict=False)]
    run: Annotated[UUID, Field(strict=False)]
    tab: Name

    def command(self) -> Retry:
        """The command that it stands for."""
        return Retry(id=self.id, thread_id=self.thread, run_id=self.run, tab=self.tab)


class CancelFrame(Frame):
    """See ``commands.Cancel``."""

    type: Literal["cancel"]
    id: Name
    thread: Annotated[UUID, Field(strict=False)]
    run: Annotated[UUID, Field(strict=False)]

    def command(self) -> Cancel:
        """The command that it stands for."""
        return Cancel(id=self.id, thread_id=self.thread, run_id=self.run)


class ClaimFrame(Frame):
    """See ``commands.Claim``."""

    type: Literal["claim"]
    id: Name
    thread: Annotated[UUID, Field(strict=False)]
    tool_call: Annotated[UUID, Field(strict=False)]
    tab: Name

    def command(self) -> Claim:
        """The command that it stands for."""
        return Claim(thread_id=self.thread, tool_call_id=self.tool_call, tab=self.tab)


class ReleaseFrame(Frame):
    """See ``commands.Release``."""

    type: Literal["release"]
    id: Name
    thread: Annotated[UUID, Field(strict=False)]
    tool_call: Annotated[UUID, Field(strict=False)]
    tab: Name

    def command(self) -> Release:
        """The command that it stands for."""
        return Release(thread_id=self.thread, tool_call_id=self.tool_call, tab=self.tab)


class AnswerFrame(Frame):
    """See ``commands.Answer``; ``error`` and ``output`` exclude each other."""

    type: Literal["answer"]
    id: Name
    thread: Annotated[UUID, Field(strict=False)]
    tool_call: Annotated[UUID, Field(strict=False)]
    tab: Name
    output: JsonValue = None
    error: Annotated[Text, Field(min_length=1, max_length=2000)] | None = None

    @model_validator(mode="after")
    def _check_one_result(self) -> Self:
        if self.error is not None and self.output is not None:
            raise ValueError("output and error exclude each other")
        return self

    def command(self) -> Answer:
        """The command that it stands for."""
        return Answer(
            id=self.id,
            thread_id=self.thread,
            tool_call_id=self.tool_call,
            tab=self.tab,
            output=self.output,
            error=self.error,
        )


class InterruptAnswerFrame(Frame):
    """See ``commands.InterruptAnswer``; each decision comes with what belongs to it alone."""

    interrupt: Annotated[UUID, Field(strict=False)]
    decision: Annotated[Decision, Field(strict=False)]
    input: JsonValue = None
    output: JsonValue = None
    text: Annotated[Text, Field(max_length=2000)] = ""

    @model_validator(mode="after")
    def _check_belongings(self) -> Self:
        given = self.model_fields_set & {"input", "output", "text"}
        if given - BELONGINGS[self.decision]:
            raise ValueError(f"{self.decision} takes no {min(given)}")
        return self

    def command(self) -> InterruptAnswer:
        """The value that it stands for."""
        return InterruptAnswer(
            interrupt_id=self.interrupt,
            decision=self.decision,
            input=self.input,
            output=self.output,
            text=self.text,
        )


class ResolveFrame(Frame):
    """See ``commands.Resolve``."""

    type: Literal["resolve"]
    id: Name
    thread: Annotated[UUID, Field(strict=False)]
    answers: Annotated[list[InterruptAnswerFrame], Field(min_length=1, max_length=50)]
    tab: Name

    def command(self) -> Resolve:
        """The command that it stands for."""
        return Resolve(
            id=self.id,
            thread_id=self.thread,
            answers=tuple(answer.command() for answer in self.answers),
            tab=self.tab,
        )


class Pong(Frame):
    """I am still here, and so are my claims."""

    type: Literal["pong"]


CommandFrame = (
    SendFrame
    | EditFrame
    | RegenerateFrame
    | ShowFrame
    | RetryFrame
    | CancelFrame
    | ClaimFrame
    | ReleaseFrame
    | AnswerFrame
    | ResolveFrame
)
ClientFrame = CommandFrame | Subscribe | Unsubscribe | Acknowledge | Watch | Pong
