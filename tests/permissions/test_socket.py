"""Every frame of a client's, from everybody who is not the owner: generated from the protocol."""

from __future__ import annotations

import json
import uuid
from typing import Any, get_args, get_type_hints

import pytest

from chatkit_app.protocols import native
from tests.live import Browser, Page, Site, calls_of

TEXT = "call read_selection"
KEPT_OUT = {
    "thread_not_found",
    "call_not_found",
    "interrupt_not_found",
    "message_not_found",
}
LOOK = "view_"
MAKE_STAFF = """
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
user = get_user_model().objects.get(username="bob")
user.is_staff = True
user.save()
ours = Permission.objects.filter(content_type__app_label="chatkit_app")
user.user_permissions.set(ours.filter(codename__regex={found!r}))
"""


class Chat:
    """A thread of ann's in which her page is asked for something."""

    def __init__(self, thread: str, told: dict[str, Any]) -> None:
        [self.call] = calls_of(told)
        self.thread = thread
        self.told = told
        self.run = told["run"]["id"]
        self.prompt, self.answer = (message["id"] for message in told["messages"])

    def frames(self) -> dict[str, dict[str, Any]]:
        """One of each that a client may send about a thread; a new one without a row fails."""
        place = {"thread": self.thread, "tab": "theirs"}
        called = {**place, "toolCall": self.call["id"]}
        answer = {
            "interrupt": self.call["interrupt"]["id"],
            "decision": "answer",
            "output": {"text": "theirs"},
        }
        return {
            "send": {**place, "assistant": "test", "text": "say Theirs."},
            "edit": {**place, "message": self.prompt, "text": "say Theirs."},
            "regenerate": {**place, "message": self.answer},
            "show": {"thread": self.thread, "message": self.answer},
            "retry": {**place, "run": self.run},
            "cancel": {"thread": self.thread, "run": self.run},
            "claim": called,
            "release": called,
            "answer": {**called, "output": {"text": "theirs"}},
            "resolve": {**place, "answers": [answer]},
        }


def test_every_command_of_a_page_is_tried() -> None:
    kinds = {
        get_args(get_type_hints(frame)["type"])[0]
        for frame in get_args(native.CommandFrame)
    }
    story = {
        "thread": {},
        "run": {"id": "r"},
        "messages": [
            {"id": "a", "parts": []},
            {
                "id": "b",
                "parts": [
                    {"type": "tool-call", "id": "c", "interrupt": {"id": "i"}},
                ],
            },
        ],
    }
    assert set(Chat("t", story).frames()) == kinds


async def begun(owner: Browser) -> Chat:
    async with owner.page() as page:
        thread = (await page.say(TEXT))["thread"]
        await page.reached("requires_action")
        return Chat(thread, await page.snapshot(thread))


async def refused(page: Page, chat: Chat) -> dict[str, str]:
    """What each frame of this page's came to."""
    return {
        kind: (await page.ask(kind, **fields)).get("code", "accepted")
        for kind, fields in chat.frames().items()
    }


def stranger(site: Site, who: str) -> Browser:
    if who == "a visitor":
        return Browser(site).visit()
    if who == "staff who may look but not read":
        site.shell(MAKE_STAFF.format(found="^view_(?!content)"))
    if who == "staff without a permission":
        site.shell(MAKE_STAFF.format(found="^none$"))
    return Browser(site).log_in("bob")


@pytest.mark.parametrize(
    "who",
    [
        "a visitor",
        "another user",
        "staff without a permission",
        "staff who may look but not read",
    ],
)
async def test_nothing_of_another_s_thread_is_done_or_seen(
    site: Site, who: str
) -> None:
    owner = Browser(site).log_in("ann")
    chat = await begun(owner)

    async with stranger(site, who).page() as page:
        watched = await page.watch(chat.thread)
        outcomes = await refused(page, chat)
        seen = json.dumps(page.frames)

    assert (watched["type"], watched["code"]) == ("error", "thread_not_found")
    assert set(outcomes.values()) <= KEPT_OUT, outcomes
    assert TEXT not in seen
    async with owner.page() as page:
        assert await page.snapshot(chat.thread) == chat.told


async def test_a_superuser_watches_and_does_what_staff_do_and_nothing_else(
    site: Site,
) -> None:
    chat = await begun(Browser(site).log_in("ann"))

    async with Browser(site).log_in("admin").page() as page:
        watched = await page.watch(chat.thread)
        outcomes = await refused(page, chat)

    assert watched["type"] == "reset"
    # The run waits, so that there is nothing to try again; and when it is cancelled, nothing to answer.
    staffs = {kind: outcomes[kind] for kind in ("retry", "cancel", "resolve")}
    assert staffs == {
        "retry": "run_conflict",
        "cancel": "accepted",
        "resolve": "answer_late",
    }
    assert outcomes["send"] == outcomes["edit"] == "thread_not_found"


async def test_who_logs_out_in_the_middle_does_nothing_more(site: Site) -> None:
    owner = Browser(site).log_in("ann")
    chat = await begun(owner)

    async with owner.page() as page:
        owner.log_out()
        await page.frame(type="send", id=uuid.uuid4().hex, **chat.frames()["send"])
        assert await page.closed() == 4401

    owner.log_in("ann")
    async with owner.page() as page:
        assert await page.snapshot(chat.thread) == chat.told
