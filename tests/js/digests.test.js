/** Content is checked, not numbers alone: a text that is not the server's is replaced by the server's. */

import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import { test } from "node:test"
import { matchesDigest } from "../../chatkit_app/static/chatkit_app/protocol.js"
import { newUuid, partStarted } from "./events.js"
import { settle } from "./fake-browser.js"
import { answer, content, lineTo } from "./lines.js"

function sha256(text) {
  return createHash("sha256").update(text).digest("hex")
}

function ended(partId, text, digest = sha256(text)) {
  return { type: "part.ended", partId, state: "complete", length: text.length, digest }
}

/** The frames of events pass through this on their way to the page. */
function spoil(server, bend) {
  const tell = server.tellAll.bind(server)
  server.tellAll = (id, frame) => tell(id, bend(structuredClone(frame)))
}

test("a text that was changed on its way is healed by one snapshot", async () => {
  const { server, clock, thread, client } = await lineTo()
  const { part, write } = answer(server, thread)
  spoil(server, (frame) => {
    if (frame.event.type === "part.delta") frame.event.delta = "1000 euros"
    return frame
  })
  write("2000 euros")
  await settle()
  assert.equal(content(client), "1000 euros")
  server.append(thread, ended(part, "2000 euros"))
  await settle()
  assert.equal(content(client), "2000 euros")
  assert.deepEqual(server.of("subscribe").slice(1), [{ type: "subscribe", thread }])
  await clock.pass(60_000)
  const questions = server.of("subscribe").filter(({ epoch }) => epoch === undefined)
  assert.equal(questions.length, 2)
})

test("a server that never agrees is asked ever more rarely, and shown all the same", async () => {
  const { server, clock, thread, client } = await lineTo()
  const { message } = answer(server, thread)
  let texts = 0
  for (let second = 0; second < 120; second += 1) {
    const part = newUuid()
    texts += 1
    const text = `text ${texts}`
    server.append(thread, partStarted(message, part, { index: texts }))
    server.append(thread, { type: "part.delta", partId: part, offset: 0, delta: text })
    server.append(thread, ended(part, text, "0".repeat(64)))
    await clock.pass(1_000)
    assert.equal(client.messages[0].parts.at(-1).content, text)
  }
  const asked = server.of("subscribe").length
  assert.ok(asked < 20, `${asked} snapshots for 120 texts`)
})

test("a digest that fits again is the end of the mistrust", async () => {
  const { server, thread } = await lineTo()
  const { message } = answer(server, thread)
  const say = async (index, digest) => {
    const part = newUuid()
    server.append(thread, partStarted(message, part, { index }))
    server.append(thread, ended(part, "", digest))
    await settle()
  }
  await say(1, "wrong")
  assert.equal(server.of("subscribe").length, 2)
  await say(2, sha256(""))
  await say(3, "wrong")
  assert.equal(server.of("subscribe").length, 3)
})

test("text is shown before it is checked, and what a snapshot replaced is not checked", async () => {
  const answers = []
  const digest = () => new Promise((resolve) => answers.push(resolve))
  const getRandomValues = (bytes) => globalThis.crypto.getRandomValues(bytes)
  const crypto = { getRandomValues, subtle: { digest } }
  const { server, clock, thread, client } = await lineTo({ crypto })
  const { part, write } = answer(server, thread)
  write("text")
  server.append(thread, ended(part, "text"))
  await settle()
  assert.equal(content(client), "text")
  assert.equal(answers.length, 1)
  server.open[0].push(server.reset(thread))
  await settle()
  answers[0](new ArrayBuffer(32))
  await clock.pass(5_000)
  assert.equal(server.of("subscribe").length, 1)
})

test("what can't be told apart is no false alarm", async () => {
  const subtle = globalThis.crypto.subtle
  const broken = { digest: () => Promise.reject(new Error("not here")) }
  assert.equal(await matchesDigest({ subtle }, "a\ud800b", sha256("a?b")), true)
  assert.equal(await matchesDigest({ subtle }, "text", undefined), true)
  assert.equal(await matchesDigest({ subtle: broken }, "text", "0"), true)
  assert.equal(await matchesDigest({}, "text", "0"), true)
  const astral = "\u{1f440} ß \u{10ffff}"
  assert.equal(await matchesDigest({ subtle }, astral, sha256(astral)), true)
  assert.equal(await matchesDigest({ subtle }, astral, sha256("other")), false)
})
