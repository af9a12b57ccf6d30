from __future__ import annotations

import json
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission

from chatkit_app.access import AccessPolicy, Action
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import NotAllowed, ThreadNotFound
from chatkit_app.models import AccessLog, Feedback, Message, Part, Thread
from chatkit_app.threads import export
from chatkit_app.threads.export import Export, as_json
from tests.history_rows import NOON, Turn, add_turns, make_thread
from tests.threads.owned_rows import fill, viewer_of

pytestmark = pytest.mark.django_db

MARK = "m4rk"


class Nothing(AccessPolicy):
    """A site whose threads stay where they are."""

    def can(self, viewer, action, thread=None) -> bool:
        return action is not Action.EXPORT and super().can(viewer, action, thread)


class Sealed(AccessPolicy):
    """Of a site some threads are shown to nobody, and some may not be taken along."""

    def get_queryset(self, viewer):
        return super().get_queryset(viewer).exclude(title="hidden")

    def can(self, viewer, action, thread=None) -> bool:
        if thread is not None and thread.title == "kept" and action is Action.EXPORT:
            return False
        return super().can(viewer, action, thread)


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)


@pytest.fixture
def ann():
    user = get_user_model()
    return user.objects.create_user("ann", first_name="Ann", last_name="Lee")


@pytest.fixture
def sam():
    user = get_user_model()
    return user.objects.create_user("sam", first_name="Sam", is_staff=True)


def read(found: Export) -> dict:
    return json.loads("".join(as_json(found)))


def whole(thread: Thread) -> dict:
    [told] = read(Export(threads=[thread.pk], at=NOON))["threads"]
    return told


def test_a_thread_is_told_with_everything_in_it(ann) -> None:
    thread = fill(ann, MARK, turns=1)

    found = read(export.of_thread(Viewer(user=ann), thread.pk))

    assert (found["format"], found["version"]) == ("chatkit-export", 1)
    assert found["usage"] == []
    [told] = found["threads"]
    assert told["title"] == f"{MARK} title"
    assert told["metadata"] == {"note": MARK}
    question, answer = told["messages"]
    assert question["parts"][0]["text"] == f"{MARK} question 0"
    kinds = [part["type"] for part in answer["parts"]]
    assert kinds == ["reasoning", "tool-call", "tool-result", "text", "file"]
    call = answer["parts"][1]
    assert (call["name"], call["output"], call["error"]) == ("refund", MARK, None)
    assert call["arguments"] == f'{{"for": "{MARK}"}}'
    [asked] = call["asked"]
    assert (asked["message"], asked["answer"]) == (MARK, {"text": MARK})
    assert answer["parts"][2]["toolCallId"] == call["toolCallId"]
    assert answer["feedback"]["comment"] == f"{MARK} comment"
    assert answer["run"]["inputTokens"] == 1204
    [file] = found["files"]
    assert answer["parts"][4]["file"] == file["id"]
    assert (file["name"], file["threadId"]) == (f"{MARK}.txt", str(thread.pk))


def test_all_of_an_owner_s_is_told_and_nothing_of_another_s(ann, sam) -> None:
    mine = [fill(ann, MARK) for _ in range(2)]
    Thread.objects.filter(pk=mine[0].pk).update(deleted_at=NOON, pinned_at=NOON)
    fill(sam, "0ther5")

    text = "".join(as_json(export.of_own(Viewer(user=ann))))
    found = json.loads(text)

    assert [told["id"] for told in found["threads"]] == [str(t.pk) for t in mine]
    assert found["threads"][0]["deletedAt"] == "2026-03-01T12:00:00Z"
    assert found["threads"][0]["pinnedAt"] == "2026-03-01T12:00:00Z"
    assert found["threads"][1]["pinnedAt"] is None
    assert [file["sent"] for file in found["files"]] == [True, False, True, False]
    assert [row["messages"] for row in found["usage"]] == [2, 2]
    assert "0ther5" not in text


def test_every_branch_is_told_each_message_after_the_one_it_follows(ann) -> None:
    thread = make_thread(ann)
    question, first = add_turns(thread, 1)
    Message.objects.filter(pk=first.pk).update(is_shown=False)
    second = Message.objects.create(
        thread=thread, parent=question, depth=1, role="assistant", status="complete"
    )

    told = whole(thread)["messages"]

    assert [(row["id"], row["parentId"], row["isShown"]) for row in told] == [
        (str(question.pk), None, True),
        (str(first.pk), str(question.pk), False),
        (str(second.pk), str(question.pk), True),
    ]


def test_who_has_approved_is_told_by_the_name_that_visitors_read(ann, sam) -> None:
    thread = make_thread(ann)
    turn = Turn.begin(thread, "Pay it back.", depth=0)
    call = turn.call("refund", status="failed", error_code="denied", error_text="No.")
    at = datetime(2026, 3, 1, 13, tzinfo=UTC)
    answered = {"status": "answered", "answered_at": at, "decision": "deny"}
    turn.ask_page(call, answered_by=sam, permission="auth.x", **answered)
    turn.ask_page(call, key="own", answered_by=ann, **answered)

    [told] = [p for p in whole(thread)["messages"][1]["parts"] if "asked" in p]

    assert told["error"] == {"code": "denied", "text": "No."}
    assert [asked["answeredBy"] for asked in told["asked"]] == [
        {"isOwner": False, "name": "Sam"},
        {"isOwner": True, "name": None},
    ]
    assert told["asked"][0]["answeredAt"] == "2026-03-01T13:00:00Z"
    assert "sam" not in json.dumps(told)


def test_a_reply_of_the_staff_says_by_whom_and_a_question_never(ann, sam) -> None:
    thread = make_thread(ann)
    question, answer = add_turns(thread, 1)
    Message.objects.filter(pk=answer.pk).update(author=sam)
    Message.objects.filter(pk=question.pk).update(author=ann)

    told = whole(thread)["messages"]

    assert [row["author"] for row in told] == [None, {"name": "Sam"}]


def test_what_was_taken_back_and_what_the_provider_keeps_is_not_told(ann) -> None:
    thread = make_thread(ann)
    turn = Turn.begin(thread, "Well?", depth=0)
    turn.say("taken back")
    turn.step.status = "void"
    turn.step.save()
    turn.begin_step(1)
    turn.say("said")
    Part.objects.update(provider_data={"secret": "kept"})

    text = json.dumps(whole(thread))

    assert "said" in text
    assert "taken back" not in text
    assert "secret" not in text


def test_another_s_opinion_of_an_answer_is_not_the_owner_s(ann) -> None:
    thread = make_thread(ann)
    _question, answer = add_turns(thread, 1)
    Feedback.objects.create(message=answer, owner_key="u:999", kind="up")

    assert whole(thread)["messages"][1]["feedback"] is None


def test_another_s_thread_is_as_good_as_missing(ann, sam) -> None:
    thread = make_thread(sam)

    with pytest.raises(ThreadNotFound):
        export.of_thread(Viewer(user=ann), thread.pk)


def test_the_site_s_policy_may_let_nobody_export(ann, settings) -> None:
    settings.CHATKIT_ACCESS_POLICY = "tests.threads.test_export.Nothing"
    thread = make_thread(ann)

    with pytest.raises(NotAllowed):
        export.of_thread(Viewer(user=ann), thread.pk)
    with pytest.raises(NotAllowed):
        export.of_own(Viewer(user=ann))


def test_the_staff_export_with_their_permission_and_it_is_noted(ann, sam) -> None:
    thread = fill(ann, MARK)
    with pytest.raises(ThreadNotFound):
        export.of_any(Viewer(user=sam), thread.pk)
    sam.user_permissions.add(Permission.objects.get(codename="export_thread"))
    sam = get_user_model().objects.get(pk=sam.pk)

    found = read(export.of_any(Viewer(user=sam), thread.pk))

    assert found["threads"][0]["id"] == str(thread.pk)
    noted = AccessLog.objects.get()
    assert (noted.user, noted.action) == (sam, "export_any")


def test_a_visitor_s_export_is_theirs(db) -> None:
    visitor = uuid4()
    thread = fill(visitor, MARK)

    found = read(export.of_own(viewer_of(visitor)))

    assert [told["id"] for told in found["threads"]] == [str(thread.pk)]


def test_a_thread_that_goes_while_it_is_exported_is_left_out(ann) -> None:
    first, second = make_thread(ann), make_thread(ann)
    found = Export(threads=[first.pk, second.pk], at=NOON)
    pieces = as_json(found)
    next(pieces)
    Thread.objects.filter(pk=second.pk).delete()

    told = json.loads("".join(['{"threads":[', *pieces]))

    assert [thread["id"] for thread in told["threads"]] == [str(first.pk)]


def test_the_queries_of_a_page_do_not_grow_with_what_is_in_it(
    ann, monkeypatch, django_assert_num_queries
) -> None:
    short, long = make_thread(ann), make_thread(ann)
    for thread, turns in ((short, 1), (long, 20)):
        add_turns(thread, turns)
        for number in range(turns):
            turn = Turn.begin(thread, "And?", depth=100 + 2 * number)
            turn.ask_page(turn.call("refund", output=1))

    for thread in (short, long):
        with django_assert_num_queries(8):
            # thread, messages, parts, interrupts, feedback, sums, no more messages, files
            list(as_json(Export(threads=[thread.pk], at=NOON)))


def test_all_of_mine_is_what_the_policy_lets_me_take_and_no_more(ann, settings) -> None:
    for title in ("hidden", "kept", "mine", "deleted"):
        thread = fill(ann, MARK)
        deleted_at = NOON if title == "deleted" else None
        rows = Thread.objects.filter(pk=thread.pk)
        rows.update(title=title, deleted_at=deleted_at)
    settings.CHATKIT_ACCESS_POLICY = f"{__name__}.{Sealed.__name__}"

    found = read(export.of_own(viewer_of(ann)))

    taken = {told["id"] for told in found["threads"]}
    assert {told["title"] for told in found["threads"]} == {"mine", "deleted"}
    assert {told["threadId"] for told in found["files"]} <= {*taken, None}
