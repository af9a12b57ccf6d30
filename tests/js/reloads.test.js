/** Client tools, when pages are reloaded, lose their line, or go elsewhere in the middle. */

import assert from "node:assert/strict"
import { test } from "node:test"
import { settle } from "./fake-browser.js"
import { partOf, slowTool, world } from "./pages.js"

test("a reload in the middle: the new page claims the call and answers it", async () => {
  const { server, thread, openPage } = await world()
  const before = slowTool()
  const page = await openPage({ tools: { highlight: before.tool } })
  server.waitingCall(thread)
  await settle()
  page.window.dispatchEvent(new Event("pagehide"))
  await settle()
  assert.equal(server.of("release").length, 1)
  await openPage({ tools: { highlight: () => "after the reload" } })
  assert.equal(server.of("answer")[0].output, "after the reload")
})

test("a reload that could say no word: the new page waits for the claim to lapse", async () => {
  const { server, thread, openPage, clock } = await world()
  server.freesClaims = false
  const before = slowTool()
  const page = await openPage({ tools: { highlight: before.tool } })
  const call = server.waitingCall(thread)
  await settle()
  server.cut()
  page.close()
  await openPage({ tools: { highlight: () => "after the reload" } })
  assert.equal(server.of("answer").length, 0)
  server.threads.get(thread).calls.get(call).claim = null
  await clock.pass(3_000)
  assert.equal(server.of("answer")[0].output, "after the reload")
})

test("a reconnect while the tool runs: it is claimed again, not run again, and answered", async () => {
  const { server, thread, openPage, clock } = await world()
  const { tool, runs } = slowTool()
  await openPage({ tools: { highlight: tool } })
  server.waitingCall(thread)
  await settle()
  server.cut()
  await clock.pass(1_000)
  assert.equal(server.of("claim").length, 2)
  runs[0].resolve("done")
  await settle()
  assert.equal(runs.length, 1)
  assert.deepEqual(
    server.of("answer").map((frame) => frame.output),
    ["done"],
  )
})

test("a tool that ends while there is no line is answered when there is one", async () => {
  const { server, thread, openPage, clock } = await world()
  const { tool, runs } = slowTool()
  await openPage({ tools: { highlight: tool } })
  server.waitingCall(thread)
  await settle()
  server.cut()
  runs[0].resolve("meanwhile")
  await settle()
  await clock.pass(1_000)
  assert.deepEqual(
    server.of("answer").map((frame) => frame.output),
    ["meanwhile"],
  )
})

test("another page took the call meanwhile: its answer counts, ours is dropped", async () => {
  const { server, thread, openPage, clock } = await world()
  const { tool, runs } = slowTool()
  const client = await openPage({ tools: { highlight: tool } })
  const call = server.waitingCall(thread)
  await settle()
  server.cut()
  server.claimed(thread, call, "another tab")
  await clock.pass(1_000)
  runs[0].resolve("ours")
  await settle()
  assert.equal(runs[0].signal.aborted, false)
  server.endCall(thread, call, { output: "theirs" })
  await settle()
  assert.equal(runs[0].signal.aborted, true)
  assert.equal(partOf(client, "tool-call").output, "theirs")
  await clock.pass(10_000)
  assert.equal(server.of("answer").length, 1)
  assert.deepEqual(client.errors, [])
})

test("another page took the call and gave it back: our answer is sent after all", async () => {
  const { server, thread, openPage, clock } = await world()
  const { tool, runs } = slowTool()
  const client = await openPage({ tools: { highlight: tool } })
  const call = server.waitingCall(thread)
  await settle()
  server.cut()
  server.claimed(thread, call, "another tab")
  await clock.pass(1_000)
  runs[0].resolve("ours")
  await settle()
  server.claimed(thread, call, null)
  await clock.pass(4_000)
  assert.equal(runs.length, 1)
  assert.equal(partOf(client, "tool-call").output, "ours")
})

test("back from the cache: the running tool's call is claimed again and answered once", async () => {
  const { server, thread, openPage } = await world()
  const { tool, runs } = slowTool()
  const page = await openPage({ tools: { highlight: tool } })
  server.waitingCall(thread)
  await settle()
  page.window.dispatchEvent(new Event("pagehide"))
  await settle()
  assert.equal(page.state, "reconnecting")
  assert.equal(server.open.length, 0)
  page.window.dispatchEvent(new Event("pageshow"))
  await settle()
  assert.equal(page.state, "open")
  runs[0].resolve("back")
  await settle()
  assert.equal(runs.length, 1)
  assert.deepEqual(
    server.of("answer").map((frame) => frame.output),
    ["back"],
  )
})

test("a thread that is left: what has not begun is others', what runs is answered", async () => {
  const { server, thread, openPage } = await world()
  const { tool, runs } = slowTool()
  const client = await openPage({ tools: { highlight: tool } })
  server.waitingCall(thread)
  await settle()
  const other = server.newThread()
  client.openThread(other)
  await settle()
  runs[0].resolve("from afar")
  await settle()
  assert.deepEqual(
    server.of("answer").map((frame) => frame.output),
    ["from afar"],
  )
  client.openThread(thread)
  await settle()
  assert.equal(runs.length, 1)
})

test("a claim that is accepted after its thread was left is given back, not used", async () => {
  const { server, thread, openPage } = await world()
  const { tool, runs } = slowTool()
  const client = await openPage({ tools: { highlight: tool } })
  const call = server.waitingCall(thread)
  assert.equal(server.of("claim").length, 1)
  client.openThread(server.newThread())
  await settle()
  assert.equal(runs.length, 0)
  assert.equal(server.threads.get(thread).calls.get(call).claim, null)
  client.openThread(thread)
  await settle()
  assert.equal(runs.length, 1)
})

test("a page that goes gives no claim back whose answer is on its way", async () => {
  const { server, thread, openPage } = await world()
  server.deaf.add("answer")
  const page = await openPage({ tools: { highlight: () => 1 } })
  server.waitingCall(thread)
  await settle()
  page.window.dispatchEvent(new Event("pagehide"))
  await settle()
  assert.equal(server.of("answer").length, 1)
  assert.equal(server.of("release").length, 0)
})
