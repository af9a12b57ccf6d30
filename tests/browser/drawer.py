"""The list of chats as a person meets it."""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from tests.browser.chat import Chat


class Drawer:
    """The list of chats of one page, opened."""

    def __init__(self, chat: Chat) -> None:
        self.chat = chat
        self.button = chat.page.locator("header button").first
        self.dialog = chat.page.get_by_role("dialog")
        self.search = self.dialog.get_by_role("searchbox", name="Search chats")
        self.entries = self.dialog.get_by_role("listitem")
        self.titles = self.dialog.locator(".thread-title")
        self.note = self.dialog.locator(".drawer-note")
        self.open()

    def open(self) -> None:
        self.button.click()
        expect(self.dialog).to_be_visible()

    def close(self) -> None:
        self.dialog.get_by_role("button", name="Close").click()

    def entry(self, title: str) -> Locator:
        return self.entries.filter(has=self.chat.page.get_by_text(title, exact=True))

    def option(self, title: str, name: str) -> None:
        """Unfold the options of a chat, and press one of them."""
        entry = self.entry(title)
        entry.get_by_role("button", name="Options for").click()
        entry.get_by_role("button", name=name, exact=True).click()

    def show(self, name: str) -> None:
        """``Current`` or ``Archived``."""
        which = self.dialog.get_by_role("group", name="Which chats")
        which.get_by_role("button", name=name).click()

    def expect_titles(self, *titles: str) -> None:
        expect(self.titles).to_have_text(list(titles))


def talked(chat: Chat, *titles: str) -> None:
    """A chat for each of these, whose title it is; the last one stays open."""
    for number, title in enumerate(titles):
        if number:
            chat.page.get_by_role("button", name="New chat", exact=True).click()
        chat.ask(title)


REFUSING = """
refusals = []
const fetchOfTheBrowser = fetch
fetch = async (url, options) => {
  const method = options?.method ?? "GET"
  const found = refusals.find(([verb, path]) => verb === method && String(url).includes(path))
  if (!found) return fetchOfTheBrowser(url, options)
  const body = JSON.stringify({ code: "not_allowed", message: "No." })
  return new Response(body, { status: 403, headers: { "Content-Type": "application/json" } })
}
"""
"""Requests whose method and a piece of whose path are in ``refusals`` are refused, for ``not_allowed``."""

HELD = """
held = []
const fetchThatIsNotHeld = fetch
fetch = async (url, options) => {
  if (held.on && String(url).includes(held.on)) await new Promise((go) => held.push(go))
  return fetchThatIsNotHeld(url, options)
}
"""
"""Requests with ``held.on`` in their address wait until ``held.shift()()``."""
