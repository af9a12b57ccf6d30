"""What is left of somebody anywhere: every column of every table, and every file of the storage."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection


def spellings(words: Iterable[str]) -> set[str]:
    """As they may stand somewhere: an id with and without its dashes."""
    found = {word.lower() for word in words}
    for word in [*found]:
        try:
            found.add(UUID(word).hex)
        except ValueError:
            continue
    return found


def remains(*words: str) -> list[str]:
    """``table.column`` and file for each place that holds one of the words."""
    wanted = spellings(words)
    return sorted({*_in_tables(wanted), *_in_files(wanted)})


def _in_tables(wanted: set[str]) -> Iterable[str]:
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 (the database's own names)
            names = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                for name, value in zip(names, row, strict=True):
                    if _holds(_readable(name, value), wanted):
                        yield f"{table}.{name}"


def _readable(name: str, value: object) -> object:
    """What a session keeps is packed and signed: as it stands, any two letters may be in it."""
    if name != "session_data":
        return value
    return SessionStore().decode(str(value))


def _holds(value: object, wanted: set[str]) -> bool:
    if isinstance(value, bytes | memoryview):
        value = bytes(value).decode(errors="replace")
    text = str(value).lower()
    return any(word in text for word in wanted)


def _in_files(wanted: set[str]) -> Iterable[str]:
    for path in Path(settings.MEDIA_ROOT).rglob("*"):
        if path.is_file() and (
            _holds(str(path), wanted) or _holds(path.read_bytes(), wanted)
        ):
            yield f"file {path.name}"
