"""Calls and their results as values."""

from __future__ import annotations

from dataclasses import replace

from chatkit_app.engine.calls import (
    ERROR_CHARS,
    Result,
    completed,
    failed,
    result_part,
)
from chatkit_app.engine.states import ToolCallStatus


def test_a_failure_s_words_are_sound_and_bounded() -> None:
    result = failed("code", "\0\ud800" + "x" * 3000)

    assert result.error_text == "\ufffd" + "x" * (ERROR_CHARS - 1)


def test_an_output_is_measured_in_bytes_of_its_json() -> None:
    assert completed("ab", max_bytes=4).status is ToolCallStatus.COMPLETED
    assert completed("abc", max_bytes=4).status is ToolCallStatus.FAILED


def test_an_output_from_a_page_is_made_sound_too() -> None:
    assert completed({"a\0": ["\ud83d"]}, max_bytes=99).output == {"a": ["\ufffd"]}


def test_a_call_that_was_never_finished_is_told_as_that() -> None:
    part = result_part("call_1", "add", Result(status=ToolCallStatus.CANCELLED))

    assert part.is_error
    assert part.content == "Error: there is no result; the call was not finished."


def test_the_model_is_told_the_same_in_whatever_order_the_keys_are_kept() -> None:
    """PostgreSQL keeps its own: what was told at first must be told again in a later run."""
    one = completed({"zebra": 1, "a": {"y": 1, "x": 2}}, max_bytes=1000)
    other = completed({"a": {"x": 2, "y": 1}, "zebra": 1}, max_bytes=1000)

    assert one.content == other.content == '{"a":{"x":2,"y":1},"zebra":1}'


def test_of_changed_arguments_so_much_is_told_that_the_result_is_told_too() -> None:
    result = replace(
        completed("refunded", max_bytes=1000), edited_input={"note": "x" * 90_000}
    )

    part = result_part("call_1", "refund", result)

    assert part.content.endswith("The result:\nrefunded")
