"""Support at work: a case is found, understood, decided on and watched; nothing hostile does anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chat import WITHOUT_SOCKETS
from tests.browser.inspector import Desk
from tests.live import Site

OpenDesk = Callable[..., Desk]

YESTERDAYS = """
from datetime import timedelta
from django.contrib.auth import get_user_model
from django.utils import timezone
from chatkit_app.models import Message, Run, Step, Thread
from tests.history_rows import Turn, make_thread
ann = get_user_model().objects.get(username="ann")
at = timezone.now() - timedelta(days=1)
thread = make_thread(ann, at=at, assistant="test", title="Where is order 1042?")
turn = Turn.begin(thread, "Where is order 1042?", depth=0)
turn.call("order_status", arguments='{"number": "1042"}', status="failed",
          error_code="tool_error", error_text="The warehouse did not answer.",
          started_at=at, finished_at=at + timedelta(seconds=9))
turn.end("failed", error_code="provider_unavailable", error_text="The model is away.")
for table in (Message, Run):
    table.objects.filter(thread=thread).update(created_at=at)
Step.objects.filter(run__thread=thread).update(
    created_at=at, first_token_at=None, finished_at=at + timedelta(seconds=2))
Run.objects.filter(thread=thread).update(finished_at=at + timedelta(seconds=12))
Thread.objects.filter(pk=thread.pk).update(created_at=at, last_activity_at=at)
print(thread.pk)
"""

REFUND = 'call staff_refund {"amount": 20}\\n---\\nsay ' + " ".join(
    f"word{number}" for number in range(40)
)
SAYS = "say " + " ".join(f"word{number}" for number in range(60))


@pytest.fixture
def desk(chromium: Browser, server: Site) -> Iterator[OpenDesk]:
    """Open the admin, by default as a superuser. No test ends well if a page misbehaved."""
    desks: list[Desk] = []

    def open_desk(name: str = "admin", **options: object) -> Desk:
        desks.append(Desk(chromium, server, name, **options))
        return desks[-1]

    yield open_desk
    mishaps = [mishap for each in desks for mishap in each.mishaps]
    for each in desks:
        each.close()
    assert mishaps == []


def newest_thread(site: Site) -> str:
    return site.shell(
        "from chatkit_app.models import Thread\n"
        "print(Thread.objects.order_by('-last_activity_at').first().pk)"
    )


def watched(page: Page) -> None:
    """Wait until the page follows its thread."""
    expect(page.locator("#chatkit-watch")).to_have_attribute("data-state", "live")


def test_support_finds_a_case_sees_why_approves_and_watches_it_go_on(
    desk, visit, server
) -> None:
    old = server.shell(YESTERDAYS)
    support = desk()
    page = support.open("thread/")
    page.get_by_role("searchbox").fill("1042")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Where is order 1042?").first.click()

    expect(page.locator(".chatkit-error").first).to_contain_text("warehouse")
    expect(page.locator(".chatkit-error").last).to_contain_text("The model is away.")
    expect(page.locator(".chatkit-bar-tool")).to_contain_text("order_status")
    assert old in page.url

    chat = visit()
    chat.send(REFUND.replace("\\n", "\n"))
    expect(chat.tool("staff_refund")).to_have_attribute("data-state", "toolStaff")
    page = support.open("thread/")
    page.get_by_role("link", name="Waiting for your approval").click()
    page.get_by_role("row", name="staff_refund").first.get_by_role("link").last.click()
    waiting = page.locator("#chatkit-waiting")
    expect(waiting).to_contain_text("20")
    waiting.get_by_role("checkbox").first.check()
    page.evaluate("window.wasHere = true")
    waiting.get_by_role("button", name="Approve", exact=True).click()
    expect(page.locator(".messagelist")).to_contain_text("Decided")
    watched(page)
    page.evaluate("window.wasHere = true")

    expect(page.locator("#chatkit-messages")).to_contain_text("word39")
    expect(page.locator("#chatkit-facts")).to_contain_text("completed")
    assert page.evaluate("window.wasHere") is True  # it was not reloaded
    expect(page.locator("#chatkit-waiting")).to_have_count(0)


def test_a_running_thread_streams_and_what_was_unfolded_stays_so(
    desk, visit, server
) -> None:
    chat = visit()
    chat.ask("think Let me see.\nsay Hello.")
    page = desk().open(f"thread/{newest_thread(server)}/change/")
    watched(page)
    fold = page.locator("details", has_text="Reasoning").last
    fold.locator("summary").last.click()
    page.get_by_label("Your words").fill("Half a reply")
    page.evaluate(
        """() => {
          window.lengths = []
          new MutationObserver(() => {
            const open = document.querySelector("[data-part]")
            if (open) lengths.push(open.textContent.length)
          }).observe(document.body, { childList: true, subtree: true, characterData: true })
        }"""
    )

    chat.ask(SAYS)

    expect(page.locator("#chatkit-messages")).to_contain_text("word59")
    assert len(page.evaluate("[...new Set(lengths)]")) > 5  # piece by piece
    expect(page.locator("#chatkit-facts")).to_contain_text("completed")
    assert fold.evaluate("fold => fold.open")
    expect(page.get_by_label("Your words")).to_have_value("Half a reply")


def test_without_a_socket_the_page_asks_again_and_again(
    chromium, desk, visit, server
) -> None:
    chat = visit()
    chat.ask("say Hello.")
    support = desk()
    support.page.add_init_script(WITHOUT_SOCKETS)
    page = support.open(f"thread/{newest_thread(server)}/change/")
    expect(page.locator("#chatkit-watch")).to_have_attribute("data-state", "polling")

    chat.ask("say Now then.")

    expect(page.locator("#chatkit-messages")).to_contain_text("Now then.")


def test_a_reply_of_the_staff_is_in_the_thread_and_in_the_visitors_page(
    desk, visit, server
) -> None:
    chat = visit()
    chat.ask("say Hello.")
    page = desk().open(f"thread/{newest_thread(server)}/change/")

    page.get_by_label("Your words").fill("A person here.")
    page.get_by_role("button", name="Send the reply").click()

    expect(page.locator(".chatkit-reply")).to_contain_text("A person here.")
    expect(chat.answers.last).to_contain_text("A person here.")


def test_a_running_answer_is_cancelled_and_tried_again(desk, visit, server) -> None:
    chat = visit()
    chat.send("stall")
    expect(chat.stop).to_be_visible()
    page = desk().open(f"thread/{newest_thread(server)}/change/")

    page.get_by_role("button", name="Cancel the run").click()

    expect(page.locator("#chatkit-facts")).to_contain_text("cancelled")
    page.get_by_role("button", name="Try the answer again").click()
    expect(page.locator(".messagelist")).to_contain_text("tried again")
    page.get_by_role("button", name="Cancel the run").click()
    expect(page.locator("#chatkit-facts")).to_contain_text("cancelled")


def test_a_question_is_answered_in_the_visitors_place(desk, visit, server) -> None:
    chat = visit()
    chat.send("call order_shirt")
    expect(chat.tool("order_shirt").locator("[data-interrupt]")).to_be_visible()
    page = desk().open(f"thread/{newest_thread(server)}/change/")
    watched(page)

    page.locator("#chatkit-waiting summary", has_text="Answer in their place").click()
    page.get_by_label("Size").select_option(label="M")
    page.locator("#chatkit-waiting").get_by_role(
        "button", name="Answer", exact=True
    ).click()
    page.locator("#chatkit-waiting").get_by_role(
        "button", name="Skip the question"
    ).click()

    expect(page.locator("#chatkit-messages")).to_contain_text("M to the shop")


def test_a_link_to_a_call_unfolds_what_it_is_in_and_can_be_copied(desk, server) -> None:
    thread = server.shell(YESTERDAYS)
    support = desk()
    support.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = support.open(f"thread/{thread}/change/")
    link = page.locator(".chatkit-call .chatkit-anchor")

    link.click()

    expect(page.locator(".chatkit-call:target")).to_have_count(1)
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == link.evaluate("link => link.href")


def test_a_thread_is_erased_only_by_who_types_its_owners_name(desk, server) -> None:
    thread = server.shell(YESTERDAYS)
    page = desk().open(f"thread/{thread}/change/")
    page.get_by_role("link", name="Erase…").click()
    field = page.get_by_label("to confirm")

    field.fill("bob")
    page.get_by_role("button", name="Erase the thread").click()
    expect(page.locator(".errornote")).to_contain_text("nothing was erased")
    field.fill("ann")
    page.get_by_role("button", name="Erase the thread").click()

    expect(page.locator(".messagelist")).to_contain_text("The thread is erased.")
    assert server.rows("SELECT count(*) FROM chatkit_app_thread") is not None
    left = server.shell(
        f"from chatkit_app.models import Thread\nprint(Thread.objects.filter(pk='{thread}').count())"
    )
    assert left == "0"


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_is_wider_than_the_page(desk, server, width: int) -> None:
    thread = server.shell(YESTERDAYS)
    support = desk(viewport={"width": width, "height": 740})
    for path in ("change", "events", "erase"):
        page = support.open(f"thread/{thread}/{path}/")
        over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert over <= 0, path
