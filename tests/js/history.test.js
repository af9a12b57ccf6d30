/** What comes over HTTP: older messages, the list of threads, and what the site refuses. */

import assert from "node:assert/strict"
import { test } from "node:test"
import { ChatKitClient } from "../../chatkit_app/static/chatkit_app/index.js"
import { messageCreated, newUuid } from "./events.js"
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

/** Answers of the site, by path; every request is written down. */
function site(answers) {
  const requests = []
  const fetch = async (url, init) => {
    requests.push({ url: String(url), ...init })
    const { status = 200, body = {} } = answers[url.pathname] ?? { status: 404 }
    return new Response(JSON.stringify(body), { status })
  }
  return { fetch, requests }
}

test("older messages come before the others, asked for once", async () => {
  const id = newUuid()
  const older = { ...message(newUuid()), status: "complete" }
  const path = `/chatkit/api/threads/${id}/messages/`
  const { fetch, requests } = site({
    [path]: { body: { results: [older], earlier: false } },
  })
  const { server, client } = await world({ fetch })
  server.newThread(id)
  server.append(id, messageCreated(newUuid()))
  const { reset } = server
  server.reset = (thread) => {
    const frame = reset.call(server, thread)
    return { ...frame, snapshot: { ...frame.snapshot, earlier: true } }
  }
  client.openThread(id)
  await settle()
  const [first] = client.messages
  assert.equal(client.hasEarlier, true)
  await Promise.all([client.loadEarlier(), client.loadEarlier()])
  assert.equal(requests.length, 1)
  assert.equal(new URL(requests[0].url).searchParams.get("before"), first.id)
  assert.deepEqual(
    client.messages.map((message) => message.id),
    [older.id, first.id],
  )
  assert.equal(client.messages[1], first)
  await client.loadEarlier()
  assert.equal(requests.length, 1)
})

function message(id) {
  return {
    id,
    role: "assistant",
    status: "open",
    clientId: null,
    runId: null,
    createdAt: "",
    parts: [],
  }
}

test("the list of threads comes in pages", async () => {
  const next = "http://inside:8000/chatkit/api/threads/?assistant=shop&cursor=abc%3D"
  const threads = [{ id: newUuid(), title: "Order 1042" }]
  const answer = { body: { next, previous: null, results: threads } }
  const { fetch, requests } = site({ "/chatkit/api/threads/": answer })
  const { client } = await world({ fetch, csrfToken: "token" })
  assert.deepEqual(await client.listThreads(), { threads, next: "abc=" })
  await client.listThreads({ cursor: "abc=" })
  assert.equal(
    requests[0].url,
    "https://shop.example/chatkit/api/threads/?assistant=shop",
  )
  assert.equal(new URL(requests[1].url).searchParams.get("cursor"), "abc=")
})

test("what the site refuses is an error with its code", async () => {
  const body = { code: "no_viewer", message: "Nobody." }
  const { fetch } = site({ "/chatkit/api/threads/": { status: 403, body } })
  const { client } = await world({ fetch })
  await assert.rejects(client.listThreads(), {
    name: "ChatKitError",
    code: "no_viewer",
  })
  const { client: other } = await world(site({}))
  await assert.rejects(other.listThreads(), { code: "http_404" })
  const { client: lost } = await world()
  await assert.rejects(lost.listThreads(), { code: "unreachable" })
})
