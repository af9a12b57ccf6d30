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

/** The story's events, and where it begins. */
function story() {
  const start = golden("server-reset")
  const frames = names.filter((name) => isEvent(name) && name !== VOIDED).map(golden)
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
