/** Client tools: claimed, run and answered, once, whatever happens in between. */

import assert from "node:assert/strict"
import { test } from "node:test"
import { ChatKitClient } from "../../chatkit_app/static/chatkit_app/client.js"
import { FakeClock, fakeBrowser, settle } from "./fake-browser.js"
import { FakeServer } from "./fake-server.js"

/** A server with a thread, and pages on it. */
async function world() {
  const server = new FakeServer()
  const clock = new FakeClock()
  const thread = server.newThread()
  const openPage = async ({ tools = {}, ...options } = {}) => {
    const browser = fakeBrowser(server, clock)
    const client = new ChatKitClient({
      assistant: "shop",
      thread,
      ...browser,
      ...options,
    })
    for (const [name, tool] of Object.entries(tools)) client.tools.register(name, tool)
    client.errors = []
    client.addEventListener("error", ({ detail }) => client.errors.push(detail.code))
    client.window = browser.window
    client.connect()
    await settle()
    return client
  }
  return { server, clock, thread, openPage }
}

/** A tool that ends when the test says so. */
function slowTool() {
  const runs = []
  const tool = (input, { call, context, signal }) =>
    new Promise((resolve, reject) =>
      runs.push({ input, call, context, signal, resolve, reject }),
    )
  return { tool, runs }
}

function partOf(client, type) {
  return client.messages
    .flatMap((message) => message.parts)
    .find((part) => part.type === type)
}

test("a waiting call is claimed, run with its input and answered with the output", async () => {
  const { server, thread, openPage } = await world()
  const seen = []
  const highlight = (input, { context, call }) => {
    seen.push([input, context, call.name])
    return { found: true }
  }
  const client = await openPage({ tools: { highlight }, context: { cart: 1 } })
  const call = server.waitingCall(thread)
  await settle()
  assert.deepEqual(seen, [[{ sku: "A1" }, { cart: 1 }, "highlight"]])
  assert.deepEqual(server.received.map((frame) => frame.type).slice(1, 3), [
    "claim",
    "answer",
  ])
  assert.deepEqual(server.of("answer")[0].output, { found: true })
  assert.equal(server.of("claim")[0].tab, client.tab)
  assert.deepEqual(partOf(client, "tool-call").output, { found: true })
  assert.equal(partOf(client, "tool-result").toolCallId, call)
})

test("a call without a tool on this page stays open, until the tool is registered", async () => {
  const { server, thread, openPage } = await world()
  const client = await openPage()
  server.waitingCall(thread)
  await settle()
  assert.equal(server.of("claim").length, 0)
  assert.equal(client.tools.has("highlight"), false)
  client.tools.register("highlight", () => "late")
  await settle()
  assert.equal(server.of("answer")[0].output, "late")
})

test("a tool that was taken back is not run, and may be registered again", async () => {
  const { server, thread, openPage } = await world()
  const client = await openPage()
  const takeBack = client.tools.register("highlight", () => 1)
  assert.throws(() => client.tools.register("highlight", () => 2), /registered already/)
  takeBack()
  server.waitingCall(thread)
  await settle()
  assert.equal(server.of("claim").length, 0)
  client.tools.register("highlight", () => 3)
  await settle()
  assert.equal(server.of("answer")[0].output, 3)
})

test("what a tool throws reaches the model as its error", async () => {
  const thrown = [
    [new TypeError("no such node"), "TypeError: no such node"],
    ["plain words", "plain words"],
    [Object.create(null), "unknown error"],
    ["", "unknown error"],
    ["a\0b\ud800c", "a\ufffdb\ufffdc"],
    ["x".repeat(5000), "x".repeat(2000)],
  ]
  for (const [error, text] of thrown) {
    const { server, thread, openPage } = await world()
    const highlight = () => {
      throw error
    }
    await openPage({ tools: { highlight } })
    server.waitingCall(thread)
    await settle()
    assert.equal(server.of("answer")[0].error, text)
    assert.equal("output" in server.of("answer")[0], false)
  }
})

test("a tool that returns nothing answers null", async () => {
  const { server, thread, openPage } = await world()
  await openPage({ tools: { highlight: async () => {} } })
  server.waitingCall(thread)
  await settle()
  assert.equal(server.of("answer")[0].output, null)
})

test("what is no JSON is an error that says so", async () => {
  const cycle = {}
  cycle.self = cycle
  for (const output of [10n, cycle, () => 1, Symbol("s")]) {
    const { server, thread, openPage } = await world()
    await openPage({ tools: { highlight: () => output } })
    server.waitingCall(thread)
    await settle()
    assert.match(server.of("answer")[0].error, /can't be written as JSON/)
  }
})

test("an output that the server would not take never reaches it; the model reads why", async () => {
  let deep = 1
  for (let level = 0; level < 40; level += 1) deep = [deep]
  const outputs = [
    ["x".repeat(70_000), /65536 bytes/],
    ["ä".repeat(40_000), /65536 bytes/],
    [{ text: "a\0" }, /NUL/],
    [{ "\ud800": 1 }, /surrogate/],
    [2 ** 53, /2\*\*53/],
    [deep, /nested/],
  ]
  for (const [output, words] of outputs) {
    const { server, thread, openPage } = await world()
    await openPage({ tools: { highlight: () => output } })
    server.waitingCall(thread)
    await settle()
    assert.equal(server.of("answer").length, 1)
    assert.match(server.of("answer")[0].error, words)
  }
})

test("an output that does not fit the schema is answered again, with what was wrong", async () => {
  const { server, thread, openPage } = await world()
  server.refusals.set("answer", [
    { code: "answer_invalid", message: "found: not a boolean" },
  ])
  await openPage({ tools: { highlight: () => ({ found: "yes" }) } })
  server.waitingCall(thread)
  await settle()
  const [first, second] = server.of("answer")
  assert.notEqual(first.id, second.id)
  assert.match(second.error, /found: not a boolean/)
})

test("an error that is refused too is given up and reported", async () => {
  const { server, thread, openPage } = await world()
  const invalid = { code: "answer_invalid", message: "no" }
  server.refusals.set("answer", [invalid, invalid])
  const client = await openPage({ tools: { highlight: () => 1 } })
  server.waitingCall(thread)
  await settle()
  assert.equal(server.of("answer").length, 2)
  assert.deepEqual(client.errors, ["answer_invalid"])
})

test("an answer to a call that is closed by now is dropped in silence", async () => {
  for (const code of ["answer_duplicate", "answer_late", "call_not_found"]) {
    const { server, thread, openPage } = await world()
    server.refusals.set("answer", [{ code }])
    const client = await openPage({ tools: { highlight: () => 1 } })
    server.waitingCall(thread)
    await settle()
    assert.equal(server.of("answer").length, 1)
    assert.deepEqual(client.errors, [])
  }
})

test("two tabs: one runs the call, both show it", async () => {
  const { server, thread, openPage } = await world()
  let runs = 0
  const highlight = () => {
    runs += 1
    return runs
  }
  const one = await openPage({ tools: { highlight } })
  const other = await openPage({ tools: { highlight } })
  assert.notEqual(one.tab, other.tab)
  server.waitingCall(thread)
  await settle()
  assert.equal(runs, 1)
  assert.equal(server.of("answer").length, 1)
  assert.deepEqual(one.messages, other.messages)
  assert.equal(partOf(one, "tool-call").output, 1)
})

test("a claim that is held is asked for again after its time", async () => {
  const { server, thread, openPage, clock } = await world()
  const call = server.waitingCall(thread)
  server.threads.get(thread).calls.get(call).claim = "another tab"
  await openPage({ tools: { highlight: () => 1 } })
  assert.equal(server.of("claim").length, 1)
  await clock.pass(2_900)
  assert.equal(server.of("claim").length, 1)
  server.threads.get(thread).calls.get(call).claim = null
  await clock.pass(200)
  assert.equal(server.of("claim").length, 2)
  assert.equal(server.of("answer").length, 1)
})

test("a claim that is given back is taken at once", async () => {
  const { server, thread, openPage } = await world()
  const call = server.waitingCall(thread)
  server.claimed(thread, call, "another tab")
  await openPage({ tools: { highlight: () => 1 } })
  assert.equal(server.of("answer").length, 0)
  server.claimed(thread, call, null)
  await settle()
  assert.equal(server.of("answer").length, 1)
})

test("a reload in the middle: the new page claims the call and answers it", async () => {
  const { server, thread, openPage } = await world()
  const before = slowTool()
  const page = await openPage({ tools: { highlight: before.tool } })
  server.waitingCall(thread)
  await settle()
  page.window.dispatchEvent(new Event("pagehide"))
  await settle()
  assert.equal(server.of("release").length, 1)
  await openPage({ tools: { highlight: () => "after the reload" } })
  assert.equal(server.of("answer")[0].output, "after the reload")
})

test("a reload that could say no word: the new page waits for the claim to lapse", async () => {
  const { server, thread, openPage, clock } = await world()
  server.freesClaims = false
  const before = slowTool()
  const page = await openPage({ tools: { highlight: before.tool } })
  const call = server.waitingCall(thread)
  await settle()
  server.cut()
  page.close()
  await openPage({ tools: { highlight: () => "after the reload" } })
  assert.equal(server.of("answer").length, 0)
  server.threads.get(thread).calls.get(call).claim = null
  await clock.pass(3_000)
  assert.equal(server.of("answer")[0].output, "after the reload")
})

test("a reconnect while the tool runs: it is claimed again, not run again, and answered", async () => {
  const { server, thread, openPage, clock } = await world()
  const { tool, runs } = slowTool()
  await openPage({ tools: { highlight: tool } })
  server.waitingCall(thread)
  await settle()
  server.cut()
  await clock.pass(1_000)
  assert.equal(server.of("claim").length, 2)
  runs[0].resolve("done")
  await settle()
  assert.equal(runs.length, 1)
  assert.deepEqual(
    server.of("answer").map((frame) => frame.output),
    ["done"],
  )
})

test("an answer that was not accepted is sent again after the reconnect, with the same id", async () => {
  for (const loss of ["deaf", "mute"]) {
    const { server, thread, openPage, clock } = await world()
    const client = await openPage({ tools: { highlight: () => "once" } })
    server[loss].add("answer")
    server.waitingCall(thread)
    await settle()
    server[loss].clear()
    server.cut()
    await clock.pass(1_000)
    const answers = server.of("answer")
    assert.equal(answers.length, 2)
    assert.equal(answers[0].id, answers[1].id)
    assert.equal(partOf(client, "tool-call").output, "once")
    assert.deepEqual(client.errors, [])
  }
})

test("a tool that ends while there is no line is answered when there is one", async () => {
  const { server, thread, openPage, clock } = await world()
  const { tool, runs } = slowTool()
  await openPage({ tools: { highlight: tool } })
  server.waitingCall(thread)
  await settle()
  server.cut()
  runs[0].resolve("meanwhile")
  await settle()
  await clock.pass(1_000)
  assert.deepEqual(
    server.of("answer").map((frame) => frame.output),
    ["meanwhile"],
  )
})

test("another page took the call meanwhile: its answer counts, ours is dropped", async () => {
  const { server, thread, openPage, clock } = await world()
  const { tool, runs } = slowTool()
  const client = await openPage({ tools: { highlight: tool } })
  const call = server.waitingCall(thread)
  await settle()
  server.cut()
  server.claimed(thread, call, "another tab")
  await clock.pass(1_000)
  runs[0].resolve("ours")
  await settle()
  assert.equal(runs[0].signal.aborted, false)
  server.endCall(thread, call, { output: "theirs" })
  await settle()
  assert.equal(runs[0].signal.aborted, true)
  assert.equal(partOf(client, "tool-call").output, "theirs")
  await clock.pass(10_000)
  assert.equal(server.of("answer").length, 1)
  assert.deepEqual(client.errors, [])
})

test("another page took the call and gave it back: our answer is sent after all", async () => {
  const { server, thread, openPage, clock } = await world()
  const { tool, runs } = slowTool()
  const client = await openPage({ tools: { highlight: tool } })
  const call = server.waitingCall(thread)
  await settle()
  server.cut()
  server.claimed(thread, call, "another tab")
  await clock.pass(1_000)
  runs[0].resolve("ours")
  await settle()
  server.claimed(thread, call, null)
  await clock.pass(4_000)
  assert.equal(runs.length, 1)
  assert.equal(partOf(client, "tool-call").output, "ours")
})

test("a cancel while the tool runs aborts its signal; what it returns goes nowhere", async () => {
  const { server, thread, openPage, clock } = await world()
  const { tool, runs } = slowTool()
  await openPage({ tools: { highlight: tool } })
  const call = server.waitingCall(thread)
  await settle()
  assert.equal(runs[0].signal.aborted, false)
  server.endCall(thread, call, { status: "cancelled", errorText: "cancelled" })
  await settle()
  assert.equal(runs[0].signal.aborted, true)
  runs[0].resolve("too late")
  await clock.pass(60_000)
  assert.equal(server.of("answer").length, 0)
})

test("a tool that never returns holds nothing up", async () => {
  const { server, thread, openPage } = await world()
  const { tool } = slowTool()
  await openPage({ tools: { highlight: tool, look: () => "seen" } })
  server.waitingCall(thread)
  server.waitingCall(thread, { name: "look" })
  await settle()
  assert.deepEqual(
    server.of("answer").map((frame) => frame.output),
    ["seen"],
  )
})

test("call.done answers first; then the page may go, and its return value is ignored", async () => {
  const { server, thread, openPage } = await world()
  let page
  const order = []
  const navigate = async (_input, { call }) => {
    await call.done({ ok: true })
    order.push(server.of("answer").length)
    page.window.dispatchEvent(new Event("pagehide"))
    return "ignored"
  }
  page = await openPage({ tools: { navigate } })
  server.waitingCall(thread, { name: "navigate" })
  await settle()
  assert.deepEqual(order, [1])
  assert.equal(server.of("release").length, 0)
  assert.deepEqual(
    server.of("answer").map((frame) => frame.output),
    [{ ok: true }],
  )
})

test("call.done rejects when the server refuses, so that the tool does not leave", async () => {
  const { server, thread, openPage } = await world()
  server.refusals.set("answer", [{ code: "answer_invalid", message: "not so" }])
  let refused = null
  const navigate = async (_input, { call }) => {
    refused = await call.done({ ok: 1 }).catch((error) => error)
  }
  await openPage({ tools: { navigate } })
  server.waitingCall(thread, { name: "navigate" })
  await settle()
  assert.equal(refused.code, "answer_invalid")
  assert.match(server.of("answer")[1].error, /not so/)
})

test("an error after call.done is told to the page alone", async () => {
  const { server, thread, openPage } = await world()
  const navigate = async (_input, { call }) => {
    await call.done()
    throw new Error("afterwards")
  }
  const client = await openPage({ tools: { navigate } })
  server.waitingCall(thread, { name: "navigate" })
  await settle()
  assert.deepEqual(
    server.of("answer").map((frame) => frame.output),
    [null],
  )
  assert.deepEqual(client.errors, ["tool_error"])
})

test("back from the cache: the running tool's call is claimed again and answered once", async () => {
  const { server, thread, openPage } = await world()
  const { tool, runs } = slowTool()
  const page = await openPage({ tools: { highlight: tool } })
  server.waitingCall(thread)
  await settle()
  page.window.dispatchEvent(new Event("pagehide"))
  await settle()
  assert.equal(page.state, "reconnecting")
  assert.equal(server.open.length, 0)
  page.window.dispatchEvent(new Event("pageshow"))
  await settle()
  assert.equal(page.state, "open")
  runs[0].resolve("back")
  await settle()
  assert.equal(runs.length, 1)
  assert.deepEqual(
    server.of("answer").map((frame) => frame.output),
    ["back"],
  )
})

test("a listener may keep the call open and run it later", async () => {
  const { server, thread, openPage } = await world()
  let runs = 0
  const client = await openPage()
  const asked = []
  client.addEventListener("toolcall", (event) => {
    asked.push([event.detail.name, event.detail.input, event.detail.id])
    event.preventDefault()
  })
  client.tools.register("highlight", () => {
    runs += 1
  })
  const call = server.waitingCall(thread)
  await settle()
  assert.deepEqual(asked, [["highlight", { sku: "A1" }, call]])
  assert.equal(runs, 0)
  assert.equal(server.threads.get(thread).calls.get(call).claim, null)
  client.tools.run(call)
  await settle()
  assert.equal(runs, 1)
  assert.equal(asked.length, 1)
  assert.equal(server.of("answer").length, 1)
})

test("a thread that is left: what has not begun is others', what runs is answered", async () => {
  const { server, thread, openPage } = await world()
  const { tool, runs } = slowTool()
  const client = await openPage({ tools: { highlight: tool } })
  server.waitingCall(thread)
  await settle()
  const other = server.newThread()
  client.openThread(other)
  await settle()
  runs[0].resolve("from afar")
  await settle()
  assert.deepEqual(
    server.of("answer").map((frame) => frame.output),
    ["from afar"],
  )
  client.openThread(thread)
  await settle()
  assert.equal(runs.length, 1)
})

test("calls of one step run at the same time", async () => {
  const { server, thread, openPage } = await world()
  const { tool, runs } = slowTool()
  await openPage({ tools: { highlight: tool } })
  server.waitingCall(thread)
  server.waitingCall(thread)
  await settle()
  assert.equal(runs.length, 2)
})

test("a tool can't change what is shown through its input", async () => {
  const { server, thread, openPage } = await world()
  const highlight = (input) => {
    input.sku = "changed"
  }
  const client = await openPage({ tools: { highlight } })
  server.waitingCall(thread)
  await settle()
  assert.deepEqual(partOf(client, "tool-call").input, { sku: "A1" })
})
