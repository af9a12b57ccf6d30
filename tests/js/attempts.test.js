/** Nobody there, or nobody known: how often it is tried, and what is said then. */

import assert from "node:assert/strict"
import { test } from "node:test"
import { settle } from "./fake-browser.js"
import { FakeServer } from "./fake-server.js"
import { lineTo } from "./lines.js"

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
  const { client } = await lineTo({ server, fetch, csrfToken: "token" })
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
    const { client, clock, errors } = await lineTo({ server, fetch })
    await clock.pass(60_000)
    assert.equal(client.state, "closed")
    assert.equal(client.error.code, "no_viewer")
    assert.deepEqual(errors, ["no_viewer"])
  }
})

test("a door that lets one in and throws one out again is left after three times", async () => {
  const server = new FakeServer()
  server.refusesWith = [4401]
  let asked = 0
  const fetch = async () => {
    asked += 1
    return new Response("{}")
  }
  const { client, clock } = await lineTo({ server, fetch })
  for (let count = 0; count < 2; count += 1) {
    // The viewer has changed, twice within the seconds that a connection takes to be stable.
    server.cut(4401)
    await clock.pass(500)
    assert.equal(client.state, "open")
  }
  server.cut(4401)
  await clock.pass(120_000)
  assert.deepEqual([client.state, client.error.code], ["closed", "no_viewer"])
  assert.equal(asked, 3)
})

test("a viewer that changes now and then is followed for ever", async () => {
  const { server, clock, client } = await lineTo({
    fetch: async () => new Response("{}"),
  })
  for (let count = 0; count < 10; count += 1) {
    await clock.pass(25_000)
    server.open[0].push({ type: "ping" })
    server.cut(4401)
    await clock.pass(1_000)
    assert.equal(client.state, "open")
  }
})

test("what is sent where the door has stayed shut is refused, and kept", async () => {
  const server = new FakeServer()
  server.refusesWith = [4401, 4401]
  const { client } = await lineTo({ server, fetch: async () => new Response("{}") })
  assert.equal(client.error.code, "no_viewer")

  await assert.rejects(client.send("Hello"), { code: "no_viewer" })
  assert.equal(client.pendingMessages[0].state, "refused")

  client.connect()
  await settle()
  await client.send("Hello")
  assert.equal(server.of("send").length, 1)
})

test("where nobody is ever reached it says so, and goes on trying", async () => {
  const server = new FakeServer()
  server.refusesWith = Array(9).fill(1006)
  const warnings = []
  const warn = (text) => warnings.push(text)
  const { client, clock, errors } = await lineTo({ server, warn })
  const sending = assert.rejects(client.send("Hello"), { code: "unreachable" })
  assert.deepEqual([client.state, client.error], ["connecting", null])

  await clock.pass(1_000)
  await sending
  assert.equal(server.sockets.length, 3)
  assert.deepEqual([client.state, client.error.code], ["connecting", "unreachable"])
  assert.deepEqual(
    client.pendingMessages.map(({ text, state }) => [text, state]),
    [["Hello", "refused"]],
  )
  client.newThread()
  assert.equal(client.error.code, "unreachable")

  await clock.pass(120_000)
  assert.deepEqual([client.state, client.error], ["open", null])
  assert.deepEqual(errors, ["unreachable"])
  assert.equal(warnings.length, 1)
  assert.match(warnings[0], /wss:\/\/shop\.example\/chatkit\/ws\/.*asgi\.py.*daphne/)
  assert.equal(server.of("send").length, 0)
})

test("a message to nobody is one more attempt, and is refused if that fails too", async () => {
  const server = new FakeServer()
  server.refusesWith = Array(4).fill(1006)
  const { client, clock } = await lineTo({ server, thread: null })
  await clock.pass(1_000)
  assert.equal(client.error.code, "unreachable")

  await assert.rejects(client.send("One"), { code: "unreachable" })
  assert.equal(server.sockets.length, 4)

  await client.send("Two")
  assert.deepEqual([client.state, client.error], ["open", null])
  assert.deepEqual(
    server.of("send").map(({ text }) => text),
    ["Two"],
  )
})

test("connect while nobody is reached tries at once, and says it again", async () => {
  const server = new FakeServer()
  server.refusesWith = Array(6).fill(1006)
  const { client, clock, errors } = await lineTo({ server })
  await clock.pass(1_000)
  client.connect()
  assert.equal(server.sockets.length, 4)
  assert.equal(client.error, null)
  await clock.pass(1_000)
  assert.equal(client.error.code, "unreachable")
  assert.deepEqual(errors, ["unreachable", "unreachable"])
})

test("connect in the middle of an attempt that fails does not silence what is wrong", async () => {
  const server = new FakeServer()
  server.refusesWith = Array(9).fill(1006)
  const { client, clock, errors } = await lineTo({ server })
  await clock.pass(1_000)
  const sending = assert.rejects(client.send("Hello"), { code: "unreachable" })
  client.connect()
  assert.equal(server.sockets.length, 4)
  await clock.pass(2_000)
  await sending
  assert.equal(client.error.code, "unreachable")
  assert.deepEqual(errors, ["unreachable", "unreachable"])
})

test("a line that was there once is lost, not unreachable", async () => {
  const { server, clock, client, errors } = await lineTo()
  server.refusesWith = Array(5).fill(1006)
  server.cut()
  const sending = client.send("Hello")
  await clock.pass(60_000)
  await sending
  assert.equal(client.state, "open")
  assert.deepEqual(errors, [])
})

test("no network while becoming a visitor: it tries again later", async () => {
  const server = new FakeServer()
  server.refusesWith = [4401, 4401]
  const answers = [
    Promise.reject(new TypeError("offline")),
    Promise.resolve(new Response("{}")),
  ]
  answers[0].catch(() => {})
  const { client, clock } = await lineTo({ server, fetch: () => answers.shift() })
  assert.equal(client.state, "connecting")
  await clock.pass(1_000)
  assert.equal(client.state, "open")
})
