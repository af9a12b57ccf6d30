/** What people are asked, in words: values, moments, and how many things wait. */

import assert from "node:assert/strict"
import { test } from "node:test"
import { momentWords } from "../../chatkit_app/static/chatkit_app/element-answering.js"
import { wordsFrom } from "../../chatkit_app/static/chatkit_app/element-strings.js"
import { plainText } from "../../chatkit_app/static/chatkit_app/element-values.js"
import { waitingWords } from "../../chatkit_app/static/chatkit_app/element-waiting.js"

const words = wordsFrom({})
const approval = (approver) => ({ id: "a", kind: "approval", approver })
const question = { id: "q", kind: "question", approver: null }

for (const [value, expected] of [
  ["text", "text"],
  ["", "none"],
  [null, "none"],
  [[], "none"],
  [true, "yes"],
  [0, "0"],
  [["a", 2, false], "a, 2, no"],
  [{ sku: "A", quantity: 1 }, "sku: A, quantity: 1"],
  [{}, "none"],
  [[{ sku: "A" }, "b"], "sku: A\nb"],
  [{ deep: { er: 1 } }, null],
  [[[[1]]], null],
]) {
  test(`a value as people read it: ${JSON.stringify(value)}`, () => {
    assert.equal(plainText(value, words), expected)
  })
}

test("a moment of today is a time, one of another day has its day", () => {
  const now = new Date(2026, 2, 10, 12)
  const at = (...parts) => new Date(2026, 2, ...parts).toISOString()

  assert.equal(momentWords(at(10, 15, 30), now, "de"), "15:30")
  assert.match(momentWords(at(11, 15, 30), now, "de"), /11\. März.*15:30/)
  assert.notEqual(momentWords(at(10, 15, 30), now, "no language!"), "")
  assert.equal(momentWords(null, now, "en"), "")
  assert.equal(momentWords("nonsense", now, "en"), "")
})

for (const [name, interrupts, text, hint] of [
  ["nothing", [], "", ""],
  ["a page's tool", [{ id: "c", kind: "client_tool", approver: null }], "", ""],
  ["something of staff's", [approval("staff")], "", ""],
  ["one thing", [question], /^One thing waits/, /withdraws it\.$/],
  [
    "two things",
    [question, approval("visitor")],
    /^2 things wait/,
    /withdraws them\.$/,
  ],
  ["one thing, and one of staff's", [question, approval("staff")], /^One thing/, /^$/],
]) {
  test(`what waits for the visitor is counted: ${name}`, () => {
    const told = waitingWords(words, interrupts)

    if (text === "") assert.deepEqual(told, { text, hint })
    else {
      assert.match(told.text, text)
      assert.match(told.hint, hint)
    }
  })
}
