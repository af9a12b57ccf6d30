/** A step that broke off: what it had said is taken back, and it is asked again. */

import assert from "node:assert/strict"
import { test } from "node:test"
import { apply, waitingCalls } from "../../chatkit_app/static/chatkit_app/store.js"
import { messageCreated, newUuid, partStarted, runChanged } from "./events.js"
import { settle } from "./fake-browser.js"
import { FakeServer } from "./fake-server.js"
import { slowTool, world } from "./pages.js"

function voided(runId, stepId, rest = {}) {
  const why = { errorCode: "provider_rate_limited", retryAt: "2026-01-05T12:00:09Z" }
  return { type: "step.voided", runId, stepId, index: 0, attempt: 1, ...why, ...rest }
}

/** An answer with a finished step, of text and a call, and one that is being written. */
function answering(server = new FakeServer(), id = server.newThread()) {
  const call = server.waitingCall(id)
  server.endCall(id, call, { output: 1 })
  const { run, messages } = server.threads.get(id).state
  const { id: message } = messages.at(-1)
  const stepId = newUuid()
  const add = (event) => server.append(id, event)
  const parts = ["text", "reasoning"].map((kind, at) => {
    const part = newUuid()
    add(partStarted(message, part, { kind, index: 60 + at, stepId }))
    add({ type: "part.delta", partId: part, offset: 0, delta: `${kind} of it` })
    return part
  })
  const [part, toolCall] = [newUuid(), newUuid()]
  const named = { kind: "tool-call", index: 62, stepId, call: toolCall, name: "paint" }
  add(partStarted(message, part, named))
  add({ type: "part.delta", partId: part, offset: 0, delta: '{"col' })
  const state = () => server.threads.get(id).state
  return { server, id, run: run.id, message, stepId, parts, toolCall, add, state }
}

test("all that the step has said goes, and nothing else", () => {
  const { run, stepId, add, state, message } = answering()
  const before = state()
  add(voided(run, stepId))
  const after = state()
  const [kept] = before.messages
  assert.deepEqual(
    after.messages[0].parts.map((part) => part.type),
    ["tool-call", "tool-result"],
  )
  assert.deepEqual(after.messages[0].parts, kept.parts.slice(0, 2))
  assert.equal(after.messages[0].status, "open")
  assert.equal(after.messages[0].id, message)
  assert.equal(after.run.status, "requires_action")
})

test("a result of a voided step's call goes with it", () => {
  const { server, id, run, add, state } = answering()
  const call = server.waitingCall(id)
  server.endCall(id, call, { output: "late" })
  const { stepId } = server.threads.get(id).calls.get(call)
  add(voided(run, stepId))
  assert.deepEqual(state().messages.at(-1).parts, [])
})

test("a step that had said nothing leaves every message the same object", () => {
  const { run, add, state } = answering()
  const { messages } = state()
  add(voided(run, newUuid()))
  assert.equal(state().messages, messages)
})

test("the run says that it is asked again, until the next part", () => {
  const { run, stepId, message, add, state } = answering()
  add(voided(run, stepId))
  const retry = {
    code: "provider_rate_limited",
    attempt: 1,
    retryAt: "2026-01-05T12:00:09Z",
  }
  assert.deepEqual(state().run.retry, retry)
  add({ type: "step.started", runId: run, stepId: newUuid(), index: 0, attempt: 2 })
  add(runChanged(run, message, "in_progress"))
  assert.deepEqual(state().run.retry, retry)
  add(partStarted(message, newUuid(), { index: 63 }))
  assert.equal(state().run.retry, null)
})

for (const status of ["completed", "failed", "cancelled"]) {
  test(`the run says that it is asked again, until it has ${status}`, () => {
    const { run, stepId, message, add, state } = answering()
    add(voided(run, stepId, { retryAt: null }))
    assert.equal(state().run.retry.retryAt, null)
    add(runChanged(run, message, status))
    assert.equal(state().run.retry, null)
  })
}

test("an older run's step says nothing of the newest run", () => {
  const { run, stepId, add, state } = answering()
  add(runChanged(run, newUuid(), "cancelled"))
  add(runChanged(newUuid(), newUuid(), "queued"))
  add(voided(run, stepId))
  assert.equal(state().run.retry, null)
  assert.equal(state().messages[0].parts.length, 2)
})

test("a snapshot of a server that tells of no retry is one without", () => {
  const { server, id, run, stepId, add, state } = answering()
  add(voided(run, stepId))
  const frame = server.reset(id)
  assert.deepEqual(apply(state(), frame).state.run, state().run)
  delete frame.snapshot.run.retry
  assert.equal(apply(state(), frame).state.run.retry, null)
})

test("an older server's step, without attempts, is as it was", () => {
  const { run, stepId, add, state } = answering()
  const { messages } = state()
  add({ type: "step.started", runId: run, stepId, index: 1 })
  assert.equal(state().messages, messages)
})

test("a call whose arguments were still coming never waits for a page", () => {
  const { run, stepId, add, state } = answering()
  add(voided(run, stepId))
  assert.deepEqual(waitingCalls(state()), [])
})

test("a tool that runs for a voided step is told to stop, and its answer is not sent", async () => {
  const { server, thread, openPage } = await world()
  const { tool, runs } = slowTool()
  const client = await openPage({ tools: { highlight: tool } })
  const call = server.waitingCall(thread)
  await settle()
  const { stepId } = server.threads.get(thread).calls.get(call)
  server.append(thread, voided(client.run.id, stepId))
  await settle()
  assert.equal(runs[0].signal.aborted, true)
  runs[0].resolve("too late")
  await settle()
  assert.equal(server.of("answer").length, 0)
  assert.deepEqual(client.messages[0].parts, [])
  assert.deepEqual(client.errors, [])
})

test("a tool that a person was asked about does not run once its step is voided", async () => {
  const { server, thread, openPage } = await world()
  const { tool, runs } = slowTool()
  const client = await openPage({ tools: { highlight: tool } })
  client.addEventListener("toolcall", (event) => event.preventDefault())
  const call = server.waitingCall(thread)
  await settle()
  const { stepId } = server.threads.get(thread).calls.get(call)
  server.append(thread, voided(client.run.id, stepId))
  await settle()
  client.tools.run(call)
  await settle()
  assert.equal(runs.length, 0)
})

test("a first message's new part under the answer to it stands where it belongs", () => {
  const { id, run, stepId, message, add, state } = answering()
  add(voided(run, stepId))
  add(messageCreated(newUuid(), { role: "user", status: "complete", content: "x" }))
  add(partStarted(message, newUuid(), { index: 60 }))
  assert.equal(state().threadId, id)
  assert.equal(state().messages[0].parts.length, 3)
})
