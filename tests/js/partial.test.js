/** Arguments that are still coming, as far as they can be shown. */

import assert from "node:assert/strict"
import { test } from "node:test"
import { partialInput } from "../../chatkit_app/static/chatkit_app/index.js"
import { readPartial } from "../../chatkit_app/static/chatkit_app/partial.js"
import { settle } from "./fake-browser.js"
import { partOf, world } from "./pages.js"

/** Does the one value say nothing that the whole does not, in the same order? */
function isPrefix(part, whole) {
  if (typeof part === "string") return whole.startsWith(part)
  if (typeof part !== "object" || part === null) return Object.is(part, whole)
  if (Array.isArray(part))
    return (
      Array.isArray(whole) &&
      part.every((item, at) => isPrefix(item, whole[at] ?? null))
    )
  const keys = Object.keys(part)
  const known = Object.keys(whole).slice(0, keys.length)
  return (
    keys.every((key, at) => key === known[at]) &&
    keys.every((key) => isPrefix(part[key], whole[key]))
  )
}

/** Any JSON, from a seed: numbers, escapes, pairs of surrogates, names that are traps. */
function anyJson(random, depth = 0) {
  const kinds = ["text", "text", "number", "literal", "list", "object", "object"]
  const pick = (list) => list[Math.floor(random() * list.length)]
  const many = () => Math.floor(random() * 4)
  switch (depth > 4 ? pick(kinds.slice(0, 4)) : pick(kinds)) {
    case "text":
      return Array.from({ length: many() * 2 }, () =>
        pick([
          "a",
          "ß",
          '"',
          "\\",
          "\n",
          "\u{1f440}",
          "\u2028",
          "\0",
          "/",
          "\ud800",
          "{",
        ]),
      ).join("")
    case "number":
      return pick([0, -1, 12, 1.5, -0.25, 1e21, 1e-7, 123456789, 5e-324])
    case "literal":
      return pick([true, false, null])
    case "list":
      return Array.from({ length: many() }, () => anyJson(random, depth + 1))
    default: {
      const names = ["a", "b", "ä\n", "", "\u{1f440}", "constructor", "toString"]
      return Object.fromEntries(
        Array.from({ length: many() }, () => [pick(names), anyJson(random, depth + 1)]),
      )
    }
  }
}

/** The same numbers for the same seed. */
function chance(seed) {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

/** With every character beyond ASCII escaped, as some models write it. */
function escaped(text) {
  return text.replace(
    /[\u007f-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  )
}

test("what every beginning of a text says is the beginning of what the whole says", () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const whole = { value: anyJson(chance(seed)) }
    const texts = [JSON.stringify(whole), JSON.stringify(whole, null, 2)]
    for (const text of [...texts, escaped(texts[0])]) {
      let before = {}
      for (let end = 1; end <= text.length; end += 1) {
        const part = readPartial(text.slice(0, end))
        assert.ok(isPrefix(part, whole), `${text.slice(0, end)} of ${text}`)
        assert.ok(isPrefix(before, part), `it takes back: ${text.slice(0, end)}`)
        before = part
      }
      assert.deepEqual(before, whole)
    }
  }
})

test("a text is shown as far as it goes; names, numbers and words only whole", () => {
  const shown = [
    ["", undefined],
    ["  ", undefined],
    ["{", {}],
    ['{"na', {}],
    ['{"name"', {}],
    ['{"name":', {}],
    ['{"name":"Ma', { name: "Ma" }],
    ['{"name":"Ma\\', { name: "Ma" }],
    ['{"name":"Ma\\u00', { name: "Ma" }],
    ['{"name":"Ma\\u00df', { name: "Maß" }],
    ['{"name":"\\ud83d', { name: "" }],
    ['{"name":"\\ud83d\\udc40', { name: "\u{1f440}" }],
    ['{"count":12', {}],
    ['{"count":12,', { count: 12 }],
    ['{"count":12 ', { count: 12 }],
    ['{"count":1.', {}],
    ['{"count":1e+', {}],
    ['{"yes":tru', {}],
    ['{"yes":true', { yes: true }],
    ['{"list":[1,2', { list: [1] }],
    ['{"list":[[],{"a":"b', { list: [[], { a: "b" }] }],
  ]
  for (const [text, value] of shown) assert.deepEqual(readPartial(text), value, text)
})

test("what comes after a mistake is not read, and nothing is thrown", () => {
  const broken = [
    ["nonsense", undefined],
    ["{a:1}", {}],
    ['{"a":1,b:2}', { a: 1 }],
    ['{"a":01,"b":2}', {}],
    ['{"a":+1,"b":2}', {}],
    ['{"a":1.5.5,"b":2}', {}],
    ['{"a":"\\x41","b":2}', { a: "" }],
    ['{"a" "b"}', {}],
    ['{"a":1 "b":2}', { a: 1 }],
    ["[1,,2]", [1]],
    ["[1}", [1]],
    ["]", undefined],
    ['{"a":NaN}', {}],
    ['{"a":[1,2]} and more', { a: [1, 2] }],
  ]
  for (const [text, value] of broken) assert.deepEqual(readPartial(text), value, text)
})

test("a name that is a trap is a name like any other", () => {
  const text = '{"__proto__":{"isAdmin":true},"constructor":{"prototype":{"a":1}}}'
  const read = readPartial(text)
  assert.deepEqual(Object.keys(read), ["__proto__", "constructor"])
  assert.equal(Object.getPrototypeOf(read), Object.prototype)
  assert.equal(read.isAdmin, undefined)
  assert.equal({}.isAdmin, undefined)
  assert.equal(JSON.stringify(read), text)
})

test("nesting without end does not end the page", () => {
  for (const open of ["[", '{"a":', '[{"a":']) {
    const read = readPartial(open.repeat(200_000))
    assert.equal(typeof read, "object")
    assert.ok(JSON.stringify(read).length < 2_000)
  }
})

test("a long text is read in a time that grows with it alone", () => {
  const [short, long] = [200_000, 800_000].map((length) => {
    const texts = ["\\n", "1,", "x", '"a",'].map((piece) =>
      piece.repeat(length / piece.length),
    )
    const all = [`["${texts[0]}`, `[${texts[1]}`, `["${texts[2]}`, `[${texts[3]}`]
    const start = performance.now()
    for (const text of all) readPartial(text)
    return performance.now() - start
  })
  // Four times as long: sixteen times the time would be another curve.
  assert.ok(long < 20 * short + 2_000, `${short} ms, then ${long} ms`)
})

test("it is read once for each part, and is the input as soon as that is known", async () => {
  const { server, thread, openPage } = await world()
  const client = await openPage()
  const { call } = server.writtenCall(thread, { input: { sku: "A1" } })
  await settle()
  const part = partOf(client, "tool-call")
  assert.equal(part.input, null)
  assert.deepEqual(client.partialInput(part), { sku: "A1" })
  assert.equal(partialInput(part), client.partialInput(part))
  server.append(thread, {
    type: "tool_call.changed",
    toolCallId: call,
    status: "running",
    state: "input-complete",
    executor: "server",
    input: { sku: "A1", count: 1 },
    deadlineAt: null,
  })
  await settle()
  const complete = partOf(client, "tool-call")
  assert.equal(client.partialInput(complete), complete.input)
})
