"""The examples of docs/questions.md, as somebody would copy them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from chatkit_app.engine.context import Answered, Suspended, ToolContext
from chatkit_app.engine.questions import question_of
from chatkit_app.engine.tools import ServerTool
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import ToolError

PAGE = Path(__file__).parent.parent / "docs" / "questions.md"


@pytest.fixture
def orders() -> list[tuple[Any, ...]]:
    return []


@pytest.fixture
def page(orders) -> dict[str, Any]:
    """What the blocks of the page define, one after the other."""

    def place_order(*order: Any) -> str:
        orders.append(order)
        return "placed"

    found: dict[str, Any] = {"place_order": place_order, "__name__": __name__}
    for block in re.findall(r"^```python\n(.+?)^```", PAGE.read_text(), re.M | re.S):
        exec(compile(block, PAGE, "exec", dont_inherit=True), found)  # noqa: S102 (the page is ours)
    return found


class Visitor:
    """Answers what a tool asks, and notes what that was."""

    def __init__(self, tool: ServerTool, arguments: dict[str, Any]) -> None:
        self.tool = tool
        self.arguments = arguments
        self.asked: list[tuple[str, str]] = []
        self.entered = 0
        self.answers: dict[str, Answered] = {}
        self.call_id = uuid4()

    def call(self, *given: Any) -> object:
        """The tool's result, when it is given these answers in turn; None skips."""
        answers = iter(given)
        while True:
            self.entered += 1
            try:
                return self._enter()
            except Suspended as suspended:
                self._answer(suspended.asked, next(answers))

    def _enter(self) -> object:
        context = ToolContext(
            viewer=Viewer(visitor=uuid4()),
            thread_id=uuid4(),
            run_id=uuid4(),
            tool_call_id=self.call_id,
            questions=self.tool.definition.questions,
            answers=self.answers,
        )
        value = self.tool.definition.input.validate_python(self.arguments)
        return self.tool.call(context, value)

    def _answer(self, asked: Any, given: Any) -> None:
        self.asked.append((asked.key, asked.message))
        if given is None:
            self.answers[asked.key] = Answered(is_skipped=True)
            return
        stored = asked.question.read(given, asked.arguments)
        self.answers[asked.key] = Answered(answer=stored)


GIFT = {"product": "lamp", "country": "DE"}
HOME = {"name": "Ann", "street": "Elm Street 3", "zip_code": "12345"}


def test_the_gift_is_sent_when_both_questions_are_answered(page, orders) -> None:
    visitor = Visitor(page["send_gift"], GIFT)

    assert visitor.call(HOME, {"colour": "green"}) == "placed"
    assert visitor.asked == [
        ("AddressForm", "Where shall it go?"),
        ("GiftWrap", "How shall it be wrapped?"),
    ]
    assert visitor.entered == 3
    assert orders == [(visitor.call_id, "lamp", "Ann", "green")]


def test_a_skipped_question_is_the_tools_to_judge(page, orders) -> None:
    with pytest.raises(ToolError):
        Visitor(page["send_gift"], GIFT).call(None)
    Visitor(page["send_gift"], GIFT).call(HOME, None)

    assert [order[-1] for order in orders] == ["plain"]


def test_in_a_loop_each_item_has_its_question(page) -> None:
    visitor = Visitor(page["measure"], {"items": ["desk", "lamp", "bed"]})

    found = visitor.call({"centimetres": 120}, None, {"centimetres": 90})

    assert found == {"desk": 120, "bed": 90}
    assert [key for key, _message in visitor.asked] == [
        "width of desk",
        "width of lamp",
        "width of bed",
    ]


def test_the_answer_of_the_example_fits_the_form_of_the_example(page) -> None:
    [answer] = re.findall(
        r"client\.answer\(question\.id, \{ (.+?) \}\)", PAGE.read_text()
    )
    output = dict(re.findall(r'(\w+): "(.+?)"', answer))

    question = question_of(page["AddressForm"])

    assert (
        question.value(question.read(output, {"country": "DE"}), {"country": "DE"})
        == output
    )
    assert output == HOME
