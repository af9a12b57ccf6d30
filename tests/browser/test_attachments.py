"""Files as people attach them: by button, paste and drop; and hostile ones, opened in a browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.chat import Chat
from tests.live import Site
from tests.uploads import CANARY, GIF_SCRIPT, HTML, PDF, PNG, SVG, png

OpenChat = Callable[..., Chat]

DROPPED = """
([base64, name, type, kind]) => {
  const bytes = Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0))
  const data = new DataTransfer()
  data.items.add(new File([bytes], name, { type }))
  const chat = document.querySelector("chatkit-thread")
  const field = chat.shadowRoot.querySelector("#composer")
  const how = { bubbles: true, cancelable: true, composed: true }
  if (kind === "paste") {
    field.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, ...how }))
  } else {
    field.dispatchEvent(new DragEvent("dragover", { dataTransfer: data, ...how }))
    field.dispatchEvent(new DragEvent("drop", { dataTransfer: data, ...how }))
  }
}
"""

UPLOADED = """
async ([name, type, base64, token]) => {
  const bytes = Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0))
  const form = new FormData()
  form.append("file", new File([bytes], name, { type }))
  const headers = { "X-CSRFToken": token }
  const answer = await fetch("/chatkit/api/attachments/", { method: "POST", body: form, headers })
  return [answer.status, await answer.json()]
}
"""

SEEN = """
addEventListener("DOMContentLoaded", () => {
  globalThis.seen = []
  const note = () => {
    const chat = document.querySelector("chatkit-thread")
    for (const bar of chat?.shadowRoot?.querySelectorAll(".upload progress") ?? [])
      if (!bar.hidden) seen.push(bar.value)
  }
  const start = () => {
    const root = document.querySelector("chatkit-thread")?.shadowRoot
    if (!root) return setTimeout(start)
    new MutationObserver(note).observe(root, { subtree: true, childList: true, attributes: true })
  }
  start()
})
"""


def a_file(
    name: str = "picture.png", content: bytes = PNG, kind: str = "image/png"
) -> Any:
    return {"name": name, "mimeType": kind, "buffer": content}


def choose(chat: Chat, *files: Any) -> None:
    with chat.page.expect_file_chooser() as chosen:
        chat.page.get_by_role("button", name="Attach files").click()
    chosen.value.set_files(list(files))


def items(chat: Chat) -> Locator:
    return chat.page.get_by_role("list", name="Files to send").get_by_role("listitem")


def put(chat: Chat, kind: str, content: bytes = PNG) -> None:
    import base64

    told = [base64.b64encode(content).decode(), "dropped.png", "image/png", kind]
    chat.page.evaluate(DROPPED, told)


def test_a_picture_is_attached_by_the_button_and_sent(visit: OpenChat) -> None:
    chat = visit()
    choose(chat, a_file(), a_file("paper.pdf", PDF, "application/pdf"))
    done = chat.page.locator(".upload[data-state=done]")
    expect(done).to_have_count(2)

    answer = chat.ask("say Look.")

    expect(items(chat)).to_have_count(0)
    expect(answer).to_contain_text("Got picture.png, image/png")
    expect(answer).to_contain_text("Got paper.pdf, application/pdf")
    picture = chat.questions.last.locator("img")
    expect(picture).to_have_js_property("naturalWidth", 1)
    expect(chat.questions.last).to_contain_text("paper.pdf")
    chat.page.reload()
    expect(chat.questions.last.locator("img")).to_have_js_property("naturalWidth", 1)


@pytest.mark.parametrize("kind", ["paste", "drop"])
def test_a_file_is_pasted_or_dropped(visit: OpenChat, kind: str) -> None:
    chat = visit()
    put(chat, kind)
    expect(chat.page.locator(".upload[data-state=done]")).to_have_count(1)

    chat.field.press("Enter")

    expect(chat.answers.last).to_contain_text("Got dropped.png")


def test_a_text_that_is_pasted_stays_a_text(visit: OpenChat) -> None:
    chat = visit()
    chat.page.evaluate(
        """() => {
          const data = new DataTransfer()
          data.items.add(new File(["x"], "image.png", { type: "image/png" }))
          data.setData("text/plain", "words")
          const chat = document.querySelector("chatkit-thread")
          const field = chat.shadowRoot.querySelector("#composer")
          globalThis.isKept = field.dispatchEvent(new ClipboardEvent("paste",
            { clipboardData: data, bubbles: true, cancelable: true, composed: true }))
        }"""
    )

    assert chat.page.evaluate("globalThis.isKept")
    expect(items(chat)).to_have_count(0)


def test_what_is_on_its_way_is_shown_and_keeps_the_message(visit: OpenChat) -> None:
    chat = visit(script=SEEN)
    held: list[Any] = []
    chat.page.route("**/api/attachments/", lambda route: held.append(route))
    # It is shown as on its way before it is known who sends it, and so before it is asked for.
    with chat.page.expect_request("**/api/attachments/"):
        choose(chat, a_file("large.png", png(400)))
    bar = chat.page.get_by_role("progressbar", name="Uploading large.png")
    expect(bar).to_be_visible()
    chat.field.fill("say Hello")

    chat.field.press("Enter")

    expect(chat.page.get_by_role("alert")).to_have_text(
        "Your files are still being uploaded."
    )
    send = chat.page.get_by_role("button", name="Send", exact=True)
    expect(send).to_have_attribute("aria-disabled", "true")
    held[0].continue_()
    expect(chat.page.locator(".upload[data-state=done]")).to_have_count(1)
    assert chat.page.evaluate(
        "seen.length > 0 && seen.every((at) => at >= 0 && at <= 1)"
    )
    expect(send).not_to_have_attribute("aria-disabled", "true")
    expect(
        chat.page.get_by_role("status").filter(has_text="is uploaded")
    ).to_have_count(1)
    chat.field.press("Enter")
    expect(chat.answers.last).to_contain_text("Got large.png")


def test_an_upload_is_broken_off_and_a_file_removed(visit: OpenChat) -> None:
    chat = visit()
    choose(chat, a_file("one.png"))
    expect(chat.page.locator(".upload[data-state=done]")).to_have_count(1)
    held: list[Any] = []
    chat.page.route("**/api/attachments/", lambda route: held.append(route))
    choose(chat, a_file("two.png"))
    expect(items(chat)).to_have_count(2)

    chat.page.get_by_role("button", name="Remove two.png").press("Enter")

    expect(items(chat)).to_have_count(1)
    expect(chat.page.get_by_role("button", name="Remove one.png")).to_be_focused()
    with chat.page.expect_response(
        lambda answer: answer.request.method == "DELETE"
    ) as gone:
        chat.page.keyboard.press("Enter")
    assert gone.value.status == 204
    expect(items(chat)).to_have_count(0)
    expect(chat.field).to_be_focused()


def test_what_is_refused_says_why_and_keeps_the_message(
    visit: OpenChat, tmp_path: Path
) -> None:
    chat = visit()
    large = tmp_path / "large.txt"
    large.write_bytes(b"x" * 10_000_001)
    choose(chat, large)
    choose(
        chat,
        a_file("page.png", HTML, "image/png"),
        a_file("drawing.svg", SVG, "image/svg+xml"),
        a_file("empty.txt", b"", "text/plain"),
    )
    failed = chat.page.locator(".upload[data-state=failed]")
    expect(failed).to_have_count(4)
    expect(failed.nth(1)).to_contain_text("Files of this kind are not taken.")
    expect(failed.nth(2)).to_contain_text("Files of this kind are not taken.")
    expect(failed.nth(3)).to_contain_text("The file is empty or broken.")
    expect(failed.nth(0)).to_contain_text("The file is too large.")

    chat.field.fill("say Hi")
    chat.field.press("Enter")

    expect(chat.page.get_by_role("alert")).to_contain_text("Remove the files")
    for name in ("page.png", "drawing.svg", "empty.txt", "large.txt"):
        chat.page.get_by_role("button", name=f"Remove {name}").click()
    chat.field.press("Enter")
    expect(chat.answers.last).to_contain_text("Hi")


def test_a_refused_message_comes_back_with_its_files(
    visit: OpenChat, server: Site
) -> None:
    chat = visit()
    choose(chat, a_file("one.png"), a_file("two.png"))
    expect(chat.page.locator(".upload[data-state=done]")).to_have_count(2)
    server.shell(
        "from chatkit_app.models import Attachment\n"
        "Attachment.objects.filter(name='one.png', status='waiting').delete()"
    )

    chat.send("say Look.")

    alert = chat.page.get_by_role("alert")
    expect(alert).to_contain_text("A file is no longer there. Attach it again.")
    expect(chat.field).to_have_value("say Look.")
    expect(items(chat)).to_have_count(2)
    chat.page.get_by_role("button", name="Remove one.png").click()
    chat.field.press("Enter")
    expect(chat.answers.last).to_contain_text("Got two.png")


def test_after_a_reload_what_was_not_sent_may_be_gone(visit: OpenChat) -> None:
    chat = visit()
    choose(chat, a_file())
    expect(chat.page.locator(".upload[data-state=done]")).to_have_count(1)

    chat.page.reload()

    expect(items(chat)).to_have_count(0)
    assert "Hi" in chat.ask("say Hi").inner_text()


def test_a_name_is_shown_as_text_and_as_it_reads(visit: OpenChat) -> None:
    chat = visit()
    name = "<img src=x onerror=alert(1)>\u202egnp.exe"
    choose(chat, a_file(name))
    expect(chat.page.locator(".upload[data-state=done]")).to_have_count(1)

    expect(items(chat).locator("bdi")).to_have_text(
        "<img src=x onerror=alert(1)>gnp.exe"
    )


def upload_anyway(site: Site, page: Page, name: str, kind: str, content: bytes) -> Any:
    import base64

    cookies = {one["name"]: one["value"] for one in page.context.cookies()}
    told = [name, kind, base64.b64encode(content).decode(), cookies["csrftoken"]]
    return page.evaluate(UPLOADED, told)


def test_hostile_files_are_refused_and_what_is_kept_runs_nothing(
    visit: OpenChat, server: Site
) -> None:
    chat = visit()
    chat.ask("say Hi")
    page = chat.page
    for name, kind, content in (
        ("drawing.svg", "image/svg+xml", SVG),
        ("page.html", "text/html", HTML),
        ("a.gif", "image/gif", GIF_SCRIPT),
    ):
        status, told = upload_anyway(server, page, name, kind, content)
        assert (status, told["code"]) == (415, "attachment_type_refused")
    status, told = upload_anyway(server, page, "a.png", "image/png", PNG)
    assert status == 201
    # As a site would have it that takes drawings: the row says so, the bytes are a script's.
    server.shell(
        "from chatkit_app.models import Attachment\n"
        f"row = Attachment.objects.get(pk='{told['id']}')\n"
        "row.media_type = 'image/svg+xml'; row.save()\n"
        f"open(row.file.path, 'wb').write({SVG!r})\n"
        f"Attachment.objects.filter(pk=row.pk).update(size={len(SVG)})\n"
    )
    other = page.context.new_page()
    with other.expect_download() as saved, pytest.raises(Exception, match="Download"):
        other.goto(server.url + told["url"])
    assert saved.value.suggested_filename == "a.png"
    page.evaluate(
        """async (url) => {
          const done = []
          for (const [tag, name] of [["img", "src"], ["iframe", "src"], ["object", "data"],
                                     ["embed", "src"], ["script", "src"]]) {
            const element = document.createElement(tag)
            done.push(new Promise((end) => {
              element.onload = element.onerror = end
              setTimeout(end, 2000)
            }))
            element[name] = url
            document.body.append(element)
          }
          await Promise.all(done)
        }""",
        told["url"],
    )
    assert page.evaluate("globalThis.canary") is None
    assert all(frame.evaluate("globalThis.canary") is None for frame in page.frames)
    assert CANARY


def test_whoever_has_logged_out_reads_nothing(visit: OpenChat, server: Site) -> None:
    chat = visit()
    chat.ask("say Hi")
    status, told = upload_anyway(server, chat.page, "a.png", "image/png", PNG)
    assert status == 201
    chat.page.context.clear_cookies()

    answer = chat.page.request.get(server.url + told["url"])

    assert (answer.status, answer.json()["code"]) == (404, "attachment_not_found")
