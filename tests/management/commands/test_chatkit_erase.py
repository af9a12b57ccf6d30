from __future__ import annotations

import io
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command

from chatkit_app.models import Thread
from tests.remains import remains
from tests.threads.owned_rows import fill

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ann(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)
    return get_user_model().objects.create_user("ann")


def said(*arguments: str) -> str:
    out = io.StringIO()
    call_command("chatkit_erase", *arguments, stdout=out)
    return out.getvalue()


def test_all_of_a_user_s_is_erased_also_when_the_user_is_gone(ann) -> None:
    fill(ann, "m4rk")

    assert said("--user", str(ann.pk), "--yes") == "Erased 1 threads.\n"
    assert remains("m4rk") == []
    assert said("--user", "no-such-user", "--yes") == "Erased 0 threads.\n"


def test_all_of_a_visitor_s_is_erased(ann) -> None:
    visitor = uuid4()
    fill(visitor, "m4rk")

    said("--visitor", str(visitor), "--yes")

    assert remains("m4rk", str(visitor)) == []


def test_one_thread_is_erased_and_the_others_stay(ann) -> None:
    thread, other = fill(ann, "m4rk"), fill(ann, "m4rk")

    assert said("--thread", str(thread.pk), "--yes") == "Erased 1 thread.\n"

    assert Thread.objects.get() == other
    with pytest.raises(CommandError, match="There is no thread"):
        said("--thread", str(thread.pk), "--yes")


@pytest.mark.parametrize(("typed", "is_erased"), [("y", True), ("", False)])
def test_it_asks_before_it_does_it(ann, monkeypatch, typed, is_erased) -> None:
    fill(ann, "m4rk")
    asked = []
    monkeypatch.setattr("builtins.input", lambda text: asked.append(text) or typed)

    if is_erased:
        said("--user", str(ann.pk))
    else:
        with pytest.raises(CommandError, match="Nothing was erased"):
            said("--user", str(ann.pk))

    assert asked == [f"Erase 1 threads and all else of u:{ann.pk} for good? [y/N] "]
    assert Thread.objects.exists() is not is_erased


@pytest.mark.parametrize(
    "arguments",
    [(), ("--visitor", "x"), ("--thread", "x"), ("--user", "1", "--thread", "x")],
)
def test_what_is_meant_must_be_clear(db, arguments) -> None:
    with pytest.raises(CommandError):
        said(*arguments)
