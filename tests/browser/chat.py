"""The chat as a person meets it, and the tools that a page of the tests brings."""

from __future__ import annotations

import json

from playwright.sync_api import Locator, Page, expect

expect.set_options(timeout=15_000)

WITH_TOOLS = """
addEventListener("DOMContentLoaded", async () => {
  await customElements.whenDefined("chatkit-thread")
  const chat = document.querySelector("chatkit-thread")
  const count = () => { localStorage.ran = Number(localStorage.ran ?? 0) + 1 }
  chat.tools.register("read_selection", async (input, { signal }) => {
    count()
    if (localStorage.hold === "yes") await new Promise(() => {})
    if (localStorage.fall === "yes") throw new Error("Nothing is selected.")
    return { text: document.querySelector("#sample").textContent }
  })
  chat.tools.register("paint", async ({ colour }) => {
    count()
    document.body.dataset.colour = colour
    return { text: `painted ${colour}` }
  })
})
"""
"""Registers two tools and counts their runs, over all tabs, in ``localStorage.ran``."""

WITHOUT_SOCKETS = """
sockets_are_routed = false
const WebSocketOfTheBrowser = WebSocket
WebSocket = class extends WebSocketOfTheBrowser {
  constructor(url) {
    super(sockets_are_routed ? url : url.replace("/ws/", "/nowhere/"))
  }
}
"""
"""No handshake succeeds, as in a site that routes none, until ``sockets_are_routed``."""


class Chat:
    """One page with the chat."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.field = page.get_by_label("Your message")
        self.stop = page.get_by_role("button", name="Stop answering")
        self.answers = page.locator("article[data-role=assistant]")
        self.end = page.locator(".run-text")
        self.questions = page.locator("article[data-role=user]")
        expect(self.field).to_be_visible()

    def send(self, text: str) -> None:
        self.field.fill(text)
        self.field.press("Enter")

    def ask(self, text: str) -> Locator:
        """Send it and wait until the answer is over."""
        number = self.answers.count()
        self.send(text)
        answer = self.answers.nth(number)
        expect(answer).to_be_attached()
        expect(self.stop).to_be_hidden()
        return answer

    def tool(self, name: str) -> Locator:
        return self.page.locator(f".tool[data-tool={name}]").last

    def expect_tool(self, name: str, state: str) -> None:
        expect(self.tool(name)).to_have_attribute("data-state", state)

    def store(self, **items: str) -> None:
        """Put these into the page's local storage."""
        self.page.evaluate("items => Object.assign(localStorage, items)", items)

    def runs_of_tools(self) -> int:
        return int(self.page.evaluate("Number(localStorage.ran ?? 0)"))

    def is_focused(self, label: str) -> bool:
        """Has the control of this label the focus?"""
        return bool(
            self.page.evaluate(
                f"""() => {{
                  const focused = document.querySelector("chatkit-thread").shadowRoot.activeElement
                  const label = {json.dumps(label)}
                  return focused?.getAttribute("aria-label") === label
                    || focused?.labels?.[0]?.textContent === label
                }}"""
            )
        )


def asked(chat: Chat, text: str, tool: str) -> Locator:
    """Send it, and wait until this tool's card asks something."""
    chat.send(text)
    card = chat.tool(tool)
    expect(card.locator("[data-interrupt]")).to_be_visible()
    return card


def press(card: Locator, name: str) -> None:
    card.get_by_role("button", name=name, exact=True).click()


def problem_of(field: Locator) -> str:
    """What is said to be wrong with a field, to whoever hears it."""
    return str(
        field.evaluate(
            """field => field.getAttribute("aria-invalid") !== "true" ? "" :
              field.getAttribute("aria-describedby").split(" ")
                .map((id) => field.getRootNode().getElementById(id))
                .filter((note) => note.className === "field-problem")
                .map((note) => note.textContent).join(" ")"""
        )
    )
