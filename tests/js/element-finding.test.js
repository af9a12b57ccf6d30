/** The way to what a search has found: read up to it, a few pages far, and say where it is not. */

import assert from "node:assert/strict"
import { test } from "node:test"
import { goToHit } from "../../chatkit_app/static/chatkit_app/element-finding.js"
import { settle } from "./fake-browser.js"

/** A thread of so many pages of one message each, named by their numbers; the newest is here. */
class FakeThread extends EventTarget {
  threadId = "t"
  thread = { id: "t" }
  loaded = 0
  constructor(pages) {
    super()
    this.messages = [{ id: String(pages) }]
  }
  get hasEarlier() {
    return this.messages[0].id !== "1"
  }
  async loadEarlier() {
    this.loaded += 1
    this.messages = [{ id: String(this.messages[0].id - 1) }, ...this.messages]
  }
}

function went(client, hit) {
  const done = []
  const place = {
    words: (name) => name,
    mark: (id) => done.push(`mark ${id}`),
    notify: (text) => done.push(text),
  }
  const way = goToHit({ shown: true, ...hit }, client, place, () => done.push("draw"))
  return { done, way }
}

test("what is here is marked, and nothing is read", async () => {
  const client = new FakeThread(3)
  const { done, way } = went(client, { message: "3" })
  await way
  assert.deepEqual(done, ["draw", "mark 3"])
  assert.equal(client.loaded, 0)
})

test("older messages are read until it is there", async () => {
  const client = new FakeThread(9)
  const { done, way } = went(client, { message: "6" })
  await way
  assert.deepEqual(done, ["draw", "mark 6"])
  assert.equal(client.loaded, 3)
})

test("what is further up than five pages is said to be there", async () => {
  const client = new FakeThread(9)
  const { done, way } = went(client, { message: "2" })
  await way
  assert.deepEqual(done, ["draw", "hitFar"])
  assert.equal(client.loaded, 5)
})

test("what is in another branch is said to be there", async () => {
  const client = new FakeThread(9)
  const { done, way } = went(client, { message: "x", shown: false })
  await way
  assert.deepEqual(done, ["draw", "hitElsewhere"])
  assert.equal(client.loaded, 0)
})

test("it waits until the thread is there, and goes nowhere in another one", async () => {
  for (const isLeft of [false, true]) {
    const client = new FakeThread(3)
    client.thread = null
    const { done, way } = went(client, { message: "3" })
    await settle()
    assert.deepEqual(done, [])
    if (isLeft) client.threadId = "other"
    client.thread = { id: client.threadId }
    client.dispatchEvent(new Event("change"))
    await way
    assert.deepEqual(done, isLeft ? [] : ["draw", "mark 3"])
  }
})

test("a line that is away is told", async () => {
  const client = new FakeThread(3)
  client.loadEarlier = () => Promise.reject(new Error("away"))
  const { done, way } = went(client, { message: "1" })
  await assert.rejects(way, /away/)
  assert.deepEqual(done, [])
})
