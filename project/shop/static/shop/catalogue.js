// What the page knows of the products: asked of the shop once, when first needed.

/** @typedef {{ name: string, price: string, stock: number, url: string }} Product */

/** @type {Promise<Record<string, Product>> | null} */
let loading = null

/** @returns {Promise<Record<string, Product>>} by id */
export function products() {
  loading ??= load()
  loading.catch(() => {
    loading = null // ask again next time
  })
  return loading
}

/**
 * @param {string} id
 * @returns {Promise<Product>}
 */
export async function product(id) {
  const all = await products()
  const found = Object.hasOwn(all, id) ? all[id] : undefined
  if (!found) throw new Error(`There is no product ${id}.`)
  return found
}

async function load() {
  const response = await fetch(document.body.dataset.catalogue ?? "")
  if (!response.ok) throw new Error("The catalogue can't be read.")
  return response.json()
}
