/** Client tools: claimed and run, each once, whoever else is there. */

import assert from "node:assert/strict"
import { test } from "node:test"
import { messageCreated, newUuid, partStarted } from "./events.js"
import { settle } from "./fake-browser.js"
import { partOf, slowTool, world } from "./pages.js"

/** SHA-256 of no text at all. */
const NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

test("a waiting call is claimed, run with its input and answered with the output", async () => {
  const { server, thread, openPage } = await world()
  const seen = []
  const highlight = (input, { context, call }) => {
    seen.push([input, context, call.name])
    return { found: true }
  }
  const client = await openPage({ tools: { highlight }, context: { cart: 1 } })
  const call = server.waitingCall(thread)
  await settle()
  assert.deepEqual(seen, [[{ sku: "A1" }, { cart: 1 }, "highlight"]])
  assert.deepEqual(server.received.map((frame) => frame.type).slice(1, 3), [
    "claim",
    "answer",
  ])
  assert.deepEqual(server.of("answer")[0].output, { found: true })
  assert.equal(server.of("claim")[0].tab, client.tab)
  assert.deepEqual(partOf(client, "tool-call").output, { found: true })
  assert.equal(partOf(client, "tool-result").toolCallId, call)
})

test("a call without a tool on this page stays open, until the tool is registered", async () => {
  const { server, thread, openPage } = await world()
  const client = await openPage()
  server.waitingCall(thread)
  await settle()
  assert.equal(server.of("claim").length, 0)
  assert.equal(client.tools.has("highlight"), false)
  client.tools.register("highlight", () => "late")
  await settle()
  assert.equal(server.of("answer")[0].output, "late")
})

test("a tool that was taken back is not run, and may be registered again", async () => {
  const { server, thread, openPage } = await world()
  const client = await openPage()
  const takeBack = client.tools.register("highlight", () => 1)
  assert.throws(() => client.tools.register("highlight", () => 2), /registered already/)
  takeBack()
  server.waitingCall(thread)
  await settle()
  assert.equal(server.of("claim").length, 0)
  client.tools.register("highlight", () => 3)
  await settle()
  assert.equal(server.of("answer")[0].output, 3)
})

test("two tabs: one runs the call, both show it", async () => {
  const { server, thread, openPage } = await world()
  let runs = 0
  const highlight = () => {
    runs += 1
    return runs
  }
  const one = await openPage({ tools: { highlight } })
  const other = await openPage({ tools: { highlight } })
  assert.notEqual(one.tab, other.tab)
  server.waitingCall(thread)
  await settle()
  assert.equal(runs, 1)
  assert.equal(server.of("answer").length, 1)
  assert.deepEqual(one.messages, other.messages)
  assert.equal(partOf(one, "tool-call").output, 1)
})

test("a claim that is held is asked for again after its time", async () => {
  const { server, thread, openPage, clock } = await world()
  const call = server.waitingCall(thread)
  server.threads.get(thread).calls.get(call).claim = "another tab"
  await openPage({ tools: { highlight: () => 1 } })
  assert.equal(server.of("claim").length, 1)
  await clock.pass(2_900)
  assert.equal(server.of("claim").length, 1)
  server.threads.get(thread).calls.get(call).claim = null
  await clock.pass(200)
  assert.equal(server.of("claim").length, 2)
  assert.equal(server.of("answer").length, 1)
})

test("a claim that is given back is taken at once", async () => {
  const { server, thread, openPage } = await world()
  const call = server.waitingCall(thread)
  server.claimed(thread, call, "another tab")
  await openPage({ tools: { highlight: () => 1 } })
  assert.equal(server.of("answer").length, 0)
  server.claimed(thread, call, null)
  await settle()
  assert.equal(server.of("answer").length, 1)
})

test("a cancel while the tool runs aborts its signal; what it returns goes nowhere", async () => {
  const { server, thread, openPage, clock } = await world()
  const { tool, runs } = slowTool()
  await openPage({ tools: { highlight: tool } })
  const call = server.waitingCall(thread)
  await settle()
  assert.equal(runs[0].signal.aborted, false)
  server.endCall(thread, call, { status: "cancelled", errorText: "cancelled" })
  await settle()
  assert.equal(runs[0].signal.aborted, true)
  runs[0].resolve("too late")
  await clock.pass(60_000)
  assert.equal(server.of("answer").length, 0)
})

test("a tool that never returns holds nothing up", async () => {
  const { server, thread, openPage } = await world()
  const { tool } = slowTool()
  await openPage({ tools: { highlight: tool, look: () => "seen" } })
  server.waitingCall(thread)
  server.waitingCall(thread, { name: "look" })
  await settle()
  assert.deepEqual(
    server.of("answer").map((frame) => frame.output),
    ["seen"],
  )
})

test("a listener may keep the call open and run it later", async () => {
  const { server, thread, openPage } = await world()
  let runs = 0
  const client = await openPage()
  const asked = []
  client.addEventListener("toolcall", (event) => {
    asked.push([event.detail.name, event.detail.input, event.detail.id])
    event.preventDefault()
  })
  client.tools.register("highlight", () => {
    runs += 1
  })
  const call = server.waitingCall(thread)
  await settle()
  assert.deepEqual(asked, [["highlight", { sku: "A1" }, call]])
  assert.equal(runs, 0)
  assert.equal(server.threads.get(thread).calls.get(call).claim, null)
  client.tools.run(call)
  await settle()
  assert.equal(runs, 1)
  assert.equal(asked.length, 1)
  assert.equal(server.of("answer").length, 1)
})

test("a call whose arguments did not end where they should is not run", async () => {
  const { server, thread, openPage } = await world()
  const client = await openPage({ tools: { highlight: () => 1 } })
  const message = newUuid()
  const part = newUuid()
  server.append(thread, messageCreated(message))
  const tool = { kind: "tool-call", call: newUuid(), name: "highlight" }
  server.append(thread, partStarted(message, part, tool))
  const position = server.threads.get(thread).state.position + 1
  const event = {
    type: "part.ended",
    partId: part,
    state: "complete",
    length: 5,
    digest: NOTHING,
  }
  server.open[0].push({ type: "event", thread, position, event })
  await settle()
  assert.deepEqual(server.of("subscribe").slice(1), [{ type: "subscribe", thread }])
  assert.equal(partOf(client, "tool-call").state, "awaiting-input")
})

test("calls of one step run at the same time", async () => {
  const { server, thread, openPage } = await world()
  const { tool, runs } = slowTool()
  await openPage({ tools: { highlight: tool } })
  server.waitingCall(thread)
  server.waitingCall(thread)
  await settle()
  assert.equal(runs.length, 2)
})
