from __future__ import annotations

import asyncio
import functools
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict, Field, field_validator
from typing_extensions import TypedDict

import chatkit_app.engine.tools as tools_module
from chatkit_app.engine.context import Silence
from chatkit_app.engine.schema import NoInput
from chatkit_app.engine.states import Effect, Executor
from chatkit_app.engine.tools import (
    ToolContext,
    tool,
    tool_definition,
)
from chatkit_app.engine.tools import (
    ToolContext as Context,
)
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import ToolError
from tests.engine.drive import VISITOR, call, context_of


class Size(Enum):
    SMALL = "s"
    LARGE = "l"


class Address(BaseModel):
    street: str
    number: int = 1


@dataclass
class Point:
    x: int
    y: int = 0


class Colour(TypedDict):
    name: str


class Order(BaseModel):
    number: str
    total: Decimal
    placed: date


CONTEXT = context_of(call("x"))


def schema_of(function) -> dict:
    return tool(function).definition.input_schema


def run(made, arguments: str):
    """What the function returns for these arguments."""
    return made.call(CONTEXT, made.definition.read_input(arguments))


# The schema of a signature


def test_a_signature_and_its_docstring_are_the_schema() -> None:
    @tool
    def search(words: str, limit: int = 5) -> list[str]:
        """Search the catalogue.

        Args:
            words: What to look for.
            limit: How many at most.
        """
        return [words] * limit

    definition = search.definition
    assert (search.name, definition.description) == ("search", "Search the catalogue.")
    assert definition.input_schema["properties"] == {
        "words": {
            "type": "string",
            "title": "Words",
            "description": "What to look for.",
        },
        "limit": {
            "type": "integer",
            "title": "Limit",
            "description": "How many at most.",
            "default": 5,
        },
    }
    assert definition.input_schema["required"] == ["words"]
    assert definition.input_schema["additionalProperties"] is False
    assert definition.output_schema == {"type": "array", "items": {"type": "string"}}
    assert run(search, '{"words": "lamp", "limit": 2}') == ["lamp", "lamp"]
    assert len(run(search, '{"words": "lamp"}')) == 5


def test_the_model_is_told_name_description_and_schema() -> None:
    spec = tool(name="n", description="d")(lambda: None).definition.spec

    assert (spec.name, spec.description) == ("n", "d")
    assert spec.parameters["type"] == "object"


def test_the_model_is_held_to_a_schema_where_that_changes_nothing() -> None:
    def find(words: str, limit: int | None = None) -> None: ...

    definition = tool(find).definition

    assert definition.spec.is_strict
    assert definition.spec.parameters["required"] == ["words", "limit"]
    assert definition.loose_because == ""
    assert definition.read_input('{"words": "a", "limit": null}').limit is None


def test_the_model_is_not_held_to_one_that_a_default_is_lost_to() -> None:
    def find(words: str, limit: int = 5) -> None: ...

    definition = tool(find).definition

    assert not definition.spec.is_strict
    assert definition.spec.parameters == definition.input_schema
    assert definition.loose_because == "limit: has a default"


def test_a_literal_and_an_enumeration_name_their_choices() -> None:
    def pack(size: Size, wrap: Literal["paper", "none"] = "none") -> str:
        return f"{size!r} {wrap}"

    schema = schema_of(pack)

    assert schema["properties"]["wrap"]["enum"] == ["paper", "none"]
    assert schema["$defs"]["Size"]["enum"] == ["s", "l"]
    assert run(tool(pack), '{"size": "l"}') == f"{Size.LARGE!r} none"


def test_models_dataclasses_and_typed_dicts_arrive_as_what_they_are() -> None:
    def place(at: Point, to: Address, colour: Colour, on: date | None = None) -> list:
        return [at, to, colour, on]

    given = """{"at": {"x": 1}, "to": {"street": "Mill Lane"},
        "colour": {"name": "red"}, "on": "2026-03-01"}"""

    assert run(tool(place), given) == [
        Point(x=1),
        Address(street="Mill Lane"),
        {"name": "red"},
        date(2026, 3, 1),
    ]


def test_a_field_may_say_more_of_a_parameter() -> None:
    def rate(stars: Annotated[int, Field(ge=1, le=5, description="Of five.")]) -> None:
        pass

    stars = schema_of(rate)["properties"]["stars"]

    assert (stars["minimum"], stars["maximum"]) == (1, 5)
    assert stars["description"] == "Of five."


def test_a_default_that_can_change_is_new_for_each_call() -> None:
    def gather(item: str, into: list[str] = []) -> list[str]:  # noqa: B006 (what is tested)
        into.append(item)
        return into

    made = tool(gather)

    assert run(made, '{"item": "a"}') == ["a"]
    assert run(made, '{"item": "b"}') == ["b"]


def test_parameters_by_keyword_only_are_served() -> None:
    def join(*, left: str, right: str) -> str:
        return left + right

    assert run(tool(join), '{"right": "b", "left": "a"}') == "ab"


async def test_an_async_function_is_known_as_one_also_under_a_decorator() -> None:
    async def wait(text: str) -> str:
        return text

    @functools.wraps(wait)
    async def wrapped(*args, **kwargs) -> str:
        return await wait(*args, **kwargs)

    @functools.wraps(wait)
    def blocking(*args, **kwargs) -> str:
        return asyncio.run(wait(*args, **kwargs))

    made = tool(wait)

    assert made.is_async
    assert tool(wrapped).is_async
    assert not tool(blocking).is_async
    assert not tool(name="n")(lambda: None).is_async
    assert await run(made, '{"text": "a"}') == "a"


# The context


def test_the_context_is_given_and_not_shown_to_the_model() -> None:
    def who(context: ToolContext, greeting: str) -> str:
        return f"{greeting} {context.viewer.key}"

    assert list(schema_of(who)["properties"]) == ["greeting"]
    assert run(tool(who), '{"greeting": "Hi"}') == f"Hi v:{VISITOR}"


def test_the_context_is_known_by_its_type_wherever_and_however_it_is_named() -> None:
    def renamed(text: str, c: Context) -> Any:
        return c

    def through_its_module(text: str, c: tools_module.ToolContext) -> Any:
        return c

    def optional(text: str, c: ToolContext | None = None) -> Any:
        return c

    def annotated(text: str, c: Annotated[ToolContext, "the run"]) -> Any:
        return c

    for function in (renamed, through_its_module, optional, annotated):
        assert list(schema_of(function)["properties"]) == ["text"]
        assert run(tool(function), '{"text": ""}') is CONTEXT


def test_a_site_s_own_type_of_the_same_name_is_an_argument() -> None:
    class Elsewhere:
        class ToolContext(BaseModel):
            hammer: str

    def build(context: Elsewhere.ToolContext) -> str:
        return context.hammer

    build.__annotations__["context"] = Elsewhere.ToolContext

    assert run(tool(build), '{"context": {"hammer": "small"}}') == "small"


def test_a_tool_that_knows_nothing_of_the_run_needs_no_context() -> None:
    assert run(tool(name="one")(lambda: 1), "{}") == 1


class Recorded(Silence):
    def __init__(self, told: list[object]) -> None:
        self._told = told

    def progress(self, text: str, fraction: float | None) -> None:
        self._told.append((text, fraction))


def test_the_context_tells_who_asks_and_passes_progress_on() -> None:
    told = []
    user = object()
    context = ToolContext(
        viewer=Viewer(user=user),
        thread_id=UUID(int=1),
        run_id=UUID(int=2),
        tool_call_id=UUID(int=3),
        teller=Recorded(told),
    )
    context.progress(0.5, "half")
    context.progress(text="on")

    assert context.user is user
    assert told == [("half", 0.5), ("on", None)]


# What is wrong is said where it is written


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: lambda x: x, "'x' must be a named one with a type"),
        (lambda: with_more, "'more' must be a named one with a type"),
        (lambda: with_keywords, "'more' must be a named one with a type"),
        (lambda: positional, "'x' must be a named one with a type"),
    ],
)
def test_a_tool_with_a_parameter_that_no_model_could_fill_is_not_offered(
    make, words
) -> None:
    made = tool(name="n")(make())

    with pytest.raises(TypeError, match=f"n: parameter {words}"):
        assert made.definition.spec


def with_more(*more: int) -> None: ...


def with_keywords(**more: int) -> None: ...


def positional(x: int, /) -> None: ...


@pytest.mark.parametrize("name", ["", "a b", "a.b", "x" * 65, "tool\n", "ä"])
def test_a_name_that_providers_refuse_is_refused(name) -> None:
    with pytest.raises(ValueError, match="is no tool name"):
        tool_definition(name=name, description="")


def test_the_name_of_a_lambda_is_no_name() -> None:
    with pytest.raises(ValueError, match="'<lambda>' is no tool name"):
        tool(lambda: None)


@pytest.mark.parametrize("kind", [int, list[str], Address | None])
def test_a_tool_whose_input_is_no_object_is_not_offered(kind) -> None:
    definition = tool_definition(name="pack", description="", input=kind)

    with pytest.raises(TypeError, match="pack: the input must be an object"):
        assert definition.spec


def test_an_effect_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        tool_definition(name="pay", description="", effect="twice")


@pytest.mark.parametrize("function", [lambda: 1, lambda a, b, c: 1])
def test_a_server_half_takes_one_or_two_arguments(function) -> None:
    definition = tool_definition(name="pack", description="")

    with pytest.raises(TypeError, match="pack: the function takes"):
        definition.server(function)


# Reading what the model wrote


def typed(kind: Any):
    def echo(value: kind) -> Any:
        return value

    echo.__annotations__["value"] = kind
    return tool(echo)


def test_no_arguments_at_all_are_an_empty_object() -> None:
    assert tool_definition(name="n", description="").read_input("") == NoInput()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("[1]", "must be a JSON object"),
        ("null", "must be a JSON object"),
        ('"text"', "must be a JSON object"),
        ("{", "not valid JSON"),
        ('{"value": NaN}', "not valid JSON"),
        ('{"value": 1e999}', "not valid JSON"),
        ("{}", "value: Field required"),
        ('{"value": "many"}', "value: Input should be a valid integer"),
        ('{"value": 1.5}', "value: Input should be a valid integer"),
        ('{"value": 1, "more": 2}', "more: Extra inputs are not permitted"),
        ('{"value":' * 300 + "1" + "}" * 300, "do not fit"),
    ],
    ids=lambda text: text[:20],
)
def test_what_does_not_fit_is_told_in_words_for_the_model(arguments, words) -> None:
    with pytest.raises(ToolError, match=words):
        typed(int).definition.read_input(arguments)


def test_arguments_nested_beyond_all_measure_are_refused() -> None:
    definition = typed(dict).definition
    refused = []
    for depth in (100, 250, 500, 900, 980, 5000, 100_000):
        try:
            value = definition.read_input('{"value":' * depth + "{}" + "}" * depth)
            definition.dump_input(value)
        except ToolError:
            refused.append(depth)

    assert refused[-2:] == [5000, 100_000]


def test_the_words_name_the_place_but_not_what_stood_there() -> None:
    def place(to: list[Address]) -> None:
        pass

    with pytest.raises(ToolError) as refused:
        tool(place).definition.read_input('{"to": [{"street": {"x": "private"}}]}')

    assert "to.0.street" in str(refused.value)
    assert "private" not in str(refused.value)


def test_only_the_first_faults_are_told() -> None:
    with pytest.raises(ToolError) as refused:
        typed(list[int]).definition.read_input('{"value": ["a","b","c","d","e","f"]}')

    assert str(refused.value).count("valid integer") == 5


@pytest.mark.parametrize("word", ["NaN", "inf", "-Infinity"])
def test_a_number_by_name_goes_no_further(word) -> None:
    definition = typed(float).definition

    with pytest.raises(ToolError):
        definition.dump_input(definition.read_input(f'{{"value": "{word}"}}'))


def test_characters_that_no_database_holds_do_not_reach_the_tool() -> None:
    given = r'{"value": "a\u0000b\ud83dc\ud83d\udc4b"}'

    assert run(typed(str), given) == "ab\ufffdc👋"


def test_dates_and_decimals_are_read_and_told_as_text() -> None:
    definition = tool_definition(name="n", description="", input=Order)
    order = definition.read_input(
        '{"number": "7", "total": "19.90", "placed": "2026-03-01"}'
    )

    assert order == Order(number="7", total=Decimal("19.90"), placed=date(2026, 3, 1))
    assert definition.dump_input(order) == {
        "number": "7",
        "total": "19.90",
        "placed": "2026-03-01",
    }


def test_a_field_s_alias_is_its_name_outside() -> None:
    class Renamed(BaseModel):
        inner: int = Field(alias="outer")

    definition = tool_definition(
        name="n", description="", input=Renamed, output=Renamed
    )

    assert list(definition.input_schema["properties"]) == ["outer"]
    assert definition.dump_input(definition.read_input('{"outer": 1}')) == {"outer": 1}
    assert definition.read_output({"outer": 1}) == {"outer": 1}


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (Point, '{"x": 1}'),
        (Colour, '{"name": "red"}'),
        (Address, '{"street": "Mill Lane"}'),
    ],
)
def test_an_input_may_be_a_dataclass_a_typed_dict_or_a_model(kind, given) -> None:
    definition = tool_definition(name="n", description="", input=kind)

    assert definition.input_schema["type"] == "object"
    assert isinstance(definition.read_input(given), dict if kind is Colour else kind)


# Reading what a page answered


def page_tool(kind: Any):
    return tool_definition(name="n", description="", output=kind)


def test_an_output_is_read_by_its_type_and_told_as_that_tells_it() -> None:
    told = page_tool(Order).read_output(
        {"number": "7", "total": 19.9, "placed": "2026-03-01", "more": 1}
    )

    assert told == {"number": "7", "total": "19.9", "placed": "2026-03-01"}


@pytest.mark.parametrize(
    ("kind", "output", "words"),
    [
        (int, "many", "value: Input should be a valid integer"),
        (Address, {"number": 1}, "street: Field required"),
        (Address, None, "value: "),
        (float, float("nan"), "no JSON"),
        (Any, {"a": float("inf")}, "no JSON"),
        (float, "NaN", "no JSON"),
    ],
)
def test_an_output_that_does_not_fit_is_refused_with_its_place(
    kind, output, words
) -> None:
    with pytest.raises(ToolError, match=words):
        page_tool(kind).read_output(output)


def test_a_model_that_forbids_more_fields_is_obeyed() -> None:
    class Strict(BaseModel):
        model_config = ConfigDict(extra="forbid")
        a: int

    with pytest.raises(ToolError, match="more: Extra inputs"):
        page_tool(Strict).read_output({"a": 1, "more": 2})


def test_an_output_of_no_declared_type_is_taken_as_it_is() -> None:
    output = {"a": [1, None, "x", {"b": True}]}

    assert page_tool(Any).read_output(output) == output


# Dumping what a server tool returned


@pytest.mark.parametrize(
    ("kind", "output", "told"),
    [
        (Any, datetime(2026, 3, 1, 12), "2026-03-01T12:00:00"),  # noqa: DTZ001 (a site's own)
        (Any, Decimal("1.50"), "1.50"),
        (Any, Size.SMALL, "s"),
        (
            Any,
            {
                "a",
            },
            ["a"],
        ),
        (Any, Point(x=1), {"x": 1, "y": 0}),
        (Any, Address(street="s"), {"street": "s", "number": 1}),
        (Any, {1: UUID(int=0)}, {"1": str(UUID(int=0))}),
        (Colour, {"name": "red"}, {"name": "red"}),
        (None, None, None),
    ],
    ids=str,
)
def test_what_a_tool_returns_becomes_json(kind, output, told) -> None:
    assert page_tool(kind).dump_output(output) == told


@pytest.mark.parametrize(
    ("kind", "output"),
    [
        (int, "many"),
        (Colour, {"nome": "rosso"}),
        pytest.param(Any, object(), id="an object"),
        (list[float], [float("nan")]),
        (float, float("inf")),
        (Any, float("nan")),
        (Any, {"of": [float("-inf")], "or": None}),
        (dict[str, Any], {"of": (float("nan"),)}),
        (Any, [b"\xff"]),
        (None, 1),
    ],
    ids=str,
)
def test_what_is_not_the_declared_type_or_no_json_is_an_error(kind, output) -> None:
    with pytest.raises(ValueError, match=r".+"):
        page_tool(kind).dump_output(output)


# One definition, two halves

hybrid = tool_definition(name="cart", description="", input=Point, output=Colour)


def test_a_definition_given_as_it_is_runs_in_the_page() -> None:
    assert hybrid.executor is Executor.CLIENT
    assert hybrid.client() is hybrid
    assert hybrid.definition is hybrid


def test_its_server_half_has_the_same_schemas() -> None:
    made = hybrid.server(lambda point: {"name": str(point.x)})

    assert made.executor is Executor.SERVER
    assert made.definition is hybrid
    assert run(made, '{"x": 3}') == {"name": "3"}


def test_a_server_half_may_ask_for_the_context() -> None:
    made = hybrid.server(lambda context, point: (context, point))

    assert run(made, '{"x": 3}') == (CONTEXT, Point(x=3))


async def test_a_server_half_may_be_async() -> None:
    async def add(context: ToolContext, point: Point) -> Colour:
        return {"name": str(point.x)}

    made = hybrid.server(add)

    assert made.is_async
    assert await run(made, '{"x": 3}') == {"name": "3"}


def test_a_tool_is_not_repeated_here_unless_it_says_so_and_is_in_a_page() -> None:
    assert hybrid.effect is Effect.IDEMPOTENT
    assert hybrid.server(lambda point: None).effect is Effect.ONCE


@pytest.mark.parametrize("effect", list(Effect))
def test_a_declared_effect_holds_on_both_sides(effect) -> None:
    definition = tool_definition(name="n", description="", effect=str(effect))

    assert definition.effect is effect
    assert definition.server(lambda _: None).effect is effect
    assert tool(name="n", effect=effect)(lambda: None).effect is effect


def test_the_digest_names_the_schemas_and_nothing_else() -> None:
    def digest(**other) -> str:
        told = {"name": "a", "description": "", "input": Point} | other
        return tool_definition(**told).digest

    assert digest() == digest(name="b", description="c", timeout=1)
    assert digest() != digest(input=Address)
    assert digest() != digest(output=int)


def test_what_a_site_s_own_check_says_is_told_to_the_model() -> None:
    class Even(BaseModel):
        number: int

        @field_validator("number")
        @classmethod
        def is_even(cls, value: int) -> int:
            if value % 2:
                raise ValueError("must be even")
            return value

    definition = tool_definition(name="n", description="", input=Even)

    with pytest.raises(ToolError, match="number: Value error, must be even"):
        definition.read_input('{"number": 3}')


def test_an_object_s_attributes_are_read_where_a_model_is_promised() -> None:
    class Row:
        number, total, placed, secret = "7", Decimal("1.5"), date(2026, 3, 1), "s"

    listed = tool_definition(name="n", description="", output=list[Order])

    assert listed.dump_output([Row()]) == [
        {"number": "7", "total": "1.5", "placed": "2026-03-01"}
    ]
