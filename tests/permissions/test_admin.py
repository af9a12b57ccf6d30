"""Every address of the inspector, every member of the staff and everybody else: generated from the site."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from django.contrib import admin
from django.urls import reverse

from tests.permissions.scene import (
    INSPECTORS,
    READERS,
    SECRET,
    STAFF,
    Actor,
    Belongings,
    Scene,
    state,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("recorded")]

NOT_LET_IN = {302, 403, 404}
"""To the log-in, or a refusal; whoever is let in and sent on has changed something."""

MODELS = [
    model for model in admin.site._registry if model._meta.app_label == "chatkit_app"
]


@dataclass(frozen=True, kw_only=True)
class Row:
    """Who is let in by GET; and who changes something by POST, with this."""

    get: frozenset[Actor] = frozenset()
    post: frozenset[Actor] = frozenset()
    data: Mapping[str, Any] | None = None


NOBODYS = Row()
LOOK = Row(get=INSPECTORS)
# Rows of these kinds are content through and through.
READ = Row(get=READERS)

EVERY_MODEL = {"add": NOBODYS, "delete": NOBODYS, "change": LOOK, "changelist": LOOK}
"""Rows come from the app's own doors alone, and nobody edits one."""

DOORS: dict[str, Row] = {
    f"{model._meta.model_name}_{page}": row
    for model in MODELS
    for page, row in {**EVERY_MODEL, "history": LOOK}.items()
} | {
    # The list holds what each may see, so that whoever approves needs no other right.
    "interrupt_changelist": Row(get=STAFF),
    # Of a page's tool nobody decides; approvals have tests of their own.
    "interrupt_decide": NOBODYS,
    "interrupt_answer": Row(
        get=READERS, post=READERS, data={"decision": "fail", "text": "No."}
    ),
    "interrupt_expire": Row(post=READERS, data={}),
    "thread_events": READ,
    "thread_timeline": LOOK,
    "thread_act": Row(post=READERS, data={"run": "", "text": "Hello."}),
    "thread_export": Row(post=READERS, data={"as": "json"}),
    "thread_erase": Row(get=READERS, post=READERS, data={"confirm": "owner"}),
}


def served() -> dict[str, str]:
    """The inspector's addresses by their names, without the app's."""
    return {
        str(url.name).removeprefix("chatkit_app_"): str(url.pattern)
        for model in MODELS
        for url in admin.site._registry[model].get_urls()
        if url.name is not None  # sends on to the change page, and asks nobody
    }


def test_every_address_has_a_row_and_every_row_an_address() -> None:
    assert set(served()) == set(DOORS)


def address(name: str, mine: Belongings) -> str:
    model = name.split("_")[0]
    rows = {
        "thread": mine.thread,
        "message": mine.answer,
        "run": mine.run,
        "toolcall": mine.call,
        "interrupt": mine.interrupt,
    }
    pk = str(rows[model].pk) if model in rows else str(uuid4())
    words = {"object_id": pk, "pk": pk, "name": "cancel"}
    pattern = served()[name]
    kwargs = {word: value for word, value in words.items() if f":{word}>" in pattern}
    return reverse(f"admin:chatkit_app_{name}", kwargs=kwargs)


HAVE_A_ROW = {"thread", "message", "run", "toolcall", "interrupt"}
SEEN = [
    name
    for name in DOORS
    if name.split("_")[0] in HAVE_A_ROW or name.endswith(("changelist", "add"))
]
POSTED = [name for name in SEEN if DOORS[name].data is not None]
# Where nothing can be sent, those are tried who may do the most, and those who may do nothing.
UNPOSTED = [name for name in SEEN if DOORS[name].data is None]


@pytest.mark.parametrize("actor", Actor, ids=lambda actor: actor.name.lower())
@pytest.mark.parametrize("name", SEEN)
def test_who_may_look(name: str, actor: Actor) -> None:
    scene, row = Scene(), DOORS[name]
    before = state()

    answer = scene.client(actor).get(address(name, scene.of_user))

    text = answer.content.decode("utf-8", "replace")
    if actor in row.get:
        assert answer.status_code == 200, (answer.status_code, answer.get("Location"))
    else:
        assert answer.status_code in NOT_LET_IN | {405}, text
    assert state() == before
    if actor not in READERS:
        assert SECRET not in text


@pytest.mark.parametrize("actor", Actor, ids=lambda actor: actor.name.lower())
def test_who_sees_the_figures_on_the_index(actor: Actor) -> None:
    """They are the staff's who may look at threads; and of nobody's thread they tell a word."""
    scene = Scene()
    before = state()
    index = reverse("admin:app_list", kwargs={"app_label": "chatkit_app"})

    answer = scene.client(actor).get(index)

    text = answer.content.decode()
    assert answer.status_code in ({200} if actor in INSPECTORS else NOT_LET_IN | {200})
    assert ('class="chatkit-dashboard"' in text) == (actor in INSPECTORS)
    assert SECRET not in text
    assert state() == before


@pytest.mark.parametrize("actor", Actor, ids=lambda actor: actor.name.lower())
@pytest.mark.parametrize("name", POSTED)
def test_who_may_change_something(name: str, actor: Actor) -> None:
    post(name, actor)


@pytest.mark.parametrize("name", UNPOSTED)
@pytest.mark.parametrize("actor", [Actor.SUPERUSER, Actor.INSPECTOR, Actor.OWNER])
def test_nobody_changes_anything_elsewhere(name: str, actor: Actor) -> None:
    post(name, actor)


def post(name: str, actor: Actor) -> None:
    scene, row = Scene(), DOORS[name]
    mine = scene.of_user
    data = {"submission": uuid4().hex, **(row.data or {})}
    if name == "thread_act":
        data["run"] = str(mine.run.pk)
    before = state()

    answer = scene.client(actor).post(address(name, mine), data)

    changes = name != "thread_export"
    if actor in row.post:
        assert answer.status_code in {200, 302}
        assert (state() != before) == changes, told(answer)
    else:
        assert answer.status_code in NOT_LET_IN | {200, 405}
        assert state() == before
    if actor not in READERS:
        assert SECRET not in told(answer)


def told(answer: Any) -> str:
    parts = answer.streaming_content if answer.streaming else [answer.content]
    return b"".join(parts).decode("utf-8", "replace")
