"""Reading a vendor's JSON: whatever is missing or of another type is the empty value."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

Json = Mapping[str, object]
LARGEST = 2**31 - 1


def text_in(data: Json, key: str) -> str:
    """The text under this key, or ``""``."""
    value = data.get(key)
    return value if isinstance(value, str) else ""


def number_in(data: Json, key: str) -> int:
    """The whole number under this key, or 0; at least 0, and no more than a column holds."""
    value = data.get(key)
    return min(max(value, 0), LARGEST) if isinstance(value, int) else 0


def object_in(data: Json, key: str) -> Json:
    """The object under this key, or an empty one."""
    value = data.get(key)
    return value if isinstance(value, dict) else {}


def objects_in(data: Json, key: str) -> Iterator[Json]:
    """The objects of the list under this key; what is no object is passed over."""
    value = data.get(key)
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))


def is_whole_object(text: str) -> bool:
    """Is this the complete JSON text of an object?"""
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def encoded(body: Json) -> bytes:
    """The body as JSON in UTF-8.

    Surrogate pairs that were cut are joined, lone surrogates become U+FFFD: there is no UTF-8 for
    them.
    """
    text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError:
        units = text.encode("utf-16-le", "surrogatepass")
        return units.decode("utf-16-le", "replace").encode()
