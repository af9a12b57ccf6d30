// The cart of a visitor who has not logged in: product ids to quantities, in the browser.

import { product, products } from "./catalogue.js"
import { read, write } from "./storage.js"

export const KEY = "shop:cart"
const MOST = 99

/**
 * @typedef {{ product_id: string, name: string, quantity: number, price: string }} CartLine
 * @typedef {{ lines: CartLine[], total: string }} Cart
 */

/** @returns {Record<string, number>} */
export function readQuantities() {
  return read(KEY, isQuantities, {})
}

/**
 * @param {string} id
 * @param {number} quantity on top of what is there
 */
export async function add(id, quantity) {
  await set(id, (readQuantities()[id] ?? 0) + quantity)
}

/**
 * @param {string} id
 * @param {number} quantity 0 takes it out
 */
export async function set(id, quantity) {
  const { name, stock } = await product(id)
  if (stock === 0) throw new Error(`${name} is sold out.`)
  const most = Math.min(stock, MOST)
  if (quantity > most) throw new Error(`Only ${most} of ${name} can be had.`)
  const { [id]: _, ...others } = readQuantities()
  write(KEY, quantity > 0 ? { ...readQuantities(), [id]: quantity } : others)
}

export function empty() {
  write(KEY, {})
}

/** @returns {Promise<Cart>} */
export async function readCart() {
  const quantities = Object.entries(readQuantities())
  const all = quantities.length > 0 ? await products() : {}
  const lines = quantities.flatMap(([id, quantity]) => {
    const known = Object.hasOwn(all, id) ? all[id] : undefined
    return known
      ? [{ product_id: id, name: known.name, quantity, price: known.price }]
      : []
  })
  return { lines, total: amount(lines) }
}

/**
 * @param {Pick<CartLine, "quantity" | "price">[]} lines
 * @returns {string} reckoned in cents
 */
export function amount(lines) {
  const cents = lines.map(
    ({ quantity, price }) => quantity * Math.round(Number(price) * 100),
  )
  return (cents.reduce((sum, each) => sum + each, 0) / 100).toFixed(2)
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, number>}
 */
function isQuantities(value) {
  return (
    typeof value === "object" &&
    value !== null &&
    Object.values(value).every((count) => Number.isInteger(count) && count > 0)
  )
}
