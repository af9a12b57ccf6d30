/** What is asked of the outside: what a page shows of it, and how it is answered. */

import assert from "node:assert/strict"
import { test } from "node:test"
import { approval, askPerson, callChanged, interrupt } from "./fake-asking.js"
import { settle } from "./fake-browser.js"
import { partOf, world } from "./pages.js"

/** A page on a thread with a server tool's call that somebody is asked about. */
async function asked(kind = "approval", rest = {}, options = {}) {
  const { openPage, ...place } = await world()
  const { server, thread } = place
  const call = server.runningCall(thread, options)
  const id = askPerson(server, thread, call, kind, rest)
  return { ...place, openPage, call, id, client: await openPage(options) }
}

test("what is open is listed with its call, in the order of the calls", async () => {
  const { server, thread, client, call, id } = await asked()
  const other = server.waitingCall(thread)
  await settle()
  assert.deepEqual(
    client.interrupts.map((open) => [open.kind, open.toolCall.id]),
    [
      ["approval", call],
      ["client_tool", other],
    ],
  )
  assert.equal(client.interrupts[0].id, id)
  assert.equal(client.interrupts[0].toolCall, partOf(client, "tool-call"))
})

test("the list is the same object until the thread changes", async () => {
  const { server, thread, client, call } = await asked()
  const before = client.interrupts
  assert.equal(client.interrupts, before)
  const renamed = { type: "thread.changed", title: "Orders", status: "open" }
  server.append(thread, renamed)
  await settle()
  assert.equal(client.interrupts[0], before[0])
  server.endCall(thread, call, { output: 1 })
  await settle()
  assert.deepEqual(client.interrupts, [])
})

test("without a thread nothing is asked, and nothing can be answered", async () => {
  const { client } = await asked()
  client.newThread()
  assert.deepEqual(client.interrupts, [])
  await assert.rejects(client.approve("x"), { code: "interrupt_not_found" })
})

test("a call shows that it waits for a person, and what has become of that", async () => {
  const { client, id } = await asked()
  assert.equal(partOf(client, "tool-call").state, "approval-requested")
  assert.equal(partOf(client, "tool-call").waitsFor, "person")
  assert.equal(partOf(client, "tool-call").approval.approved, null)
  await client.approve(id)
  await settle()
  const part = partOf(client, "tool-call")
  assert.deepEqual(
    [part.state, part.waitsFor, part.interrupt, part.status],
    ["approval-responded", null, null, "running"],
  )
  assert.deepEqual(
    part.approval,
    approval(id, { approved: true, decision: "approve", by: "visitor" }),
  )
})

test("each verb is sent as the server reads it", async () => {
  const said = [
    [(client, id) => client.approve(id), { decision: "approve" }],
    [
      (client, id) => client.approve(id, { input: { sku: "B2" } }),
      { decision: "edit", input: { sku: "B2" } },
    ],
    [(client, id) => client.deny(id), { decision: "deny", text: "" }],
    [(client, id) => client.deny(id, "no"), { decision: "deny", text: "no" }],
    [(client, id) => client.respond(id, "why?"), { decision: "respond", text: "why?" }],
    [
      (client, id) => client.answer(id, { a: 1 }),
      { decision: "answer", output: { a: 1 } },
    ],
    [(client, id) => client.answer(id), { decision: "answer", output: null }],
    [(client, id) => client.skip(id), { decision: "skip" }],
  ]
  for (const [say, answer] of said) {
    const { server, thread, client, id } = await asked()
    assert.deepEqual(await say(client, id), { thread, interrupts: [id] })
    const [{ id: command, ...frame }] = server.of("resolve")
    assert.match(command, /^[\da-f-]{36}$/)
    const answers = [{ interrupt: id, ...answer }]
    assert.deepEqual(frame, { type: "resolve", thread, tab: client.tab, answers })
  }
})

test("several are answered at once, in any order", async () => {
  const { server, thread, client, id } = await asked()
  const other = askPerson(server, thread, server.runningCall(thread), "question")
  await settle()
  const sent = await client.resolve([
    { interrupt: other, decision: "answer", output: "red" },
    { interrupt: id, decision: "deny", text: "too dear" },
  ])
  await settle()
  assert.deepEqual(sent.interrupts, [other, id])
  assert.equal(server.of("resolve").length, 1)
  assert.deepEqual(client.interrupts, [])
})

test("an answer that does not fit says where, and nothing has changed", async () => {
  const schema = { type: "object", required: ["size"] }
  const { server, thread, client, id } = await asked("question", { schema })
  const before = client.messages
  const other = askPerson(server, thread, server.runningCall(thread), "approval")
  await settle()
  const answers = [
    { interrupt: other, decision: "approve" },
    { interrupt: id, decision: "answer", output: {} },
  ]
  const error = await client.resolve(answers).catch((refused) => refused)
  assert.equal(error.code, "answer_invalid")
  assert.deepEqual(error.errors, [
    { interrupt: id, field: "size", message: "required" },
  ])
  assert.equal(client.messages[0], before[0])
  assert.deepEqual(
    client.interrupts.map((open) => open.id),
    [id, other],
  )
  assert.deepEqual([client.isResolving(id), client.isResolving(other)], [false, false])
})

test("a refusal reaches the caller, and has no list where nothing is wrong with a field", async () => {
  const codes = ["answer_late", "answer_duplicate", "not_allowed", "claim_held"]
  for (const code of codes) {
    const { server, client, id } = await asked()
    server.refusals.set("resolve", [{ code }])
    const error = await client.approve(id).catch((refused) => refused)
    assert.equal(error.code, code)
    assert.deepEqual(error.errors, [])
    assert.equal(client.isResolving(id), false)
    assert.equal(partOf(client, "tool-call").state, "approval-requested")
    assert.deepEqual(client.errors, [])
  }
})

test("what is no answer at all is not sent", async () => {
  const { server, client, id } = await asked()
  const cycle = {}
  cycle.self = cycle
  for (const output of [cycle, 10n, { text: "a\0" }])
    await assert.rejects(client.answer(id, output), { code: "invalid_command" })
  await assert.rejects(client.resolve([]), { code: "invalid_command" })
  const many = Array(51).fill({ interrupt: id, decision: "approve" })
  await assert.rejects(client.resolve(many), { code: "invalid_command" })
  await assert.rejects(client.deny(id, "x".repeat(2_001)), { code: "invalid_command" })
  await assert.rejects(client.approve("first"), { code: "interrupt_not_found" })
  assert.deepEqual(server.of("resolve"), [])
  assert.equal(client.isResolving(id), false)
})

test("an answer is told to be on its way until the thread shows it", async () => {
  const { server, thread, client, call, id } = await asked()
  server.deaf.add("resolve")
  const resolving = []
  client.addEventListener("change", () => resolving.push(client.isResolving(id)))
  const sent = client.approve(id)
  await settle()
  assert.equal(client.isResolving(id), true)
  assert.equal(resolving.at(-1), true)
  const [{ id: command }] = server.of("resolve")
  // Accepted is one thing, the event another: in between nobody shall be asked again.
  server.open[0].push({ type: "accepted", id: command, thread, interrupts: [id] })
  await sent
  await settle()
  assert.equal(client.isResolving(id), true)
  server.append(thread, callChanged(call, { status: "running" }))
  await settle()
  assert.equal(client.isResolving(id), false)
})

test("an event that comes before the acceptance leaves nothing behind", async () => {
  const { client, id } = await asked()
  await client.approve(id)
  await settle()
  assert.equal(client.isResolving(id), false)
})

test("an answer without an answer is sent again on the next line, with the same id", async () => {
  for (const loss of ["deaf", "mute"]) {
    const { server, clock, client, id } = await asked()
    server[loss].add("resolve")
    const output = { size: "M" }
    const sent = client.answer(id, output)
    output.size = "changed meanwhile"
    await settle()
    server[loss].clear()
    server.cut()
    await settle()
    assert.equal(client.isResolving(id), true)
    await clock.pass(1_000)
    assert.deepEqual((await sent).interrupts, [id])
    const [one, other] = server.of("resolve")
    assert.deepEqual(one, other)
    assert.deepEqual(one.answers[0].output, { size: "M" })
  }
})

test("a page's tool that needs approval is not claimed before; then it runs once", async () => {
  const inputs = []
  const tools = { highlight: (input) => void inputs.push(input) }
  const { server, client, id } = await asked(
    "approval",
    {},
    { executor: "client", tools },
  )
  await settle()
  assert.deepEqual(server.of("claim"), [])
  await client.approve(id)
  await settle()
  assert.deepEqual(inputs, [{ sku: "A1" }])
  assert.equal(server.of("claim").length, 1)
  assert.equal(server.of("answer").length, 1)
})

test("a page's tool runs with what a person has made of its arguments", async () => {
  const inputs = []
  const tools = { highlight: (input) => void inputs.push(input) }
  const options = { executor: "client", tools }
  const { client, id } = await asked("approval", {}, options)
  await client.approve(id, { input: { sku: "B2" } })
  await settle()
  assert.deepEqual(inputs, [{ sku: "B2" }])
  assert.deepEqual(partOf(client, "tool-call").input, { sku: "A1" })
  assert.deepEqual(partOf(client, "tool-call").editedInput, { sku: "B2" })
})

test("a denied call ends with who said so and why", async () => {
  const { client, id } = await asked("approval", {}, { executor: "client" })
  await client.deny(id, "too dear")
  await settle()
  const part = partOf(client, "tool-call")
  assert.deepEqual([part.state, part.interrupt], ["approval-responded", null])
  assert.equal(part.approval.approved, false)
  assert.deepEqual(partOf(client, "tool-result").error, {
    code: "denied",
    text: "too dear",
  })
})

test("the visitor sees that staff is asked, and can't answer in their place", async () => {
  const { client, id } = await asked("approval", { approver: "staff" })
  assert.equal(client.interrupts[0].approver, "staff")
  await assert.rejects(client.approve(id), { code: "not_allowed" })
})

test("a call that a newer message has closed says so", async () => {
  const { server, thread, client, call } = await asked()
  const end = { status: "cancelled", errorCode: "superseded", errorText: "A new one." }
  server.endCall(thread, call, { ...end, state: "approval-responded" })
  await settle()
  assert.equal(partOf(client, "tool-result").error.code, "superseded")
  assert.deepEqual(client.interrupts, [])
})

test("another question of the same call has an id, and an answer, of its own", async () => {
  const { server, thread, client, call, id } = await asked("question", { key: "size" })
  await client.answer(id, "M")
  const next = askPerson(server, thread, call, "question", { key: "colour" })
  await settle()
  assert.deepEqual(
    client.interrupts.map((open) => [open.id, open.key]),
    [[next, "colour"]],
  )
  assert.equal(client.isResolving(next), false)
})

test("a call that waits for a job asks nobody", async () => {
  const { server, thread, openPage } = await world()
  const client = await openPage({ tools: { highlight: () => 1 } })
  const call = server.runningCall(thread)
  server.append(thread, callChanged(call, { waitsFor: "job" }))
  await settle()
  assert.equal(partOf(client, "tool-call").waitsFor, "job")
  assert.deepEqual(client.interrupts, [])
  assert.deepEqual(server.of("claim"), [])
})

test("a page that joins finds what is open, and answers it", async () => {
  const { openPage, id, client } = await asked("question", {
    message: "Which size?",
    form: "<input name=size>",
  })
  const joined = await openPage()
  assert.deepEqual(joined.interrupts, client.interrupts)
  await joined.answer(id, { size: "M" })
  await settle()
  assert.deepEqual(client.interrupts, [])
})

test("a server that knows nothing of persons still has its client tools run", async () => {
  const { server, thread, openPage } = await world()
  const client = await openPage({ tools: { highlight: () => "done" } })
  const call = server.runningCall(thread, { executor: "client" })
  const { type, toolCallId, status, state, executor } = callChanged(call, {
    executor: "client",
  })
  const old = { type, toolCallId, status, state, executor, input: null }
  server.append(thread, { ...old, deadlineAt: null })
  await settle()
  assert.equal(partOf(client, "tool-call").output, "done")
})

test("an interrupt in a snapshot's run is the call's own, and kept once", async () => {
  const { server, thread, client, call, id } = await asked()
  const { interrupts, run } = client
  assert.equal("interrupts" in run, false)
  const frame = server.reset(thread)
  frame.snapshot.run.interrupts = [interrupt(call, "approval", { id })]
  server.tellAll(thread, frame)
  await settle()
  assert.equal("interrupts" in client.run, false)
  assert.equal(client.interrupts[0], interrupts[0])
})
