"""From a visitor's message to the model's tools and back, in a real page."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.chat import WITH_TOOLS
from tests.browser.conftest import OpenChat

LONG = "say " + " ".join(f"word{number}" for number in range(60))
SAMPLE = "The quick brown fox."


def test_an_answer_is_shown_while_it_is_written(visit: OpenChat) -> None:
    chat = visit()

    chat.send(LONG)

    answer = chat.answers.first
    expect(answer).to_contain_text("word3")
    expect(chat.stop).to_be_visible()
    assert "word59" not in answer.inner_text()
    expect(answer).to_contain_text("word59")
    expect(chat.stop).to_be_hidden()
    expect(chat.questions).to_have_count(1)


def test_a_server_tool_shows_what_it_was_given_and_what_came_of_it(
    visit: OpenChat,
) -> None:
    chat = visit()

    answer = chat.ask('call add {"a": 1, "b": 2}')

    chat.expect_tool("add", "toolDone")
    expect(answer).to_contain_text('Results: {"total":3}')
    chat.tool("add").locator("summary").click()
    expect(chat.page.get_by_role("region", name="Input")).to_contain_text('"b": 2')
    expect(chat.page.get_by_role("region", name="Result")).to_contain_text('"total": 3')


def test_a_server_tool_tells_how_far_it_is(visit: OpenChat) -> None:
    chat = visit()

    chat.send('call slow_report {"steps": 2, "seconds": 1.5}')

    expect(chat.tool("slow_report")).to_contain_text("step 1 of 2")
    expect(chat.page.get_by_role("progressbar")).to_have_attribute("value", "0.5")
    chat.expect_tool("slow_report", "toolDone")


def test_the_page_runs_a_client_tool_and_the_answer_goes_on(visit: OpenChat) -> None:
    chat = visit(script=WITH_TOOLS)

    answer = chat.ask("say I look.\ncall read_selection")

    chat.expect_tool("read_selection", "toolDone")
    expect(answer).to_contain_text(f'Results: {{"text":"{SAMPLE}"}}')
    assert chat.runs_of_tools() == 1


def test_both_kinds_of_tools_run_in_one_step(visit: OpenChat) -> None:
    chat = visit(script=WITH_TOOLS)

    answer = chat.ask('call add {"a": 20, "b": 22}\ncall paint {"colour": "green"}')

    expect(answer).to_contain_text('Results: {"total":42} | {"text":"painted green"}')
    assert chat.page.evaluate("document.body.dataset.colour") == "green"


def test_a_reload_in_the_middle_of_an_answer_goes_on_with_it(visit: OpenChat) -> None:
    chat = visit()
    chat.send(LONG)
    expect(chat.answers.first).to_contain_text("word5")

    chat.page.reload()

    expect(chat.answers.first).to_contain_text(LONG.removeprefix("say "))
    expect(chat.answers).to_have_count(1)
    expect(chat.stop).to_be_hidden()


def test_a_reload_with_an_open_client_tool_runs_it_in_the_new_page(
    visit: OpenChat,
) -> None:
    chat = visit(script=WITH_TOOLS)
    chat.store(hold="yes")
    chat.send("call read_selection")
    chat.expect_tool("read_selection", "toolHere")
    chat.store(hold="no")

    chat.page.reload()

    chat.expect_tool("read_selection", "toolDone")
    expect(chat.answers.first).to_contain_text(SAMPLE)
    expect(chat.answers).to_have_count(1)


def test_a_second_tab_shows_the_same_and_one_of_them_runs_the_tool(
    visit: OpenChat,
) -> None:
    one = visit(script=WITH_TOOLS)
    one.ask("say Hello.")
    other = visit(beside=one, script=WITH_TOOLS)
    expect(other.answers.first).to_contain_text("Hello.")

    one.ask("call read_selection")

    expect(other.answers.last).to_contain_text(SAMPLE)
    assert other.answers.all_inner_texts() == one.answers.all_inner_texts()
    assert one.runs_of_tools() == 1


def test_a_tool_that_runs_in_another_tab_says_so(visit: OpenChat) -> None:
    one = visit(script=WITH_TOOLS)
    one.ask("say Hello.")
    other = visit(beside=one)
    one.store(hold="yes")

    one.send("call read_selection")

    one.expect_tool("read_selection", "toolHere")
    other.expect_tool("read_selection", "toolElsewhere")


def test_a_tool_that_throws_reaches_the_model(visit: OpenChat) -> None:
    chat = visit(script=WITH_TOOLS)
    chat.store(fall="yes")

    answer = chat.ask("call read_selection")

    chat.expect_tool("read_selection", "toolFailed")
    expect(answer.locator(".markdown")).to_contain_text("Nothing is selected.")


def test_a_call_that_this_page_cannot_run_stays_open_and_says_so(
    visit: OpenChat,
) -> None:
    chat = visit(script=WITH_TOOLS)

    chat.send("call nobody")

    chat.expect_tool("nobody", "toolNoHandler")
    expect(chat.tool("nobody")).to_contain_text("This page cannot run it.")
    chat.page.evaluate(
        """void document.querySelector("chatkit-thread")
             .tools.register("nobody", () => ({ text: "I can, by now." }))"""
    )
    chat.expect_tool("nobody", "toolDone")
    expect(chat.answers.first).to_contain_text("I can, by now.")


def test_a_site_is_asked_first_and_may_run_the_tool_later(visit: OpenChat) -> None:
    chat = visit(script=WITH_TOOLS)
    chat.page.evaluate(
        """document.querySelector("chatkit-thread").addEventListener(
             "chatkit-tool-call", (event) => { window.asked = event.detail; event.preventDefault() })"""
    )

    chat.send("call read_selection")

    chat.page.wait_for_function("window.asked?.name === 'read_selection'")
    chat.expect_tool("read_selection", "toolWaiting")
    assert chat.runs_of_tools() == 0
    chat.page.evaluate(
        'document.querySelector("chatkit-thread").tools.run(window.asked.id)'
    )
    chat.expect_tool("read_selection", "toolDone")


def test_stopping_keeps_the_text_and_the_next_message_works(visit: OpenChat) -> None:
    chat = visit()
    chat.send(LONG)
    expect(chat.answers.first).to_contain_text("word5")

    chat.stop.click()

    expect(chat.end).to_contain_text("Stopped.")
    expect(chat.answers.first).to_contain_text("word5")
    assert "word59" not in chat.answers.first.inner_text()
    assert chat.is_focused("Your message")
    expect(chat.ask("say Again.")).to_contain_text("Again.")
    expect(chat.answers.first).to_contain_text("interrupted")


def test_a_run_that_failed_says_why_and_can_be_tried_again(visit: OpenChat) -> None:
    chat = visit()
    chat.send("say I begin\nfail unavailable")

    expect(chat.end).to_contain_text("The assistant cannot be reached right now.")
    expect(chat.answers.first).to_contain_text("I begin")
    first = chat.answers.first.get_attribute("data-id")
    chat.page.get_by_role("button", name="Try again").click()

    expect(chat.answers.last).not_to_have_attribute("data-id", first or "")
    expect(chat.answers.last).to_contain_text("I begin")
    expect(chat.questions).to_have_count(1)
    expect(chat.page.get_by_role("button", name="Try again")).to_be_visible()


def test_a_message_that_is_refused_comes_back_with_the_reason(visit: OpenChat) -> None:
    chat = visit()
    text = "x" * 32_001

    chat.send(text)

    expect(chat.page.get_by_role("alert").filter(has_text="Not sent")).to_be_visible()
    expect(chat.field).to_have_value(text)
    expect(chat.questions).to_have_count(0)


def test_threads_are_listed_opened_and_remembered(visit: OpenChat) -> None:
    chat = visit()
    chat.ask("say The first one.")
    chat.page.get_by_role("button", name="New chat", exact=True).click()
    expect(chat.answers).to_have_count(0)
    assert chat.is_focused("Your message")
    chat.ask("say The second one.")

    chat.page.get_by_role("button", name="Your chats").click()
    entries = chat.page.get_by_role("dialog").get_by_role("listitem")
    expect(entries).to_have_count(2)
    expect(entries.first.get_by_role("button").first).to_have_attribute(
        "aria-current", "true"
    )
    entries.last.get_by_role("button").first.click()

    expect(chat.answers.first).to_contain_text("The first one.")
    chat.page.reload()
    expect(chat.answers.first).to_contain_text("The first one.")


def test_a_remembered_thread_that_is_not_theirs_is_quietly_a_new_one(
    visit: OpenChat,
) -> None:
    theirs = visit()
    theirs.ask("say Not for you.")
    kept = theirs.page.evaluate("({ ...localStorage })")
    chat = visit()
    chat.store(**kept)

    chat.page.reload()

    expect(chat.page.get_by_text("Ask me anything.")).to_be_visible()
    expect(chat.page.get_by_role("alert")).to_have_count(0)
    expect(chat.ask("say Hello.")).to_contain_text("Hello.")


def test_who_only_passes_by_becomes_no_visitor(visit: OpenChat) -> None:
    chat = visit()
    chat.page.wait_for_load_state("networkidle")
    assert "sessionid" not in {cookie["name"] for cookie in chat.page.context.cookies()}

    with chat.page.expect_response("**/chatkit/visitor/"):
        chat.field.focus()

    expect(chat.ask("say Hello.")).to_contain_text("Hello.")


def test_a_script_of_the_page_can_speak_before_anybody_has_touched_the_chat(
    visit: OpenChat,
) -> None:
    chat = visit()

    chat.page.evaluate(
        'void document.querySelector("chatkit-thread").client.send("say Hello.")'
    )

    expect(chat.answers.first).to_contain_text("Hello.")
