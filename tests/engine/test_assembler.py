from __future__ import annotations

import hashlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatkit_app.engine import events
from chatkit_app.engine.assembler import (
    DELTA_UNITS,
    STEP_CALLS,
    STEP_UNITS,
    Assembler,
    part_ended,
    sound,
    sound_json,
    split,
    utf16_length,
)
from chatkit_app.engine.messages import ProviderData
from chatkit_app.engine.provider import PartDelta, PartEnded, PartStarted
from chatkit_app.engine.redacting import Redaction
from chatkit_app.engine.states import FinishReason, PartKind, PartState
from chatkit_app.exceptions import ProviderError, ProviderUnavailable
from chatkit_app.redactors import RegexRedactor
from tests.engine.drive import ids, only, unhurried

WAVE = "👋"
HIGH, LOW = "\ud83d", "\udc4b"

ANY_TEXT = st.text(
    st.one_of(
        st.characters(codec="utf-8"),
        st.characters(categories=["Cs"]),
        st.sampled_from(["\0", WAVE, HIGH, LOW, "a"]),
    ),
    max_size=30,
)


def make(next_index: int = 0) -> Assembler:
    return Assembler(
        message_id="message", step_id="step", next_index=next_index, new_id=ids()
    )


def text_started(key: str = "a") -> PartStarted:
    return PartStarted(key=key, kind=PartKind.TEXT)


def call_started(key: str, name: str = "add") -> PartStarted:
    return PartStarted(
        key=key, kind=PartKind.TOOL_CALL, provider_call_id=f"call_{key}", name=name
    )


def feed(assembler: Assembler, *found) -> list[events.AnyEvent]:
    return [event for one in found for event in assembler.feed(one)]


def stream(*deltas: str) -> list[events.AnyEvent]:
    """One text part in these deltas."""
    return feed(
        make(),
        text_started(),
        *(PartDelta(key="a", delta=delta) for delta in deltas),
        PartEnded(key="a"),
    )


def text_of(found: list[events.AnyEvent]) -> str:
    return "".join(event.delta for event in only(found, events.PartDelta))


def offsets(found: list[events.AnyEvent]) -> list[int]:
    return [event.offset for event in only(found, events.PartDelta)]


def test_a_part_is_started_grown_and_ended() -> None:
    started, first, second, ended = stream("Hello ", "you")

    assert (started.message_id, started.step_id) == ("message", "step")
    assert started.kind is PartKind.TEXT
    assert [first.delta, second.delta] == ["Hello ", "you"]
    assert ended.text == "Hello you"
    assert {e.part_id for e in (started, first, second, ended)} == {started.part_id}


def test_offsets_count_as_a_browser_does() -> None:
    found = stream("a" + WAVE, "ü", "end")

    assert offsets(found) == [0, 3, 4]
    assert found[-1].length == 7


def test_a_pair_that_is_cut_between_deltas_is_joined() -> None:
    found = stream("a" + HIGH, LOW + "b")

    assert [event.delta for event in only(found, events.PartDelta)] == ["a", WAVE + "b"]
    assert offsets(found) == [0, 1]


def test_a_delta_that_is_half_a_pair_says_nothing_yet() -> None:
    found = stream(HIGH, LOW)

    assert [event.delta for event in only(found, events.PartDelta)] == [WAVE]


def test_nul_goes_and_lone_surrogates_are_replaced() -> None:
    assert text_of(stream("a\0b", LOW + "c", HIGH, "d")) == "ab\ufffdc\ufffdd"


def test_a_delta_of_nothing_is_no_event() -> None:
    assert offsets(stream("", "\0", "a")) == [0]


def test_the_digest_is_of_the_text_in_utf8() -> None:
    ended = stream("grüße ", WAVE)[-1]

    assert ended.digest == hashlib.sha256(f"grüße {WAVE}".encode()).hexdigest()


@unhurried
@given(ANY_TEXT, st.data())
def test_however_a_text_is_cut_the_same_arrives(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=8)))
    edges = [0, *cuts, len(text)]
    found = stream(*(text[begin:end] for begin, end in pairwise(edges)))
    whole, ended = text_of(found), found[-1]

    assert whole == text_of(stream(text))
    # Half a pair at the very end says nothing; all else is the sound text.
    assert whole == sound(text[:-1] if "\ud800" <= text[-1:] <= "\udbff" else text)
    assert ended.text == whole
    assert ended.length == utf16_length(whole)
    assert ended.digest == hashlib.sha256(whole.encode()).hexdigest()
    reached = 0
    for delta in only(found, events.PartDelta):
        assert delta.offset == reached
        reached += len(delta.delta.encode("utf-16-le")) // 2
    assert reached == ended.length


@unhurried
@given(ANY_TEXT)
def test_sound_text_stays_as_it_is(text: str) -> None:
    once = sound(text)

    assert once.encode().decode() == once
    assert "\0" not in once
    assert sound(once) == once


@unhurried
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_text_without_faults_is_untouched(text: str) -> None:
    assert sound(text) == text


def test_json_is_made_sound_in_its_keys_and_depths() -> None:
    assert sound_json({"a\0": [HIGH, {"b": LOW + "\0"}, 1, None, True]}) == {
        "a": ["\ufffd", {"b": "\ufffd"}, 1, None, True]
    }


def test_parts_may_be_open_at_once() -> None:
    found = feed(
        make(),
        text_started("a"),
        call_started("b"),
        PartDelta(key="b", delta="{"),
        PartDelta(key="a", delta="one "),
        PartDelta(key="b", delta="}"),
        PartDelta(key="a", delta="two"),
        PartEnded(key="b"),
        PartEnded(key="a"),
    )

    assert [e.text for e in only(found, events.PartEnded)] == ["{}", "one two"]
    assert [e.index for e in only(found, events.PartStarted)] == [0, 1]


def test_parts_are_counted_on_from_where_the_message_stands() -> None:
    assembler = make(next_index=4)
    found = feed(assembler, text_started("a"), call_started("b"))

    assert [event.index for event in found] == [4, 5]
    assert assembler.next_index == 6


def test_calls_are_kept_in_the_order_in_which_the_model_asked() -> None:
    assembler = make()
    found = feed(
        assembler,
        call_started("x", "first"),
        text_started("t"),
        call_started("y", "second"),
        PartEnded(key="y"),
        PartEnded(key="x"),
    )

    assert [call.name for call in assembler.calls] == ["first", "second"]
    started = [e for e in only(found, events.PartStarted) if e.tool_call_id]
    assert [event.tool_call_index for event in started] == [0, 1]


def test_only_a_call_has_the_id_and_the_name_of_one() -> None:
    text, called = feed(make(), text_started("a"), call_started("b", "add"))

    assert (text.tool_call_id, text.tool_call_name) == (None, None)
    assert called.tool_call_name == "add"
    assert called.tool_call_id not in (None, called.part_id)
    assert called.provider_call_id == "call_b"


def test_a_name_from_the_model_is_made_sound_and_bounded() -> None:
    [called] = feed(make(), call_started("b", "a\0" + HIGH + "x" * 500))

    assert called.tool_call_name == "a\ufffd" + "x" * 198


def test_a_key_may_come_again_once_its_part_has_ended() -> None:
    found = feed(
        make(), text_started(), PartEnded(key="a"), text_started(), PartEnded(key="a")
    )

    assert len({event.part_id for event in found}) == 2


@pytest.mark.parametrize(
    "broken",
    [
        [PartDelta(key="a", delta="x")],
        [PartEnded(key="a")],
        [text_started(), text_started()],
        [text_started(), PartEnded(key="a"), PartDelta(key="a", delta="x")],
    ],
    ids=["delta of nothing", "end of nothing", "started twice", "delta after the end"],
)
def test_a_stream_that_is_out_of_order_is_a_broken_one(broken) -> None:
    with pytest.raises(ProviderUnavailable):
        feed(make(), *broken)


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        (FinishReason.LENGTH, PartState.INTERRUPTED),
        (FinishReason.CONTENT_FILTER, PartState.INTERRUPTED),
        (FinishReason.STOP, PartState.COMPLETE),
        (FinishReason.TOOL_CALLS, PartState.COMPLETE),
    ],
)
def test_what_is_open_at_the_finish_is_cut_where_the_model_was_stopped(
    reason, state
) -> None:
    assembler = make()
    feed(assembler, text_started(), PartDelta(key="a", delta="half"))
    [ended] = assembler.finish(reason)

    assert (ended.state, ended.text) == (state, "half")


def test_what_had_ended_before_the_model_was_stopped_is_whole() -> None:
    assembler = make()
    feed(assembler, call_started("a"), PartEnded(key="a"), call_started("b"))
    list(assembler.finish(FinishReason.LENGTH))

    assert [call.is_cut for call in assembler.calls] == [False, True]


def test_what_the_provider_wants_back_goes_to_the_row() -> None:
    data = ProviderData(provider="openai", data={"id": "rs_1"})
    found = feed(make(), text_started(), PartEnded(key="a", provider_data=data))

    assert found[-1].provider_data == data


def test_it_is_made_sound_on_the_way() -> None:
    data = ProviderData(provider="openai", data={"id\0": [HIGH, float("nan"), 0.5]})
    found = feed(make(), text_started(), PartEnded(key="a", provider_data=data))

    assert found[-1].provider_data.data == {"id": ["\ufffd", None, 0.5]}


@unhurried
@given(ANY_TEXT.map(sound), st.integers(2, 7))
def test_a_text_is_split_between_characters(text: str, units: int) -> None:
    pieces = list(split(text, units))

    assert "".join(pieces) == text
    assert all(0 < utf16_length(piece) <= units for piece in pieces)


def test_a_huge_delta_becomes_events_of_a_frames_size() -> None:
    found = stream(WAVE * DELTA_UNITS)
    deltas = only(found, events.PartDelta)

    assert [utf16_length(event.delta) for event in deltas] == [DELTA_UNITS] * 2
    assert offsets(found) == [0, DELTA_UNITS]
    assert found[-1].length == 2 * DELTA_UNITS


def test_a_step_may_say_so_much_in_all_its_parts_and_no_more() -> None:
    assembler = make()
    half = "x" * (STEP_UNITS // 2)
    feed(
        assembler,
        text_started("a"),
        text_started("b"),
        PartDelta(key="a", delta=half),
        PartDelta(key="b", delta=half),
    )

    with pytest.raises(ProviderError) as caught:
        feed(assembler, PartDelta(key="b", delta="x"))
    assert not caught.value.retryable


def test_a_step_may_ask_for_so_many_calls_and_no_more() -> None:
    assembler = make()
    feed(assembler, *(call_started(f"{n}") for n in range(STEP_CALLS)))

    feed(assembler, text_started("text"))
    with pytest.raises(ProviderError):
        feed(assembler, call_started("more"))


def test_the_end_of_an_interrupted_part_measures_its_text() -> None:
    ended = part_ended("p", WAVE + "a", PartState.INTERRUPTED)

    assert (ended.length, ended.state) == (3, PartState.INTERRUPTED)


# What a redactor holds back


def redacted(*deltas: str) -> list[events.AnyEvent]:
    assembler = Assembler(
        message_id="message",
        step_id="step",
        next_index=0,
        new_id=ids(),
        redaction=Redaction(RegexRedactor),
    )
    given = [PartDelta(key="a", delta=delta) for delta in deltas]
    found = feed(assembler, text_started(), *given)
    return [*found, *assembler.finish(FinishReason.STOP)]


def test_what_is_held_back_is_told_when_the_part_ends() -> None:
    found = redacted("Call 5500 0000", " 0000 0004 ", f"or ann@exam{HIGH}", f"{LOW}ple")

    *_, end = found
    assert text_of(found) == f"Call [card] or ann@exam{WAVE}ple"
    assert isinstance(end, events.PartEnded)
    assert end.text == text_of(found)
    assert end.length == utf16_length(end.text)


def test_offsets_count_what_is_told_and_not_what_was_said() -> None:
    found = redacted("5500000000000004 and ", "more ", "words")

    assert offsets(found) == [0, len("[card] and "), len("[card] and more ")]


def test_the_name_of_a_call_is_redacted_too() -> None:
    assembler = Assembler(
        message_id="message",
        step_id="step",
        next_index=0,
        new_id=ids(),
        redaction=Redaction(RegexRedactor),
    )

    [begun] = feed(assembler, call_started("c", "5500000000000004"))

    assert isinstance(begun, events.PartStarted)
    assert begun.tool_call_name == "[card]"
