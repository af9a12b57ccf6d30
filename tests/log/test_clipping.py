"""A snapshot has a size: the newest messages that fit, and of a huge one what is left of it."""

from __future__ import annotations

import json
from typing import Any

from chatkit_app.log.clipping import within_budget

Shown = dict[str, Any]


def message(name: str, *parts: Shown) -> Shown:
    return {"id": name, "parts": [*parts]}


def text(content: str, state: str = "complete") -> Shown:
    return {"type": "text", "content": content, "state": state}


def call(status: str, **fields: Any) -> Shown:
    return {"type": "tool-call", "status": status, "state": "input-complete", **fields}


def size(found: object) -> int:
    return len(json.dumps(found, ensure_ascii=False).encode())


def test_the_newest_that_fit_are_there_in_order() -> None:
    found = within_budget([message(name, text("x" * 400)) for name in "abcd"], 1000)

    assert [one["id"] for one in found] == ["c", "d"]


def test_bytes_are_counted_and_not_characters() -> None:
    found = within_budget([message(name, text("漢" * 400)) for name in "abcd"], 3000)

    assert [one["id"] for one in found] == ["c", "d"]


def test_what_fits_is_untouched() -> None:
    messages = [message("a", text("x")), message("b", call("completed", output=1))]

    assert within_budget(messages, 10_000) == messages


def test_the_newest_is_there_however_large_and_is_clipped() -> None:
    small = message("a", text("x"))
    found = within_budget([small, message("b", text("👋" * 50_000))], 20_000)

    [part] = found[0]["parts"]
    assert [one["id"] for one in found] == ["b"]
    assert part["clipped"] is True
    assert part["content"] == "👋" * len(part["content"])
    assert len(part["content"]) > 1000
    assert size(found) < 20_000


def test_an_older_one_that_is_too_large_ends_it() -> None:
    messages = [message("a"), message("b", text("x" * 5000)), message("c")]

    assert [one["id"] for one in within_budget(messages, 1000)] == ["c"]


def test_what_is_still_open_stays_whole() -> None:
    streaming = text("y" * 3000, state="streaming")
    growing = call("streaming", arguments="z" * 3000, input=None)
    waiting = call("waiting", arguments="{}" * 1000, input={"a": "b" * 3000})
    closed = text("x" * 9000)
    [found] = within_budget([message("a", closed, streaming, growing, waiting)], 12_000)

    assert found["parts"][1:3] == [streaming, growing]
    assert found["parts"][3]["input"] == waiting["input"]
    assert found["parts"][0]["clipped"] is True


def test_a_settled_calls_values_go_and_its_short_ones_stay() -> None:
    settled = call(
        "completed", arguments="{}", input={"a": "b" * 9000}, output=["c" * 9000]
    )
    [found] = within_budget([message("a", settled)], 4000)

    assert found["parts"] == [
        {**settled, "input": None, "output": None, "clipped": True}
    ]


def test_hundreds_of_outputs_fit_too() -> None:
    parts = [call("completed", output="o" * 60_000) for _ in range(128)]

    assert size(within_budget([message("a", *parts)], 256_000)) <= 256_000 + 2


def test_the_form_of_a_question_goes_and_its_schema_stays() -> None:
    asked = {"id": "i", "schema": {"type": "object"}, "form": "<p>" * 5000}
    part = call("waiting", arguments="{}", input={}, interrupt=asked)
    [found] = within_budget([message("a", part)], 5_000)

    assert found["parts"][0]["interrupt"] == {**asked, "form": None}
    assert found["parts"][0]["clipped"] is True
