"""What the script says of files that it is sent: that they came, and that it sees nothing in them."""

from __future__ import annotations

import base64

from chatkit_app.engine.messages import FilePart, Message, Part, TextPart
from chatkit_app.engine.states import Role

IN_WORDS = '[file "'
"""So begins what the model is told of a file in words."""


def told_of_files(messages: tuple[Message, ...]) -> list[str]:
    """A line for each file of the visitor's last message."""
    asked = [message for message in messages if message.role == Role.USER]
    parts = asked[-1].parts if asked else ()
    return [
        _told(part) for part in parts if isinstance(part, FilePart) or in_words(part)
    ]


def in_words(part: Part) -> bool:
    """Does it tell of a file, and is nothing that the visitor has written?"""
    return isinstance(part, TextPart) and part.text.startswith(IN_WORDS)


def _told(part: Part) -> str:
    if isinstance(part, TextPart):
        name = part.text.splitlines()[0].removeprefix(IN_WORDS).split('"')[0]
        about = "a text"
    else:
        assert isinstance(part, FilePart)  # noqa: S101 (nothing else is asked for)
        name = part.name
        about = f"{part.media_type}, {len(base64.b64decode(part.data))} bytes"
    return (
        f"I have got your file “{name}” ({about})."
        " This is simulated: a model would look at it, and a script can't."
    )
