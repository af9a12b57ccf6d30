/** The line: lost, found again, watched. */

import assert from "node:assert/strict"
import { test } from "node:test"
import { backoffMs, restartMs } from "../../chatkit_app/static/chatkit_app/backoff.js"
import { settle } from "./fake-browser.js"
import { FakeServer } from "./fake-server.js"
import { answer, content, lineTo } from "./lines.js"

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
  const { server } = await lineTo()
  assert.equal(server.sockets[0].url, "wss://shop.example/chatkit/ws/")
  const plain = await lineTo({ base: "http://127.0.0.1:8000/x", url: "/chat" })
  assert.equal(plain.server.sockets[0].url, "ws://127.0.0.1:8000/chat/ws/")
})

test("its states: connecting, open, reconnecting, closed", async () => {
  const { server, clock, client } = await lineTo()
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
  const { server, clock, thread, client } = await lineTo()
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
  const { server, clock } = await lineTo()
  server.refusesWith = Array(20).fill(1006)
  server.cut()
  await clock.pass(60_000)
  // Half of 0.5, 1, 2, 4, 8, 16, 30, 30 … seconds.
  assert.equal(server.sockets.length - 1, 8)
})

test("a server that drops everybody at once is not stormed", async () => {
  const { server, clock, client } = await lineTo()
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
  const { server, clock, client } = await lineTo()
  for (let count = 0; count < 10; count += 1) {
    server.cut(4012)
    await clock.pass(600)
    assert.equal(client.state, "open")
  }
})

test("three bad frames: it does not reconnect by itself", async () => {
  const { server, clock, client, errors } = await lineTo()
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

test("a socket that never says hello is given up", async () => {
  const server = new FakeServer()
  const { accept } = server
  server.accept = (socket) => server.sockets.push(socket)
  const { client, clock } = await lineTo({ server })
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
  const { client, clock } = await lineTo({ server })
  await clock.pass(60_000)
  assert.deepEqual(
    [client.state, client.error.code],
    ["closed", "unsupported_protocol"],
  )
  assert.equal(server.sockets.length, 1)
})

test("online again: it reconnects at once", async () => {
  const { server, clock, client, window } = await lineTo()
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
  const { server, clock, client, window } = await lineTo()
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
  const { server, thread } = await lineTo()
  answer(server, thread).write("x")
  server.open[0].push({ type: "ping" })
  await settle()
  assert.equal(server.of("pong").length, 1)
  assert.equal(server.of("acknowledge").at(-1).position, 3)
})

test("a line that is silent far too long is dead, whatever the browser thinks", async () => {
  const { server, clock, thread, client } = await lineTo()
  for (let count = 0; count < 20; count += 1) {
    await clock.pass(11_000)
    server.open[0].push(server.position(thread))
  }
  assert.equal(server.sockets.length, 1)
  await clock.pass(15_000)
  assert.equal(server.sockets.length, 1)
  await clock.pass(2_000)
  assert.equal(server.sockets.length, 2)
  assert.equal(client.state, "open")
})

test("no timer is left when it is closed", async () => {
  const { server, clock, thread, client } = await lineTo()
  answer(server, thread).write("x")
  await settle()
  client.close()
  assert.equal(clock.pending, 0)
})
