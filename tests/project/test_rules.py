from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from chatkit_app.engine.messages import (
    Message,
    Part,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from chatkit_app.engine.provider import ProviderRequest
from chatkit_app.engine.states import Role
from chatkit_app.engine.viewer import Viewer
from chatkit_app.providers.scripted import Call, Say
from chatkit_app.registry import assistants
from project.shop.assistants import tools_for
from project.shop.rules import HELP, rule

TOOLS = {tool.definition.name: tool.definition for tool in tools_for(Viewer(), {})}
TEAPOT = {
    "id": "clay-teapot",
    "name": "Clay teapot",
    "description": "",
    "price": "54",
    "stock": 7,
}
CART = {
    "lines": [
        {
            "product_id": "clay-teapot",
            "name": "Clay teapot",
            "quantity": 2,
            "price": "54",
        }
    ],
    "total": "108",
}
OUTPUTS: dict[str, object] = {
    "search_catalogue": [TEAPOT],
    "order_status": {"number": 1042, "status": "Shipped", "placed_on": "2026-01-01",
                     "expected_on": "2026-01-09", "total": "54", "lines": ["1 × Clay teapot"]},
    "stock_report": {"products": 12, "pieces": 180, "value": "1", "sold_out": [], "low": []},
    "get_selected_text": {"text": "The quick brown fox"},
    "add_note": {"notes": ["tea"]},
    "list_notes": {"notes": ["tea", "milk"]},
    "highlight_product": {"found": True},
    "navigate": {"path": "/cart/"},
    "add_to_cart": CART,
    "show_cart": CART,
}  # fmt: skip


def asked(*texts: str) -> ProviderRequest:
    """A thread in which nothing has been answered yet but the last text."""
    messages = tuple(
        Message(role=Role.USER, parts=(TextPart(text=text),)) for text in texts
    )
    return ProviderRequest(model_name="", instructions="", messages=messages)


def play(
    request: ProviderRequest, outputs: dict[str, object] = OUTPUTS
) -> tuple[list[list[Call]], str]:
    """The calls of each step, validated as the engine does, and the last words."""
    steps: list[list[Call]] = []
    answer: list[Part] = []
    while True:
        messages = request.messages + (
            (Message(role=Role.ASSISTANT, parts=tuple(answer)),) if answer else ()
        )
        script = rule(replace(request, messages=messages))
        calls = [line for line in script if isinstance(line, Call)]
        if not calls:
            return steps, "".join(line.text for line in script if isinstance(line, Say))
        assert len(steps) < 5
        steps.append(calls)
        answer += made(calls, len(steps))
        answer += results(calls, len(steps), outputs)


def made(calls: list[Call], step: int) -> list[Part]:
    return [
        ToolCallPart(
            id=f"{step}-{n}", name=call.name, arguments=json.dumps(call.arguments)
        )
        for n, call in enumerate(calls)
    ]


def results(calls: list[Call], step: int, outputs: dict[str, object]) -> list[Part]:
    found: list[Part] = []
    for n, call in enumerate(calls):
        TOOLS[call.name].read_input(json.dumps(call.arguments))
        output = outputs[call.name]
        is_error = isinstance(output, str)
        content = f"Error: {output}" if is_error else json.dumps(output)
        found.append(
            ToolResultPart(
                tool_call_id=f"{step}-{n}",
                name=call.name,
                content=content,
                is_error=is_error,
            )
        )
    return found


def names(steps: list[list[Call]]) -> list[list[str]]:
    return [[call.name for call in step] for step in steps]


@pytest.mark.parametrize("suggestion", assistants.get("shop").suggestions)
def test_every_suggestion_leads_to_tools_and_an_answer(suggestion: str) -> None:
    steps, told = play(asked(suggestion))

    assert steps
    assert told != HELP


@pytest.mark.parametrize("phrase", re.findall(r"\*([^*\n]+)\*", HELP))
def test_every_phrase_of_the_help_is_understood(phrase: str) -> None:
    assert play(asked("find a teapot", phrase))[1] != HELP


def test_every_tool_can_be_asked_for_in_words() -> None:
    texts = [
        "find a teapot and highlight it",
        "where is order 1042?",
        "how is the stock?",
        "what text have I selected?",
        "note: call mum",
        "read my notes",
        "take me to my cart",
        "put a teapot in my cart",
        "what's in my basket?",
    ]

    called = {
        call.name for text in texts for step in play(asked(text))[0] for call in step
    }

    assert called == TOOLS.keys()


def test_a_search_and_a_highlight_take_one_step_each() -> None:
    steps, told = play(asked("Find a teapot under €60 and highlight it"))

    assert names(steps) == [["search_catalogue"], ["highlight_product"]]
    assert steps[0][0].arguments == {"query": "teapot", "max_price": 60.0}
    assert steps[1][0].arguments == {"product_id": "clay-teapot"}
    assert "€54" in told
    assert "marked" in told


def test_a_server_tool_and_a_client_tool_are_called_in_one_step() -> None:
    steps, told = play(
        asked("What's the status of order 1042 and what text have I selected?")
    )

    assert names(steps) == [["order_status", "get_selected_text"]]
    assert "shipped" in told
    assert "> The quick brown fox" in told


def test_a_product_that_the_page_does_not_show_gets_its_own_page_opened() -> None:
    steps, _ = play(
        asked("highlight the teapot"), OUTPUTS | {"highlight_product": {"found": False}}
    )

    assert names(steps) == [["search_catalogue"], ["highlight_product"], ["navigate"]]
    assert steps[2][0].arguments == {"page": "product", "product_id": "clay-teapot"}


def test_it_means_what_was_spoken_of_before() -> None:
    steps, _ = play(asked("find a clay teapot", "thanks", "put it in my cart"))

    assert steps[0][0].arguments == {"query": "clay teapot"}
    assert steps[1][0].arguments == {"product_id": "clay-teapot", "quantity": 1}


def test_a_note_is_kept_to_its_end() -> None:
    steps, _ = play(asked("Add a note: buy tea, milk and find my glasses"))

    assert steps[0][0].arguments == {"text": "buy tea, milk and find my glasses"}


def test_numbers_may_be_words() -> None:
    steps, _ = play(asked("put two mugs in my cart"))

    assert steps[1][0].arguments == {"product_id": "clay-teapot", "quantity": 2}


def test_a_tool_that_fails_is_quoted_and_the_others_are_told() -> None:
    steps, told = play(
        asked("status of order 1042 and list my notes"),
        OUTPUTS | {"order_status": "No such order."},
    )

    assert names(steps) == [["order_status", "list_notes"]]
    assert "No such order." in told
    assert "- milk" in told


def test_a_result_that_cannot_be_read_ends_in_words() -> None:
    assert (
        "can't read"
        in play(asked("list my notes"), OUTPUTS | {"list_notes": {"x": 1}})[1]
    )


@pytest.mark.parametrize(
    "text", ["", "help", "What is the meaning of life?", "\0", "🫖", "a" * 9000]
)
def test_anything_else_is_answered_with_what_it_can_do(text: str) -> None:
    steps, told = play(asked(text))

    assert steps == []
    assert told.startswith("I am a script, not a model")
