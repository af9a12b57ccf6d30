"""An export as bytes, made while they are sent: JSON, Markdown, or a zip of both with the files."""

from __future__ import annotations

import io
import logging
import zipfile
from collections.abc import Generator, Iterable, Iterator

from django.core.files import File

from chatkit_app.engine.files import clean_name
from chatkit_app.models import Attachment
from chatkit_app.threads.export import Export, as_json
from chatkit_app.threads.markdown import as_markdown

logger = logging.getLogger(__name__)

KINDS = (JSON, MARKDOWN, ZIP) = ("json", "markdown", "zip")
PIECE = 65_536
"""Bytes that are sent at once."""
YEARS = range(1980, 2108)
"""What a zip can tell."""


class _Sink(io.RawIOBase):
    """Where the zip is written to: what has come can be taken, and nothing is kept."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]  # a zip writes nothing else
        self._pieces.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        found, self._pieces = b"".join(self._pieces), []
        return found


def written(export: Export, kind: str) -> Generator[bytes]:
    """The whole of it as one of ``KINDS``, piece by piece."""
    if kind == ZIP:
        return as_zip(export)
    return encoded(as_markdown(export) if kind == MARKDOWN else as_json(export))


def as_zip(export: Export) -> Generator[bytes]:
    """``export.json``, ``export.md``, and each file as ``files/<id>/<name>``.

    A file that its storage does not have any more is left out.
    """
    return _zipped(export, as_markdown(export))  # in the language of whoever asks


def _zipped(export: Export, markdown: Iterator[str]) -> Generator[bytes]:
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        yield from _entry(
            archive, sink, export, "export.json", encoded(as_json(export))
        )
        yield from _entry(archive, sink, export, "export.md", encoded(markdown))
        for row in export.files():
            name = f"files/{row.pk}/{clean_name(row.name)}"
            if (pieces := _pieces_of(row)) is not None:
                yield from _entry(archive, sink, export, name, pieces)
    yield sink.take()


def _entry(
    archive: zipfile.ZipFile,
    sink: _Sink,
    export: Export,
    name: str,
    pieces: Iterable[bytes],
) -> Generator[bytes]:
    at = export.at.timetuple()[:6]
    info = zipfile.ZipInfo(name, at if at[0] in YEARS else (1980, 1, 1, 0, 0, 0))
    info.compress_type = zipfile.ZIP_DEFLATED
    with archive.open(info, "w", force_zip64=True) as entry:
        for piece in pieces:
            entry.write(piece)
            if found := sink.take():
                yield found


def _pieces_of(row: Attachment) -> Generator[bytes] | None:
    """The file, piece by piece; None where it is gone."""
    try:
        file = row.file.open("rb")
    except OSError:
        logger.warning("The file of attachment %s is gone", row.pk)
        return None
    return _read(file)


def _read(file: File[bytes]) -> Generator[bytes]:
    try:
        while piece := file.read(PIECE):
            yield piece
    finally:
        file.close()


def encoded(texts: Iterable[str]) -> Generator[bytes]:
    """In UTF-8, small pieces put together."""
    found: list[str] = []
    size = 0
    for text in texts:
        found.append(text)
        size += len(text)
        if size >= PIECE:
            yield "".join(found).encode()
            found, size = [], 0
    yield "".join(found).encode()
