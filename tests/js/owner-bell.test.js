/** Lists that are live: the server is asked once a socket, and listeners hear of each change. */

import assert from "node:assert/strict"
import { test } from "node:test"
import { ChatKitClient } from "../../chatkit_app/static/chatkit_app/index.js"
import { FakeClock, fakeBrowser, settle } from "./fake-browser.js"
import { FakeServer } from "./fake-server.js"

/** A client whose listeners count what they hear. */
async function world() {
  const server = new FakeServer()
  const clock = new FakeClock()
  const browser = fakeBrowser(server, clock)
  const client = new ChatKitClient({ assistant: "shop", ...browser })
  const heard = { threads: 0, approvals: 0 }
  const listenTo = {
    threads: () => client.watchThreads(() => (heard.threads += 1)),
    approvals: () => client.watchApprovals(() => (heard.approvals += 1)),
  }
  return { server, clock, browser, client, heard, listenTo }
}

function ring(server, type = "threads.changed") {
  for (const socket of server.open) socket.push({ type })
}

test("the server is asked as soon as there is a line and somebody listens, and once", async () => {
  const { server, client, listenTo } = await world()
  listenTo.threads()
  assert.equal(server.of("watch").length, 0)
  client.connect()
  await settle()
  listenTo.threads()
  listenTo.approvals()
  await settle()
  assert.deepEqual(server.of("watch"), [{ type: "watch" }])
})

test("who is not interested asks nothing", async () => {
  const { server, client } = await world()
  client.connect()
  await settle()
  assert.equal(server.of("watch").length, 0)
})

test("each listener hears of its own list", async () => {
  const { server, client, heard, listenTo } = await world()
  client.connect()
  await settle()
  listenTo.threads()
  listenTo.approvals()
  ring(server)
  ring(server)
  ring(server, "approvals.changed")
  assert.deepEqual(heard, { threads: 2, approvals: 1 })
})

test("on the next line it is asked again, and the first ring there is heard", async () => {
  const { server, clock, client, heard, listenTo } = await world()
  listenTo.threads()
  client.connect()
  await settle()
  ring(server)
  server.cut()
  await clock.pass(60_000)
  await settle()
  ring(server)
  assert.equal(server.of("watch").length, 2)
  assert.equal(heard.threads, 2)
})

test("who comes late is told to read, for the first ring was before", async () => {
  const { server, client, heard, listenTo } = await world()
  client.connect()
  await settle()
  client.watchThreads(() => {})
  ring(server)
  listenTo.threads()
  listenTo.approvals()
  await settle()
  assert.deepEqual(heard, { threads: 1, approvals: 0 })
})

test("who has stopped listening hears nothing more, whatever others do", async () => {
  const { server, clock, client, heard, listenTo } = await world()
  client.connect()
  await settle()
  const stops = [listenTo.threads(), listenTo.threads()]
  stops[0]()
  stops[0]()
  ring(server)
  assert.equal(heard.threads, 1)
  stops[1]()
  ring(server)
  server.cut()
  await clock.pass(60_000)
  await settle()
  assert.equal(heard.threads, 1)
  assert.equal(server.of("watch").length, 1)
})

test("a listener that stops before its first call is not called", async () => {
  const { server, client, heard, listenTo } = await world()
  client.connect()
  await settle()
  client.watchThreads(() => {})
  ring(server)
  listenTo.threads()()
  await settle()
  assert.equal(heard.threads, 0)
})

test("a page that may have slept reads again: its line may be dead", async () => {
  const { server, browser, client, heard, listenTo } = await world()
  client.connect()
  await settle()
  listenTo.threads()
  ring(server)
  browser.window.dispatchEvent(new Event("online"))
  assert.equal(heard.threads, 2)
})

test("of a list that the server never rings for nothing is heard on waking up", async () => {
  const { server, browser, client, heard, listenTo } = await world()
  client.connect()
  await settle()
  listenTo.threads()
  listenTo.approvals()
  ring(server)
  browser.window.dispatchEvent(new Event("online"))
  assert.deepEqual(heard, { threads: 2, approvals: 0 })
})
