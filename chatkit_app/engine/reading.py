"""What the model is told of files: their bytes where its provider reads them, else a line of words.

Asked before each step, so that the bytes are in memory for that long only. The newest files come first;
what goes beyond the limit is told in words, and nothing is left out in silence.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from dataclasses import dataclass, replace

from chatkit_app.engine.files import (
    TEXT_TYPES,
    clean_name,
    is_one_of,
    told_in_words,
)
from chatkit_app.engine.limits import cut_for_model
from chatkit_app.engine.messages import FilePart, Message, Part, TextPart
from chatkit_app.engine.performing import InThread
from chatkit_app.engine.provider import ProviderRequest

READ_SECONDS = 30.0
"""How long the site's storage may take for one file."""

NOT_READABLE = "not readable here"
TOO_MUCH = "left out, since newer files have taken the room"
GONE = "can't be read any more"

ReadFile = Callable[[str], bytes | None]
"""The bytes of a file by its ``ref``; None where they are gone. It may block."""


def no_file(ref: str) -> bytes | None:
    """Where there are no files."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How files are read for one request.

    ``types`` are the media types that the provider takes, ``max_bytes`` bounds all files together,
    ``text_bytes`` what is told of a single text.
    """

    read: ReadFile
    in_thread: InThread
    types: frozenset[str]
    max_bytes: int
    text_bytes: int

    async def told(self, request: ProviderRequest) -> ProviderRequest:
        """The request with every file read, or told in words."""
        if not any(_files(message) for message in request.messages):
            return request
        left, found = self.max_bytes, list[Message]()
        for message in reversed(request.messages):
            parts, left = await self._parts(message, left)
            found.append(replace(message, parts=parts))
        return replace(request, messages=tuple(reversed(found)))

    async def _parts(self, message: Message, left: int) -> tuple[tuple[Part, ...], int]:
        """The parts, and how many bytes are left for older ones."""
        found: list[Part] = []
        for part in reversed(message.parts):
            if isinstance(part, FilePart):
                told = await self._told(part, left)
                left -= 0 if _is_in_words(part, told) else part.size
                found.append(told)
            else:
                found.append(part)
        return tuple(reversed(found)), left

    async def _told(self, part: FilePart, left: int) -> Part:
        is_text = part.media_type in TEXT_TYPES
        if not is_text and not is_one_of(part.media_type, self.types):
            return _in_words(part, NOT_READABLE)
        if part.size > left:
            return _in_words(part, TOO_MUCH)
        read = _read_text if is_text else _read_whole
        try:
            async with asyncio.timeout(READ_SECONDS):
                told = await self.in_thread(lambda: read(part, self))
        except TimeoutError:
            told = None
        return told or _in_words(part, GONE)


def _files(message: Message) -> list[FilePart]:
    return [part for part in message.parts if isinstance(part, FilePart)]


def _is_in_words(part: FilePart, told: Part) -> bool:
    return isinstance(told, TextPart) and part.media_type not in TEXT_TYPES


def _in_words(part: FilePart, why: str) -> TextPart:
    return TextPart(text=told_in_words(part.name, part.media_type, part.size, why))


def _read_whole(part: FilePart, how: Reading) -> Part | None:
    found = how.read(part.ref)
    if found is None:
        return None
    # Here and not at the provider: it takes a while for a large one, and this is a thread.
    return replace(
        part, name=clean_name(part.name), data=base64.b64encode(found).decode()
    )


def _read_text(part: FilePart, how: Reading) -> Part | None:
    """A text is told as a text, whatever the provider: first what it is, then what is in it."""
    found = how.read(part.ref)
    if found is None:
        return None
    head = told_in_words(part.name, part.media_type, part.size, "its text follows")
    text = found.decode("utf-8", "replace").removeprefix("\ufeff")
    return TextPart(text=f"{head}\n{cut_for_model(text, how.text_bytes)}")
