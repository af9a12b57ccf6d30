"""What every table has, and how its columns are made."""

from __future__ import annotations

import secrets
from enum import StrEnum
from uuid import UUID

from django.db import models
from django.utils import timezone
from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A UUIDv7: unguessable enough, and in the order of time for the index."""
    return uuid7()


def new_epoch() -> str:
    """Names one history of positions; another one means: what you hold is not its beginning."""
    return secrets.token_urlsafe(6)


def choices(words: type[StrEnum]) -> list[tuple[str, str]]:
    """A field's choices from one of the engine's enumerations."""
    return [(word.value, word.value.replace("_", " ")) for word in words]


def one_of(words: tuple[StrEnum, ...]) -> list[str]:
    """Plain strings, for constraints that end in a migration."""
    return [word.value for word in words]


class Row(models.Model):
    """What every table has."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    # Not auto_now_add: where it counts, it is the clock that all processes share.
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        abstract = True
