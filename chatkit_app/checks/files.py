"""Where assistants take files: is there a place for them, that nobody else opens?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as Caution
from django.core.files.storage import FileSystemStorage

from chatkit_app.conf import settings
from chatkit_app.models.attachments import file_storage
from chatkit_app.registry import assistants

MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+")


def check_types(**_: Any) -> Iterator[CheckMessage]:
    """``CHATKIT_ATTACHMENT_TYPES`` are media types, each by its whole name."""
    found = getattr(django_settings, "CHATKIT_ATTACHMENT_TYPES", [])
    names = found if isinstance(found, list | tuple) else [found]
    for name in names:
        if not (isinstance(name, str) and MEDIA_TYPE.fullmatch(name)):
            yield Error(
                f"CHATKIT_ATTACHMENT_TYPES has {name!r}, which is no media type.",
                hint='A list of whole names: ["image/png", "application/pdf"].',
                id="chatkit.E090",
            )


def check_place(**_: Any) -> Iterator[CheckMessage]:
    """Files have a folder of their own, and are not put beside the code."""
    storage = _folder()
    if storage is not None and storage.location == str(Path.cwd()):
        yield Error(
            "An assistant takes files, and MEDIA_ROOT is not set: they would lie in the working"
            " directory.",
            hint="Set MEDIA_ROOT, or CHATKIT_ATTACHMENT_STORAGE to an alias of STORAGES.",
            id="chatkit.E091",
        )


def check_privacy(**_: Any) -> Iterator[CheckMessage]:
    """What visitors have sent is not served past the access policy."""
    storage = _folder()
    served = django_settings.MEDIA_URL.strip("/")
    if storage is not None and served and settings.ATTACHMENT_STORAGE == "default":
        yield Caution(
            f"Visitors' files lie below MEDIA_ROOT, and whatever serves {django_settings.MEDIA_URL}"
            " gives them to anybody who has their name.",
            hint="Name a storage of their own, which nothing serves, in CHATKIT_ATTACHMENT_STORAGE.",
            id="chatkit.W092",
        )


def _folder() -> FileSystemStorage | None:
    """The storage, where it is a folder and somebody takes files."""
    if not any(assistant.attachments for assistant in assistants.all()):
        return None
    storage = file_storage()
    return storage if isinstance(storage, FileSystemStorage) else None
