"""The list of chats: searched, renamed, put away, deleted, live."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.conftest import OpenChat
from tests.browser.drawer import HELD, REFUSING, Drawer, talked
from tests.live import Site

LONG = """
from chatkit_app.models import Thread
from tests.history_rows import add_turn, add_turns
owner = Thread.objects.get(pk="{beside}")
thread = Thread.objects.create(
    assistant=owner.assistant, title="A long chat", visitor=owner.visitor,
    owner_key=owner.owner_key, last_activity_at=owner.last_activity_at)
add_turn(thread, "Is this on?", "It is.", depth=0)
add_turn(thread, "Which kettle?", "The blue one.", depth=2)
add_turns(thread, 60, first=2)
"""
"""A chat of whoever has another one: two pages are to be read before its beginning is there."""


def test_the_newest_chat_stands_first_and_the_open_one_is_marked(
    visit: OpenChat,
) -> None:
    chat = visit()
    talked(chat, "say One.", "say Two.")
    drawer = Drawer(chat)

    drawer.expect_titles("say Two.", "say One.")
    opened = drawer.entry("say Two.").get_by_role("button").first
    expect(opened).to_have_attribute("aria-current", "true")
    expect(opened).to_be_focused()

    drawer.entry("say One.").get_by_role("button").first.click()
    expect(drawer.dialog).to_be_hidden()
    expect(chat.page.locator(".answer")).to_have_text(["One."])
    assert chat.is_focused("Your message")


def test_a_search_follows_the_writing_and_keeps_the_focus(visit: OpenChat) -> None:
    chat = visit()
    talked(chat, "say The kettle boils.", "say A teapot.", "say A kettle again.")
    drawer = Drawer(chat)
    drawer.expect_titles(
        "say A kettle again.", "say A teapot.", "say The kettle boils."
    )

    drawer.search.click()
    chat.page.keyboard.type("kettle", delay=20)

    drawer.expect_titles("say A kettle again.", "say The kettle boils.")
    expect(drawer.note).to_have_text("Chats found: 2")
    expect(drawer.search).to_be_focused()
    expect(drawer.search).to_have_value("kettle")
    # What was said is found as well, and the place is shown.
    expect(drawer.entry("say The kettle boils.")).to_contain_text("The kettle boils.")

    chat.page.keyboard.type(" xyzzy")
    expect(drawer.note).to_have_text("Nothing found for “kettle xyzzy”.")
    expect(drawer.entries).to_have_count(0)
    chat.page.keyboard.press("Escape")
    expect(drawer.search).to_have_value("")
    expect(drawer.entries).to_have_count(3)
    chat.page.keyboard.press("Escape")
    expect(drawer.dialog).to_be_hidden()


def test_a_search_asks_again_when_its_answer_is_there_and_not_with_each_letter(
    visit: OpenChat,
) -> None:
    chat = visit(script=HELD)
    talked(chat, "say Tea.", "say Coffee.")
    drawer = Drawer(chat)
    expect(drawer.entries).to_have_count(2)
    asked: list[str] = []
    chat.page.on(
        "request",
        lambda request: asked.extend(re.findall(r"search=(\w+)", request.url)),
    )

    chat.page.evaluate("held.on = 'search='")
    drawer.search.press_sequentially("cof")
    chat.page.wait_for_function("held.length === 1")
    drawer.search.press_sequentially("fee")
    expect(drawer.entries).to_have_count(
        2
    )  # nothing goes before something else is there
    expect(drawer.search).to_have_value("coffee")
    chat.page.evaluate("held.on = null; held.shift()()")

    drawer.expect_titles("say Coffee.")
    first, *others = dict.fromkeys(asked)
    assert "cof".startswith(first)
    assert others == ["coffee"]


def test_a_search_leads_to_the_message_that_it_has_found(
    visit: OpenChat, server: Site
) -> None:
    chat = visit()
    talked(chat, "say One.")
    beside = chat.page.evaluate(
        "document.querySelector('chatkit-thread').client.threadId"
    )
    server.shell(LONG.format(beside=beside))
    drawer = Drawer(chat)
    drawer.search.fill("kettle")
    drawer.expect_titles("A long chat")

    drawer.entry("A long chat").get_by_role("button").first.click()

    found = chat.questions.filter(has_text="Which kettle?")
    expect(found).to_be_in_viewport()
    expect(found).to_have_attribute("data-found", "")
    expect(found).to_be_focused()
    expect(chat.page.locator("[data-found]")).to_have_count(1)

    drawer.open()
    drawer.search.fill("question 61")
    # Its title is there from the search before: what was found in it must be the new one's.
    expect(drawer.entry("A long chat")).to_contain_text("Question 61")
    drawer.entry("A long chat").get_by_role("button").first.click()
    found = chat.questions.filter(has_text="Question 61")
    expect(found).to_be_in_viewport()
    # What comes in below, as a late picture does, takes nobody away from it.
    chat.page.locator(".messages").evaluate(
        "log => { log.style.paddingBlockEnd = '9000px' }"
    )
    expect(chat.page.get_by_role("button", name="Jump to newest")).to_be_visible()
    expect(found).to_be_in_viewport()
    expect(found).to_have_attribute("data-found", "")
    expect(chat.page.locator("[data-found]")).to_have_count(1)


def test_the_list_is_walked_by_keys(visit: OpenChat) -> None:
    chat = visit()
    talked(chat, "say One.", "say Two.", "say Three.")
    drawer = Drawer(chat)
    keys = chat.page.keyboard
    first = drawer.entry("say Three.").get_by_role("button").first
    expect(first).to_be_focused()

    keys.press("ArrowUp")
    expect(drawer.search).to_be_focused()
    keys.press("ArrowDown")
    expect(first).to_be_focused()
    keys.press("ArrowDown")
    second = drawer.entry("say Two.").get_by_role("button").first
    expect(second).to_be_focused()
    keys.press("Tab")
    more = drawer.entry("say Two.").get_by_role("button", name="Options for")
    expect(more).to_be_focused()
    keys.press("Enter")
    expect(more).to_have_attribute("aria-expanded", "true")
    keys.press("Tab")
    expect(
        drawer.entry("say Two.").get_by_role("button", name="Rename")
    ).to_be_focused()
    keys.press("Escape")
    expect(more).to_be_focused()
    expect(more).to_have_attribute("aria-expanded", "false")
    keys.press("Shift+Tab")
    keys.press("Enter")
    expect(chat.page.locator(".answer")).to_have_text(["Two."])


def test_a_chat_is_renamed_in_its_place(visit: OpenChat) -> None:
    chat = visit()
    talked(chat, "say One.", "say Two.")
    drawer = Drawer(chat)
    keys = chat.page.keyboard

    drawer.option("say One.", "Rename")
    field = drawer.dialog.get_by_role("textbox", name="Title of the chat")
    expect(field).to_be_focused()
    expect(field).to_have_value("say One.")
    keys.type("Not this")
    keys.press("Escape")
    drawer.expect_titles("say Two.", "say One.")
    expect(drawer.dialog).to_be_visible()
    expect(drawer.entry("say One.").get_by_role("button").first).to_be_focused()

    keys.press("F2")
    keys.press("Control+a")
    keys.type("<b>Tea</b> & me")
    keys.press("Enter")

    renamed = drawer.entry("<b>Tea</b> & me").get_by_role("button").first
    expect(renamed).to_be_focused()
    chat.page.reload()
    Drawer(chat)
    drawer.expect_titles("say Two.", "<b>Tea</b> & me")


def test_a_refused_change_says_why_and_changes_nothing(visit: OpenChat) -> None:
    chat = visit(script=REFUSING)
    talked(chat, "say One.")
    drawer = Drawer(chat)
    chat.page.evaluate('refusals.push(["PATCH", "/threads/"], ["DELETE", "/threads/"])')
    why = "That did not work: This is not allowed."

    drawer.option("say One.", "Rename")
    field = drawer.dialog.get_by_role("textbox", name="Title of the chat")
    field.fill("Other")
    field.press("Enter")
    expect(drawer.dialog.get_by_role("alert")).to_have_text(why)
    expect(field).to_have_value("Other")
    chat.page.evaluate("refusals.shift()")
    field.press("Enter")
    drawer.expect_titles("Other")

    drawer.option("Other", "Delete")
    expect(drawer.dialog.get_by_role("alert")).to_have_text(why)
    drawer.expect_titles("Other")
    chat.page.evaluate("refusals.length = 0")
    drawer.entry("Other").get_by_role("button", name="Delete").click()
    expect(drawer.entries).to_have_count(0)


def test_a_button_says_that_it_works_and_is_pressed_once(visit: OpenChat) -> None:
    chat = visit(script=HELD)
    talked(chat, "say One.", "say Two.")
    drawer = Drawer(chat)
    drawer.entry("say One.").get_by_role("button", name="Options for").click()
    chat.page.evaluate("held.on = '/api/threads/0'")
    archive = drawer.entry("say One.").get_by_role("button", name="Archive")

    archive.click()
    expect(archive).to_have_attribute("aria-busy", "true")
    archive.click(force=True)
    assert chat.page.evaluate("held.length") == 1
    chat.page.evaluate("held.on = null; held.shift()()")

    drawer.expect_titles("say Two.")


def test_a_chat_is_pinned_by_keys_and_found_at_the_top_in_every_tab(
    visit: OpenChat,
) -> None:
    chat = visit()
    talked(chat, "say One.", "say Two.", "say Three.")
    other = Drawer(visit(beside=chat))
    other.expect_titles("say Three.", "say Two.", "say One.")
    drawer = Drawer(chat)
    keys, groups = chat.page.keyboard, drawer.dialog.locator(".thread-group:visible")
    expect(groups).to_have_count(0)

    drawer.entry("say One.").get_by_role("button", name="Options for").press("Enter")
    keys.press("Tab")
    keys.press("Tab")
    pin = drawer.entry("say One.").get_by_role("button", name="Pin", exact=True)
    expect(pin).to_be_focused()
    keys.press("Enter")

    drawer.expect_titles("say One.", "say Three.", "say Two.")
    other.expect_titles("say One.", "say Three.", "say Two.")
    expect(groups).to_have_text(["Pinned", "Other chats"])
    said = drawer.dialog.locator(".unseen[role=status]")
    expect(said).to_have_text("“say One.” is kept at the top now.")
    unpin = drawer.entry("say One.").get_by_role("button", name="Unpin", exact=True)
    expect(unpin).to_be_focused()

    drawer.search.fill("say")
    drawer.expect_titles("say Three.", "say Two.", "say One.")
    expect(groups).to_have_count(0)
    drawer.search.fill("")
    drawer.expect_titles("say One.", "say Three.", "say Two.")
    unpin.click()
    drawer.expect_titles("say Three.", "say Two.", "say One.")
    other.expect_titles("say Three.", "say Two.", "say One.")


def test_a_chat_is_archived_and_brought_back(visit: OpenChat) -> None:
    chat = visit()
    talked(chat, "say One.", "say Two.")
    drawer = Drawer(chat)

    drawer.option("say Two.", "Archive")
    drawer.expect_titles("say One.")
    drawer.show("Archived")
    drawer.expect_titles("say Two.")
    drawer.entry("say Two.").get_by_role("button").first.click()

    bar = chat.page.locator(".closed")
    expect(bar).to_contain_text("This chat is archived")
    expect(chat.page.get_by_role("button", name="Answer again")).to_have_count(0)
    chat.send("say More.")
    expect(chat.page.get_by_role("alert")).to_contain_text("Not sent")
    expect(chat.field).to_have_value("say More.")
    bar.get_by_role("button", name="Bring back").click()
    expect(bar).to_be_hidden()
    chat.field.press("Enter")
    expect(chat.answers.last).to_contain_text("More.")

    drawer.open()
    drawer.show("Archived")
    expect(drawer.note).to_have_text("No archived chats.")
    drawer.show("Current")
    drawer.expect_titles("say Two.", "say One.")


def test_a_deleted_chat_can_be_taken_back(visit: OpenChat) -> None:
    chat = visit()
    talked(chat, "say One.", "say Two.")
    drawer = Drawer(chat)

    drawer.option("say Two.", "Delete")

    drawer.expect_titles("say One.")
    toast = drawer.dialog.locator(".toast")
    expect(toast).to_contain_text("“say Two.” was deleted.")
    undo = toast.get_by_role("button", name="Undo")
    expect(undo).to_be_focused()
    expect(chat.answers).to_have_count(0)  # the open one is gone from behind the list
    chat.page.keyboard.press("Enter")

    drawer.expect_titles("say Two.", "say One.")
    expect(toast).to_be_hidden()
    expect(drawer.entries.first.get_by_role("button").first).to_be_focused()
    drawer.entries.first.get_by_role("button").first.click()
    expect(chat.page.locator(".answer")).to_have_text(["Two."])


def test_what_was_deleted_is_gone_after_a_reload(visit: OpenChat) -> None:
    chat = visit()
    talked(chat, "say One.")
    drawer = Drawer(chat)
    drawer.option("say One.", "Delete")
    expect(drawer.note).to_have_text("No chats yet.")

    chat.page.reload()

    Drawer(chat)
    expect(drawer.note).to_have_text("No chats yet.")
    expect(chat.answers).to_have_count(0)


def test_older_chats_come_page_by_page(visit: OpenChat) -> None:
    chat = visit()
    talked(chat, "say First.")
    made = chat.page.evaluate(
        """async () => {
          const { client } = document.querySelector("chatkit-thread")
          const token = document.querySelector("chatkit-thread").getAttribute("csrf-token")
          for (let number = 0; number < 24; number += 1)
            await fetch("/chatkit/api/threads/", {
              method: "POST",
              headers: { "Content-Type": "application/json", "X-CSRFToken": token },
              body: JSON.stringify({ assistant: "test", title: `Chat ${number}` }),
            })
          return client.threadId
        }"""
    )
    assert made
    drawer = Drawer(chat)
    expect(drawer.entries).to_have_count(20)

    more = drawer.dialog.get_by_role("button", name="Show more")
    more.click()

    expect(drawer.entries).to_have_count(25)
    expect(drawer.entries.nth(20).get_by_role("button").first).to_be_focused()
    expect(more).to_be_hidden()


def test_a_chat_of_another_tab_appears_by_itself(visit: OpenChat) -> None:
    one = visit()
    talked(one, "say One.")
    other = visit(beside=one)
    drawer = Drawer(other)
    drawer.expect_titles("say One.")
    drawer.search.focus()

    one.page.get_by_role("button", name="New chat", exact=True).click()
    one.ask("say Two.")
    drawer.expect_titles("say Two.", "say One.")

    there = Drawer(one)
    there.option("say Two.", "Rename")
    one.page.keyboard.type("Renamed")
    one.page.keyboard.press("Enter")
    drawer.expect_titles("Renamed", "say One.")
    there.option("Renamed", "Delete")
    drawer.expect_titles("say One.")
    expect(drawer.search).to_be_focused()


def test_an_answer_that_nobody_has_seen_is_marked_until_it_is(visit: OpenChat) -> None:
    chat = visit()
    talked(chat, "say One.")
    chat.page.get_by_role("button", name="New chat", exact=True).click()
    chat.send("pause 1\nsay Two.")
    expect(chat.questions).to_have_count(1)
    chat.page.get_by_role("button", name="New chat", exact=True).click()

    expect(
        chat.page.get_by_role("button", name="Your chats, with something new")
    ).to_be_visible()
    drawer = Drawer(chat)
    entry = drawer.entries.first
    expect(entry).to_have_attribute("data-unread", "")
    expect(entry).to_contain_text("new")
    expect(drawer.entries.last).not_to_have_attribute("data-unread", "")
    entry.get_by_role("button").first.click()

    expect(chat.page.locator(".answer")).to_have_text(["Two."])
    expect(
        chat.page.get_by_role("button", name="Your chats", exact=True)
    ).to_be_visible()
    drawer.open()
    expect(drawer.entries.first).not_to_have_attribute("data-unread", "")


def test_what_is_read_in_one_tab_is_read_in_the_other(visit: OpenChat) -> None:
    one = visit()
    other = visit(beside=one)
    other.field.focus()
    talked(one, "say One.")

    drawer = Drawer(other)

    drawer.expect_titles("say One.")
    expect(drawer.entries.first).not_to_have_attribute("data-unread", "")


def test_a_chat_that_works_or_has_failed_says_so_in_the_list(visit: OpenChat) -> None:
    chat = visit()
    talked(chat, "fail rejected")
    chat.page.get_by_role("button", name="New chat", exact=True).click()
    chat.send('call pay_back {"order": "1042", "euros": 30}')
    expect(chat.page.locator("[data-interrupt]")).to_be_visible()

    drawer = Drawer(chat)

    expect(drawer.entries.first).to_contain_text("waiting for an answer")
    expect(drawer.entries.last).to_contain_text("failed")
