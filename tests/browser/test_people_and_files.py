"""Who else speaks in a thread, and the files of its messages."""

from __future__ import annotations

import base64

from playwright.sync_api import expect

from tests.browser.chat import Chat
from tests.browser.conftest import OpenChat
from tests.live import Site
from tests.uploads import PNG

HOSTILE = "invoice\u202egnp.exe<img src=x onerror=alert(1)>.txt"

REPLY = """
from django.contrib.auth import get_user_model
from chatkit_app.engine.commands import Reply
from chatkit_app.models import Thread
from chatkit_app.runs import service
from chatkit_app.access import viewer_of
staff = get_user_model().objects.get(username="admin")
staff.first_name, staff.last_name = {name!r}, ""
staff.save()
thread = Thread.objects.get(pk={thread!r})
viewer = viewer_of(staff, None)
service.handle(viewer, Reply(id=thread.pk.hex, thread_id=thread.pk, text={text!r}))
"""

SEND_FILES = """
async (files) => {
  const chat = document.querySelector("chatkit-thread")
  const headers = { "X-CSRFToken": chat.getAttribute("csrf-token") }
  const attachments = []
  for (const [name, type, text] of files) {
    const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0))
    const body = new FormData()
    body.append("file", new File([bytes], name, { type }))
    const answer = await fetch("/chatkit/api/attachments/", { method: "POST", body, headers })
    attachments.push((await answer.json()).id)
  }
  await chat.client.send("say Thank you.", { attachments })
}
"""


def send_files(chat: Chat, *files: tuple[str, str, bytes]) -> None:
    encoded = [
        [name, type_, base64.b64encode(content).decode()]
        for name, type_, content in files
    ]
    chat.field.focus()  # that makes the visitor whose files they are
    chat.page.wait_for_function(
        'document.querySelector("chatkit-thread").client.state === "open"'
    )
    chat.page.evaluate(SEND_FILES, encoded)
    expect(chat.answers.last).to_contain_text("Thank you.")
    expect(chat.stop).to_be_hidden()


def test_a_reply_of_the_staff_is_shown_as_a_persons(
    visit: OpenChat, server: Site
) -> None:
    chat = visit()
    chat.ask("say Hello.")
    thread = chat.page.evaluate(
        'document.querySelector("chatkit-thread").client.threadId'
    )

    server.shell(
        REPLY.format(thread=thread, name="<b>Maria</b>", text="I *look* into it.")
    )

    reply = chat.answers.last
    expect(reply.get_by_role("heading")).to_contain_text("<b>Maria</b>")
    expect(reply.get_by_role("heading")).to_contain_text("Our team")
    expect(reply).to_contain_text("I look into it.")
    expect(reply.get_by_role("button", name="Answer again")).to_have_count(0)
    expect(reply.get_by_role("button", name="Good answer")).to_have_count(0)
    chat.page.reload()
    expect(chat.answers.last.get_by_role("heading")).to_contain_text("<b>Maria</b>")
    expect(chat.answers.first.get_by_role("heading")).to_have_text("Test assistant")


def test_a_picture_is_shown_and_another_file_named(visit: OpenChat) -> None:
    chat = visit()

    send_files(
        chat, ("tea.png", "image/png", PNG), (HOSTILE, "text/plain", b"a" * 1_500)
    )

    question = chat.questions.first
    picture = question.get_by_role("img", name="tea.png")
    expect(picture).to_be_visible()
    chat.page.wait_for_function(
        """() => document.querySelector("chatkit-thread").shadowRoot
             .querySelector(".file-image img").naturalWidth > 0"""
    )
    link = question.locator("a.file")
    expect(link).to_contain_text("1.5 kB")
    assert "\u202e" not in str(link.text_content())
    assert str(link.get_attribute("href")).startswith(chat.page.url)
    assert link.get_attribute("rel") == "noopener noreferrer"
    assert link.get_attribute("target") == "_blank"


def test_what_is_no_picture_after_all_is_a_file_like_others(visit: OpenChat) -> None:
    chat = visit()
    chat.page.route("**/api/attachments/*/content/", lambda route: route.abort())

    send_files(chat, ("tea.png", "image/png", PNG))

    expect(chat.questions.first.locator("a.file")).to_contain_text("tea.png")
    expect(chat.questions.first.get_by_role("img", name="tea.png")).to_have_count(0)


def test_an_edited_message_keeps_its_files(visit: OpenChat) -> None:
    chat = visit()
    send_files(chat, ("tea.png", "image/png", PNG))

    chat.questions.first.hover()
    chat.questions.first.get_by_role("button", name="Edit message").click()
    field = chat.page.get_by_role("textbox", name="Your message, to be changed")
    field.fill("say Other words.")
    field.press("Enter")

    expect(chat.answers.first).to_contain_text("Other words.")
    expect(chat.questions.first.locator(".branch-text")).to_have_text("2 of 2")
    expect(chat.questions.first.get_by_role("img", name="tea.png")).to_be_visible()
