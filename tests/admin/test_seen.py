from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser

from chatkit_app.access import AccessPolicy
from chatkit_app.admin.seen import of_seen_threads, seen_threads
from chatkit_app.models import Run, Thread
from tests.admin.lists import make_user, thread_of

pytestmark = pytest.mark.django_db


class OpenOnes(AccessPolicy):
    """A site whose staff look at nothing that is archived."""

    def inspected(self, viewer):
        return super().inspected(viewer).exclude(status="archived")


def asked_by(rf, user):
    request = rf.get("/")
    request.user, request.session = user, {}
    return request


def test_the_policy_says_whose_threads_and_rows_are_seen(rf, settings) -> None:
    settings.CHATKIT_ACCESS_POLICY = f"{__name__}.OpenOnes"
    anna = make_user("anna")
    seen, hidden = thread_of(anna), thread_of(anna)
    Thread.objects.filter(pk=hidden.pk).update(status="archived")
    request = asked_by(rf, make_user("root", is_staff=True, is_superuser=True))

    runs = of_seen_threads(request, Run.objects.all(), "thread_id")

    assert list(seen_threads(request)) == [seen]
    assert [run.thread for run in runs] == [seen]


def test_whoever_is_nobody_or_not_of_the_staff_sees_nothing(rf) -> None:
    anna = make_user("anna")
    thread_of(anna)

    for user in (AnonymousUser(), anna):
        request = asked_by(rf, user)
        assert not seen_threads(request)
        assert not of_seen_threads(request, Run.objects.all(), "thread_id")
