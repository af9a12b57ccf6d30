// The shop's pages come to life here: the chat's panel and tools, the browser's cart, the notes.

import { drawCart, keepCart, refreshCart, watchForms } from "./cart.js"
import { drawNotes, watchNotes } from "./notes.js"
import { Panel } from "./panel.js"
import { SelectionMemory } from "./selection.js"
import { registerTools } from "./tools.js"

/** @typedef {import("./types.js").ChatElement} ChatElement */

// The tools that change the cart of a customer in the shop's database.
const CART_TOOLS = new Set(["add_to_cart"])

await customElements.whenDefined("chatkit-thread")
const chat = /** @type {ChatElement} */ (document.querySelector("chatkit-thread"))
const panel = new Panel(chat)
const selection = new SelectionMemory(
  /** @type {HTMLElement} */ (document.querySelector("main")),
)

chat.page = () => ({ path: location.pathname, title: document.title })
registerTools(chat.tools, { panel, selection })
refreshAfter(chat)

watchForms()
watchNotes()
drawNotes()
await keepCart()
await drawCart()

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
      .filter((part) => CART_TOOLS.has(part.name ?? "") && part.output !== undefined)
    if (known === thread?.id && done.length > count) void refreshCart()
    known = thread?.id
    count = done.length
  })
}
