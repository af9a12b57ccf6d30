"""What the tests of the admin's lists have in common."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.utils import timezone

from chatkit_app.models import Message, Run, Thread, ToolCall
from tests.history_rows import Turn, make_thread

THREADS = "/admin/chatkit_app/thread/"
RUNS = "/admin/chatkit_app/run/"
CALLS = "/admin/chatkit_app/toolcall/"


def make_user(name: str, **fields: object) -> Any:
    return get_user_model().objects.create_user(name, **fields)


def make_staff(client: Any, *names: str) -> Any:
    """A client of someone of the staff who has these permissions of the app."""
    user = make_user("staff", is_staff=True)
    found = Permission.objects.filter(
        content_type__app_label="chatkit_app", codename__in=names
    )
    assert len(found) == len(names)
    user.user_permissions.set(found)
    client.force_login(user)
    return client


def thread_of(
    owner: object, question: str = "Where is it?", *, days: float = 0, **fields: Any
) -> Thread:
    """A thread of so many days ago with a question and its answer; ``fields`` are its run's end."""
    at = timezone.now() - timedelta(days=days)
    thread = make_thread(owner, at=at, title=question)
    turn = Turn.begin(thread, question, depth=0)
    turn.say("It was sent.")
    turn.end(fields.pop("status", "completed"), **fields)
    return aged(thread, days)


def aged(thread: Thread, days: float) -> Thread:
    """All that is in it so many days ago."""
    at = timezone.now() - timedelta(days=days)
    Thread.objects.filter(pk=thread.pk).update(created_at=at, last_activity_at=at)
    Message.objects.filter(thread=thread).update(created_at=at)
    Run.objects.filter(thread=thread).update(created_at=at)
    ToolCall.objects.filter(run__thread=thread).update(created_at=at)
    return Thread.objects.get(pk=thread.pk)


def found(client: Any, url: str, **query: object) -> list[Any]:
    """The rows that a list shows."""
    answer = client.get(url, query)
    assert answer.status_code == 200, answer.status_code
    return list(answer.context["cl"].result_list)


def text_of(answer: Any) -> str:
    """What people read of a page, on one line."""
    body = answer.content.decode()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", body))
