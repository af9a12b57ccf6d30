"""What the model may call: one definition, run on the server or in the page.

    @tool
    def order_status(context: ToolContext, number: str) -> OrderStatus: ...

    highlight = tool_definition(name="highlight_product", description="…", input=…, output=…)

The first is a server tool. The second has no server half: it runs in the page. With
``highlight.server(function)`` the same definition runs on the server; the assistant is given the
one that shall run.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, TypedDict, TypeVar, overload

from typing_extensions import Unpack

from chatkit_app.engine.approvals import Verdict
from chatkit_app.engine.context import ToolContext as ToolContext
from chatkit_app.engine.jobs import JobTool
from chatkit_app.engine.options import check_options
from chatkit_app.engine.provider import ToolSpec
from chatkit_app.engine.schema import (
    Arguments,
    NoInput,
    describe,
    is_async,
    keywords,
    with_context,
)
from chatkit_app.engine.shapes import Shapes, shapes_of
from chatkit_app.engine.signatures import signature_of
from chatkit_app.engine.states import Effect, Executor
from chatkit_app.engine.viewer import Viewer

In = TypeVar("In")
Out = TypeVar("Out")

NAME = re.compile(r"^[a-zA-Z0-9_-]{1,64}\Z")

SERVER_TIMEOUT = 60.0
"""Seconds that a server tool may take, unless it says otherwise."""

CLIENT_DEADLINE = 300.0
"""Seconds that a page has to answer, unless the tool says otherwise."""

PATIENCE = 86_400.0
"""Seconds that a person has to approve a call or to answer a question: a day."""

NeedsApproval = (
    bool | Callable[[Any, Any, ToolContext], bool | Verdict | Awaitable[bool | Verdict]]
)
"""True, or what a function of (input, user, context) says of a call; a sync one may use the ORM."""

Permission = str | Callable[[Viewer], bool]
"""A permission of Django's (``shop.change_order``) or a function of who is there; "" is for all."""


class ToolOptions(TypedDict, total=False):
    """What a definition may say beside its name and types."""

    effect: Effect | str | None
    timeout: float
    deadline: float
    patience: float
    needs_approval: NeedsApproval
    approved_by: str
    permission: Permission
    questions: Sequence[type]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolDefinition(Shapes[In, Out]):
    """A tool's name, description and types. Given to an assistant as it is, it runs in the page.

    ``effect`` says what a repetition would do; ``timeout`` is how many seconds a server tool may
    take, ``deadline`` what a page has to answer, ``patience`` what a person has. ``permission`` says
    who may use the tool at all, ``needs_approval`` when somebody is asked before a call, and
    ``approved_by`` the Django permission that they need ("" is the visitor). ``questions`` are the
    kinds of questions that it may ask in the middle of its work. ``faults`` are what of its types
    can't work: a system check tells them, and no model is offered a tool that has any.
    """

    name: str
    description: str
    declared_effect: Effect | None
    timeout: float = SERVER_TIMEOUT
    declared_deadline: float | None = None
    patience: float = PATIENCE
    needs_approval: NeedsApproval = False
    approved_by: str = ""
    permission: Permission = ""
    questions: tuple[type, ...] = ()

    executor = Executor.CLIENT

    @property
    def deadline(self) -> float:
        """Seconds that a page has to answer; a job has its own."""
        declared = self.declared_deadline
        return CLIENT_DEADLINE if declared is None else declared

    @property
    def effect(self) -> Effect:
        """What a repetition in another page does: as declared, else nothing bad."""
        return self.declared_effect or Effect.IDEMPOTENT

    @property
    def definition(self) -> ToolDefinition[In, Out]:
        """Itself: so that every tool has one."""
        return self

    @property
    def spec(self) -> ToolSpec:
        """The tool as the model is told of it.

        Raises:
            TypeError: Its types can't work, as the system check has said.
        """
        if self.faults:
            raise TypeError(f"{self.name}: {'; '.join(self.faults)}")
        strict = self.strictness.schema
        return ToolSpec(
            name=self.name,
            description=self.description,
            parameters=self.input_schema if strict is None else strict,
            is_strict=strict is not None,
        )

    def client(self) -> ToolDefinition[In, Out]:
        """The half that runs in the page: the definition itself."""
        return self

    def server(self, function: Callable[..., object]) -> ServerTool:
        """The half that runs here: ``function(input)`` or ``function(context, input)``, or async.

        Raises:
            TypeError: The function takes neither one nor two arguments.
        """
        call = with_context(self.name, function)
        return ServerTool(definition=self, call=call, is_async=is_async(function))

    def job(self, enqueue: Callable[..., object]) -> AnyJob:
        """The half that runs in a queue of the site's: ``enqueue`` hands the call over to it.

        It takes ``(context, input)`` or ``(input)``, sync or async, and puts
        ``context.tool_call_id`` on the queue; the job finds all else there (``chatkit_app.jobs``).
        After a crash in the middle it is called again with the same id: at least once.

        Raises:
            TypeError: The function takes neither one nor two arguments.
            ValueError: The tool has questions.
        """
        return self._job(enqueue, is_ours=False)

    def background(self, function: Callable[..., object]) -> AnyJob:
        """The half that runs in a process of ours which outlives the run's; ``function`` as for a
        server tool.

        Raises:
            TypeError: The function takes neither one nor two arguments.
            ValueError: The tool has questions.
        """
        return self._job(function, is_ours=True)

    def _job(self, function: Callable[..., object], *, is_ours: bool) -> AnyJob:
        return JobTool(
            definition=self,
            call=with_context(self.name, function),
            is_async=is_async(function),
            is_ours=is_ours,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerTool:
    """A tool that runs here: a definition and a function ``call(context, input)``.

    ``is_async``: it may be called on the event loop. What it returns is awaited either way, if it can
    be.
    """

    definition: ToolDefinition[Any, Any]
    call: Callable[[ToolContext, Any], object]
    is_async: bool

    executor = Executor.SERVER

    def __post_init__(self) -> None:
        if self.definition.questions and self.effect is Effect.ONCE:
            raise ValueError(
                f"{self.name}: a tool that asks is entered again from its start, so it can't be one "
                'that must run once. Declare effect="idempotent" or "read", or let it need approval.'
            )

    @property
    def effect(self) -> Effect:
        """What a repetition does: as declared, else it must not be."""
        return self.definition.declared_effect or Effect.ONCE

    @property
    def name(self) -> str:
        """The definition's name."""
        return self.definition.name


AnyJob = JobTool[ToolDefinition[Any, Any]]
Tool = ToolDefinition[Any, Any] | ServerTool | AnyJob


def tool_definition(
    *,
    name: str,
    description: str,
    input: Any = NoInput,  # noqa: A002 (the field's word for it)
    output: Any = Any,
    **options: Unpack[ToolOptions],
) -> ToolDefinition[Any, Any]:
    """Define a tool by its types: Pydantic models, dataclasses, TypedDicts or plain annotations.

    ``options`` are ``ToolDefinition``'s. Types that can't work are told by a system check, with the
    tool and the field, rather than by an exception that would stop the site at the first of them.

    Raises:
        ValueError: The name is none that providers take, there is no such effect, or another option
            means nothing.
    """
    return _define(name, description, shapes_of(input, output), options)


def _define(
    name: str, description: str, shapes: Shapes[Any, Any], options: ToolOptions
) -> ToolDefinition[Any, Any]:
    if not NAME.match(name):
        raise ValueError(
            f"{name!r} is no tool name: letters, digits, _ and -, at most 64."
        )
    check_options(name, options)
    rest: dict[str, Any] = dict(options)  # one tool(…) may decorate several functions
    effect = rest.pop("effect", None)
    deadline = rest.pop("deadline", None)
    questions = tuple(rest.pop("questions", ()))
    return ToolDefinition(
        name=name,
        description=description,
        **{one.name: getattr(shapes, one.name) for one in fields(shapes)},
        declared_effect=Effect(effect) if effect else None,
        declared_deadline=deadline,
        questions=questions,
        **rest,
    )


@overload
def tool(function: Callable[..., object]) -> ServerTool: ...


@overload
def tool(
    *,
    name: str = "",
    description: str = "",
    background: Literal[False] = False,
    **options: Unpack[ToolOptions],
) -> Callable[[Callable[..., object]], ServerTool]: ...


@overload
def tool(
    *,
    name: str = "",
    description: str = "",
    background: Literal[True],
    **options: Unpack[ToolOptions],
) -> Callable[[Callable[..., object]], AnyJob]: ...


def tool(
    function: Callable[..., object] | None = None,
    *,
    name: str = "",
    description: str = "",
    background: bool = False,
    **options: Unpack[ToolOptions],
) -> ServerTool | Callable[[Callable[..., object]], ServerTool | AnyJob]:
    """Make a server tool of a function: name, description and schema from signature and docstring.

    A parameter annotated as ``ToolContext`` gets the context; the model does not see it.
    ``effect="read"`` or ``"idempotent"`` allows a repetition after a crash; the default, ``once``,
    never starts a call twice. ``options`` are ``ToolDefinition``'s. ``background=True``: the run
    waits without a process, and the function has until its deadline (``docs/jobs.md``).
    """

    def make(function: Callable[..., object]) -> Any:  # as the overloads say
        signature = signature_of(function, ToolContext)
        definition = _define(
            name or function.__name__,
            description or describe(function),
            shapes_of(signature.arguments, signature.result, signature.faults),
            options,
        )

        def call(context: ToolContext, value: Arguments) -> object:
            extra = {signature.context: context} if signature.context else {}
            return function(**extra, **keywords(value))

        if background:
            return JobTool(
                definition=definition,
                call=call,
                is_async=is_async(function),
                is_ours=True,
            )
        return ServerTool(definition=definition, call=call, is_async=is_async(function))

    return make if function is None else make(function)
