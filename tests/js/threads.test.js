/** The list of threads: found by what was asked last, one request at a time, changed in place. */

import assert from "node:assert/strict"
import { test } from "node:test"
import { ThreadList } from "../../chatkit_app/static/chatkit_app/threads.js"
import { settle } from "./fake-browser.js"

/** An API whose answers come when the test says so. */
function slowApi() {
  const asked = []
  const later =
    (name) =>
    (...given) =>
      new Promise((resolve, reject) => asked.push({ name, given, resolve, reject }))
  const verbs = ["rename", "pin", "unpin", "archive", "unarchive", "remove", "restore"]
  const api = Object.fromEntries(verbs.map((name) => [name, later(name)]))
  /** Pages of what is pinned; they are there at once. */
  const pinned = [page()]
  const wantsPinned = []
  api.threads = (query) => {
    if (!query.pinned) return later("threads")(query)
    wantsPinned.push(query)
    const at = query.cursor ? Number(query.cursor) : 0
    return Promise.resolve(pinned[at])
  }
  const answer = async (result, at = asked.length - 1) => {
    asked[at].resolve(result)
    await settle()
  }
  const refuse = async (error) => {
    asked.at(-1).reject(error)
    await settle()
  }
  return {
    api,
    asked,
    answer,
    refuse,
    pinned,
    wantsPinned,
    query: () => asked.at(-1).given[0],
  }
}

const rows = (...ids) => ids.map((id) => ({ id, title: id }))
const page = (ids = [], next = null) => ({ threads: rows(...ids), next })
const idsOf = (list) => list.rows.map(({ id }) => id)

/** A list that has read these. */
async function listOf(ids, next = null) {
  const slow = slowApi()
  const list = new ThreadList(slow.api, "shop")
  list.refresh()
  await slow.answer(page(ids, next))
  return { list, ...slow }
}

test("it asks for the assistant's threads, all but the archived", async () => {
  const { list, asked } = await listOf(["a", "b"])

  assert.deepEqual(idsOf(list), ["a", "b"])
  const { assistant, status, search } = asked[0].given[0]
  assert.deepEqual([assistant, status, search], ["shop", "open,locked", ""])
})

test("what is written while an answer is on its way is asked once, as it then stands", async () => {
  const { list, asked, answer, query } = await listOf(["a"])
  for (const text of ["r", "re", "ref", "refund"]) list.searchFor(text)
  assert.equal(asked.length, 2)
  assert.equal(query().search, "r")

  await answer(page(["wrong"]))
  assert.equal(asked.length, 3)
  assert.equal(query().search, "refund")
  assert.deepEqual(idsOf(list), ["a"]) // the answer to "r" is nobody's any more
  assert.equal(list.isFound, false)

  await answer(page(["refunded"]))
  assert.deepEqual(idsOf(list), ["refunded"])
  assert.equal(list.isFound, true)
  assert.equal(list.isLoading, false)
})

test("an archived thread is never shown among the others, nor one of them as archived", async () => {
  const { list, answer, query } = await listOf(["a"])
  list.showArchived(true)

  assert.deepEqual(idsOf(list), [])
  assert.equal(query().status, "archived")
  await answer(page(["old"]))
  assert.deepEqual(idsOf(list), ["old"])
})

test("older ones are added, each once, and read again with the rest", async () => {
  const { list, answer, query } = await listOf(["a", "b"], "cursor")
  assert.equal(list.hasMore, true)
  list.more()
  assert.equal(query().cursor, "cursor")
  await answer(page(["b", "c"]))
  assert.deepEqual(idsOf(list), ["a", "b", "c"])
  assert.equal(list.hasMore, false)

  list.refresh()
  assert.equal(query().cursor, undefined)
  await answer(page(["c", "a", "b"]))
  assert.deepEqual(idsOf(list), ["c", "a", "b"])
})

test("a refused change changes nothing", async () => {
  const { list, refuse } = await listOf(["a", "b"])
  for (const act of [
    () => list.rename("a", "Other"),
    () => list.archive("a"),
    () => list.remove("a"),
  ]) {
    const done = assert.rejects(act(), /no/)
    await refuse(new Error("no"))
    await done
    assert.deepEqual(list.rows, rows("a", "b"))
  }
})

test("what is deleted goes, and comes back with undo", async () => {
  const { list, asked, answer } = await listOf(["a", "b"])
  const removed = list.remove("a")
  await answer({ id: "a", undoUntil: "2026-03-01T12:00:30Z" })
  assert.deepEqual(await removed, new Date("2026-03-01T12:00:30Z"))
  assert.deepEqual(idsOf(list), ["b"])
  await answer(page(["b"]))

  list.restore("a")
  await answer({ id: "a" })
  assert.equal(asked.at(-1).name, "threads")
  await answer(page(["a", "b"]))
  assert.deepEqual(idsOf(list), ["a", "b"])
})

test("an answer that was on its way does not bring back what has gone since", async () => {
  const { list, asked, answer } = await listOf(["a", "b"])
  list.refresh()
  const stale = asked.length - 1
  list.remove("a")
  await answer({ id: "a", undoUntil: "2026-03-01T12:00:30Z" })
  await answer(page(["a", "b"]), stale)
  await answer(page(["b"]))

  assert.deepEqual(idsOf(list), ["b"])
})

test("a line that is away is said, and what was there stays until something else is asked", async () => {
  const { list, answer, refuse } = await listOf(["a"])
  list.refresh()
  await refuse(new Error("away"))
  assert.match(String(list.error), /away/)
  assert.deepEqual(idsOf(list), ["a"])

  list.searchFor("x")
  await refuse(new Error("away"))
  assert.deepEqual(idsOf(list), [])
  list.refresh()
  await answer(page(["x"]))
  assert.equal(list.error, null)
})

const pinnedRows = (...ids) => rows(...ids).map((row) => ({ ...row, pinned: true }))

test("the pinned ones stand first, as many as one page has, and once", async () => {
  const slow = slowApi()
  slow.pinned[0] = { threads: pinnedRows("p", "q"), next: "1" }
  const list = new ThreadList(slow.api, "shop")
  list.refresh()
  assert.equal(slow.query().pinned, false)
  await slow.answer(page(["b", "q"], "more"))

  assert.deepEqual(idsOf(list), ["p", "q", "b"])
  const [{ assistant, status }] = slow.wantsPinned
  assert.deepEqual([assistant, status], ["shop", "open,locked"])

  list.more()
  await slow.answer(page(["c"]))
  assert.deepEqual(idsOf(list), ["p", "q", "b", "c"])
  assert.equal(slow.wantsPinned.length, 1)
})

test("a search finds the pinned ones where they belong", async () => {
  const { list, wantsPinned, answer, query } = await listOf(["a"])
  list.searchFor("tea")
  const asked = wantsPinned.length
  await answer({ threads: [...rows("a"), ...pinnedRows("p")], next: null })

  assert.equal(query().pinned, undefined)
  assert.equal(wantsPinned.length, asked)
  assert.deepEqual(idsOf(list), ["a", "p"])
})

test("one that is pinned goes to the top at once, and what is there is read again", async () => {
  const { list, asked, answer, pinned } = await listOf(["a", "b"])
  const done = list.pin("b")
  assert.equal(asked.at(-1).name, "pin")
  pinned[0] = { threads: pinnedRows("b"), next: null }
  await answer(pinnedRows("b")[0])
  await done
  assert.deepEqual(idsOf(list), ["b", "a"])
  assert.equal(asked.at(-1).name, "threads")
  await answer(page(["a"]))
  assert.deepEqual(idsOf(list), ["b", "a"])

  const undone = list.unpin("b")
  pinned[0] = page([])
  await answer({ ...rows("b")[0], pinned: false })
  await undone
  await answer(page(["a", "b"]))
  assert.deepEqual(idsOf(list), ["a", "b"])
})
