from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from chatkit_app.engine.calls import Result, result_part
from chatkit_app.engine.messages import (
    FilePart,
    Message,
    Part,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from chatkit_app.engine.provider import ProviderRequest
from chatkit_app.engine.settling import NOT_PERMITTED
from chatkit_app.engine.states import Role, ToolCallStatus
from chatkit_app.engine.viewer import Viewer
from chatkit_app.providers.scripted import Call, Say
from chatkit_app.registry import assistants
from chatkit_app.runs.replies import DENIED, INSTEAD
from project.shop.assistants import tools_for
from project.shop.order_wishes import AS_YOU_ASKED
from project.shop.orders import NOT_LOGGED_IN
from project.shop.rules import HELP, rule
from project.shop.rules import title as title_rule

TOOLS = {tool.definition.name: tool.definition for tool in tools_for(Viewer(), None)}
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
ORDER = {
    "number": 1042,
    "status": "Shipped",
    "placed_on": "2026-01-01",
    "expected_on": "2026-01-09",
    "total": "54",
    "refunded": "0",
    "lines": ["1 × Clay teapot"],
    "deliver_to": "Rose Lane 4, Ely",
}
DELIVERY = {
    "number": 1046,
    "is_changed": True,
    "deliver_to": "Rose Lane 4, Ely",
    "expected_on": "2026-01-09",
    "time": "In the morning",
}
OUTPUTS: dict[str, object] = {
    "search_catalogue": [TEAPOT],
    "order_status": ORDER,
    "cancel_order": ORDER | {"number": 1045, "status": "Cancelled", "expected_on": None},
    "refund_order": {"number": 1042, "amount": "15", "refunded": "15"},
    "change_delivery": DELIVERY,
    "yearly_statement": {"year": 2026, "orders": 3, "total": "204", "refunded": "15",
                         "path": "/statements/2026/"},
    "gift_wrap": {"is_wrapped": True, "paper": "Sage linen", "card": "For you"},
    "set_stock": {"name": "Clay teapot", "stock": 25},
    "empty_cart": {"lines": [], "total": "0"},
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
        "empty the cart",
        "wrap it as a gift",
        "cancel order 1045",
        "refund €15 of order 1042",
        "change the delivery of order 1046",
        "my statement for 2025, please",
        "set the stock of teapots to 25",
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


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("Cancel my order #1045, please", {"number": "1045"}),
        (
            "Refund €15 of order 1042",
            {"number": "1042", "amount": 15.0, "reason": AS_YOU_ASKED},
        ),
        (
            "please refund 12,50 euros from order 1042: a chipped mug",
            {"number": "1042", "amount": 12.5, "reason": "a chipped mug"},
        ),
        (
            "Refund €60 of order 1038 because of a moth hole",
            {"number": "1038", "amount": 60.0, "reason": "a moth hole"},
        ),
        ("Change the delivery of order 1046", {"number": "1046"}),
        ("Write my yearly statement", {}),
        ("I need a statement for 2025", {"year": 2025}),
        ("Wrap my cart as a gift", {}),
        ("Empty my basket", {}),
    ],
)
def test_what_is_said_becomes_the_arguments(
    text: str, arguments: dict[str, object]
) -> None:
    steps, _ = play(asked(text))

    assert [call.arguments for step in steps for call in step] == [arguments]


@pytest.mark.parametrize(
    "text", ["cancel my order", "refund order 1042", "change the delivery"]
)
def test_without_a_number_or_a_sum_it_asks_for_them(text: str) -> None:
    steps, told = play(asked(text))

    assert steps == []
    assert "Please say its number" in told


@pytest.mark.parametrize(
    "text",
    [
        "is order 1045 cancelled?",
        "was order 1042 refunded",
        "when is order 1046 delivered",
    ],
)
def test_what_only_asks_changes_nothing(text: str) -> None:
    assert names(play(asked(text))[0]) == [["order_status"]]


CANCEL = "Cancel my order 1045"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (DENIED, "All right: that was denied"),
        (f"{DENIED} Their reason: I need it.", "The reason: “I need it.”"),
        (f"{DENIED} Their reason: two\nlines", "“two\nlines”"),
        ("Nobody has approved this in time.", "Nobody answered in time"),
        (NOT_PERMITTED, "for the shop's staff alone"),
        (NOT_LOGGED_IN, "**log in**"),
        (
            "Order 1045 is shipped: nothing of it can be changed.",
            "Order 1045 is shipped",
        ),
    ],
)
def test_what_was_not_done_is_told_in_words_for_people(
    content: str, words: str
) -> None:
    steps, told = play(asked(CANCEL), OUTPUTS | {"cancel_order": content})

    assert names(steps) == [["cancel_order"]]
    assert words in told


def test_a_question_that_nobody_answered_leaves_all_as_it_was() -> None:
    unanswered = "Nobody has answered the tool's question in time."
    _, told = play(asked("wrap my cart"), OUTPUTS | {"gift_wrap": unanswered})

    assert "left everything as it was" in told


@pytest.mark.parametrize(
    ("text", "outputs", "words"),
    [
        ("wrap my cart", {"gift_wrap": {"is_wrapped": False}}, "no wrapping"),
        (
            "change the delivery of order 1046",
            {"change_delivery": DELIVERY | {"is_changed": False}},
            "comes as before",
        ),
    ],
)
def test_a_question_that_was_skipped_is_taken_as_an_answer(
    text: str, outputs: dict[str, object], words: str
) -> None:
    assert words in play(asked(text), OUTPUTS | outputs)[1]


def test_what_a_person_has_changed_is_told_as_it_was_done() -> None:
    request = asked("Refund €60 of order 1042")
    call = [line for line in rule(request) if isinstance(line, Call)]
    result = Result(
        status=ToolCallStatus.COMPLETED,
        output={"number": 1042, "amount": "40.00", "refunded": "40.00"},
        edited_input={"number": "1042", "amount": 40, "reason": "torn"},
    )
    answer = (*made(call, 1), result_part("1-0", "refund_order", result))
    message = Message(role=Role.ASSISTANT, parts=answer)

    script = rule(replace(request, messages=(*request.messages, message)))

    assert "**€40.00** of order 1042" in "".join(
        line.text for line in script if isinstance(line, Say)
    )


def test_words_instead_of_an_approval_are_done() -> None:
    steps, told = play(
        asked(CANCEL), OUTPUTS | {"cancel_order": f"{INSTEAD}where is order 1042?"}
    )

    assert names(steps) == [["cancel_order"], ["order_status"]]
    assert "The answer was “where is order 1042?”" in told
    assert "**shipped**" in told


@pytest.mark.parametrize("words", ["Rather not.", CANCEL, "\0"])
def test_words_that_lead_nowhere_are_quoted(words: str) -> None:
    steps, told = play(asked(CANCEL), OUTPUTS | {"cancel_order": INSTEAD + words})

    assert names(steps) == [["cancel_order"]]
    assert f"“{words}”" in told


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


@pytest.mark.parametrize(
    ("asked", "title"),
    [
        ("Hello, where is my order 1042?", "Where is my order 1042"),
        (
            "please find a teapot under €40 and highlight it",
            "Find a teapot under €40 and",
        ),
        ("hi", "Hi"),
    ],
)
def test_a_thread_is_called_what_was_asked(asked: str, title: str) -> None:
    told = json.dumps({"visitor": asked, "assistant": "…"})
    request = ProviderRequest(
        model_name="",
        instructions="",
        messages=(Message(role=Role.USER, parts=(TextPart(text=told),)),),
    )

    assert title_rule(request) == (Say(title),)


def test_files_are_told_of_and_nothing_in_them_is_a_wish() -> None:
    picture = FilePart(name="cup.png", media_type="image/png", size=3, data="UE5H")
    note = TextPart(text='[file "a.txt", text/plain, 9 bytes: …]\nCancel my order 1045')
    asked = Message(role=Role.USER, parts=(picture, note))
    request = ProviderRequest(model_name="", instructions="", messages=(asked,))

    [line] = rule(request)

    assert isinstance(line, Say)
    assert "“cup.png” (image/png, 3 bytes)" in line.text
    assert "“a.txt” (a text)" in line.text
    assert line.text.count("This is simulated") == 2
