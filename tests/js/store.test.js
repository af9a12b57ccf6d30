/** The reducer: what frames make of a thread, and what they leave as it was. */

import assert from "node:assert/strict"
import { test } from "node:test"
import {
  apply,
  emptyState,
  prepend,
  waitingCalls,
} from "../../chatkit_app/static/chatkit_app/store.js"
import { messageCreated, newUuid, partStarted, runChanged } from "./events.js"
import { askPage, askPerson, callChanged } from "./fake-asking.js"
import { FakeServer } from "./fake-server.js"

/** A thread with an answer that is being written. */
function written() {
  const server = new FakeServer()
  const id = server.newThread()
  const [run, message, part] = [newUuid(), newUuid(), newUuid()]
  const said = { role: "user", status: "complete", content: "Hello", clientId: "mine" }
  server.append(id, messageCreated(newUuid(), said))
  server.append(id, messageCreated(message, { runId: run }))
  server.append(id, runChanged(run, message, "in_progress"))
  server.append(id, partStarted(message, part))
  server.append(id, delta(part, 0, "Good "))
  return { server, id, run, message, part, state: server.threads.get(id).state }
}

function delta(partId, offset, text) {
  return { type: "part.delta", partId, offset, delta: text }
}

/** The event right after the state, or so many positions further. */
function next(state, event, step = 1) {
  const position = state.position + step
  return { type: "event", thread: state.threadId, position, event }
}

test("an event is applied right after the last one, and at no other time", () => {
  const { state, part } = written()
  const event = delta(part, 5, "day")
  assert.equal(apply(state, next(state, event)).kind, "applied")
  assert.deepEqual(apply(state, next(state, event, 0)), { kind: "ignored", state })
  assert.deepEqual(apply(state, next(state, event, -3)), { kind: "ignored", state })
  assert.deepEqual(apply(state, next(state, event, 2)), { kind: "gap", state })
})

test("an event of another thread is none of ours", () => {
  const { state, part } = written()
  const frame = { ...next(state, delta(part, 5, "day")), thread: newUuid() }
  assert.deepEqual(apply(state, frame), { kind: "ignored", state })
})

test("before the first snapshot events wait", () => {
  const state = emptyState(newUuid())
  const frame = next(state, { type: "thread.changed", title: "x", status: "open" })
  assert.deepEqual(apply(state, frame), { kind: "ignored", state })
})

test("an event of unknown type is skipped, but advances the position", () => {
  const { state } = written()
  for (const type of ["memory.changed", "constructor", "__proto__"]) {
    const outcome = apply(state, next(state, { type }))
    assert.equal(outcome.kind, "applied")
    assert.equal(outcome.state.position, state.position + 1)
    assert.equal(outcome.state.messages, state.messages)
  }
})

test("only the message and the part that changed are other objects afterwards", () => {
  const { state, part } = written()
  const { state: after } = apply(state, next(state, delta(part, 5, "day")))
  assert.equal(after.messages[0], state.messages[0])
  assert.notEqual(after.messages[1], state.messages[1])
  assert.equal(after.messages[1].parts[0].content, "Good day")
  assert.equal(state.messages[1].parts[0].content, "Good ")
  assert.equal(after.run, state.run)
})

test("a delta that does not begin where the part ends makes the state unsound", () => {
  const { state, part } = written()
  for (const offset of [0, 4, 6]) {
    const outcome = apply(state, next(state, delta(part, offset, "x")))
    assert.equal(outcome.kind, "unsound")
    assert.equal(outcome.state.epoch, null)
    assert.equal(outcome.state.messages, state.messages)
  }
})

test("what belongs to a message, a part or a call that is not there makes it unsound", () => {
  const { state } = written()
  const nowhere = newUuid()
  const events = [
    delta(nowhere, 0, "x"),
    partStarted(nowhere, newUuid()),
    { type: "part.ended", partId: nowhere, state: "complete", length: 0, digest: "" },
    {
      type: "tool_call.changed",
      toolCallId: nowhere,
      status: "waiting",
      state: "input-complete",
    },
  ]
  for (const event of events)
    assert.equal(apply(state, next(state, event)).kind, "unsound")
})

test("lengths are counted in UTF-16 units, and a wrong one is noticed", () => {
  const { state, part } = written()
  const { state: after } = apply(state, next(state, delta(part, 5, "\u{1f440}")))
  const ended = { type: "part.ended", partId: part, state: "complete", digest: "d" }
  const right = apply(after, next(after, { ...ended, length: 7 }))
  assert.equal(right.kind, "applied")
  assert.deepEqual(right.ended, { content: "Good \u{1f440}", digest: "d" })
  assert.equal(right.state.messages[1].parts[0].state, "complete")
  assert.equal(apply(after, next(after, { ...ended, length: 6 })).kind, "unsound")
})

test("a part that has not ended when its message does was interrupted", () => {
  const { state, message } = written()
  const event = { type: "message.ended", messageId: message, status: "interrupted" }
  const { state: after } = apply(state, next(state, event))
  assert.equal(after.messages[1].status, "interrupted")
  assert.equal(after.messages[1].parts[0].state, "interrupted")
})

test("a hidden message is gone, the others are the same", () => {
  const { state, message } = written()
  const event = { type: "message.hidden", messageId: message }
  const { state: after } = apply(state, next(state, event))
  assert.deepEqual(after.messages, [state.messages[0]])
  assert.equal(after.messages[0], state.messages[0])
})

test("the end of an older run does not hide the newer one", () => {
  const { state, run, message } = written()
  const later = { ...runChanged(newUuid(), newUuid(), "queued") }
  const { state: queued } = apply(state, next(state, later))
  assert.equal(queued.run.id, later.runId)
  const { state: after } = apply(
    queued,
    next(queued, runChanged(run, message, "cancelled")),
  )
  assert.equal(after.run, queued.run)
})

test("a kind of part that is newer than us is kept, with its text", () => {
  const { state, message } = written()
  const part = newUuid()
  const { state: one } = apply(
    state,
    next(state, partStarted(message, part, { kind: "source", index: 1 })),
  )
  const { state: two } = apply(one, next(one, delta(part, 0, "text")))
  assert.equal(two.messages[1].parts[1].type, "source")
  assert.equal(two.messages[1].parts[1].content, "text")
})

test("parts stand in the order of their index, not of their coming", () => {
  const { state, message } = written()
  const [later, sooner] = [newUuid(), newUuid()]
  const { state: one } = apply(
    state,
    next(state, partStarted(message, later, { index: 2 })),
  )
  const { state: two } = apply(
    one,
    next(one, partStarted(message, sooner, { index: 1 })),
  )
  assert.deepEqual(
    two.messages[1].parts.map((part) => part.index),
    [0, 1, 2],
  )
})

test("a client tool's call that waits is found, and no other one", () => {
  const server = new FakeServer()
  const id = server.newThread()
  const call = server.waitingCall(id)
  assert.deepEqual(
    waitingCalls(server.threads.get(id).state).map((part) => part.id),
    [call],
  )
  assert.equal(waitingCalls(server.threads.get(id).state)[0].output, undefined)
  server.endCall(id, call, { output: 1 })
  assert.deepEqual(waitingCalls(server.threads.get(id).state), [])
})

test("a call that failed has no output, its result has the error", () => {
  const server = new FakeServer()
  const id = server.newThread()
  const call = server.waitingCall(id)
  server.endCall(id, call, { status: "failed", errorText: "no such product" })
  const [part, result] = server.threads.get(id).state.messages[0].parts
  assert.equal(part.output, undefined)
  assert.equal(part.state, "input-complete")
  assert.deepEqual([result.state, result.content], ["error", "no such product"])
})

test("a reset keeps what is the same identical, and takes over all the rest", () => {
  const { server, id, state, part } = written()
  server.append(id, delta(part, 5, "day"))
  const { kind, state: after } = apply(state, server.reset(id))
  assert.equal(kind, "applied")
  assert.deepEqual(after, server.threads.get(id).state)
  assert.equal(after.messages[0], state.messages[0])
  assert.notEqual(after.messages[1], state.messages[1])
})

test("another epoch makes it unsound, whatever the position", () => {
  const { state } = written()
  const frame = {
    type: "position",
    thread: state.threadId,
    epoch: "other",
    position: state.position,
  }
  assert.equal(apply(state, frame).kind, "unsound")
})

test("a position tells level from behind", () => {
  const { server, id, state } = written()
  const frame = server.position(id)
  assert.equal(apply(state, frame).kind, "level")
  assert.equal(apply(state, { ...frame, position: frame.position - 1 }).kind, "level")
  assert.equal(apply(state, { ...frame, position: frame.position + 1 }).kind, "behind")
})

test("older messages come before the others, each once", () => {
  const { state } = written()
  const older = { ...state.messages[0], id: newUuid() }
  const page = { results: [older, state.messages[0]], earlier: true }
  const after = prepend(state, page)
  assert.deepEqual(
    after.messages.map((message) => message.id),
    [older.id, ...state.messages.map((message) => message.id)],
  )
  assert.equal(after.messages[1], state.messages[0])
  assert.equal(after.hasEarlier, true)
})

test("the events of a call that was asked about make what a snapshot of it says", () => {
  const server = new FakeServer()
  const id = server.newThread()
  const call = server.runningCall(id)
  const steps = [
    () => askPerson(server, id, call, "approval", { message: "Really?" }),
    () => {
      const [{ parts }] = server.threads.get(id).state.messages
      const [{ approval: open }] = parts
      const approved = { approved: true, decision: "edit", by: "staff" }
      const told = { approval: { ...open, ...approved }, editedInput: { sku: "B2" } }
      server.append(id, callChanged(call, { status: "running", ...told }))
    },
    () => askPerson(server, id, call, "question", { key: "size" }),
    () => server.append(id, callChanged(call, { waitsFor: "job" })),
    () => server.endCall(id, call, { output: { ok: true } }),
  ]
  for (const step of steps) {
    step()
    const { state } = server.threads.get(id)
    const joined = apply(emptyState(id), server.reset(id)).state
    assert.deepEqual(joined, state)
  }
  const [part] = server.threads.get(id).state.messages[0].parts
  assert.deepEqual([part.waitsFor, part.interrupt], [null, null])
  assert.deepEqual([part.approval.by, part.editedInput], ["staff", { sku: "B2" }])
})

test("a snapshot of a server that asks nobody is the same thread to us", () => {
  const server = new FakeServer()
  const id = server.newThread()
  server.waitingCall(id)
  const { state } = server.threads.get(id)
  const frame = server.reset(id)
  const [message] = frame.snapshot.messages
  const [{ editedInput, waitsFor, interrupt, approval, ...old }] = message.parts
  message.parts = [{ ...old, progress: { text: "Half", fraction: 0.5 } }]
  const [part] = apply(state, frame).state.messages[0].parts
  assert.deepEqual(
    [part.interrupt, part.waitsFor, part.editedInput],
    [null, null, null],
  )
  assert.deepEqual(part.progress, {
    text: "Half",
    fraction: 0.5,
    preliminary: null,
    notice: null,
  })
  assert.deepEqual(waitingCalls(apply(state, frame).state), [part])
})

test("a call that waits for a person is no page's to run", () => {
  const server = new FakeServer()
  const id = server.newThread()
  const call = server.runningCall(id, { executor: "client" })
  askPerson(server, id, call, "approval")
  assert.deepEqual(waitingCalls(server.threads.get(id).state), [])
  server.append(id, askPage(call))
  assert.deepEqual(
    waitingCalls(server.threads.get(id).state).map((part) => part.id),
    [call],
  )
})
