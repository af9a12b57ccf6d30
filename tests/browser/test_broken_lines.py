"""What a visitor sees when the server goes, when its model breaks off, and what comes by itself."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenChat
from tests.live import Site

WORDS = " ".join(f"w{number}" for number in range(80))
SENT_LATER = "Will be sent as soon as there is a connection."
HELD_LINE = """
const WebSocketOfTheBrowser = WebSocket
WebSocket = class extends WebSocketOfTheBrowser {
  constructor(url) {
    super(localStorage.held === "yes" ? url.replace("/ws/", "/nowhere/") : url)
  }
}
"""
"""While ``localStorage.held`` is "yes" no line comes about, though the site is there."""


@pytest.fixture
def server(migrated: Site) -> Iterator[Site]:
    """A site of the test's own, which may be killed, and whose model takes its time."""
    site = Site(CHATKIT_TEST_DELAY="0.05")
    try:
        yield site.make(migrated)
    finally:
        site.close()


@contextmanager
def paused(server: Site) -> Iterator[None]:
    """The process stands still; its sockets stay open."""
    assert server._process is not None
    server._process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        server._process.send_signal(signal.SIGCONT)


def messages_of(server: Site) -> list[str]:
    """The texts of the visitor's messages, as the database has them."""
    code = (
        "from chatkit_app.models import Part\n"
        "found = Part.objects.filter(message__role='user').order_by('message_id')\n"
        "print('|'.join(found.values_list('text', flat=True)))"
    )
    return server.shell(code).split("|")


def test_a_killed_server_means_reconnecting_and_then_the_rest_by_itself(
    visit: OpenChat, server: Site
) -> None:
    chat = visit()
    chat.send(f"pause 1\nsay {WORDS}")
    expect(chat.answers.first).to_contain_text("w9")

    server.kill()
    line = chat.page.locator(".connection")
    expect(line).to_be_visible()
    expect(line).to_contain_text("Connection lost. Reconnecting…")
    expect(chat.answers.first).to_contain_text("w9")
    server.start()

    expect(line).to_be_hidden()
    expect(chat.page.locator(".working-text")).to_have_text(
        "The answer broke off and is asked again…"
    )
    expect(chat.answers.first).to_contain_text("w79")
    expect(chat.stop).to_be_hidden()
    said = chat.answers.first.locator(".answer").inner_text()
    assert said.split() == WORDS.split()
    expect(chat.page.locator(".working-text")).to_have_count(0)
    expect(chat.end).to_be_hidden()


def test_a_server_that_says_nothing_any_more_is_left_for_one_that_does(
    visit: OpenChat, server: Site
) -> None:
    """A paused process keeps its sockets, as a line that was cut without a word does."""
    chat = visit()
    chat.ask("say Hello.")

    with paused(server):
        line = chat.page.locator(".connection")
        expect(line).to_contain_text("Reconnecting…", timeout=25_000)
        chat.send("say Again.")
        expect(chat.page.get_by_text(SENT_LATER)).to_be_visible()

    expect(chat.answers.nth(1)).to_contain_text("Again.", timeout=40_000)
    expect(line).to_be_hidden()
    expect(chat.questions).to_have_count(2)


def test_five_tabs_show_the_same_whatever_happens_to_the_server(
    visit: OpenChat, server: Site
) -> None:
    first = visit()
    first.ask("say Hello.")
    tabs = [first, *(visit(beside=first) for _ in range(4))]
    for tab in tabs:
        expect(tab.answers.first).to_contain_text("Hello.")

    tabs[2].send(f"say {WORDS}")
    expect(tabs[4].answers.nth(1)).to_contain_text("w9")
    server.kill()
    server.start()

    for tab in tabs:
        expect(tab.answers.nth(1)).to_contain_text("w79", timeout=40_000)
        said = tab.answers.nth(1).locator(".answer").inner_text()
        assert said.split() == WORDS.split()


def test_a_line_that_is_back_within_a_moment_is_never_spoken_of(
    visit: OpenChat,
) -> None:
    chat = visit()
    chat.ask("say Hello.")
    chat.page.evaluate(
        """() => {
          window.told = []
          const line = document.querySelector("chatkit-thread").shadowRoot
            .querySelector(".connection")
          const look = () => { if (!line.hidden) told.push(line.textContent) }
          new MutationObserver(look).observe(line, { attributes: true, subtree: true })
          dispatchEvent(new PageTransitionEvent("pagehide"))
          dispatchEvent(new PageTransitionEvent("pageshow"))
        }"""
    )
    chat.ask("say Again.")

    assert chat.page.evaluate("told") == []


def test_what_is_written_while_the_server_is_down_is_sent_once_when_it_is_up(
    visit: OpenChat, server: Site
) -> None:
    chat = visit()
    chat.ask("say Hello.")
    server.kill()

    chat.send("say Again.")
    expect(chat.page.get_by_text(SENT_LATER)).to_be_visible()
    server.start()

    expect(chat.answers.nth(1)).to_contain_text("Again.")
    expect(chat.questions).to_have_count(2)
    expect(chat.page.get_by_text(SENT_LATER)).to_have_count(0)
    assert messages_of(server) == ["say Hello.", "say Again."]


def test_what_is_written_while_the_server_is_down_survives_a_reload(
    visit: OpenChat, server: Site
) -> None:
    chat = visit(script=HELD_LINE)
    chat.ask("say Hello.")
    server.kill()
    chat.send("say Again.")
    expect(chat.page.get_by_text(SENT_LATER)).to_be_visible()

    chat.store(held="yes")
    server.start()
    chat.page.reload()
    expect(chat.page.get_by_text(SENT_LATER)).to_be_visible()
    expect(chat.questions).to_have_count(1)
    expect(chat.questions).to_contain_text("say Again.")
    expect(chat.page.locator(".connection")).to_contain_text(
        "The chat cannot be reached."
    )
    expect(chat.page.get_by_text(SENT_LATER)).to_be_visible()
    chat.store(held="no")
    chat.page.locator(".connection").get_by_role("button", name="Reconnect").click()

    expect(chat.answers.nth(1)).to_contain_text("Again.")
    expect(chat.page.get_by_text(SENT_LATER)).to_have_count(0)
    chat.page.reload()
    expect(chat.answers).to_have_count(2)
    expect(chat.questions).to_have_count(2)
    assert messages_of(server) == ["say Hello.", "say Again."]


def test_a_model_that_breaks_off_is_asked_again_in_words_and_said_once(
    visit: OpenChat,
) -> None:
    chat = visit()
    chat.send("pause 1\nsay Half of it is there.\nfail rate_limited")
    again = chat.page.locator(".working-text")

    expect(again).to_have_text("The model is busy. Asking again…")
    expect(chat.stop).to_be_visible()
    expect(chat.page.locator(".answer p")).to_have_count(0)
    expect(chat.page.locator(".run-text")).to_have_text(
        "The assistant has too much to do right now.", timeout=60_000
    )
    expect(again).to_have_count(0)
    said = chat.page.locator("[role=status] p", has_text="The model is busy.")
    expect(said).to_have_count(1)
