"""Sharing a chat by a link, as its owner and whoever has the link meet it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from project.security import POLICY
from tests.browser.conftest import OpenChat
from tests.browser.drawer import REFUSING, Drawer
from tests.browser.test_hostile_admin import PAYLOADS
from tests.live import Site

MAKE = """
import json, os
from chatkit_app.engine.viewer import Viewer
from chatkit_app.models import *
from chatkit_app.threads.sharing import share
from django.contrib.auth import get_user_model
from tests.history_rows import Turn, make_thread
payloads = json.loads(os.environ["PAYLOADS"])
whole = " ".join(text for text in payloads if len(text) < 1000)
users = get_user_model().objects
ann = users.get(username="ann")
evil = users.create_user("evil", first_name=payloads[2][:150])
thread = make_thread(ann, assistant="test", title=whole[:200])
above = None
for depth, text in enumerate(payloads):
    turn = Turn.begin(thread, text, depth=2 * depth)
    Message.objects.filter(pk=turn.prompt.pk).update(parent=above)
    turn.say(text)
    turn.call(text[:200], status="failed", error_code="x", error_text=text)
    for index, name in enumerate((text, text[:100])):
        Part.objects.create(message=turn.prompt, index=index + 1, kind="file", state="complete",
                            position=1, data={"name": name, "mediaType": text[:100], "size": 7})
    turn.end()
    above = turn.answer
Message.objects.filter(pk=above.pk).update(author=evil)
print(json.dumps(share(Viewer(user=ann), thread.pk)[1]))
"""


@pytest.fixture
def stranger(chromium: Browser, server: Site) -> Iterator[Page]:
    """Somebody else's browser, without a cookie; nothing of its pages falls or fetches elsewhere."""
    context = chromium.new_context()
    context.set_default_timeout(15_000)
    page, mishaps = context.new_page(), []
    watch(page, server.url, mishaps)
    yield page
    cookies = context.cookies()
    context.close()
    assert (mishaps, cookies) == ([], [])


def watch(page: Page, url: str, mishaps: list[str]) -> None:
    page.on("pageerror", lambda error: mishaps.append(f"error: {error}"))
    page.on(
        "console",
        lambda said: (
            mishaps.append(f"console: {said.text}")
            if "Content Security Policy" in said.text
            else None
        ),
    )
    page.on("dialog", lambda dialog: mishaps.append(f"dialog: {dialog.message}"))
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((url, "data:"))
            else mishaps.append(f"request: {request.url}")
        ),
    )


def under_the_demo_s_policy(route: Route) -> None:
    answer = route.fetch()
    headers = {**answer.headers, "content-security-policy": POLICY}
    route.fulfill(response=answer, headers=headers)


class Sharing:
    """The dialog of one chat, opened out of the list."""

    def __init__(self, drawer: Drawer, title: str) -> None:
        drawer.option(title, "Share…")
        self.page = drawer.chat.page
        self.dialog = self.page.get_by_role("dialog", name=f"Share “{title}”")
        expect(self.dialog).to_be_visible()
        self.link = self.dialog.get_by_label("The new link")
        self.links = self.dialog.get_by_role("listitem")

    def make(self) -> str:
        self.dialog.get_by_role("button", name="Make a link").click()
        expect(self.link).to_be_visible()
        expect(self.link).to_have_value(re.compile(r"^http://.*/shared/[\w-]{43}/$"))
        return self.link.input_value()


def test_a_link_is_made_opened_by_a_stranger_and_revoked(
    visit: OpenChat, stranger: Page
) -> None:
    chat = visit()
    chat.ask("say **Hello** there.")
    sharing = Sharing(Drawer(chat), "say **Hello** there.")
    expect(sharing.dialog).to_contain_text("There are none.")

    url = sharing.make()
    expect(sharing.links).to_have_count(1)

    stranger.goto(url)
    expect(stranger.get_by_role("heading", level=1)).to_have_text(
        "say **Hello** there."
    )
    expect(stranger.locator(".bubble")).to_have_text("say **Hello** there.")
    expect(stranger.locator(".answer strong")).to_have_text("Hello")

    sharing.links.get_by_role("button", name="Revoke").click()
    expect(sharing.links).to_have_count(0)
    expect(sharing.dialog).to_contain_text("There are none.")
    answer = stranger.reload()
    assert answer is not None
    assert answer.status == 404
    expect(stranger.get_by_role("heading")).to_have_text("This link leads nowhere")


def test_the_dialog_is_worked_by_key_and_gives_the_focus_back(visit: OpenChat) -> None:
    chat = visit()
    chat.ask("say Keys.")
    drawer = Drawer(chat)
    entry = drawer.entry("say Keys.")
    entry.get_by_role("button", name="Options for").click()
    opener = entry.get_by_role("button", name="Share…")
    opener.focus()
    chat.page.keyboard.press("Enter")
    dialog = chat.page.get_by_role("dialog", name="Share “say Keys.”")
    make = dialog.get_by_role("button", name="Make a link")
    expect(make).to_be_focused()

    chat.page.keyboard.press("Enter")
    expect(dialog.get_by_label("The new link")).to_be_focused()
    chat.page.keyboard.press("Escape")

    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()
    expect(drawer.dialog).to_be_visible()
    chat.page.keyboard.press("Enter")
    expect(dialog.get_by_role("listitem")).to_have_count(1)
    expect(dialog.get_by_label("The new link")).to_be_hidden()


def test_the_link_is_copied(visit: OpenChat) -> None:
    chat = visit(permissions=["clipboard-read", "clipboard-write"])
    chat.ask("say Copy.")
    sharing = Sharing(Drawer(chat), "say Copy.")
    url = sharing.make()

    sharing.dialog.get_by_role("button", name="Copy").click()

    expect(sharing.dialog.get_by_role("button", name="Copied")).to_be_visible()
    assert chat.page.evaluate("navigator.clipboard.readText()") == url


def test_what_is_refused_is_said_and_nothing_is_shown(visit: OpenChat) -> None:
    chat = visit(script=REFUSING)
    chat.ask("say No.")
    sharing = Sharing(Drawer(chat), "say No.")
    chat.page.evaluate('refusals.push(["POST", "/shares/"])')

    sharing.dialog.get_by_role("button", name="Make a link").click()

    expect(sharing.dialog.get_by_role("alert")).to_contain_text("not allowed")
    expect(sharing.link).to_be_hidden()


def test_where_the_site_has_not_said_it_there_is_no_such_option(
    visit: OpenChat,
) -> None:
    chat = visit(
        script="""
        new MutationObserver((_, watcher) => {
          const chat = document.querySelector("chatkit-thread")
          if (!chat) return
          chat.removeAttribute("sharing")
          watcher.disconnect()
        }).observe(document, { childList: true, subtree: true })
        """
    )
    chat.ask("say Mine.")
    drawer = Drawer(chat)
    entry = drawer.entry("say Mine.")
    entry.get_by_role("button", name="Options for").click()

    expect(entry.get_by_role("button", name="Rename")).to_be_visible()
    expect(entry.get_by_role("button", name="Share…")).to_have_count(0)


def test_without_javascript_a_shared_chat_is_plain_text(
    visit: OpenChat, chromium: Browser
) -> None:
    chat = visit()
    chat.ask("say **Plain** text.")
    url = Sharing(Drawer(chat), "say **Plain** text.").make()
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()

    page.goto(url)

    expect(page.locator(".answer")).to_contain_text("**Plain**")
    context.close()


@pytest.fixture(scope="module")
def hostile(migrated: Site) -> Iterator[tuple[Site, str]]:
    """A site of its own, with a shared thread that has the corpus in every place."""
    site = Site(PAYLOADS=json.dumps(PAYLOADS))
    try:
        site.make(migrated)
        yield site, json.loads(site.shell(MAKE))
    finally:
        site.close()


@pytest.mark.parametrize(
    "looks",
    [
        {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light"},
        {"viewport": {"width": 320, "height": 640}, "color_scheme": "dark"},
        {"viewport": {"width": 320, "height": 640}, "java_script_enabled": False},
    ],
    ids=["wide", "narrow", "without-javascript"],
)
def test_nothing_that_anybody_wrote_does_anything_in_the_page_of_a_link(
    chromium: Browser, hostile: tuple[Site, str], looks: dict[str, object]
) -> None:
    site, token = hostile
    context = chromium.new_context(**looks)  # type: ignore[arg-type]  # Playwright's own options
    page, mishaps = context.new_page(), []
    watch(page, site.url, mishaps)
    page.route("**/chatkit/shared/*/", under_the_demo_s_policy)
    page.add_init_script("window.__canary = 'untouched'")

    page.goto(f"{site.url}/chatkit/shared/{token}/")
    expect(page.locator("article")).to_have_count(2 * len(PAYLOADS))
    if looks.get("java_script_enabled", True):
        expect(page.locator("[data-markdown]")).to_have_count(0)
        for link in page.locator("a:visible").all()[:5]:
            link.hover()
        assert page.evaluate("window.__canary") == "untouched"
        over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert over <= 0
    foreign = page.locator(
        "body :is(script:not([src^='/static/'], [type='application/json']), iframe, object, embed,"
        " style, base, meta, link, img, form, svg, [onload], [onerror], [onclick], [onfocus],"
        " [onmouseover], [style], [href^=javascript i])"
    )
    assert foreign.count() == 0
    assert page.url.startswith(site.url)

    context.close()
    assert mishaps == []
