"""What a chat asks a person before it acts: approvals, who may give them, and how they are told."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.chat import asked, press, problem_of
from tests.browser.conftest import OpenChat

PAY_BACK = 'call pay_back {"order": "1042", "euros": 30}'


def test_a_call_waits_until_the_visitor_approves_it(visit: OpenChat) -> None:
    chat = visit()

    card = asked(chat, PAY_BACK, "pay_back")

    chat.expect_tool("pay_back", "toolApproval")
    expect(card).to_contain_text("Pay order 1042 back?")
    expect(card.locator(".value", has_text="Euros")).to_contain_text("30")
    press(card, "Approve")
    chat.expect_tool("pay_back", "toolDone")
    expect(card).to_contain_text("You approved this.")
    expect(chat.answers.last).to_contain_text("30 for 1042")
    expect(chat.page.locator(".waiting")).to_be_hidden()


def test_arguments_have_the_schemas_words_shown_and_changed(visit: OpenChat) -> None:
    chat = visit()
    card = asked(chat, PAY_BACK, "pay_back")

    shown = card.locator(".value", has_text="Euros to pay back")
    expect(shown).to_contain_text("At most what was paid.")
    press(card, "Change…")

    field = card.get_by_label("Euros to pay back")
    expect(field).to_have_accessible_description("At most what was paid.")


def test_a_site_s_words_for_an_argument_win(visit: OpenChat) -> None:
    chat = visit()
    chat.page.evaluate(
        """() => {
          const old = document.querySelector("chatkit-thread")
          const chat = old.cloneNode()
          const words = document.createElement("script")
          words.type = "application/json"
          words.id = "own-words"
          words.textContent = '{"tool.pay_back.euros": "The sum"}'
          chat.setAttribute("strings", words.id)
          old.replaceWith(words, chat)
        }"""
    )

    card = asked(chat, PAY_BACK, "pay_back")

    expect(card.locator(".value", has_text="The sum")).to_contain_text("30")
    press(card, "Change…")
    expect(card.get_by_label("The sum")).to_have_value("30")


def test_arguments_are_shown_while_they_are_written(visit: OpenChat) -> None:
    chat = visit()
    note = " ".join(f"word{number}" for number in range(120))

    chat.send(f'call pay_back {{"order": "1042", "euros": 30, "note": "{note}"}}')

    preview = chat.tool("pay_back").locator(".tool-preview")
    expect(preview.locator(".value", has_text="Note")).to_contain_text("word3")
    expect(preview.locator(".value", has_text="Euros")).to_contain_text("30")
    assert "word119" not in preview.inner_text()
    chat.expect_tool("pay_back", "toolApproval")
    expect(preview.locator(".values")).to_be_hidden()


def test_what_is_asked_goes_when_the_answer_is_stopped(visit: OpenChat) -> None:
    chat = visit()
    card = asked(chat, PAY_BACK, "pay_back")

    chat.stop.click()

    chat.expect_tool("pay_back", "toolCancelled")
    expect(card.locator("[data-interrupt]")).to_have_count(0)
    expect(chat.page.locator(".waiting")).to_be_hidden()


def test_changed_arguments_are_checked_at_their_fields(visit: OpenChat) -> None:
    chat = visit()
    card = asked(chat, PAY_BACK, "pay_back")
    press(card, "Change…")
    euros = card.get_by_label("Euros")
    expect(euros).to_have_value("30")

    euros.fill("thirty")
    press(card, "Approve with changes")
    assert problem_of(euros) == "This must be a number."
    euros.fill("500")
    press(card, "Approve with changes")
    assert problem_of(euros) == "It must be at most 50."
    euros.fill("20")
    order = card.get_by_label("Order")
    order.fill("A1")
    press(card, "Approve with changes")
    expect(order).to_be_focused()
    assert "pattern" in problem_of(order)
    expect(order).to_have_value("A1")
    expect(euros).to_have_value("20")
    order.fill("1043")
    press(card, "Approve with changes")

    chat.expect_tool("pay_back", "toolDone")
    expect(card).to_contain_text("You approved this with changes.")
    expect(chat.answers.last).to_contain_text("20 for 1043")
    card.locator("summary").click()
    expect(card.get_by_role("region", name="Input", exact=True)).to_contain_text("30")
    expect(card.get_by_role("region", name="Input as it was changed")).to_contain_text(
        "20"
    )


def test_a_call_is_denied_with_a_reason(visit: OpenChat) -> None:
    chat = visit()
    card = asked(chat, PAY_BACK, "pay_back")

    press(card, "Deny")
    card.get_by_label("Reason (optional)").fill("It was paid back before.")
    press(card, "Deny")

    chat.expect_tool("pay_back", "toolDenied")
    expect(card).to_contain_text("You denied this. It was paid back before.")
    expect(chat.answers.last.locator(".markdown")).to_contain_text(
        "It was paid back before."
    )


def test_a_call_is_answered_in_words(visit: OpenChat) -> None:
    chat = visit()
    card = asked(chat, PAY_BACK, "pay_back")

    press(card, "Answer in words")
    field = card.get_by_label("Your answer, instead of approving it")
    field.press("Enter")
    expect(field).to_be_focused()
    field.fill("Offer a voucher first.")
    field.press("Enter")

    chat.expect_tool("pay_back", "toolAnswered")
    expect(chat.answers.last.locator(".markdown")).to_contain_text(
        "Offer a voucher first."
    )


def test_what_waits_is_counted_and_a_new_message_says_that_it_comes_first(
    visit: OpenChat,
) -> None:
    chat = visit()
    first = asked(chat, f"{PAY_BACK}\ncall pick_shirt", "pay_back")
    bar = chat.page.locator(".waiting")

    expect(bar).to_contain_text("2 things wait for your answer.")
    expect(chat.field).to_have_accessible_description("A new message withdraws them.")
    press(bar, "Show")
    expect(first.locator("[data-interrupt]")).to_be_focused()
    press(first, "Approve")
    expect(bar).to_contain_text("One thing waits for your answer.")
    chat.expect_tool("pay_back", "toolDone")
    expect(chat.page.get_by_role("button", name="Send", exact=True)).to_be_visible()
    chat.send("say Something else.")

    expect(chat.answers.last).to_contain_text("Something else.")
    chat.expect_tool("pick_shirt", "toolSuperseded")
    expect(chat.tool("pick_shirt")).to_contain_text("Your new message came first.")
    expect(bar).to_be_hidden()


def test_what_staff_have_to_approve_says_so_and_keeps_a_message_back(
    visit: OpenChat,
) -> None:
    chat = visit()
    chat.send('call grant_discount {"percent": 20}')
    chat.expect_tool("grant_discount", "toolStaff")
    card = chat.tool("grant_discount")
    expect(card).to_contain_text("A member of staff has to approve this.")
    expect(card.get_by_role("button")).to_have_count(0)

    chat.send("say Something else.")

    expect(chat.page.get_by_role("alert")).to_contain_text(
        "A member of staff still has to decide"
    )
    expect(chat.field).to_have_value("say Something else.")
    chat.expect_tool("grant_discount", "toolStaff")
    chat.stop.click()
    chat.expect_tool("grant_discount", "toolCancelled")
    expect(chat.stop).to_be_hidden()
    chat.field.press("Enter")
    expect(chat.answers.last).to_contain_text("Something else.")


def test_what_is_asked_is_there_after_a_reload(visit: OpenChat) -> None:
    chat = visit()
    card = asked(chat, PAY_BACK, "pay_back")

    chat.page.reload()

    expect(card).to_contain_text("Pay order 1042 back?")
    press(card, "Approve")
    chat.expect_tool("pay_back", "toolDone")
    expect(chat.answers.last).to_contain_text("30 for 1042")


def test_keys_alone_change_and_approve_a_call_and_take_back_what_was_opened(
    visit: OpenChat,
) -> None:
    chat = visit()
    card = asked(chat, PAY_BACK, "pay_back")
    keys = chat.page.keyboard
    expect(chat.field).to_be_focused()

    approve = card.get_by_role("button", name="Approve")
    for _ in range(30):
        keys.press("Shift+Tab")
        if approve.evaluate("button => button.matches(':focus')"):
            break
    keys.press("Tab")
    keys.press("Enter")
    expect(card.get_by_label("Reason (optional)")).to_be_focused()
    keys.press("Escape")
    expect(card.get_by_role("button", name="Deny")).to_be_focused()
    keys.press("Tab")
    keys.press("Enter")
    expect(card.get_by_label("Order")).to_be_focused()
    keys.press("Tab")
    keys.type("25")
    keys.press("Escape")
    expect(card.get_by_role("button", name="Change…")).to_be_focused()
    keys.press("Enter")
    expect(card.get_by_label("Euros")).to_have_value("25")
    keys.press("Enter")

    chat.expect_tool("pay_back", "toolDone")
    expect(chat.answers.last).to_contain_text("25 for 1042")
    expect(card.locator("summary")).to_be_focused()


def test_a_question_is_announced_and_takes_no_focus(visit: OpenChat) -> None:
    chat = visit()

    asked(chat, f"{PAY_BACK}\ncall pick_shirt", "pick_shirt")

    said = chat.page.locator("[aria-live=polite]")
    expect(said).to_contain_text(
        "Pay back: waiting for your approval. Pay order 1042 back?"
    )
    expect(said).to_contain_text(
        "Pick shirt: has a question for you. Which shirt shall it be?"
    )
    expect(chat.field).to_be_focused()


def test_another_tab_sees_that_it_was_answered(visit: OpenChat) -> None:
    one = visit()
    one.ask("say Hello.")
    other = visit(beside=one)
    expect(other.answers.first).to_contain_text("Hello.")
    card = asked(one, PAY_BACK, "pay_back")
    theirs = other.tool("pay_back")
    expect(theirs.get_by_role("button", name="Approve")).to_be_visible()
    press(theirs, "Change…")
    theirs.get_by_label("Euros").fill("7")

    press(card, "Approve")

    other.expect_tool("pay_back", "toolDone")
    expect(theirs).to_contain_text("You approved this.")
    expect(theirs.locator("[data-interrupt]")).to_have_count(0)
    expect(theirs.locator("summary")).to_be_focused()
    expect(other.answers.last).to_contain_text("30 for 1042")


def test_an_answer_that_comes_too_late_says_so(visit: OpenChat) -> None:
    chat = visit()
    card = asked(chat, PAY_BACK, "pay_back")
    chat.page.evaluate(
        """() => {
          const { client } = document.querySelector("chatkit-thread")
          client.resolve = async () => {
            throw Object.assign(new Error("x"), { code: "answer_late" })
          }
        }"""
    )

    press(card, "Approve")

    expect(card.get_by_role("alert")).to_have_text(
        "Not sent: It is too late to answer this."
    )
    expect(card.get_by_role("button", name="Approve")).not_to_have_attribute(
        "aria-disabled", "true"
    )


def test_a_tool_tells_how_far_it_is_and_the_page_hears_its_effects(
    visit: OpenChat,
) -> None:
    chat = visit()
    chat.page.evaluate(
        """() => document.addEventListener("chatkit-effect",
             (event) => { window.effect = event.detail })"""
    )

    chat.send('call tell_all {"seconds": 2}')

    card = chat.tool("tell_all")
    expect(card).to_contain_text("Reading orders")
    expect(card.get_by_role("progressbar")).to_have_attribute("value", "0.4")
    expect(card.locator(".tool-so-far")).to_contain_text("12")
    notice = card.locator(".tool-notice")
    expect(notice).to_have_attribute("data-level", "warning")
    expect(notice).to_contain_text("<b>Slow</b> [today](https://a.test)")
    expect(notice.locator("a, b")).to_have_count(0)
    chat.expect_tool("tell_all", "toolDone")
    assert chat.page.evaluate("[effect.name, effect.data.pieces, effect.isOurs]") == [
        "confetti",
        3,
        True,
    ]


def test_a_long_result_so_far_leaves_notice_and_progress_in_sight_on_a_phone(
    visit: OpenChat,
) -> None:
    chat = visit(viewport={"width": 360, "height": 640})

    chat.send('call tell_all {"seconds": 3, "rows": 60}')

    card = chat.tool("tell_all")
    so_far = card.get_by_role("region", name="So far")
    expect(so_far).to_contain_text("Row 59")
    expect(card.locator(".tool-notice")).to_be_in_viewport(ratio=1)
    expect(card.get_by_role("progressbar")).to_be_in_viewport(ratio=1)
    so_far.focus()
    chat.page.keyboard.press("End")
    expect(so_far.get_by_text("Row 59")).to_be_in_viewport()
    expect(card.get_by_role("progressbar")).to_be_in_viewport(ratio=1)
