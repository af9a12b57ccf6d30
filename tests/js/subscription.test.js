/** A watched thread: what is acknowledged, what was missed, what is healed. */

import assert from "node:assert/strict"
import { test } from "node:test"
import { newUuid } from "./events.js"
import { settle } from "./fake-browser.js"
import { answer, content, lineTo } from "./lines.js"

test("it acknowledges every twenty events, or after a second", async () => {
  const { server, clock, thread } = await lineTo()
  await clock.pass(1_500)
  const before = server.of("acknowledge").length
  const { write } = answer(server, thread)
  for (let count = 0; count < 18; count += 1) write("x")
  await settle()
  assert.equal(server.of("acknowledge").length, before + 1)
  assert.equal(server.of("acknowledge").at(-1).position, 20)
  write("y")
  await clock.pass(900)
  assert.equal(server.of("acknowledge").length, before + 1)
  await clock.pass(200)
  assert.equal(server.of("acknowledge").at(-1).position, 21)
  await clock.pass(5_000)
  assert.equal(server.of("acknowledge").length, before + 2)
})

test("a reset is acknowledged within a second, too", async () => {
  const { server, clock, thread } = await lineTo()
  assert.equal(server.of("acknowledge").length, 0)
  await clock.pass(1_000)
  assert.equal(server.of("acknowledge").length, 1)
  assert.equal(server.of("acknowledge")[0].position, server.position(thread).position)
})

test("a long replay is acknowledged in few frames", async () => {
  const { server, clock, thread } = await lineTo()
  await clock.pass(2_000)
  const before = server.of("acknowledge").length
  const { write } = answer(server, thread)
  for (let count = 0; count < 1_000; count += 1) write("x")
  await clock.pass(100)
  assert.ok(server.of("acknowledge").length - before <= 3)
  assert.equal(server.of("acknowledge").at(-1).position, 1_002)
})

test("a gap is noticed and filled", async () => {
  const { server, thread, client } = await lineTo()
  const { write } = answer(server, thread)
  write("lost ", { isShown: false })
  write("and ")
  write("found")
  await settle()
  assert.equal(content(client), "lost and found")
  assert.equal(server.of("subscribe").length, 2)
})

test("the last event of all is missed: the position tells", async () => {
  const { server, clock, thread, client } = await lineTo()
  const { write } = answer(server, thread)
  write("the end", { isShown: false })
  server.open[0].push(server.position(thread))
  await clock.pass(1_900)
  assert.equal(content(client), "")
  await clock.pass(200)
  assert.equal(content(client), "the end")
})

test("a slow line that is still bringing the rest is left in peace", async () => {
  const { server, clock, thread } = await lineTo()
  const { write } = answer(server, thread)
  for (let count = 0; count < 6; count += 1) write("x", { isShown: false })
  const late = server.threads.get(thread).events.slice(2)
  server.open[0].push(server.position(thread))
  for (const frame of late) {
    await clock.pass(1_500)
    server.open[0].push(frame)
  }
  await clock.pass(5_000)
  assert.equal(server.of("subscribe").length, 1)
})

test("a wrong digest is healed by a snapshot", async () => {
  const { server, thread, client } = await lineTo()
  const { part, write } = answer(server, thread)
  write("text")
  const digest = "0".repeat(64)
  const ended = {
    type: "part.ended",
    partId: part,
    state: "complete",
    length: 4,
    digest,
  }
  server.append(thread, ended)
  await settle()
  assert.deepEqual(server.of("subscribe").slice(1), [{ type: "subscribe", thread }])
  assert.equal(content(client), "text")
})

test("without crypto.subtle, on plain http, the length alone is checked", async () => {
  const getRandomValues = (bytes) => globalThis.crypto.getRandomValues(bytes)
  const { server, thread } = await lineTo({ crypto: { getRandomValues } })
  const { part } = answer(server, thread)
  const ended = { type: "part.ended", partId: part, state: "complete", length: 0 }
  server.append(thread, { ...ended, digest: "wrong" })
  await settle()
  assert.equal(server.of("subscribe").length, 1)
})

test("an offset that does not fit is healed by a snapshot", async () => {
  const { server, thread, client } = await lineTo()
  const { part, write } = answer(server, thread)
  write("text")
  const position = server.threads.get(thread).state.position + 1
  const event = { type: "part.delta", partId: part, offset: 9, delta: "?" }
  server.open[0].push({ type: "event", thread, position, event })
  await settle()
  assert.deepEqual(server.of("subscribe").slice(1), [{ type: "subscribe", thread }])
  assert.equal(content(client), "text")
})

test("what can't be healed is asked for ever more patiently", async () => {
  const { server, clock, thread } = await lineTo()
  const nonsense = { type: "part.delta", partId: newUuid(), offset: 0, delta: "?" }
  const { reset } = server
  server.reset = (id) => {
    const frame = reset.call(server, id)
    const position = frame.position + 1
    queueMicrotask(() =>
      server.tellAll(id, { type: "event", thread: id, position, event: nonsense }),
    )
    return frame
  }
  const start = { type: "event", thread, position: 1, event: nonsense }
  server.tellAll(thread, start)
  await clock.pass(60_000)
  assert.ok(
    server.of("subscribe").length < 12,
    `${server.of("subscribe").length} in a minute`,
  )
})

test("another epoch brings a snapshot", async () => {
  const { server, thread, client } = await lineTo()
  answer(server, thread).write("before")
  await settle()
  const known = server.threads.get(thread)
  known.state = { ...known.state, epoch: "erased", messages: [], position: 1 }
  known.events = []
  server.open[0].push(server.position(thread))
  await settle()
  assert.deepEqual(client.messages, [])
})

test("what is no frame, and frames that are newer than us, do no harm", async () => {
  const { server, client } = await lineTo()
  for (const data of [
    "{",
    "null",
    '{"type":"news"}',
    '{"type":"event","position":1}',
  ]) {
    server.open[0].push(data)
  }
  await settle()
  assert.equal(client.state, "open")
})
