from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from typing import TypeVar

from chatkit_app.engine import reading
from chatkit_app.engine.messages import FilePart, Message, Part, TextPart
from chatkit_app.engine.provider import ProviderRequest
from chatkit_app.engine.reading import Reading
from chatkit_app.engine.states import Role

T = TypeVar("T")

BYTES = {
    "a": b"a" * 10,
    "b": b"b" * 10,
    "c": b"c" * 10,
    "note": b"\xef\xbb\xbfHello \xff",
}


async def at_once(function: Callable[[], T]) -> T:
    return function()


def a_file(ref: str, media_type: str = "image/png", *, size: int = 10) -> FilePart:
    return FilePart(name=f"{ref}.x", media_type=media_type, size=size, ref=ref)


async def told(
    *messages: tuple[Part, ...], room: int = 100, **how: object
) -> list[tuple[Part, ...]]:
    request = ProviderRequest(
        model_name="m",
        instructions="",
        messages=tuple(Message(role=Role.USER, parts=parts) for parts in messages),
    )
    options: dict[str, object] = {
        "read": BYTES.get,
        "in_thread": at_once,
        "types": frozenset({"image/png"}),
        "max_bytes": room,
        "text_bytes": 50,
        **how,
    }
    found = await Reading(**options).told(request)  # type: ignore[arg-type]  # the test's own
    return [message.parts for message in found.messages]


def words(part: Part) -> str:
    assert isinstance(part, TextPart)
    return part.text


async def test_a_picture_is_handed_over_as_it_is() -> None:
    [[text, part]] = await told((TextPart(text="Look"), a_file("a")))

    assert text == TextPart(text="Look")
    assert isinstance(part, FilePart)
    assert base64.b64decode(part.data) == BYTES["a"]


async def test_what_the_provider_does_not_read_is_told_in_words() -> None:
    [[part]] = await told((a_file("a", "application/pdf"),))

    assert words(part) == '[file "a.x", application/pdf, 10 bytes: not readable here]'


async def test_a_text_is_told_as_a_text_and_says_so() -> None:
    [[part]] = await told((a_file("note", "text/plain"),), types=frozenset())

    assert words(part) == (
        '[file "note.x", text/plain, 10 bytes: its text follows]\nHello \ufffd'
    )


async def test_a_long_text_is_cut_and_says_so() -> None:
    [[part]] = await told((a_file("long", "text/csv"),), read=lambda ref: b"x" * 5000)

    assert words(part).count("x") < 100
    assert "5000 bytes" in words(part)


async def test_the_newest_files_have_the_room() -> None:
    first, second = await told(
        (a_file("a"), TextPart(text="older"), a_file("b")), (a_file("c"),), room=25
    )

    assert isinstance(second[0], FilePart)
    assert isinstance(first[2], FilePart)
    assert "newer files have taken the room" in words(first[0])
    assert first[1] == TextPart(text="older")


async def test_what_is_only_told_of_takes_no_room() -> None:
    first, _second = await told(
        (a_file("a"),), (a_file("b", "application/pdf", size=90),), room=10
    )

    assert isinstance(first[0], FilePart)


async def test_a_file_that_is_gone_is_told_so() -> None:
    [[gone, gone_text]] = await told((a_file("z"), a_file("z", "text/plain")))

    assert "can't be read any more" in words(gone)
    assert "can't be read any more" in words(gone_text)


async def test_a_storage_that_does_not_answer_holds_nobody_up_for_ever(
    monkeypatch,
) -> None:
    monkeypatch.setattr(reading, "READ_SECONDS", 0.0)

    async def never(function: Callable[[], T]) -> T:
        await asyncio.Event().wait()
        return function()

    [[part]] = await told((a_file("a"),), in_thread=never)

    assert "can't be read any more" in words(part)


async def test_without_files_nothing_is_read() -> None:
    def fail(ref: str) -> bytes:
        raise AssertionError(ref)

    assert await told((TextPart(text="Hi"),), read=fail) == [(TextPart(text="Hi"),)]
