"""The path from a thread's beginning down to one of its messages, whichever branches are shown by now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connections, router

from chatkit_app.models import Message

MESSAGE = Message._meta.db_table

# One statement, so that it sees one moment: between two of them another branch could be shown. What is
# hidden is followed from parent to parent, up to the first message that is shown: above that one the
# path is what is shown, for the shown messages are one path from the beginning. So a page of a long
# thread costs as many rows as it has, and as the thread has hidden ones.
PATH = f"""
WITH RECURSIVE aside(id, parent_id, depth, is_shown) AS (
  SELECT id, parent_id, depth, is_shown FROM {MESSAGE} WHERE id = %s
  UNION ALL
  SELECT m.id, m.parent_id, m.depth, m.is_shown
    FROM {MESSAGE} m JOIN aside a ON m.id = a.parent_id WHERE NOT a.is_shown
)
SELECT id, depth FROM aside WHERE depth >= %s
UNION ALL
SELECT id, depth FROM (
  SELECT id, depth FROM {MESSAGE}
  WHERE thread_id = %s AND is_shown AND depth >= %s
    AND depth < (SELECT MIN(depth) FROM aside WHERE is_shown)
  ORDER BY depth LIMIT %s
) above
ORDER BY depth LIMIT %s
"""  # noqa: S608 (the table's own name)


@dataclass(frozen=True, slots=True, kw_only=True)
class PathPage:
    """Some messages of a path, the first of them first. ``later``: the depth of the next page's first."""

    messages: Sequence[Message]
    later: int | None


def page_of_path(end: Message, *, start: int, size: int) -> PathPage:
    """The messages above ``end`` and itself, from a depth on, in two queries; with their authors."""
    found = _ids(end, start, size + 1)
    rows = Message.objects.select_related("author").in_bulk(
        [pk for pk, _depth in found[:size]]
    )
    return PathPage(
        messages=[rows[pk] for pk, _depth in found[:size] if pk in rows],
        later=found[size][1] if len(found) > size else None,
    )


def _ids(end: Message, start: int, limit: int) -> list[tuple[UUID, int]]:
    connection = connections[router.db_for_read(Message)]
    is_native = connection.features.has_native_uuid_field
    last, thread = (
        id_ if is_native else id_.hex for id_ in (end.pk, end.thread_id)
    )  # SQLite has no UUIDs
    with connection.cursor() as cursor:
        cursor.execute(PATH, [last, start, thread, start, limit, limit])
        return [(UUID(str(pk)), depth) for pk, depth in cursor.fetchall()]
