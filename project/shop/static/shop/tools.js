// The assistant's tools that run in this page. project/shop/tools.py defines what they take and give.

import * as browserCart from "./browser-cart.js"
import { drawCart } from "./cart.js"
import { product } from "./catalogue.js"
import { addNote, readNotes } from "./notes.js"

/**
 * @param {import("./types.js").Tools} tools
 * @param {{ panel: import("./panel.js").Panel, selection: import("./selection.js").SelectionMemory }} page
 */
export function registerTools(tools, { panel, selection }) {
  tools.register("get_selected_text", () => ({ text: selection.text }))

  tools.register("add_note", ({ text }) => ({ notes: addNote(text) }))

  tools.register("list_notes", () => ({ notes: readNotes() }))

  tools.register("highlight_product", ({ product_id }) => {
    const found = findProduct(product_id)
    if (!found) return { found: false }
    panel.makeWay()
    mark(found)
    return { found: true }
  })

  tools.register("navigate", async ({ page, product_id }, { call }) => {
    const path = await pathOf(page, product_id)
    // Answered before it leaves: nobody would be here to answer afterwards.
    await call.done({ path })
    if (path === location.pathname) return
    panel.makeWayNext()
    location.assign(path)
  })

  // Of the cart's tools these halves run for visitors; a customer's run on the server.
  tools.register("add_to_cart", async ({ product_id, quantity }) => {
    await browserCart.add(product_id, quantity)
    await drawCart()
    return browserCart.readCart()
  })

  tools.register("show_cart", () => browserCart.readCart())

  tools.register("empty_cart", async () => {
    browserCart.empty()
    await drawCart()
    return browserCart.readCart()
  })
}

/** @param {string} id */
function findProduct(id) {
  return document.querySelector(`main [data-product-id="${CSS.escape(id)}"]`)
}

/** @param {Element} found */
function mark(found) {
  for (const before of document.querySelectorAll(".is-marked")) {
    before.classList.remove("is-marked")
  }
  found.classList.add("is-marked")
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches
  found.scrollIntoView({ block: "center", behavior: isCalm ? "auto" : "smooth" })
}

/**
 * @param {string} page
 * @param {string | null} productId
 * @returns {Promise<string>}
 */
async function pathOf(page, productId) {
  if (page === "product") {
    if (!productId) throw new Error("product_id is needed to go to a product's page.")
    return (await product(productId)).url
  }
  const link = document.querySelector(`nav a[data-page="${CSS.escape(page)}"]`)
  if (!(link instanceof HTMLAnchorElement)) throw new Error(`There is no page ${page}.`)
  return link.pathname
}
