/** What was written and is not taken yet: kept over a lost line and a reload, and sent once. */

import assert from "node:assert/strict"
import { test } from "node:test"
import { ChatKitClient } from "../../chatkit_app/static/chatkit_app/client.js"
import { FakeClock, FakeStorage, fakeBrowser, settle } from "./fake-browser.js"
import { FakeServer } from "./fake-server.js"

/** A server, and tabs that can be reloaded. */
function world() {
  const server = new FakeServer()
  const clock = new FakeClock()
  const openTab = async ({ storage = new FakeStorage(), ...options } = {}) => {
    const browser = fakeBrowser(server, clock, { storage: () => storage })
    const client = new ChatKitClient({ assistant: "shop", ...browser, ...options })
    client.connect()
    await settle()
    /** As a browser does it: nobody is told anything, the socket is gone. */
    const reload = async (more = {}) => {
      browser.window.dispatchEvent(new Event("pagehide"))
      await settle()
      const thread = client.threadId
      return openTab({ storage, thread, ...options, ...more })
    }
    return { client, storage, reload, window: browser.window }
  }
  return { server, clock, openTab }
}

function texts(client) {
  return client.messages.map((message) => message.parts[0].content)
}

function pending(client) {
  return client.pendingMessages.map(({ text, state }) => `${text}: ${state}`)
}

/** The server is gone: no line comes about. */
function down(server) {
  server.refusesWith = Array(10_000).fill(1006)
  server.cut()
}

function up(server) {
  server.refusesWith = []
}

test("written while the server is down: pending over a reload, then sent once", async () => {
  const { server, clock, openTab } = world()
  const tab = await openTab()
  await tab.client.send("before")
  await settle()
  down(server)
  tab.client.send("meanwhile").catch(() => {})
  await clock.pass(2_000)
  assert.deepEqual(pending(tab.client), ["meanwhile: sending"])

  const again = await tab.reload()
  assert.deepEqual(pending(again.client), ["meanwhile: sending"])
  await clock.pass(60_000)
  assert.deepEqual(pending(again.client), ["meanwhile: sending"], "it is patient")
  up(server)
  await clock.pass(31_000)
  assert.deepEqual(texts(again.client), ["before", "meanwhile"])
  assert.deepEqual(pending(again.client), [])

  const last = await again.reload()
  await clock.pass(5_000)
  assert.deepEqual(texts(last.client), ["before", "meanwhile"])
  assert.equal(server.of("send").length, 2)
})

test("done by the server, and the answer lost with the page: it is asked again with its id", async () => {
  const { server, clock, openTab } = world()
  const tab = await openTab()
  server.mute.add("send")
  tab.client.send("first of all").catch(() => {})
  await settle()
  server.mute.clear()

  const again = await tab.reload()
  await clock.pass(1_000)
  const [one, other] = server.of("send")
  assert.equal(one.id, other.id)
  assert.equal(other.thread, null)
  assert.equal(server.threads.size, 1)
  assert.deepEqual(texts(again.client), ["first of all"])
  assert.equal(tab.storage.items.size, 0)
})

test("two messages to a new chat, reloaded before either was sent, make one thread", async () => {
  const { server, clock, openTab } = world()
  const tab = await openTab()
  down(server)
  tab.client.send("one").catch(() => {})
  tab.client.send("other").catch(() => {})
  await settle()

  const again = await tab.reload()
  up(server)
  await clock.pass(3_000)
  assert.equal(server.threads.size, 1)
  assert.deepEqual(texts(again.client), ["one", "other"])
})

test("it goes to where it was written, whatever is shown after the reload", async () => {
  const { server, clock, openTab } = world()
  const tab = await openTab()
  const { thread } = await tab.client.send("here")
  await settle()
  down(server)
  tab.client.send("there").catch(() => {})
  await settle()

  const elsewhere = server.newThread()
  const again = await tab.reload({ thread: elsewhere })
  assert.deepEqual(pending(again.client), [])
  again.client.openThread(thread)
  assert.deepEqual(pending(again.client), ["there: sending"])
  up(server)
  await clock.pass(3_000)
  assert.equal(server.of("send").at(-1).thread, thread)
  assert.deepEqual(texts(again.client), ["here", "there"])
  assert.deepEqual(server.threads.get(elsewhere).state.messages, [])
})

test("a new chat's message does not go into the thread that is shown after the reload", async () => {
  const { server, clock, openTab } = world()
  const tab = await openTab()
  down(server)
  tab.client.send("a new subject").catch(() => {})
  await settle()

  const old = server.newThread()
  const again = await tab.reload({ thread: old })
  up(server)
  await clock.pass(3_000)
  assert.equal(server.of("send")[0].thread, null)
  assert.equal(again.client.threadId, old)
  assert.equal(server.threads.size, 2)
})

test("another thread is looked at meanwhile: what is pending is there on return", async () => {
  const { server, openTab } = world()
  const { client } = await openTab()
  const { thread } = await client.send("first")
  await settle()
  down(server)
  client.send("second").catch(() => {})
  client.openThread(server.newThread())
  assert.deepEqual(pending(client), [])
  client.openThread(thread)
  assert.deepEqual(pending(client), ["second: sending"])
})

test("what a user wrote is neither sent for the next one nor shown to them", async () => {
  const { server, clock, openTab } = world()
  server.viewer = "u:1"
  const tab = await openTab()
  down(server)
  tab.client.send("a secret").catch(() => {})
  await settle()

  server.viewer = "u:2"
  up(server)
  const again = await tab.reload()
  await clock.pass(3_000)
  assert.deepEqual(pending(again.client), [])
  assert.equal(server.of("send").length, 0)
  assert.equal(tab.storage.items.size, 0)
})

test("without a reload the user's own page gets it back", async () => {
  const { server, clock, openTab } = world()
  const { client } = await openTab()
  down(server)
  const sending = client.send("a secret")
  const refused = assert.rejects(sending, { code: "signed_out" })
  server.viewer = "v:1"
  up(server)
  await clock.pass(3_000)
  await refused
  assert.deepEqual(pending(client), ["a secret: refused"])
  assert.equal(server.of("send").length, 0)
})

test("a visitor who has logged in meanwhile is the same person", async () => {
  const { server, clock, openTab } = world()
  server.viewer = "v:1"
  const tab = await openTab()
  down(server)
  tab.client.send("mine").catch(() => {})
  await settle()

  server.viewer = "u:1"
  up(server)
  const again = await tab.reload()
  await clock.pass(3_000)
  assert.deepEqual(texts(again.client), ["mine"])
})

test("what was left lying for more than a day comes back instead of being sent", async () => {
  const { server, clock, openTab } = world()
  const tab = await openTab()
  down(server)
  tab.client.send("yesterday").catch(() => {})
  await clock.pass(25 * 3_600_000)
  up(server)

  const again = await tab.reload()
  await clock.pass(3_000)
  assert.deepEqual(pending(again.client), ["yesterday: refused"])
  assert.equal(again.client.pendingMessages[0].error.code, "expired")
  assert.equal(server.of("send").length, 0)
})

for (const by of [-86_400_000, -90_000, 90_000, 86_000_000]) {
  test(`a calendar set by ${by / 1000} s does not make a message old`, async () => {
    const { server, clock, openTab } = world()
    let jump = 0
    const date = () => Date.UTC(2026, 0, 5) + jump
    const tab = await openTab({ date })
    down(server)
    tab.client.send("just now").catch(() => {})
    await settle()

    jump = by
    up(server)
    const again = await tab.reload()
    await clock.pass(3_000)
    assert.deepEqual(texts(again.client), ["just now"])
  })
}

for (const [name, storage] of [
  [
    "forbidden",
    () => {
      throw new Error("SecurityError")
    },
  ],
  ["missing", () => null],
  [
    "full",
    () => ({
      getItem: () => null,
      setItem() {
        throw new Error("QuotaExceededError")
      },
      removeItem() {},
    }),
  ],
  ...["{", "7", "[null, 1, {}]", '[{"id": "x", "text": 1}]'].map((text) => [
    `spoiled (${text})`,
    () => ({ getItem: () => text, setItem() {}, removeItem() {} }),
  ]),
]) {
  test(`a storage that is ${name} keeps nobody from writing`, async () => {
    const server = new FakeServer()
    const browser = fakeBrowser(server, new FakeClock(), { storage })
    const client = new ChatKitClient({ assistant: "shop", ...browser })
    client.connect()
    await client.send("Hello")
    await settle()
    assert.deepEqual(texts(client), ["Hello"])
    assert.equal(server.of("send").length, 1)
  })
}

test("no more is kept than a storage should hold", async () => {
  const { server, openTab } = world()
  const tab = await openTab()
  await tab.client.send("first")
  await settle()
  down(server)
  for (let count = 0; count < 30; count += 1)
    tab.client.send("x".repeat(20_000)).catch(() => {})
  await settle()
  const [text] = tab.storage.items.values()
  assert.ok(text.length <= 300_000)
  assert.equal(tab.client.pendingMessages.length, 30)
})

test("five tabs send what each has written, once", async () => {
  const { server, clock, openTab } = world()
  const first = await openTab()
  const { thread } = await first.client.send("start")
  await settle()
  const tabs = [first]
  while (tabs.length < 5) tabs.push(await openTab({ thread }))
  down(server)
  tabs.forEach(({ client }, place) => {
    client.send(`tab ${place}`).catch(() => {})
  })
  await settle()
  const again = []
  for (const tab of tabs) again.push(await tab.reload())
  up(server)
  await clock.pass(5_000)
  const expected = ["start", "tab 0", "tab 1", "tab 2", "tab 3", "tab 4"]
  for (const { client } of again) {
    assert.deepEqual(texts(client).sort(), expected)
    assert.deepEqual(pending(client), [])
  }
})

test("a duplicated tab brings the same message, and it is said once", async () => {
  const { server, clock, openTab } = world()
  const tab = await openTab()
  down(server)
  tab.client.send("once").catch(() => {})
  await settle()
  const twin = await openTab({ storage: tab.storage.copy() })
  up(server)
  await clock.pass(3_000)
  assert.equal(server.threads.size, 1)
  assert.deepEqual(texts(tab.client), ["once"])
  assert.deepEqual(texts(twin.client), ["once"])
})

test("what was refused is not kept: it is the writer's again", async () => {
  const { server, openTab } = world()
  const tab = await openTab()
  server.refusals.set("send", [{ code: "run_conflict", message: "Busy." }])
  await assert.rejects(tab.client.send("not now"), { code: "run_conflict" })
  assert.equal(tab.storage.items.size, 0)
})
