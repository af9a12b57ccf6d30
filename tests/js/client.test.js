/** The client: sending, threads, history, and what it tells. */

import assert from "node:assert/strict"
import { test } from "node:test"
import {
  ChatKitClient,
  ChatKitError,
} from "../../chatkit_app/static/chatkit_app/index.js"
import { messageCreated, newUuid, partStarted, runChanged } from "./events.js"
import { FakeClock, fakeBrowser, settle } from "./fake-browser.js"
import { FakeServer } from "./fake-server.js"

async function world(options = {}) {
  const server = new FakeServer()
  const clock = new FakeClock()
  const browser = fakeBrowser(server, clock)
  const client = new ChatKitClient({ assistant: "shop", ...browser, ...options })
  client.connect()
  await settle()
  return { server, clock, browser, client }
}

test("the first message makes the thread, and the page watches it", async () => {
  const { server, client } = await world({ page: () => ({ path: "/cart/" }) })
  const sent = await client.send("Where is my order 1042?")
  await settle()
  assert.equal(client.threadId, sent.thread)
  assert.equal(client.thread.assistant, "shop")
  assert.equal(client.messages[0].id, sent.message)
  assert.equal(client.run.id, sent.run)
  assert.equal(client.isBusy, true)
  const [frame] = server.of("send")
  assert.equal(frame.thread, null)
  assert.equal(frame.tab, client.tab)
  assert.deepEqual(frame.page, { path: "/cart/" })
})

test("a message is pending until the thread shows it", async () => {
  const { client } = await world()
  const sending = client.send("Hello")
  assert.deepEqual(
    client.pendingMessages.map(({ text, state }) => [text, state]),
    [["Hello", "sending"]],
  )
  await sending
  await settle()
  assert.deepEqual(client.pendingMessages, [])
  assert.equal(client.messages[0].parts[0].content, "Hello")
})

test("two first messages at once make one thread", async () => {
  const { server, client } = await world()
  const [one, other] = await Promise.all([client.send("one"), client.send("other")])
  assert.equal(one.thread, other.thread)
  assert.equal(server.threads.size, 1)
})

test("a first message that was refused does not hold up the next one", async () => {
  const { server, client } = await world()
  server.refusals.set("send", [
    { code: "rate_limited", message: "Slowly.", retryMs: 3_000 },
  ])
  const [one, other] = await Promise.allSettled([
    client.send("one"),
    client.send("other"),
  ])
  assert.ok(one.reason instanceof ChatKitError)
  assert.deepEqual([one.reason.code, one.reason.retryMs], ["rate_limited", 3_000])
  assert.equal(other.status, "fulfilled")
})

test("a refused message stays, with the reason, until it is taken off", async () => {
  const { server, client } = await world()
  server.refusals.set("send", [{ code: "run_conflict", message: "Busy." }])
  await assert.rejects(client.send("Hello"), { code: "run_conflict" })
  const [draft] = client.pendingMessages
  assert.deepEqual(draft.error, {
    code: "run_conflict",
    message: "Busy.",
    retryMs: null,
  })
  assert.equal(draft.state, "refused")
  client.discard(draft.clientId)
  assert.deepEqual(client.pendingMessages, [])
})

test("a message is sent again after a lost connection, and said once", async () => {
  for (const loss of ["deaf", "mute"]) {
    const { server, clock, client } = await world()
    server[loss].add("send")
    const sending = client.send("Hello")
    await settle()
    server[loss].clear()
    server.cut()
    await clock.pass(1_000)
    const sent = await sending
    assert.equal(server.of("send").length, 2)
    assert.equal(server.of("send")[0].id, server.of("send")[1].id)
    assert.equal(server.threads.size, 1)
    await settle()
    assert.equal(client.threadId, sent.thread)
    assert.equal(client.messages.length, 1)
  }
})

test("a message that was written before the connection goes out with it", async () => {
  const server = new FakeServer()
  const client = new ChatKitClient({
    assistant: "shop",
    ...fakeBrowser(server, new FakeClock()),
  })
  const sending = client.send("early")
  client.connect()
  assert.ok((await sending).thread)
})

test("a message too long for a frame is refused without being sent", async () => {
  const { server, client } = await world()
  await assert.rejects(client.send("x".repeat(70_000)), { code: "frame_too_large" })
  await assert.rejects(client.send("\ud800"), { code: "invalid_command" })
  assert.equal(server.of("send").length, 0)
})

test("a page that fails to tell of itself does not keep its visitor from talking", async () => {
  const page = () => {
    throw new Error("no title")
  }
  const { server, client } = await world({ page })
  const codes = []
  client.addEventListener("error", ({ detail }) => codes.push(detail.code))
  await client.send("Hello")
  assert.deepEqual(server.of("send")[0].page, {})
  assert.deepEqual(codes, ["page_failed"])
})

test("an answer to a thread that was left does not bring it back", async () => {
  const { server, client } = await world()
  const other = server.newThread()
  const sending = client.send("Hello")
  client.openThread(other)
  await sending
  await settle()
  assert.equal(client.threadId, other)
  assert.deepEqual(client.pendingMessages, [])
})

test("another thread is shown, the one before is not watched any more", async () => {
  const { server, client } = await world()
  const { thread } = await client.send("Hello")
  await settle()
  const other = server.newThread()
  client.openThread(other)
  await settle()
  assert.deepEqual(server.of("unsubscribe"), [{ type: "unsubscribe", thread }])
  assert.deepEqual(client.messages, [])
  client.newThread()
  assert.equal(client.threadId, null)
  await client.send("afresh")
  assert.equal(server.of("send").at(-1).thread, null)
})

test("a thread that is not there leaves room for a new one, and says so", async () => {
  const { client } = await world({ thread: newUuid() })
  assert.equal(client.threadId, null)
  assert.equal(client.error.code, "thread_not_found")
  await client.send("Hello")
  assert.notEqual(client.threadId, null)
})

test("cancel names the active run; without one nothing is asked", async () => {
  const { server, client } = await world()
  await client.cancel()
  const { run, thread } = await client.send("Hello")
  await settle()
  await client.cancel()
  assert.deepEqual(
    server.of("cancel").map((frame) => [frame.thread, frame.run]),
    [[thread, run]],
  )
})

test("retry names the newest run", async () => {
  const { server, client } = await world()
  await assert.rejects(client.retry(), { code: "nothing_to_retry" })
  const { run, thread } = await client.send("Hello")
  await settle()
  server.append(thread, runChanged(run, newUuid(), "failed"))
  await settle()
  assert.equal(client.isBusy, false)
  const again = await client.retry()
  assert.equal(again.thread, thread)
  assert.equal(server.of("retry")[0].run, run)
})

test("many changes at once are told once", async () => {
  const { server, client } = await world()
  let told = 0
  const { thread } = await client.send("Hello")
  await settle()
  client.addEventListener("change", () => {
    told += 1
  })
  const message = newUuid()
  server.append(thread, messageCreated(message))
  server.append(thread, partStarted(message, newUuid()))
  await settle()
  assert.equal(told, 1)
})

test("another viewer at the door sees nothing of what was shown", async () => {
  const { server, clock, client } = await world()
  await client.send("secret")
  await settle()
  server.viewer = "v:1"
  server.threads.clear()
  server.cut()
  await clock.pass(1_000)
  assert.equal(client.viewer, "v:1")
  assert.deepEqual(client.messages, [])
  assert.equal(client.threadId, null)
})

test("importing it does nothing, and every page has its own name", () => {
  const { WebSocket, ...browser } = fakeBrowser(null, new FakeClock())
  const tabs = new Set(
    Array.from({ length: 50 }, () => new ChatKitClient({ ...browser, WebSocket }).tab),
  )
  assert.equal(tabs.size, 50)
  for (const tab of tabs) {
    assert.match(
      tab,
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    )
  }
})
