/** What tools tell a page, once: effects and notices. And what they leave behind: progress. */

import assert from "node:assert/strict"
import { test } from "node:test"
import { settle } from "./fake-browser.js"
import { partOf, world } from "./pages.js"

function effect(toolCallId, data, rest = {}) {
  return { type: "effect", toolCallId, name: "refresh", data, tab: "", ...rest }
}

function progressed(toolCallId, rest = {}) {
  const nothing = { text: "", fraction: null, preliminary: null, notice: null }
  return { type: "tool_call.progressed", toolCallId, ...nothing, ...rest }
}

function notice(text, level = "info") {
  return { level, title: "", text }
}

/** A page that writes down what it is told, and a call that runs. */
async function listening(options = {}) {
  const { openPage, ...place } = await world()
  const { server, thread } = place
  const call = server.runningCall(thread)
  const openListener = async () => {
    const client = await openPage(options)
    client.told = []
    for (const type of ["effect", "notice"])
      client.addEventListener(type, ({ detail }) => client.told.push(detail))
    return client
  }
  return { ...place, call, openListener, client: await openListener() }
}

test("every page hears an effect, and knows whether it is its own", async () => {
  const { server, thread, call, client, openListener } = await listening()
  const other = await openListener()
  server.append(thread, effect(call, { rows: [1] }, { tab: client.tab }))
  await settle()
  const told = { toolCallId: call, name: "refresh", data: { rows: [1] } }
  assert.deepEqual(client.told, [{ ...told, tab: client.tab, isOurs: true }])
  assert.deepEqual(other.told, [{ ...told, tab: client.tab, isOurs: false }])
})

test("whoever hears an effect sees the thread as it is by then", async () => {
  const { server, thread, call, client } = await listening()
  const seen = []
  client.addEventListener("effect", () =>
    seen.push(partOf(client, "tool-call").progress),
  )
  server.append(thread, progressed(call, { text: "Half", fraction: 0.5 }))
  server.append(thread, effect(call, null))
  await settle()
  assert.equal(seen[0].text, "Half")
})

test("an effect that was missed on a lost line is heard on the next one, each once", async () => {
  const { server, clock, thread, call, client } = await listening()
  server.append(thread, effect(call, 1))
  await settle()
  server.cut()
  for (const data of [2, 3]) server.append(thread, effect(call, data))
  await clock.pass(2_000)
  assert.deepEqual(
    client.told.map(({ data }) => data),
    [1, 2, 3],
  )
})

test("a frame that comes twice is heard once", async () => {
  const { server, thread, call, client } = await listening()
  const frame = server.append(thread, effect(call, 1))
  server.tellAll(thread, frame)
  await settle()
  assert.equal(client.told.length, 1)
})

test("a snapshot that is older than what was heard makes nothing be heard again", async () => {
  const { server, thread, call, client } = await listening()
  const before = server.reset(thread)
  const frame = server.append(thread, effect(call, 1))
  server.tellAll(thread, before)
  server.tellAll(thread, frame)
  const another = server.append(thread, effect(call, 2))
  await settle()
  assert.equal(client.told.length, 2)
  assert.equal(another.position, frame.position + 1)
  assert.deepEqual(
    client.told.map(({ data }) => data),
    [1, 2],
  )
})

test("a page that comes later is told of no effect, and a thread that is left of none", async () => {
  const { server, thread, call, client, openListener } = await listening()
  server.append(thread, effect(call, 1))
  server.append(thread, progressed(call, { notice: notice("Low stock") }))
  await settle()
  const late = await openListener()
  client.newThread()
  server.append(thread, effect(call, 2))
  await settle()
  assert.deepEqual(
    late.told.map(({ data }) => data),
    [2],
  )
  assert.equal(client.told.length, 2)
})

test("a notice is heard when it is new, not with each progress that repeats it", async () => {
  const { server, thread, call, client, openListener } = await listening()
  const low = notice("Low stock", "warning")
  server.append(thread, progressed(call, { notice: low }))
  server.append(thread, progressed(call, { notice: low, fraction: 0.5 }))
  await settle()
  const late = await openListener()
  server.append(thread, progressed(call, { notice: low, fraction: 0.7 }))
  server.append(thread, progressed(call, { notice: notice("None left", "danger") }))
  await settle()
  assert.deepEqual(client.told, [
    { toolCallId: call, ...low },
    { toolCallId: call, level: "danger", title: "", text: "None left" },
  ])
  assert.deepEqual(
    late.told.map(({ text }) => text),
    ["None left"],
  )
})

test("the newest of progress, preliminary output and notice is there for whoever joins", async () => {
  const { server, thread, call, client, openListener } = await listening()
  const progress = {
    text: "Reading orders",
    fraction: 0.4,
    preliminary: { rows: 3 },
    notice: notice("Low stock"),
  }
  server.append(thread, progressed(call, progress))
  await settle()
  assert.deepEqual(partOf(client, "tool-call").progress, progress)
  const late = await openListener()
  assert.deepEqual(partOf(late, "tool-call").progress, progress)
  server.endCall(thread, call, { output: { rows: 9 } })
  await settle()
  assert.equal(partOf(client, "tool-call").progress, null)
})

test("a server that knows of words and numbers alone has nothing else to show", async () => {
  const { server, thread, call, client } = await listening()
  const { type, toolCallId } = progressed(call)
  server.append(thread, { type, toolCallId, text: "Half", fraction: 0.5 })
  await settle()
  const { preliminary, notice: none } = partOf(client, "tool-call").progress
  assert.deepEqual([preliminary, none, client.told], [null, null, []])
})

test("an effect of a call that is not shown is heard all the same", async () => {
  const { server, thread, client } = await listening()
  server.append(thread, effect("a call of an older message", 1))
  await settle()
  assert.equal(client.told.length, 1)
})
