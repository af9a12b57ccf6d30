/** What is offered for a message, where it stands among others, and how a file is shown. */

import assert from "node:assert/strict"
import { test } from "node:test"
import {
  isClipped,
  offers,
  textOf,
} from "../../chatkit_app/static/chatkit_app/element-actions.js"
import { asksOf } from "../../chatkit_app/static/chatkit_app/element-asks.js"
import { placeOf } from "../../chatkit_app/static/chatkit_app/element-branches.js"
import {
  fileAddress,
  plainName,
  sizeWords,
} from "../../chatkit_app/static/chatkit_app/element-files.js"
import { Reading } from "../../chatkit_app/static/chatkit_app/element-reading.js"
import { threadState } from "../../chatkit_app/static/chatkit_app/element-threads-entry.js"

const OPEN = { thread: { status: "open" } }
const text = (content, more = {}) => ({ type: "text", content, ...more })
const answer = {
  id: "m2",
  role: "assistant",
  runId: "r1",
  author: null,
  parts: [text("Hello.")],
  siblings: [],
}
const question = { ...answer, id: "m1", role: "user", runId: null }

test("an answer can be had again and rated, a question edited, a person's words only copied", () => {
  const all = { copy: true, edit: false, regenerate: true, fork: true, rate: true }
  assert.deepEqual(offers(answer, OPEN), all)
  assert.deepEqual(offers(question, OPEN), {
    ...{ copy: true, edit: true, regenerate: false, fork: false, rate: false },
  })
  assert.deepEqual(
    offers({ ...answer, runId: null, author: { name: "Maria" } }, OPEN),
    {
      ...{ copy: true, edit: false, regenerate: false, fork: true, rate: false },
    },
  )
})

test("where a thread takes no messages, nothing is answered again", () => {
  const archived = { thread: { status: "archived" } }
  assert.equal(offers(answer, archived).regenerate, false)
  assert.equal(offers(question, archived).edit, false)
  assert.equal(offers(answer, archived).rate, true)
  assert.equal(offers(answer, archived).fork, true)
})

test("what is copied is what was written, without what tools were asked and what was thought", () => {
  const parts = [
    { type: "reasoning", content: "Hm." },
    text("I *look*."),
    { type: "tool-call", arguments: "{}" },
    text("Done."),
  ]
  assert.equal(textOf({ parts }), "I *look*.\n\nDone.")
  assert.equal(offers({ ...answer, parts: [] }, OPEN).copy, false)
  assert.equal(isClipped({ parts: [text("a", { clipped: true })] }), true)
  assert.equal(isClipped({ parts }), false)
})

test("what a snapshot has cut is copied and edited as a whole", async () => {
  const cut = { ...answer, parts: [text("Hel", { clipped: true })] }
  const asked = []
  const message = async (...ids) => {
    asked.push(ids)
    return answer
  }
  const { whole } = asksOf({ threadId: "t1", api: { message } })

  assert.equal(await whole(cut), answer)
  assert.equal(await whole(question), question)
  assert.deepEqual(asked, [["t1", "m2"]])
})

test("a message knows its place among those that were said there", () => {
  const siblings = ["a", "b", "c"]
  assert.deepEqual(placeOf({ id: "b", siblings }), {
    ...{ number: 2, count: 3, before: "a", after: "c" },
  })
  assert.equal(placeOf({ id: "a", siblings })?.before, null)
  assert.equal(placeOf({ id: "c", siblings })?.after, null)
  assert.equal(placeOf({ id: "a", siblings: [] }), null)
  assert.equal(placeOf({ id: "a", siblings: ["a"] }), null)
  assert.equal(placeOf({ id: "a" }), null) // an older server tells of none
})

test("a size is said as people say it", () => {
  assert.equal(sizeWords(0, "en"), "0 byte")
  assert.equal(sizeWords(1_234, "en"), "1.2 kB")
  assert.equal(sizeWords(5_600_000, "de"), "5,6 MB")
  assert.equal(sizeWords(1_000, "no language!"), sizeWords(1_000, ""))
})

test("a file's address is the site's own, or none", () => {
  const base = "https://shop.example/page/"
  const own = "/chatkit/api/attachments/1/content/"
  assert.equal(fileAddress(own, base), `https://shop.example${own}`)
  for (const url of [
    null,
    "",
    "javascript:alert(1)",
    "data:text/html,x",
    "https://evil.example/x.png",
    "//evil.example/x.png",
    "http://[",
  ])
    assert.equal(fileAddress(url, base), null)
})

test("a name is not read from the other end", () => {
  assert.equal(plainName("invoice_\u202egpj.exe"), "invoice_gpj.exe")
  assert.equal(plainName("קובץ.pdf"), "קובץ.pdf")
})

test("what is in the list says what its newest run does, where that is worth a word", () => {
  const of = (status) => threadState({ run: status && { status } })?.words ?? null
  assert.equal(of("in_progress"), "threadWorking")
  assert.equal(of("requires_action"), "threadWaiting")
  assert.equal(of("failed"), "threadFailed")
  assert.equal(of("completed"), null)
  assert.equal(of(null), null)
})

test("an answer is told to be read once, when it is whole and somebody looks", () => {
  const told = []
  const reading = new Reading(async (thread) => void told.push(thread))
  const client = {
    threadId: "t1",
    thread: { status: "open" },
    messages: [answer],
    run: { id: "r1", status: "in_progress" },
    isBusy: true,
  }
  const done = { ...client, run: { id: "r1", status: "completed" }, isBusy: false }
  reading.follow(client, true)
  reading.follow(done, false)
  assert.deepEqual(told, [])
  reading.follow(done, true)
  reading.follow(done, true)
  assert.deepEqual(told, ["t1"])
  const reply = { ...answer, id: "m3", author: { name: "Maria" } }
  reading.follow({ ...done, messages: [answer, reply] }, true)
  assert.deepEqual(told, ["t1", "t1"])
  reading.follow({ ...done, threadId: null, thread: null, messages: [] }, true)
  assert.equal(told.length, 2)
})
