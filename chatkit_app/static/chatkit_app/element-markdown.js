// Markdown to DOM: what a model wrote becomes elements here and nowhere else.

import { h } from "./element-dom.js"
import createPurifier from "./vendor/dompurify/purify.es.js"
import { Lexer, Marked } from "./vendor/marked/marked.esm.js"

/** @typedef {import("./element-strings.js").Words} Words */
/** @typedef {import("./vendor/marked/marked.esm.js").Token} Token */
/** @typedef {import("./vendor/marked/marked.esm.js").TokensList} TokensList */

const HEADING_OFFSET = 3 // the element's own headings are h2 and h3

const ALLOWED = Object.freeze({
  ALLOWED_TAGS:
    "a blockquote br code del em h4 h5 h6 hr li ol p pre span strong table tbody td th thead tr ul".split(
      " ",
    ),
  ALLOWED_ATTR: ["align", "class", "href", "start"],
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:)/i,
  ADD_URI_SAFE_ATTR: ["align", "start"], // they hold no addresses
  ALLOW_ARIA_ATTR: false,
  ALLOW_DATA_ATTR: false,
  RETURN_DOM_FRAGMENT: /** @type {const} */ (true),
})

/** @param {string} text */
export function escapeHtml(text) {
  const entities = /** @type {Record<string, string>} */ ({
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  })
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character)
}

/**
 * The address of a link that may be followed, or null: http, https and mailto alone.
 *
 * @param {string} href as the model wrote it; relative ones are this site's
 * @param {string} base
 * @returns {string | null}
 */
export function safeAddress(href, base) {
  try {
    const url = new URL(href, base)
    return ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : null
  } catch {
    return null
  }
}

const marked = new Marked({
  gfm: true,
  async: false,
  renderer: {
    html: (token) => escapeHtml(token.raw),
    image: ({ text, href }) =>
      `<span class="image">${escapeHtml(text || fileName(href))}</span>`,
    checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
    heading({ tokens, depth }) {
      const level = Math.min(6, depth + HEADING_OFFSET)
      return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>\n`
    },
    link({ href, tokens }) {
      const text = this.parser.parseInline(tokens)
      const address = safeAddress(href, baseAddress())
      return address ? `<a href="${escapeHtml(address)}">${text}</a>` : text
    },
  },
})

function baseAddress() {
  return globalThis.document?.baseURI ?? "https://example.invalid/"
}

/** @param {string} href */
function fileName(href) {
  return href.split(/[?#]/)[0]?.split("/").pop() ?? ""
}

/** @type {import("./vendor/dompurify/purify.es.js").DOMPurify | null} */
let purifier = null

function purify() {
  if (purifier) return purifier
  purifier = createPurifier(window) // one of our own: a site's hooks on the shared one don't reach it
  purifier.addHook("afterSanitizeAttributes", (node) => {
    if (node.localName !== "a") return
    node.setAttribute("target", "_blank")
    node.setAttribute("rel", "noopener noreferrer nofollow")
  })
  return purifier
}

/**
 * HTML of ours, made from a model's words, as DOM that can do no harm.
 *
 * @param {string} html
 * @returns {DocumentFragment}
 */
export function sanitise(html) {
  if (purify().isSupported) return purify().sanitize(html, ALLOWED)
  const fragment = document.createDocumentFragment()
  fragment.append(html) // an old browser sees the source, as text
  return fragment
}

/**
 * Markdown in its blocks, from left to right. Text that has grown is read on from its last block:
 * what stands before it can't change any more, except by link definitions that follow.
 */
export class BlockReader {
  #text = ""
  /** @type {Token[]} */
  #tokens = []
  /** @type {TokensList["links"]} */
  #links = {}

  /**
   * @param {string} text
   * @param {{ isWhole: boolean }} options whole text is read from its beginning, once
   * @returns {readonly Token[]}
   */
  read(text, { isWhole }) {
    const grows = !isWhole && text.startsWith(this.#text)
    const kept = grows ? this.#settled() : []
    if (!grows) this.#links = {}
    const start = kept.reduce((length, token) => length + token.raw.length, 0)
    const lexer = new Lexer({ ...marked.defaults })
    lexer.tokens.links = this.#links
    const read = lexer.lex(text.slice(start))
    this.#text = text
    this.#tokens = [...kept, ...read]
    return this.#tokens
  }

  /** HTML of one block, still to be sanitised. @param {Token} token */
  static html(token) {
    return /** @type {string} */ (marked.parser([token]))
  }

  #settled() {
    let last = this.#tokens.length - 1
    while (last > 0 && this.#tokens[last]?.type === "space") last -= 1
    const kept = this.#tokens.slice(0, Math.max(0, last))
    // The lexer turns line ends and tabs over: lengths must add up to the text's own.
    return this.#text.startsWith(kept.map((token) => token.raw).join("")) ? kept : []
  }
}

/**
 * One text part as elements, one per block; blocks that did not change are not touched.
 */
export class MarkdownView {
  element = h("div", { class: "markdown" })
  #reader = new BlockReader()
  /** @type {string[]} */
  #blocks = []
  #text = ""
  #isWhole = false
  #words

  /** @param {Words} words */
  constructor(words) {
    this.#words = words
  }

  /**
   * @param {string} text
   * @param {{ isWhole: boolean }} options
   */
  update(text, { isWhole }) {
    if (text === this.#text && isWhole === this.#isWhole) return
    this.#text = text
    this.#isWhole = isWhole
    const tokens = this.#reader.read(text, { isWhole })
    const blocks = tokens.map((token) => BlockReader.html(token)).filter(Boolean)
    blocks.forEach((html, index) => {
      if (html !== this.#blocks[index]) this.#draw(html, index)
    })
    while (this.element.children.length > blocks.length)
      this.element.lastChild?.remove()
    this.#blocks = blocks
  }

  /**
   * @param {string} html
   * @param {number} index
   */
  #draw(html, index) {
    const fragment = sanitise(html)
    dress(fragment, this.#words)
    const block = this.element.children[index]
    if (block) block.replaceChildren(fragment)
    else this.element.append(h("div", { class: "block", dir: "auto" }, fragment))
  }
}

/**
 * What the reader needs around code and tables: a way to scroll them by key, a button to copy.
 *
 * @param {DocumentFragment} fragment
 * @param {Words} words
 */
function dress(fragment, words) {
  for (const pre of fragment.querySelectorAll("pre")) {
    const language = /language-([\w+#.-]+)/.exec(pre.firstElementChild?.className ?? "")
    const bar = h("div", { class: "code-bar" }, h("span", {}, language?.[1] ?? ""))
    if (navigator.clipboard) bar.append(copyButton(pre, words))
    const box = h("div", { class: "code", dir: "ltr" }, bar)
    pre.replaceWith(box)
    pre.tabIndex = 0
    pre.setAttribute("role", "region")
    pre.setAttribute("aria-label", words("code"))
    box.append(pre)
  }
  for (const table of fragment.querySelectorAll("table")) {
    const box = h("div", { class: "table", tabindex: 0, role: "region" })
    box.setAttribute("aria-label", words("table"))
    table.replaceWith(box)
    box.append(table)
  }
}

/**
 * @param {HTMLElement} pre
 * @param {Words} words
 */
function copyButton(pre, words) {
  const button = h("button", { type: "button", class: "copy" }, words("copy"))
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(pre.textContent ?? "")
      button.textContent = words("copied")
    } catch {
      button.remove() // the site's permissions policy forbids it
    }
  })
  return button
}
