"""What a redactor takes out of texts, JSON and events; and what happens when it fails."""

from __future__ import annotations

import pytest

from chatkit_app.engine import events
from chatkit_app.engine.calls import Result, failed
from chatkit_app.engine.messages import ProviderData
from chatkit_app.engine.redacting import NO_REDACTION, Redaction
from chatkit_app.engine.states import InterruptKind, ToolCallState, ToolCallStatus
from chatkit_app.exceptions import RedactionFailed
from chatkit_app.redactors import RegexRedactor

CARD = "4111111111111111"
RULE = Redaction(RegexRedactor)


class Broken:
    """Fails where it is told to, with what was said in its words."""

    def __init__(self, at: str = "feed") -> None:
        self._at = at

    def feed(self, text: str) -> str:
        if self._at == "feed":
            raise ValueError(text)
        return text

    def close(self) -> str:
        if self._at == "close":
            raise ValueError("x")
        return None if self._at == "none" else ""  # type: ignore[return-value]


def test_each_text_key_and_number_of_json_is_redacted() -> None:
    value = {
        f"key {CARD}": [CARD, int(CARD), 5, 1.5, True, None, {"a": f"x {CARD}"}],
    }

    assert RULE.json(value) == {
        "key [card]": ["[card]", "[card]", 5, 1.5, True, None, {"a": "x [card]"}]
    }


def test_arguments_are_redacted_whatever_their_escapes() -> None:
    hidden = '{"card": "\\u0034111111111111111"}'

    assert RULE.arguments(hidden) == '{"card":"[card]"}'
    assert RULE.arguments('{"a": 1}') == '{"a": 1}'
    assert RULE.arguments("no json") == "no json"


def test_a_result_and_what_a_provider_wants_back_are_redacted() -> None:
    done = Result(status=ToolCallStatus.COMPLETED, output={"card": CARD})
    data = ProviderData(provider="p", data={"item": {"text": CARD}})

    assert RULE.result(done).output == {"card": "[card]"}
    assert RULE.result(failed("tool_error", f"No {CARD}.")).error_text == "No [card]."
    assert RULE.data(data) == ProviderData(
        provider="p", data={"item": {"text": "[card]"}}
    )


@pytest.mark.parametrize(
    "event",
    [
        events.ToolCallChanged(
            tool_call_id="1",
            status=ToolCallStatus.WAITING,
            state=ToolCallState.INPUT_COMPLETE,
            input={"card": CARD},
            edited_input=[CARD],
            request={"words": CARD},
            interrupt=events.InterruptTold(
                id="2",
                kind=InterruptKind.QUESTION,
                tool_call_id="1",
                message=f"Is it {CARD}?",
                schema={"default": CARD},
                form=f'<input value="{CARD}">',
            ),
            approval=events.ApprovalTold(id="2", reason=CARD),
        ),
        events.ToolCallProgressed(
            tool_call_id="1",
            text=CARD,
            preliminary=CARD,
            notice=events.Notice(title=CARD, text=CARD),
        ),
        events.EffectTold(tool_call_id="1", name="show", data={"a": CARD}),
    ],
)
def test_what_tools_and_people_say_in_events_is_redacted(
    event: events.AnyEvent,
) -> None:
    assert CARD in str(event)
    assert CARD not in str(RULE.event(event))
    assert NO_REDACTION.event(event) is event


def test_nothing_is_touched_where_there_is_no_redactor() -> None:
    value = {"a": [1]}

    assert NO_REDACTION.json(value) is value
    assert NO_REDACTION.stream() is None
    assert NO_REDACTION.text(CARD) == CARD


@pytest.mark.parametrize("at", ["feed", "close", "none"])
def test_a_redactor_that_fails_says_nothing_of_what_was_said(
    at: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(RedactionFailed) as caught:
        Redaction(lambda: Broken(at)).text(f"My card is {CARD}")

    assert CARD not in str(caught.value)
    assert caught.value.__cause__ is None
    assert CARD not in caplog.text
    assert "redactor" in caplog.text


def test_one_that_can_not_be_made_fails_as_well() -> None:
    with pytest.raises(RedactionFailed):
        Redaction(lambda: Broken(*range(9))).text("x")  # type: ignore[arg-type]
