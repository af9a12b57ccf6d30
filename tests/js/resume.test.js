/** Whatever is lost, repeated or reordered on the way: in the end a page has what the log says. */

import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import { test } from "node:test"
import { ChatKitClient } from "../../chatkit_app/static/chatkit_app/client.js"
import { apply, emptyState } from "../../chatkit_app/static/chatkit_app/store.js"
import { messageCreated, newUuid, partStarted, runChanged } from "./events.js"
import { FakeClock, fakeBrowser, settle } from "./fake-browser.js"
import { FakeServer } from "./fake-server.js"

const ROUNDS = 150

/** The same numbers for the same seed (mulberry32). */
function chance(seed) {
  let state = seed
  const random = () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    random,
    below: (n) => Math.floor(random() * n),
    pick: (list) => list[Math.floor(random() * list.length)],
  }
}

/** A story of a thread: `step` commits one more event of a kind that fits. */
function story(server, id, { below, pick }) {
  let part = null
  let message = null
  let content = ""
  const begin = () => {
    message = newUuid()
    server.append(id, messageCreated(message))
    server.append(id, runChanged(newUuid(), message, "in_progress"))
  }
  const start = () => {
    part = newUuid()
    content = ""
    const count = server.threads.get(id).state.messages.at(-1).parts.length
    server.append(id, partStarted(message, part, { index: count }))
  }
  const write = () => {
    const delta = pick(["a", "word ", "\u{1f440}", "ß\n", "long ".repeat(9)])
    server.append(id, {
      type: "part.delta",
      partId: part,
      offset: content.length,
      delta,
    })
    content += delta
  }
  const end = () => {
    const digest = createHash("sha256").update(content).digest("hex")
    const rest = { state: "complete", length: content.length, digest }
    server.append(id, { type: "part.ended", partId: part, ...rest })
    part = null
  }
  const call = () => {
    message = part = null
    server.endCall(id, server.waitingCall(id), { output: below(9) })
  }
  const news = () => server.append(id, { type: "news.of.tomorrow", what: below(9) })
  return () => {
    if (message === null) return begin()
    if (part === null) return pick([start, start, start, begin, call, news])()
    return pick([write, write, write, write, write, end, news])()
  }
}

function shuffled(list, { below }) {
  const left = [...list]
  return list.map(() => left.splice(below(left.length), 1)[0])
}

test("the reducer: frames in any order, any number of times, then the rest in order", () => {
  for (let seed = 1; seed <= ROUNDS; seed += 1) {
    const dice = chance(seed)
    const server = new FakeServer()
    const id = server.newThread()
    const first = server.reset(id)
    const step = story(server, id, dice)
    for (let count = 0; count < 40; count += 1) step()
    const { state: whole, events } = server.threads.get(id)

    const mess = shuffled([...events, ...events], dice).slice(0, dice.below(80))
    let { state } = apply(emptyState(id), first)
    for (const frame of mess) state = apply(state, frame).state
    assert.notEqual(state.epoch, null, "a mess is no reason to lose the epoch")
    for (const frame of events.slice(state.position)) state = apply(state, frame).state
    assert.deepEqual(state, whole, `seed ${seed}`)
  }
})

/** The server's frames for watchers go through a line that loses, repeats and reorders them. */
function badLine(server, dice) {
  const held = []
  const tell = (id, frame) => {
    for (const socket of server.open)
      if (socket.peer.threads.has(id)) socket.push(frame)
  }
  server.tellAll = (id, frame) => {
    const fate = dice.random()
    if (fate < 0.1) return
    if (fate < 0.25) return held.push([id, frame])
    tell(id, frame)
    if (fate < 0.4) tell(id, frame)
    if (fate > 0.8) for (const late of held.splice(0)) tell(...late)
  }
}

test("a page on a bad line: after the last position it shows what the log says", async () => {
  for (let seed = 1; seed <= ROUNDS; seed += 1) {
    const dice = chance(seed)
    const server = new FakeServer()
    const clock = new FakeClock()
    const id = server.newThread()
    const browser = fakeBrowser(server, clock, { random: dice.random })
    const client = new ChatKitClient({ thread: id, ...browser })
    client.connect()
    await settle()
    badLine(server, dice)
    const step = story(server, id, dice)
    for (let count = 0; count < 30; count += 1) {
      step()
      if (dice.random() < 0.1) await clock.pass(dice.below(3_000))
      if (dice.random() < 0.05) server.cut(dice.pick([1006, 1011, 4008, 4012]))
    }
    await clock.pass(60_000)
    for (const socket of server.open) socket.push(server.position(id))
    await clock.pass(10_000)
    assert.equal(client.state, "open")
    assert.deepEqual(
      client.messages,
      server.threads.get(id).state.messages,
      `seed ${seed}`,
    )
    assert.deepEqual(client.run, server.threads.get(id).state.run)
    client.close()
  }
})
