/** Client tools: what they return or throw, as the model gets it. */

import assert from "node:assert/strict"
import { test } from "node:test"
import { settle } from "./fake-browser.js"
import { partOf, world } from "./pages.js"

test("what a tool throws reaches the model as its error", async () => {
  const thrown = [
    [new TypeError("no such node"), "TypeError: no such node"],
    ["plain words", "plain words"],
    [Object.create(null), "unknown error"],
    ["", "unknown error"],
    ["a\0b\ud800c", "a\ufffdb\ufffdc"],
    ["x".repeat(5000), "x".repeat(2000)],
  ]
  for (const [error, text] of thrown) {
    const { server, thread, openPage } = await world()
    const highlight = () => {
      throw error
    }
    await openPage({ tools: { highlight } })
    server.waitingCall(thread)
    await settle()
    assert.equal(server.of("answer")[0].error, text)
    assert.equal("output" in server.of("answer")[0], false)
  }
})

test("a tool that returns nothing answers null", async () => {
  const { server, thread, openPage } = await world()
  await openPage({ tools: { highlight: async () => {} } })
  server.waitingCall(thread)
  await settle()
  assert.equal(server.of("answer")[0].output, null)
})

test("what is no JSON is an error that says so", async () => {
  const cycle = {}
  cycle.self = cycle
  for (const output of [10n, cycle, () => 1, Symbol("s")]) {
    const { server, thread, openPage } = await world()
    await openPage({ tools: { highlight: () => output } })
    server.waitingCall(thread)
    await settle()
    assert.match(server.of("answer")[0].error, /can't be written as JSON/)
  }
})

test("an output that the server would not take never reaches it; the model reads why", async () => {
  let deep = 1
  for (let level = 0; level < 40; level += 1) deep = [deep]
  const outputs = [
    [{ text: "a\0" }, /NUL/],
    [{ "\ud800": 1 }, /surrogate/],
    [2 ** 53, /2\*\*53/],
    [deep, /nested/],
  ]
  for (const [output, words] of outputs) {
    const { server, thread, openPage } = await world()
    await openPage({ tools: { highlight: () => output } })
    server.waitingCall(thread)
    await settle()
    assert.equal(server.of("answer").length, 1)
    assert.match(server.of("answer")[0].error, words)
  }
})

test("an output that does not fit the schema is answered again, with what was wrong", async () => {
  const { server, thread, openPage } = await world()
  server.refusals.set("answer", [
    { code: "answer_invalid", message: "found: not a boolean" },
  ])
  await openPage({ tools: { highlight: () => ({ found: "yes" }) } })
  server.waitingCall(thread)
  await settle()
  const [first, second] = server.of("answer")
  assert.notEqual(first.id, second.id)
  assert.match(second.error, /found: not a boolean/)
})

test("an error that is refused too is given up and reported", async () => {
  const { server, thread, openPage } = await world()
  const invalid = { code: "answer_invalid", message: "no" }
  server.refusals.set("answer", [invalid, invalid])
  const client = await openPage({ tools: { highlight: () => 1 } })
  server.waitingCall(thread)
  await settle()
  assert.equal(server.of("answer").length, 2)
  assert.deepEqual(client.errors, ["answer_invalid"])
})

test("an answer to a call that is closed by now is dropped in silence", async () => {
  for (const code of ["answer_duplicate", "answer_late", "call_not_found"]) {
    const { server, thread, openPage } = await world()
    server.refusals.set("answer", [{ code }])
    const client = await openPage({ tools: { highlight: () => 1 } })
    server.waitingCall(thread)
    await settle()
    assert.equal(server.of("answer").length, 1)
    assert.deepEqual(client.errors, [])
  }
})

test("an answer that was not accepted is sent again after the reconnect, with the same id", async () => {
  for (const loss of ["deaf", "mute"]) {
    const { server, thread, openPage, clock } = await world()
    const client = await openPage({ tools: { highlight: () => "once" } })
    server[loss].add("answer")
    server.waitingCall(thread)
    await settle()
    server[loss].clear()
    server.cut()
    await clock.pass(1_000)
    const answers = server.of("answer")
    assert.equal(answers.length, 2)
    assert.equal(answers[0].id, answers[1].id)
    assert.equal(partOf(client, "tool-call").output, "once")
    assert.deepEqual(client.errors, [])
  }
})

test("call.done answers first; then the page may go, and its return value is ignored", async () => {
  const { server, thread, openPage } = await world()
  let page
  const order = []
  const navigate = async (_input, { call }) => {
    await call.done({ ok: true })
    order.push(server.of("answer").length)
    page.window.dispatchEvent(new Event("pagehide"))
    return "ignored"
  }
  page = await openPage({ tools: { navigate } })
  server.waitingCall(thread, { name: "navigate" })
  await settle()
  assert.deepEqual(order, [1])
  assert.equal(server.of("release").length, 0)
  assert.deepEqual(
    server.of("answer").map((frame) => frame.output),
    [{ ok: true }],
  )
})

test("call.done rejects when the server refuses, so that the tool does not leave", async () => {
  const { server, thread, openPage } = await world()
  server.refusals.set("answer", [{ code: "answer_invalid", message: "not so" }])
  let refused = null
  const navigate = async (_input, { call }) => {
    refused = await call.done({ ok: 1 }).catch((error) => error)
  }
  await openPage({ tools: { navigate } })
  server.waitingCall(thread, { name: "navigate" })
  await settle()
  assert.equal(refused.code, "answer_invalid")
  assert.match(server.of("answer")[1].error, /not so/)
})

test("a tool whose output was refused may try another one", async () => {
  const { server, thread, openPage } = await world()
  server.refusals.set("answer", [{ code: "answer_invalid", message: "not so" }])
  const highlight = async (_input, { call }) => {
    await call.done({ ok: 1 }).catch(() => call.done({ ok: true }))
  }
  const client = await openPage({ tools: { highlight } })
  server.waitingCall(thread)
  await settle()
  assert.deepEqual(
    server.of("answer").map((frame) => frame.output),
    [{ ok: 1 }, { ok: true }],
  )
  assert.deepEqual(client.errors, [])
})

test("an error after call.done is told to the page alone", async () => {
  const { server, thread, openPage } = await world()
  const navigate = async (_input, { call }) => {
    await call.done()
    throw new Error("afterwards")
  }
  const client = await openPage({ tools: { navigate } })
  server.waitingCall(thread, { name: "navigate" })
  await settle()
  assert.deepEqual(
    server.of("answer").map((frame) => frame.output),
    [null],
  )
  assert.deepEqual(client.errors, ["tool_error"])
})

test("a tool can't change what is shown through its input", async () => {
  const { server, thread, openPage } = await world()
  const highlight = (input) => {
    input.sku = "changed"
  }
  const client = await openPage({ tools: { highlight } })
  server.waitingCall(thread)
  await settle()
  assert.deepEqual(partOf(client, "tool-call").input, { sku: "A1" })
})
