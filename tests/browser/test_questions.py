"""What a tool asks in the middle of its work: by a schema, by a form of Django's, whoever wrote it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.chat import asked, press, problem_of
from tests.browser.conftest import OpenChat
from tests.browser.test_looks_and_keys import COLOURS, STRICT_POLICY, overflow_of

PAY_BACK = 'call pay_back {"order": "1042", "euros": 30}'
SMALL = {"width": 360, "height": 780}


def test_a_question_is_answered_by_the_fields_of_its_schema(visit: OpenChat) -> None:
    chat = visit()
    card = asked(chat, "call pick_shirt", "pick_shirt")
    chat.expect_tool("pick_shirt", "toolQuestion")
    expect(card).to_contain_text("Which shirt shall it be?")
    count, size = card.get_by_label("Count"), card.get_by_label("S", exact=True)
    expect(card.get_by_role("radiogroup", name="Which size?")).to_be_visible()
    expect(count).to_have_value("2")

    count.fill("3")
    press(card, "Send answer")
    assert problem_of(size) == "Please fill this in."
    expect(size).to_be_focused()
    chat.page.keyboard.press("ArrowUp")  # from the first to the last: one stop for Tab
    expect(card.get_by_label("L", exact=True)).to_be_checked()
    press(card, "Send answer")
    expect(count).to_be_focused()
    assert "multiple of 2" in problem_of(count)
    count.fill("4")
    card.get_by_label("name", exact=True).check()
    press(card, "Send answer")

    chat.expect_tool("pick_shirt", "toolDone")
    expect(chat.answers.last).to_contain_text("4 x L name")


def test_a_question_is_answered_by_a_form_of_the_servers(visit: OpenChat) -> None:
    chat = visit()
    card = asked(chat, "call send_parcel", "send_parcel")
    name = card.get_by_label("Name:")

    press(card, "Send answer")
    assert problem_of(name) == "Please fill this in."
    name.fill("Nobody")
    card.get_by_label("Action:").select_option("hold")
    card.get_by_label("Red").check()
    card.get_by_label("Green").check()
    press(card, "Send answer")
    expect(card.locator(".field-problem")).to_have_text("Nobody lives there.")
    assert problem_of(name) == "Nobody lives there."
    expect(name).to_be_focused()
    name.fill("Ann")
    press(card, "Send answer")

    chat.expect_tool("send_parcel", "toolDone")
    expect(chat.answers.last).to_contain_text("hold to Ann: r,g")


def test_a_question_may_be_skipped(visit: OpenChat) -> None:
    chat = visit()
    card = asked(chat, "call pick_shirt", "pick_shirt")

    press(card, "Skip")

    chat.expect_tool("pick_shirt", "toolDone")
    expect(chat.answers.last).to_contain_text("no shirt")


def test_what_was_filled_in_stays_while_the_thread_goes_on(visit: OpenChat) -> None:
    chat = visit()
    first = asked(chat, f"{PAY_BACK}\ncall pick_shirt", "pick_shirt")
    first.get_by_label("Count").fill("3")

    press(chat.tool("pay_back"), "Approve")

    chat.expect_tool("pay_back", "toolDone")
    expect(first.get_by_label("Count")).to_have_value("3")


HOSTILE = """
<div><label for="id_a">A</label><input name="getAttribute" id="id_a" value="kept"
  onfocus="window.fell = true" autofocus formaction="https://evil.test/" style="color:red"
  form="composer" class="drawer helptext"></div>
<form action="https://evil.test/"><input name="children" value="1"><button>Go</button></form>
<input type="submit"><input type="image" src="https://evil.test/x"><input type="file" name="f">
<script>window.fell = true</script><img src="x" onerror="window.fell = true">
<style>* { display: none }</style><svg onload="window.fell = true"></svg>
<a href="javascript:window.fell = true">one</a> <a href="https://a.test/">other</a>
"""


def test_a_form_can_do_no_harm(visit: OpenChat) -> None:
    """Whoever wrote it: what is left are fields, words and links."""
    chat = visit()
    chat.ask("say Hello.")
    found = chat.page.evaluate(
        """async (html) => {
          const element = document.querySelector("chatkit-thread")
          const at = new URL("element-django-form.js", document.querySelector(
            "script[type=module][src*=define]").src).href
          const { DjangoForm } = await import(at)
          const form = new DjangoForm((name) => name, html, "x")
          element.shadowRoot.querySelector(".composer").before(form.element)
          return {
            tags: [...new Set([...form.element.querySelectorAll("*")]
              .map((node) => node.localName))].sort(),
            attributes: [...form.element.querySelector("input").attributes]
              .map(({ name, value }) => `${name}=${value}`).sort(),
            links: [...form.element.querySelectorAll("a")].map((a) => a.getAttribute("href")),
            values: form.read(),
            focused: element.shadowRoot.activeElement?.id,
          }
        }""",
        HOSTILE,
    )

    assert found == {
        "tags": ["a", "div", "input", "label"],
        "attributes": [
            "class=helptext",
            "id=x-id_a",
            "name=getAttribute",
            "value=kept",
        ],
        "links": [None, "https://a.test/"],
        "values": {"getAttribute": "kept", "children": "1"},
        "focused": "composer",
    }
    assert chat.page.evaluate("window.fell") is None


def test_asking_can_be_read_and_fits_a_phone(visit: OpenChat) -> None:
    for scheme in ("dark", "light"):
        chat = visit(viewport=SMALL, color_scheme=scheme)
        card = asked(
            chat, f"{PAY_BACK}\ncall pick_shirt\ncall send_parcel", "send_parcel"
        )
        press(card, "Send answer")
        press(chat.tool("pay_back"), "Change…")
        press(chat.tool("pick_shirt"), "Send answer")

        found = chat.page.evaluate(COLOURS)

        assert found["pale"] == []
        assert overflow_of(chat.page) <= 0


def test_on_a_phone_all_fields_are_of_one_width(visit: OpenChat) -> None:
    chat = visit(viewport={"width": 420, "height": 780})
    card = asked(chat, "call send_parcel", "send_parcel")

    widths = card.evaluate(
        """card => ["input[type=text]", "select"].map(
             (one) => card.querySelector(`.fields ${one}`).getBoundingClientRect().width)"""
    )

    assert widths[0] == widths[1] > 320


@pytest.mark.parametrize(
    ("inputs", "marked"),
    [
        (["when_note", "when_0", "when_1"], "when_0"),
        (["when_note", "when_month", "when_day", "when_year"], "when_month"),
    ],
)
def test_what_is_wrong_with_a_field_of_several_inputs_is_told_at_its_first(
    visit: OpenChat, inputs: list[str], marked: str
) -> None:
    chat = visit()

    found = chat.page.evaluate(
        """async (inputs) => {
          const element = document.querySelector("chatkit-thread")
          const at = new URL("element-django-form.js", document.querySelector(
            "script[type=module][src*=define]").src).href
          const { DjangoForm } = await import(at)
          const html = inputs.map((name) => `<p><input name="${name}"></p>`).join("")
          const form = new DjangoForm((name) => name, html, "x")
          element.shadowRoot.querySelector(".composer").before(form.element)
          const rest = form.show([{ field: "when", message: "Too early." }])
          const wrong = [...form.element.querySelectorAll("[aria-invalid=true]")]
          return [rest, wrong.map(({ name }) => name)]
        }""",
        inputs,
    )

    assert found == [[], [marked]]


def test_forms_work_under_a_strict_content_security_policy(visit: OpenChat) -> None:
    chat = visit(script=STRICT_POLICY)
    card = asked(chat, "call send_parcel", "send_parcel")
    card.get_by_label("Name:").fill("Ann")
    press(card, "Send answer")

    chat.expect_tool("send_parcel", "toolDone")
    assert chat.page.evaluate("window.refused ?? []") == []
