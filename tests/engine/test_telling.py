"""What open calls tell of themselves."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any
from uuid import UUID

import pytest

from chatkit_app.engine import events, telling
from chatkit_app.engine.telling import JSON_BYTES, Telling, Voice
from tests.engine.drive import SOON, only

ONE, TWO = UUID(int=1), UUID(int=2)


@pytest.fixture
def voice() -> Voice:
    return Voice(ONE, tab="tab-1")


def shown(voice: Voice) -> list[Any]:
    return list(voice.take())


def effects_of(found: list[Any]) -> list[tuple[str, object]]:
    return [(event.name, event.data) for event in only(found, events.EffectTold)]


async def taken(of: Telling) -> list[Any]:
    async with asyncio.timeout(SOON):
        await of.wait()
    return list(of.take())


async def test_what_was_taken_is_not_new_any_more() -> None:
    told = Telling()
    told.teller(ONE).progress("a", None)

    assert [event.text for event in await taken(told)] == ["a"]
    assert told.take() == told.end(ONE) == []


async def test_what_an_ended_call_still_tells_is_not_heard() -> None:
    told = Telling()
    late, other = told.teller(ONE), told.teller(TWO)
    late.progress("before", None)
    last: Any = told.end(ONE)[0]
    late.progress("after", None)
    late.effect("after", None)
    other.progress("going on", None)

    assert last.text == "before"
    assert [event.text for event in await taken(told)] == ["going on"]


def test_the_newest_of_each_kind_comes_together(voice: Voice) -> None:
    voice.progress("half", 0.5)
    voice.notice("warning", "Stock", "Only two are left.")
    voice.preliminary({"found": [1]})
    voice.progress("more", 0.75)

    [told] = shown(voice)
    voice.preliminary({"found": [1, 2]})
    later: Any = voice.end()[0]

    assert told == events.ToolCallProgressed(
        tool_call_id=str(ONE),
        text="more",
        fraction=0.75,
        preliminary={"found": [1]},
        notice=events.Notice(level="warning", title="Stock", text="Only two are left."),
    )
    assert (later.text, later.notice) == ("more", told.notice)
    assert later.preliminary == {"found": [1, 2]}


async def test_a_call_is_shown_at_its_pace_and_the_others_do_not_hurry_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(telling, "PROGRESS_SECONDS", 30.0)
    told = Telling()
    told.teller(ONE).progress("first", None)
    seen = await taken(told)
    told.teller(ONE).progress("second", None)
    told.teller(TWO).progress("other", None)
    seen += await taken(told)

    assert [event.text for event in seen] == ["first", "other"]
    assert [event.text for event in list[Any](told.end(ONE))] == ["second"]


async def test_what_came_too_early_is_shown_when_its_time_has_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(telling, "PROGRESS_SECONDS", 0.02)
    told = Telling()
    told.teller(ONE).progress("first", None)
    began = time.monotonic()
    seen = await taken(told)
    told.teller(ONE).progress("second", None)
    seen += told.take()
    seen += await taken(told)

    assert [event.text for event in seen] == ["first", "second"]
    assert time.monotonic() - began >= 0.02


async def test_other_threads_are_heard() -> None:
    told = Telling()
    teller = told.teller(ONE)
    thread = threading.Thread(target=teller.progress, args=("from afar", 1.0))
    thread.start()
    found = await taken(told)
    thread.join()

    assert [(event.text, event.fraction) for event in found] == [("from afar", 1.0)]


def test_a_tool_that_outlives_its_loop_tells_nobody() -> None:
    async def begin() -> Telling:
        return Telling()

    told = asyncio.run(begin())
    told.teller(ONE).progress("is anybody there?", None)

    assert [event.text for event in list[Any](told.end(ONE))] == ["is anybody there?"]


def test_effects_are_all_kept_in_order_with_the_page_they_are_for(
    voice: Voice,
) -> None:
    for number in range(3):
        voice.effect("cart.refresh", {"number": number})
    found = shown(voice)

    assert effects_of(found) == [("cart.refresh", {"number": n}) for n in range(3)]
    assert {event.tab for event in found} == {"tab-1"}


def test_of_effects_without_end_some_are_left_out_and_the_log_says_so_once(
    voice: Voice, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(telling, "EFFECTS_PER_CALL", 10)
    for number in range(15):
        voice.effect("blink", number)

    assert [data for _, data in effects_of(voice.take())] == list(range(10))
    assert len(caplog.records) == 1


def test_effects_come_at_most_so_many_a_second(voice: Voice) -> None:
    for _ in range(50):
        voice.effect("blink", None)

    assert len(voice.take()) == telling.EFFECTS_PER_SECOND


@pytest.mark.parametrize("name", ["", "two words", "x" * 65, "<b>", "a\n"])
def test_an_effect_s_name_is_plain(voice: Voice, name: str) -> None:
    with pytest.raises(ValueError, match="no effect's name"):
        voice.effect(name, None)


def test_a_notice_has_a_level_that_pages_know(voice: Voice) -> None:
    with pytest.raises(ValueError, match="info, warning, danger"):
        voice.notice("loud", "", "Hello")


@pytest.mark.parametrize(
    "value", ["x" * JSON_BYTES, object(), {"a": {1, 2}}], ids=["large", "odd", "inner"]
)
def test_what_is_too_large_or_no_json_is_left_out_with_one_line_in_the_log(
    voice: Voice, value: object, caplog: pytest.LogCaptureFixture
) -> None:
    voice.preliminary("small")
    for _ in range(2):
        voice.preliminary(value)  # type: ignore[arg-type]
        voice.effect("show", value)  # type: ignore[arg-type]
    [told] = shown(voice)

    assert told.preliminary == "small"
    assert len(caplog.records) == 2


def test_what_the_tool_changes_afterwards_is_not_told(voice: Voice) -> None:
    rows = [1]
    voice.preliminary(rows)  # type: ignore[arg-type]
    rows.append(2)
    [told] = shown(voice)

    assert told.preliminary == [1]


def test_words_are_sound_and_bounded(voice: Voice) -> None:
    voice.progress("\0\ud83d" + "x" * 1000, float("nan"))
    voice.notice("info", "\0t" * 1000, "n" * 2000)
    [told] = shown(voice)

    assert (told.text, told.fraction) == ("\ufffd" + "x" * 299, None)
    assert told.notice is not None
    assert (told.notice.title, len(told.notice.text)) == ("t" * 300, 1000)


def test_another_process_goes_on_from_what_was_told_before(voice: Voice) -> None:
    voice.resume(
        {
            "text": "half",
            "fraction": 0.5,
            "preliminary": [1],
            "notice": {"level": "danger", "title": "", "text": "Hot!"},
        }
    )
    nothing_yet = voice.take()
    voice.preliminary([1, 2])
    [told] = shown(voice)

    assert nothing_yet == []
    assert (told.text, told.fraction, told.preliminary) == ("half", 0.5, [1, 2])
    assert told.notice == events.Notice(level="danger", text="Hot!")
