"""What is looked for in titles and messages: the same words as in the API, bounded where there is no index."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connections, router
from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from chatkit_app.models import Message
from chatkit_app.threads.search import messages_matching, words_of

NEWEST = 50_000
"""Messages that are looked through where that takes long."""
FREQUENT = 5_000
"""Messages with a word, from which on it finds too much to look at all of it."""

HELP = _("An id (of a thread, run, message or call), a user's name, or an owner (u:1).")
WORDS = _(
    "Words: how they begin, in titles and messages, within the period; frequent ones in the newest 50,000 messages."
)
FEW = _(
    "Words: in titles and in the newest 50,000 messages, within the period; this database has no index of words."
)
UNREAD = _("Words are for those who may read what was said.")


def said_in(words: str) -> Q:
    """The threads with the words in their titles or messages."""
    return _pieces("title", words) | Q(pk__in=_threads_with(words))


def _threads_with(words: str) -> Iterable[object]:
    """Their keys, read once for the count and the page; without an index a query of its own."""
    newest = _newest().filter(_pieces("text", words)).order_by().values("thread")
    if not has_index():
        return newest
    everywhere = messages_matching(Message.objects.all(), words).order_by()
    found = list(everywhere.values_list("thread", flat=True)[: FREQUENT + 1])
    if len(found) > FREQUENT:
        found = list(newest.values_list("thread", flat=True))
    return set(found)


def _pieces(column: str, words: str) -> Q:
    """All the words are in it, as pieces of its text."""
    found = Q()
    for word in words_of(words):
        found &= Q(**{f"{column}__icontains": word})
    return found


def _newest() -> QuerySet[Message]:
    """Where the last of them is, is found along the key."""
    keys = Message.objects.order_by("-id").values_list("pk", flat=True)
    oldest = next(iter(keys[NEWEST : NEWEST + 1]), None)
    return Message.objects.filter(pk__gt=oldest) if oldest else Message.objects.all()


def has_index() -> bool:
    """Does the database know which words are where?"""
    return connections[router.db_for_read(Message)].vendor == "postgresql"


def search_help(may_read: bool) -> Promise:
    """What the box looks at, in words."""
    how = (WORDS if has_index() else FEW) if may_read else UNREAD
    return format_lazy("{} {}", HELP, how)
