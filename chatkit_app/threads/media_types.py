"""What a file is, by its bytes alone: neither its name nor what a browser says of it counts.

A file that is two things at once (a picture and a script, a PDF and a page) is refused, though it could
do nothing here: it is never served as the other one. Read in pieces, so that size costs no memory.
"""

from __future__ import annotations

import codecs
import hashlib
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

import puremagic

from chatkit_app.engine.files import IMAGE_TYPES, PDF, TEXT_TYPES

PIECE = 65_536
HEAD = 4_096
"""What is enough to know a type by."""
TAIL = 1_024

OTHER = "application/octet-stream"
PLAIN = "text/plain"
SUFFIXES = {".md": "text/markdown", ".csv": "text/csv", ".json": "application/json"}
"""Which kind of text it is, nobody can see in it; nothing depends on it but an icon."""

MARKUP = re.compile(
    rb"<script|<html|<svg|<!doctype\s+html|<iframe|<\?php|javascript:", re.IGNORECASE
)
"""What no picture and no PDF holds in the open: there it is a page, waiting to be taken for one."""
OVERLAP = 32
"""More than the longest of these, so that none is missed between two pieces."""

NOT_TEXT = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
"""Control characters that text has no use for; tabs, line ends, form feeds and colours are others."""

GIF_PIXELS = 0x2000
"""A GIF that says it is wider is a script that begins with ``GIF89a=`` or ``GIF89a/*``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen of a file. ``size`` in bytes, ``sha256`` in hex; ``fault`` in words, or empty."""

    media_type: str
    size: int
    sha256: str
    fault: str = ""


def look(file: IO[bytes], suffix: str = "") -> Seen:
    """Read a file from its beginning to its end; ``suffix`` only tells one kind of text from another."""
    seen = _Reading()
    file.seek(0)
    for piece in iter(lambda: file.read(PIECE), b""):
        seen.add(piece)
    media_type = _type_of(seen, suffix.lower())
    fault = _fault(media_type, seen, file)
    file.seek(0)
    return Seen(
        media_type=media_type,
        size=seen.size,
        sha256=seen.digest.hexdigest(),
        fault=fault,
    )


class _Reading:
    """What is noted while the pieces go by."""

    def __init__(self) -> None:
        self.size = 0
        self.head = b""
        self.tail = b""
        self.digest = hashlib.sha256()
        self.is_text = True
        self.has_markup = False
        self.has_jpeg_end = False
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def add(self, piece: bytes) -> None:
        joined = self.tail[-OVERLAP:] + piece
        self.has_markup = self.has_markup or MARKUP.search(joined) is not None
        self.has_jpeg_end = self.has_jpeg_end or b"\xff\xd9" in joined
        self.is_text = self.is_text and self._reads_as_text(piece)
        self.size += len(piece)
        self.head = (self.head + piece)[:HEAD] if len(self.head) < HEAD else self.head
        self.tail = (self.tail + piece)[-TAIL:]
        self.digest.update(piece)

    def _reads_as_text(self, piece: bytes) -> bool:
        try:
            return NOT_TEXT.search(self._decoder.decode(piece)) is None
        except UnicodeDecodeError:
            return False

    @property
    def ends_in_a_character(self) -> bool:
        """Was the last character whole?"""
        return not self._decoder.getstate()[0]


def _type_of(seen: _Reading, suffix: str) -> str:
    """A signature comes first: what begins as a picture and reads as text is a script, most likely."""
    known = _by_signature(seen.head)
    for media_type in known:
        if media_type in (*IMAGE_TYPES, PDF):
            return media_type
    if seen.is_text and seen.ends_in_a_character:
        return _kind_of_text(seen.head, suffix)
    return known[0] if known else OTHER


def _by_signature(head: bytes) -> Sequence[str]:
    try:
        found = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        return []
    best = sorted(found, key=lambda match: -match.confidence)
    return [match.mime_type for match in best if match.mime_type]


def _kind_of_text(head: bytes, suffix: str) -> str:
    """Markup by its first sign, whatever comment or declaration stands before it."""
    begins = head.removeprefix(codecs.BOM_UTF8).lstrip()
    if not begins.startswith(b"<"):
        return SUFFIXES.get(suffix, PLAIN)
    if b"<svg" in begins.lower():
        return "image/svg+xml"
    return "application/xml" if begins.startswith(b"<?xml") else "text/html"


def _fault(media_type: str, seen: _Reading, file: IO[bytes]) -> str:
    """Why it is not what its type says, or is something else as well; empty where it is all right."""
    if media_type in TEXT_TYPES:
        return ""
    if media_type in IMAGE_TYPES or media_type == PDF:
        if not WHOLE[media_type](seen):
            return "The file is broken, or holds more than it seems to."
        if seen.has_markup:
            return "The file holds a script or a page."
        if zipfile.is_zipfile(file):
            return "The file is an archive as well."
    return ""


def _is_whole_png(seen: _Reading) -> bool:
    return seen.tail.endswith(b"IEND\xaeB`\x82")


def _is_whole_gif(seen: _Reading) -> bool:
    width, height = (int.from_bytes(seen.head[at : at + 2], "little") for at in (6, 8))
    return seen.tail.endswith(b"\x3b") and max(width, height) < GIF_PIXELS


def _is_whole_jpeg(seen: _Reading) -> bool:
    """Phones put a second picture or a film behind the end, so that is allowed to follow."""
    return seen.has_jpeg_end and seen.head[4:6] not in (b"/*", b"//")


def _is_whole_webp(seen: _Reading) -> bool:
    told = int.from_bytes(seen.head[4:8], "little") + 8
    return seen.head[8:12] == b"WEBP" and seen.size in (told, told + told % 2)


def _is_whole_pdf(seen: _Reading) -> bool:
    return seen.head.startswith(b"%PDF-") and b"%%EOF" in seen.tail


WHOLE: Mapping[str, Callable[[_Reading], bool]] = {
    "image/png": _is_whole_png,
    "image/gif": _is_whole_gif,
    "image/jpeg": _is_whole_jpeg,
    "image/webp": _is_whole_webp,
    PDF: _is_whole_pdf,
}


def pieces(file: IO[bytes]) -> Iterator[bytes]:
    """The file, piece by piece."""
    return iter(lambda: file.read(PIECE), b"")
