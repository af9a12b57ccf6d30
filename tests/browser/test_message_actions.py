"""What a visitor does with a message: has it answered again, says it anew, copies it, rates it."""

from __future__ import annotations

import json
import re

from playwright.sync_api import Locator, expect

from tests.browser.chat import Chat
from tests.browser.conftest import OpenChat
from tests.browser.drawer import HELD, REFUSING, Drawer

MAY_COPY = ["clipboard-read", "clipboard-write"]
HEARD = """() => {
  window.said = []
  const live = document.querySelector("chatkit-thread").shadowRoot
    .querySelector("[aria-live=polite]")
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes)
      for (const node of addedNodes) window.said.push(node.textContent)
  }).observe(live, { childList: true })
}"""


def act(message: Locator, name: str) -> None:
    message.hover()
    message.get_by_role("button", name=name, exact=True).click()


def answer_text(chat: Chat) -> Locator:
    return chat.page.locator(".answer")


def place_of(message: Locator) -> Locator:
    return message.locator(".branch-text")


def copied(chat: Chat) -> str:
    return str(chat.page.evaluate("navigator.clipboard.readText()"))


def test_an_answer_can_be_had_again_and_the_first_one_is_kept(visit: OpenChat) -> None:
    chat = visit()
    chat.ask("say Hello.")
    expect(place_of(chat.answers.first)).to_be_hidden()

    act(chat.answers.first, "Answer again")

    expect(place_of(chat.answers.first)).to_have_text("2 of 2")
    expect(chat.answers).to_have_count(1)
    expect(chat.questions).to_have_count(1)
    act(chat.answers.first, "Version before")
    expect(place_of(chat.answers.first)).to_have_text("1 of 2")
    expect(answer_text(chat)).to_have_text(["Hello."])

    chat.page.reload()
    expect(place_of(chat.answers.first)).to_have_text("1 of 2")


def test_a_message_is_written_anew_in_its_place(visit: OpenChat) -> None:
    chat = visit()
    chat.ask("say One.")
    chat.ask("say More.")
    keys = chat.page.keyboard

    act(chat.questions.first, "Edit message")
    field = chat.page.get_by_role("textbox", name="Your message, to be changed")
    expect(field).to_be_focused()
    expect(field).to_have_value("say One.")
    keys.press("End")
    keys.type(" Or not")
    keys.press("Escape")
    expect(field).to_be_hidden()
    edit = chat.questions.first.get_by_role("button", name="Edit message")
    expect(edit).to_be_focused()
    expect(answer_text(chat)).to_have_text(["One.", "More."])

    keys.press("Enter")
    keys.press("Control+a")
    keys.type("say Two.")
    keys.press("Shift+Enter")
    keys.type("say Lines.")
    keys.press("Enter")

    expect(answer_text(chat)).to_have_text([re.compile(r"Two\.\s+Lines\.")])
    expect(place_of(chat.questions.first)).to_have_text("2 of 2")
    assert chat.is_focused("Your message")
    act(chat.questions.first, "Version before")
    expect(answer_text(chat)).to_have_text(["One.", "More."])
    expect(place_of(chat.questions.first)).to_have_text("1 of 2")


def test_one_turns_to_other_versions_by_keys_and_hears_which_it_is(
    visit: OpenChat,
) -> None:
    chat = visit()
    chat.ask("say Hello.")
    for count in ("2 of 2", "3 of 3"):
        act(chat.answers.first, "Answer again")
        expect(place_of(chat.answers.first)).to_have_text(count)
        expect(chat.stop).to_be_hidden()
    chat.page.evaluate(HEARD)
    keys = chat.page.keyboard

    chat.field.focus()
    keys.press("Shift+Tab")
    while not chat.is_focused("Good answer"):
        keys.press("Shift+Tab") if not in_toolbar(chat) else keys.press("ArrowRight")
    keys.press("End")
    after = chat.answers.first.get_by_role("button", name="Next version")
    before = chat.answers.first.get_by_role("button", name="Version before")
    expect(after).to_be_focused()
    expect(after).to_have_attribute("aria-disabled", "true")
    keys.press("ArrowLeft")
    keys.press("Enter")
    expect(place_of(chat.answers.first)).to_have_text("2 of 3")
    expect(before).to_be_focused()
    keys.press("Enter")
    expect(place_of(chat.answers.first)).to_have_text("1 of 3")
    expect(after).to_be_focused()  # there is none before the first

    said = chat.page.evaluate("window.said")
    assert said == ["Version 2 of 3", "Version 1 of 3"]


def in_toolbar(chat: Chat) -> bool:
    return bool(
        chat.page.evaluate(
            """() => document.querySelector("chatkit-thread").shadowRoot
                 .activeElement?.closest("[role=toolbar]") !== null"""
        )
    )


def test_a_toolbar_is_one_stop_of_the_tab_key(visit: OpenChat) -> None:
    chat = visit()
    chat.ask("say Hello.")

    stops = chat.answers.first.locator(".toolbar button:visible").evaluate_all(
        "buttons => buttons.map((button) => button.tabIndex)"
    )

    assert sorted(stops, reverse=True) == [0] + [-1] * (len(stops) - 1)


def test_what_another_tab_shows_is_shown_here(visit: OpenChat) -> None:
    one = visit()
    one.ask("say Hello.")
    act(one.answers.first, "Answer again")
    expect(place_of(one.answers.first)).to_have_text("2 of 2")
    other = visit(beside=one)
    expect(place_of(other.answers.first)).to_have_text("2 of 2")

    act(one.answers.first, "Version before")

    expect(place_of(other.answers.first)).to_have_text("1 of 2")
    expect(other.answers).to_have_count(1)


def test_what_cannot_be_done_now_says_why_and_changes_nothing(visit: OpenChat) -> None:
    chat = visit()
    chat.ask("say Hello.")
    act(chat.answers.first, "Answer again")
    expect(place_of(chat.answers.first)).to_have_text("2 of 2")
    expect(chat.stop).to_be_hidden()
    chat.send("pause 30\nsay Late.")
    expect(chat.stop).to_be_visible()
    why = "That did not work: The assistant is still answering."
    first = chat.answers.first

    for name in ("Answer again", "Version before"):
        act(first, name)
        expect(first.get_by_role("alert")).to_have_text(why)
    act(chat.questions.first, "Edit message")
    field = chat.page.get_by_role("textbox", name="Your message, to be changed")
    field.fill("say Other.")
    field.press("Enter")
    expect(chat.questions.first.get_by_role("alert")).to_have_text(why)
    expect(field).to_have_value("say Other.")

    expect(place_of(first)).to_have_text("2 of 2")
    expect(chat.questions).to_have_count(2)
    field.press("Escape")
    chat.stop.click()
    expect(chat.end).to_contain_text("Stopped.")


def test_one_goes_on_from_an_answer_in_a_new_chat(visit: OpenChat) -> None:
    chat = visit(script=REFUSING)
    chat.ask("say One.")
    chat.ask("say Two.")
    chat.page.evaluate('refusals.push(["POST", "/fork/"])')
    why = "That did not work: This is not allowed."
    act(chat.answers.first, "Continue in a new chat")
    expect(chat.answers.first.get_by_role("alert")).to_have_text(why)
    chat.page.evaluate(f"refusals.shift(); ({HEARD})()")

    act(chat.answers.first, "Continue in a new chat")

    expect(answer_text(chat)).to_have_text(["One."])
    expect(chat.questions).to_have_count(1)
    assert chat.is_focused("Your message")
    said = "This is a new chat. It begins with what was said until then."
    chat.page.wait_for_function(f"window.said.includes({json.dumps(said)})")
    chat.ask("say Three.")
    expect(answer_text(chat)).to_have_text(["One.", "Three."])
    drawer = Drawer(chat)
    drawer.expect_titles("say One.", "say One.")
    drawer.entries.last.get_by_role("button").first.click()
    expect(answer_text(chat)).to_have_text(["One.", "Two."])


def test_an_answer_is_copied_as_it_was_written(visit: OpenChat) -> None:
    chat = visit(permissions=MAY_COPY)
    chat.ask("say Hello **there**.\ncall add {}\nsay `code`")
    act(chat.answers.first, "Copy message")
    expect(chat.answers.first.get_by_role("button", name="Copied")).to_be_visible()
    assert copied(chat).startswith("Hello **there**.\n\n`code`")

    act(chat.questions.first, "Copy message")
    chat.page.wait_for_function(
        "navigator.clipboard.readText().then((text) => text.startsWith('say Hello'))"
    )


def test_an_answer_is_rated_and_the_rating_taken_back(visit: OpenChat) -> None:
    chat = visit()
    chat.ask("say Hello.")
    good = chat.answers.first.get_by_role("button", name="Good answer")
    expect(good).to_have_attribute("aria-pressed", "false")

    good.click()
    expect(good).to_have_attribute("aria-pressed", "true")
    chat.page.reload()
    expect(good).to_have_attribute("aria-pressed", "true")
    other = visit(beside=chat)
    there = other.answers.first.get_by_role("button", name="Good answer")
    expect(there).to_have_attribute("aria-pressed", "true")
    good.click()

    expect(good).to_have_attribute("aria-pressed", "false")
    expect(there).to_have_attribute("aria-pressed", "false")


def test_a_bad_answer_may_be_explained(visit: OpenChat) -> None:
    chat = visit()
    chat.ask("say Hello.")
    bad = chat.answers.first.get_by_role("button", name="Bad answer")

    bad.click()
    form = chat.answers.first.locator("form.feedback")
    expect(form).to_be_visible()
    first = form.get_by_role("checkbox", name="Not correct")
    expect(first).to_be_focused()
    expect(bad).to_have_attribute("aria-pressed", "true")  # already, whatever follows
    chat.page.keyboard.press("Space")
    form.get_by_role("checkbox", name="Hard to understand").check()
    form.get_by_role("textbox").fill("It is <b>wrong</b>.")
    form.get_by_role("button", name="Send feedback").click()

    expect(form).to_be_hidden()
    expect(bad).to_be_focused()
    told = chat.page.evaluate(
        """async () => {
          const { threadId, messages } = document.querySelector("chatkit-thread").client
          const path = `threads/${threadId}/messages/${messages[1].id}/feedback/`
          return (await fetch(`/chatkit/api/${path}`)).json()
        }"""
    )
    assert told["kind"] == "down"
    assert told["reasons"] == ["incorrect", "unclear"]
    assert told["comment"] == "It is <b>wrong</b>."


def test_a_rating_that_is_refused_says_why_and_stays_undone(visit: OpenChat) -> None:
    chat = visit(script=REFUSING)
    chat.ask("say Hello.")
    chat.page.evaluate('refusals.push(["PUT", "/feedback/"])')
    bad = chat.answers.first.get_by_role("button", name="Bad answer")

    bad.click()

    expect(chat.answers.first.get_by_role("alert")).to_have_text(
        "That did not work: This is not allowed."
    )
    expect(bad).to_have_attribute("aria-pressed", "false")
    expect(chat.answers.first.locator("form.feedback")).to_have_count(0)


def test_on_a_slow_line_a_button_says_that_it_works(visit: OpenChat) -> None:
    chat = visit(script=HELD)
    chat.ask("say Hello.")
    chat.page.evaluate("held.on = '/feedback/'")
    good = chat.answers.first.get_by_role("button", name="Good answer")

    good.click()
    expect(good).to_have_attribute("aria-busy", "true")
    good.click(force=True)
    assert chat.page.evaluate("held.length") == 1
    chat.page.evaluate("held.on = null; held.shift()()")

    expect(good).to_have_attribute("aria-pressed", "true")
    expect(good).not_to_have_attribute("aria-busy", "true")


def test_on_a_phone_everything_is_there_without_hovering(visit: OpenChat) -> None:
    chat = visit(viewport={"width": 360, "height": 640}, has_touch=True, is_mobile=True)
    chat.ask("say Hello.")

    for message in (chat.questions.first, chat.answers.first):
        for button in message.locator(".toolbar button:visible").all():
            box = button.bounding_box()
            assert box is not None
            assert min(box["width"], box["height"]) >= 44
            assert button.evaluate("it => getComputedStyle(it).opacity") == "1"


def test_earlier_messages_are_still_there_after_another_branch_was_shown(
    visit: OpenChat,
) -> None:
    chat = visit()
    chat.ask("say The first.")
    chat.page.evaluate(
        """async () => {
          const { client } = document.querySelector("chatkit-thread")
          const over = () => new Promise((done) => {
            const look = () => !client.isBusy && done(client.removeEventListener("change", look))
            client.addEventListener("change", look)
          })
          for (let number = 0; number < 30; number += 1) {
            await client.send(`say ${number}`)
            if (client.isBusy) await over()
          }
        }"""
    )
    expect(chat.stop).to_be_hidden()
    act(chat.answers.last, "Answer again")
    expect(place_of(chat.answers.last)).to_have_text("2 of 2")
    expect(chat.stop).to_be_hidden()
    chat.page.reload()
    earlier = chat.page.get_by_role("button", name="Show earlier messages")
    earlier.click()
    expect(answer_text(chat).first).to_have_text("The first.")
    before = chat.answers.count()

    act(chat.answers.last, "Version before")
    expect(place_of(chat.answers.last)).to_have_text("1 of 2")

    if chat.answers.count() != before:
        earlier.click()
    expect(answer_text(chat).first).to_have_text("The first.")
    texts = answer_text(chat).all_inner_texts()
    assert len(texts) == len(set(texts)) == 31, json.dumps(texts)
