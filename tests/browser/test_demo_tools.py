"""The demo shop's tools as a customer meets them: what is asked, what is shown, and what the pages then say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, expect

from tests.browser.chat import Chat, asked, press, problem_of
from tests.browser.test_looks_and_keys import overflow_of
from tests.project.test_demo import demo, free_port

PACE = "0.2"

Enter = Callable[..., Chat]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The demo's address; its slow tools work fast enough to be waited for."""
    port = free_port()
    with demo(tmp_path_factory.mktemp("shop"), port, SHOP_PACE=PACE):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def enter(chromium: Browser, shop: str) -> Iterator[Enter]:
    """Open the shop in a browser of one's own: ``enter()``, or ``enter("ada", "/orders/")``.

    No test ends well if a script of a page fell.
    """
    contexts: list[BrowserContext] = []
    mishaps: list[str] = []

    def open_shop(
        who: str = "", path: str = "/", *, url: str = shop, **options: object
    ) -> Chat:
        context = chromium.new_context(**{"viewport": WIDE, **options})  # type: ignore[arg-type]  # Playwright's own options, passed on
        contexts.append(context)
        context.set_default_timeout(15_000)
        page = context.new_page()
        page.on("pageerror", lambda error: mishaps.append(str(error)))
        if who:
            page.goto(f"{url}/login/?next={path}")
            page.get_by_label("Name").fill(who)
            page.get_by_label("Password").fill(f"{who}-demo")
            page.get_by_label("Password").press("Enter")
            page.wait_for_url(url + path)
        else:
            page.goto(url + path)
        if not page.get_by_label("Your message").is_visible():
            page.locator("#chat-toggle").click()
        return Chat(page)

    yield open_shop
    for context in contexts:
        context.close()
    assert mishaps == []


WIDE = {"width": 1280, "height": 860}
NARROW = {"width": 360, "height": 780}


def order(chat: Chat, number: int) -> Locator:
    return chat.page.locator(f"section.order[aria-labelledby=order-{number}]")


def test_an_order_is_cancelled_when_its_customer_approves_it(enter: Enter) -> None:
    chat = enter("ada", "/orders/")
    expect(order(chat, 1045).locator(".badge")).to_have_text("Placed")

    card = asked(chat, "Cancel my order 1045", "cancel_order")
    expect(card).to_contain_text("Cancel order 1045 (2 × Linen cushion, €84.00)?")
    press(card, "Approve")

    chat.expect_tool("cancel_order", "toolDone")
    expect(chat.answers.last).to_contain_text("Order 1045 is cancelled")
    expect(order(chat, 1045).locator(".badge")).to_have_text("Cancelled")


def test_a_denied_cancellation_leaves_the_order_and_is_accepted(enter: Enter) -> None:
    chat = enter("ben", "/orders/")
    card = asked(chat, "Cancel my order 1044", "cancel_order")

    press(card, "Deny")
    card.get_by_label("Reason (optional)").fill("I need the candles.")
    press(card, "Deny")

    expect(chat.answers.last).to_contain_text("The reason: “I need the candles.”")
    expect(order(chat, 1044).locator(".badge")).to_have_text("Placed")


def test_words_instead_of_an_approval_are_followed(enter: Enter) -> None:
    chat = enter("ben", "/orders/")
    card = asked(chat, "Cancel my order 1044", "cancel_order")

    press(card, "Answer in words")
    field = card.get_by_label("Your answer, instead of approving it")
    field.fill("Where is order 1043?")
    field.press("Enter")

    expect(chat.answers.last).to_contain_text("Order 1043 is packed")
    expect(order(chat, 1044).locator(".badge")).to_have_text("Placed")


def test_a_large_refund_waits_for_the_staff_who_approve_less(enter: Enter) -> None:
    customer = enter("ada", "/orders/")
    customer.send("Refund €60 of order 1038 because of a moth hole")
    card = customer.tool("refund_order")
    expect(card).to_contain_text("waiting for a member of staff")

    kim = enter("kim").page
    link = kim.get_by_role("link", name="Approvals")
    expect(link.locator(".count")).to_contain_text("1")
    link.click()
    kim.get_by_role("link", name="refund_order").click()
    expect(kim.get_by_text("Refund Ada €60.00 of the €120.00")).to_be_visible()
    kim.get_by_text("Edit…").click()
    kim.get_by_label("Amount").fill("40")
    kim.get_by_role("button", name="Approve with these arguments").click()

    customer.expect_tool("refund_order", "toolDone")
    expect(customer.answers.last).to_contain_text("€40.00 of order 1038 are refunded")
    expect(order(customer, 1038)).to_contain_text("Refunded €40.00: a moth hole")


def test_a_small_refund_goes_at_once_and_too_large_a_one_never(enter: Enter) -> None:
    chat = enter("ada", "/orders/")

    answer = chat.ask("Refund €5 of order 1042: a chipped mug")
    expect(answer).to_contain_text("€5.00 of order 1042 are refunded")
    expect(order(chat, 1042)).to_contain_text("simulated: no money moves")
    answer = chat.ask("Refund €500 of order 1042")

    expect(answer).to_contain_text("at most €115.00 can be refunded")


def test_a_visitors_cart_is_wrapped_as_they_answer(enter: Enter) -> None:
    chat = enter("", "/cart/")
    card = asked(chat, "Wrap my cart as a gift", "gift_wrap")
    expect(card.get_by_label("Sage linen")).to_be_checked()

    card.get_by_label("Plain kraft").check()
    card.get_by_label("Card").fill("For Grace")
    press(card, "Send answer")

    expect(chat.answers.last).to_contain_text("the card says “For Grace”")
    expect(chat.page.locator("#wrapping")).to_contain_text("in plain kraft")


def test_a_delivery_is_chosen_in_a_form_that_says_what_is_wrong(enter: Enter) -> None:
    chat = enter("ada", "/orders/")
    card = asked(chat, "Change the delivery of order 1046", "change_delivery")
    day = card.get_by_label("Day")
    expect(card.get_by_label("Street and number")).to_have_value("Rose Lane 4")
    expect(card.get_by_label("In the morning")).to_be_checked()
    chosen = day.input_value()

    day.fill("2020-01-01")
    press(card, "Send answer")
    expect(card.locator(".field-problem")).to_contain_text("too early")
    assert "from tomorrow on" in problem_of(day)
    day.fill((date.fromisoformat(chosen) + timedelta(days=7)).isoformat())
    card.get_by_label("In the evening").check()
    card.get_by_label("Town").fill("Bath")
    press(card, "Send answer")

    expect(chat.answers.last).to_contain_text("in the evening, to Rose Lane 4, Bath")
    expect(order(chat, 1046)).to_contain_text("Rose Lane 4, Bath")


def test_a_skipped_form_changes_nothing(enter: Enter) -> None:
    chat = enter("ben", "/orders/")
    card = asked(chat, "Change the delivery of order 1043", "change_delivery")

    press(card, "Skip")

    expect(chat.answers.last).to_contain_text("order 1043 comes as before")


KEEP_WHAT_IS_SHOWN = """() => {
    const root = document.querySelector("chatkit-thread").shadowRoot
    window.shown = { ".tool-progress": "", ".tool-notice": "", ".tool-so-far": "" }
    const keep = () => {
        for (const name of Object.keys(window.shown))
            for (const found of root.querySelectorAll(name))
                if (!found.hidden) window.shown[name] += found.textContent
    }
    const all = { subtree: true, childList: true, characterData: true, attributes: true }
    new MutationObserver(keep).observe(root, all)
}"""
"""What is shown for a moment only: a busy machine's looks may be too seldom to see it."""


def test_the_stock_report_shows_how_far_it_is_and_ends_with_a_word_in_the_page(
    enter: Enter,
) -> None:
    chat = enter()
    chat.page.evaluate(KEEP_WHAT_IS_SHOWN)
    chat.send("Make a stock report")

    expect(chat.page.locator("#toasts")).to_contain_text("Stock counted:")
    expect(chat.answers.last).to_contain_text("12 products")
    shown = chat.page.evaluate("window.shown")
    assert "Counting" in shown[".tool-progress"]
    assert "Nothing is left of" in shown[".tool-notice"]
    assert "Kitchen" in shown[".tool-so-far"]


def test_the_toast_is_for_the_page_that_asked(enter: Enter) -> None:
    chat = enter()
    chat.ask("list my notes")  # a thread that the other tab opens as well
    other = chat.page.context.new_page()
    other.goto(chat.page.url)
    expect(other.locator("article[data-role=assistant]")).to_have_count(1)

    chat.ask("Make a stock report")

    expect(chat.page.locator("#toasts")).to_contain_text("Stock counted:")
    expect(other.locator(".tool[data-tool=stock_report]")).to_have_attribute(
        "data-state", "toolDone"
    )
    expect(other.locator("#toasts")).to_be_empty()


def test_a_statement_is_written_behind_the_pages(enter: Enter) -> None:
    chat = enter("ben", "/orders/")
    chat.send("Write my yearly statement")
    card = chat.tool("yearly_statement")
    expect(card).to_contain_text("working in the background")
    expect(card.locator(".tool-progress")).to_contain_text("(simulated)")

    chat.page.get_by_role("link", name="Cart").click()
    expect(chat.answers.last).to_contain_text("Your statement for")
    chat.page.get_by_role("link", name="Orders").click()
    with chat.page.expect_download() as download:
        chat.page.get_by_role("link", name="Statement for").click()

    text = Path(download.value.path()).read_text()
    assert "1043," in text
    assert "1042," not in text


def test_a_statement_survives_the_end_of_the_process(
    enter: Enter, tmp_path: Path
) -> None:
    port = free_port()
    with demo(tmp_path, port, SHOP_PACE="0.5") as process:
        chat = enter("ada", "/orders/", url=f"http://127.0.0.1:{port}")
        chat.send("Write my yearly statement")
        card = chat.tool("yearly_statement")
        expect(card.locator(".tool-progress")).to_contain_text("February")
        process.kill()
        process.communicate()

        with demo(tmp_path, port, SHOP_PACE=PACE):
            expect(chat.answers.last).to_contain_text(
                "Your statement for", timeout=60_000
            )
            expect(chat.page.locator("#orders")).to_contain_text("Statement for")


def test_the_stock_is_set_by_the_staff_alone(enter: Enter) -> None:
    customer, staff = enter("ben"), enter("kim")
    request = "Set the stock of the bud vase to 2"

    expect(customer.ask(request)).to_contain_text("for the shop's staff alone")
    expect(customer.page.locator("#stock-bud-vase")).to_have_text("In stock")
    expect(staff.ask(request)).to_contain_text("there are 2 of Bud vase")

    expect(staff.page.locator("#stock-bud-vase")).to_have_text("Only 2 left")


@pytest.mark.parametrize("who", ["", "ada"])
def test_a_cart_is_filled_and_emptied_in_the_browser_or_in_the_shop(
    enter: Enter, who: str
) -> None:
    chat = enter(who, "/cart/")
    count = chat.page.locator("#cart-count")

    chat.ask("Put two mugs in my cart")
    expect(count).to_contain_text("2")
    card = asked(chat, "Empty my cart", "empty_cart")
    expect(card).to_contain_text("Take everything out of the cart?")
    press(card, "Approve")

    expect(chat.answers.last).to_contain_text("Your cart is empty now.")
    expect(count).to_be_hidden()


def test_what_needs_an_account_says_so_and_how_to_get_in(enter: Enter) -> None:
    chat = enter()

    expect(chat.ask("Cancel my order 1045")).to_contain_text("ada-demo")
    chat.page.get_by_role("link", name="Log in").click()

    expect(chat.page.get_by_role("main")).to_contain_text("ada-demo")


@pytest.mark.parametrize("colour_scheme", ["light", "dark"])
def test_a_phone_shows_all_that_is_asked(enter: Enter, colour_scheme: str) -> None:
    chat = enter("ben", "/orders/", viewport=NARROW, color_scheme=colour_scheme)

    card = asked(chat, "Change the delivery of order 1043", "change_delivery")

    assert overflow_of(chat.page) <= 0
    press(card, "Skip")
    expect(chat.answers.last).to_contain_text("comes as before")
