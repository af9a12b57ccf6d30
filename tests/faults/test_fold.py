"""The harness's own fold: it notices text that was lost, doubled or changed on its way."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.fold import Fold, Json, Unfit, difference
from tests.faults.telling import call_ended, fresh_fold, good_events


def folded(events: list[Json]) -> Fold:
    fold = fresh_fold()
    for event in events:
        fold.apply(event)
    return fold


def changed(kind: str, **fields: Any) -> list[Json]:
    """The good events, the last one of this type with other fields."""
    events = good_events()
    place = max(n for n, event in enumerate(events) if event["type"] == kind)
    events[place] = {**events[place], **fields}
    return events


def test_good_events_become_messages_in_order() -> None:
    fold = folded(good_events())

    assert [message["role"] for message in fold.messages] == ["user", "assistant"]
    kinds = [part["type"] for part in fold.messages[1]["parts"]]
    assert kinds == ["text", "tool-call", "tool-result", "text"]


@pytest.mark.parametrize(
    "events",
    [
        changed("part.delta", offset=0),
        changed("part.delta", delta="other"),
        changed("part.ended", length=1),
        changed("part.ended", digest="00"),
        changed("part.ended", partId="unknown"),
        [*good_events(), call_ended("again", 9)],
    ],
)
def test_what_does_not_fit_is_refused(events: list[Json]) -> None:
    with pytest.raises(Unfit):
        folded(events)


def test_an_unknown_event_is_skipped() -> None:
    events = good_events()

    with_news = folded([*events, {"type": "something.new"}])

    assert with_news.copy() == folded(events).copy()


def test_a_voided_step_is_taken_back_with_all_its_parts() -> None:
    fold = folded([*good_events(), {"type": "step.voided", "stepId": "step-0"}])

    steps = {part["stepId"] for part in fold.messages[1]["parts"]}
    assert steps == {"step-1"}


def test_a_difference_is_named_by_its_place() -> None:
    one, other = {"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}

    assert difference(one, one) == ""
    assert difference(one, other) == ".a[1].b: 2 and 3"
