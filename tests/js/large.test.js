/** Answers that are too large for a frame: over HTTP, once, with what the server says of them. */

import assert from "node:assert/strict"
import { test } from "node:test"
import { askPerson, callChanged } from "./fake-asking.js"
import { settle } from "./fake-browser.js"
import { partOf, world } from "./pages.js"

const LARGE = "x".repeat(70_000)

/** A page whose tool returns so much, and a call of it. */
async function large({ output = LARGE, ...options } = {}) {
  const { openPage, ...place } = await world()
  const { server, thread } = place
  const tools = { highlight: () => output }
  const client = await openPage({ tools, fetch: server.fetch, ...options })
  return { ...place, client, call: server.waitingCall(thread) }
}

test("a tool's output that no frame can hold goes over HTTP", async () => {
  for (const output of [LARGE, "ä".repeat(40_000), { rows: [LARGE] }]) {
    const { server, thread, client } = await large({ output, csrfToken: "t0ken" })
    await settle()
    assert.equal(server.of("answer").length, 0)
    const [{ path, method, headers, body }] = server.requests
    assert.deepEqual([path, method], ["/chatkit/api/interrupts/", "POST"])
    assert.equal(headers["X-CSRFToken"], "t0ken")
    const { id, answers, ...rest } = body
    assert.match(id, /^[\da-f-]{36}$/)
    assert.deepEqual(rest, { thread, tab: client.tab })
    const [{ interrupt, ...answer }] = answers
    assert.match(interrupt, /^[\da-f-]{36}$/)
    assert.deepEqual(answer, { decision: "answer", output })
    assert.deepEqual(partOf(client, "tool-call").output, output)
    assert.deepEqual(client.errors, [])
  }
})

test("the size that counts is what the server has said in its hello", async () => {
  const { openPage, server, thread } = await world()
  server.maxFrameBytes = 1_000
  const tools = { highlight: () => "x".repeat(2_000) }
  const client = await openPage({ tools, fetch: server.fetch })
  server.waitingCall(thread)
  await settle()
  assert.equal(server.requests.length, 1)
  assert.equal(partOf(client, "tool-call").output.length, 2_000)
})

test("call.done waits for what HTTP says", async () => {
  const { openPage, server, thread } = await world()
  const ends = []
  const highlight = async (_input, { call }) => {
    await call.done(LARGE).then(
      () => ends.push("taken"),
      (error) => ends.push(error.code),
    )
  }
  await openPage({ tools: { highlight }, fetch: server.fetch })
  server.waitingCall(thread)
  await settle()
  server.httpFailures.push({ status: 413, body: null })
  server.waitingCall(thread)
  await settle()
  assert.deepEqual(ends, ["taken", "payload_too_large"])
})

test("a person's answer goes over HTTP, too, and is refused with what is wrong", async () => {
  const { server, thread, openPage } = await world()
  const client = await openPage({ fetch: server.fetch })
  const schema = { type: "object", required: ["size"] }
  const call = server.runningCall(thread)
  const id = askPerson(server, thread, call, "question", { schema })
  await settle()
  const error = await client.answer(id, { text: LARGE }).catch((refused) => refused)
  assert.equal(error.code, "answer_invalid")
  assert.deepEqual(error.errors, [
    { interrupt: id, field: "size", message: "required" },
  ])
  const sent = await client.answer(id, { size: LARGE })
  assert.deepEqual(sent, { thread, interrupts: [id] })
  await settle()
  assert.deepEqual(server.of("resolve"), [])
  assert.deepEqual(client.interrupts, [])
})

test("what nobody has read is sent again, as the same command, until it is", async () => {
  const { server, clock, client } = await large()
  server.httpFailures.push(
    new TypeError("network"),
    { status: 502, body: null },
    { ok: true, status: 200, body: null },
  )
  await clock.pass(60_000)
  const ids = server.requests.map(({ body }) => body.id)
  assert.equal(ids.length, 4)
  assert.equal(new Set(ids).size, 1)
  assert.equal(partOf(client, "tool-call").output, LARGE)
})

test("where HTTP is never read the model is told so", async () => {
  const { server, clock, client } = await large()
  server.httpFailures = Array.from({ length: 50 }, () => new TypeError("network"))
  await clock.pass(600_000)
  assert.equal(server.requests.length, 8)
  assert.match(server.of("answer")[0].error, /refused: TypeError: network/)
  assert.equal(partOf(client, "tool-result").state, "error")
})

test("what is too large even for HTTP is an error that says so", async () => {
  const own = { code: "frame_too_large", message: "It may have 5 MB." }
  const cases = [
    [{ status: 413, body: own }, /It may have 5 MB/],
    [{ status: 413, body: null }, /larger than the server takes/],
  ]
  for (const [failure, words] of cases) {
    const { server, client } = await large()
    server.httpFailures.push(failure)
    await settle()
    assert.equal(server.requests.length, 1)
    assert.match(server.of("answer")[0].error, words)
    assert.equal(partOf(client, "tool-result").error.code, "tool_error")
  }
})

test("a large output for a call that is closed by now is dropped in silence", async () => {
  for (const code of ["answer_late", "answer_duplicate", "interrupt_not_found"]) {
    const { server, client } = await large()
    server.httpFailures.push({ status: 409, body: { code, message: "No." } })
    await settle()
    assert.equal(server.of("answer").length, 0)
    assert.deepEqual(client.errors, [])
  }
})

test("a large output that does not fit is answered again, with the fields that do not", async () => {
  const { server } = await large()
  const errors = [{ interrupt: "i", field: "rows.0", message: "not a number" }]
  const body = { code: "answer_invalid", message: "It does not fit.", errors }
  server.httpFailures.push({ status: 400, body })
  await settle()
  assert.match(server.of("answer")[0].error, /refused: rows\.0: not a number$/)
})

test("a server that can't be answered over HTTP gets the reason as the tool's error", async () => {
  const { openPage, server, thread } = await world()
  await openPage({ tools: { highlight: () => LARGE }, fetch: server.fetch })
  const call = server.runningCall(thread, { executor: "client" })
  server.append(thread, callChanged(call, { executor: "client" }))
  await settle()
  assert.deepEqual(server.requests, [])
  assert.match(server.of("answer")[0].error, /65536 bytes/)
})
