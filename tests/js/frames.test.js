/** The golden frames, which docs/protocol.md shows and the Python tests write and read. */

import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import { readdirSync, readFileSync } from "node:fs"
import { test } from "node:test"
import {
  ChatKitError,
  decodeFrame,
  encodeFrame,
} from "../../chatkit_app/static/chatkit_app/protocol.js"
import { apply, emptyState } from "../../chatkit_app/static/chatkit_app/store.js"

const FOLDER = new URL("../protocols/frames/", import.meta.url)
const DOC = new URL("../../docs/protocol.md", import.meta.url)
const names = readdirSync(FOLDER).map((file) => file.replace(/\.json$/, ""))

function text(name) {
  return readFileSync(new URL(`${name}.json`, FOLDER), "utf8")
}

function golden(name) {
  return JSON.parse(text(name))
}

function isEvent(name) {
  return name.startsWith("server-event-")
}

test("the document shows every golden file as it is", () => {
  const shown = readFileSync(DOC, "utf8").matchAll(
    /<!-- ([\w.-]+)\.json -->\n```json\n(.*?)```/gs,
  )
  const examples = Object.fromEntries(
    [...shown].map(([, name, example]) => [name, example]),
  )
  assert.deepEqual(Object.keys(examples).sort(), [...names].sort())
  for (const name of names) assert.equal(examples[name], text(name))
})

test("every frame of the server is read as it is", () => {
  for (const name of names.filter((name) => name.startsWith("server-"))) {
    assert.deepEqual(decodeFrame(text(name)), golden(name), name)
  }
})

test("every frame of a client can be written", () => {
  for (const name of names.filter((name) => name.startsWith("client-"))) {
    assert.deepEqual(JSON.parse(encodeFrame(golden(name), 65_536)), golden(name), name)
  }
})

/** Another way on from the position before it: the story itself has no broken step. */
const VOIDED = "server-event-step.voided"
/** What may happen to calls that are not in the story: somebody is asked about them. */
const ASKED = [
  "server-event-tool_call.changed-approval",
  "server-event-tool_call.changed-approved",
  "server-event-tool_call.changed-question",
  "server-event-tool_call.ended-denied",
  "server-event-effect",
]

/** What happens after the end of the story: a rating, another branch, an edit, a person's reply. */
const LATER = [
  "server-event-message.rated",
  "server-event-branch.shown",
  "server-event-message.created-again",
  "server-event-message.created-staff",
]

/** The story's events, and where it begins. */
function story() {
  const start = golden("server-reset")
  const apart = [VOIDED, ...ASKED, ...LATER]
  const frames = names
    .filter((name) => isEvent(name) && !apart.includes(name))
    .map(golden)
  frames.sort((one, other) => one.position - other.position)
  return { frames, begun: apply(emptyState(start.thread), start).state }
}

test("a step that breaks off in the middle of the story is taken back", () => {
  const { frames, begun } = story()
  const voided = golden(VOIDED)
  const before = frames
    .slice(0, voided.position - begun.position - 1)
    .reduce((state, frame) => apply(state, frame).state, begun)
  assert.equal(before.messages.at(-1).parts[0].content, "Let me look \u{1f440}")
  const { kind, state } = apply(before, voided)
  assert.equal(kind, "applied")
  assert.deepEqual(state.messages.at(-1).parts, [])
  assert.deepEqual(state.messages.slice(0, -1), before.messages.slice(0, -1))
  assert.equal(state.run.status, "in_progress")
  assert.deepEqual(state.run.retry, {
    code: voided.event.errorCode,
    attempt: 1,
    retryAt: voided.event.retryAt,
  })
})

test("the events, one after the other, make of the first snapshot the second", () => {
  const { frames, begun } = story()
  let state = begun
  for (const frame of frames) {
    const outcome = apply(state, frame)
    assert.equal(outcome.kind, "applied", frame.event.type)
    if (outcome.ended) {
      const hash = createHash("sha256").update(outcome.ended.content).digest("hex")
      assert.equal(hash, outcome.ended.digest)
    }
    state = outcome.state
  }
  const end = golden("server-reset-after")
  assert.deepEqual(state, apply(emptyState(end.thread), end).state)
  assert.deepEqual(JSON.parse(JSON.stringify(state.messages)), end.snapshot.messages)
})

test("what comes after the story is applied, one after the other", () => {
  const end = golden("server-reset-after")
  let { state } = apply(emptyState(end.thread), end)
  for (const frame of LATER.map(golden)) {
    const outcome = apply(state, frame)
    assert.equal(outcome.kind, "applied", frame.event.type)
    state = outcome.state
  }
  const [, rated, , again, reply] = state.messages
  assert.equal(rated.feedback, "up")
  assert.deepEqual(again.siblings, [end.snapshot.messages[0].id, again.id])
  const [text, file] = again.parts
  assert.deepEqual([text.type, text.content], ["text", "Where is my order 1043?"])
  const { type, state: fileState, name, size, url } = file
  assert.deepEqual(
    [type, fileState, name, size],
    ["file", "complete", "parcel.png", 48213],
  )
  assert.match(url, /^\/chatkit\/api\/attachments\//)
  assert.deepEqual([reply.role, reply.author], ["assistant", { name: "Kim Lee" }])
  assert.deepEqual(
    reply.parts.map((part) => part.content),
    ["I have looked: it leaves today."],
  )
})

/** The end of the story, with a call of which the frame then tells. */
function after(frame, known = {}) {
  const end = golden("server-reset-after")
  const message = end.snapshot.messages.find(({ role }) => role === "assistant")
  const call = message.parts.find(({ type }) => type === "tool-call")
  const open = { status: "waiting", output: undefined, ...known }
  const place = { id: frame.event.toolCallId, partId: "new", index: 90 }
  message.parts.push({ ...call, ...open, ...place })
  const { state } = apply(emptyState(end.thread), end)
  const { kind, told, ...outcome } = apply(state, {
    ...frame,
    position: end.position + 1,
  })
  assert.equal(kind, "applied")
  const parts = outcome.state.messages.flatMap((found) => found.parts)
  const isChanged = outcome.state.messages !== state.messages
  return { told, isChanged, parts, call: parts.find(({ id }) => id === place.id) }
}

test("a call that waits for a person says who is asked, and what", () => {
  for (const name of ["approval", "question"]) {
    const frame = golden(`server-event-tool_call.changed-${name}`)
    const { call } = after(frame)
    const { interrupt, approval, state } = frame.event
    assert.deepEqual([call.waitsFor, call.interrupt], ["person", interrupt])
    assert.deepEqual([call.approval, call.state], [approval, state])
  }
})

test("an approval with other arguments, and a denial, close what was asked", () => {
  const asked = golden("server-event-tool_call.changed-approval").event
  const { interrupt, approval, input } = asked
  const { deadlineAt } = asked
  const known = { waitsFor: "person", interrupt, approval, input, deadlineAt }
  const approved = golden("server-event-tool_call.changed-approved")
  const { call } = after(approved, known)
  assert.deepEqual([call.waitsFor, call.interrupt], [null, null])
  assert.deepEqual([call.input, call.editedInput], [input, approved.event.editedInput])
  assert.equal(call.approval.decision, "edit")
  assert.equal(call.deadlineAt, null)
  const denied = golden("server-event-tool_call.ended-denied")
  const end = after(denied, known)
  assert.equal(end.call.interrupt, null)
  assert.deepEqual(end.call.approval, denied.event.approval)
  assert.equal(end.parts.find(({ error }) => error?.code === "denied").state, "error")
})

test("an effect is told, and changes nothing", () => {
  const frame = golden("server-event-effect")
  const { told, isChanged } = after(frame)
  const { type, ...effect } = frame.event
  assert.deepEqual(told, { type, detail: effect })
  assert.equal(isChanged, false)
})

test("what is no frame, or newer than us, is no error", () => {
  const strange = [
    "",
    "{",
    "null",
    "[]",
    "1",
    '"x"',
    "{}",
    '{"type":1}',
    '{"type":"news"}',
  ]
  const broken = [
    '{"type":"constructor"}',
    '{"type":"event"}',
    '{"type":"event","position":1}',
  ]
  const bent = [
    '{"type":"reset","position":1,"epoch":"e","snapshot":{}}',
    '{"type":"accepted"}',
  ]
  for (const frame of [...strange, ...broken, ...bent, undefined, new ArrayBuffer(2)]) {
    assert.equal(decodeFrame(frame), null)
  }
})

test("what the server would refuse is not sent", () => {
  const frame = golden("client-answer")
  const refused = (output) => {
    try {
      return encodeFrame({ ...frame, output }, 1_000)
    } catch (error) {
      assert.ok(error instanceof ChatKitError)
      return error.code
    }
  }
  const nested = (levels) => JSON.parse("[".repeat(levels) + "]".repeat(levels))
  assert.equal(refused("ä".repeat(500)), "frame_too_large")
  for (const output of [
    "\0",
    "\ud800",
    { "\udc00": 1 },
    [2 ** 53],
    -(2 ** 53),
    nested(33),
  ]) {
    assert.equal(refused(output), "invalid_command")
  }
  for (const output of ["\u{1f440}", 2 ** 53 - 1, 0.5, 1e-7, nested(32)]) {
    assert.deepEqual(JSON.parse(refused(output)).output, output)
  }
})
