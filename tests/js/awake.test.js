/** Lines that die without a word, pages that sleep, clocks that jump, servers that do not answer. */

import assert from "node:assert/strict"
import { test } from "node:test"
import { environment } from "../../chatkit_app/static/chatkit_app/environment.js"
import { settle } from "./fake-browser.js"
import { FakeServer } from "./fake-server.js"
import { answer, content, lineTo } from "./lines.js"

/** The line is cut in the middle: both ends believe in it, nothing arrives. */
function halfOpen(server) {
  for (const socket of server.open) {
    socket.send = () => {}
    socket.push = () => {}
  }
}

/** The server tells its position every two seconds, as it does on a quiet thread. */
async function passQuietly(server, clock, thread, ms) {
  for (let rest = ms; rest > 0; rest -= 2_000) {
    await clock.pass(Math.min(rest, 2_000))
    for (const socket of server.open) socket.push(server.position(thread))
  }
}

test("a half-open line is noticed and replaced, and the rest comes", async () => {
  const { server, clock, thread, client } = await lineTo()
  const { write } = answer(server, thread)
  await passQuietly(server, clock, thread, 60_000)
  assert.equal(server.sockets.length, 1)
  halfOpen(server)
  write("while nobody listened")
  await clock.pass(17_000)
  assert.equal(server.sockets.length, 2)
  assert.equal(content(client), "while nobody listened")
})

test("on a half-open line a command goes out again, with the same id", async () => {
  const { server, clock, client } = await lineTo({ thread: null })
  await clock.pass(10_000)
  halfOpen(server)
  const sending = client.send("Hello")
  await clock.pass(17_000)
  assert.ok((await sending).thread)
  assert.equal(server.sockets.length, 2)
  assert.equal(server.of("send").length, 1)
})

test("a line that nobody has spoken on for long is doubted as soon as something is asked", async () => {
  const { server, clock, client } = await lineTo({ thread: null })
  await clock.pass(600_000)
  assert.equal(server.sockets.length, 1, "an idle page owes nobody anything")
  halfOpen(server)
  const sending = client.send("Hello")
  await clock.pass(4_500)
  assert.ok((await sending).thread)
})

test("a thread that was refused is no reason to doubt the line", async () => {
  const server = new FakeServer()
  const { clock, client } = await lineTo({ server, thread: "nowhere" })
  assert.equal(client.error.code, "thread_not_found")
  await clock.pass(120_000)
  assert.equal(server.sockets.length, 1)
})

for (const [type, name] of [
  ["visibilitychange", "looked at again"],
  ["online", "online again"],
  ["offline", "offline"],
]) {
  test(`${name}: a line that is dead by then is noticed in seconds`, async () => {
    const { server, clock, client, window } = await lineTo()
    halfOpen(server)
    window.dispatchEvent(new Event(type))
    await clock.pass(4_500)
    assert.equal(server.sockets.length, 2)
    assert.equal(client.state, "open")
  })
}

test("looked at again: a line that lives is left alone", async () => {
  const { server, clock, thread, window } = await lineTo()
  for (let count = 0; count < 10; count += 1) {
    window.dispatchEvent(new Event("visibilitychange"))
    await passQuietly(server, clock, thread, 4_000)
  }
  assert.equal(server.sockets.length, 1)
  assert.ok(server.of("pong").length <= 10)
})

test("looked at again: it does not wait for its next attempt", async () => {
  const { server, clock, client, window } = await lineTo()
  server.refusesWith = Array(6).fill(1006)
  server.cut()
  await clock.pass(12_000)
  assert.equal(client.state, "reconnecting")
  server.refusesWith = []
  window.dispatchEvent(new Event("visibilitychange"))
  await settle()
  assert.equal(client.state, "open")
})

test("a page that nobody looks at does not hurry", async () => {
  let isHidden = true
  const { server, clock, window, client } = await lineTo({ isHidden: () => isHidden })
  server.refusesWith = Array(6).fill(1006)
  server.cut()
  await clock.pass(5_000)
  const { length } = server.sockets
  for (let count = 0; count < 20; count += 1)
    window.dispatchEvent(new Event("visibilitychange"))
  await settle()
  assert.equal(server.sockets.length, length)
  isHidden = false
  for (let count = 0; count < 20; count += 1)
    window.dispatchEvent(new Event("visibilitychange"))
  await settle()
  assert.equal(server.sockets.length, length + 1, "nor does one that flickers")
  assert.equal(client.state, "reconnecting")
})

test("a frozen page lets go of its line, and takes it up where it was", async () => {
  const { server, clock, thread, client, window } = await lineTo()
  const { write } = answer(server, thread)
  write("one ")
  await settle()
  window.dispatchEvent(new Event("freeze"))
  assert.equal(server.open.length, 0)
  write("two")
  await clock.pass(3_600_000)
  assert.equal(server.sockets.length, 1)
  window.dispatchEvent(new Event("resume"))
  await settle()
  assert.equal(content(client), "one two")
  assert.equal(server.of("subscribe").at(-1).position, 3)
})

test("a hidden tab, whose timers ring once a minute, acknowledges with the events", async () => {
  const { server, clock, thread } = await lineTo()
  await clock.pass(2_000)
  clock.slumber = 60_000
  const { write } = answer(server, thread)
  for (let second = 0; second < 30; second += 1) {
    for (let count = 0; count < 30; count += 1) write("x")
    await clock.pass(1_000)
    const unread =
      server.position(thread).position - server.of("acknowledge").at(-1).position
    assert.ok(unread < 60, `${unread} events unacknowledged`)
  }
  assert.ok(server.of("acknowledge").length < 60)
})

test("a hidden tab that missed the last event asks when the position comes again", async () => {
  const { server, clock, thread, client } = await lineTo()
  clock.slumber = 60_000
  const { write } = answer(server, thread)
  write("the end", { isShown: false })
  server.open[0].push(server.position(thread))
  await clock.pass(2_100)
  assert.equal(content(client), "")
  server.open[0].push(server.position(thread))
  await settle()
  assert.equal(content(client), "the end")
})

test("a laptop that slept: late timers do not take a living line for dead", async () => {
  const { server, clock, thread } = await lineTo()
  clock.now += 3_600_000
  await clock.pass(500)
  server.open[0].push(server.position(thread))
  await passQuietly(server, clock, thread, 60_000)
  assert.equal(server.sockets.length, 1)
})

test("a subscribe that is never answered, on a line that lives, is asked again", async () => {
  const server = new FakeServer()
  server.deaf.add("subscribe")
  const { clock, client } = await lineTo({ server })
  for (let count = 0; count < 6; count += 1) {
    await clock.pass(1_900)
    server.open[0].push({ type: "ping" })
  }
  assert.equal(server.of("subscribe").length, 2)
  server.deaf.clear()
  for (let count = 0; count < 20 && client.thread === null; count += 1) {
    await clock.pass(1_900)
    server.open[0].push({ type: "ping" })
  }
  assert.notEqual(client.thread, null)
  assert.equal(server.sockets.length, 1)
})

test("a hole in the log is asked about ever more rarely", async () => {
  const { server, clock, thread } = await lineTo()
  const { write } = answer(server, thread)
  write("never ", { isShown: false })
  server.threads.get(thread).events.pop()
  write("more")
  for (let count = 0; count < 60; count += 1) {
    await clock.pass(1_000)
    server.tellAll(thread, server.threads.get(thread).events.at(-1))
  }
  const asked = server.of("subscribe").length
  assert.ok(asked < 15, `${asked} in a minute`)
})

test("a server that stays ahead and brings nothing is asked ever more rarely", async () => {
  const { server, clock, thread } = await lineTo()
  const ahead = { ...server.position(thread), position: 99 }
  server.position = () => ahead
  await passQuietly(server, clock, thread, 120_000)
  const asked = server.of("subscribe").length
  assert.ok(asked > 2 && asked < 20, `${asked} in two minutes`)
})

for (const code of [1001, 1011, 1012, 1013, 3000, 4008, 4429, 4500, 4999]) {
  test(`closed with ${code}: it is back, and goes on where it was`, async () => {
    const { server, clock, thread, client } = await lineTo()
    const { write } = answer(server, thread)
    write("one ")
    await settle()
    server.cut(code)
    write("two")
    await clock.pass(1_000)
    assert.equal(content(client), "one two")
    assert.equal(server.of("subscribe").at(-1).position, 3)
  })
}

test("a calendar that jumps changes nothing: not the back-off, not the line, not a draft", async () => {
  let jump = 0
  const date = () => Date.UTC(2026, 0, 5) + jump
  const { server, clock, thread, client } = await lineTo({ date })
  for (const by of [90_000, -90_000, 86_400_000, -86_400_000]) {
    jump += by
    await passQuietly(server, clock, thread, 20_000)
    server.deaf.add("send")
    const sending = client.send(`after ${by}`)
    await settle()
    server.deaf.clear()
    server.cut()
    jump -= by / 2
    await clock.pass(1_000)
    assert.equal((await sending).thread, thread)
    await clock.pass(6_000)
  }
  assert.equal(server.sockets.length, 5)
  assert.equal(client.messages.length, 4)
})

test("time is told by a clock that nobody sets", () => {
  const { now, date } = environment({})
  assert.ok(Math.abs(now() - performance.now()) < 1_000)
  assert.ok(Math.abs(date() - Date.now()) < 1_000)
})

test("a browser without a network is no proof that nobody is there", async () => {
  let isOnline = false
  const server = new FakeServer()
  server.refusesWith = Array(50).fill(1006)
  const options = { server, isOnline: () => isOnline }
  const { clock, client, window } = await lineTo(options)
  const sending = client.send("Hello")
  await clock.pass(20_000)
  assert.equal(client.error, null)
  assert.equal(client.pendingMessages[0].state, "sending")
  isOnline = true
  server.refusesWith = []
  window.dispatchEvent(new Event("online"))
  await settle()
  assert.ok((await sending).thread)
})
