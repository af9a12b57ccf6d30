"""What a model writes can do no harm: nothing runs, nothing is fetched, nothing escapes the answer.

``visit`` fails every test in which a dialog opened or another host was asked.
"""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.chat import Chat
from tests.browser.conftest import OpenChat

ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<img src=//evil.test/pixel.png>",
    "<svg onload=alert(1)><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img src=x onerror=alert(1)>",
    "<iframe srcdoc='<script>parent.alert(1)</script>'></iframe>",
    "<iframe src='https://evil.test/'></iframe>",
    "<object data='https://evil.test/'></object><embed src='https://evil.test/'>",
    "<link rel=stylesheet href=https://evil.test/a.css><style>@import 'https://evil.test/b.css'</style>",
    "<base href='https://evil.test/'><meta http-equiv=refresh content='0;url=https://evil.test/'>",
    "<form action='https://evil.test/'><input name=a autofocus onfocus=alert(1)></form>",
    "<details open ontoggle=alert(1)>x</details>",
    "<video src=https://evil.test/v.mp4 autoplay onerror=alert(1)></video>",
    "<a href='javascript:alert(1)' style='position:fixed;inset:0'>x</a>",
    "<div style='background:url(https://evil.test/a.png)'>x</div>",
    "<template><script>alert(1)</script></template>",
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    "![x](https://evil.test/pixel.png)",
    "![x](//evil.test/pixel.png)",
    '![x" onerror="alert(1)](https://evil.test/pixel.png "y\\" onload=\\"alert(1)")',
    "![x](data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+)",
    "[![x](https://evil.test/pixel.png)](https://evil.test/)",
    "[x](javascript:alert(1))",
    "[x](JAVASCRIPT:alert(1))",
    "[x](java&#115;cript:alert(1))",
    "[x](javascript&colon;alert(1))",
    "[x](<java\tscript:alert(1)>)",
    "[x](\x01javascript:alert(1))",
    "[x](vbscript:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](blob:https://evil.test/1)",
    '[x](https://a.test/"onmouseover="alert(1))',
    "[x](https://a.test 'y\" onmouseover=\"alert(1)')",
    "<javascript:alert(1)>",
    '<https://a.test/"onclick=alert(1)>',
    "`<img src=x onerror=alert(1)>`",
    "**<img src=x onerror=alert(1)>**",
    "| <img src=x onerror=alert(1)> | b |\n|--|--|\n| <script>alert(1)</script> | [x](javascript:alert(1)) |",
    '```html" onclick="alert(1)\n</code></pre><img src=x onerror=alert(1)>\n```',
    "- [ ] <img src=x onerror=alert(1)>\n- [x] <script>alert(1)</script>",
    "[x][1]\n\n[1]: javascript:alert(1)",
    "# <img src=x onerror=alert(1)>",
    "> <img src=x onerror=alert(1)>",
    "&lt;img src=x onerror=alert(1)&gt;",
    "<chatkit-thread assistant=test></chatkit-thread>",
    "<slot name=x></slot><p id=composer part=header>x</p>",
    "<x-y><p slot=a is=b>x</p></x-y>",
    "</div></article></div><p>outside</p>",
]

DANGERS = """() => {
  const answers = document.querySelector("chatkit-thread").shadowRoot
    .querySelectorAll(".markdown")
  const allowed = new Set(("a blockquote br button code del div em h4 h5 h6 hr li ol p pre span " +
    "strong table tbody td th thead tr ul").split(" "))
  const attributes = new Set(("align aria-label class dir href rel role start tabindex target " +
    "type").split(" "))
  const found = []
  for (const answer of answers) {
    for (const element of answer.querySelectorAll("*")) {
      if (!allowed.has(element.localName)) found.push(element.localName)
      for (const { name } of element.attributes) {
        if (!attributes.has(name)) found.push(`${element.localName}[${name}]`)
      }
      if (element.localName !== "a") continue
      if (!["http:", "https:", "mailto:"].includes(element.protocol)) found.push(element.href)
      if (element.rel !== "noopener noreferrer nofollow") found.push(`rel ${element.rel}`)
      if (element.target !== "_blank") found.push(`target ${element.target}`)
    }
  }
  return found
}"""


def draw(page: Page, markdown: str, *, at_once: bool) -> None:
    """Draw it in the page by the element's own view, as an answer would be."""
    page.evaluate(
        """async ([text, atOnce]) => {
          const { MarkdownView } = await import("/static/chatkit_app/element-markdown.js")
          const view = new MarkdownView((name) => name)
          document.querySelector("chatkit-thread").shadowRoot
            .querySelector(".messages").append(view.element)
          for (let end = atOnce ? text.length : 1; end <= text.length; end += 1) {
            view.update(text.slice(0, end), { isWhole: false })
          }
          view.update(text, { isWhole: true })
        }""",
        [markdown, at_once],
    )


def test_no_attack_becomes_an_element_that_could_do_harm(visit: OpenChat) -> None:
    chat = visit()
    for attack in ATTACKS:
        draw(chat.page, attack, at_once=True)
        draw(chat.page, attack, at_once=False)

    assert chat.page.evaluate(DANGERS) == []
    let_events_happen(chat)


def test_the_check_for_harm_sees_it(visit: OpenChat) -> None:
    chat = visit()
    draw(chat.page, "harmless", at_once=True)

    chat.page.evaluate(
        """() => { document.querySelector("chatkit-thread").shadowRoot.querySelector(".block")
             .innerHTML = "<i onclick=x>a</i><a href='javascript:x'>b</a>" }"""
    )

    assert chat.page.evaluate(DANGERS) == [
        "i",
        "i[onclick]",
        "javascript:x",
        "rel ",
        "target ",
    ]


def test_attacks_of_a_streamed_answer_are_shown_as_text(visit: OpenChat) -> None:
    chat = visit()
    lines = [a for a in ATTACKS if "\n" not in a and a.isprintable()]

    answer = chat.ask("\n".join(f"say {line}" for line in lines))

    expect(answer).to_contain_text("<img src=x onerror=alert(1)>")
    assert chat.page.evaluate(DANGERS) == []
    let_events_happen(chat)


def test_a_visitors_own_message_and_a_tools_data_are_text(visit: OpenChat) -> None:
    attack = "<img src=x onerror=alert(1)>"
    chat = visit()

    chat.ask(f'call add {{"a": "{attack}"}}\nthink {attack}')
    chat.tool("add").locator("summary").click()

    expect(chat.questions.first).to_contain_text(attack)
    expect(chat.tool("add")).to_contain_text(attack)
    expect(chat.page.locator("chatkit-thread img")).to_have_count(0)
    let_events_happen(chat)


def test_markdown_is_drawn_as_it_is_meant(visit: OpenChat) -> None:
    chat = visit()
    text = "# Top\n\n- one\n- **two**\n\n| a | b |\n|:--|--:|\n| 1 | 2 |\n\n```python\nx = 1\n```\n\n"
    text += "3. three\n\n[mail](mailto:a@a.test) ![A shirt](https://evil.test/a.png)"

    draw(chat.page, text, at_once=False)

    shown = chat.page.locator(".markdown")
    expect(shown.get_by_role("heading", level=4)).to_have_text("Top")
    expect(shown.get_by_role("listitem")).to_have_text(["one", "two", "three"])
    expect(shown.locator("ol")).to_have_attribute("start", "3")
    expect(shown.locator("td").last).to_have_css("text-align", "end")
    expect(shown.locator("pre")).to_have_text("x = 1\n")
    expect(shown.get_by_role("link")).to_have_attribute("href", "mailto:a@a.test")
    expect(shown.get_by_text("A shirt")).to_be_visible()


def let_events_happen(chat: Chat) -> None:
    """Two frames and a turn of the network's own: an error event of an image would be there."""
    chat.page.evaluate(
        """() => new Promise((done) => {
          const image = new Image()
          image.onerror = () => requestAnimationFrame(() => requestAnimationFrame(done))
          image.src = "data:image/png;base64,broken"
        })"""
    )
