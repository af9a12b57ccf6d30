"""An upload on its way in: refused as soon as it is known to be too much, and before it is kept."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings as django_settings
from django.core.exceptions import SuspiciousOperation
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser, DataAndFiles
from rest_framework.request import Request

from chatkit_app.conf import settings
from chatkit_app.exceptions import AttachmentRefused, AttachmentTooLarge

MULTIPART = "multipart/form-data"
FIELD = "file"
CSRF = "csrfmiddlewaretoken"
"""The field in which Django's own forms send their token."""
AROUND = 16_384
"""Bytes that a form may have around its file."""

PATH = re.compile(r"[/\\\x00]")


def check_upload(request: Request) -> None:
    """Refuse by its headers what would not be taken, before anybody reads it.

    Raises:
        UnsupportedMediaType: It is no form with a file.
        AttachmentTooLarge: It says that it is too long.
    """
    kind = str(request.content_type or "").partition(";")[0].strip().lower()
    if kind != MULTIPART:
        raise UnsupportedMediaType(kind)
    length = str(request.META.get("CONTENT_LENGTH") or "0")
    if length.isdigit() and int(length) > settings.MAX_ATTACHMENT_BYTES + AROUND:
        raise too_large()


class UploadParser(BaseParser):
    """A form with a file, counted while it comes; the site's upload handlers keep it."""

    media_type = MULTIPART

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """DRF's ``DataAndFiles``.

        Raises:
            AttachmentRefused: It is no such form, holds more than one file, or a path for a name.
            AttachmentTooLarge: There is too much of it, whatever it said of its length.
        """
        request = (parser_context or {})["request"]
        handlers = [Counting(request), *request.upload_handlers]
        encoding = (parser_context or {}).get(
            "encoding", django_settings.DEFAULT_CHARSET
        )
        try:
            form = _Form({**request.META}, stream, handlers, encoding)  # type: ignore[arg-type]  # DRF's stream is Django's own
            return DataAndFiles(*form.parse())
        except (MultiPartParserError, SuspiciousOperation) as error:
            raise AttachmentRefused("The form can't be read.") from error


class _Form(MultiPartParser):
    def sanitize_file_name(self, file_name: str) -> str | None:
        """Browsers send bare names: a path was put there by somebody."""
        if PATH.search(html.unescape(file_name)):
            raise AttachmentRefused("The name of the file is a path.")
        return super().sanitize_file_name(file_name)


class Counting(FileUploadHandler):
    """Lets one file through, in its own field, and no more of it than is allowed."""

    def __init__(self, request: Any = None) -> None:
        super().__init__(request)
        self._files = 0
        self._size = 0

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Another file begins.

        Raises:
            AttachmentRefused: It is not the first, or in a field that has none.
        """
        super().new_file(*args, **kwargs)
        self._files += 1
        if self._files > 1 or self.field_name != FIELD:
            raise AttachmentRefused(f'One file at a time, in the field "{FIELD}".')

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        """More of it.

        Raises:
            AttachmentTooLarge: That is too much.
        """
        self._size += len(raw_data)
        if self._size > settings.MAX_ATTACHMENT_BYTES:
            raise too_large()
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """Those behind it make the file."""


def uploaded_file(request: Request) -> UploadedFile[bytes]:
    """The file of the form, in memory or in a temporary file.

    Raises:
        AttachmentRefused: There is none, or there is more in the form.
    """
    if set(request.data) - {FIELD, CSRF}:
        raise AttachmentRefused(f'A form has the field "{FIELD}" and no other.')
    file = request.FILES.get(FIELD)
    if not isinstance(file, UploadedFile):
        raise AttachmentRefused(f'There is no file in the field "{FIELD}".')
    return file


def too_large() -> AttachmentTooLarge:
    """The refusal, with the limit in bytes."""
    return AttachmentTooLarge(f"A file may have {settings.MAX_ATTACHMENT_BYTES} bytes.")
