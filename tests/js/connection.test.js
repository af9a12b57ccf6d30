/** The line: lost, found again, watched; what is acknowledged, what is healed. */

import assert from "node:assert/strict"
import { test } from "node:test"
import { backoffMs, restartMs } from "../../chatkit_app/static/chatkit_app/backoff.js"
import { ChatKitClient } from "../../chatkit_app/static/chatkit_app/client.js"
import { FakeClock, fakeBrowser, settle } from "./fake-browser.js"
import { FakeServer, messageCreated, newUuid, partStarted } from "./fake-server.js"

async function world({ server = new FakeServer(), ...options } = {}) {
  const clock = new FakeClock()
  const thread = server.newThread()
  const browser = fakeBrowser(server, clock)
  const client = new ChatKitClient({ thread, ...browser, ...options })
  const errors = []
  client.addEventListener("error", ({ detail }) => errors.push(detail.code))
  client.connect()
  await settle()
  return { server, clock, thread, client, errors, window: browser.window }
}

/** An answer with one open part, to which `write` adds. */
function answer(server, thread) {
  const [message, part] = [newUuid(), newUuid()]
  server.append(thread, messageCreated(message))
  server.append(thread, partStarted(message, part))
  let offset = 0
  const write = (delta, options) => {
    server.append(thread, { type: "part.delta", partId: part, offset, delta }, options)
    offset += delta.length
  }
  return { message, part, write }
}

function content(client) {
  return client.messages.at(-1).parts[0].content
}

test("back-off doubles, is spread over its whole width and ends at thirty seconds", () => {
  const most = [0, 1, 2, 5, 6, 20, 5_000].map((attempt) => backoffMs(attempt, () => 1))
  assert.deepEqual(most, [500, 1_000, 2_000, 16_000, 30_000, 30_000, 30_000])
  assert.equal(
    backoffMs(3, () => 0),
    0,
  )
  assert.equal(
    backoffMs(3, () => 0.25),
    1_000,
  )
  assert.equal(
    restartMs(() => 0.9),
    900,
  )
})

test("the address of the socket follows the page's", async () => {
  const { server } = await world()
  assert.equal(server.sockets[0].url, "wss://shop.example/chatkit/ws/")
  const plain = await world({ base: "http://127.0.0.1:8000/x", url: "/chat" })
  assert.equal(plain.server.sockets[0].url, "ws://127.0.0.1:8000/chat/ws/")
})

test("its states: connecting, open, reconnecting, closed", async () => {
  const { server, clock, client } = await world()
  assert.equal(client.state, "open")
  server.cut()
  assert.equal(client.state, "reconnecting")
  await clock.pass(1_000)
  assert.equal(client.state, "open")
  client.close()
  assert.equal(client.state, "closed")
  await clock.pass(60_000)
  assert.equal(server.sockets.length, 2)
  client.connect()
  assert.equal(client.state, "connecting")
  await settle()
  assert.equal(client.state, "open")
})

test("after a lost line it asks for the rest from where it was", async () => {
  const { server, clock, thread, client } = await world()
  const { write } = answer(server, thread)
  write("one ")
  await settle()
  server.cut()
  write("two ")
  await clock.pass(1_000)
  assert.equal(content(client), "one two ")
  const [first, second] = server.of("subscribe")
  assert.deepEqual(first, { type: "subscribe", thread })
  assert.deepEqual(second, {
    type: "subscribe",
    thread,
    epoch: `epoch-${thread}`,
    position: 3,
  })
})

test("attempts that fail come at ever longer intervals", async () => {
  const { server, clock } = await world()
  server.refusesWith = Array(20).fill(1006)
  server.cut()
  await clock.pass(60_000)
  // Half of 0.5, 1, 2, 4, 8, 16, 30, 30 … seconds.
  assert.equal(server.sockets.length - 1, 8)
})

test("a server that drops everybody at once is not stormed", async () => {
  const { server, clock, client } = await world()
  for (let count = 0; count < 8; count += 1) {
    server.cut()
    while (client.state !== "open") await clock.pass(50)
  }
  assert.ok(clock.now > 25_000, `${clock.now} ms for eight connections`)
  await clock.pass(6_000)
  server.cut()
  await clock.pass(300)
  assert.equal(client.state, "open")
})

test("a restart: everybody is back within a second, without counting it as a failure", async () => {
  const { server, clock, client } = await world()
  for (let count = 0; count < 10; count += 1) {
    server.cut(4012)
    await clock.pass(600)
    assert.equal(client.state, "open")
  }
})

test("three bad frames: it does not reconnect by itself", async () => {
  const { server, clock, client, errors } = await world()
  server.deaf.add("send")
  const sending = assert.rejects(client.send("Hello"), { code: "bad_frames" })
  await settle()
  server.cut(4400)
  await sending
  await clock.pass(120_000)
  assert.equal(client.state, "closed")
  assert.equal(server.sockets.length, 1)
  assert.deepEqual(errors, ["bad_frames"])
  client.connect()
  await settle()
  assert.equal(client.state, "open")
  assert.equal(client.error, null)
})

test("nobody at the door: it becomes a visitor, once", async () => {
  const server = new FakeServer()
  server.refusesWith = [4401]
  const requests = []
  const fetch = async (url, init) => {
    requests.push([
      String(url),
      init.method,
      init.headers["X-CSRFToken"],
      init.credentials,
    ])
    return new Response('{"viewer":"v:1"}')
  }
  const { client } = await world({ server, fetch, csrfToken: "token" })
  const visitor = [
    "https://shop.example/chatkit/visitor/",
    "POST",
    "token",
    "same-origin",
  ]
  assert.deepEqual(requests, [visitor])
  assert.equal(client.state, "open")
})

test("a door that stays shut ends it, with the reason", async () => {
  for (const status of [200, 403]) {
    const server = new FakeServer()
    server.refusesWith = [4401, 4401]
    const fetch = async () => new Response("{}", { status })
    const { client, clock, errors } = await world({ server, fetch })
    await clock.pass(60_000)
    assert.equal(client.state, "closed")
    assert.equal(client.error.code, "no_viewer")
    assert.deepEqual(errors, ["no_viewer"])
  }
})

test("no network while becoming a visitor: it tries again later", async () => {
  const server = new FakeServer()
  server.refusesWith = [4401, 4401]
  const answers = [
    Promise.reject(new TypeError("offline")),
    Promise.resolve(new Response("{}")),
  ]
  answers[0].catch(() => {})
  const { client, clock } = await world({ server, fetch: () => answers.shift() })
  assert.equal(client.state, "connecting")
  await clock.pass(1_000)
  assert.equal(client.state, "open")
})

test("a socket that never says hello is given up", async () => {
  const server = new FakeServer()
  const { accept } = server
  server.accept = (socket) => server.sockets.push(socket)
  const { client, clock } = await world({ server })
  await clock.pass(14_000)
  assert.equal(server.sockets.length, 1)
  server.accept = accept
  await clock.pass(2_000)
  assert.equal(client.state, "open")
})

test("a server that speaks a newer protocol is left alone", async () => {
  const server = new FakeServer()
  server.accept = (socket) => {
    server.sockets.push(socket)
    const hello = { type: "hello", protocol: 2, viewer: "u:1", maxFrameBytes: 1 }
    queueMicrotask(() => socket.push(hello))
  }
  const { client, clock } = await world({ server })
  await clock.pass(60_000)
  assert.deepEqual(
    [client.state, client.error.code],
    ["closed", "unsupported_protocol"],
  )
  assert.equal(server.sockets.length, 1)
})

test("online again: it reconnects at once", async () => {
  const { server, clock, client, window } = await world()
  server.refusesWith = Array(6).fill(1006)
  server.cut()
  await clock.pass(12_000)
  assert.equal(client.state, "reconnecting")
  server.refusesWith = []
  window.dispatchEvent(new Event("online"))
  await settle()
  assert.equal(client.state, "open")
})

test("a page that is put away lets go of its socket, and takes it up when it is back", async () => {
  const { server, clock, client, window } = await world()
  window.dispatchEvent(new Event("pagehide"))
  assert.equal(server.open.length, 0)
  await clock.pass(60_000)
  assert.equal(server.sockets.length, 1)
  window.dispatchEvent(new Event("pageshow"))
  await settle()
  assert.equal(client.state, "open")
  client.close()
  window.dispatchEvent(new Event("pagehide"))
  window.dispatchEvent(new Event("pageshow"))
  await settle()
  assert.equal(client.state, "closed")
})

test("a ping is answered at once, and what has arrived is acknowledged with it", async () => {
  const { server, thread } = await world()
  answer(server, thread).write("x")
  server.open[0].push({ type: "ping" })
  await settle()
  assert.equal(server.of("pong").length, 1)
  assert.equal(server.of("acknowledge").at(-1).position, 3)
})

test("a line that is silent far too long is dead, whatever the browser thinks", async () => {
  const { server, clock, thread, client } = await world()
  for (let count = 0; count < 20; count += 1) {
    await clock.pass(20_000)
    server.open[0].push(server.position(thread))
  }
  assert.equal(server.sockets.length, 1)
  await clock.pass(32_000)
  assert.equal(server.sockets.length, 2)
  assert.equal(client.state, "open")
})

test("it acknowledges every twenty events, or after a second", async () => {
  const { server, clock, thread } = await world()
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

test("a long replay is acknowledged in few frames", async () => {
  const { server, clock, thread } = await world()
  await clock.pass(2_000)
  const before = server.of("acknowledge").length
  const { write } = answer(server, thread)
  for (let count = 0; count < 1_000; count += 1) write("x")
  await clock.pass(100)
  assert.ok(server.of("acknowledge").length - before <= 3)
  assert.equal(server.of("acknowledge").at(-1).position, 1_002)
})

test("a gap is noticed and filled", async () => {
  const { server, thread, client } = await world()
  const { write } = answer(server, thread)
  write("lost ", { isShown: false })
  write("and ")
  write("found")
  await settle()
  assert.equal(content(client), "lost and found")
  assert.equal(server.of("subscribe").length, 2)
})

test("the last event of all is missed: the position tells", async () => {
  const { server, clock, thread, client } = await world()
  const { write } = answer(server, thread)
  write("the end", { isShown: false })
  server.open[0].push(server.position(thread))
  await clock.pass(1_900)
  assert.equal(content(client), "")
  await clock.pass(200)
  assert.equal(content(client), "the end")
})

test("a slow line that is still bringing the rest is left in peace", async () => {
  const { server, clock, thread } = await world()
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
  const { server, thread, client } = await world()
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
  assert.deepEqual(server.of("subscribe").at(-1), { type: "subscribe", thread })
  assert.equal(server.of("subscribe").length, 2)
  assert.equal(content(client), "text")
})

test("without crypto.subtle, on plain http, the length alone is checked", async () => {
  const getRandomValues = (bytes) => globalThis.crypto.getRandomValues(bytes)
  const { server, thread } = await world({ crypto: { getRandomValues } })
  const { part } = answer(server, thread)
  const ended = { type: "part.ended", partId: part, state: "complete", length: 0 }
  server.append(thread, { ...ended, digest: "wrong" })
  await settle()
  assert.equal(server.of("subscribe").length, 1)
})

test("an offset that does not fit is healed by a snapshot", async () => {
  const { server, thread, client } = await world()
  const { part, write } = answer(server, thread)
  write("text")
  const position = server.threads.get(thread).state.position + 1
  const event = { type: "part.delta", partId: part, offset: 9, delta: "?" }
  server.open[0].push({ type: "event", thread, position, event })
  await settle()
  assert.deepEqual(server.of("subscribe").at(-1), { type: "subscribe", thread })
  assert.equal(content(client), "text")
})

test("what can't be healed is asked for ever more patiently", async () => {
  const { server, clock, thread } = await world()
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
  const { server, thread, client } = await world()
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
  const { server, client } = await world()
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

test("no timer is left when it is closed", async () => {
  const { server, clock, thread, client } = await world()
  answer(server, thread).write("x")
  await settle()
  client.close()
  assert.equal(clock.pending, 0)
})
