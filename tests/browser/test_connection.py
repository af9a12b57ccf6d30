"""What a visitor sees where no line to the chat can be had."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.chat import WITHOUT_SOCKETS
from tests.browser.conftest import OpenChat


def test_a_chat_that_cannot_be_reached_says_so_and_keeps_the_message(
    visit: OpenChat,
) -> None:
    chat = visit(script=WITHOUT_SOCKETS)
    warnings: list[str] = []
    chat.page.on(
        "console",
        lambda said: warnings.append(said.text) if said.type == "warning" else None,
    )

    chat.send("say Hello.")

    line = chat.page.locator(".connection")
    expect(line).to_contain_text("The chat cannot be reached.")
    expect(chat.page.get_by_role("alert")).to_have_text(
        "Not sent: The chat cannot be reached."
    )
    expect(chat.field).to_have_value("say Hello.")
    expect(chat.questions).to_have_count(0)
    assert [text for text in warnings if "asgi.py" in text] == warnings[:1]
    assert len(warnings) == 1

    reconnect = line.get_by_role("button", name="Reconnect")
    reconnect.click()
    assert chat.is_focused("Your message")
    expect(reconnect).to_be_visible()
    chat.page.evaluate("sockets_are_routed = true")
    expect(line).to_be_hidden()
    chat.field.press("Enter")

    expect(chat.answers.first).to_contain_text("Hello.")
    expect(chat.page.get_by_role("alert")).to_be_hidden()


def test_a_new_chat_keeps_what_was_typed_and_the_focus(visit: OpenChat) -> None:
    chat = visit()
    chat.ask("say Hello.")
    chat.field.fill("half a tho")

    chat.page.get_by_role("button", name="New chat", exact=True).click()
    expect(chat.answers).to_have_count(0)

    assert chat.is_focused("Your message")
    chat.page.keyboard.type("ught")
    expect(chat.field).to_have_value("half a thought")
