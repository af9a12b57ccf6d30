/** Tools that a page declares itself: told with each message, run as any other. */

import assert from "node:assert/strict"
import { test } from "node:test"
import { ChatKitClient } from "../../chatkit_app/static/chatkit_app/client.js"
import { FakeStorage, fakeBrowser, settle } from "./fake-browser.js"
import { partOf, world } from "./pages.js"

const input = { type: "object", properties: { sku: { type: "string" } } }

function declaration(rest = {}) {
  const run = () => "done"
  return { name: "highlight", description: "Point at it.", input, run, ...rest }
}

test("the server is told of a declared tool with each message", async () => {
  const { server, openPage } = await world()
  const client = await openPage()
  client.tools.declare(declaration())
  client.tools.declare({ name: "get_page", run: () => ({}) })
  await client.send("one")
  await client.send("two")
  const told = [
    { name: "highlight", description: "Point at it.", parameters: input },
    {
      name: "get_page",
      description: "",
      parameters: { type: "object", properties: {} },
    },
  ]
  assert.deepEqual(
    server.of("send").map((frame) => frame.tools),
    [told, told],
  )
})

test("where nothing is declared nothing is told, nor of what is only registered", async () => {
  const { server, openPage } = await world()
  const client = await openPage({ tools: { highlight: () => 1 } })
  await client.send("one")
  const takeBack = client.tools.declare(declaration({ name: "other" }))
  takeBack()
  await client.send("two")
  for (const frame of server.of("send")) assert.equal("tools" in frame, false)
  assert.equal(client.tools.has("other"), false)
})

test("a retry tells nothing of them: the server knows", async () => {
  const { server, openPage } = await world()
  const client = await openPage()
  client.tools.declare(declaration())
  await client.send("one")
  await settle()
  await client.retry()
  assert.equal("tools" in server.of("retry")[0], false)
})

test("a declared tool runs as a registered one does", async () => {
  const { server, thread, openPage } = await world()
  const context = { cart: new Map() }
  const client = await openPage({ context })
  const seen = []
  const run = (given, { context: here }) => {
    seen.push([given, here])
    return "done"
  }
  client.tools.declare(declaration({ run }))
  server.waitingCall(thread)
  await settle()
  assert.deepEqual(seen, [[{ sku: "A1" }, context]])
  assert.equal(seen[0][1], context)
  assert.equal(partOf(client, "tool-call").output, "done")
})

test("what is no declaration is refused at once, and leaves nothing behind", async () => {
  const { openPage } = await world()
  const { tools } = await openPage()
  for (const name of ["", "with space", "x".repeat(65), "ä", 'a"b'])
    assert.throws(() => tools.declare(declaration({ name })), TypeError)
  const long = "x".repeat(9_000)
  const wrong = [
    { run: "no function" },
    { description: long },
    { input: { max: 10n } },
    { input: {} },
    { input: { type: "string" } },
    { input: { type: "object", description: long } },
  ]
  for (const rest of wrong)
    assert.throws(() => tools.declare(declaration(rest)), TypeError)
  assert.deepEqual(tools.declared, [])
  tools.declare(declaration())
  assert.throws(() => tools.declare(declaration()), /registered already/)
  assert.throws(() => tools.register("highlight", () => 1), /registered already/)
  for (let count = 1; count < 16; count += 1)
    tools.declare(declaration({ name: `tool_${count}` }))
  assert.throws(() => tools.declare(declaration({ name: "more" })), TypeError)
  assert.equal(tools.has("more"), false)
  assert.equal(tools.declared.length, 16)
})

test("a tool that is taken back may be declared anew, and is told as it is then", async () => {
  const { server, openPage } = await world()
  const client = await openPage()
  const takeBack = client.tools.declare(declaration())
  takeBack()
  client.tools.declare(declaration({ description: "Another." }))
  takeBack()
  await client.send("one")
  assert.equal(server.of("send")[0].tools[0].description, "Another.")
})

test("a message that a reload has brought along tells of what the page has by its connect", async () => {
  const { server, clock, thread, openPage } = await world()
  const storage = new FakeStorage()
  const page = await openPage({ storage: () => storage })
  server.deaf.add("send")
  page.send("before the reload").catch(() => {})
  await settle()
  server.deaf.clear()
  const browser = fakeBrowser(server, clock, { storage: () => storage })
  const next = new ChatKitClient({ assistant: "shop", thread, ...browser })
  next.tools.declare(declaration())
  next.connect()
  await settle()
  const [before, after] = server.of("send")
  assert.deepEqual([before.id, before.text], [after.id, after.text])
  assert.equal(after.tools.length, 1)
})
