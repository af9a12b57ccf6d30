"""Every door of the HTTP API, every verb, everybody: generated from the routes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.permissions.scene import (
    ABSENT,
    MINE,
    PRESENT,
    READERS,
    SECRET,
    Actor,
    Belongings,
    Scene,
    state,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("recorded")]

KEPT_OUT = {401, 403, 404}
EVERYBODY = frozenset(Actor)
PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00"
    b"\x1f\x15\xc4\x89\x00\x00\x00\rIDATx\x9cc\xf8\xff\xff?\x00\x05\xfe\x02\xfe\xa75\x81\x84"
    b"\x00\x00\x00\x00IEND\xaeB`\x82"
)

Body = Callable[[Belongings], Any]


def nothing(_mine: Belongings) -> None:
    return None


def named(**more: Any) -> Body:
    return lambda _mine: {"id": uuid4().hex, **more}


@dataclass(frozen=True, kw_only=True)
class Row:
    """Who is let in, and how they are answered; what a list has for those whose it is not: nothing."""

    allowed: frozenset[Actor]
    status: int = 200
    body: Body = nothing
    is_list: bool = False
    is_open: bool = False
    at: Callable[[Belongings], Mapping[str, str]] = field(default=lambda mine: {})


LIST = Row(allowed=EVERYBODY, is_list=True)
READ = Row(allowed=MINE)
LINK = Row(allowed=EVERYBODY, is_open=True)
"""Whoever has the link reads it: the token is in the address."""


def write(status: int = 200, **more: Any) -> Row:
    return Row(allowed=MINE, status=status, body=named(**more))


DOORS: dict[tuple[str, str], Row] = {
    ("visitor", "POST"): Row(allowed=EVERYBODY),
    ("api-threads", "GET"): LIST,
    ("api-threads", "POST"): Row(
        allowed=PRESENT, status=201, body=lambda _mine: {"assistant": "test"}
    ),
    ("api-thread", "GET"): READ,
    ("api-thread", "PATCH"): Row(allowed=MINE, body=lambda _mine: {"title": "New"}),
    ("api-thread", "DELETE"): READ,
    ("api-restore", "POST"): Row(
        allowed=MINE, at=lambda mine: {"thread": str(mine.deleted.pk)}
    ),
    ("api-read", "POST"): READ,
    ("api-messages", "GET"): READ,
    ("api-messages", "POST"): write(202, text="say Hi."),
    ("api-first-message", "POST"): Row(
        allowed=PRESENT, status=202, body=named(assistant="test", text="say Hi.")
    ),
    ("api-siblings", "GET"): READ,
    ("api-regenerate", "POST"): write(202),
    ("api-edit", "POST"): Row(
        allowed=MINE,
        status=202,
        body=named(text="say Other."),
        at=lambda mine: {"message": str(mine.prompt.pk)},
    ),
    # It is refused for what the thread does, after it was let in.
    ("api-show", "POST"): write(409),
    ("api-fork", "POST"): Row(
        allowed=MINE,
        status=201,
        body=lambda _mine: {},
        at=lambda mine: {"message": str(mine.prompt.pk)},
    ),
    ("api-feedback", "GET"): READ,
    ("api-feedback", "PUT"): Row(allowed=MINE, body=lambda _mine: {"kind": "down"}),
    ("api-feedback", "DELETE"): Row(allowed=MINE, status=204),
    ("api-shares", "GET"): READ,
    ("api-shares", "POST"): Row(allowed=MINE, status=201, body=lambda _mine: {}),
    ("api-share", "DELETE"): Row(allowed=MINE, status=204),
    ("api-shared", "GET"): LINK,
    ("shared", "GET"): LINK,
    ("api-runs", "GET"): LIST,
    ("api-run", "GET"): READ,
    ("api-cancel", "POST"): write(202),
    ("api-retry", "POST"): write(409),
    ("api-tool-calls", "GET"): LIST,
    ("api-tool-call", "GET"): READ,
    ("api-thread-export", "GET"): READ,
    ("api-export", "GET"): Row(allowed=PRESENT, is_list=True),
    ("api-erase", "POST"): Row(
        allowed=PRESENT, body=lambda _mine: {"confirm": True}, status=200
    ),
    ("api-interrupts", "GET"): LIST,
    ("api-interrupts", "POST"): Row(
        allowed=MINE | READERS,
        body=lambda mine: {
            "id": uuid4().hex,
            "answers": [
                {
                    "interrupt": str(mine.interrupt.pk),
                    "decision": "answer",
                    "output": {"text": "fox"},
                }
            ],
        },
    ),
    ("api-attachments", "POST"): Row(allowed=PRESENT, status=201),
    ("api-attachment", "GET"): Row(allowed=MINE | READERS),
    ("api-attachment", "DELETE"): Row(
        allowed=MINE,
        status=204,
        at=lambda mine: {"attachment": str(mine.unsent.pk)},
    ),
    ("api-attachment-content", "GET"): Row(allowed=MINE | READERS),
    ("api-usage", "GET"): Row(allowed=PRESENT, is_list=True),
    ("api-schema", "GET"): Row(allowed=EVERYBODY, is_list=True),
}


def patterns(resolver: URLResolver) -> Iterator[URLPattern]:
    for each in resolver.url_patterns:
        if isinstance(each, URLPattern):
            yield each
        else:
            yield from patterns(each)


def doors() -> dict[str, set[str]]:
    """What the running site serves below the app's mount: the names of its routes, and their verbs."""
    [mount] = [
        each
        for each in get_resolver().url_patterns
        if isinstance(each, URLResolver) and each.app_name == "chatkit"
    ]
    return {str(each.name): verbs(each.callback) for each in patterns(mount)}


FUNCTIONS = {"open_visitor": "POST", "shared": "GET"}
"""Views that are functions, with the verb that they take."""


def verbs(view: Any) -> set[str]:
    known = getattr(view, "view_class", None) or getattr(view, "cls", None)
    if known is None:
        return {FUNCTIONS[view.__name__]}
    allowed = set(known.http_method_names) - {"head", "options", "trace"}
    return {name.upper() for name in allowed if hasattr(known, name)}


def test_every_door_and_verb_has_a_row_and_every_row_a_door() -> None:
    served = {(name, verb) for name, found in doors().items() for verb in found}

    assert served == set(DOORS)


@pytest.mark.parametrize("actor", Actor, ids=lambda actor: actor.name.lower())
@pytest.mark.parametrize("door", DOORS, ids=lambda door: f"{door[1]} {door[0]}")
def test_who_is_let_in_at_each_door(door: tuple[str, str], actor: Actor) -> None:
    row, scene = DOORS[door], Scene()
    client, target = scene.client(actor), scene.target(actor)
    before = state()

    answer = request(client, door, row, target)

    text = told(answer)
    if actor in row.allowed:
        assert answer.status_code == row.status, text
    else:
        assert answer.status_code in KEPT_OUT, text
        assert state() == before
    if actor not in MINE and not (actor in row.allowed and actor in READERS):
        assert row.is_open or SECRET not in text
        assert str(target.run.pk) not in text


def request(client: Any, door: tuple[str, str], row: Row, mine: Belongings) -> Any:
    name, verb = door
    [route] = [
        each
        for each in patterns(get_resolver())
        if each.name == name
        and (each.lookup_str or "").startswith(("chatkit_app", "drf_spectacular"))
    ]
    known = {**mine.ids, **row.at(mine)}
    words = {word: known[word] for word in route.pattern.converters}
    address = reverse(f"chatkit:{name}", kwargs=words)
    call = getattr(client, verb.lower())
    if name == "api-attachments":
        return call(address, {"file": SimpleUploadedFile("x.png", PNG)})
    body = row.body(mine)
    if verb == "GET":
        return call(address)
    data = "" if body is None else json.dumps(body)
    return call(address, data, content_type="application/json")


def told(answer: Any) -> str:
    parts = answer.streaming_content if answer.streaming else [answer.content]
    return b"".join(parts).decode("utf-8", "replace")


def test_the_absent_are_let_in_nowhere_but_where_there_is_nothing_to_see() -> None:
    let_in = {door for door, row in DOORS.items() if row.allowed & ABSENT}

    open_doors = {door for door, row in DOORS.items() if row.is_open}
    assert all(
        DOORS[door].is_list or door in {("visitor", "POST"), *open_doors}
        for door in let_in
    )
    assert open_doors == {("api-shared", "GET"), ("shared", "GET")}
