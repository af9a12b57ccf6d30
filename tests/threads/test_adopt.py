from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in
from django.db import OperationalError
from django.test import Client, RequestFactory
from django.utils import timezone

from chatkit_app.access import VISITOR_KEY, AccessPolicy
from chatkit_app.engine.viewer import Viewer
from chatkit_app.models import Command, Feedback, Thread, Usage
from chatkit_app.threads.adopt import adopt
from tests.history_rows import add_turns, make_thread

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann():
    return get_user_model().objects.create_user("ann", password="a")


@pytest.fixture
def visitor(client: Client) -> UUID:
    """Whom the client's session stands for."""
    return UUID(client.post("/chatkit/visitor/").json()["viewer"].removeprefix("v:"))


def log_in(client: Client, *, is_right: bool = True):
    password = "a" if is_right else "b"
    return client.post("/login/", {"username": "ann", "password": password})


def named(owner: object, external_id: str, **more) -> Thread:
    thread = make_thread(owner)
    thread.external_id = external_id
    for field, value in more.items():
        setattr(thread, field, value)
    thread.save()
    return thread


def external_id(thread: Thread) -> str | None:
    thread.refresh_from_db()
    return thread.external_id


def test_logging_in_makes_the_visitor_s_threads_the_user_s(
    client, visitor, ann
) -> None:
    thread = make_thread(visitor)
    messages = add_turns(thread, 1)
    assert log_in(client).status_code == 302
    thread.refresh_from_db()

    assert (thread.user, thread.visitor, thread.owner_key) == (ann, None, f"u:{ann.pk}")
    assert list(AccessPolicy().threads(Viewer(user=ann))) == [thread]
    assert not AccessPolicy().threads(Viewer(visitor=visitor)).exists()
    assert thread.messages.count() == len(messages)


def test_after_logging_in_the_session_is_no_visitor_any_more(
    client, visitor, ann
) -> None:
    log_in(client)
    assert VISITOR_KEY not in client.session

    client.post("/logout/")
    new = client.post("/chatkit/visitor/").json()["viewer"]
    assert new != f"v:{visitor}"


def test_a_log_in_that_fails_changes_nothing(client, visitor, ann) -> None:
    thread = make_thread(visitor)
    log_in(client, is_right=False)
    thread.refresh_from_db()

    assert thread.owner_key == f"v:{visitor}"
    assert client.session[VISITOR_KEY] == str(visitor)


def test_the_threads_of_others_are_untouched(client, visitor, ann) -> None:
    berta = get_user_model().objects.create_user("berta")
    others = [make_thread(berta), make_thread(uuid4()), named(berta, "cart")]
    make_thread(visitor)
    before = list(Thread.objects.filter(pk__in=[t.pk for t in others]).values())
    log_in(client)

    assert list(Thread.objects.filter(pk__in=[t.pk for t in others]).values()) == before


def test_whoever_logs_in_without_having_chatted_adopts_nothing(client, ann) -> None:
    other = make_thread(uuid4())
    assert log_in(client).status_code == 302
    other.refresh_from_db()

    assert other.user is None


@pytest.mark.parametrize("broken", ["", "no uuid", 7, ["a"], {"a": 1}])
def test_a_session_with_a_broken_visitor_can_still_log_in(client, ann, broken) -> None:
    session = client.session
    session[VISITOR_KEY] = broken
    session.save()
    client.cookies["sessionid"] = session.session_key

    assert log_in(client).status_code == 302
    assert VISITOR_KEY not in client.session


@pytest.mark.parametrize("request_", [None, RequestFactory().get("/")])
def test_a_log_in_without_a_session_is_none_of_our_business(ann, request_) -> None:
    user_logged_in.send(type(ann), request=request_, user=ann)


def test_a_clash_of_external_ids_drops_the_visitor_s(ann) -> None:
    visitor = uuid4()
    mine = named(ann, "cart")
    clashing, free = named(visitor, "cart"), named(visitor, "order-7")

    assert adopt(visitor, ann) == 2
    assert external_id(mine) == "cart"
    assert external_id(clashing) is None
    assert external_id(free) == "order-7"


def test_a_name_that_is_free_again_is_kept(ann) -> None:
    visitor = uuid4()
    named(ann, "cart", deleted_at=timezone.now())
    taken_over = named(visitor, "cart")
    adopt(visitor, ann)

    assert external_id(taken_over) == "cart"


def test_the_same_name_of_another_tenant_is_no_clash(ann) -> None:
    visitor = uuid4()
    named(ann, "cart", tenant="a")
    thread = named(visitor, "cart", tenant="b")
    adopt(visitor, ann)

    assert external_id(thread) == "cart"


def test_the_same_name_of_another_user_is_no_clash(ann) -> None:
    visitor = uuid4()
    named(get_user_model().objects.create_user("berta"), "cart")
    thread = named(visitor, "cart")
    adopt(visitor, ann)

    assert external_id(thread) == "cart"


def test_a_visitor_s_deleted_threads_are_adopted_as_deleted_ones(ann) -> None:
    visitor = uuid4()
    thread = named(visitor, "cart", deleted_at=timezone.now())
    adopt(visitor, ann)
    thread.refresh_from_db()

    assert thread.user == ann
    assert thread.deleted_at is not None
    assert not AccessPolicy().threads(Viewer(user=ann)).exists()


def test_a_second_log_in_of_the_same_session_finds_nothing_left(ann) -> None:
    visitor = uuid4()
    make_thread(visitor)

    assert adopt(visitor, ann) == 1
    assert adopt(visitor, ann) == 0


def test_a_command_from_before_logging_in_is_known_after_it(ann) -> None:
    visitor = uuid4()
    before = remember(f"v:{visitor}", "mine")
    remember(f"v:{visitor}", "clash")
    remember(f"u:{ann.pk}", "clash")

    adopt(visitor, ann)

    before.refresh_from_db()
    assert before.owner_key == f"u:{ann.pk}"
    assert Command.objects.filter(owner_key=f"u:{ann.pk}").count() == 2


def remember(owner_key: str, client_id: str) -> Command:
    return Command.objects.create(
        owner_key=owner_key,
        protocol="native",
        client_id=client_id,
        kind="send",
        digest="",
    )


def test_logging_in_works_though_the_threads_can_not_be_adopted(
    client, visitor, ann, monkeypatch, caplog
) -> None:
    def fail(*_):
        raise OperationalError("deadlock detected")

    monkeypatch.setattr("chatkit_app.threads.adopt.adopt", fail)

    assert log_in(client).status_code == 302
    assert client.session[VISITOR_KEY] == str(visitor)
    assert "could not be adopted" in caplog.text


def test_what_a_visitor_has_said_of_answers_is_the_user_s(ann) -> None:
    visitor = uuid4()
    answer = add_turns(make_thread(visitor), 1)[1]
    rate(answer, f"v:{visitor}", "up")

    adopt(visitor, ann)

    assert Feedback.objects.get().owner_key == f"u:{ann.pk}"


@pytest.mark.parametrize(("days", "kept"), [(1, "visitor"), (-1, "user")])
def test_of_two_opinions_of_an_answer_the_newer_counts(ann, days, kept) -> None:
    visitor = uuid4()
    answer = add_turns(make_thread(visitor), 1)[1]
    rate(answer, f"u:{ann.pk}", "down", comment="user")
    rate(answer, f"v:{visitor}", "up", comment="visitor", days=days)

    adopt(visitor, ann)

    found = Feedback.objects.get()
    assert (found.owner_key, found.comment) == (f"u:{ann.pk}", kept)


def rate(answer, owner_key: str, kind: str, comment: str = "", days: int = 0) -> None:
    Feedback.objects.create(
        message=answer,
        owner_key=owner_key,
        kind=kind,
        comment=comment,
        created_at=timezone.now() + timedelta(days=days),
    )


def test_what_a_visitor_has_used_is_added_to_what_the_user_has(ann) -> None:
    visitor = uuid4()
    today = timezone.now().date()
    same = {"day": today, "assistant": "shop", "model_name": "one"}
    Usage.objects.create(**same, owner_key=f"u:{ann.pk}", steps=1, cost="0.5")
    Usage.objects.create(**same, owner_key=f"v:{visitor}", steps=2, cost="0.25")
    other = {**same, "model_name": "two"}
    Usage.objects.create(**other, owner_key=f"v:{visitor}", messages=3)

    adopt(visitor, ann)

    rows = Usage.objects.order_by("model_name")
    assert {row.owner_key for row in rows} == {f"u:{ann.pk}"}
    assert [(row.steps, row.messages, row.cost) for row in rows] == [
        (3, 0, Decimal("0.75")),
        (0, 3, 0),
    ]
