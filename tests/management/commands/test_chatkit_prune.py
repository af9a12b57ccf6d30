from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.utils import timezone

from chatkit_app.models import Thread
from tests.threads.owned_rows import fill

pytestmark = pytest.mark.django_db(transaction=True)


def said(*arguments: str) -> list[str]:
    out = io.StringIO()
    call_command("chatkit_prune", *arguments, stdout=out)
    return out.getvalue().splitlines()


def test_it_tells_what_would_go_then_lets_it_go_and_then_finds_nothing(
    settings, tmp_path
) -> None:
    settings.MEDIA_ROOT = str(tmp_path)
    settings.CHATKIT_RETENTION_DAYS = {"commands": None, "usage": None}
    ann = get_user_model().objects.create_user("ann")
    young, old = fill(ann, "m4rk"), fill(ann, "m4rk")
    long_ago = timezone.now() - timedelta(days=31)
    Thread.objects.filter(pk=old.pk).update(deleted_at=long_ago)

    would = said("--dry-run")
    assert Thread.objects.count() == 2
    went = said()

    assert "deleted_threads: 1" in would
    assert would == went
    assert Thread.objects.get() == young
    assert set(said()) == {
        "unfinished: 0",
        "attachments: 0",
        "shares: 0",
        "deleted_threads: 0",
        "visitor_threads: 0",
        "access_log: 0",
        "tallies: 0",
    }
