"""An export as people read it: Markdown, the shown branch alone.

Whatever was said stands in quotes, so that none of it passes for ours; nothing in it is HTML, a link
or a picture to whoever renders it, and what is code stays as it was written.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import pairwise

from django.utils.translation import gettext as _
from pydantic import JsonValue

from chatkit_app.engine.schema import dump_json
from chatkit_app.engine.states import PartKind, Role
from chatkit_app.threads.export import Export, Json, threads_of

FENCE = re.compile(r"(?P<marks>`{3,}|~{3,})[ \t]*(?P<info>[\w+#.-]*)[ \t]*\Z")
"""A whole line that begins code, as models write it."""
MARKS = re.compile(r"([\\`*_\[\]#|~!])")
INVISIBLE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
"""Control characters, and those that turn the direction of writing."""


def as_markdown(export: Export) -> Iterator[str]:
    """The whole of it, piece by piece, in the language that is active now."""
    words = {
        "untitled": _("Untitled"),
        Role.USER: _("Visitor"),
        Role.ASSISTANT: _("Assistant"),
        Role.SYSTEM: _("System"),
        "staff": _("Staff"),
        "file": _("File"),
        "call": _("Tool call"),
        "answered": _("answered"),
        "feedback": _("Feedback"),
    }
    return _document(export, words)


def _document(export: Export, words: dict[str, str]) -> Iterator[str]:
    for thread, messages in threads_of(export):
        title = line(str(thread["title"])) or words["untitled"]
        told = f"{line(str(thread['assistant']))} · {_moment(thread['createdAt'])}"
        yield f"# {title}\n\n{told} · {thread['id']}\n\n"
        for message in messages:
            if message["isShown"]:
                yield _message(message, words)


def _message(message: Json, words: dict[str, str]) -> str:
    said = [text for part in _dicts(message["parts"]) if (text := _part(part, words))]
    author = message["author"]
    who = words[str(message["role"])]
    if isinstance(author, dict):
        who = " ".join([words["staff"], line(str(author["name"]))]).strip()
    head = f"## {who} · {_moment(message['createdAt'])}\n\n"
    rated = message["feedback"]
    if isinstance(rated, dict):
        comment = prose(str(rated["comment"]))
        said.append(f"*{words['feedback']}: {rated['kind']}*\n\n{comment}".rstrip())
    return head + quoted("\n\n".join(said)) + "\n\n"


def _part(part: Json, words: dict[str, str]) -> str:
    match part["type"]:
        case PartKind.TEXT:
            return prose(str(part["text"]))
        case PartKind.FILE:
            return f"*{words['file']}:* {line(str(part.get('name', '')))}"
        case PartKind.TOOL_CALL:
            return _call(part, words)
    return ""  # what the model has thought, and what stands at the call already


def _call(part: Json, words: dict[str, str]) -> str:
    told = [f"*{words['call']}:* {line(str(part['name']))} ({part['status']})"]
    told.append(fenced(str(part["arguments"]), "json"))
    for asked in _dicts(part["asked"]):
        if asked["answeredAt"]:
            decided = asked["decision"] or words["answered"]
            by = asked["answeredBy"]
            name = line(str(by["name"] or "")) if isinstance(by, dict) else ""
            told.append(f"*{decided}* {_moment(asked['answeredAt'])} {name}".rstrip())
    error = part["error"]
    if isinstance(error, dict):
        told.append(prose(f"{error['code']}: {error['text']}"))
    elif part["output"] is not None:
        output = part["output"]
        told.append(fenced(output if isinstance(output, str) else dump_json(output)))
    return "\n\n".join(told)


def quoted(text: str) -> str:
    """In a quote, from which nothing gets out: every line of it is marked."""
    lines = INVISIBLE.sub("", text).splitlines()
    return "\n".join(f"> {each}".rstrip() for each in lines) or ">"


def line(text: str) -> str:
    """On one line, and nothing but text."""
    bare = " ".join(INVISIBLE.sub("", text).split())
    return html.escape(MARKS.sub(r"\\\1", bare), quote=False)


def fenced(text: str, info: str = "") -> str:
    """As code, in a fence that is longer than any inside."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    marks = "`" * max(3, longest + 1)
    return f"{marks}{info}\n{text}\n{marks}"


def prose(text: str) -> str:
    """Markdown as a model or a visitor has written it, harmless."""
    found: list[str] = []
    code: list[str] | None = None
    marks = info = ""
    for each in text.splitlines():
        begins = FENCE.match(each)
        if code is not None:
            if _ends(each, marks):
                found += ["", fenced("\n".join(code), info), ""]
                code = None
            else:
                code.append(each)
        elif begins:
            code, marks, info = [], begins["marks"], begins["info"]
        else:
            found.append(_harmless(each))
    if code is not None:
        found += ["", fenced("\n".join(code), info), ""]
    kept = [each for before, each in pairwise(["", *found]) if before or each]
    return "\n".join(kept).strip("\n")


def _ends(text: str, marks: str) -> bool:
    bare = text.strip()
    return len(bare) >= len(marks) and set(bare) == {marks[0]}


def _harmless(text: str) -> str:
    """A line of prose: no HTML, no link or picture; and no fence that we have not seen, to hide in."""
    text = text.replace("&", "&amp;").replace("<", "&lt;")
    text = re.sub(r"`{3,}|~{3,}", lambda run: "".join(f"\\{c}" for c in run[0]), text)
    return text.replace("![", "!\\[").replace("](", "]\\(").replace("]:", "]\\:")


def _dicts(value: JsonValue) -> Iterable[Json]:
    return [each for each in value if isinstance(each, dict)] if value else []  # type: ignore[union-attr]  # a list of ours


def _moment(value: JsonValue) -> str:
    at = datetime.fromisoformat(str(value)).astimezone(UTC)
    return f"{at:%Y-%m-%d %H:%M} UTC"
