"""What the model may call: one definition, run on the server or in the page.

    @tool
    def order_status(context: ToolContext, number: str) -> OrderStatus: ...

    highlight = tool_definition(name="highlight_product", description="…", input=…, output=…)

The first is a server tool. The second has no server half: it runs in the page. With
``highlight.server(function)`` the same definition runs on the server; the assistant is given the
one that shall run.
"""

from __future__ import annotations

import hashlib
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, overload
from uuid import UUID

from pydantic import JsonValue, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from chatkit_app.engine.assembler import sound_json
from chatkit_app.engine.provider import ToolSpec
from chatkit_app.engine.schema import (
    Arguments,
    NoInput,
    arguments_model,
    describe,
    dump,
    dump_json,
    faults,
    is_async,
    is_object_schema,
    json_schema,
    keywords,
    kinds_of_faults,
    load_json,
    parameter_of,
    return_type,
)
from chatkit_app.engine.states import Effect, Executor
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import ToolError

In = TypeVar("In")
Out = TypeVar("Out")

NAME = re.compile(r"^[a-zA-Z0-9_-]{1,64}\Z")

SERVER_TIMEOUT = 60.0
"""Seconds that a server tool may take, unless it says otherwise."""

CLIENT_DEADLINE = 300.0
"""Seconds that a page has to answer, unless the tool says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolContext:
    """What a server tool may know of the run that calls it.

    ``tool_call_id`` is the same when a call is repeated after a crash: use it as the key of
    idempotency. ``page`` is what the page told of itself: untrusted, like every input.
    """

    viewer: Viewer
    thread_id: UUID
    run_id: UUID
    tool_call_id: UUID
    page: Mapping[str, JsonValue] = field(default_factory=dict)
    report: Callable[[str, float | None], None] = field(
        default=lambda _text, _fraction: None
    )

    @property
    def user(self) -> Any:
        """The site's user, None for an anonymous visitor (Any: only the site knows its type)."""
        return self.viewer.user

    def progress(self, text: str, fraction: float | None = None) -> None:
        """Tell the visitor how far it is; ``fraction`` is 0..1. Returns at once, from any thread."""
        self.report(str(text), None if fraction is None else float(fraction))


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolDefinition(Generic[In, Out]):
    """A tool's name, description and types. Given to an assistant as it is, it runs in the page.

    ``effect`` says what a repetition would do, ``deadline`` how many seconds a page has to answer.
    """

    name: str
    description: str
    input: TypeAdapter[In]
    output: TypeAdapter[Out]
    input_schema: Mapping[str, JsonValue]
    output_schema: Mapping[str, JsonValue]
    declared_effect: Effect | None
    timeout: float
    deadline: float

    executor = Executor.CLIENT

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
        """The tool as the model is told of it."""
        return ToolSpec(
            name=self.name, description=self.description, parameters=self.input_schema
        )

    @property
    def digest(self) -> str:
        """Names this version of the schemas."""
        text = dump_json([dict(self.input_schema), dict(self.output_schema)])
        return hashlib.sha256(text.encode()).hexdigest()

    def client(self) -> ToolDefinition[In, Out]:
        """The half that runs in the page: the definition itself."""
        return self

    def server(self, function: Callable[..., object]) -> ServerTool:
        """The half that runs here: ``function(input)`` or ``function(context, input)``, or async.

        Raises:
            TypeError: The function takes neither one nor two arguments.
        """
        count = len(inspect.signature(function).parameters)
        if count not in (1, 2):
            raise TypeError(
                f"{self.name}: the function takes (input) or (context, input)."
            )

        def call(context: ToolContext, value: object) -> object:
            return function(context, value) if count == 2 else function(value)

        return ServerTool(definition=self, call=call, is_async=is_async(function))

    def read_input(self, arguments: str) -> In:
        """The model's arguments as the declared type.

        Raises:
            ToolError: They don't fit; the words tell the model what to mend.
        """
        data = load_json(arguments or "{}")
        if not isinstance(data, dict):
            raise ToolError("The arguments must be a JSON object.")
        try:
            return self.input.validate_json(dump_json(sound_json(data)))
        except RecursionError as error:
            raise ToolError("The arguments are nested too deeply.") from error
        except ValidationError as error:
            raise ToolError(f"The arguments do not fit: {faults(error)}") from error

    def dump_input(self, value: In) -> JsonValue:
        """The input as JSON, for the page and the row.

        Raises:
            ToolError: A number is not finite: Pydantic reads ``"NaN"`` as one.
        """
        try:
            return dump(self.input, value)
        except PydanticSerializationError:
            raise  # the site's own serializer, not the model's fault
        except ValueError as error:
            raise ToolError("The arguments hold a number that isn't finite.") from error

    def read_output(self, output: JsonValue) -> JsonValue:
        """What a page answered, held against the output's type and as it dumps it.

        Raises:
            ToolError: It does not fit; the words say where.
        """
        try:
            return dump(self.output, self.output.validate_json(dump_json(output)))
        except ValidationError as error:
            raise ToolError(f"The output does not fit: {faults(error)}") from error
        except ValueError as error:
            raise ToolError("The output holds what is no JSON.") from error

    def dump_output(self, value: object) -> JsonValue:
        """What a server tool returned, validated and as JSON; a model may read an object's attributes.

        Raises:
            ValueError: It does not fit the declared type, or is no JSON at all; no value is named,
                for this goes to the log.
        """
        try:
            found = self.output.validate_python(value, from_attributes=True)
            return dump(self.output, found)
        except ValidationError as error:
            kinds = kinds_of_faults(error)
            raise ValueError(
                f"{self.name} returned what does not fit: {kinds}"
            ) from None
        except PydanticSerializationError:
            raise ValueError(
                f"{self.name} returned something that is no JSON."
            ) from None


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

    @property
    def effect(self) -> Effect:
        """What a repetition does: as declared, else it must not be."""
        return self.definition.declared_effect or Effect.ONCE

    @property
    def name(self) -> str:
        """The definition's name."""
        return self.definition.name


Tool = ToolDefinition[Any, Any] | ServerTool


def tool_definition(
    *,
    name: str,
    description: str,
    input: Any = NoInput,  # noqa: A002 (the field's word for it)
    output: Any = Any,
    effect: Effect | str | None = None,
    timeout: float = SERVER_TIMEOUT,
    deadline: float = CLIENT_DEADLINE,
) -> ToolDefinition[Any, Any]:
    """Define a tool by its types: Pydantic models, dataclasses, TypedDicts or plain annotations.

    Raises:
        ValueError: The name is none that providers take, or the input is no JSON object.
    """
    if not NAME.match(name):
        raise ValueError(
            f"{name!r} is no tool name: letters, digits, _ and -, at most 64."
        )
    input_adapter: TypeAdapter[Any] = TypeAdapter(input)
    output_adapter: TypeAdapter[Any] = TypeAdapter(output)
    input_schema = json_schema(input_adapter)
    if not is_object_schema(input_schema):
        raise ValueError(
            f"{name}: the input must be an object (a model, a dataclass …)."
        )
    return ToolDefinition(
        name=name,
        description=description,
        input=input_adapter,
        output=output_adapter,
        input_schema=input_schema,
        output_schema=json_schema(output_adapter, is_output=True),
        declared_effect=Effect(effect) if effect else None,
        timeout=timeout,
        deadline=deadline,
    )


@overload
def tool(function: Callable[..., object]) -> ServerTool: ...


@overload
def tool(
    *,
    name: str = "",
    description: str = "",
    effect: Effect | str | None = None,
    timeout: float = SERVER_TIMEOUT,
) -> Callable[[Callable[..., object]], ServerTool]: ...


def tool(
    function: Callable[..., object] | None = None,
    *,
    name: str = "",
    description: str = "",
    effect: Effect | str | None = None,
    timeout: float = SERVER_TIMEOUT,
) -> ServerTool | Callable[[Callable[..., object]], ServerTool]:
    """Make a server tool of a function: name, description and schema from signature and docstring.

    A parameter annotated as ``ToolContext`` gets the context; the model does not see it.
    ``effect="read"`` or ``"idempotent"`` allows a repetition after a crash; the default, ``once``,
    never starts a call twice.
    """

    def make(function: Callable[..., object]) -> ServerTool:
        context_name = parameter_of(function, ToolContext)
        model = arguments_model(
            function, frozenset({context_name} if context_name else ())
        )
        definition = tool_definition(
            name=name or function.__name__,
            description=description or describe(function),
            input=model,
            output=return_type(function),
            effect=effect,
            timeout=timeout,
        )

        def call(context: ToolContext, value: Arguments) -> object:
            extra = {context_name: context} if context_name else {}
            return function(**extra, **keywords(value))

        return ServerTool(definition=definition, call=call, is_async=is_async(function))

    return make if function is None else make(function)
