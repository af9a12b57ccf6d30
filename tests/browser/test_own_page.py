"""A page that draws everything itself: the client without the element, as docs/client.md tells."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.live import USERS, Site

MADE = """
async ({ token }) => {
  const { ChatKitClient, partialInput } = await import("/static/chatkit_app/index.js")
  const client = new ChatKitClient({ assistant: "test", csrfToken: token })
  const seen = { states: [], previews: [] }
  client.addEventListener("change", () => {
    const call = client.messages.at(-1)?.parts.find(({ type }) => type === "tool-call")
    if (call === undefined) return
    if (seen.states.at(-1) !== call.state) seen.states.push(call.state)
    seen.previews.push(partialInput(call)?.order)
  })
  client.tools.register("read_selection", () => ({ text: "x".repeat(100_000) }))
  client.connect()
  Object.assign(globalThis, { client, seen })
}
"""
ANSWERED = """
async () => {
  const [{ id, form }] = client.interrupts
  const box = document.createElement("form")
  box.innerHTML = form
  box.elements.namedItem("name").value = "Ann"
  for (const each of box.querySelectorAll("[type=checkbox]")) each.checked = true
  const fields = {}
  for (const [name, value] of new FormData(box)) (fields[name] ??= []).push(value)
  await client.answer(id, fields)
}
"""
ASKED = "client.interrupts.length === 1"
OVER = "client.run !== null && !client.isBusy"

OpenPage = Callable[..., Page]


@pytest.fixture
def make_page(chromium: Browser, server: Site) -> Iterator[OpenPage]:
    """A page without the element, and in it ``client`` and what it has ``seen``."""
    contexts: list[BrowserContext] = []

    def make(*, user: str = "", token: str = "") -> Page:
        context = chromium.new_context()
        contexts.append(context)
        page = context.new_page()
        page.goto(f"{server.url}/login/")
        if user:
            page.locator("[name=username]").fill(user)
            page.locator("[name=password]").fill(USERS[user])
            page.locator("form button").click()
            expect(page.locator("chatkit-thread")).to_be_visible()
            page.goto(f"{server.url}/login/")
        page.evaluate(MADE, {"token": token and token_of(page)})
        return page

    yield make
    for context in contexts:
        context.close()


def token_of(page: Page) -> str:
    return page.locator("[name=csrfmiddlewaretoken]").input_value()


def ask(page: Page, text: str) -> None:
    page.evaluate("async (text) => { await client.send(text) }", text)


def outcome(page: Page) -> dict[str, Any]:
    """The result of the newest answer's call, when the run is over."""
    page.wait_for_function(OVER)
    parts = page.evaluate("client.messages.at(-1).parts")
    return next(part for part in parts if part["type"] == "tool-result")


def test_it_sees_a_call_in_all_its_states_and_decides(make_page: OpenPage) -> None:
    page = make_page()
    ask(page, 'call pay_back {"order": "10421042104210421042", "euros": 30}')
    page.wait_for_function(ASKED)
    assert page.evaluate("client.interrupts[0].message") == (
        "Pay order 10421042104210421042 back?"
    )

    edited = {"order": "1", "euros": 7}
    page.evaluate("input => client.approve(client.interrupts[0].id, { input })", edited)

    assert outcome(page)["content"] == '"7 for 1"'
    assert page.evaluate("seen.states") == [
        *("awaiting-input", "input-streaming"),
        *("approval-requested", "approval-responded"),
    ]
    assert page.evaluate("seen.previews.at(-1)") == "10421042104210421042"
    assert page.evaluate("client.interrupts") == []


def test_an_answer_that_does_not_fit_leaves_the_question_open(
    make_page: OpenPage,
) -> None:
    page = make_page()
    ask(page, "call pick_shirt")
    page.wait_for_function(ASKED)

    error = page.evaluate(
        """client.answer(client.interrupts[0].id, { size: "M", count: 3 })
          .catch(({ code, errors }) => [code, ...errors.map(({ field }) => field)])"""
    )

    assert error == ["answer_invalid", "count"]
    page.evaluate("client.answer(client.interrupts[0].id, { size: 'M', count: 4 })")
    assert outcome(page)["content"] == '"4 x M "'


def test_a_form_of_the_servers_is_drawn_and_sent_as_it_stands(
    make_page: OpenPage,
) -> None:
    page = make_page()
    ask(page, "call send_parcel")
    page.wait_for_function(ASKED)

    page.evaluate(ANSWERED)

    assert outcome(page)["content"] == '"send to Ann: r,g"'


@pytest.mark.parametrize(("token", "state"), [("", "error"), ("given", "complete")])
def test_what_is_too_large_for_a_frame_needs_the_token_of_a_user_who_is_logged_in(
    make_page: OpenPage, token: str, state: str
) -> None:
    page = make_page(user="ann", token=token)
    ask(page, "call read_selection")

    result = outcome(page)

    assert result["state"] == state
    assert ("CSRF" in (result.get("error") or {}).get("text", "")) == (token == "")
