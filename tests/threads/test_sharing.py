from __future__ import annotations

import math
from datetime import timedelta
from functools import partial
from hashlib import sha256
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from chatkit_app.access import AccessPolicy, Action
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import (
    InvalidCommand,
    NotAllowed,
    NothingToShare,
    ShareNotFound,
    SharingOff,
    ThreadNotFound,
    TooManyShares,
)
from chatkit_app.models import Message, Share, Thread
from chatkit_app.threads import editing, erase, sharing
from chatkit_app.threads.sharing import opened, revoke, share
from tests.history_rows import make_thread
from tests.runs.desk import together
from tests.shared_threads import chain, hide

pytestmark = pytest.mark.django_db


class NoSharing(AccessPolicy):
    """A site whose owners keep their threads to themselves."""

    def can(self, viewer, action, thread=None) -> bool:
        return action is not Action.SHARE and super().can(viewer, action, thread)


@pytest.fixture
def ann():
    return Viewer(user=get_user_model().objects.create_user("ann"))


@pytest.fixture
def bob():
    return Viewer(user=get_user_model().objects.create_user("bob"))


@pytest.fixture
def thread(ann):
    found = make_thread(ann.user)
    chain(found, 2)
    return found


def is_dead(token: str) -> bool:
    try:
        opened(token)
    except ShareNotFound:
        return True
    return False


def test_whoever_has_the_token_opens_the_thread(ann, thread) -> None:
    row, token = share(ann, thread.pk)

    found = opened(token)

    assert (found, found.thread) == (row, thread)
    assert found.message.text == ""  # an answer: its words are in its parts
    assert found.message.depth == 3


def test_a_token_cannot_be_guessed_and_is_not_in_the_table(ann, thread) -> None:
    tokens = {share(ann, thread.pk)[1] for _ in range(5)}

    assert len(tokens) == 5
    assert all(len(token) >= 43 for token in tokens)  # 256 bits
    hashes = {sha256(token.encode()).hexdigest() for token in tokens}
    assert set(Share.objects.values_list("token_hash", flat=True)) == hashes


def test_an_answer_that_is_being_written_or_broke_off_is_not_in_it(ann, thread) -> None:
    last = Message.objects.get(thread=thread, depth=3)
    for status in ("open", "interrupted"):
        Message.objects.filter(pk=last.pk).update(status=status)

        row, _token = share(ann, thread.pk)

        assert row.message.depth == 2


def test_what_is_hidden_is_not_where_a_share_ends(ann, thread) -> None:
    hide(*Message.objects.filter(thread=thread, depth__gte=2))

    assert share(ann, thread.pk)[0].message.depth == 1


def test_in_an_empty_thread_there_is_nothing_to_share(ann) -> None:
    with pytest.raises(NothingToShare):
        share(ann, make_thread(ann.user).pk)


def test_a_visitor_shares_threads_of_their_session() -> None:
    visitor = uuid4()
    thread = make_thread(visitor)
    chain(thread, 1)

    _row, token = share(Viewer(visitor=visitor), thread.pk)

    assert opened(token).thread == thread


def test_another_s_thread_is_as_good_as_missing(bob, thread) -> None:
    with pytest.raises(ThreadNotFound):
        share(bob, thread.pk)
    assert not Share.objects.exists()


def test_another_s_links_can_neither_be_seen_nor_revoked(ann, bob, thread) -> None:
    row, token = share(ann, thread.pk)
    own = make_thread(bob.user)

    with pytest.raises(ThreadNotFound):
        sharing.shares_of(bob, thread.pk)
    with pytest.raises(ThreadNotFound):
        revoke(bob, thread.pk, row.pk)
    with pytest.raises(ShareNotFound):
        revoke(bob, own.pk, row.pk)
    assert opened(token) == row


def test_the_policy_may_let_nobody_share_but_whoever_did_can_take_it_back(
    ann, thread, settings
) -> None:
    row, token = share(ann, thread.pk)
    settings.CHATKIT_ACCESS_POLICY = "tests.threads.test_sharing.NoSharing"

    with pytest.raises(NotAllowed):
        share(ann, thread.pk)
    revoke(ann, thread.pk, row.pk)

    assert is_dead(token)
    assert Share.objects.count() == 1


def test_where_the_site_has_not_said_it_nothing_is_shared(ann, thread, settings):
    row, token = share(ann, thread.pk)
    del settings.CHATKIT_SHARING

    with pytest.raises(SharingOff):
        share(ann, thread.pk)
    assert is_dead(token)
    assert Share.objects.count() == 1
    settings.CHATKIT_SHARING = True
    assert opened(token) == row


def test_a_link_ends_when_its_time_is_over(ann, thread) -> None:
    row, token = share(ann, thread.pk, days=0.5)
    assert row.expires_at - row.created_at == timedelta(hours=12)

    Share.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert is_dead(token)


def test_where_no_time_is_said_it_is_the_site_s(ann, thread, settings) -> None:
    settings.CHATKIT_SHARE_DAYS = 7

    row, _token = share(ann, thread.pk)

    assert row.expires_at - row.created_at == timedelta(days=7)
    assert share(ann, thread.pk, days=7)


def test_a_site_that_lets_links_last_for_ever_gets_a_hundred_years(
    ann, thread, settings
) -> None:
    settings.CHATKIT_SHARE_DAYS = 1e12

    assert share(ann, thread.pk)[0].expires_at.year >= 2100
    with pytest.raises(InvalidCommand):
        share(ann, thread.pk, days=1e9)


@pytest.mark.parametrize("days", [0, -1, 1e9, 30.001, math.nan, math.inf, -math.inf])
def test_a_time_that_is_none_or_too_long_is_refused(ann, thread, days) -> None:
    with pytest.raises(InvalidCommand):
        share(ann, thread.pk, days=days)
    assert not Share.objects.exists()


def test_a_revoked_link_is_good_no_more_and_may_be_revoked_again(ann, thread) -> None:
    row, token = share(ann, thread.pk)
    other = share(ann, thread.pk)[1]

    revoke(ann, thread.pk, row.pk)
    first = Share.objects.get(pk=row.pk).revoked_at
    revoke(ann, thread.pk, row.pk)

    assert is_dead(token)
    assert not is_dead(other)
    assert Share.objects.get(pk=row.pk).revoked_at == first is not None


def test_a_thread_has_so_many_links_at_once_and_no_more(ann, thread) -> None:
    rows = [share(ann, thread.pk)[0] for _ in range(sharing.LIVE_SHARES)]

    with pytest.raises(TooManyShares):
        share(ann, thread.pk)
    revoke(ann, thread.pk, rows[0].pk)
    share(ann, thread.pk)
    with pytest.raises(TooManyShares):
        share(ann, thread.pk)
    Share.objects.filter(pk=rows[1].pk).update(expires_at=timezone.now())
    share(ann, thread.pk)


@pytest.mark.django_db(transaction=True)
def test_of_several_links_at_once_only_the_last_that_fits_is_made(ann, thread) -> None:
    for _ in range(sharing.LIVE_SHARES - 1):
        share(ann, thread.pk)

    found = together([partial(share, ann, thread.pk)] * 4)

    assert sum(isinstance(one, TooManyShares) for one in found) == 3, found
    assert Share.objects.count() == sharing.LIVE_SHARES


@pytest.mark.parametrize(
    "token", ["", "x", "x" * 43, "x" * 10_000, "\0", "\ud800", "é", "' OR 1=1 --"]
)
def test_what_is_no_token_opens_nothing(ann, thread, token) -> None:
    share(ann, thread.pk)

    assert is_dead(token)


def test_a_hash_out_of_the_table_opens_nothing(ann, thread) -> None:
    row, _token = share(ann, thread.pk)

    assert is_dead(row.token_hash)


def test_with_its_thread_a_link_is_deleted_and_restored(ann, thread) -> None:
    _row, token = share(ann, thread.pk)

    editing.delete(ann, thread.pk)
    assert is_dead(token)
    editing.restore(ann, thread.pk)
    assert not is_dead(token)


def test_a_thread_whose_erasing_has_begun_is_not_to_be_read_by_a_link(ann, thread):
    _row, token = share(ann, thread.pk)

    erase.disown(thread.pk)

    assert is_dead(token)
    erase.finish()
    assert not Share.objects.exists()
    assert not Thread.objects.exists()


def test_reading_asks_the_database_once(ann, thread, django_assert_num_queries) -> None:
    _row, token = share(ann, thread.pk)

    with django_assert_num_queries(1):
        found = opened(token)
        assert found.thread.assistant
        assert found.message.depth == 3
