"""Files of visitors: which types there are, what a name may look like, and how a file is told in words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

IMAGE_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp")
"""What every browser shows as a picture, and nothing in it can run."""
TEXT_TYPES = ("text/plain", "text/markdown", "text/csv", "application/json")
"""Text by its bytes; which of these it is only its name can tell, and nothing depends on it."""
PDF = "application/pdf"
READABLE_TYPES = (*IMAGE_TYPES, PDF, *TEXT_TYPES)
"""What models of today can read."""

NAME_CHARS = 200
UNNAMED = "file"
RESERVED = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f]')
SUFFIX = re.compile(r"\.\w{1,15}$")


def is_one_of(media_type: str, wanted: Iterable[str]) -> bool:
    """Is it among these types? ``image/*`` stands for all of a kind."""
    kind = media_type.partition("/")[0]
    return any(each in (media_type, f"{kind}/*") for each in wanted)


def clean_name(name: str) -> str:
    """A name that people can be shown and that a computer can save under: no path, nothing invisible.

    Control characters and those that turn the direction of writing go (``gpj.exe`` could be shown as
    ``exe.jpg`` otherwise). It has ``NAME_CHARS`` characters at most and keeps its suffix.
    """
    # A browser sends a bare name; whatever stands before a slash was put there by somebody else.
    bare = re.split(r"[\\/]", unicodedata.normalize("NFC", name))[-1]
    shown = "".join(sign for sign in bare if unicodedata.category(sign)[0] != "C")
    found = " ".join(RESERVED.sub("", shown).split()).strip(". ")
    if len(found) <= NAME_CHARS:
        return found or UNNAMED
    suffix = SUFFIX.search(found)
    end = suffix.group() if suffix else ""
    return found[: NAME_CHARS - len(end)].rstrip() + end


def told_in_words(name: str, media_type: str, size: int, why: str) -> str:
    """What the model is told of a file that it doesn't get. The name is the visitor's: one line, cut.

    ``size`` in bytes; ``why`` in a few words.
    """
    quoted = clean_name(name).replace("[", "(").replace("]", ")").replace('"', "'")
    return f'[file "{quoted}", {media_type}, {size} bytes: {why}]'
