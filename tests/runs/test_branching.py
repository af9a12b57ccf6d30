from __future__ import annotations

from functools import partial
from uuid import UUID, uuid4

import pytest

from chatkit_app.access import AccessPolicy
from chatkit_app.engine.commands import Edit, Regenerate, Show
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import (
    ChatKitError,
    CommandConflict,
    InvalidCommand,
    MessageNotFound,
    NotAllowed,
    RateLimited,
    RunConflict,
    ThreadNotFound,
)
from chatkit_app.log.snapshot import take_snapshot
from chatkit_app.models import Event, Message, Run, Thread
from chatkit_app.runs.service import handle
from tests.runs.desk import (
    Outcome,
    a_command_id,
    a_visitor,
    assert_no_holes,
    cancel,
    carried,
    carry,
    fresh,
    log_of,
    retry,
    say,
    started,
    together,
    waiting_run,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]


def regenerate(viewer: Viewer, message: Message, *, name: str = "") -> Outcome:
    place = {"thread_id": message.thread_id, "message_id": message.pk}
    return handle(viewer, Regenerate(id=name or a_command_id(), tab="tab", **place))


def edit(viewer: Viewer, message: Message, text: str, *, name: str = "") -> Outcome:
    place = {"thread_id": message.thread_id, "message_id": message.pk}
    return handle(viewer, Edit(id=name or a_command_id(), text=text, **place))


def show(viewer: Viewer, message: Message, *, name: str = "") -> Outcome:
    place = {"thread_id": message.thread_id, "message_id": message.pk}
    return handle(viewer, Show(id=name or a_command_id(), **place))


def run_of(outcome: Outcome) -> Run:
    return Run.objects.get(pk=outcome["run"])


def texts(thread: UUID) -> list[str]:
    """What is shown, one text a message."""
    messages = take_snapshot(thread).content["messages"]
    return ["".join(part["content"] for part in m["parts"]) for m in messages]


def talked(viewer: Viewer) -> list[Run]:
    """Two turns."""
    first = carried(viewer, "say One.")
    return [first, carried(viewer, "say Two.", first.thread_id)]


# Another answer


def test_an_answer_that_is_regenerated_is_kept_beside_the_new_one() -> None:
    viewer = a_visitor()
    run = carried(viewer, "say Hello.")

    again = carry(run_of(regenerate(viewer, run.answer)))

    shown = take_snapshot(run.thread_id).content["messages"]
    both = [str(run.answer_id), str(again.answer_id)]
    assert [message["id"] for message in shown] == [str(run.prompt_id), both[1]]
    assert shown[1]["siblings"] == both
    assert shown[1]["parentId"] == str(run.prompt_id)
    assert Message.objects.get(pk=run.answer_id).is_shown is False
    assert_no_holes(run.thread_id)


def test_what_came_after_the_answer_is_hidden_with_it_the_last_first() -> None:
    viewer = a_visitor()
    first, second = talked(viewer)

    outcome = regenerate(viewer, first.answer)

    hidden = list(log_of(first.thread_id, "message.hidden"))
    ids = [str(second.answer_id), str(second.prompt_id), str(first.answer_id)]
    assert len(hidden) == 3
    assert all(pk in told for pk, told in zip(ids, hidden, strict=True))
    assert texts(first.thread_id) == ["say One.", ""]
    assert run_of(outcome).prompt_id == first.prompt_id


def test_the_new_answer_does_not_know_of_the_one_in_whose_place_it_is() -> None:
    viewer = a_visitor()
    first, second = talked(viewer)
    again = run_of(regenerate(viewer, second.answer))
    carry(again)

    assert texts(first.thread_id) == ["say One.", "One.", "say Two.", "Two."]


def test_a_run_that_waits_makes_way_for_another_answer() -> None:
    viewer = a_visitor()
    run, [call] = waiting_run(viewer)

    regenerate(viewer, run.answer)

    call.refresh_from_db()
    assert (fresh(run).status, call.error_code) == ("cancelled", "superseded")


def test_an_answer_that_is_being_written_is_not_regenerated() -> None:
    viewer = a_visitor()
    run = started(viewer, "say Hello.")

    with pytest.raises(RunConflict):
        regenerate(viewer, run.answer)
    assert Message.objects.filter(thread=run.thread_id).count() == 2


def test_a_visitor_s_message_is_not_regenerated_and_an_answer_is_not_edited() -> None:
    viewer = a_visitor()
    run = carried(viewer, "say Hello.")

    with pytest.raises(NotAllowed):
        regenerate(viewer, run.prompt)
    with pytest.raises(NotAllowed):
        edit(viewer, run.answer, "say Lies.")


def test_what_is_hidden_is_neither_regenerated_nor_edited() -> None:
    viewer = a_visitor()
    first, second = talked(viewer)
    edit(viewer, first.prompt, "say Other.")
    carry(Run.objects.order_by("created_at").last())

    for act in (
        partial(regenerate, viewer, second.answer),
        partial(edit, viewer, second.prompt, "say No."),
    ):
        with pytest.raises(NotAllowed):
            act()


def test_an_answer_is_regenerated_as_often_as_messages_may_be_sent(settings) -> None:
    settings.CHATKIT_MESSAGES_PER_MINUTE = 2
    viewer = a_visitor()
    run = carried(viewer, "say Hello.")
    again = carry(run_of(regenerate(viewer, run.answer)))

    with pytest.raises(RateLimited):
        regenerate(viewer, again.answer)


def test_after_a_retry_too_both_answers_are_siblings() -> None:
    viewer = a_visitor()
    failed = carried(viewer, "fail rejected")
    again = run_of(retry(viewer, failed))

    shown = take_snapshot(failed.thread_id).content["messages"]
    both = [str(failed.answer_id), str(again.answer_id)]
    assert shown[-1]["siblings"] == both


# Another question


def test_an_edited_message_is_kept_and_the_new_one_is_answered() -> None:
    viewer = a_visitor()
    first, second = talked(viewer)

    run = carry(run_of(edit(viewer, first.prompt, "say Other.")))

    assert texts(first.thread_id) == ["say Other.", "Other."]
    [prompt, _answer] = take_snapshot(first.thread_id).content["messages"]
    assert prompt["siblings"] == [str(first.prompt_id), str(run.prompt_id)]
    assert prompt["parentId"] is None
    assert Message.objects.filter(thread=first.thread_id).count() == 6
    second.prompt.refresh_from_db()
    assert second.prompt.text == "say Two."


def test_a_message_in_the_middle_keeps_what_came_before_it() -> None:
    viewer = a_visitor()
    first, second = talked(viewer)

    run = carry(run_of(edit(viewer, second.prompt, "say Three.")))

    assert texts(first.thread_id) == ["say One.", "One.", "say Three.", "Three."]
    assert run.prompt.parent_id == first.answer_id


def long_thread(viewer: Viewer, length: int) -> list[Message]:
    """Its messages, the first one and what was said below it."""
    first = carried(viewer, "say One.").prompt
    rows = [Message.objects.get(thread=first.thread_id, depth=1)]
    for depth in range(2, length):
        role = ("user", "assistant")[depth % 2]
        row = Message(thread_id=first.thread_id, parent=rows[-1], depth=depth)
        row.role, row.status = role, "complete"
        rows.append(row)
    Message.objects.bulk_create(rows[1:])
    return [first, *rows]


def test_an_edit_high_up_in_a_long_thread_tells_little_and_can_be_taken_back(
    django_assert_max_num_queries,
) -> None:
    viewer = a_visitor()
    messages = long_thread(viewer, 1200)
    thread = messages[0].thread_id
    before = Event.objects.filter(thread=thread).count()

    carry(run_of(edit(viewer, messages[0], "say Other.")))

    assert texts(thread) == ["say Other.", "Other."]
    assert len(list(log_of(thread, "message.hidden"))) == 0
    assert Event.objects.filter(thread=thread).count() < before + 20
    with django_assert_max_num_queries(30):
        show(viewer, messages[-1])
    shown = Message.objects.filter(thread=thread, is_shown=True).order_by("depth")
    assert list(shown) == messages
    assert_no_holes(thread)


@pytest.mark.parametrize("text", ["", "  \n", "x" * 32_001], ids=["", "blank", "long"])
def test_an_edit_to_nothing_or_to_too_much_is_refused(text: str) -> None:
    viewer = a_visitor()
    run = carried(viewer, "say Hello.")

    with pytest.raises(InvalidCommand):
        edit(viewer, run.prompt, text)
    assert texts(run.thread_id) == ["say Hello.", "Hello."]


def test_the_same_edit_again_is_done_once_and_another_one_is_a_conflict() -> None:
    viewer = a_visitor()
    run = carried(viewer, "say Hello.")

    first = edit(viewer, run.prompt, "say Once.", name="same")

    assert edit(viewer, run.prompt, "say Once.", name="same") == first
    with pytest.raises(CommandConflict):
        edit(viewer, run.prompt, "say Twice.", name="same")
    assert Run.objects.count() == 2


# Which of them is shown


def test_another_branch_is_shown_with_what_was_said_there_last() -> None:
    viewer = a_visitor()
    first, second = talked(viewer)
    other = carry(run_of(edit(viewer, first.prompt, "say Other.")))

    show(viewer, first.prompt)
    assert texts(first.thread_id) == ["say One.", "One.", "say Two.", "Two."]
    show(viewer, other.prompt)
    assert texts(first.thread_id) == ["say Other.", "Other."]
    show(viewer, second.answer)
    assert texts(first.thread_id) == ["say One.", "One.", "say Two.", "Two."]


def test_of_several_below_a_message_the_newest_is_shown() -> None:
    viewer = a_visitor()
    first = carried(viewer, "say One.")
    again = carry(run_of(regenerate(viewer, first.answer)))
    edited = carry(run_of(edit(viewer, first.prompt, "say Other.")))

    show(viewer, first.prompt)

    shown = take_snapshot(first.thread_id).content["messages"]
    assert [message["id"] for message in shown][-1] == str(again.answer_id)
    assert edited.answer_id != again.answer_id


def test_the_next_message_goes_on_in_the_branch_that_is_shown() -> None:
    viewer = a_visitor()
    first, second = talked(viewer)
    carry(run_of(edit(viewer, first.prompt, "say Other.")))
    show(viewer, second.answer)

    third = carried(viewer, "say Three.", first.thread_id)

    assert third.prompt.parent_id == second.answer_id
    assert texts(first.thread_id)[-2:] == ["say Three.", "Three."]


def test_the_run_that_is_told_is_the_newest_of_what_is_shown() -> None:
    viewer = a_visitor()
    first = carried(viewer, "say One.")
    failed = carry(run_of(edit(viewer, first.prompt, "fail rejected")))
    assert take_snapshot(first.thread_id).content["run"]["status"] == "failed"

    show(viewer, first.prompt)

    assert take_snapshot(first.thread_id).content["run"]["id"] == str(first.pk)
    with pytest.raises(NotAllowed):
        retry(viewer, failed)


def test_what_is_shown_already_stays_and_tells_nobody() -> None:
    viewer = a_visitor()
    run = carried(viewer, "say Hello.")
    before = Event.objects.count()

    show(viewer, run.answer)

    assert Event.objects.count() == before


def test_no_other_branch_is_shown_while_an_answer_is_written() -> None:
    viewer = a_visitor()
    run = carried(viewer, "say Hello.")
    regenerate(viewer, run.answer)

    with pytest.raises(RunConflict):
        show(viewer, run.answer)


# Whose it is


def test_another_owner_s_message_is_as_good_as_missing() -> None:
    run = carried(a_visitor(), "say Hello.")
    stranger = a_visitor()

    for act in (
        partial(regenerate, stranger, run.answer),
        partial(edit, stranger, run.prompt, "say Mine."),
        partial(show, stranger, run.prompt),
    ):
        with pytest.raises(ThreadNotFound):
            act()
    assert Message.objects.count() == 2


def test_a_message_of_another_thread_is_not_in_this_one() -> None:
    viewer = a_visitor()
    here, there = carried(viewer, "say Here."), carried(viewer, "say There.")
    place = {"thread_id": here.thread_id, "message_id": there.answer_id}

    for command in (
        Regenerate(id="1", **place),
        Edit(id="2", text="say No.", **place),
        Show(id="3", **place),
        Show(id="4", thread_id=here.thread_id, message_id=uuid4()),
    ):
        with pytest.raises(MessageNotFound):
            handle(viewer, command)


def test_an_archived_thread_is_shown_in_another_way_but_not_written_to() -> None:
    viewer = a_visitor()
    run = carried(viewer, "say Hello.")
    again = carry(run_of(regenerate(viewer, run.answer)))
    Thread.objects.update(status="archived")

    show(viewer, run.answer)
    with pytest.raises(NotAllowed):
        regenerate(viewer, run.answer)
    assert again.answer_id != run.answer_id


class ReadOnly(AccessPolicy):
    """Everybody may read their threads, and nothing else."""

    def can(self, viewer, action, thread=None):
        return action == "read"


def test_who_may_only_read_writes_nothing(settings) -> None:
    viewer = a_visitor()
    run = carried(viewer, "say Hello.")
    settings.CHATKIT_ACCESS_POLICY = f"{__name__}.{ReadOnly.__name__}"

    for act in (
        partial(say, viewer, "say More.", run.thread_id),
        partial(regenerate, viewer, run.answer),
        partial(edit, viewer, run.prompt, "say No."),
        partial(show, viewer, run.prompt),
        partial(cancel, viewer, run),
    ):
        with pytest.raises(NotAllowed):
            act()


# At the same instant


def test_of_two_other_answers_at_once_one_is_written() -> None:
    viewer = a_visitor()
    run = carried(viewer, "say Hello.")

    found = together([partial(regenerate, viewer, run.answer)] * 2)

    refused = [each for each in found if isinstance(each, ChatKitError)]
    assert len(refused) == 1
    assert Run.objects.filter(thread=run.thread_id, status="queued").count() == 1
    assert_one_path(run.thread_id)


def test_an_edit_a_message_and_another_branch_at_once_leave_one_path() -> None:
    viewer = a_visitor()
    first, second = talked(viewer)
    carry(run_of(edit(viewer, second.prompt, "say Other.")))

    together(
        [
            partial(show, viewer, second.answer),
            partial(edit, viewer, first.prompt, "say New."),
            partial(say, viewer, "say More.", first.thread_id),
        ]
    )

    assert_one_path(first.thread_id)
    assert_no_holes(first.thread_id)


def assert_one_path(thread: UUID) -> None:
    """What is shown is one path from the beginning, each below the one before it."""
    shown = list(Message.objects.filter(thread=thread, is_shown=True).order_by("depth"))
    assert [message.depth for message in shown] == list(range(len(shown)))
    parents = [message.parent_id for message in shown]
    assert parents == [None, *(message.pk for message in shown[:-1])]
