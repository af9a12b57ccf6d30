/** The current thread is remembered where the browser lets us, and nothing breaks where not. */

import assert from "node:assert/strict"
import { test } from "node:test"
import { ThreadMemory } from "../../chatkit_app/static/chatkit_app/element-memory.js"

/** A shelf in memory. */
function makeShelf() {
  const kept = new Map()
  return {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => kept.set(key, value),
    removeItem: (key) => kept.delete(key),
  }
}

test("each assistant's thread is remembered for itself", () => {
  const shelf = makeShelf()
  const shop = new ThreadMemory("/chatkit/", "shop", () => shelf)
  shop.threadId = "t1"

  assert.equal(new ThreadMemory("/chatkit/", "shop", () => shelf).threadId, "t1")
  assert.equal(new ThreadMemory("/chatkit/", "other", () => shelf).threadId, null)
  shop.threadId = null
  assert.equal(shop.threadId, null)
})

test("a browser that forbids storage forgets, and that is all", () => {
  const memory = new ThreadMemory("/chatkit/", "shop", () => {
    throw new Error("SecurityError")
  })
  memory.threadId = "t1"

  assert.equal(memory.threadId, null)
})
