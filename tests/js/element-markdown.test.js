/** Markdown before it is sanitised: blocks, what is left out, and what a growing text costs. */

import assert from "node:assert/strict"
import { test } from "node:test"
import {
  BlockReader,
  safeAddress,
} from "../../chatkit_app/static/chatkit_app/element-markdown.js"

const html = (text) =>
  new BlockReader()
    .read(text, { isWhole: true })
    .map((token) => BlockReader.html(token))
    .join("")

test("raw HTML is shown as the text that it is", () => {
  assert.equal(
    html("<img src=x onerror=alert(1)>"),
    "&lt;img src=x onerror=alert(1)&gt;",
  )
  assert.match(html("a <b onclick=x>b</b>"), /&lt;b onclick=x&gt;b&lt;\/b&gt;/)
})

test("an image is its words, without its address", () => {
  assert.equal(
    html("![A red shirt](https://evil.test/pixel.png)").trim(),
    '<p><span class="image">A red shirt</span></p>',
  )
  assert.doesNotMatch(html("![](https://evil.test/pixel.png?a=1)"), /evil|a=1/)
})

test("only addresses of the web and of mail become links", () => {
  assert.equal(
    safeAddress("https://shop.test/a?b=1", "https://x.test/"),
    "https://shop.test/a?b=1",
  )
  assert.equal(safeAddress("/orders/1", "https://x.test/a/"), "https://x.test/orders/1")
  assert.equal(safeAddress("mailto:a@b.test", "https://x.test/"), "mailto:a@b.test")
  for (const href of [
    "javascript:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "file:///etc/passwd",
    "http://",
  ]) {
    assert.equal(safeAddress(href, "https://x.test/"), null, href)
  }
  assert.equal(html("[x](javascript:alert(1))").trim(), "<p>x</p>")
  const disguised = html("[x](JaVaScRiPt&#58;alert(1))") // a path of this site, then
  assert.match(disguised, /href="https:\/\/example\.invalid\/JaVaScRiPt&amp;#58;alert/)
})

test("a text that grows is read on from its last block and ends as if read at once", () => {
  const text =
    "# One\n\nTwo\nlines\n\n- a\n- b\n\n  still b\n\n```js\nlet a\n\nlet b\n```\n\n| a | b |\n|--|--|\n| 1 | 2 |\n\nEnd"
  const reader = new BlockReader()
  let first = null
  for (let end = 1; end <= text.length; end += 1) {
    const tokens = reader.read(text.slice(0, end), { isWhole: false })
    if (end > 12) first ??= tokens[0]
    if (first) assert.equal(tokens[0], first)
  }
  const grown = reader.read(text, { isWhole: false })

  assert.equal(grown.map((token) => BlockReader.html(token)).join(""), html(text))
})

test("line ends of other systems do not make a growing text repeat itself", () => {
  const text = "One\r\n\r\nTwo\r\n\r\nThree\r\n\r\nFour"
  const reader = new BlockReader()
  let tokens = []
  for (let end = 1; end <= text.length; end += 1) {
    tokens = [...reader.read(text.slice(0, end), { isWhole: false })]
  }

  assert.equal(tokens.map((token) => BlockReader.html(token)).join(""), html(text))
})

test("a link whose address is defined below it is a link when the text is whole", () => {
  const text = "See [the order][1].\n\nMore.\n\n[1]: https://shop.test/1\n"
  const reader = new BlockReader()
  for (let end = 1; end <= text.length; end += 1)
    reader.read(text.slice(0, end), { isWhole: false })

  const whole = reader
    .read(text, { isWhole: true })
    .map((token) => BlockReader.html(token))

  assert.match(whole.join(""), /<a href="https:\/\/shop.test\/1">the order<\/a>/)
})

test("a model's headings stay below the page's own", () => {
  assert.equal(html("# Top").trim(), "<h4>Top</h4>")
  assert.equal(html("###### Deep").trim(), "<h6>Deep</h6>")
})
