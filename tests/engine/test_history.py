from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatkit_app.engine.history import TOKENS_PER_PART, estimate_tokens, fit, turns
from chatkit_app.engine.messages import (
    FilePart,
    Message,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from chatkit_app.engine.states import Role
from tests.engine.drive import assistant_says, unhurried, user_says

TURN = [user_says("q" * 35), assistant_says("a" * 35)]
TURN_TOKENS = 2 * (TOKENS_PER_PART + 10)


def test_a_turn_is_what_a_person_said_and_all_that_was_answered() -> None:
    first, second = user_says("1"), user_says("2")
    answer, more = assistant_says("a"), assistant_says("b")

    assert turns([first, answer, more, second]) == [[first, answer, more], [second]]


def test_what_the_assistant_says_first_is_a_turn_too() -> None:
    greeting, question = assistant_says("Welcome"), user_says("Hi")

    assert turns([greeting, question]) == [[greeting], [question]]


def test_a_history_that_fits_is_told_whole() -> None:
    assert fit(TURN * 3, 3 * TURN_TOKENS) == tuple(TURN * 3)


def test_one_token_too_few_leaves_out_the_whole_oldest_turn() -> None:
    oldest = [user_says("o" * 35), assistant_says("o" * 35)]

    assert fit([*oldest, *TURN, *TURN], 3 * TURN_TOKENS - 1) == tuple(TURN * 2)


def test_the_last_turn_stays_however_long_it_is() -> None:
    assert fit([*TURN, *TURN], 0) == tuple(TURN)


def test_an_older_turn_that_would_fit_is_not_told_after_one_that_does_not() -> None:
    long = [user_says("x" * 10_000)]

    assert fit([*TURN, *long, *TURN], 2 * TURN_TOKENS) == tuple(TURN)


def test_no_history_is_no_messages() -> None:
    assert fit([], 100) == ()


@pytest.mark.parametrize(
    "part",
    [
        TextPart(text="x" * 350),
        ReasoningPart(text="x" * 350),
        ToolCallPart(id="c", name="x" * 50, arguments="x" * 300),
        ToolResultPart(tool_call_id="c", name="n", content="x" * 350),
    ],
    ids=lambda part: type(part).__name__,
)
def test_each_kind_of_part_is_counted(part) -> None:
    message = Message(role=Role.ASSISTANT, parts=(part,))

    assert estimate_tokens(message) == TOKENS_PER_PART + 100


def test_other_scripts_cost_more_a_character() -> None:
    assert estimate_tokens(user_says("你" * 100)) > estimate_tokens(
        user_says("n" * 100)
    )


@unhurried
@given(
    st.lists(st.tuples(st.sampled_from(Role), st.text(max_size=80)), max_size=12),
    st.integers(0, 200),
)
def test_what_is_kept_is_the_end_of_the_history_and_begins_with_a_turn(
    said, budget
) -> None:
    messages = [Message(role=role, parts=(TextPart(text=text),)) for role, text in said]
    kept = fit(messages, budget)

    assert kept == tuple(messages[len(messages) - len(kept) :])
    assert turns(kept) == turns(messages)[len(turns(messages)) - len(turns(kept)) :]
    assert bool(kept) == bool(messages)


def tokens_of(media_type: str, size: int) -> int:
    file = FilePart(name="a", media_type=media_type, size=size)
    return estimate_tokens(Message(role=Role.USER, parts=(file,))) - TOKENS_PER_PART


def test_a_file_counts_before_anybody_has_read_it() -> None:
    assert tokens_of("image/png", 5_000_000) == tokens_of("image/png", 10) > 1_000
    assert tokens_of("text/plain", 350) == 100
    assert tokens_of("text/plain", 10**8) < 20_000
    assert tokens_of("application/pdf", 8_000) == 1_000
    assert tokens_of("application/pdf", 10**8) <= 50_000
