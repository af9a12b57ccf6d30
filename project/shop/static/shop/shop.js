// The shop's pages come to life here: the chat's panel and tools, the browser's cart, the notes.

import { drawCart, keepCart, refreshPage, watchForms } from "./cart.js"
import { drawNotes, watchNotes } from "./notes.js"
import { Panel } from "./panel.js"
import { SelectionMemory } from "./selection.js"
import { toast } from "./toast.js"
import { registerTools } from "./tools.js"

/** @typedef {import("./types.js").ChatElement} ChatElement */

// The tools on the server that change what pages show.
const CHANGING_TOOLS = new Set([
  "add_to_cart",
  "cancel_order",
  "change_delivery",
  "empty_cart",
  "gift_wrap",
  "refund_order",
  "set_stock",
  "yearly_statement",
])

await customElements.whenDefined("chatkit-thread")
const chat = /** @type {ChatElement} */ (document.querySelector("chatkit-thread"))
const panel = new Panel(chat)
const selection = new SelectionMemory(
  /** @type {HTMLElement} */ (document.querySelector("main")),
)

chat.page = () => ({ path: location.pathname, title: document.title })
registerTools(chat.tools, { panel, selection })
refreshAfter(chat)
chat.addEventListener("chatkit-effect", (event) => {
  const { detail } = /** @type {CustomEvent} */ (event)
  // A tool on the server speaks to the page from which it was asked for.
  if (detail.name === "toast" && detail.isOurs) toast(wordsOf(detail.data))
})

watchForms()
watchNotes()
drawNotes()
await keepCart()
await drawCart()

/** @param {{ name: string, output: unknown }} call */
function isDone({ name, output }) {
  return CHANGING_TOOLS.has(name) && output !== undefined
}

/**
 * @param {unknown} data
 * @returns {string}
 */
function wordsOf(data) {
  return data !== null && typeof data === "object" && "text" in data
    ? String(data.text)
    : ""
}

/**
 * A tool that ran on the server has changed what this page shows.
 *
 * @param {ChatElement} element
 */
function refreshAfter(element) {
  /** @type {string | undefined} what was there when the page opened is no news */
  let known
  let count = 0
  element.client.addEventListener("change", () => {
    const { thread, messages } = element.client
    const done = messages
      .flatMap((message) => message.parts)
      .filter((part) => part.type === "tool-call" && isDone(part))
    if (known === thread?.id && done.length > count) void refreshPage()
    known = thread?.id
    count = done.length
  })
}
