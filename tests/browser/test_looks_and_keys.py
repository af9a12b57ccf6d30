"""Keys, screen readers, narrow windows, themes."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.chat import WITH_TOOLS, asked
from tests.browser.conftest import OpenChat

LONG = "say " + " ".join(f"word{number}" for number in range(60))
PHONE = {"width": 375, "height": 700}

COLOURS = """() => {
  const root = document.querySelector("chatkit-thread").shadowRoot
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true })
  const luminance = (colour) => {
    canvas.fillStyle = colour
    canvas.fillRect(0, 0, 1, 1)
    const parts = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((value) => {
      const part = value / 255
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
  }
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement ?? at.getRootNode().host) {
      const { backgroundColor } = getComputedStyle(at)
      if (!/^rgba\\(.*, 0\\)$|^transparent$/.test(backgroundColor)) return backgroundColor
    }
    return "white"
  }
  const contrast = (element) => {
    const pair = [luminance(getComputedStyle(element).color), luminance(behind(element))]
    return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05)
  }
  const seen = [...root.querySelectorAll("h2, p, a, code, summary span, button, textarea, .plain")]
    .filter((element) => element.checkVisibility() && element.textContent.trim())
    .filter((element) => !element.closest(".unseen, [aria-disabled]"))
  return {
    background: luminance(getComputedStyle(root.host).backgroundColor),
    pale: seen.filter((element) => contrast(element) < 4.5)
      .map((element) => `${element.className || element.localName}: ${contrast(element)}`),
    count: seen.length,
  }
}"""


def overflow_of(page: Page) -> int:
    """By how many pixels the page or the chat could be scrolled sideways."""
    return int(
        page.evaluate(
            """() => {
              const scroller = document.querySelector("chatkit-thread")
                .shadowRoot.querySelector(".scroller")
              return Math.max(
                document.documentElement.scrollWidth - innerWidth,
                scroller.scrollWidth - scroller.clientWidth,
              )
            }"""
        )
    )


def test_everything_can_be_done_by_keys(visit: OpenChat) -> None:
    chat = visit(script=WITH_TOOLS)
    keys = chat.page.keyboard
    reached = []
    for _ in range(5):
        keys.press("Tab")
        reached.append(
            chat.page.evaluate(
                """() => {
                  const at = document.querySelector("chatkit-thread").shadowRoot.activeElement
                  return at?.getAttribute("aria-label") ?? at?.labels?.[0]?.textContent ?? at?.textContent
                }"""
            )
        )
    assert reached == [
        *("Your chats", "New chat", "say Hello there."),
        *("Attach files", "Your message"),
    ]

    keys.type("call paint {}")
    for _ in range(2):
        keys.press("Backspace")
    keys.type('{"colour": "red"}')
    keys.press("Enter")
    chat.expect_tool("paint", "toolDone")
    assert chat.is_focused("Your message")

    expect(
        chat.answers.first.get_by_role("button", name="Copy message")
    ).to_be_visible()
    for label in ("Attach files", "Copy message"):
        keys.press("Shift+Tab")
        assert chat.is_focused(label)
    keys.press("Shift+Tab")
    keys.press("Enter")
    expect(chat.tool("paint").locator("details")).to_have_attribute("open", "")

    chat.field.focus()
    keys.type(LONG)
    keys.press("Enter")
    expect(chat.answers.last).to_contain_text("word3")
    keys.press("Escape")
    expect(chat.end).to_contain_text("Stopped.")
    assert chat.is_focused("Your message")


def test_the_list_of_chats_keeps_the_focus_and_gives_it_back(visit: OpenChat) -> None:
    chat = visit()
    chat.ask("say Hello.")
    keys = chat.page.keyboard
    button = chat.page.get_by_role("button", name="Your chats")
    button.focus()

    keys.press("Enter")
    dialog = chat.page.get_by_role("dialog")
    expect(dialog.get_by_role("listitem").get_by_role("button").first).to_be_focused()
    keys.press("Tab")
    keys.press("Tab")
    assert not chat.is_focused("Your message")
    dialog.get_by_role("button", name="Close").focus()
    keys.press("Escape")

    expect(dialog).to_be_hidden()
    expect(button).to_be_focused()


def test_shift_enter_makes_a_line_and_the_field_grows(visit: OpenChat) -> None:
    chat = visit()
    chat.field.focus()
    before = chat.field.bounding_box()

    chat.page.keyboard.type("one")
    chat.page.keyboard.press("Shift+Enter")
    chat.page.keyboard.type("two")

    after = chat.field.bounding_box()
    assert before is not None
    assert after is not None
    assert after["height"] > before["height"] + 10
    expect(chat.field).to_have_value("one\ntwo")
    expect(chat.questions).to_have_count(0)


def test_enter_that_ends_a_composition_does_not_send(visit: OpenChat) -> None:
    chat = visit()
    chat.field.fill("にほん")

    chat.field.evaluate(
        """field => field.dispatchEvent(new KeyboardEvent(
             "keydown", { key: "Enter", isComposing: true, bubbles: true, cancelable: true }))"""
    )
    expect(chat.field).to_have_value("にほん")
    chat.field.press("Enter")

    expect(chat.field).to_have_value("")
    expect(chat.questions).to_have_count(1)


def test_a_message_during_an_answer_is_kept_and_the_reason_said(
    visit: OpenChat,
) -> None:
    chat = visit()
    chat.send(LONG)
    expect(chat.answers.first).to_contain_text("word3")

    chat.send("and more")

    expect(chat.field).to_have_value("and more")
    expect(chat.page.get_by_role("alert")).to_contain_text("still answering")


def test_answers_are_announced_by_sentences_and_once(visit: OpenChat) -> None:
    chat = visit()
    chat.page.evaluate(
        """() => {
          window.said = []
          const live = document.querySelector("chatkit-thread").shadowRoot
            .querySelector("[aria-live=polite]")
          new MutationObserver((changes) => {
            for (const { addedNodes } of changes) {
              for (const node of addedNodes) window.said.push(node.textContent)
            }
          }).observe(live, { childList: true })
        }"""
    )

    chat.ask('say It is **here**. And there is more of it.\ncall add {"a": 1, "b": 1}')

    chat.page.wait_for_function("window.said.includes('Answer complete.')")
    said = chat.page.evaluate("window.said")
    heard = [text for text in said if text != "The assistant is working"]
    assert heard[:3] == ["It is here.", "And there is more of it.", "Add: done"]
    # What follows a colon is heard by itself where it comes a moment later.
    assert " ".join(heard[3:]) == 'Results: {"total":2} Answer complete.'


def test_the_simulated_provider_is_not_to_be_overlooked(visit: OpenChat) -> None:
    chat = visit()

    banner = chat.page.get_by_role("note").filter(has_text="no model answers here")
    expect(banner).to_be_visible()
    expect(banner).to_be_in_viewport()


def test_a_phone_needs_no_sideways_scrolling(visit: OpenChat) -> None:
    chat = visit(viewport=PHONE)
    chat.ask(f"say {'x' * 300}\ncall add {{}}\nsay `{'code ' * 60}`")
    chat.tool("add").locator("summary").click()

    assert overflow_of(chat.page) <= 0
    expect(chat.field).to_be_in_viewport()
    chat.page.get_by_role("button", name="Your chats").click()
    assert overflow_of(chat.page) <= 0


def test_a_phone_shows_greeting_and_suggestions_below_a_small_banner(
    visit: OpenChat,
) -> None:
    chat = visit(viewport={"width": 360, "height": 560})
    texts = [f"{word} a teapot under 40 euros and highlight it" for word in "ABCDEF"]
    chat.page.evaluate(
        """(texts) => {
          const old = document.querySelector("chatkit-thread")
          const chat = old.cloneNode()
          chat.setAttribute("suggestions", JSON.stringify(texts))
          old.replaceWith(chat)
        }""",
        texts,
    )

    banner = chat.page.locator(".banner")
    lines = banner.evaluate(
        """banner => {
          const { lineHeight, paddingBlockStart } = getComputedStyle(banner)
          return (banner.clientHeight - 2 * parseFloat(paddingBlockStart))
            / parseFloat(lineHeight)
        }"""
    )
    assert lines < 2.5
    expect(chat.page.locator(".greeting")).to_be_in_viewport(ratio=1)
    assert overflow_of(chat.page) <= 0
    chat.page.get_by_role("button", name="New chat", exact=True).focus()
    for text in texts:
        chat.page.keyboard.press("Tab")
        suggestion = chat.page.get_by_role("button", name=text)
        expect(suggestion).to_be_focused()
        expect(suggestion).to_be_in_viewport(ratio=0.9)
    expect(chat.page.locator(".greeting")).to_be_in_viewport(ratio=1)


def test_without_the_sites_colours_the_first_of_the_buttons_still_stands_out(
    visit: OpenChat,
) -> None:
    chat = visit(forced_colors="active")
    card = asked(chat, 'call pay_back {"order": "1042", "euros": 30}', "pay_back")

    def ground(name: str) -> str:
        button = card.get_by_role("button", name=name, exact=True)
        return str(button.evaluate("it => getComputedStyle(it).backgroundColor"))

    assert ground("Approve") != ground("Deny")


def test_text_can_be_read_in_dark_and_in_light(visit: OpenChat) -> None:
    for scheme in ("dark", "light"):
        chat = visit(color_scheme=scheme)
        chat.ask(
            "say A [link](https://a.test) and `code`.\nthink So.\ncall add {}\nfail rejected"
        )
        chat.page.locator("summary").first.click()

        found = chat.page.evaluate(COLOURS)

        assert (found["background"] < 0.1) == (scheme == "dark")
        assert found["count"] > 8
        assert found["pale"] == []


def test_a_theme_that_is_asked_for_stands_above_the_system(visit: OpenChat) -> None:
    chat = visit(color_scheme="light")

    chat.page.evaluate(
        'document.querySelector("chatkit-thread").setAttribute("theme", "dark")'
    )

    assert chat.page.evaluate(COLOURS)["background"] < 0.1


def test_a_reader_above_is_left_alone_and_one_at_the_bottom_is_kept_there(
    visit: OpenChat,
) -> None:
    chat = visit(viewport=PHONE)
    many = "say " + "A-sentence-that-fills-the-window! " * 40
    chat.ask(many)
    from_bottom = """() => {
      const { scrollHeight, scrollTop, clientHeight } =
        document.querySelector("chatkit-thread").shadowRoot.querySelector(".scroller")
      return scrollHeight - scrollTop - clientHeight
    }"""
    assert chat.page.evaluate(from_bottom) < 2
    scroller = chat.page.locator(".scroller")

    chat.send(LONG)
    expect(chat.answers.last).to_contain_text("word3")
    scroller.evaluate("element => element.scrollTo(0, 0)")
    jump = chat.page.get_by_role("button", name="Jump to newest")
    expect(jump).to_be_visible()
    expect(chat.stop).to_be_hidden()
    assert scroller.evaluate("element => element.scrollTop") == 0

    jump.click()
    expect(jump).to_be_hidden()


STRICT_POLICY = """
document.addEventListener("securitypolicyviolation", (event) => {
  (window.refused ??= []).push(event.effectiveDirective)
})
new MutationObserver((changes, observer) => {
  if (!document.head) return
  observer.disconnect()
  const policy = document.createElement("meta")
  policy.httpEquiv = "Content-Security-Policy"
  policy.content = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'"
  document.head.prepend(policy)
}).observe(document, { childList: true, subtree: true })
"""


def test_it_works_under_a_strict_content_security_policy(visit: OpenChat) -> None:
    chat = visit(script=STRICT_POLICY)

    expect(chat.ask("say Hello **there**.\ncall add {}")).to_contain_text(
        "Hello there."
    )

    assert chat.page.evaluate("window.refused ?? []") == []
    chat.page.evaluate("document.body.setAttribute('style', 'color: red')")
    chat.page.wait_for_function("window.refused?.[0] === 'style-src-attr'")
