from __future__ import annotations

import hashlib
import io
from pathlib import PurePath

import pytest

from chatkit_app.engine.files import READABLE_TYPES
from chatkit_app.threads import media_types
from chatkit_app.threads.media_types import Seen, look
from tests.uploads import GOOD, HOSTILE, JPEG, PNG, SVG


def seen(content: bytes, name: str = "") -> Seen:
    return look(io.BytesIO(content), PurePath(name).suffix)


@pytest.mark.parametrize("name", GOOD)
def test_a_file_is_known_by_its_bytes(name: str) -> None:
    content, media_type = GOOD[name]

    found = seen(content, name)

    assert (found.media_type, found.fault) == (media_type, "")
    assert (found.size, found.sha256) == (
        len(content),
        hashlib.sha256(content).hexdigest(),
    )


def test_its_name_makes_it_nothing_else() -> None:
    assert seen(PNG, "a.html").media_type == "image/png"
    assert seen(PNG, "a.json").media_type == "image/png"
    assert seen(b"text", "a.png").media_type == "text/plain"


@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_two_things_at_once_or_none_is_not_taken(what: str) -> None:
    name, content = HOSTILE[what]

    found = seen(content, name)

    assert found.media_type not in READABLE_TYPES or found.fault


@pytest.mark.parametrize("length", range(60, 70))
def test_nothing_hides_between_two_pieces(monkeypatch, length: int) -> None:
    monkeypatch.setattr(media_types, "PIECE", 64)
    hidden = JPEG[:20] + b"\x12" * (length - 25) + b"<script>" + JPEG[20:]

    assert seen(hidden).fault


def test_a_film_behind_a_photo_is_a_phones(monkeypatch) -> None:
    assert not seen(JPEG + b"\0\0\0\x18ftypmp42" + b"\x12" * 100).fault


def test_a_text_may_speak_of_markup() -> None:
    assert seen(b"Write <script> and <svg>.").media_type == "text/plain"
    assert seen(b" \n" + SVG).media_type == "image/svg+xml"
    assert seen(b"<p>Hello").media_type == "text/html"
    assert seen(b"<?xml version='1.0'?><a/>").media_type == "application/xml"


@pytest.mark.parametrize("text", ["BM is a city code", "MZ", "PK", "ID3 tags", "II*"])
def test_a_text_may_begin_as_it_likes(text: str) -> None:
    assert seen(text.encode()).media_type == "text/plain"


def test_half_a_character_is_no_text() -> None:
    assert seen("Grüß".encode()[:-1]).media_type not in READABLE_TYPES


def test_the_file_can_be_read_again_after_it() -> None:
    file = io.BytesIO(PNG)
    look(file)

    assert file.read() == PNG


def test_nothing_is_a_text_of_no_length() -> None:
    assert (seen(b"").media_type, seen(b"").size) == ("text/plain", 0)
