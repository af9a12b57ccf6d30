"""Somebody uses all that there is, and is erased: nothing of them is left anywhere."""

from __future__ import annotations

import asyncio
import json
import urllib.request
import uuid

import pytest

from tests.answering_live import paused, resolve, said
from tests.live import Browser, Site

MARK = "m4rk"

REMAINS = (
    "import json, tests.remains; print(json.dumps(tests.remains.remains(*{words!r})))"
)


def ask(browser: Browser, method: str, path: str, body: object, kind: str = "") -> dict:
    """One request of a page's script, with its CSRF token."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    token = next(c.value for c in browser._jar if c.name == "csrftoken")
    request = urllib.request.Request(  # noqa: S310 (always the site's own address)
        f"{browser.site.url}/chatkit/api/{path}",
        data=data,
        method=method,
        headers={
            "Content-Type": kind or "application/json",
            "X-CSRFToken": str(token),
        },
    )
    with browser._opener.open(request, timeout=30) as answer:
        found: dict = json.loads(answer.read() or b"{}")
    return found


def upload(browser: Browser) -> str:
    """The id of a new file; its name and what is in it have the mark."""
    body = (
        f'--b\r\nContent-Disposition: form-data; name="file"; filename="{MARK}.txt"\r\n'
        f"Content-Type: text/plain\r\n\r\n{MARK} in a file\r\n--b--\r\n"
    ).encode()
    return str(
        ask(browser, "POST", "attachments/", body, "multipart/form-data; boundary=b")[
            "id"
        ]
    )


def left(site: Site, *words: str) -> list[str]:
    return list(json.loads(site.shell(REMAINS.format(words=words))))


async def live_through(browser: Browser) -> list[str]:
    """Say, ask, approve, refuse, answer, rate, fork, pin, share, edit, regenerate, rename; the ids of what came of it."""
    async with browser.page() as page:
        script = (
            f'think {MARK} hm\nsay {MARK} hello\ncall add {{"a": 1, "b": 2}}\ncall boom'
        )
        accepted = await page.say(f"{script}", attachments=[upload(browser)])
        thread, question = accepted["thread"], accepted["message"]
        await page.ended("completed")
        upload(browser)
        [_asked, answer] = (await page.snapshot(thread))["messages"]
        place = f"threads/{thread}/messages/{answer['id']}"
        rating = {"kind": "down", "reasons": [MARK], "comment": f"{MARK} bad"}
        ask(browser, "PUT", f"{place}/feedback/", rating)
        changes = {"title": f"{MARK} title", "metadata": {"note": MARK}}
        ask(browser, "PATCH", f"threads/{thread}/", changes)
        fork = ask(browser, "POST", f"{place}/fork/", {})
        ask(browser, "PATCH", f"threads/{fork['id']}/", {"pinned": True})
        shared = ask(browser, "POST", f"threads/{thread}/shares/", {})
        ask(browser, "POST", f"{place}/regenerate/", {"id": uuid.uuid4().hex})
        await page.ended("completed")
        edit = {"id": uuid.uuid4().hex, "text": f"say {MARK} edited"}
        ask(browser, "POST", f"threads/{thread}/messages/{question}/edit/", edit)
        await page.ended("completed")

        await page.say("call read_selection", thread)
        await page.reached("requires_action")
        call = await page.waiting_call(thread)
        taken = await page.answer(thread, call, {"text": f"{MARK} selected"})
        assert taken["type"] == "accepted", taken
        await page.ended("completed")

    async with browser.page() as page:
        other, [approval] = await paused(page, 'call refund {"amount": 70}')
        await resolve(page, other, said(approval, "deny", text=f"{MARK} no"))
        await page.ended("completed")
    async with browser.page() as page:
        third, [asked] = await paused(page, "call send_parcel")
        filled = {"name": f"{MARK} street", "action": "send"}
        taken = await resolve(page, third, said(asked, "answer", output=filled))
        assert taken["type"] == "accepted", taken
        await page.ended("completed")
    ids = [thread, other, third, question, fork["id"], fork["run"]["id"]]
    return [*ids, shared["id"], shared["token"]]


@pytest.mark.timeout(400)  # a long story, and processes of its own
async def test_whoever_has_used_everything_is_erased_without_a_trace(
    site: Site,
) -> None:
    browser = Browser(site).visit()
    browser.get("/login/")  # a page that brings the token
    visitor = json.loads(browser.post("/chatkit/visitor/"))["viewer"].removeprefix("v:")
    ids = await live_through(browser)
    browser.log_in("ann")
    [(ann,)] = site.rows("SELECT id FROM auth_user WHERE username = 'ann'")
    async with browser.page() as page:
        running = await page.say(f"say {MARK} still at it\nstall")
        await page.shows(running["thread"], f"{MARK} still at it")
        ids += [running["thread"], running["run"]]
        before = left(site, MARK)
        answer = await asyncio.to_thread(
            ask, browser, "POST", "erase/", {"confirm": True}
        )
        await page.ended("cancelled")

    assert answer == {"threads": 5}
    assert {name.partition(".")[0] for name in before} >= {
        f"chatkit_app_{table}"
        for table in (
            *("attachment", "event", "feedback", "interrupt", "message"),
            *("part", "thread", "toolcall"),
        )
    }
    bob = Browser(site).log_in("bob")
    async with bob.page() as page:
        # The same process goes on, and writes nothing of it any more.
        await page.say("say Hello.")
        await page.ended("completed")
    assert left(site, MARK, f"u:{ann}", visitor, *ids) == []
