// The cart as the page shows it: drawn here for a visitor, by the shop for a customer.

import {
  add,
  amount,
  empty,
  KEY,
  readCart,
  readQuantities,
  set,
} from "./browser-cart.js"
import { products } from "./catalogue.js"

/** @typedef {import("./browser-cart.js").CartLine} CartLine */

/** Where a customer's browser takes a visitor's cart; empty for those who have not logged in. */
const keepUrl = document.body.dataset.keepCart ?? ""

/** A visitor's forms don't ask the shop: their cart is here. */
export function watchForms() {
  if (keepUrl) return
  document.addEventListener("submit", (event) => {
    const form = /** @type {HTMLFormElement} */ (event.target)
    const action = form.dataset.cart
    if (!action) return
    event.preventDefault()
    const data = new FormData(form)
    void submit(form, action, String(data.get("product")), Number(data.get("quantity")))
  })
  addEventListener("storage", ({ key }) => {
    if (key === KEY) void drawCart()
  })
}

/**
 * @param {HTMLFormElement} form
 * @param {string} action
 * @param {string} id
 * @param {number} quantity
 */
async function submit(form, action, id, quantity) {
  try {
    await (action === "add" ? add(id, quantity) : set(id, quantity))
    say(form, action === "add" ? "It is in your cart." : "")
    await drawCart()
  } catch (error) {
    say(form, error instanceof Error ? error.message : "That did not work.")
  }
}

/**
 * @param {HTMLFormElement} form
 * @param {string} words
 */
function say(form, words) {
  const input = /** @type {HTMLInputElement} */ (form.elements.namedItem("quantity"))
  const place = form.querySelector(".said")
  if (place) place.textContent = words
  else if (words) {
    input.setCustomValidity(words)
    input.reportValidity()
    input.addEventListener("input", () => input.setCustomValidity(""), { once: true })
  }
}

/** What a visitor has collected goes into the account, once they have logged in. */
export async function keepCart() {
  const quantities = readQuantities()
  if (!keepUrl || Object.keys(quantities).length === 0) return
  const token = document.querySelector('input[name="csrfmiddlewaretoken"]')
  const response = await fetch(keepUrl, {
    method: "POST",
    headers: { "X-CSRFToken": token instanceof HTMLInputElement ? token.value : "" },
    body: JSON.stringify(quantities),
  })
  if (!response.ok) return
  empty()
  await refreshPage()
}

/** Show what the shop keeps as it is there now: whatever of it this page has is asked anew. */
export async function refreshPage() {
  const response = await fetch(location.href)
  if (!response.ok) return
  const page = new DOMParser().parseFromString(await response.text(), "text/html")
  for (const part of document.querySelectorAll("[data-live]")) {
    const fresh = page.getElementById(part.id)
    if (fresh) part.replaceWith(document.adoptNode(fresh))
  }
}

/** Show a visitor's cart, where this page has a place for it. */
export async function drawCart() {
  if (keepUrl) return
  const { lines, total } = await readCart()

  drawCount(lines.reduce((sum, { quantity }) => sum + quantity, 0))
  const place = document.querySelector("[data-browser-cart]")
  const pattern = document.getElementById("cart-line")
  if (!place || !(pattern instanceof HTMLTemplateElement)) return
  if (lines.length === 0) {
    place.replaceChildren(paragraph("nothing", "There is nothing in it yet."))
    return
  }
  const all = await products()
  const list = document.createElement("ul")
  list.className = "lines"
  list.append(
    ...lines.map((line) => drawLine(pattern, line, all[line.product_id]?.url ?? "")),
  )
  place.replaceChildren(list, paragraph("total", "Together ", `€${total}`))
}

/** @param {number} count */
function drawCount(count) {
  const place = document.getElementById("cart-count")
  const number = place?.querySelector("b")
  if (!place || !number) return
  number.textContent = String(count)
  place.hidden = count === 0
}

/**
 * @param {HTMLTemplateElement} pattern
 * @param {CartLine} line
 * @param {string} url
 */
function drawLine(pattern, line, url) {
  const item = /** @type {DocumentFragment} */ (pattern.content.cloneNode(true))
  const link = item.querySelector("a")
  const label = item.querySelector("label")
  const number = item.querySelector("input[type=number]")
  const sum = item.querySelector(".amount")
  if (!link || !label || !(number instanceof HTMLInputElement) || !sum) return item
  item.querySelector("li")?.setAttribute("data-product-id", line.product_id)
  link.textContent = line.name
  link.href = url
  number.id = `quantity-${line.product_id}`
  number.value = String(line.quantity)
  label.htmlFor = number.id
  label.textContent = `Pieces of ${line.name}`
  sum.textContent = `€${amount([line])}`
  for (const input of item.querySelectorAll("input[name=product]")) {
    input.setAttribute("value", line.product_id)
  }
  return item
}

/**
 * @param {string} kind
 * @param {string} words
 * @param {string} [strong]
 */
function paragraph(kind, words, strong = "") {
  const made = document.createElement("p")
  made.className = kind
  made.append(words)
  if (strong) made.appendChild(document.createElement("b")).textContent = strong
  return made
}
